//! Blocks that the translator splits: too many opcodes, too far from the entry, no temporaries left.

use parallax_primitives::Opcode;

use super::{Budget, ends::cut_push};
use crate::writer::Writer;

/// The number itself, or one close to it: a split is at one place exactly.
fn near(w: &mut Writer, number: usize) -> usize {
    match w.random.below(4) {
        0 | 1 => w.random.between(number - 2, number + 2),
        2 => w.random.between(number - 20, number + 20),
        _ => w.random.between(number - 20, number + 40),
    }
}

/// What stands where the block may be split.
fn tail(w: &mut Writer) {
    match w.random.below(8) {
        0..=2 => cut_push(w),
        3 => w.branch(),
        4 => {
            let to = w.push_forward();
            w.op(Opcode::JUMP);
            w.land(&to);
        }
        5 => {
            w.destination();
        }
        6 => {
            let items = w.random.between(1, 16);
            w.dup(items);
            w.swap(items);
        }
        _ => w.storm(8),
    }
    if w.random.once_in(2) {
        w.storm(30);
    }
}

/// Some 4,000 or 8,000 opcodes that leave the stack as it was.
pub(super) fn opcodes(w: &mut Writer) -> Budget {
    let many = if w.random.once_in(3) { 8000 } else { 4000 };
    let count = near(w, many);
    for _ in 0..w.random.below(4) {
        w.read();
    }
    w.destination();
    let start = w.opcodes;
    let unit = w.random.below(6);
    while w.opcodes - start + 2 <= count {
        match if unit == 5 { w.random.below(5) } else { unit } {
            0 => w.ops(&[Opcode::PC, Opcode::POP]),
            1 => w.ops(&[Opcode::GAS, Opcode::POP]),
            2 if w.height > 1 => w.ops(&[Opcode::SWAP1, Opcode::NOT]),
            3 if w.height > 1 => w.ops(&[Opcode::DUP1, Opcode::ADD]),
            _ => {
                w.constant();
                w.op(if w.height > 2 { Opcode::XOR } else { Opcode::POP });
            }
        }
    }
    if w.opcodes - start < count {
        w.read();
    }
    tail(w);
    Budget::Free
}

/// Climbs from near the bottom to the limit, or falls from there.
pub(super) fn heights(w: &mut Writer) -> Budget {
    let falls = w.random.once_in(2);
    let items = if falls { w.random.between(1000, 1024) } else { near(w, 1000) };
    if falls {
        // In two blocks, as one does not reach so far.
        climb(w, 500);
        w.destination();
        climb(w, items);
        w.destination();
        let left = w.random.below(40);
        while w.height > left {
            match w.random.below(24) {
                0 if w.height < 1020 => w.value(),
                1 => w.binary(),
                2 => w.unary(),
                3 => w.swap(1),
                4 if left + 20 < w.height => w.storm(2),
                _ => w.op(Opcode::POP),
            }
        }
    } else {
        for _ in 0..w.random.below(24) {
            w.read();
        }
        w.destination();
        let low = w.height;
        climb(w, low + items);
    }
    tail(w);
    Budget::Free
}

fn climb(w: &mut Writer, to: usize) {
    let unit = w.random.below(4);
    while w.height < to {
        match if unit == 3 { w.random.below(3) } else { unit } {
            0 => w.op(Opcode::PC),
            1 => w.op(Opcode::GAS),
            _ if w.height > 0 && !w.random.once_in(3) => {
                let item = w.random.between(1, w.height.min(16));
                w.dup(item);
            }
            _ => w.constant(),
        }
    }
}

/// Groups of 17 items, each of which is displaced by the next one's result.
pub(super) fn temporaries(w: &mut Writer) -> Budget {
    let body = |w: &mut Writer| {
        for _ in 0..w.random.between(1, 18) {
            for _ in 0..17 {
                w.read();
            }
            for item in (1..=16).rev() {
                w.swap(item);
                w.unary();
            }
            if w.random.once_in(4) {
                w.storm(6);
            }
        }
        tail(w);
    };
    if w.random.once_in(6) {
        w.repeat(18, body);
        return Budget::Loops;
    }
    body(w);
    Budget::Free
}

/// Short code that ends inside a PUSH, which is the first opcode of a block, the last of a long one, or behind a jump.
pub(super) fn cut(w: &mut Writer) -> Budget {
    match w.random.below(5) {
        0 => {}
        1 => {
            w.destination();
        }
        2 => {
            w.read();
            w.push_destination(0);
            w.op(Opcode::JUMPI);
        }
        3 => w.storm(20),
        _ => w.branch(),
    }
    cut_push(w);
    Budget::Loops
}
