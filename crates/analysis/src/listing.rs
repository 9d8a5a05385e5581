//! The fast form as text: for people, for `parallax disasm --fast`, and for tests.

use std::fmt;

use parallax_primitives::{Opcode, Rules};

use crate::{
    code::PaddedCode,
    fast_code::FastCode,
    form::{Field, Immediate, Instr, Op, Place, Recovery},
    translate::Recoveries,
};

/// Items of a recovery that a line shows, the topmost ones.
const SHOWN_ITEMS: usize = 20;

/// One instruction of a listing. Its `Display` is its number, its pc, what it is, its operands, and behind a semicolon what
/// recovery finds there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Number of the instruction.
    pub instr: u32,
    /// The opcode that it came from, by its offset in the code.
    pub pc: usize,
    /// What it does.
    pub op: Op,
    /// Its operands: `s-2` is the slot two below the block's entry; constants by their value.
    pub operands: String,
    /// Whether a jump may go to it.
    pub is_destination: bool,
    /// What the exact form has before the opcode, where the instruction may give up in the middle of a block.
    pub recovery: Option<Recovery>,
}

/// Lists `fast`, the translation of `code` under `rules`, instruction by instruction.
pub fn listing<'a>(
    code: &'a PaddedCode,
    rules: impl Into<Rules>,
    fast: &'a FastCode,
) -> impl Iterator<Item = Line> + 'a {
    let rules = rules.into();
    let mut walk = None;
    (0..).zip(fast.instrs()).map(move |(instr, what)| {
        if what.op == Op::Enter {
            walk = Some(Recoveries::new(code, rules, fast, instr));
        }
        let pc = fast.pc(instr);
        let recovery = walk.as_mut().filter(|_| gives_up(what.op)).map(|walk| walk.at(instr));
        let is_destination = fast.jump(pc as u64) == Some(instr);
        Line { instr, pc, op: what.op, operands: operands(fast, rules, what), is_destination, recovery }
    })
}

/// Whether the instruction may leave the block to the exact form before its opcode.
fn gives_up(op: Op) -> bool {
    let copies = matches!(op, Op::Enter | Op::Rejoin | Op::Move | Op::Move2 | Op::Const);
    !copies && !op.leaves() && !op.moves_on()
}

/// The operands of an instruction as text; constants by their value.
// tidy: dispatch table
fn operands(fast: &FastCode, rules: Rules, instr: &Instr) -> String {
    let Instr { op, flag, a, b, c, imm } = *instr;
    let (low, high) = (imm & 0xffff_ffff, imm >> 32);
    let constant = |index: u64| {
        let value = usize::try_from(index).ok().and_then(|index| fast.pool().get(index));
        value.map_or_else(|| format!("constant {index}"), |value| format!("{value:#x}"))
    };
    let quarter = |n: u32| u16::try_from(imm >> (16 * n) & 0xffff).unwrap_or(0).cast_signed();
    match op {
        Op::Enter => format!("gas {imm}, needs {a}, grows {b}"),
        Op::Rejoin => format!("gas +{high}, at {low}"),
        Op::Fall => format!("height {c}"),
        Op::Exit => format!("pc {imm}, height {c}"),
        Op::Jump => format!("to {low}, height {c}"),
        Op::JumpTo => format!("to s{a}, height {c}"),
        Op::JumpIf => format!("s{a}, not {flag}, to {low}, height {c}"),
        _ if op.moves_on() => {
            let compared = match op.shape() {
                (Field::Unused, ..) => format!("{} s{b}", constant(high)),
                (_, Field::Unused, ..) => format!("s{a} {}", constant(high)),
                _ => format!("s{a} s{b}"),
            };
            format!("{compared}, not {flag}, to {low}, height {c}")
        }
        Op::Move => format!("s{a} <- s{b}"),
        Op::Move2 => format!("s{a} <- s{b}, s{c} <- s{}", quarter(0)),
        Op::Const => format!("s{a} <- {}", constant(imm)),
        Op::AddMod | Op::MulMod => format!("s{} <- s{a}, s{b}, s{c}", quarter(0)),
        Op::AddModC | Op::MulModC => format!("s{} <- s{a}, s{b}, {}", quarter(0), constant(high)),
        Op::MloadAt => format!("s{c} <- [{imm}]"),
        Op::Mstore | Op::Mstore8 => format!("[s{a}] <- s{b}"),
        Op::MstoreAt => format!("[{imm}] <- s{a}"),
        Op::MstoreC => format!("[s{a}] <- {}", constant(imm)),
        Op::MstoreAtC => format!("[{low}] <- {}", constant(high)),
        Op::Gas => format!("s{c} <- gas + {imm}"),
        Op::Heavy => {
            let info = rules.info(Opcode(flag));
            let name = info.map_or("INVALID", |info| info.name);
            let (inputs, outputs) = info.map_or((0, 0), |info| (info.inputs.len(), info.outputs.len()));
            let all = [a, b, quarter(0), quarter(1), quarter(2), quarter(3)];
            let operands: Vec<String> = all.iter().take(inputs).map(|slot| format!("s{slot}")).collect();
            let result = if outputs == 1 { format!("s{c} <- ") } else { String::new() };
            format!("{result}{name}({})", operands.join(", "))
        }
        _ => match op.shape() {
            (Field::Read, Field::Unused, _, Immediate::Constant) => {
                format!("s{c} <- s{a}, {}", constant(imm))
            }
            (Field::Unused, Field::Read, _, Immediate::Constant) => {
                format!("s{c} <- {}, s{b}", constant(imm))
            }
            (Field::Read, Field::Unused, _, Immediate::Number) => format!("s{c} <- s{a}, {imm}"),
            (Field::Read, Field::Unused, ..) => format!("s{c} <- s{a}"),
            _ => format!("s{c} <- s{a}, s{b}"),
        },
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { instr, pc, op, operands, recovery, .. } = self;
        let name = format!("{op:?}");
        write!(f, "{instr:3} @{pc:<3} {name:12} {operands}")?;
        let Some(Recovery { unused_gas, low, items }) = recovery else { return Ok(()) };
        write!(f, "   ; {unused_gas} gas, from {low}:")?;
        let hidden = items.len().saturating_sub(SHOWN_ITEMS);
        if hidden > 0 {
            write!(f, " ({hidden} more)")?;
        }
        items[hidden..].iter().try_for_each(|place| write!(f, " {place}"))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Slot(slot) => write!(f, "s{slot}"),
            Place::Constant(value) => write!(f, "{value:#x}"),
        }
    }
}
