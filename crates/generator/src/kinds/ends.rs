//! How programs end.

use parallax_primitives::Opcode;

use crate::writer::{Writer, push_of};

/// How a program ends; most run into the end of their code.
pub(crate) fn end(writer: &mut Writer) {
    match writer.random.below(16) {
        0..=2 => cut_push(writer),
        3..=6 => answer(writer),
        7 => writer.code.push(0x0c),
        8 => writer.op(Opcode::SELFDESTRUCT),
        9 => {
            writer.constant();
            writer.op(Opcode::JUMP);
        }
        _ => {}
    }
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
