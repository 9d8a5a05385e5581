//! Translation validation: whether a fast form means what its byte code means, for every input. How, what it proves and what
//! it cannot: `docs/validation.md` in the repository.
//!
//! A block is run twice over terms, once opcode by opcode and once instruction by instruction, side by side: an instruction
//! says which opcode it came from, and the opcodes run up to there. Nothing here is shared with translation but the form
//! itself, the table of opcodes, and [`recover`](crate::recover), which is checked as well.

mod arithmetic;
mod instructions;
mod opcodes;
mod terms;
#[cfg(test)]
mod tests;

use std::fmt;

use parallax_primitives::{Opcode, OpcodeRow, Rules};

use self::{
    instructions::{Action, Operand, Slots, action},
    opcodes::{Exact, Kind},
    terms::{Term, Terms},
};
use crate::{
    code::PaddedCode,
    fast_code::FastCode,
    form::{Instr, Op, Place, Recovery},
    translate::Recoveries,
};

/// What was validated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validated {
    /// Blocks of the fast form; all of them are equal to their opcodes.
    pub blocks: usize,
    /// Instructions of the fast form.
    pub instructions: usize,
}

/// Where a fast form and its byte code part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The opcode, by its offset in the code.
    pub pc: usize,
    /// The instruction.
    pub instr: u32,
    /// What is different.
    pub what: What,
    /// How, for people, on one line.
    pub detail: String,
}

/// What of a block is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// An instruction that cannot stand where it stands, or names what is not there.
    Shape,
    /// The gas that a header charges, a jump into a run of jump destinations gives back, or GAS reads.
    Gas,
    /// The items that a header asks for.
    Need,
    /// The growth that a header allows for.
    Growth,
    /// What is on the stack.
    Stack,
    /// What is asked of memory or the world.
    Event,
    /// The condition of a jump.
    Condition,
    /// Where it goes on.
    Target,
    /// What recovery answers.
    Recovery,
    /// Where the form can be entered.
    Entries,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            What::Shape => "shape",
            What::Gas => "gas",
            What::Need => "items needed",
            What::Growth => "growth",
            What::Stack => "stack",
            What::Event => "event",
            What::Condition => "condition",
            What::Target => "target",
            What::Recovery => "recovery",
            What::Entries => "entries",
        })
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "instruction {} (pc {}): {}: {}", self.instr, self.pc, self.what, self.detail)
    }
}

impl std::error::Error for Invalid {}

/// Whether `fast` is a translation of `code` under `rules`. The time is linear in both: an instruction costs as
/// much as the stack items that its block has touched, which are 2,000 at most.
pub fn validate(code: &PaddedCode, rules: impl Into<Rules>, fast: &FastCode) -> Result<Validated, Invalid> {
    let rules = rules.into();
    let bytes = &code.bytes()[..code.len()];
    let mut validator = Validator {
        fast,
        runs: runs(bytes),
        terms: Terms::default(),
        exact: Exact::new(bytes, rules),
        slots: Slots::new(),
        code,
        rules,
        at: 0,
    };
    let blocks = validator.blocks()?;
    validator.entries(code.bytes().len())?;
    Ok(Validated { blocks, instructions: fast.instrs().len() })
}

/// For every byte of the code where the run of jump destinations begins that it is one of: JUMPDESTs that are no data of a PUSH.
fn runs(code: &[u8]) -> Vec<Option<usize>> {
    let mut data = 0;
    let mut run = None;
    let run_at = |(pc, byte): (usize, &u8)| {
        let is_data = data > 0;
        data = match byte {
            _ if is_data => data - 1,
            _ => Opcode(*byte).push_data(),
        };
        run = if !is_data && Opcode(*byte) == Opcode::JUMPDEST { run.or(Some(pc)) } else { None };
        run
    };
    code.iter().enumerate().map(run_at).collect()
}

type Checked<T = ()> = Result<T, Invalid>;

struct Validator<'a> {
    fast: &'a FastCode,
    runs: Vec<Option<usize>>,
    terms: Terms,
    exact: Exact<'a>,
    slots: Slots,
    code: &'a PaddedCode,
    rules: Rules,
    /// The instruction that is looked at.
    at: u32,
}

impl Validator<'_> {
    fn refuse<T>(&self, what: What, detail: impl Into<String>) -> Checked<T> {
        let pc = self.instr(self.at).map_or(0, |_| self.fast.pc(self.at));
        Err(Invalid { pc, instr: self.at, what, detail: detail.into() })
    }

    fn demand(&self, holds: bool, what: What, detail: impl FnOnce() -> String) -> Checked {
        if holds { Ok(()) } else { self.refuse(what, detail()) }
    }

    fn instr(&self, at: u32) -> Option<Instr> {
        self.fast.instrs().get(at as usize).copied()
    }

    fn run(&self, pc: usize) -> Option<usize> {
        self.runs.get(pc).copied().flatten()
    }

    fn is_destination(&self, pc: usize) -> bool {
        self.run(pc).is_some()
    }

    /// All instructions in their order; answers how many blocks there are.
    fn blocks(&mut self) -> Checked<usize> {
        let mut blocks = 0;
        while let Some(instr) = self.instr(self.at) {
            match instr.op {
                Op::Enter => {
                    blocks += 1;
                    self.block(&instr)?;
                }
                Op::Rejoin => self.rejoin(&instr)?,
                // Nothing leads here: what can be entered is a header or a rejoin.
                Op::Exit => {}
                op => return self.refuse(What::Shape, format!("{op:?} stands outside of any block")),
            }
            self.at += 1;
        }
        Ok(blocks)
    }

    /// A block, up to its last instruction.
    fn block(&mut self, header: &Instr) -> Checked {
        let pc = self.fast.pc(self.at);
        self.terms.clear();
        self.exact.enter(pc);
        self.slots.enter(header.a, header.b);
        self.demand(self.fast.entry(pc) == Some(self.at), What::Entries, || {
            format!("the header at pc {pc} is not where it can be entered")
        })?;
        let mut recoveries = Recoveries::new(self.code, self.rules, self.fast, self.at);
        loop {
            let next = self.at + 1;
            let Some(instr) = self.instr(next) else {
                return self.refuse(What::Shape, "a block goes on, and nothing follows");
            };
            if instr.op == Op::Enter {
                // The block goes over into the next one.
                self.run_to(self.fast.pc(next))?;
                return self.end(header, 0);
            }
            self.at = next;
            if self.instruction(header, &instr, &mut recoveries)? {
                return Ok(());
            }
        }
    }

    /// One instruction behind a header. Answers whether it ended the block.
    fn instruction(
        &mut self,
        header: &Instr,
        instr: &Instr,
        recoveries: &mut Recoveries<'_>,
    ) -> Checked<bool> {
        let inputs = self.exact_row(instr.flag).inputs;
        let Some(action) = action(instr, inputs) else {
            return self.refuse(What::Shape, format!("{:?} by {}", instr.op, instr.imm));
        };
        let pc = self.fast.pc(self.at);
        match action {
            Action::Copies(copies) => {
                for (slot, operand) in copies {
                    let term = self.operand(operand)?;
                    self.write(slot, term)?;
                }
                Ok(false)
            }
            Action::Computes(opcode, operands, result) => {
                self.run_to(pc)?;
                self.recovery(header, recoveries)?;
                let operands = self.operands(&operands)?;
                let term = self.terms.op(opcode, &operands);
                self.write(result, term)?;
                Ok(false)
            }
            Action::Asks(opcode, operands, result) => {
                self.run_to(pc)?;
                self.recovery(header, recoveries)?;
                self.event(header, instr, opcode, &operands, result)?;
                Ok(false)
            }
            Action::Branches(opcode, operands) => {
                self.run_to(pc)?;
                self.branch(header, instr, opcode, &operands)?;
                Ok(true)
            }
            Action::Moves => self.moves(header, instr, pc),
        }
    }

    fn exact_row(&self, opcode: u8) -> OpcodeRow {
        self.exact.row_of(Opcode(opcode))
    }

    fn operand(&mut self, operand: Operand) -> Checked<Term> {
        match self.slots.operand(&mut self.terms, self.fast, operand) {
            Ok(term) => Ok(term),
            Err(detail) => self.refuse(What::Shape, detail),
        }
    }

    fn operands(&mut self, operands: &[Operand]) -> Checked<Vec<Term>> {
        operands.iter().map(|operand| self.operand(*operand)).collect()
    }

    fn write(&mut self, slot: i16, term: Term) -> Checked {
        self.slots.write(slot, term).or_else(|detail| self.refuse(What::Shape, detail))
    }

    /// Runs opcodes that are no events up to a pc.
    fn run_to(&mut self, pc: usize) -> Checked {
        while self.exact.pc < pc {
            let folds = match self.exact.kind() {
                Kind::Value => true,
                Kind::Power => {
                    let operands = [0, 1].map(|depth| self.exact.peek(&mut self.terms, depth));
                    operands.iter().all(|term| self.terms.value(*term).is_some())
                }
                Kind::Jump | Kind::JumpIf | Kind::Leaves | Kind::Event => false,
            };
            let (at, opcode) = (self.exact.pc, self.exact.opcode());
            self.demand(folds, What::Event, || format!("{opcode} at pc {at} has no instruction"))?;
            self.exact.evaluate(&mut self.terms);
        }
        let at = self.exact.pc;
        self.demand(at == pc, What::Shape, || format!("no opcode at pc {pc} comes next; the next is at {at}"))
    }

    /// An instruction that asks the world is the opcode, on the same operands.
    fn event(
        &mut self,
        header: &Instr,
        instr: &Instr,
        opcode: Opcode,
        operands: &[Operand],
        result: i16,
    ) -> Checked {
        let (expected, row, kind) = (self.exact.opcode(), self.exact.row(), self.exact.kind());
        let is_event = opcode == expected && matches!(kind, Kind::Event | Kind::Power);
        // GAS is the one that must know what the block has charged for others.
        let is_right = is_event && (opcode == Opcode::GAS) == (instr.op == Op::Gas);
        self.demand(is_right, What::Event, || format!("{:?} {opcode} stands for {expected}", instr.op))?;
        let found = self.operands(operands)?;
        for (depth, term) in (0..).zip(&found) {
            let should = self.exact.peek(&mut self.terms, depth);
            self.demand(*term == should, What::Event, || {
                let (found, should) = (self.terms.text(*term), self.terms.text(should));
                format!("operand {depth} of {opcode} is {found}, should be {should}")
            })?;
        }
        self.exact.account();
        for _ in 0..row.inputs {
            self.exact.pop(&mut self.terms);
        }
        if opcode == Opcode::GAS {
            let behind = i128::from(header.imm) - i128::from(self.exact.gas);
            self.demand(i128::from(instr.imm) == behind, What::Gas, || {
                format!("GAS adds {}, should add {behind}", instr.imm)
            })?;
        }
        if row.outputs > 0 {
            let answer = self.terms.answer();
            self.exact.push(answer);
            self.write(result, answer)?;
        }
        Ok(())
    }

    /// The instructions that only go somewhere.
    fn moves(&mut self, header: &Instr, instr: &Instr, pc: usize) -> Checked<bool> {
        match instr.op {
            Op::Fall => {
                let next = self.at + 1;
                let is_header = self.instr(next).is_some_and(|next| next.op == Op::Enter);
                self.demand(is_header, What::Shape, || "Fall is followed by no header".into())?;
                self.run_to(self.fast.pc(next))?;
                self.end(header, instr.c)?;
            }
            Op::Exit => {
                let to = usize::try_from(instr.imm).unwrap_or(usize::MAX);
                self.demand(to == pc, What::Target, || format!("Exit of pc {pc} goes to pc {to}"))?;
                self.run_to(pc)?;
                self.end(header, instr.c)?;
            }
            Op::Jump | Op::JumpTo => {
                self.run_to(pc)?;
                let (kind, opcode) = (self.exact.kind(), self.exact.opcode());
                self.demand(kind == Kind::Jump, What::Event, || {
                    format!("{:?} stands for {opcode}", instr.op)
                })?;
                self.exact.account();
                let destination = self.exact.pop(&mut self.terms);
                if instr.op == Op::Jump {
                    self.target(instr, destination)?;
                } else {
                    let found = self.operand(Operand::Slot(instr.a))?;
                    self.demand(found == destination, What::Target, || {
                        let (found, should) = (self.terms.text(found), self.terms.text(destination));
                        format!("jumps to {found}, should jump to {should}")
                    })?;
                }
                self.end(header, instr.c)?;
            }
            op => return self.refuse(What::Shape, format!("{op:?} stands in a block")),
        }
        Ok(true)
    }

    fn branch(
        &mut self,
        header: &Instr,
        instr: &Instr,
        opcode: Option<Opcode>,
        operands: &[Operand],
    ) -> Checked {
        let (kind, expected) = (self.exact.kind(), self.exact.opcode());
        self.demand(kind == Kind::JumpIf, What::Event, || format!("{:?} stands for {expected}", instr.op))?;
        self.exact.account();
        let destination = self.exact.pop(&mut self.terms);
        let condition = self.exact.pop(&mut self.terms);
        let operands = self.operands(operands)?;
        let found = match (opcode, &operands[..]) {
            (Some(opcode), operands) => self.terms.op(opcode, operands),
            (None, [operand, ..]) => *operand,
            (None, []) => Term::NONE,
        };
        let (found_term, found_if) = self.terms.condition(found);
        let (term, jumps_if) = self.terms.condition(condition);
        let found_if = found_if != (instr.flag != 0);
        self.demand((found_term, found_if) == (term, jumps_if), What::Condition, || {
            let text =
                |term, jumps_if| format!("{}{}", if jumps_if { "" } else { "not " }, self.terms.text(term));
            format!("jumps if {}, should jump if {}", text(found_term, found_if), text(term, jumps_if))
        })?;
        self.target(instr, destination)?;
        let next = self.at + 1;
        let follows =
            self.instr(next).is_some_and(|next| next.op == Op::Enter) && self.fast.pc(next) == self.exact.pc;
        self.demand(follows, What::Target, || format!("no header of pc {} follows the jump", self.exact.pc))?;
        self.end(header, instr.c)
    }

    /// A jump that is resolved goes to the header, or to the rejoin, of its destination.
    fn target(&self, instr: &Instr, destination: Term) -> Checked {
        let value = self.terms.value(destination).and_then(|value| usize::try_from(value).ok());
        let Some(pc) = value.filter(|pc| self.is_destination(*pc)) else {
            let text = self.terms.text(destination);
            return self.refuse(What::Target, format!("{text} is no jump destination that is known"));
        };
        let target = u32::try_from(instr.imm & 0xffff_ffff).unwrap_or(u32::MAX);
        let is_it = self.can_enter(target) && self.fast.pc(target) == pc;
        self.demand(is_it, What::Target, || format!("instruction {target} is not where pc {pc} is entered"))
    }

    fn can_enter(&self, at: u32) -> bool {
        self.instr(at).is_some_and(|instr| matches!(instr.op, Op::Enter | Op::Rejoin))
    }

    /// A block's end: every item is in its place, and the header is what the opcodes ask for.
    fn end(&mut self, header: &Instr, moved: i16) -> Checked {
        let height = self.exact.height();
        self.demand(i32::from(moved) == height, What::Stack, || {
            format!("the height changes by {moved}, should change by {height}")
        })?;
        for position in self.exact.low().min(self.slots.lowest)..height {
            let found = self.slots.peek(&mut self.terms, position);
            self.same_item(What::Stack, position, found)?;
        }
        let (need, growth, gas) = (self.exact.need, self.exact.growth, self.exact.gas);
        self.demand(header.imm == gas, What::Gas, || {
            format!("the header charges {}, should charge {gas}", header.imm)
        })?;
        self.demand(i32::from(header.a) == need, What::Need, || {
            format!("the header asks for {}, should ask for {need}", header.a)
        })?;
        self.demand(i32::from(header.b) == growth, What::Growth, || {
            format!("the header allows for {}, should allow for {growth}", header.b)
        })
    }

    fn same_item(&mut self, what: What, position: i32, found: Term) -> Checked {
        let should = self.exact.item(&mut self.terms, position);
        self.demand(found == should, what, || {
            let (found, should) = (self.terms.text(found), self.terms.text(should));
            format!("item {position} is {found}, should be {should}")
        })
    }

    /// What recovery answers at this instruction is what the opcodes have.
    fn recovery(&mut self, header: &Instr, recoveries: &mut Recoveries<'_>) -> Checked {
        let Recovery { unused_gas, low, items } = recoveries.at(self.at);
        let behind = i128::from(header.imm) - i128::from(self.exact.gas);
        self.demand(i128::from(unused_gas) == behind, What::Recovery, || {
            format!("{unused_gas} gas is given back, should be {behind}")
        })?;
        let low = i32::from(low);
        let (found, height) = (low + i32::try_from(items.len()).unwrap_or(i32::MAX), self.exact.height());
        self.demand(found == height, What::Recovery, || format!("height {found}, should be {height}"))?;
        for position in self.exact.low().min(self.slots.lowest)..low {
            let found = self.slots.peek(&mut self.terms, position);
            self.same_item(What::Recovery, position, found)?;
        }
        for (position, place) in (low..).zip(items) {
            let found = match place {
                Place::Slot(slot) => self.slots.read(&mut self.terms, slot),
                Place::Constant(value) => Ok(self.terms.constant(value)),
            };
            let found = found.or_else(|detail| self.refuse(What::Recovery, detail))?;
            self.same_item(What::Recovery, position, found)?;
        }
        Ok(())
    }

    /// A jump into a run of jump destinations gives back the gas of those before it.
    fn rejoin(&mut self, instr: &Instr) -> Checked {
        let pc = self.fast.pc(self.at);
        let header = u32::try_from(instr.imm & 0xffff_ffff).unwrap_or(u32::MAX);
        let from = self.fast.pc(header);
        let all = from < pc && self.run(pc).is_some_and(|run| run <= from);
        self.demand(all, What::Target, || format!("pc {from} to {pc} is no run of jump destinations"))?;
        let gas = (pc - from) as u64 * u64::from(self.exact_row(Opcode::JUMPDEST.0).gas);
        let found = instr.imm >> 32;
        self.demand(found == gas, What::Gas, || format!("{found} is given back, should be {gas}"))
    }

    /// Every jump destination can be jumped to and nothing else can; where the form can be entered stands a header or a
    /// rejoin of that pc.
    fn entries(&mut self, len: usize) -> Checked {
        self.at = 0;
        self.demand(self.fast.entry(0).is_some(), What::Entries, || "pc 0 cannot be entered".into())?;
        for pc in 0..=len {
            let (entry, jump) = (self.fast.entry(pc), self.fast.jump(pc as u64));
            let should = if self.is_destination(pc) { entry } else { None };
            let is_missing = self.is_destination(pc) && entry.is_none();
            self.demand(jump == should && !is_missing, What::Entries, || {
                format!("a jump to pc {pc} goes to instruction {jump:?}, entry {entry:?}")
            })?;
            if let Some(entry) = entry {
                let is_right = self.can_enter(entry) && self.fast.pc(entry) == pc;
                self.demand(is_right, What::Entries, || {
                    format!("pc {pc} is entered at instruction {entry}, which is no entry of it")
                })?;
            }
        }
        Ok(())
    }
}
