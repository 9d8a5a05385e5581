//! Faults in the translator: each a change of its source, which verification or validation must refuse.
//!
//! The tree is copied once; each fault is put into the copy, and `crates/analysis/tests/validation.rs` is run there. The faults
//! were chosen before it was known what is found (`docs/validation.md`).

use std::{fs, path::Path, process::Stdio};

use anyhow::{Context, Result, ensure};

use crate::workspace;

/// One mistake: `old` stands once in the file, `new` in its place is the mistake.
struct Fault {
    name: &'static str,
    file: &'static str,
    old: &'static str,
    new: &'static str,
}

/// How many need not be found, each with a reason in `docs/validation.md`.
const EXCUSED: usize = 1;

const TRANSLATE: &str = "crates/analysis/src/translate.rs";
const SETTLE: &str = "crates/analysis/src/translate/settle.rs";
const FOLD: &str = "crates/analysis/src/fold.rs";

const FAULTS: &[Fault] = &[
    Fault {
        name: "a block that ends behind the code's end is split there",
        file: TRANSLATE,
        old: "if leaves(opcode, row.defined) {",
        new: "if !split && leaves(opcode, row.defined) {",
    },
    Fault {
        name: "a fused jump's second operand is anybody's",
        file: TRANSLATE,
        old: "        if fold::reads_b(jump.op) {\n            self.hold(jump.b);\n        }\n",
        new: "",
    },
    Fault {
        name: "a GAS read forgets its own gas",
        file: TRANSLATE,
        old: "self.gas_reads.push((self.out.len(), self.used_gas));",
        new: "self.gas_reads.push((self.out.len(), self.used_gas - u32::from(row.gas)));",
    },
    Fault {
        name: "jumps need no items",
        file: TRANSLATE,
        old: "            self.need = self.need.max(inputs - height);\n            self.used_gas += u32::from(row.gas);\n            return",
        new: "            self.used_gas += u32::from(row.gas);\n            return",
    },
    Fault {
        name: "growth is taken before the opcode",
        file: TRANSLATE,
        old: "self.growth.max(height - inputs + outputs)",
        new: "self.growth.max(height)",
    },
    Fault {
        name: "an operand is released before the other has its slot",
        file: TRANSLATE,
        old: "let (x, y) = (self.in_slot(&mut a), self.in_slot(&mut b));\n                self.release(a);\n                self.release(b);",
        new: "let x = self.in_slot(&mut a);\n                self.release(a);\n                let y = self.in_slot(&mut b);\n                self.release(b);",
    },
    Fault {
        name: "SUB commutes",
        file: FOLD,
        old: "Opcode::SUB => all(Op::SubSS, Op::SubSC, Op::SubCS),",
        new: "Opcode::SUB => commuting(Op::SubSS, Op::SubSC),",
    },
    Fault {
        name: "a rejoin gives back the gas of those behind it",
        file: TRANSLATE,
        old: "(start + back, back, first)",
        new: "(start + back, translator.run - back, first)",
    },
    Fault {
        name: "a block that sinks does not fall",
        file: TRANSLATE,
        old: "if self.height() != 0 {",
        new: "if self.height() > 0 {",
    },
    Fault {
        name: "the wrong item of a cycle steps aside",
        file: SETTLE,
        old: "self.emit_move(aside, *first);",
        new: "self.emit_move(aside, sources[place_index(low, *first)].unwrap_or(*first));",
    },
    Fault {
        name: "two moves in one change their order",
        file: SETTLE,
        old: "                last.c = place;\n                last.imm = quarter(slot);",
        new: "                (last.c, last.imm) = (last.a, quarter(last.b));\n                (last.a, last.b) = (place, slot);",
    },
    Fault {
        name: "a jump's destination is not protected",
        file: TRANSLATE,
        old: "            let slot = self.protect(slot);\n",
        new: "",
    },
    Fault {
        name: "SHL by 256 and more leaves the value",
        file: FOLD,
        old: "Opcode::SHL | Opcode::SHR => U256::ZERO,",
        new: "Opcode::SHL | Opcode::SHR => b,",
    },
    Fault {
        name: "SMOD of constants is MOD",
        file: FOLD,
        old: "        Opcode::MOD => a.checked_rem(b).unwrap_or_default(),",
        new: "        Opcode::MOD | Opcode::SMOD => a.checked_rem(b).unwrap_or_default(),",
    },
    Fault {
        name: "EXP of constants pays for its base",
        file: TRANSLATE,
        old: "self.exponent_gas(y)",
        new: "self.exponent_gas(x)",
    },
    Fault {
        name: "a PUSH that is cut off has its data on the right",
        file: TRANSLATE,
        old: "let data = &self.code.bytes()[self.pc + 1..][..opcode.immediate()];",
        new: "let end = (self.pc + 1 + opcode.immediate()).min(self.code.len().max(self.pc + 1));\n                let data = &self.code.bytes()[self.pc + 1..end];",
    },
    Fault {
        name: "CODESIZE counts the padding",
        file: TRANSLATE,
        old: "0x38 => self.push_constant(U256::from(self.code.len())),",
        new: "0x38 => self.push_constant(U256::from(self.code.bytes().len())),",
    },
    Fault {
        name: "destinations in a run cannot be jumped to",
        file: TRANSLATE,
        old: "        entries[pc] = entry_word(code, pc, translator.out.len());\n",
        new: "        entries[pc] = index(translator.out.len()) + 1;\n",
    },
    Fault {
        name: "a result goes to its own place, whoever is there",
        file: TRANSLATE,
        old: "if self.refs[at(own)] == 0 { own }",
        new: "if self.refs[at(own)] < 2 { own }",
    },
    Fault { name: "two ISZEROs are one", file: TRANSLATE, old: "instr.flag ^= 1;", new: "instr.flag = 1;" },
    Fault {
        name: "a comparison is fused though an item needs it",
        file: TRANSLATE,
        old: "&& self.refs[at(instr.a)] == 1",
        new: "&& self.refs[at(instr.a)] >= 1",
    },
    Fault {
        name: "constants are written before slots have moved",
        file: SETTLE,
        old: "                Sym::Const(constant) => constants.push((place, constant)),",
        new: "                Sym::Const(constant) => {\n                    constants.push((place, constant));\n                    self.out.push(crate::form::Instr { op: Op::Const, flag: 0, a: place, b: 0, c: 0, imm: constant.into() });\n                    self.pcs.push(super::index(self.pc));\n                }",
    },
    Fault {
        name: "offsets beyond 32 bits are cut to the highest",
        file: TRANSLATE,
        old: ".and_then(|offset| u32::try_from(offset).ok()).map(u64::from)",
        new: ".map(|offset| u64::from(offset.saturating_to::<u32>()))",
    },
    Fault {
        name: "SDIV by a power of two is a shift",
        file: TRANSLATE,
        old: "Opcode::DIV => power(y)",
        new: "Opcode::DIV | Opcode::SDIV => power(y)",
    },
    Fault {
        name: "operands beyond the second change their order",
        file: TRANSLATE,
        old: "rest.iter().rev().fold(",
        new: "rest.iter().fold(",
    },
    Fault {
        name: "a JUMPI that the exact form does is charged",
        file: TRANSLATE,
        old: "            if opcode == Opcode::JUMPI && target.is_none() {\n",
        new: "            if opcode == Opcode::JUMPI && target.is_none() {\n                self.used_gas += u32::from(row.gas);\n",
    },
    Fault {
        name: "a jump's target is written to the instruction before it",
        file: TRANSLATE,
        old: "            self.settle();\n            self.fixups.push((self.out.len(), target));\n",
        new: "            self.fixups.push((self.out.len(), target));\n            self.settle();\n",
    },
    Fault {
        name: "blocks may be so large that slots meet temporaries",
        file: TRANSLATE,
        old: "const MAX_REACH: i16 = 1000;",
        new: "const MAX_REACH: i16 = 1100;",
    },
    Fault {
        name: "PC is that of the next opcode",
        file: TRANSLATE,
        old: "0x58 => self.push_constant(U256::from(self.pc)),",
        new: "0x58 => self.push_constant(U256::from(self.pc + 1)),",
    },
    Fault {
        name: "recovery forgets the jump destinations before the block",
        file: TRANSLATE,
        old: "translator.enter(block.pc as usize, block.run as usize);",
        new: "translator.enter(block.pc as usize, 0);",
    },
];

/// Runs all of them; an error if too many are missed.
pub(super) fn run() -> Result<()> {
    let tree = workspace::root().join("target/mutants/translator");
    copy(&tree)?;
    println!("fault                                                          refused by");
    let clean = validation(&tree)?;
    ensure!(clean.is_none(), "the tree as it is: {}", clean.unwrap_or_default());
    let mut missed = 0;
    for fault in FAULTS {
        let path = tree.join(fault.file);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let times = text.matches(fault.old).count();
        ensure!(times == 1, "{}: what it changes stands {times} times in {}", fault.name, fault.file);
        fs::write(&path, text.replace(fault.old, fault.new))?;
        let found = validation(&tree);
        fs::write(&path, text)?;
        let found = found.with_context(|| fault.name)?;
        missed += usize::from(found.is_none());
        println!("{:62} {}", fault.name, found.as_deref().unwrap_or("MISSED"));
    }
    println!("{} of {} faults refused", FAULTS.len() - missed, FAULTS.len());
    ensure!(missed <= EXCUSED, "{missed} missed, {EXCUSED} may be");
    Ok(())
}

/// Copies what git knows, and what is new.
fn copy(tree: &Path) -> Result<()> {
    let mut git = std::process::Command::new("git");
    git.current_dir(workspace::root()).args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    for file in workspace::output(&mut git)?.lines() {
        let (from, to) = (workspace::root().join(file), tree.join(file));
        // Deleted, and git was not told.
        if !from.is_file() {
            continue;
        }
        let bytes = fs::read(&from).with_context(|| format!("cannot read {file}"))?;
        // What is as it was is not built again.
        if fs::read(&to).is_ok_and(|there| there == bytes) {
            continue;
        }
        fs::create_dir_all(to.parent().unwrap_or(tree))?;
        fs::write(&to, bytes).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}

/// Runs the test in the copy: what it says of programs that are refused, if there are some.
fn validation(tree: &Path) -> Result<Option<String>> {
    let mut cargo = workspace::cargo();
    cargo
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", workspace::root().join("target"))
        .env("RUST_BACKTRACE", "0");
    cargo.args(["test", "--quiet", "--profile", "checked", "--package", "parallax-analysis"]);
    cargo.args(["--features", "validate", "--test", "validation"]);
    let output = cargo.stdin(Stdio::null()).output().with_context(|| format!("cannot run {cargo:?}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        return Ok(None);
    }
    let line = text.lines().find(|line| line.starts_with("of ") && line.contains(" refused by verification"));
    let line = line.with_context(|| {
        format!("the test did not run: {}{text}", String::from_utf8_lossy(&output.stderr))
    })?;
    // Without the program.
    Ok(Some(line.split(" (in ").next().unwrap_or(line).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_changes_one_place() {
        for fault in FAULTS {
            let text = fs::read_to_string(workspace::root().join(fault.file)).unwrap();
            assert_eq!(text.matches(fault.old).count(), 1, "{}", fault.name);
            assert_ne!(fault.old, fault.new);
        }
    }
}
