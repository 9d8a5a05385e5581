//! Bytes to text, twice: a listing to read, and plain assembly that gives the same bytes.

use std::fmt::{self, Write};

use parallax_primitives::{Class, Opcode, OpcodeTable, Rules, hex};

use crate::items;

/// Reads `code` as `rules` do, from its first byte on. Any bytes are code.
pub fn disassemble(code: &[u8], rules: impl Into<Rules>) -> Disassembly<'_> {
    let rules = rules.into();
    let table = rules.opcodes();
    let mut instructions = Vec::new();
    let mut offset = 0;
    let mut starts_block = true;
    while let Some(&byte) = code.get(offset) {
        let opcode = Opcode(byte);
        let row = &table[usize::from(byte)];
        // Bytes behind a PUSH are data only where the PUSH is one: before Shanghai 0x5f is undefined, but has none.
        let info = rules.info(opcode);
        let mut immediate = info.map_or(0, |info| usize::from(info.immediate));
        let mut invalid_immediate = None;
        if info.is_some_and(|info| info.class == Class::Deep) {
            // What names no items is no part of the opcode, and may be a jump destination.
            let behind = code.get(offset + 1).copied();
            invalid_immediate =
                behind.filter(|byte| row.is_defined() && items::numbers(opcode, *byte).is_none());
            if invalid_immediate.is_some() || !row.is_defined() {
                immediate = 0;
            }
        }
        let end = code.len().min(offset + 1 + immediate);
        let is_cut_off = end < offset + 1 + immediate;
        starts_block |= opcode == Opcode::JUMPDEST;
        instructions.push(Instruction {
            offset,
            opcode,
            name: info.map(|info| info.name),
            data: &code[offset + 1..end],
            is_cut_off,
            invalid_immediate,
            is_defined: row.is_defined(),
            starts_block,
            gas: row.gas,
        });
        starts_block = invalid_immediate.is_some() || ends_block(opcode, table);
        offset = end;
    }
    Disassembly { rules, instructions }
}

/// Code, instruction by instruction. Its `Display` is the listing: offset, bytes, mnemonic, operand, with a line above each basic
/// block; `>` marks jump destinations, `?` bytes that the rules do not define.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disassembly<'c> {
    /// The rules it was read by.
    pub rules: Rules,
    /// In order; together they are the code.
    pub instructions: Vec<Instruction<'c>>,
}

/// One instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction<'c> {
    /// Of its opcode, in bytes.
    pub offset: usize,
    /// The opcode.
    pub opcode: Opcode,
    /// Its mnemonic, if any rules or these have one.
    pub name: Option<&'static str>,
    /// Push data, or what else belongs to it, as much of it as is there.
    pub data: &'c [u8],
    /// Whether the end of the code cuts the push data off.
    pub is_cut_off: bool,
    /// The byte behind DUPN, SWAPN or EXCHANGE, if it names no items, so that the opcode fails (EIP-8024). It is an instruction of its own,
    /// and a jump destination if it is a JUMPDEST.
    pub invalid_immediate: Option<u8>,
    /// Whether the rules define the opcode.
    pub is_defined: bool,
    /// Whether a basic block starts here: at the first byte, at a JUMPDEST, behind what ends a block.
    pub starts_block: bool,
    /// Static gas by these rules; zero if undefined.
    pub gas: u16,
}

impl Disassembly<'_> {
    /// Assembly that gives the same bytes, one instruction a line.
    pub fn source(&self) -> String {
        let mut source = String::new();
        for instruction in &self.instructions {
            source.push_str(&instruction.statement());
            source.push('\n');
        }
        source
    }

    /// Offsets of the valid jump destinations.
    pub fn jump_destinations(&self) -> impl Iterator<Item = usize> {
        self.instructions.iter().filter(|i| i.opcode == Opcode::JUMPDEST).map(|i| i.offset)
    }
}

impl Instruction<'_> {
    /// As assembly.
    fn statement(&self) -> String {
        let is_deep = self.opcode.info().is_some_and(|info| info.class == Class::Deep);
        let numbers = self.data.first().and_then(|byte| items::numbers(self.opcode, *byte));
        match self.name {
            Some(name) if is_deep && let Some(numbers) = numbers => match numbers {
                (n, None) => format!("{name} {n}"),
                (n, Some(m)) => format!("{name} {n} {m}"),
            },
            Some(name) if !is_deep && self.data.is_empty() && !self.is_cut_off => name.to_owned(),
            Some(name) if !is_deep && !self.is_cut_off => format!("{name} 0x{}", hex::encode(self.data)),
            _ => format!("DB 0x{:02x}{}", self.opcode.0, hex::encode(self.data)),
        }
    }
}

impl fmt::Display for Disassembly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.instructions.as_slice();
        let mut block = 0;
        while !rest.is_empty() {
            let length = rest[1..].iter().position(|i| i.starts_block).map_or(rest.len(), |at| at + 1);
            let (instructions, behind) = rest.split_at(length);
            write_block(f, block, instructions)?;
            block += 1;
            rest = behind;
        }
        Ok(())
    }
}

fn write_block(f: &mut fmt::Formatter<'_>, number: usize, instructions: &[Instruction<'_>]) -> fmt::Result {
    let gas: u64 = instructions.iter().map(|i| u64::from(i.gas)).sum();
    writeln!(f, "block {number}: {} instructions, {gas} static gas", instructions.len())?;
    for instruction in instructions {
        let mark = match instruction {
            Instruction { is_defined: false, .. } => '?',
            Instruction { opcode: Opcode::JUMPDEST, .. } => '>',
            _ => ' ',
        };
        let mut line = format!("{mark} {:06x}  ", instruction.offset);
        write!(line, "{:02x}{}", instruction.opcode.0, hex::encode(instruction.data))?;
        // A column that holds PUSH4; longer data pushes its own line to the right.
        write!(
            line,
            "{:width$}  {}",
            "",
            instruction.statement(),
            width = 20usize.saturating_sub(line.len())
        )?;
        if instruction.is_cut_off {
            write!(line, "  ; {}, cut off by the end of the code", instruction.name.unwrap_or("INVALID"))?;
        } else if let Some(byte) = instruction.invalid_immediate {
            let name = instruction.name.unwrap_or("INVALID");
            write!(line, "  ; {name}, and {byte:#04x} is no immediate of it")?;
        } else if !instruction.is_defined {
            write!(line, "  ; undefined")?;
        }
        writeln!(f, "{line}")?;
    }
    Ok(())
}

/// Whether the instruction behind `opcode` starts a block of its own.
fn ends_block(opcode: Opcode, table: &OpcodeTable) -> bool {
    let ends = |class| matches!(class, Class::Flow | Class::Halt);
    !table[usize::from(opcode.0)].is_defined()
        || (opcode != Opcode::JUMPDEST && opcode.info().is_some_and(|info| ends(info.class)))
}
