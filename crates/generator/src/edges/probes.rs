//! What goes before the opcode, and what is looked at behind it.

use parallax_primitives::{Opcode, U256};

use super::stage::{Stage, is_defined};
use crate::writer::Writer;

/// Where what was seen is kept.
const KEPT: u64 = 9;

/// Accounts and slots become warm, slots dirty or cleared; there is return data, or memory.
pub(super) fn prepare(stage: &mut Stage, w: &mut Writer) {
    for _ in 0..stage.random.between(1, 2) {
        match stage.random.below(8) {
            0 | 1 => {
                let address = stage.address_word();
                w.push(address);
                w.ops(&[Opcode::BALANCE, Opcode::POP]);
            }
            2 => {
                let key = stage.key();
                w.push(key);
                w.ops(&[Opcode::SLOAD, Opcode::POP]);
            }
            3 | 4 => {
                let (key, value) = (stage.key(), stage.random.below(3));
                w.push(value);
                w.push(key);
                w.op(Opcode::SSTORE);
            }
            5 if is_defined(stage.rules, Opcode::TSTORE) => {
                let (key, value) = (stage.key(), stage.random.below(3));
                w.push(value);
                w.push(key);
                w.op(Opcode::TSTORE);
            }
            _ => {
                for part in [32, 0, 0, 0, 0] {
                    w.push(part);
                }
                let address = stage.answering();
                w.push(U256::from_be_slice(address.as_slice()));
                w.push(60_000);
                w.ops(&[Opcode::CALL, Opcode::POP]);
            }
        }
    }
}

/// Looks at what the opcode left, whatever that is, and ends.
pub(super) fn behind(stage: &mut Stage, w: &mut Writer, results: usize) {
    for _ in 0..results.min(1) {
        keep(stage, w);
    }
    for _ in 0..stage.random.below(4) {
        probe(stage, w);
    }
    end(stage, w);
}

/// Looks at what a message left.
pub(super) fn behind_message(stage: &mut Stage, w: &mut Writer) {
    keep(stage, w);
    for _ in 0..stage.random.below(4) {
        probe(stage, w);
    }
}

/// Tells one thing of the world.
fn probe(stage: &mut Stage, w: &mut Writer) {
    let account = |stage: &mut Stage| {
        let address = if stage.named.is_empty() { stage.address() } else { stage.random.pick(&stage.named) };
        U256::from_be_slice(address.as_slice())
    };
    let opcode = match stage.random.below(12) {
        0 | 1 => Opcode::BALANCE,
        2 => Opcode::EXTCODESIZE,
        3 => Opcode::EXTCODEHASH,
        4 | 5 => Opcode::SLOAD,
        6 => Opcode::TLOAD,
        7 | 8 => Opcode::RETURNDATASIZE,
        9 => Opcode::MSIZE,
        10 => Opcode::SELFBALANCE,
        _ => Opcode::MLOAD,
    };
    let opcode = if is_defined(stage.rules, opcode) { opcode } else { Opcode::MSIZE };
    match opcode {
        Opcode::BALANCE | Opcode::EXTCODESIZE | Opcode::EXTCODEHASH => {
            let address = account(stage);
            w.push(address);
        }
        Opcode::SLOAD | Opcode::TLOAD => {
            let key = if stage.keys.is_empty() {
                U256::from(stage.random.below(4))
            } else {
                stage.random.pick(&stage.keys)
            };
            w.push(key);
        }
        Opcode::MLOAD => {
            let at = stage.random.pick(&[0, 1, 32]);
            w.push(at);
        }
        _ => {}
    }
    w.op(opcode);
    keep(stage, w);
}

/// Keeps the top: in a slot, a log, memory, or not at all, as each step is compared anyway.
fn keep(stage: &mut Stage, w: &mut Writer) {
    match stage.random.below(8) {
        0 | 1 => {
            w.push(KEPT);
            w.op(Opcode::SSTORE);
        }
        2 => {
            w.push(0);
            w.push(0);
            w.op(Opcode::LOG1);
        }
        3 => {
            w.push(32);
            w.op(Opcode::MSTORE);
        }
        _ => w.op(Opcode::POP),
    }
}

/// How the frame ends.
pub(super) fn end(stage: &mut Stage, w: &mut Writer) {
    let opcode = match stage.random.below(8) {
        0..=3 => return w.op(Opcode::STOP),
        4 | 5 => Opcode::RETURN,
        6 if is_defined(stage.rules, Opcode::REVERT) => Opcode::REVERT,
        _ => return w.code.push(Opcode::INVALID.0),
    };
    let bytes = stage.random.pick(&[0, 1, 32, 64]);
    w.push(bytes);
    w.push(0);
    w.op(opcode);
}
