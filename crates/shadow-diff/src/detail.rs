//! The state of both sides where they part, cut to what a report shows.

use std::collections::{BTreeSet, VecDeque};

use parallax_hooks::{StepEnd, StepView};
use parallax_primitives::{Address, Effect, Eip, GasSchedule, Opcode, Role, StateGas, U256};

use crate::{Field, Mismatch, ShadowConfig};

/// The state on both sides at the opcode at which they part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// What the opcode took from the stack, the top first. What both sides found was the same.
    pub inputs: Vec<U256>,
    /// Left and right.
    pub sides: [SideDetail; 2],
    /// The slots touched last, by either side, at most `storage_key_limit`.
    pub slots: Vec<SlotDetail>,
}

/// The state of one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SideDetail {
    /// What the opcode's cost is made of, if it has run and both sides know its cost.
    pub gas: Option<GasSplit>,
    /// What the frame has besides its execution gas (EIP-8037); `None` where the rules have none.
    pub state_gas: Option<StateGas>,
    /// The topmost items of the stack, the top last, at most `stack_compare_limit`.
    pub stack: Vec<U256>,
    /// Items on the whole stack.
    pub stack_size: usize,
    /// At most `memory_window` bytes, round the first that differs, or from the start.
    pub memory: Vec<u8>,
    /// Where they begin in the memory.
    pub memory_offset: usize,
    /// Bytes of the whole memory.
    pub memory_size: usize,
}

/// A cost by its causes, in gas. Those of execution gas add up to its cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GasSplit {
    /// The opcode's static gas, as far as the cost covers it.
    pub static_gas: u64,
    /// Memory expansion (Yellow Paper, appendix H, C_mem).
    pub memory: u64,
    /// Handed on to the callee, without the stipend.
    pub forwarded: u64,
    /// All else: access to what is cold, values, words and bytes, new accounts.
    pub access: u64,
    /// State gas, which is in no other part (EIP-8037); `None` where the rules have none.
    pub state: Option<i64>,
}

impl GasSplit {
    /// The whole cost in execution gas.
    pub const fn total(&self) -> u64 {
        self.static_gas + self.memory + self.forwarded + self.access
    }

    pub(crate) fn new(memory_before: usize, step: &StepView<'_>, end: &StepEnd<'_>) -> Self {
        let cost = end.gas_cost;
        let static_gas = u64::from(step.rules.opcodes()[usize::from(step.opcode.0)].gas).min(cost);
        let prices = step.rules.gas();
        let expansion =
            memory_cost(prices, step.memory.len()).saturating_sub(memory_cost(prices, memory_before));
        let memory = expansion.min(cost - static_gas);
        let rest = cost - static_gas - memory;
        // What a creation forwards is no part of its cost.
        let is_creation = matches!(step.opcode, Opcode::CREATE | Opcode::CREATE2);
        let forwarded = if is_creation { 0 } else { end.forwarded.min(rest) };
        let state = step.rules.has(Eip::StateGas8037).then_some(end.state_gas_cost);
        Self { static_gas, memory, forwarded, access: rest - forwarded, state }
    }
}

fn memory_cost(prices: &GasSchedule, bytes: usize) -> u64 {
    let words = bytes as u64 / 32;
    let squared = words.saturating_mul(words) / prices.memory_quadratic_divisor;
    (words.saturating_mul(prices.memory_word) / prices.memory_word_divisor).saturating_add(squared)
}

/// One slot on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotDetail {
    /// Whose.
    pub address: Address,
    /// Which.
    pub key: U256,
    /// Whether it is transient storage (EIP-1153).
    pub is_transient: bool,
    /// Its value on the left and on the right; `None` where that side has not loaded it.
    pub values: [Option<U256>; 2],
}

/// A slot that an opcode has touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Touched {
    pub(crate) address: Address,
    pub(crate) key: U256,
    pub(crate) is_transient: bool,
}

impl Touched {
    /// The slot that an opcode is about to read or write.
    pub(crate) fn before(step: &StepView<'_>) -> Option<Self> {
        let info = step.rules.info(step.opcode)?;
        let of = |role| info.value(role, step.stack);
        let (key, is_transient) = match of(Role::StorageKey) {
            Some(key) => (key, false),
            None => (of(Role::TransientKey)?, true),
        };
        Some(Self { address: step.message.address, key, is_transient })
    }

    /// The slot that an effect wrote.
    pub(crate) fn by(effect: Effect<'_>) -> Option<Self> {
        let (change, is_transient) = match effect {
            Effect::Storage(change) => (change, false),
            Effect::Transient(change) => (change, true),
            Effect::None | Effect::Log(_) => return None,
        };
        Some(Self { address: change.address, key: change.key, is_transient })
    }
}

/// A ring of the slots touched last; loops touch a slot many times, so a report may show fewer.
#[derive(Debug)]
pub(crate) struct LastTouched {
    slots: VecDeque<Touched>,
    limit: usize,
}

impl LastTouched {
    pub(crate) fn new(limit: usize) -> Self {
        Self { slots: VecDeque::new(), limit }
    }

    pub(crate) fn push(&mut self, slot: Touched) {
        if self.slots.len() >= self.limit {
            self.slots.pop_front();
        }
        if self.slots.len() < self.limit {
            self.slots.push_back(slot);
        }
    }

    /// Each once.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Touched> {
        let mut seen = BTreeSet::new();
        self.slots.iter().rev().filter(move |slot| seen.insert(**slot))
    }
}

impl Detail {
    pub(crate) fn new<'t>(
        mismatch: &Mismatch,
        inputs: &[U256],
        views: [&StepView<'_>; 2],
        gas: [Option<GasSplit>; 2],
        touched: impl Iterator<Item = &'t Touched>,
        config: &ShadowConfig,
    ) -> Self {
        // A word's start, unless the byte that differs would be behind the window's end.
        let from = match mismatch.field {
            Field::Memory(offset) => (offset.saturating_sub(config.memory_window / 4) / 32 * 32)
                .max((offset + 1).saturating_sub(config.memory_window)),
            _ => 0,
        };
        // Of an opcode that failed before it was charged for, or on an engine that does not know the cost, there is none to split.
        let is_unknown = mismatch.field == Field::Halt && gas.iter().flatten().any(|gas| gas.total() == 0);
        let gas = if is_unknown { [None; 2] } else { gas };
        let [left, right] = views;
        let side = |view: &StepView<'_>, gas| {
            let start = from.min(view.memory.len());
            let end = view.memory.len().min(start.saturating_add(config.memory_window));
            let hidden = view.stack.len().saturating_sub(config.stack_compare_limit);
            SideDetail {
                gas,
                state_gas: view.rules.has(Eip::StateGas8037).then_some(view.state_gas),
                stack: view.stack[hidden..].to_vec(),
                stack_size: view.stack.len(),
                memory: view.memory[start..end].to_vec(),
                memory_offset: start,
                memory_size: view.memory.len(),
            }
        };
        let value = |view: &StepView<'_>, slot: &Touched| match slot.is_transient {
            true => Some(view.journal.transient_storage(slot.address, slot.key)),
            false => view.journal.storage(slot.address, slot.key),
        };
        let slot = |slot: &Touched| SlotDetail {
            address: slot.address,
            key: slot.key,
            is_transient: slot.is_transient,
            values: [value(left, slot), value(right, slot)],
        };
        Self {
            inputs: inputs.to_vec(),
            sides: [side(left, gas[0]), side(right, gas[1])],
            slots: touched.map(slot).collect(),
        }
    }
}
