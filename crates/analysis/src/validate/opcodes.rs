//! The side of the byte code: opcodes on a stack of terms, with the gas and the items that the specification asks for.

use std::collections::VecDeque;

use parallax_primitives::{Class, GasSchedule, Opcode, OpcodeRow, OpcodeTable, Operation, Rules, U256};

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

/// Items that DUPN, SWAPN or EXCHANGE names (EIP-8024), counted from the top, which is 1.
#[derive(Clone, Copy, Debug)]
struct Deep {
    /// The one that changes places with the other; of a copy none.
    upper: i32,
    lower: i32,
    is_copy: bool,
}

/// Where opcodes have come to, from a block's entry on.
#[derive(Debug)]
pub(super) struct Exact<'a> {
    code: &'a [u8],
    rules: Rules,
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
    pub(super) fn new(code: &'a [u8], rules: Rules) -> Self {
        let (table, schedule) = (rules.opcodes(), rules.gas());
        Self {
            code,
            rules,
            table,
            schedule,
            pc: 0,
            gas: 0,
            need: 0,
            growth: 0,
            low: 0,
            items: VecDeque::new(),
        }
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
        use Operation as O;

        let Some(info) = self.rules.info(self.opcode()) else { return Kind::Leaves };
        match (self.row().operation, info.class) {
            (O::Undefined, _) | (_, Class::Halt | Class::Message) => Kind::Leaves,
            (O::JUMP, _) => Kind::Jump,
            (O::JUMPI, _) => Kind::JumpIf,
            (O::EXP, _) => Kind::Power,
            // By itself an author's opcode is no function of its operands: what it is of them is not known here.
            (O::Custom, _) if self.rules.custom_opcode(self.opcode()).is_none_or(|own| !own.is_local()) => {
                Kind::Leaves
            }
            (O::Custom, _) => Kind::Event,
            (O::CODESIZE | O::PC | O::JUMPDEST, _) => Kind::Value,
            (_, Class::Push | Class::Pop | Class::Dup | Class::Swap) => Kind::Value,
            (_, Class::Deep) if self.deep().is_none() => Kind::Leaves,
            (_, Class::Deep) => Kind::Value,
            (_, Class::Arithmetic | Class::Compare | Class::Bitwise) => Kind::Value,
            (_, Class::Hash | Class::Environment | Class::Memory | Class::Storage | Class::Log) => {
                Kind::Event
            }
            (_, Class::Flow) => Kind::Leaves,
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
        let (opcode, row, deep) = (self.opcode(), self.row(), self.deep());
        let (inputs, outputs) = match deep {
            Some(Deep { lower, is_copy, .. }) => (lower, lower + i32::from(is_copy)),
            None => (i32::from(row.inputs), i32::from(row.outputs)),
        };
        self.need = self.need.max(inputs - self.height());
        self.growth = self.growth.max(self.height() - inputs + outputs);
        self.gas += u64::from(row.gas);
        self.pc += 1 + opcode.push_data() + usize::from(deep.is_some());
    }

    /// What DUPN, SWAPN or EXCHANGE at the pc is about; `None` if another opcode stands there, or its immediate names no items.
    fn deep(&self) -> Option<Deep> {
        let x = i32::from(self.byte(self.pc + 1));
        let single = (!(91..=127).contains(&x)).then_some((x + 145) % 256);
        let pair = (!(82..=127).contains(&x)).then(|| match ((x ^ 143) / 16, (x ^ 143) % 16) {
            (q, r) if q < r => (q + 1, r + 1),
            (q, r) => (r + 1, 29 - q),
        });
        Some(match self.row().operation {
            Operation::DUPN => Deep { upper: 0, lower: single?, is_copy: true },
            Operation::SWAPN => Deep { upper: 1, lower: single? + 1, is_copy: false },
            Operation::EXCHANGE => pair.map(|(n, m)| Deep { upper: n + 1, lower: m + 1, is_copy: false })?,
            _ => return None,
        })
    }

    /// Does an opcode that is no event, and goes to the next one.
    pub(super) fn evaluate(&mut self, terms: &mut Terms) {
        let (opcode, pc) = (self.opcode(), self.pc);
        let (inputs, deep) = (usize::from(self.row().inputs), self.deep());
        self.account();
        if let Some(Deep { upper, lower, is_copy }) = deep {
            let place = |item: i32| usize::try_from(item).unwrap_or(0);
            self.reach(terms, place(lower));
            let height = self.items.len();
            if is_copy {
                self.push(self.items[height - place(lower)]);
            } else {
                self.items.swap(height - place(upper), height - place(lower));
            }
            return;
        }
        match (opcode, opcode.info().map(|info| info.class)) {
            (_, Some(Class::Pop)) => {
                self.pop(terms);
            }
            (Opcode::JUMPDEST, _) => {}
            (Opcode::CODESIZE, _) => self.push(terms.constant(U256::from(self.code.len()))),
            (Opcode::PC, _) => self.push(terms.constant(U256::from(pc))),
            (_, Some(Class::Push)) => {
                let mut value = U256::ZERO;
                for at in pc + 1..self.pc {
                    value = value << 8 | U256::from(self.byte(at));
                }
                self.push(terms.constant(value));
            }
            (_, Some(Class::Dup)) => {
                let term = self.peek(terms, i32::try_from(inputs).unwrap_or(i32::MAX) - 1);
                self.push(term);
            }
            (_, Some(Class::Swap)) => {
                self.reach(terms, inputs);
                let top = self.items.len() - 1;
                self.items.swap(top, self.items.len() - inputs);
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
