//! Makes a program that fails shorter, as long as it fails.

use std::fmt::Write as _;

use anyhow::Result;
use parallax_generator::Program;
use parallax_primitives::Opcode;

use super::{
    arguments::Arguments,
    child::{self, Finding},
};

/// The most programs that are tried.
const TRIES: usize = 1000;

/// The finding for people, with the shortest program that fails like it.
pub(super) fn report(arguments: &Arguments, finding: &Finding) -> Result<String> {
    if arguments.transactions {
        let Finding { seed, what } = finding;
        return Ok(format!("\nseed {seed}: {what}\n  again: {}\n", again(arguments, *seed)));
    }
    let program = arguments.make(finding.seed);
    let mut text = format!(
        "\nseed {}, kind {}, {} bytes: {}\n",
        finding.seed,
        program.kind,
        program.code.len(),
        finding.what
    );
    // Writing to a string does not fail.
    let _ = writeln!(text, "  again: {}", again(arguments, finding.seed));
    if !child::fails(&program)? {
        text.push_str("  alone in its process it does not fail\n");
        return Ok(text);
    }
    let mut tries = 0;
    let shortest = shortest(program, &mut |program| {
        // Behind the last try nothing fails, and the rest is soon over.
        Ok(tries < TRIES && {
            tries += 1;
            child::fails(program)?
        })
    })?;
    let _ = writeln!(
        text,
        "  minimised to {} bytes in {tries} tries; again:\n  echo '{}' | cargo xtask soak --program -",
        shortest.code.len(),
        child::text(&shortest)
    );
    Ok(text)
}

/// The command that makes and runs the same alone.
fn again(arguments: &Arguments, seed: u64) -> String {
    let what: String = arguments.what().iter().flat_map(|word| [" ", word]).collect();
    format!("cargo xtask soak{what} --seed {seed} --programs 1")
}

/// Takes away what it can: push data, then half of the opcodes, a quarter, .. one at a time, until nothing more can be.
fn shortest(mut program: Program, fails: &mut impl FnMut(&Program) -> Result<bool>) -> Result<Program> {
    let plain = Program { input: Vec::new(), is_static: false, ..program.clone() };
    if fails(&plain)? {
        program = plain;
    }
    let mut with_code = |program: &Program, code: Vec<u8>| -> Result<Option<Program>> {
        let other = Program { code, ..program.clone() };
        Ok(fails(&other)?.then_some(other))
    };
    program = with_code(&program, with_short_pushes(&program.code))?.unwrap_or(program);
    let mut opcodes = starts(&program.code).len();
    while opcodes > 0 {
        let mut first = 0;
        let mut is_shorter = false;
        loop {
            let starts = starts(&program.code);
            let Some(start) = starts.get(first).copied() else { break };
            let end = starts.get(first + opcodes).copied().unwrap_or(program.code.len());
            if let Some(shorter) = with_code(&program, without(&program.code, start, end))? {
                program = shorter;
                is_shorter = true;
            } else {
                first += opcodes;
            }
        }
        // At one opcode as often as it helps.
        if opcodes > 1 || !is_shorter {
            opcodes /= 2;
        }
    }
    Ok(program)
}

/// The code with one byte of data behind each PUSH, but for destinations: they have three.
fn with_short_pushes(code: &[u8]) -> Vec<u8> {
    let mut short = code.to_vec();
    for start in starts(code).into_iter().rev() {
        let data = Opcode(code[start]).push_data();
        if data > 1 && data != 3 && start + data < code.len() {
            short = without(&short, start + 1, start + data);
            short[start] = Opcode::PUSH1.0;
        }
    }
    short
}

/// Where the opcodes are.
fn starts(code: &[u8]) -> Vec<usize> {
    let next = |pc: &usize| Some(pc + 1 + Opcode(*code.get(*pc)?).push_data());
    std::iter::successors(Some(0), next).take_while(|pc| *pc < code.len()).collect()
}

/// The code without a part of it; destinations behind it that generators have pushed are moved along.
fn without(code: &[u8], start: usize, end: usize) -> Vec<u8> {
    let mut moved = code.to_vec();
    for push in starts(code) {
        if let [opcode, high, middle, low, ..] = code[push..]
            && Opcode(opcode) == Opcode::PUSH3
        {
            let to = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
            if to >= end && code.get(to) == Some(&Opcode::JUMPDEST.0) {
                moved[push + 1..push + 4].copy_from_slice(&(to - (end - start)).to_be_bytes()[5..]);
            }
        }
    }
    moved.drain(start..end);
    moved
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command, FromArgMatches as _};
    use parallax_primitives::{Fork, hex};

    use super::*;

    #[track_caller]
    fn check(code: &[u8], is_wanted: impl Fn(&[u8]) -> bool, expected: &[u8]) {
        let program = Program {
            kind: "given",
            seed: 0,
            rules: Fork::Osaka.into(),
            gas: 0,
            is_static: true,
            input: vec![1],
            code: code.to_vec(),
        };
        let shortest = shortest(program, &mut |program| Ok(is_wanted(&program.code))).unwrap();
        assert_eq!(shortest.code, expected);
        assert!(!shortest.is_static && shortest.input.is_empty());
    }

    /// With all that decides what a seed stands for.
    #[test]
    fn a_finding_is_made_again_as_it_was_found() {
        let of = |words: &[&str]| {
            let command = Arguments::augment_args(Command::new("soak").no_binary_name(true));
            let arguments = Arguments::from_arg_matches(&command.get_matches_from(words)).unwrap();
            again(&arguments, 7)
        };
        assert_eq!(of(&[]), "cargo xtask soak --seed 7 --programs 1");
        assert_eq!(of(&["--kind", "deep"]), "cargo xtask soak --kind deep --seed 7 --programs 1");
        assert_eq!(of(&["--transactions"]), "cargo xtask soak --transactions --seed 7 --programs 1");
        let amsterdam = of(&["--transactions", "--fork", "Amsterdam", "--programs", "9"]);
        assert_eq!(amsterdam, "cargo xtask soak --transactions --fork Amsterdam --seed 7 --programs 1");
    }

    #[test]
    fn what_is_not_needed_goes() {
        let pairs = |code: &[u8]| code.windows(2).any(|pair| pair == [1, 2]);
        check(&hex!("00 05 01 02 07 08 09 0a 01 02"), pairs, &[1, 2]);
        check(&[3; 100], |code| code.len() >= 37, &[3; 37]);
        // A destination moves along with what it names.
        let jumps = |code: &[u8]| matches!(code, [.., 0x62, 0, 0, to, 0x56, 0x5b] if usize::from(*to) == code.len() - 1);
        check(&hex!("30 30 30 62000008 56 5b"), jumps, &hex!("62000005 56 5b"));
        // Data is short where it may be.
        check(
            &hex!("7f 0000000000000000000000000000000000000000000000000000000000000007 50"),
            |code| code.len() > 1 && code[0] >= 0x60,
            &hex!("60 07"),
        );
        check(&hex!("62000006 56 30 5b"), |code| jumps(code) || code.contains(&0x30), &hex!("30"));
    }
}
