//! How programs end.

use parallax_primitives::Opcode;

use crate::writer::{Writer, push_of};

use super::budget::Budget;

/// How a program ends; most run into the end of their code. `budget` is what it may spend up to there, the answer what it may
/// spend with its end.
pub(crate) fn end(writer: &mut Writer, budget: Budget) -> Budget {
    match writer.random.below(16) {
        0..=2 => cut_push(writer),
        3..=6 => answer(writer),
        7 => writer.code.push(0x0c),
        8 => writer.op(Opcode::SELFDESTRUCT),
        9 => {
            writer.constant();
            writer.op(Opcode::JUMP);
            // The constant may be a place before it.
            if budget == Budget::Free {
                return Budget::Loops;
            }
        }
        _ => {}
    }
    budget
}

/// Opcodes that leave values for the caller to see: up to three items are the output.
pub(super) fn answer(w: &mut Writer) {
    for offset in 0..3 {
        if w.usable() > 0 {
            w.push(32 * offset);
            w.op(Opcode::MSTORE);
        }
    }
    w.push(96);
    w.push(0);
    let end = w.random.pick(&[Opcode::RETURN, Opcode::RETURN, Opcode::REVERT]);
    w.op(end);
}

/// A PUSH whose data the end of the code cuts off.
pub(super) fn cut_push(w: &mut Writer) {
    let bytes = w.random.between(1, 32);
    w.op(push_of(bytes));
    for _ in 0..w.random.below(bytes) {
        let data = w.random.byte();
        w.code.push(data);
    }
}
