//! An opcode is in the places that no compiler looks at: a program of the fixtures, and, where a fork has it, its facts as the
//! specification has them.

use std::{collections::HashSet, fs, path::Path};

use anyhow::{Context, Result};
use parallax_primitives::{Fork, Opcode, OpcodeInfo, Rules};

use super::finding::Finding;

const TABLE: &str = "crates/primitives/src/opcode.rs";
const FACTS: &str = "crates/primary-interpreter/tests/opcodes/facts.txt";
const PROGRAMS: &str = "fixtures/programs";

pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let read = |file: &Path| fs::read_to_string(file).with_context(|| file.display().to_string());
    let facts = read(&root.join(FACTS))?;
    let mut programs = String::new();
    for entry in fs::read_dir(root.join(PROGRAMS))? {
        programs.push_str(&read(&entry?.path())?);
    }
    Ok(missing(Opcode::all(), &facts, &programs))
}

fn missing<'o>(opcodes: impl Iterator<Item = &'o OpcodeInfo>, facts: &str, programs: &str) -> Vec<Finding> {
    let words: HashSet<&str> = programs.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let mut findings = Vec::new();
    for OpcodeInfo { opcode, name, .. } in opcodes {
        if !words.contains(name) {
            findings.push(Finding::new(TABLE, 0, format!("{name} is in no program below {PROGRAMS}")));
        }
        // INVALID is an opcode by being none (EIP-141).
        let has = |fork: &Fork| Rules::of(*fork).opcodes()[usize::from(opcode.0)].is_defined();
        let is_active = *opcode != Opcode::INVALID && Fork::ALL.iter().any(has);
        let byte = format!(" {:02x} ", opcode.0);
        if is_active && !facts.lines().any(|line| line.contains(&byte)) {
            findings.push(Finding::new(TABLE, 0, format!("{name} is not in {FACTS}")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opcode_without_a_program_or_facts_is_found() {
        let of = |facts, programs| -> Vec<String> {
            missing(Opcode::ADD.info().into_iter(), facts, programs)
                .into_iter()
                .map(|found| found.what)
                .collect()
        };
        assert_eq!(of("Frontier 01 2 1 0 3\n", "PUSH 1 ADD"), [""; 0]);
        assert_eq!(of("Frontier 01 2 1 0 3\n", "ADDMOD"), ["ADD is in no program below fixtures/programs"]);
        assert_eq!(of("Frontier 02 2 1 0 3\n", "ADD"), [format!("ADD is not in {FACTS}")]);
    }
}
