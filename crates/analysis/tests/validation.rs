//! Translations of many programs, each proved equal to its byte code. `cargo xtask validate` proves many more; this is what
//! `cargo xtask mutants` runs on a translator with a fault.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use parallax_analysis::{PaddedCode, translate, validate};
use parallax_assembly::assemble_for;
use parallax_generator::{KINDS, Program};
use parallax_primitives::{Eip, Fork, Opcode, Rules, hex};

/// Programs of each kind that are generated.
const SEEDS: u64 = 60;

/// Why the translation of a code is not right.
fn refusal(code: &[u8], rules: Rules) -> Option<(&'static str, String)> {
    let code = PaddedCode::new(code);
    let tried = catch_unwind(AssertUnwindSafe(|| match translate(&code, rules) {
        Err(malformed) => Some(("verification", malformed.to_string())),
        Ok(fast) => validate(&code, rules, &fast).err().map(|invalid| ("validation", invalid.to_string())),
    }));
    tried.unwrap_or_else(|_| Some(("panic", "the translator panicked".to_owned())))
}

/// The oldest rules that have an opcode: a fork's, or the newest with the EIP that brings it.
fn oldest(opcode: Opcode) -> Rules {
    let Some(eip) = Eip::of_opcode(opcode) else { return Fork::Frontier.into() };
    eip.fork().map_or_else(|| format!("Osaka+{}", eip.number()).parse().unwrap(), Rules::of)
}

/// Small programs: each opcode on operands from the stack and constant ones, by the oldest rules and in the newest fork; and what was
/// translated wrongly once.
fn small() -> Vec<(Vec<u8>, Rules)> {
    let mut programs = Vec::new();
    for info in Opcode::all() {
        for fork in [oldest(info.opcode), Fork::Osaka.into()] {
            for operands in ["", "PUSH1 7", "PUSH1 7 SWAP1", "PUSH1 7 PUSH1 8", "PUSH1 7 PUSH1 9 PUSH1 64"] {
                let mut code = assemble_for(operands, fork).unwrap().to_vec();
                code.extend([info.opcode.0, 0x80, 0x5a]);
                programs.push((code, fork));
            }
        }
    }
    // A conditional jump that overwrites what it reads; blocks of 999 items and 3,999 opcodes that end in a PUSH without data.
    let jump = hex!("60115b60019003806002573033329019905060059110601e5760016000fd5b60aa60005260206000f3");
    let cut = |unit: &[u8], count: usize| [&unit.repeat(count)[..], &[0x60]].concat();
    for code in [jump.to_vec(), cut(&[0x5f], 999), [&hex!("5f50").repeat(1999)[..], &[0x5f, 0x60]].concat()] {
        programs.push((code, Fork::Osaka.into()));
    }
    // Every immediate, on items of other blocks and on some that have moved; at the end of the code; below a block that sinks.
    for opcode in [Opcode::DUPN, Opcode::SWAPN, Opcode::EXCHANGE] {
        let rules = oldest(opcode);
        programs.push((vec![opcode.0], rules));
        for immediate in 0..=u8::MAX {
            programs.push((vec![opcode.0, immediate, 0x5a], rules));
            programs.push((
                [&hex!("6007 90 01 80")[..], &[opcode.0, immediate, 0x5b, 0x01, 0x55]].concat(),
                rules,
            ));
        }
        // Its deepest item: below what any stack has, or just not.
        let deepest = if opcode == Opcode::EXCHANGE { 0x8f } else { 0x5a };
        for pops in [700, 788, 789, 790, 850, 994, 995, 999, 1000] {
            programs.push(([&[0x50].repeat(pops)[..], &[opcode.0, deepest, 0x01]].concat(), rules));
        }
    }
    programs
}

#[test]
fn every_translation_is_equal_to_its_code() {
    let kinds = KINDS.iter().filter(|kind| kind.name != "large" && kind.name != "recovery");
    let generated = kinds.flat_map(|kind| (0..SEEDS).map(|seed| Program::of(kind, seed)));
    let generated = generated.map(|program| (program.code, program.rules));
    let programs: Vec<_> = small().into_iter().chain(generated).collect();
    let refused: Vec<_> =
        programs.iter().filter_map(|(code, rules)| Some((code, *rules, refusal(code, *rules)?))).collect();
    // One line, which the mutants' task reads.
    if let Some((code, rules, (_, first))) = refused.iter().min_by_key(|(code, _, _)| code.len()) {
        let count = |by: &str| refused.iter().filter(|(_, _, (refused, _))| *refused == by).count();
        let [verification, validation, panics] = ["verification", "validation", "panic"].map(count);
        panic!(
            "of {} programs {verification} refused by verification, {validation} by validation, {panics} panicked: {first} \
             (in {rules}, 0x{})",
            programs.len(),
            hex::encode(code)
        );
    }
}
