//! DUPN, SWAPN and EXCHANGE: every immediate, and what is none.

use parallax_primitives::{Opcode, Reach};

use super::Budget;
use crate::writer::Writer;

const OPCODES: [Opcode; 3] = [Opcode::DUPN, Opcode::SWAPN, Opcode::EXCHANGE];

/// Moves of deep items between other opcodes, on stacks of many heights.
pub(super) fn deep(w: &mut Writer) -> Budget {
    if w.random.once_in(8) {
        sinks(w);
    }
    let items = w.random.pick(&[3, 20, 40, 240, 260]);
    while w.height < items {
        w.value();
    }
    if w.random.once_in(2) {
        w.destination();
    }
    let body = |w: &mut Writer| {
        for _ in 0..w.random.between(2, 24) {
            match w.random.below(16) {
                0..=8 => moves(w),
                9 | 10 => w.storm(4),
                11 => w.branch(),
                12 => w.binary(),
                13 => enters_immediate(w),
                14 if w.random.once_in(6) => any_immediate(w),
                _ => w.read(),
            }
        }
    };
    if w.random.once_in(3) {
        w.repeat(18, body);
    } else {
        body(w);
    }
    if w.random.once_in(6) {
        // Its immediate is behind the end.
        let opcode = w.random.pick(&OPCODES);
        w.op(opcode);
    }
    Budget::Loops
}

/// An immediate that names what is there, mostly.
fn moves(w: &mut Writer) {
    let opcode = w.random.pick(&OPCODES);
    for _ in 0..40 {
        let immediate = w.random.byte();
        if let Some(reach) = Reach::of(opcode, immediate)
            && usize::from(reach.items()) <= w.usable()
        {
            w.op(opcode);
            w.code.push(immediate);
            w.height += usize::from(reach.adds());
            return;
        }
    }
    w.storm(2);
}

fn any_immediate(w: &mut Writer) {
    let opcode = w.random.pick(&OPCODES);
    w.op(opcode);
    let immediate = w.random.byte();
    w.code.push(immediate);
}

/// A jump to a JUMPDEST that stands where the immediate would, which is run into now and then.
fn enters_immediate(w: &mut Writer) {
    let opcode = w.random.pick(&OPCODES);
    let to = w.push_forward();
    if w.random.once_in(12) {
        w.op(Opcode::POP);
    } else {
        w.op(Opcode::JUMP);
    }
    w.code.push(opcode.0);
    w.land(&to);
}

/// A block that has sunk by nearly as many items as a stack has, and reaches further down from there.
fn sinks(w: &mut Writer) {
    for height in [500, 1010] {
        while w.height < height {
            w.op(Opcode::PC);
        }
        w.destination();
    }
    let left = w.random.pick(&[20, 220, 230, 240]);
    while w.height > left {
        w.op(Opcode::POP);
    }
    if w.random.once_in(8) {
        any_immediate(w);
    }
    moves(w);
    w.destination();
}
