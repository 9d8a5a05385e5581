//! DUPN, SWAPN and EXCHANGE (EIP-8024).

use parallax_primitives::{Halt, Rules, U256};

use crate::frame::Program;

const DUPN: u8 = 0xe6;
const SWAPN: u8 = 0xe7;
const EXCHANGE: u8 = 0xe8;
const POP: u8 = 0x50;

fn rules() -> Rules {
    "Osaka+8024".parse().expect("the EIP is known")
}

/// Code that leaves so many items: 1 is the top, 2 is below it.
fn items(count: u16) -> Vec<u8> {
    let push = |item: u16| [&[0x61][..], &item.to_be_bytes()].concat();
    (1..=count).rev().flat_map(push).collect()
}

/// On `count` items, the opcode with this byte behind it, then POPs: what is on top.
#[track_caller]
fn check(count: u16, opcode: u8, immediate: u8, pops: usize, top: u16) {
    let items = items(count);
    let code = [&items[..], &[opcode, immediate], &[POP].repeat(pops)].concat();
    let last = Program::of_bytes(rules(), &code).with(|program| program.watched_from = items.len()).last();
    let found = last.after.stack.last();
    assert_eq!(found, Some(&U256::from(top)), "{opcode:#x} {immediate:#04x}, item {pops}");
}

#[test]
fn an_immediate_names_one_item() {
    for n in 17..=235_u16 {
        let [_, immediate] = (n + 111).to_be_bytes();
        check(235, DUPN, immediate, 0, n);
        check(236, SWAPN, immediate, 0, n + 1);
        check(236, SWAPN, immediate, usize::from(n), 1);
    }
}

/// The EIP's other way round, from two items to the byte.
#[test]
fn an_immediate_names_two_items() {
    let pairs = (1..=14_u8).flat_map(|n| (n + 1..=30 - n).map(move |m| (n, m)));
    assert_eq!(pairs.clone().count(), 210);
    for (n, m) in pairs {
        let (row, column) = if m <= 16 { (n - 1, m - 1) } else { (29 - m, n - 1) };
        let immediate = (16 * row + column) ^ 143;
        check(30, EXCHANGE, immediate, 0, 1);
        check(30, EXCHANGE, immediate, n.into(), u16::from(m) + 1);
        check(30, EXCHANGE, immediate, m.into(), u16::from(n) + 1);
    }
}

/// On `count` items with `gas` left.
#[track_caller]
fn check_halt(count: u16, code: &[u8], gas: u64, expected: Halt) {
    let all = [&items(count)[..], code].concat();
    let step = Program::of_bytes(rules(), &all).gas(3 * u64::from(count) + gas).halt(expected);
    assert_eq!(step.gas_cost, 3, "{count} items, {code:x?}, {gas} gas");
}

#[test]
fn gas_comes_first_then_the_immediate_then_the_depth() {
    for opcode in [DUPN, SWAPN, EXCHANGE] {
        for (immediate, gas, halt) in [
            (0x5b, 2, Halt::OutOfGas),
            (0x5b, 3, Halt::InvalidImmediate),
            (0x80, 2, Halt::OutOfGas),
            (0x80, 3, Halt::StackUnderflow),
        ] {
            check_halt(0, &[opcode, immediate], gas, halt);
        }
    }
    check_halt(1024, &[DUPN, 0x80], 2, Halt::OutOfGas);
    check_halt(1024, &[DUPN, 0x80], 3, Halt::StackOverflow);
    check_halt(1024, &[DUPN, 0x5b], 3, Halt::InvalidImmediate);
    check(1024, SWAPN, 0x80, 0, 18);
    check(1024, EXCHANGE, 0x8e, 1, 3);
    check(1023, DUPN, 0x80, 0, 17);
}

#[test]
fn bytes_of_jumpdest_and_push_are_no_immediates() {
    for (opcode, first) in [(DUPN, 91), (SWAPN, 91), (EXCHANGE, 82)] {
        for immediate in first..=127 {
            check_halt(300, &[opcode, immediate], 100, Halt::InvalidImmediate);
        }
    }
}

#[test]
fn as_many_items_as_are_named() {
    for (code, enough) in [
        ([DUPN, 0x80], 17),
        ([DUPN, 0x5a], 235),
        ([SWAPN, 0x80], 18),
        ([SWAPN, 0x5a], 236),
        ([EXCHANGE, 0x8e], 3),
        ([EXCHANGE, 0x50], 17),
        ([EXCHANGE, 0x8f], 30),
    ] {
        check_halt(enough - 1, &code, 100, Halt::StackUnderflow);
        Program::of_bytes(rules(), &[&items(enough)[..], &code].concat()).succeed();
    }
}

#[test]
fn behind_the_end_the_immediate_is_zero() {
    for (opcode, enough) in [(DUPN, 145), (SWAPN, 146), (EXCHANGE, 17)] {
        check_halt(enough - 1, &[opcode], 100, Halt::StackUnderflow);
        let code = [&items(enough)[..], &[opcode]].concat();
        let last = Program::of_bytes(rules(), &code).last();
        assert_eq!((last.before.pc, last.gas_cost), (code.len() - 1, 3));
    }
}

#[test]
fn an_immediate_hides_no_destination() {
    for (source, pc) in [
        ("PUSH1 4 JUMP DB 0xe65b", 4),
        ("PUSH1 4 JUMP DB 0xe75b", 4),
        ("PUSH1 4 JUMP DB 0xe85b", 4),
        // Behind the data of the PUSH that it looks like.
        ("PUSH1 6 JUMP DB 0xe6605b5b", 6),
        ("PUSH1 7 JUMP DB 0xe861605b5b", 7),
    ] {
        assert_eq!(Program::new(rules(), source).last().before.pc, pc, "{source}");
    }
    for source in ["PUSH1 5 JUMP DB 0xe6605b", "PUSH1 6 JUMP DB 0xe861605b", "PUSH1 4 JUMP DUPN 17 JUMPDEST"]
    {
        Program::new(rules(), source).halt(Halt::InvalidJump);
    }
    // Run into, the same bytes fail.
    Program::new(rules(), "PUSH1 0 PUSH1 6 JUMPI DB 0xe65b").halt(Halt::InvalidImmediate);
}

/// A block that has sunk so far that what it names is below any stack is one that a stack can still hold.
#[test]
fn deep_items_below_a_block_that_sinks() {
    let sinks = |pops: usize, opcode: u8| {
        let parts = [&items(1024)[..], &[0x5b], &[POP].repeat(pops), &[opcode, 0x5a]];
        Program::of_bytes(rules(), &parts.concat())
    };
    for pops in [700, 780, 788] {
        let expected = u64::try_from(pops).expect("a few");
        assert_eq!(sinks(pops, DUPN).last().after.stack.last(), Some(&U256::from(expected + 235)));
        assert_eq!(sinks(pops, SWAPN).last().after.stack.last(), Some(&U256::from(expected + 236)));
    }
    for pops in [790, 900, 999, 1000, 1010] {
        sinks(pops, DUPN).halt(Halt::StackUnderflow);
        sinks(pops, SWAPN).halt(Halt::StackUnderflow);
    }
}

#[test]
fn before_the_eip_they_are_no_opcodes() {
    for opcode in [DUPN, SWAPN, EXCHANGE] {
        let code = [&items(300)[..], &[opcode, 0x80]].concat();
        let osaka: Rules = "Osaka".parse().expect("a fork");
        Program::of_bytes(osaka, &code).halt(Halt::UndefinedOpcode);
    }
}
