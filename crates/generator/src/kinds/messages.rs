//! Code that sends messages to itself.

use parallax_primitives::{Opcode, U256};

use super::{Budget, control, ends::answer, words};
use crate::writer::{Forward, Writer};

/// What a call is made with: its gas, or more than there is.
fn push_gas(w: &mut Writer) {
    match w.random.below(4) {
        0 => w.op(Opcode::GAS),
        1 => w.constant(),
        _ => {
            let gas = w.random.between(100, 30_000);
            w.push(gas);
        }
    }
}

/// With calldata the code calls itself, without it runs its other half; so the other half is entered many times.
pub(super) fn calls(w: &mut Writer) -> Budget {
    let leaf = dispatch(w);
    let body = |w: &mut Writer| {
        call(w);
        w.storm(3);
    };
    if w.random.once_in(2) {
        let turns = w.random.between(1, 20);
        w.repeat(turns, body);
    } else {
        for _ in 0..w.random.between(1, 4) {
            body(w);
        }
    }
    answer(w);
    other_half(w, &leaf);
    Budget::Loops
}

/// Jumps on if there is no calldata.
fn dispatch(w: &mut Writer) -> Forward {
    w.ops(&[Opcode::CALLDATASIZE, Opcode::ISZERO]);
    let leaf = w.push_forward();
    w.op(Opcode::JUMPI);
    leaf
}

fn other_half(w: &mut Writer, leaf: &Forward) {
    w.level(0);
    w.land(leaf);
    match w.random.below(4) {
        0 => drop(words::folds(w)),
        1 => drop(super::memory::charges(w)),
        _ => drop(control::displaced(w)),
    }
    if w.random.once_in(2) {
        answer(w);
    }
}

fn call(w: &mut Writer) {
    let call = w.random.pick(&[Opcode::CALL, Opcode::CALLCODE, Opcode::DELEGATECALL, Opcode::STATICCALL]);
    let call = if w.is_defined(call) { call } else { Opcode::CALL };
    let output = w.random.below(100);
    w.push(output);
    w.push(32);
    // With calldata it is this half again, one deeper.
    let input = if w.random.once_in(8) { w.random.below(40) } else { 0 };
    w.push(input);
    w.push(0);
    if matches!(call, Opcode::CALL | Opcode::CALLCODE) {
        let value = usize::from(w.random.once_in(4));
        w.push(value);
    }
    if w.random.once_in(16) {
        // The identity, or an account that is not there.
        let to = w.random.pick(&[4, 0xdead]);
        w.push(to);
    } else {
        w.op(Opcode::ADDRESS);
    }
    push_gas(w);
    w.op(call);
    if w.random.once_in(3) && w.is_defined(Opcode::RETURNDATACOPY) {
        w.op(Opcode::RETURNDATASIZE);
        w.push(0);
        w.push(64);
        w.op(Opcode::RETURNDATACOPY);
    }
}

/// As [`calls`], but the messages create accounts, with the whole code as init code.
pub(super) fn creates(w: &mut Writer) -> Budget {
    let leaf = dispatch(w);
    for _ in 0..w.random.between(1, 4) {
        w.op(Opcode::CODESIZE);
        w.push(0);
        w.push(0);
        w.op(Opcode::CODECOPY);
        let create2 = w.is_defined(Opcode::CREATE2) && w.random.once_in(2);
        if create2 {
            let salt = w.random.below(3);
            w.push(salt);
        }
        w.op(Opcode::CODESIZE);
        w.push(0);
        let value = w.random.below(2);
        w.push(value);
        w.op(if create2 { Opcode::CREATE2 } else { Opcode::CREATE });
        w.storm(2);
    }
    answer(w);
    other_half(w, &leaf);
    Budget::Loops
}

/// Frames of 22,100 gas, in which the fast form gives up at a warm SSTORE behind the last of many destinations.
pub(super) fn recovery(w: &mut Writer) -> Budget {
    let longest = if w.random.once_in(8) { 24_000 } else { 2000 };
    let length = w.random.between(1, longest);
    w.op(Opcode::CALLDATASIZE);
    w.op(Opcode::ISZERO);
    let into = w.push_forward();
    w.op(Opcode::JUMPI);
    let again = w.destination();
    for _ in 0..4 {
        w.push(0);
    }
    w.push(0);
    w.op(Opcode::ADDRESS);
    let gas = w.random.between(22_000, 22_200);
    w.push(gas);
    w.ops(&[Opcode::CALL, Opcode::POP]);
    w.push_destination(again);
    w.op(Opcode::JUMP);
    for _ in 0..length {
        w.destination();
    }
    let last = w.destination();
    w.set(&into, last);
    w.push(U256::ZERO);
    w.push(U256::ZERO);
    w.op(Opcode::SSTORE);
    w.push_destination(last);
    w.op(Opcode::JUMP);
    Budget::Loops
}
