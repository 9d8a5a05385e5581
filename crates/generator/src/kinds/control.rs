//! Jumps: fused ones, runs of destinations, destinations that are worked out.

use parallax_primitives::{Opcode, U256};

use super::Budget;
use crate::writer::Writer;

/// Rounds of a storm and a conditional jump.
pub(super) fn displaced(w: &mut Writer) -> Budget {
    let body = |w: &mut Writer| {
        for _ in 0..w.random.between(2, 12) {
            for _ in 0..w.random.below(4) {
                w.value();
            }
            let opcodes = w.random.between(2, 14);
            w.storm(opcodes);
            w.branch();
            if w.usable() > 60 {
                let height = w.height - 50;
                w.level(height);
            }
        }
    };
    if w.random.once_in(3) {
        w.repeat(18, body);
        return Budget::Loops;
    }
    body(w);
    Budget::Free
}

/// Runs of destinations, which jumps enter at each: constant ones, and one that counts.
pub(super) fn runs(w: &mut Writer) -> Budget {
    for _ in 0..w.random.between(1, 3) {
        let longest = if w.random.once_in(20) { 3000 } else { 64 };
        let length = w.random.between(1, longest);
        if w.random.once_in(2) {
            entered_by_constants(w, length);
        } else {
            entered_by_a_counter(w, length);
        }
    }
    Budget::Loops
}

/// A chain of jumps: each into another place of one run, behind which the next one follows.
fn entered_by_constants(w: &mut Writer, length: usize) {
    let run = run_of(w, length);
    w.storm(3);
    for _ in 0..w.random.between(1, 4) {
        // Taken or not: if it is, gas ends it, or a stack that is full.
        w.read();
        w.condition();
        let at = run + w.random.below(length);
        w.push_destination(at);
        w.op(Opcode::JUMPI);
    }
}

fn entered_by_a_counter(w: &mut Writer, length: usize) {
    let turns = w.random.between(1, 70);
    w.push(turns);
    let run = run_of(w, length);
    if w.random.once_in(2) {
        w.ops(&[Opcode::GAS, Opcode::POP]);
    }
    let mask = length.next_power_of_two() / 2;
    w.push(1);
    w.ops(&[Opcode::SWAP1, Opcode::SUB, Opcode::DUP1, Opcode::DUP1]);
    w.push(mask.saturating_sub(1));
    w.op(Opcode::AND);
    w.push_destination(run);
    w.ops(&[Opcode::ADD, Opcode::JUMPI]);
}

fn run_of(w: &mut Writer, length: usize) -> usize {
    let first = w.destination();
    for _ in 1..length {
        w.destination();
    }
    first
}

/// A JUMPDEST before every opcode.
pub(super) fn single(w: &mut Writer) -> Budget {
    for _ in 0..w.random.between(5, 120) {
        w.destination();
        match w.random.below(12) {
            0..=3 => w.value(),
            4 => w.binary(),
            5 => w.unary(),
            6 => w.storm(1),
            7 => w.run(Opcode::POP),
            8 => {
                let offset = w.random.below(100);
                w.push(offset);
                w.op(Opcode::MLOAD);
            }
            9 => w.branch(),
            10 => {
                let to = w.push_forward();
                w.op(Opcode::JUMP);
                w.land(&to);
            }
            _ => {}
        }
    }
    Budget::Memory
}

/// Jumps to where an item says, which the translator cannot know.
pub(super) fn dynamic(w: &mut Writer) -> Budget {
    for _ in 0..w.random.between(1, 12) {
        w.storm(4);
        let conditional = w.random.once_in(3);
        if conditional {
            w.condition();
        }
        let to = w.push_forward();
        match w.random.below(6) {
            // A block's edge, calldata that is zero, memory, an item that is displaced.
            0 => {
                w.destination();
            }
            1 => {
                w.push(2000);
                w.ops(&[Opcode::CALLDATALOAD, Opcode::ADD]);
            }
            2 => {
                w.push(0);
                w.op(Opcode::MSTORE);
                w.push(0);
                w.op(Opcode::MLOAD);
            }
            3 => w.ops(&[Opcode::NOT, Opcode::CALLVALUE, Opcode::ADD, Opcode::NOT]),
            4 => {
                w.read();
                w.ops(&[Opcode::SWAP1, Opcode::DUP1, Opcode::SWAP1, Opcode::AND]);
            }
            _ => {}
        }
        if w.random.once_in(24) {
            // To nowhere: one too far, or far beyond any code.
            let beyond = w.random.pick(&[U256::from(1), U256::from(1) << 32, U256::from(1) << 64]);
            w.push(beyond);
            w.op(Opcode::ADD);
        }
        w.op(if conditional { Opcode::JUMPI } else { Opcode::JUMP });
        w.land(&to);
    }
    Budget::Memory
}
