//! The side of the byte code: opcodes on a stack of terms, with the gas and the items that the specification asks for.

use std::collections::VecDeque;

use parallax_primitives::{GasSchedule, Opcode, OpcodeRow, OpcodeTable, U256};

use super::{
    arithmetic,
    terms::{Term, Terms},
};

/// What an opcode is to a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It moves items, or is a function of them: the block may do it in any way.
    Value,
    /// Two constants may be raised at once, with the gas that this costs; otherwise it is an event.
    Power,
    Jump,
    JumpIf,
    /// It ends the frame, sends a message or is none: the exact form must run it.
    Leaves,
    /// It reads or writes something outside of the stack, or reads the gas.
    Event,
}

/// Where opcodes have come to, from a block's entry on.
#[derive(Debug)]
pub(super) struct Exact<'a> {
    code: &'a [u8],
    table: &'static OpcodeTable,
    schedule: &'static GasSchedule,
    pub(super) pc: usize,
    /// Static gas of the opcodes so far.
    pub(super) gas: u64,
    /// Items that they needed at the entry.
    pub(super) need: i32,
    /// The most items above the entry.
    pub(super) growth: i32,
    /// Position of the first item of `items`; what is below it was not touched.
    low: i32,
    items: VecDeque<Term>,
}

impl<'a> Exact<'a> {
    pub(super) fn new(code: &'a [u8], table: &'static OpcodeTable, schedule: &'static GasSchedule) -> Self {
        Self { code, table, schedule, pc: 0, gas: 0, need: 0, growth: 0, low: 0, items: VecDeque::new() }
    }

    /// Begins a block.
    pub(super) fn enter(&mut self, pc: usize) {
        self.items.clear();
        (self.pc, self.gas, self.need, self.growth, self.low) = (pc, 0, 0, 0, 0);
    }

    /// The opcode at the pc; behind the code stand STOPs.
    pub(super) fn opcode(&self) -> Opcode {
        Opcode(self.byte(self.pc))
    }

    fn byte(&self, pc: usize) -> u8 {
        self.code.get(pc).copied().unwrap_or(0)
    }

    pub(super) fn row(&self) -> OpcodeRow {
        self.row_of(self.opcode())
    }

    pub(super) fn row_of(&self, opcode: Opcode) -> OpcodeRow {
        self.table[usize::from(opcode.0)]
    }

    pub(super) fn kind(&self) -> Kind {
        match self.opcode().0 {
            _ if !self.row().defined => Kind::Leaves,
            0x00 | 0xf0..=0xff => Kind::Leaves,
            0x01..=0x09 | 0x0b..=0x1e | 0x38 | 0x50 | 0x58 | 0x5b | 0x5f..=0x9f => Kind::Value,
            0x0a => Kind::Power,
            0x56 => Kind::Jump,
            0x57 => Kind::JumpIf,
            _ => Kind::Event,
        }
    }

    /// Where the next item would be.
    pub(super) fn height(&self) -> i32 {
        self.low + i32::try_from(self.items.len()).unwrap_or(i32::MAX)
    }

    /// The lowest position that was touched.
    pub(super) fn low(&self) -> i32 {
        self.low
    }

    /// The item at a position below the height.
    pub(super) fn item(&self, terms: &mut Terms, position: i32) -> Term {
        let index = usize::try_from(position - self.low).ok();
        match index.and_then(|index| self.items.get(index)) {
            Some(term) => *term,
            None => terms.entry(position),
        }
    }

    /// The item `depth` items down.
    pub(super) fn peek(&self, terms: &mut Terms, depth: i32) -> Term {
        self.item(terms, self.height() - 1 - depth)
    }

    pub(super) fn pop(&mut self, terms: &mut Terms) -> Term {
        self.reach(terms, 1);
        self.items.pop_back().unwrap_or(Term::NONE)
    }

    pub(super) fn push(&mut self, term: Term) {
        self.items.push_back(term);
    }

    fn reach(&mut self, terms: &mut Terms, items: usize) {
        while self.items.len() < items {
            self.low -= 1;
            self.items.push_front(terms.entry(self.low));
        }
    }

    /// Checks and charges what every opcode is charged and checked for, and goes to the next one.
    pub(super) fn account(&mut self) {
        let (opcode, row) = (self.opcode(), self.row());
        let (inputs, outputs) = (i32::from(row.inputs), i32::from(row.outputs));
        self.need = self.need.max(inputs - self.height());
        self.growth = self.growth.max(self.height() - inputs + outputs);
        self.gas += u64::from(row.gas);
        let data = if (0x60..=0x7f).contains(&opcode.0) { usize::from(opcode.0) - 0x5f } else { 0 };
        self.pc += 1 + data;
    }

    /// Does an opcode that is no event, and goes to the next one.
    pub(super) fn evaluate(&mut self, terms: &mut Terms) {
        let (opcode, pc) = (self.opcode(), self.pc);
        let inputs = usize::from(self.row().inputs);
        self.account();
        match opcode.0 {
            0x50 => {
                self.pop(terms);
            }
            0x5b => {}
            0x38 => self.push(terms.constant(U256::from(self.code.len()))),
            0x58 => self.push(terms.constant(U256::from(pc))),
            0x5f..=0x7f => {
                let mut value = U256::ZERO;
                for at in pc + 1..self.pc {
                    value = value << 8 | U256::from(self.byte(at));
                }
                self.push(terms.constant(value));
            }
            0x80..=0x8f => {
                let term = self.peek(terms, i32::from(opcode.0) - 0x80);
                self.push(term);
            }
            0x90..=0x9f => {
                let depth = usize::from(opcode.0) - 0x8f;
                self.reach(terms, depth + 1);
                let top = self.items.len() - 1;
                self.items.swap(top, top - depth);
            }
            _ => {
                let operands: Vec<Term> = (0..inputs).map(|_| self.pop(terms)).collect();
                if let (Opcode::EXP, Some(exponent)) = (opcode, operands.get(1)) {
                    let bytes = terms.value(*exponent).map_or(0, arithmetic::bytes);
                    self.gas += self.schedule.exp_byte * bytes;
                }
                self.push(terms.op(opcode, &operands));
            }
        }
    }
}
