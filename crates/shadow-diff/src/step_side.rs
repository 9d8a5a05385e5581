//! What is kept of an opcode.

use parallax_hooks::{StepEnd, StepView};
use parallax_primitives::{Address, Fork, Opcode, Rules, StateGas};

/// One opcode on one side, kept past the callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepSide {
    /// 0 is the transaction's own frame.
    pub depth: u16,
    /// Offset of the opcode in the code.
    pub pc: usize,
    /// The opcode.
    pub opcode: Opcode,
    /// The rules that it runs under.
    pub rules: Rules,
    /// The account in whose name its frame runs.
    pub address: Address,
    /// Gas left before it.
    pub gas_before: u64,
    /// Gas left after it; before it has run, as before.
    pub gas_after: u64,
    /// Execution gas that it took; zero before it has run, and if it failed.
    pub gas_cost: u64,
    /// State gas before it (EIP-8037).
    pub state_gas: StateGas,
    /// State gas that it was charged or, below zero, given back (EIP-8037); zero before it has run, and if it failed.
    pub state_gas_cost: i64,
    /// Items on the stack before it.
    pub stack_size: usize,
}

impl StepSide {
    /// None yet.
    pub(crate) fn empty() -> Self {
        Self {
            depth: 0,
            pc: 0,
            opcode: Opcode::STOP,
            rules: Rules::of(Fork::LATEST),
            address: Address::ZERO,
            gas_before: 0,
            gas_after: 0,
            gas_cost: 0,
            state_gas: StateGas::NONE,
            state_gas_cost: 0,
            stack_size: 0,
        }
    }

    /// As it is before the opcode.
    pub fn before(step: &StepView<'_>) -> Self {
        let mut side = Self::empty();
        side.set(step);
        side
    }

    /// Becomes what it is before the opcode. Field by field: a copy of what has just been put together waits for it.
    #[inline]
    pub(crate) fn set(&mut self, step: &StepView<'_>) {
        self.depth = step.depth;
        self.pc = step.pc;
        self.opcode = step.opcode;
        self.rules = step.rules;
        self.address = step.message.address;
        self.gas_before = step.gas;
        self.gas_after = step.gas;
        self.gas_cost = 0;
        self.state_gas = step.state_gas;
        self.state_gas_cost = 0;
        self.stack_size = step.stack.len();
    }
}

/// What an opcode took and left of gas.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndGas {
    left: u64,
    cost: u64,
    state_cost: i64,
}

impl EndGas {
    /// What a failing opcode would have cost it did not take.
    pub(crate) fn of(end: &StepEnd<'_>) -> Self {
        let (cost, state_cost) = if end.halt.is_some() { (0, 0) } else { (end.gas_cost, end.state_gas_cost) };
        Self { left: end.gas_left, cost, state_cost }
    }

    /// The opcode with its end.
    pub(crate) fn behind(self, before: StepSide) -> StepSide {
        StepSide { gas_after: self.left, gas_cost: self.cost, state_gas_cost: self.state_cost, ..before }
    }
}
