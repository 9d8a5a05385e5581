//! Arithmetic: short programs of everything, and constants at edges.

use parallax_primitives::{Class, Opcode, U256};

use super::Budget;
use crate::writer::Writer;

/// Pieces that mostly make sense together, with loops, jumps and stack shuffling.
pub(super) fn mixed(w: &mut Writer) -> Budget {
    let mut destinations = Vec::new();
    for _ in 0..w.random.below(6) {
        w.constant();
    }
    for _ in 0..w.random.between(10, 70) {
        match w.random.below(28) {
            0..=5 => w.constant(),
            6..=8 => {
                let item = item(w);
                w.dup(item);
            }
            9..=12 => {
                let item = item(w);
                w.swap(item);
            }
            13..=16 => w.binary(),
            17 => w.unary(),
            18 => w.storm(4),
            19 => {
                let modular = w.random.pick(&[Opcode::ADDMOD, Opcode::MULMOD]);
                w.run(modular);
            }
            20 => small_operands(w),
            21 | 22 => w.read(),
            23 => {
                destinations.push(w.destination());
                for _ in 0..w.random.below(3) {
                    w.destination();
                }
            }
            24 | 25 if !destinations.is_empty() => {
                w.condition();
                let destination = w.random.pick(&destinations);
                w.push_destination(destination);
                w.op(Opcode::JUMPI);
            }
            26 => w.branch(),
            _ if w.random.once_in(8) => {
                let byte = w.random.byte();
                w.op(Opcode(byte));
            }
            _ => w.value(),
        }
    }
    Budget::Loops
}

/// An item near the top, hardly ever one that is not there.
fn item(w: &mut Writer) -> usize {
    let items = if w.random.once_in(40) { 16 } else { w.usable().saturating_sub(1).clamp(1, 8) };
    w.random.between(1, items)
}

/// An opcode of memory, storage, logs or jumps with two small operands.
fn small_operands(w: &mut Writer) {
    for _ in 0..2 {
        let operand = w.random.below(5);
        w.push(operand);
    }
    let opcode = w.random.pick(&[
        Opcode::MLOAD,
        Opcode::MSTORE,
        Opcode::MSTORE8,
        Opcode::SLOAD,
        Opcode::SSTORE,
        Opcode::TLOAD,
        Opcode::TSTORE,
        Opcode::LOG0,
        Opcode::KECCAK256,
        Opcode::EXP,
        Opcode::JUMP,
    ]);
    // Most destinations are none.
    let opcode = if w.is_defined(opcode) && w.random.once_in(2) { opcode } else { Opcode::SLOAD };
    w.op(opcode);
}

/// Any bytes, most of them opcodes that can run.
pub(super) fn bytes(w: &mut Writer) -> Budget {
    for _ in 0..w.random.between(1, 300) {
        let opcode = Opcode(w.random.byte());
        let ends = opcode == Opcode::JUMP
            || opcode.info().is_none_or(|info| matches!(info.class, Class::Halt | Class::Message));
        match w.random.below(32) {
            0 => w.code.push(opcode.0),
            1..=3 => {
                w.destination();
            }
            _ if w.is_defined(opcode) && !ends => {
                w.run(opcode);
                for _ in 0..opcode.info().map_or(0, |info| info.immediate) {
                    let data = w.random.byte();
                    w.code.push(data);
                }
            }
            _ => w.value(),
        }
    }
    Budget::Loops
}

/// Opcodes with constants where there is a rule for constants, and where there is none any more.
pub(super) fn folds(w: &mut Writer) -> Budget {
    let body = |w: &mut Writer| {
        for _ in 0..w.random.between(4, 40) {
            fold(w);
            if w.random.once_in(6) {
                w.branch();
            }
            if w.usable() > 40 {
                w.op(Opcode::XOR);
            }
        }
        w.destination();
    };
    if w.random.once_in(3) {
        w.repeat(18, body);
        return Budget::Loops;
    }
    body(w);
    Budget::Free
}

fn fold(w: &mut Writer) {
    let (opcode, first): (Opcode, U256) = match w.random.below(12) {
        0 => (Opcode::SHL, U256::from(w.random.between(254, 258))),
        1 => (Opcode::SHR, U256::from(w.random.between(254, 258))),
        2 => (Opcode::SAR, U256::from(w.random.between(254, 258))),
        3 => (Opcode::BYTE, U256::from(w.random.between(30, 33))),
        4 => (Opcode::SIGNEXTEND, U256::from(w.random.between(29, 33))),
        5 => (w.random.pick(&[Opcode::SHL, Opcode::SHR, Opcode::SAR, Opcode::BYTE]), w.random.word()),
        6 => (Opcode::MUL, U256::from(1) << w.random.below(256)),
        7 => (Opcode::EXP, U256::from(w.random.below(4))),
        8 => (w.random.pick(&[Opcode::ADDMOD, Opcode::MULMOD]), w.random.word()),
        _ => {
            // The second operand is the one that counts: a divisor.
            let divisor = match w.random.below(3) {
                0 => U256::from(1) << w.random.below(256),
                1 => U256::from(w.random.below(3)),
                _ => w.random.word(),
            };
            w.push(divisor);
            w.value();
            let opcode = w.random.pick(&[Opcode::DIV, Opcode::MOD, Opcode::SDIV, Opcode::SMOD, Opcode::MUL]);
            return w.op(opcode);
        }
    };
    let opcode = if w.is_defined(opcode) { opcode } else { Opcode::SIGNEXTEND };
    if matches!(opcode, Opcode::ADDMOD | Opcode::MULMOD) {
        if w.random.once_in(2) { w.constant() } else { w.read() }
    }
    match w.random.below(4) {
        // Both, or the other one, are constants.
        0 => {
            w.constant();
            w.push(first);
        }
        1 => {
            w.push(first);
            w.read();
        }
        _ => {
            w.value();
            w.push(first);
        }
    }
    w.op(opcode);
    if w.random.once_in(5) {
        w.unary();
    }
}
