//! Memory, and what is charged by size.

use parallax_primitives::{Opcode, U256};

use super::Budget;
use crate::writer::Writer;

/// What writes to memory or reads a region of it.
const REGIONS: [Opcode; 9] = [
    Opcode::KECCAK256,
    Opcode::CALLDATACOPY,
    Opcode::CODECOPY,
    Opcode::RETURNDATACOPY,
    Opcode::MCOPY,
    Opcode::EXTCODECOPY,
    Opcode::LOG0,
    Opcode::LOG1,
    Opcode::LOG4,
];

fn offset(w: &mut Writer) -> U256 {
    let small = U256::from(w.random.below(300));
    let near = |power: usize, by: usize| {
        (U256::from(1) << power).wrapping_sub(U256::from(66)).wrapping_add(U256::from(by))
    };
    let by = w.random.below(70);
    match w.random.below(12) {
        0..=4 => small,
        5 | 6 => near(32, by),
        7 => near(63, by),
        8 | 9 => near(64, by),
        10 => U256::ZERO.wrapping_sub(U256::from(by)),
        _ => near(10, by),
    }
}

/// Opcodes at offsets near powers of two. Most have size 0 there, which costs nothing, so that the next one runs too.
pub(super) fn offsets(w: &mut Writer) -> Budget {
    for _ in 0..w.random.between(2, 20) {
        match w.random.below(8) {
            0 => w.branch(),
            1 => w.ops(&[Opcode::MSIZE, Opcode::GAS]),
            2..=4 => {
                let opcode = w.random.pick(&[Opcode::MLOAD, Opcode::MSTORE, Opcode::MSTORE8]);
                w.value();
                let is_last = w.random.once_in(6);
                let at = if is_last { offset(w) } else { U256::from(w.random.below(300)) };
                push_hidden(w, at);
                w.op(opcode);
            }
            _ => region(w, |w| {
                let size = if w.random.once_in(8) { w.random.pick(&[1, 31, 32, 33]) } else { 0 };
                (offset(w), U256::from(size))
            }),
        }
    }
    let at = offset(w);
    w.push(w.random.clone().below(2));
    push_hidden(w, at);
    w.op(Opcode::RETURN);
    Budget::Memory
}

/// Pushes a constant so that the translator knows it, or does not.
fn push_hidden(w: &mut Writer, value: U256) {
    w.push(value);
    if w.random.once_in(2) {
        w.push(2000);
        w.ops(&[Opcode::CALLDATALOAD, Opcode::ADD]);
    }
}

/// An opcode that takes a region of memory.
fn region(w: &mut Writer, place: impl FnOnce(&mut Writer) -> (U256, U256)) {
    let opcode = w.random.pick(&REGIONS);
    let opcode = if w.is_defined(opcode) { opcode } else { Opcode::CODECOPY };
    let (offset, size) = place(w);
    match opcode {
        Opcode::LOG0 | Opcode::KECCAK256 => {}
        Opcode::LOG1 => w.value(),
        Opcode::LOG4 => (0..4).for_each(|_| w.value()),
        _ => {}
    }
    push_hidden(w, size);
    match opcode {
        // Beyond the end of what is copied from is zero; but not for return data.
        Opcode::RETURNDATACOPY => w.push(0),
        Opcode::CALLDATACOPY | Opcode::CODECOPY | Opcode::EXTCODECOPY | Opcode::MCOPY => {
            let source = w.random.below(200);
            w.push(source);
        }
        _ => {}
    }
    push_hidden(w, offset);
    if opcode == Opcode::EXTCODECOPY {
        w.op(Opcode::ADDRESS);
    }
    w.op(opcode);
}

/// Dear opcodes of odd sizes, again and again, with reads of the gas that is left.
pub(super) fn charges(w: &mut Writer) -> Budget {
    let body = |w: &mut Writer| {
        for _ in 0..w.random.between(3, 24) {
            charge(w);
            if w.random.once_in(3) {
                w.op(Opcode::GAS);
            }
            if w.random.once_in(4) {
                w.storm(4);
            }
            if w.random.once_in(8) {
                w.branch();
            }
        }
    };
    if w.random.once_in(3) {
        w.repeat(18, body);
    } else {
        body(w);
    }
    Budget::Loops
}

fn charge(w: &mut Writer) {
    match w.random.below(12) {
        0..=2 => region(w, |w| (U256::from(w.random.below(300)), U256::from(w.random.below(100)))),
        3 => {
            let key = w.random.below(4);
            w.push(key);
            let load = w.random.pick(&[Opcode::SLOAD, Opcode::SLOAD, Opcode::TLOAD]);
            w.op(if w.is_defined(load) { load } else { Opcode::SLOAD });
        }
        4 | 5 => {
            let value = w.random.below(3);
            w.push(value);
            let key = w.random.below(4);
            w.push(key);
            let store = w.random.pick(&[Opcode::SSTORE, Opcode::SSTORE, Opcode::TSTORE]);
            w.op(if w.is_defined(store) { store } else { Opcode::SSTORE });
        }
        6 => {
            w.value();
            w.value();
            w.op(Opcode::EXP);
        }
        7 => {
            let of = w.random.pick(&[Opcode::ADDRESS, Opcode::CALLER, Opcode::NUMBER]);
            w.op(of);
            let read = w.random.pick(&[
                Opcode::BALANCE,
                Opcode::EXTCODESIZE,
                Opcode::EXTCODEHASH,
                Opcode::BLOCKHASH,
                Opcode::BLOBHASH,
            ]);
            w.op(if w.is_defined(read) { read } else { Opcode::BALANCE });
        }
        8 => {
            let read = w.random.pick(&[
                Opcode::SELFBALANCE,
                Opcode::CHAINID,
                Opcode::BASEFEE,
                Opcode::BLOBBASEFEE,
                Opcode::COINBASE,
                Opcode::PREVRANDAO,
                Opcode::RETURNDATASIZE,
                Opcode::CODESIZE,
            ]);
            w.op(if w.is_defined(read) { read } else { Opcode::COINBASE });
        }
        9 => {
            w.value();
            let at = w.random.below(400);
            w.push(at);
            let store = w.random.pick(&[Opcode::MSTORE, Opcode::MSTORE8]);
            w.op(store);
        }
        10 => {
            let at = w.random.below(400);
            push_hidden(w, U256::from(at));
            w.op(Opcode::MLOAD);
        }
        _ => w.op(Opcode::MSIZE),
    }
}
