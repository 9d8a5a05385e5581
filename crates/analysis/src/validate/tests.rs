//! Right translations, each with one thing changed that verification lets through.

use parallax_primitives::{Fork, Rules, hex};

use super::*;
use crate::{
    form::{JUMPABLE, Parts},
    translate::{parts, translate},
};

fn code_of(code: &str) -> PaddedCode {
    PaddedCode::new(&hex::decode(code.replace(' ', "")).unwrap())
}

/// The changed translation is refused, and this is said of it.
#[track_caller]
fn check(code: &str, change: impl Fn(&mut Parts), expected: &str) {
    let (code, rules) = (code_of(code), Rules::of(Fork::Osaka));
    let fast = translate(&code, rules).unwrap();
    assert!(validate(&code, rules, &fast).is_ok(), "{:?}", validate(&code, rules, &fast));
    let mut parts = parts(&code, rules);
    change(&mut parts);
    let changed = FastCode::verified(parts, &code, rules).unwrap();
    let found = validate(&code, rules, &changed).map_err(|invalid| invalid.to_string());
    assert_eq!(found, Err(expected.to_owned()));
}

#[test]
fn a_header_is_what_the_opcodes_ask_for() {
    check(
        "8001 00",
        |parts| parts.instrs[0].b = 2,
        "instruction 2 (pc 2): growth: the header allows for 2, should allow for 1",
    );
    check(
        "8050 00",
        |parts| parts.instrs[0].a = 0,
        "instruction 1 (pc 2): items needed: the header asks for 0, should ask for 1",
    );
    check(
        "8050 00",
        |parts| parts.instrs[0].a = 2,
        "instruction 1 (pc 2): items needed: the header asks for 2, should ask for 1",
    );
    check(
        "8050 00",
        |parts| parts.instrs[0].imm = 4,
        "instruction 1 (pc 2): gas: the header charges 4, should charge 5",
    );
    check("5a00", |parts| parts.instrs[1].imm = 2, "instruction 1 (pc 0): gas: GAS adds 2, should add 0");
}

#[test]
fn items_are_where_the_opcodes_leave_them() {
    let swapped = |parts: &mut Parts| {
        let instr = &mut parts.instrs[1];
        (instr.a, instr.b) = (instr.b, instr.a);
    };
    check(
        "03 00",
        swapped,
        "instruction 2 (pc 1): stack: item -2 is SUB(item -2, item -1), should be SUB(item -1, item -2)",
    );
    check(
        "6007 00",
        |parts| parts.pool[0] = parallax_primitives::U256::from(8),
        "instruction 2 (pc 2): stack: item 0 is 0x8, should be 0x7",
    );
    check(
        "50 50 00",
        |parts| parts.instrs[1].c = -1,
        "instruction 1 (pc 2): stack: the height changes by -1, should change by -2",
    );
    // The first move of a cycle.
    check(
        "90 00",
        |parts| parts.instrs[1].b = -1,
        "instruction 3 (pc 1): stack: item -1 is item -1, should be item -2",
    );
    // An item that the opcodes only look at.
    check(
        "8202 00",
        |parts| parts.instrs[1].c = -3,
        "instruction 2 (pc 2): stack: item -3 is MUL(item -3, item -1), should be item -3",
    );
}

#[test]
fn what_is_asked_is_asked_in_order_and_of_the_same() {
    check(
        "6020 52 00",
        |parts| parts.instrs[1].imm = 0x21,
        "instruction 1 (pc 2): event: operand 0 of MSTORE is 0x21, should be 0x20",
    );
    check(
        "52 52 00",
        |parts| parts.instrs.swap(1, 2),
        "instruction 1 (pc 0): event: operand 0 of MSTORE is item -3, should be item -1",
    );
    check(
        "54 00",
        |parts| parts.instrs[1].flag = 0x5c,
        "instruction 1 (pc 0): event: Heavy TLOAD stands for SLOAD",
    );
    check(
        "30 00",
        |parts| parts.instrs[1] = Instr { op: Op::Gas, flag: 0, ..parts.instrs[1] },
        "instruction 1 (pc 0): event: Gas GAS stands for ADDRESS",
    );
    // An event that is left out.
    check(
        "52 00",
        |parts| parts.instrs[1].op = Op::Move,
        "instruction 2 (pc 1): event: MSTORE at pc 0 has no instruction",
    );
    check("600a 1a 00", |parts| parts.instrs[1].imm = 32, "instruction 1 (pc 2): shape: ByteAt by 32");
}

#[test]
fn a_jump_goes_where_it_should_if_it_should() {
    let jump_if = "5b 6000 57 5b 00";
    check(
        jump_if,
        |parts| parts.instrs[1].flag = 1,
        "instruction 1 (pc 3): condition: jumps if not item -1, should jump if item -1",
    );
    check(
        jump_if,
        |parts| parts.instrs[1].imm = 2,
        "instruction 1 (pc 3): target: instruction 2 is not where pc 0 is entered",
    );
    check(
        jump_if,
        |parts| parts.instrs[1].c = 0,
        "instruction 1 (pc 3): stack: the height changes by 0, should change by -1",
    );
    check(
        "5b 1015 6000 57 00",
        |parts| parts.instrs[1].op = Op::JumpIfSltSS,
        "instruction 1 (pc 5): condition: jumps if not SLT(item -1, item -2), should jump if not LT(item -1, item -2)",
    );
    check(
        "5b 1015 6000 57 00",
        |parts| parts.instrs[1].flag = 0,
        "instruction 1 (pc 5): condition: jumps if LT(item -1, item -2), should jump if not LT(item -1, item -2)",
    );
    check(
        "5b 6000 56 5b",
        |parts| parts.instrs[1].imm = 2,
        "instruction 1 (pc 3): target: instruction 2 is not where pc 0 is entered",
    );
    check(
        "01 56",
        |parts| parts.instrs[2].a = -1,
        "instruction 2 (pc 1): target: jumps to item -1, should jump to ADD(item -1, item -2)",
    );
    check(
        "5b 00",
        |parts| parts.instrs[1].imm = 0,
        "instruction 1 (pc 1): target: Exit of pc 1 goes to pc 0",
    );
    check(
        "5b5b5b 00",
        |parts| parts.instrs[3].imm += 1 << 32,
        "instruction 3 (pc 1): gas: 2 is given back, should be 1",
    );
    check(
        "5b5b 50 5b5b 00",
        |parts| parts.instrs[6].imm = 1 << 32,
        "instruction 6 (pc 4): target: pc 0 to 4 is no run of jump destinations",
    );
}

#[test]
fn the_form_is_entered_where_it_should_be() {
    check(
        "5b 50 5b 00",
        |parts| parts.entries[2] = 1 | JUMPABLE,
        "instruction 2 (pc 2): entries: the header at pc 2 is not where it can be entered",
    );
    check(
        "50 00",
        |parts| parts.entries[1] = 1,
        "instruction 0 (pc 0): entries: pc 1 is entered at instruction 0, which is no entry of it",
    );
    check(
        "50 00",
        |parts| parts.entries[0] = 0,
        "instruction 0 (pc 0): entries: the header at pc 0 is not where it can be entered",
    );
    check(
        "50 00",
        |parts| parts.pcs[0] = 1,
        "instruction 0 (pc 1): entries: the header at pc 1 is not where it can be entered",
    );
}

#[test]
fn recovery_is_checked_where_an_instruction_may_give_up() {
    check(
        "5b01 51 00",
        |parts| parts.blocks[0].gas += 1,
        "instruction 1 (pc 1): recovery: 7 gas is given back, should be 6",
    );
    check(
        "5b01 51 00",
        |parts| parts.blocks[0].run = 0,
        "instruction 1 (pc 1): recovery: 7 gas is given back, should be 6",
    );
    check(
        "5b01 51 00",
        |parts| parts.blocks[0].pc = 1,
        "instruction 1 (pc 1): recovery: 3 gas is given back, should be 6",
    );
    // The operands stand where the result goes: a slot is written while an item is in it.
    check(
        "80 6001 01 51 00",
        |parts| parts.instrs[1].c = -1,
        "instruction 2 (pc 4): recovery: item -1 is ADD(item -1, 0x1), should be item -1",
    );
    check(
        "01 51 00",
        |parts| parts.pcs[2] = 0,
        "instruction 2 (pc 0): recovery: item -2 is ADD(item -1, item -2), should be item -2",
    );
}

#[test]
fn every_end_is_checked() {
    check(
        "50 5b 50 00",
        |parts| parts.instrs[1].c = 0,
        "instruction 1 (pc 1): stack: the height changes by 0, should change by -1",
    );
}
