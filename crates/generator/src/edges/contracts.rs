//! Code of the contracts that are called.

use parallax_primitives::{Opcode, Rules};

use crate::{random::Random, writer::Writer};

/// Answers, reverts or fails, behind something that the world sees, or nothing.
pub(super) fn answering(random: &mut Random, rules: Rules) -> Vec<u8> {
    let mut w = Writer::new(Random::new(random.bits()), rules);
    for _ in 0..w.random.below(3) {
        effect(&mut w);
    }
    let bytes = w.random.pick(&[0, 1, 31, 32, 33, 64]);
    if w.random.once_in(2) {
        w.op(Opcode::ADDRESS);
        w.push(0);
        w.op(Opcode::MSTORE);
    }
    match w.random.below(8) {
        0..=3 => answer(&mut w, Opcode::RETURN, bytes),
        4 | 5 => answer(&mut w, Opcode::REVERT, bytes),
        6 => w.code.push(Opcode::INVALID.0),
        _ => {
            let to = w.random.pick(&[Opcode::CALLER, Opcode::ADDRESS, Opcode::COINBASE, Opcode::ORIGIN]);
            w.ops(&[to, Opcode::SELFDESTRUCT]);
        }
    }
    w.code
}

/// Something that does not outlive a frame that fails: a refund, a slot that is warm, one for the transaction alone, a log.
pub(super) fn effect(w: &mut Writer) {
    let key = w.random.below(4);
    match w.random.below(6) {
        0 | 1 => {
            // A slot that was not zero is cleared, or the other way round.
            let value = w.random.below(2);
            w.push(value);
            w.push(key);
            w.op(Opcode::SSTORE);
        }
        2 => {
            w.push(key);
            w.ops(&[Opcode::SLOAD, Opcode::POP]);
        }
        3 if w.is_defined(Opcode::TSTORE) => {
            w.push(7);
            w.push(key);
            w.op(Opcode::TSTORE);
        }
        4 => {
            let bytes = w.random.below(33);
            w.push(bytes);
            w.push(0);
            w.op(Opcode::LOG0);
        }
        _ => {
            // Set and cleared at once.
            w.push(1);
            w.push(key);
            w.op(Opcode::SSTORE);
            w.push(0);
            w.push(key);
            w.op(Opcode::SSTORE);
        }
    }
}

/// So many bytes of memory, in forks without REVERT too.
pub(super) fn answer(w: &mut Writer, opcode: Opcode, bytes: usize) {
    w.push(bytes);
    w.push(0);
    w.op(if w.is_defined(opcode) { opcode } else { Opcode::RETURN });
}
