//! The side of the fast form: what each instruction does, as the fast loop runs it, and slots that hold terms.

use parallax_primitives::{Opcode, U256};

use super::terms::{Term, Terms};
use crate::{
    fast_code::FastCode,
    form::{Instr, Op, TEMPORARIES},
};

/// An operand of an instruction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    Slot(i16),
    /// A constant of the pool.
    Pool(u64),
    Number(u64),
}

/// What an instruction does besides its control flow.
#[derive(Debug)]
pub(super) enum Action {
    /// Writes operands to slots, one after the other.
    Copies(Vec<(i16, Operand)>),
    /// Writes a function of its operands to a slot.
    Computes(Opcode, Vec<Operand>, i16),
    /// Asks the world, with its operands; an answer, if there is one, goes to the slot.
    Asks(Opcode, Vec<Operand>, i16),
    /// Jumps on a condition: the opcode on the operands, or the one operand as it is.
    Branches(Option<Opcode>, Vec<Operand>),
    /// Only says where it goes on.
    Moves,
}

/// What the instruction does; `None` if its immediate is out of the range that [`Op`] allows. `inputs` is what the table says
/// of the opcode of [`Op::Heavy`].
// tidy: dispatch table
pub(super) fn action(instr: &Instr, inputs: u8) -> Option<Action> {
    use Operand::{Number, Pool, Slot};
    let Instr { op, flag, a, b, c, imm } = *instr;
    let (low, high) = (imm & 0xffff_ffff, imm >> 32);
    let quarter = |n: u32| u16::try_from(imm >> (16 * n) & 0xffff).unwrap_or(0).cast_signed();
    let ss = |opcode| Action::Computes(opcode, vec![Slot(a), Slot(b)], c);
    let sc = |opcode| Action::Computes(opcode, vec![Slot(a), Pool(imm)], c);
    let cs = |opcode| Action::Computes(opcode, vec![Pool(imm), Slot(b)], c);
    let unary = |opcode| Action::Computes(opcode, vec![Slot(a)], c);
    let by = |opcode, limit| (imm < limit).then(|| Action::Computes(opcode, vec![Number(imm), Slot(a)], c));
    let modular = |opcode, modulus| Action::Computes(opcode, vec![Slot(a), Slot(b), modulus], quarter(0));
    let branch_ss = |opcode| Action::Branches(Some(opcode), vec![Slot(a), Slot(b)]);
    let branch_sc = |opcode| Action::Branches(Some(opcode), vec![Slot(a), Pool(high)]);
    let branch_cs = |opcode| Action::Branches(Some(opcode), vec![Pool(high), Slot(b)]);
    Some(match op {
        Op::Enter | Op::Rejoin | Op::Fall | Op::Exit | Op::Jump | Op::JumpTo => Action::Moves,
        Op::JumpIf => Action::Branches(None, vec![Slot(a)]),
        Op::JumpIfLtSS => branch_ss(Opcode::LT),
        Op::JumpIfLtSC => branch_sc(Opcode::LT),
        Op::JumpIfLtCS => branch_cs(Opcode::LT),
        Op::JumpIfSltSS => branch_ss(Opcode::SLT),
        Op::JumpIfSltSC => branch_sc(Opcode::SLT),
        Op::JumpIfSltCS => branch_cs(Opcode::SLT),
        Op::JumpIfEqSS => branch_ss(Opcode::EQ),
        Op::JumpIfEqSC => branch_sc(Opcode::EQ),
        Op::Move => Action::Copies(vec![(a, Slot(b))]),
        Op::Move2 => Action::Copies(vec![(a, Slot(b)), (c, Slot(quarter(0)))]),
        Op::Const => Action::Copies(vec![(a, Pool(imm))]),
        Op::AddSS => ss(Opcode::ADD),
        Op::AddSC => sc(Opcode::ADD),
        Op::MulSS => ss(Opcode::MUL),
        Op::MulSC => sc(Opcode::MUL),
        Op::SubSS => ss(Opcode::SUB),
        Op::SubSC => sc(Opcode::SUB),
        Op::SubCS => cs(Opcode::SUB),
        Op::DivSS => ss(Opcode::DIV),
        Op::DivSC => sc(Opcode::DIV),
        Op::DivCS => cs(Opcode::DIV),
        Op::ModSS => ss(Opcode::MOD),
        Op::ModSC => sc(Opcode::MOD),
        Op::ModCS => cs(Opcode::MOD),
        Op::SdivSS => ss(Opcode::SDIV),
        Op::SdivSC => sc(Opcode::SDIV),
        Op::SmodSS => ss(Opcode::SMOD),
        Op::SmodSC => sc(Opcode::SMOD),
        Op::AddMod => modular(Opcode::ADDMOD, Slot(c)),
        Op::AddModC => modular(Opcode::ADDMOD, Pool(high)),
        Op::MulMod => modular(Opcode::MULMOD, Slot(c)),
        Op::MulModC => modular(Opcode::MULMOD, Pool(high)),
        Op::LtSS => ss(Opcode::LT),
        Op::LtSC => sc(Opcode::LT),
        Op::LtCS => cs(Opcode::LT),
        Op::SltSS => ss(Opcode::SLT),
        Op::SltSC => sc(Opcode::SLT),
        Op::SltCS => cs(Opcode::SLT),
        Op::EqSS => ss(Opcode::EQ),
        Op::EqSC => sc(Opcode::EQ),
        Op::AndSS => ss(Opcode::AND),
        Op::AndSC => sc(Opcode::AND),
        Op::OrSS => ss(Opcode::OR),
        Op::OrSC => sc(Opcode::OR),
        Op::XorSS => ss(Opcode::XOR),
        Op::XorSC => sc(Opcode::XOR),
        Op::Not => unary(Opcode::NOT),
        Op::IsZero => unary(Opcode::ISZERO),
        Op::Clz => unary(Opcode::CLZ),
        Op::Byte => ss(Opcode::BYTE),
        Op::ByteAt => by(Opcode::BYTE, 32)?,
        Op::SignExtend => ss(Opcode::SIGNEXTEND),
        Op::SignExtendAt => by(Opcode::SIGNEXTEND, 31)?,
        Op::Shl => ss(Opcode::SHL),
        Op::ShlBy => by(Opcode::SHL, 256)?,
        // By the slot, of the constant.
        Op::ShlCS => sc(Opcode::SHL),
        Op::Shr => ss(Opcode::SHR),
        Op::ShrBy => by(Opcode::SHR, 256)?,
        Op::Sar => ss(Opcode::SAR),
        Op::SarBy => by(Opcode::SAR, 256)?,
        Op::Mload => Action::Asks(Opcode::MLOAD, vec![Slot(a)], c),
        Op::MloadAt => Action::Asks(Opcode::MLOAD, vec![Number(imm)], c),
        Op::Mstore => Action::Asks(Opcode::MSTORE, vec![Slot(a), Slot(b)], 0),
        Op::MstoreAt => Action::Asks(Opcode::MSTORE, vec![Number(imm), Slot(a)], 0),
        Op::MstoreC => Action::Asks(Opcode::MSTORE, vec![Slot(a), Pool(imm)], 0),
        Op::MstoreAtC => Action::Asks(Opcode::MSTORE, vec![Number(low), Pool(high)], 0),
        Op::Mstore8 => Action::Asks(Opcode::MSTORE8, vec![Slot(a), Slot(b)], 0),
        Op::CallDataLoad => Action::Asks(Opcode::CALLDATALOAD, vec![Slot(a)], c),
        Op::Gas => Action::Asks(Opcode::GAS, vec![], c),
        Op::Heavy => {
            let slots = [a, b, quarter(0), quarter(1), quarter(2), quarter(3)];
            let operands = slots.into_iter().map(Slot).take(usize::from(inputs)).collect();
            Action::Asks(Opcode(flag), operands, c)
        }
    })
}

/// The slots of a block.
#[derive(Debug)]
pub(super) struct Slots {
    /// By [`place`]; none if the block did not write it.
    terms: Vec<Term>,
    written: Vec<i16>,
    /// What the header checked for.
    need: i16,
    growth: i16,
    /// The lowest slot below the entry that was written, or zero.
    pub(super) lowest: i32,
}

/// Place of a slot in a table of all of them.
fn place(slot: i16) -> usize {
    usize::from(slot.cast_unsigned() ^ 0x8000)
}

impl Slots {
    pub(super) fn new() -> Self {
        Self { terms: vec![Term::NONE; 1 << 16], written: Vec::new(), need: 0, growth: 0, lowest: 0 }
    }

    /// Begins a block that may use the slots between `-need` and `growth`, and temporaries.
    pub(super) fn enter(&mut self, need: i16, growth: i16) {
        for slot in self.written.drain(..) {
            self.terms[place(slot)] = Term::NONE;
        }
        (self.need, self.growth, self.lowest) = (need, growth, 0);
    }

    fn is_there(&self, slot: i16) -> bool {
        TEMPORARIES.contains(&slot) || (i32::from(slot) >= -i32::from(self.need) && slot < self.growth)
    }

    /// What is in the slot; an error says why that cannot be known.
    pub(super) fn read(&self, terms: &mut Terms, slot: i16) -> Result<Term, String> {
        if !self.is_there(slot) {
            return Err(format!("slot {slot} is not one that the header checked for"));
        }
        match self.terms[place(slot)] {
            Term::NONE if slot < 0 => Ok(terms.entry(slot.into())),
            Term::NONE => Err(format!("slot {slot} is read, nothing was written to it")),
            term => Ok(term),
        }
    }

    /// What is in a place of the stack, whether or not anything was written there.
    pub(super) fn peek(&self, terms: &mut Terms, position: i32) -> Term {
        match i16::try_from(position).map_or(Term::NONE, |slot| self.terms[place(slot)]) {
            Term::NONE if position < 0 => terms.entry(position),
            term => term,
        }
    }

    pub(super) fn write(&mut self, slot: i16, term: Term) -> Result<(), String> {
        if !self.is_there(slot) {
            return Err(format!("slot {slot} is not one that the header checked for"));
        }
        if self.terms[place(slot)] == Term::NONE {
            self.written.push(slot);
        }
        self.terms[place(slot)] = term;
        self.lowest = self.lowest.min(slot.into());
        Ok(())
    }

    pub(super) fn operand(
        &self,
        terms: &mut Terms,
        fast: &FastCode,
        operand: Operand,
    ) -> Result<Term, String> {
        match operand {
            Operand::Slot(slot) => self.read(terms, slot),
            Operand::Number(number) => Ok(terms.constant(U256::from(number))),
            Operand::Pool(index) => match usize::try_from(index).ok().and_then(|i| fast.pool().get(i)) {
                Some(value) => Ok(terms.constant(*value)),
                None => Err(format!("constant {index} is not in the pool")),
            },
        }
    }
}
