//! The shape of a translation, checked before anybody runs it. `primary-interpreter` follows its slots, constants and targets
//! without looking: what it relies on is what [`FastCode::verified`](crate::FastCode) lists, and this is where it is made sure
//! of, without a word of how translation came to it. What instructions *mean* is not looked at here.

use std::fmt;

use parallax_primitives::{Opcode, Rules, STACK_LIMIT};

use crate::{
    code::PaddedCode,
    form::{Field, HEAVY_OPERANDS, Immediate, Instr, JUMPABLE, MAX_TRANSLATED, Op, Parts, TEMPORARIES},
    lowering::{Form, form},
};

/// Why a code has no fast form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The code is longer, in bytes, than what is translated.
    TooLong(usize),
    /// By the prices of the rules a block's gas may take more than 32 bits.
    TooDear,
    /// An instruction of its translation is not as it must be.
    Instruction {
        /// Its number.
        index: usize,
        /// What is wrong with it.
        fault: Fault,
    },
    /// A table beside the instructions does not fit the code.
    Table(&'static str),
}

/// What is wrong with the shape of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It goes on, and nothing follows that it may go on at.
    RunsOff,
    /// It is in no block.
    NoHeader,
    /// It names this slot, which is neither its block's nor a temporary.
    Slot(i16),
    /// It moves the entry by so much, to where its block does not reach.
    Moves(i16),
    /// A header needs or grows by so many items.
    Items(i16),
    /// It names this constant, which there is not.
    Constant(u64),
    /// It names this instruction, at which nothing can be entered.
    Target(u64),
    /// It names this pc, which is not of the code.
    Pc(u64),
    /// It is to run this opcode, which is not defined or not run so.
    Opcode(u8),
    /// A field that it has no use for is not zero.
    Unused,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDear => f.write_str("prices by which a block's gas may take more than 32 bits"),
            Self::TooLong(len) => write!(f, "code of {len} bytes, expected at most {MAX_TRANSLATED}"),
            Self::Instruction { index, fault } => write!(f, "instruction {index} {fault}"),
            Self::Table(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RunsOff => f.write_str("goes on, and nothing follows that it may go on at"),
            Self::NoHeader => f.write_str("is in no block"),
            Self::Slot(slot) => write!(f, "names slot {slot}, which its block does not reach"),
            Self::Moves(by) => write!(f, "moves the entry by {by}, to where its block does not reach"),
            Self::Items(items) => write!(f, "is a header of {items} items"),
            Self::Constant(index) => write!(f, "names constant {index}, which there is not"),
            Self::Target(index) => write!(f, "names instruction {index}, at which nothing can be entered"),
            Self::Pc(pc) => write!(f, "names pc {pc}, which is not of the code"),
            Self::Opcode(opcode) => write!(f, "is to run opcode {opcode:#04x}, which is not run so"),
            Self::Unused => f.write_str("has a field that is not used and not zero"),
        }
    }
}

impl std::error::Error for Malformed {}

/// Checks what [`FastCode::verified`](crate::FastCode) lists, in one pass over the instructions and one over the entries.
pub(crate) fn verify(parts: &Parts, code: &PaddedCode, rules: Rules) -> Result<(), Malformed> {
    let Parts { instrs, pool, entries, pcs, blocks } = parts;
    let ends = code.bytes().len();
    if entries.len() != ends || pcs.len() != instrs.len() {
        return Err(Malformed::Table("a table is not as long as what it is a table of"));
    }
    if pcs.iter().any(|pc| *pc as usize >= ends) {
        return Err(Malformed::Table("an instruction has a pc that is not of the code"));
    }
    let op_at =
        |index: u64| usize::try_from(index).ok().and_then(|index| instrs.get(index)).map(|instr| instr.op);
    let is_entry = |index: u64| matches!(op_at(index), Some(Op::Enter | Op::Rejoin));
    let pass = Pass { rules, constants: pool.len() as u64, ends: ends as u64, op_at: &op_at };
    let mut reach = None;
    for (index, instr) in instrs.iter().enumerate() {
        let at = |fault| Malformed::Instruction { index, fault };
        if instr.op == Op::Enter {
            reach = Some(Reach::of(instr).map_err(at)?);
        }
        pass.instruction(instr, reach).map_err(at)?;
        if instr.op.leaves() {
            reach = None;
            continue;
        }
        let next = instrs.get(index + 1).map(|next| next.op);
        let may_follow = match next {
            None | Some(Op::Rejoin) => false,
            Some(Op::Enter) => true,
            Some(_) => !instr.op.moves_on(),
        };
        if !may_follow {
            return Err(at(Fault::RunsOff));
        }
    }
    for (pc, word) in entries.iter().enumerate() {
        if (word & JUMPABLE != 0) != code.is_jumpdest(pc) {
            return Err(Malformed::Table(
                "an entry is jumped to and is no jump destination, or the other way round",
            ));
        }
        let number = u64::from(word & !JUMPABLE);
        if *word != 0 && !number.checked_sub(1).is_some_and(is_entry) {
            return Err(Malformed::Table("an entry names an instruction at which nothing can be entered"));
        }
    }
    let is_header = |first: u32| instrs.get(first as usize).is_some_and(|instr| instr.op == Op::Enter);
    let are_blocks = blocks.iter().all(|block| is_header(block.first) && (block.pc as usize) < ends)
        && blocks.windows(2).all(|pair| pair[0].first < pair[1].first);
    if blocks.is_empty() || !are_blocks {
        return Err(Malformed::Table("a block does not begin at a header"));
    }
    Ok(())
}

/// The slots of a block.
#[derive(Clone, Copy)]
struct Reach {
    low: i16,
    high: i16,
}

impl Reach {
    fn of(header: &Instr) -> Result<Self, Fault> {
        let is_count = |items: i16| usize::try_from(items).is_ok_and(|items| items <= STACK_LIMIT);
        match [header.a, header.b].into_iter().find(|items| !is_count(*items)) {
            Some(items) => Err(Fault::Items(items)),
            None => Ok(Self { low: -header.a, high: header.b }),
        }
    }

    fn has(self, slot: i16) -> bool {
        (self.low..self.high).contains(&slot) || TEMPORARIES.contains(&slot)
    }
}

/// What an instruction is checked against.
struct Pass<'a, F> {
    rules: Rules,
    constants: u64,
    ends: u64,
    op_at: &'a F,
}

impl<F: Fn(u64) -> Option<Op>> Pass<'_, F> {
    fn instruction(&self, instr: &Instr, reach: Option<Reach>) -> Result<(), Fault> {
        let Instr { op, flag, a, b, c, imm } = *instr;
        let (mut field_a, mut field_b, mut field_c, immediate) = op.shape();
        let slot = |slot: i16| match reach {
            Some(reach) if reach.has(slot) => Ok(()),
            Some(_) => Err(Fault::Slot(slot)),
            None => Err(Fault::NoHeader),
        };
        if op == Op::Heavy {
            let row = &self.rules.opcodes()[usize::from(flag)];
            if form(self.rules, Opcode(flag)) != Form::Heavy || usize::from(row.inputs) > HEAVY_OPERANDS {
                return Err(Fault::Opcode(flag));
            }
            let operands = [a, b, quarter(imm, 0), quarter(imm, 1), quarter(imm, 2), quarter(imm, 3)];
            let (used, unused) = operands.split_at(usize::from(row.inputs));
            used.iter().try_for_each(|operand| slot(*operand))?;
            if unused.iter().any(|operand| *operand != 0) {
                return Err(Fault::Unused);
            }
            (field_a, field_b) = (Field::Items, Field::Items);
            field_c = if row.outputs == 1 { Field::Write } else { Field::Unused };
        }
        for (field, value) in [(field_a, a), (field_b, b), (field_c, c)] {
            match field {
                Field::Unused if value != 0 => return Err(Fault::Unused),
                Field::Unused | Field::Items => {}
                Field::Read | Field::Write => slot(value)?,
                // Behind the blocks stands the implied STOP, which moves nothing.
                Field::Moves => match reach {
                    Some(reach) if !(reach.low..=reach.high).contains(&value) => {
                        return Err(Fault::Moves(value));
                    }
                    None if value != 0 || op != Op::Exit => return Err(Fault::NoHeader),
                    _ => {}
                },
            }
        }
        self.immediate(immediate, imm, slot)
    }

    fn immediate(
        &self,
        immediate: Immediate,
        imm: u64,
        slot: impl Fn(i16) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let (low, high) = (imm & 0xffff_ffff, imm >> 32);
        let constant = |index: u64| (index < self.constants).then_some(()).ok_or(Fault::Constant(index));
        let header = |index: u64| match (self.op_at)(index) {
            Some(Op::Enter) => Ok(()),
            _ => Err(Fault::Target(index)),
        };
        let target = |index: u64| match (self.op_at)(index) {
            Some(Op::Rejoin) => Ok(()),
            _ => header(index),
        };
        match immediate {
            Immediate::Unused if imm != 0 => Err(Fault::Unused),
            Immediate::Unused | Immediate::Number | Immediate::Operands => Ok(()),
            Immediate::Pc => (imm < self.ends).then_some(()).ok_or(Fault::Pc(imm)),
            Immediate::Constant => constant(imm),
            Immediate::NumberConstant => constant(high),
            Immediate::Target if high != 0 => Err(Fault::Unused),
            Immediate::Target => target(low),
            Immediate::HeaderNumber => header(low),
            Immediate::TargetConstant => target(low).and(constant(high)),
            Immediate::Read | Immediate::Write if imm > 0xffff => Err(Fault::Unused),
            Immediate::Read | Immediate::Write => slot(quarter(imm, 0)),
            Immediate::WriteConstant if low > 0xffff => Err(Fault::Unused),
            Immediate::WriteConstant => slot(quarter(imm, 0)).and(constant(high)),
        }
    }
}

/// A quarter of an immediate as a slot.
fn quarter(imm: u64, which: u32) -> i16 {
    let [low, high, ..] = (imm >> (16 * which)).to_le_bytes();
    i16::from_le_bytes([low, high])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]
mod tests {
    use parallax_primitives::{Fork, Rules, hex};

    use super::*;
    use crate::translate::parts;

    /// A loop with a jump of every kind, a run of jump destinations, moves, constants and an opcode out of line.
    const CODE: [u8; 39] = hex!(
        "6005 5b5b5b 6001 90 03 80 6007 90 10 6002 57 90 81 6040 51 91 20 6009 81 82 08 6004 57 80 35 56 5b 90 55 00"
    );

    /// The last instruction of it, a destination in the run.
    const REJOIN: u64 = 20;

    fn instrs(parts: &mut Parts, op: Op) -> &mut Instr {
        parts.instrs.iter_mut().find(|instr| instr.op == op).unwrap()
    }

    #[track_caller]
    fn check(tamper: impl FnOnce(&mut Parts), expected: impl FnOnce(&Malformed) -> bool) {
        let code = PaddedCode::new(&CODE);
        let mut parts = parts(&code, Fork::Osaka.into());
        let rules = Rules::of(Fork::Osaka);
        assert_eq!(verify(&parts, &code, rules), Ok(()));
        tamper(&mut parts);
        let found = verify(&parts, &code, rules).unwrap_err();
        assert!(expected(&found), "{found}");
    }

    #[track_caller]
    fn check_fault(op: Op, tamper: impl FnOnce(&mut Instr), expected: Fault) {
        check(
            |parts| tamper(instrs(parts, op)),
            |found| matches!(found, Malformed::Instruction { fault, .. } if *fault == expected),
        );
    }

    #[test]
    fn what_an_instruction_names_is_there() {
        check_fault(Op::Enter, |enter| enter.a = -1, Fault::Items(-1));
        check_fault(Op::Enter, |enter| enter.b = 1025, Fault::Items(1025));
        check_fault(Op::Move2, |moves| moves.imm = 1000, Fault::Slot(1000));
        check_fault(Op::Move2, |moves| moves.imm = 0x1_0000, Fault::Unused);
        check_fault(Op::Move2, |moves| moves.c = TEMPORARIES.end, Fault::Slot(TEMPORARIES.end));
        check_fault(Op::Move2, |moves| moves.a = -1024, Fault::Slot(-1024));
        check_fault(Op::Const, |constant| constant.imm = 99, Fault::Constant(99));
        check_fault(Op::AddModC, |add| add.imm |= 0xff << 32, Fault::Constant(0xff));
        check_fault(Op::JumpIfLtSC, |jump| jump.imm |= 0xff << 32, Fault::Constant(0xff));
        check_fault(Op::JumpIfLtSC, |jump| jump.imm += 1, Fault::Target(4));
        check_fault(Op::JumpIfLtSC, |jump| jump.b = 1, Fault::Unused);
        check_fault(Op::JumpIfLtSC, |jump| jump.c = 5, Fault::Moves(5));
        check_fault(Op::Rejoin, |rejoin| rejoin.imm += 1, Fault::Target(4));
        // Another one like it is no header.
        let other = |rejoin: &mut Instr| rejoin.imm = (rejoin.imm >> 32 << 32) | REJOIN;
        check_fault(Op::Rejoin, other, Fault::Target(REJOIN));
        check_fault(Op::JumpTo, |jump| jump.a = 9, Fault::Slot(9));
        check_fault(Op::Exit, |exit| exit.imm = 99, Fault::Pc(99));
        check_fault(Op::Heavy, |heavy| heavy.flag = 0x01, Fault::Opcode(0x01));
        check_fault(Op::Heavy, |heavy| heavy.flag = 0x0c, Fault::Opcode(0x0c));
        check_fault(Op::Heavy, |heavy| heavy.imm = 1, Fault::Unused);
        check_fault(Op::Heavy, |heavy| heavy.b = -9, Fault::Slot(-9));
        check_fault(Op::Heavy, |heavy| heavy.c = 9, Fault::Slot(9));
    }

    #[test]
    fn the_stream_never_runs_off() {
        let runs_off =
            |found: &Malformed| matches!(found, Malformed::Instruction { fault: Fault::RunsOff, .. });
        let nop = |op| Instr { op, flag: 0, a: 0, b: 0, c: 0, imm: 0 };
        // The last one, one before the destinations that give gas back, one that has moved the entry.
        check(
            |parts| {
                parts.instrs = [&*parts.instrs, &[nop(Op::Enter)]].concat().into();
                parts.pcs = [&*parts.pcs, &[0]].concat().into();
            },
            runs_off,
        );
        check(
            |parts| {
                let stop = parts.instrs.iter().rposition(|instr| instr.op == Op::Exit).unwrap();
                parts.instrs[stop] = nop(Op::Fall);
            },
            |found| matches!(found, Malformed::Instruction { fault: Fault::NoHeader, .. }),
        );
        check(
            |parts| instrs(parts, Op::Exit).op = Op::Fall,
            |found| matches!(found, Malformed::Instruction { fault: Fault::Unused, .. }),
        );
        check(
            |parts| {
                let jump = parts.instrs.iter().position(|instr| instr.op == Op::JumpIfLtSC).unwrap();
                parts.instrs[jump + 1] = Instr { a: -1, b: -1, ..nop(Op::Move) };
            },
            runs_off,
        );
        check(
            |parts| parts.instrs[0] = Instr { a: -1, b: -1, ..nop(Op::Move) },
            |found| matches!(found, Malformed::Instruction { index: 0, fault: Fault::NoHeader }),
        );
    }

    #[test]
    fn tables_fit_the_code() {
        let table = |found: &Malformed| matches!(found, Malformed::Table(_));
        check(|parts| parts.entries[2] &= !JUMPABLE, table);
        check(|parts| parts.entries[0] |= JUMPABLE, table);
        check(|parts| parts.entries[2] += 1, table);
        check(|parts| parts.entries[2] = JUMPABLE, table);
        check(|parts| parts.entries[2] = JUMPABLE | 999, table);
        check(|parts| parts.pcs[1] = 99, table);
        check(|parts| parts.pcs = parts.pcs[1..].into(), table);
        check(|parts| parts.entries = parts.entries[1..].into(), table);
        check(|parts| parts.blocks = Box::default(), table);
        check(|parts| parts.blocks[1].first += 1, table);
        check(|parts| parts.blocks.swap(0, 1), table);
    }
}
