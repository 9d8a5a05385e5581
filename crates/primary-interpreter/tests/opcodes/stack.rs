//! PUSH, DUP, SWAP and POP.

use parallax_primitives::{Fork, Opcode, U256};

use crate::frame::Program;

/// Bytes that differ from each other, none of them zero.
fn data(size: usize) -> Vec<u8> {
    (1..=32).map(|n| 0xa0 ^ n).take(size).collect()
}

/// PUSH`size` with `present` bytes of code behind it: the others are zero, and the end is behind them.
#[track_caller]
fn check_push(size: usize, present: usize) {
    let opcode = 0x5f + u8::try_from(size).expect("at most 32");
    let code = [vec![0x60, 7, opcode], data(present)].concat();
    let (_, steps) = Program::of_bytes(Fork::Osaka, &code).succeed();
    let mut value = [0; 32];
    value[32 - size..][..present].copy_from_slice(&data(present));
    assert_eq!(steps[1].after.stack, [U256::from(7), U256::from_be_bytes(value)]);
    assert_eq!((steps[2].before.pc, steps[2].before.opcode), (3 + size, Opcode::STOP));
    assert_eq!(steps.len(), 3);
}

#[test]
fn push_reads_its_data_and_zeros_behind_the_end() {
    for size in 0..=32 {
        for present in 0..=size {
            check_push(size, present);
        }
    }
}

/// On a stack of 17, 16, ... 1 (the top), after `opcode`.
#[track_caller]
fn check_move(opcode: u8, expected: &[u64]) {
    let mut code: Vec<u8> = (1..=17).rev().flat_map(|item| [0x60, item]).collect();
    code.push(opcode);
    let last = Program::of_bytes(Fork::Osaka, &code).last();
    let from_top: Vec<U256> = last.after.stack.iter().rev().copied().collect();
    let expected: Vec<U256> = expected.iter().map(|item| U256::from(*item)).collect();
    assert_eq!(from_top, expected, "{}", Opcode(opcode));
}

#[test]
fn dup_copies_and_swap_exchanges() {
    for n in 1..=16_u8 {
        let mut expected: Vec<u64> = (1..=17).collect();
        expected.insert(0, u64::from(n));
        check_move(0x7f + n, &expected);

        let mut expected: Vec<u64> = (1..=17).collect();
        expected[0] = u64::from(n) + 1;
        expected[usize::from(n)] = 1;
        check_move(0x8f + n, &expected);
    }
    check_move(Opcode::POP.0, &(2..=17).collect::<Vec<_>>());
}
