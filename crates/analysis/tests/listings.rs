//! What programs are translated to, instruction by instruction: which instructions there are, which slots and constants they
//! name, what a header charges and asks for, where the form can be entered, and what recovery finds before each.
//!
//! That a translation is *right* is tested where it runs, against the plain engine. Here it is tested that it is as good as
//! it should be: an optimisation that is lost changes no result.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::fmt::Write as _;

use parallax_analysis::{Instr, Op, PaddedCode, listing, translate};
use parallax_assembly::assemble_for;
use parallax_primitives::{Fork, Opcode, Rules, U256};

/// The translation as text, one line for each instruction; behind it where it can be entered.
fn listed(source: &str, rules: impl Into<Rules>) -> String {
    let rules = rules.into();
    let code = PaddedCode::new(&assemble_for(source, rules).unwrap());
    let fast = translate(&code, rules).unwrap();
    let mut text = String::new();
    for line in listing(&code, rules, &fast) {
        writeln!(text, "{line}").unwrap();
    }
    let entries = (0..=code.len() + 1).filter_map(|pc| {
        let entry = fast.entry(pc)?;
        let jump = fast.jump(pc as u64);
        assert!(jump.is_none_or(|jump| jump == entry), "both ways lead to the same instruction");
        Some(format!("{pc}{} {entry}", if jump.is_some() { " (jump)" } else { "" }))
    });
    writeln!(text, "entries: {}", entries.collect::<Vec<_>>().join(", ")).unwrap();
    text
}

/// Compares two texts part by part: the first that differs is shown.
#[track_caller]
fn check_parts(found: &str, expected: &str, separator: &str) {
    let (found, expected) = (found.trim(), expected.trim());
    for (found, expected) in found.split(separator).zip(expected.split(separator)) {
        assert_eq!(found, expected, "found:\n\n{found}\n");
    }
    assert_eq!(found.split(separator).count(), expected.split(separator).count());
}

/// Programs stand as `== rules: source`, the listing below.
#[test]
fn translations_are_as_listed() {
    let text = include_str!("listings.txt");
    let mut found = String::new();
    for part in text.split("== ").skip(1) {
        let (head, _) = part.split_once('\n').unwrap();
        let (rules, source) = head.split_once(": ").unwrap();
        writeln!(found, "== {head}\n{}", listed(source, rules.parse::<Rules>().unwrap())).unwrap();
    }
    check_parts(&found, text, "\n\n");
}

/// Every binary opcode with operands from the stack, with one of them constant, and with both.
#[test]
fn every_choice_of_operands_has_its_instruction() {
    let mut found = String::new();
    let binary = (0x01..=0x0b).chain(0x10..=0x1e).map(Opcode);
    for opcode in binary.filter(|opcode| !matches!(*opcode, Opcode::ISZERO | Opcode::NOT | Opcode::CLZ)) {
        let modular = if matches!(opcode, Opcode::ADDMOD | Opcode::MULMOD) { "PUSH1 5" } else { "" };
        for operands in ["", "PUSH1 7 SWAP1", "PUSH1 7", "PUSH1 7 PUSH1 9"] {
            let source = format!("{modular} {operands} {opcode} PUSH0 MSTORE");
            let code = PaddedCode::new(&assemble_for(&source, Fork::Osaka).unwrap());
            let fast = translate(&code, Fork::Osaka).unwrap();
            let shown: Vec<String> = listing(&code, Fork::Osaka, &fast)
                .map(|line| format!("{:?} {}", line.op, line.operands))
                .collect();
            let shown = &shown[1..shown.len() - 2];
            writeln!(found, "{opcode} [{operands}]: {}", shown.join("; ")).unwrap();
        }
    }
    check_parts(&found, include_str!("operands.txt"), "\n");
}

/// What is known of an opcode whose operands are constant, by its value; nothing is known of the others.
#[test]
fn constants_fold() {
    let fold = |source: &str| {
        let code = PaddedCode::new(&assemble_for(&format!("{source} PUSH0 MSTORE"), Fork::Osaka).unwrap());
        let fast = translate(&code, Fork::Osaka).unwrap();
        match fast.instrs() {
            [_, Instr { op: Op::MstoreAtC, imm, .. }, _, _] => {
                Some(fast.pool()[usize::try_from(imm >> 32).unwrap()])
            }
            _ => None,
        }
    };
    let max = U256::MAX;
    let number = |value: u64| Some(U256::from(value));
    for (source, expected) in [
        ("PUSH 2 PUSH -1 ADD", number(1)),
        ("PUSH 2 PUSH -1 MUL", Some(max - U256::ONE)),
        ("PUSH 2 PUSH 1 SUB", Some(max)),
        ("PUSH 2 PUSH 7 DIV", number(3)),
        ("PUSH 0 PUSH 7 DIV", number(0)),
        ("PUSH 4 PUSH 7 MOD", number(3)),
        ("PUSH 0 PUSH 7 MOD", number(0)),
        ("PUSH 3 PUSH 2 EXP", number(8)),
        ("PUSH 3 PUSH 2 LT", number(1)),
        ("PUSH 2 PUSH 2 LT", number(0)),
        ("PUSH 2 PUSH 3 GT", number(1)),
        ("PUSH 3 PUSH 3 GT", number(0)),
        ("PUSH 3 PUSH 3 EQ", number(1)),
        ("PUSH 3 PUSH 2 EQ", number(0)),
        ("PUSH 6 PUSH 3 AND", number(2)),
        ("PUSH 6 PUSH 3 OR", number(7)),
        ("PUSH 6 PUSH 3 XOR", number(5)),
        ("PUSH 1 PUSH 255 SHL", Some(U256::ONE << 255)),
        ("PUSH 1 PUSH 256 SHL", number(0)),
        ("PUSH -1 PUSH 255 SHR", number(1)),
        ("PUSH -1 PUSH 256 SHR", number(0)),
        ("PUSH 0 ISZERO", number(1)),
        ("PUSH 5 ISZERO", number(0)),
        ("PUSH 0 NOT", Some(max)),
        ("PUSH 1 CLZ", number(255)),
        ("PC", number(0)),
        ("PUSH 0 POP PC", number(2)),
        ("CODESIZE", number(3)),
        ("PUSH 1 PUSH 255 SAR", None),
        ("PUSH 1 PUSH 1 SDIV", None),
        ("PUSH 1 PUSH 1 SLT", None),
        ("PUSH 1 PUSH 1 PUSH 1 ADDMOD", None),
        ("PUSH 1 PUSH 1 BYTE", None),
        ("ADDRESS PUSH 1 ADD", None),
    ] {
        assert_eq!(fold(source), expected, "{source}");
    }
}

/// Where the headers of straight-line code are.
#[track_caller]
fn check_blocks(source: &str, expected: &[usize]) {
    let code = PaddedCode::new(&assemble_for(source, Fork::Osaka).unwrap());
    let fast = translate(&code, Fork::Osaka).unwrap();
    let headers = (0u32..).zip(fast.instrs()).filter(|(_, instr)| instr.op == Op::Enter);
    let found: Vec<usize> = headers.map(|(index, _)| fast.pc(index)).collect();
    assert_eq!(found, expected, "{}", source.chars().take(99).collect::<String>());
}

/// A block ends behind 4000 opcodes, 1000 items away from its entry, or when fewer than 16 temporaries are left of 256: so that
/// slots fit 16 bits and temporaries never run out.
#[test]
fn blocks_are_split_before_they_are_too_large() {
    check_blocks(&"NOT ".repeat(4001), &[0, 4000]);
    check_blocks(&"NOT ".repeat(4000), &[0]);
    check_blocks(&"NOT ".repeat(8001), &[0, 4000, 8000]);
    check_blocks(&"PUSH0 ".repeat(1001), &[0, 1000]);
    check_blocks(&"PUSH0 ".repeat(1000), &[0]);
    check_blocks(&"POP ".repeat(1002), &[0, 1001]);
    check_blocks(&"POP ".repeat(1001), &[0]);
    check_blocks(&format!("{} SWAP16 NOT", "POP ".repeat(983)), &[0]);
    check_blocks(&format!("{} SWAP16 NOT", "POP ".repeat(984)), &[0, 985]);
    // Each round leaves 16 items in slots above their own, and 16 more in temporaries.
    let rounds = |count: usize| {
        let (push, lower) = ("ADDRESS ".repeat(32), "SWAP16 POP ".repeat(16));
        format!("{push}{lower}{}", "ADDRESS ".repeat(16)).repeat(count)
    };
    check_blocks(&format!("{} NOT", rounds(15)), &[0]);
    // The first item of the next sixteen takes the 241st.
    check_blocks(&format!("{} NOT", rounds(16)), &[0, 15 * 80 + 65]);
    // Two are free again, and count.
    check_blocks(&format!("PUSH 2 PUSH 1 MSTORE8 {} NOT", rounds(16)), &[0, 5 + 15 * 80 + 65]);
}

/// Whatever the code ends with, and wherever its last block would be split there, the block ends in the implied STOP. Nothing
/// but the stream's own last instruction follows it.
#[test]
fn every_code_ends_in_its_implied_stop() {
    let units = [&[0x5f][..], &[0x5f, 0x50], &[0x19], &[0x50], &[0x5b], &[0x58, 0x15]];
    let mut codes = 0;
    for (unit, lengths) in units.iter().flat_map(|unit| [(unit, 997..1003), (unit, 3997..4003)]) {
        for opcodes in lengths {
            let body: Vec<u8> = unit.iter().copied().cycle().take(opcodes).collect();
            // No PUSH, and every PUSH with none or all but one of its bytes.
            let ends = (0x60..=0x7fu8).flat_map(|push| [(Some(push), 0), (Some(push), push - 0x60)]);
            for (push, data) in ends.chain([(None, 0)]) {
                let mut bytes = body.clone();
                bytes.extend(push);
                bytes.resize(bytes.len() + usize::from(data), 0xfe);
                let stop = bytes.len().max(push.map_or(0, |push| opcodes + usize::from(push - 0x60) + 2));
                let code = PaddedCode::new(&bytes);
                let fast = translate(&code, Fork::Osaka).unwrap();
                let exits: Vec<u64> =
                    fast.instrs().iter().filter(|i| i.op == Op::Exit).map(|exit| exit.imm).collect();
                assert_eq!(
                    exits,
                    [stop as u64, code.len() as u64],
                    "{opcodes} of {unit:x?}, {push:x?}, {data}"
                );
                codes += 1;
            }
        }
    }
    assert_eq!(codes, 6 * 12 * 65);
}

/// A conditional jump that a comparison became part of reads what the comparison read, though one of its operands has to step
/// aside and the other one is in a temporary: the copy does not land on it.
#[test]
fn a_fused_jump_keeps_both_operands() {
    let head = "ADDRESS CALLER ORIGIN SWAP1 NOT SWAP1 POP PUSH1 5 SWAP2";
    for (comparison, turn) in [("LT", ""), ("GT", "SWAP1"), ("SLT", ""), ("SGT", "SWAP1"), ("EQ", "")] {
        let source = format!("{head} {turn} {comparison} @end JUMPI STOP end: STOP");
        let code = PaddedCode::new(&assemble_for(&source, Fork::Osaka).unwrap());
        let fast = translate(&code, Fork::Osaka).unwrap();
        let jumps: Vec<&Instr> =
            fast.instrs().iter().filter(|instr| format!("{:?}", instr.op).starts_with("JumpIf")).collect();
        let [jump] = jumps[..] else { panic!("{source}: {jumps:?}") };
        assert!(jump.a != jump.b, "{source}: {jump:?}");
    }
}
