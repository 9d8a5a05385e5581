//! Keeps an execution from taking the server's memory and time, which much gas pays for: two engines must be able to have
//! them at once.
//!
//! Invariant: between two looks at the clock no more is done than about a second's work, however much gas there is.

use parallax_hooks::StepView;
use parallax_precompiles::{PrecompileError, Precompiles};
use parallax_primitives::{Address, Class, Opcode, OpcodeInfo, Role, Rules, U256};
use parallax_tracer_eip3155::{growth_cost, needed};

/// Bytes that one execution may hold: of all open frames the memory, the input and the return data; logs, deployed codes,
/// and writes to storage.
const LIMIT: usize = 128 << 20;
/// Gas that pays for half of that as memory at the most: n words cost at least n * n / 512 (Yellow Paper, appendix H).
const POOR: u64 = ((LIMIT / 32) as u64).pow(2) / 512 / 4;
/// Bytes that a journal takes for a write to storage, about.
const WRITE: usize = 128;
/// Gas of one call of a precompiled contract. With more it would run for minutes, and nothing can stop it.
const PRECOMPILE_GAS: u64 = 100_000_000;
/// Steps between two looks at the clock and at what others want.
pub(crate) const STEPS_PER_LOOK: u64 = 1024;
/// Bytes of memory that make an opcode count as one more step, since it may read all of it.
const BYTES_PER_STEP: usize = 1 << 14;
/// Gas that makes a call count as one more step, since a precompiled contract may spend it.
const GAS_PER_STEP: u64 = 1 << 16;

/// Which limit an opcode would break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beyond {
    Memory,
    Time,
}

impl Beyond {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Beyond::Memory => "memory",
            Beyond::Time => "time",
        }
    }
}

/// Knows what an execution holds and how long it has gone on since the last look.
#[derive(Debug)]
pub(crate) struct Allowance {
    rules: Rules,
    /// Bytes of every open frame, the outermost first.
    frames: Vec<usize>,
    /// These, and what outlives its frame. What is undone again still counts.
    total: usize,
    since_look: u64,
}

impl Allowance {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, frames: Vec::new(), total: 0, since_look: 0 }
    }

    /// What the opcode would break, if anything. Asked once for every step.
    #[inline]
    pub(crate) fn refuses(&mut self, step: &StepView<'_>) -> Option<Beyond> {
        let place = usize::from(step.depth);
        let size = step.memory.len() + step.return_data.len() + step.message.input.len();
        if self.frames.len() != place + 1 || self.frames.last() != Some(&size) {
            while self.frames.len() > place {
                self.total -= self.frames.pop().unwrap_or(0);
            }
            self.frames.resize(place, 0);
            self.frames.push(size);
            self.total += size;
        }
        self.since_look += 1 + (step.memory.len() / BYTES_PER_STEP) as u64;
        self.total = self.total.saturating_add(keeps(step));
        // Most runs cannot pay for too much.
        let is_poor = step.gas < POOR;
        if !(is_poor && self.total < LIMIT / 2) {
            let grown = needed(step).saturating_sub(step.memory.len() as u64);
            let grown = usize::try_from(grown).unwrap_or(usize::MAX);
            // What cannot be paid fails before there is any memory.
            let is_paid = growth_cost(step) <= step.gas && grown < usize::MAX / 2;
            if self.total > LIMIT || (is_paid && self.total.saturating_add(grown) > LIMIT) {
                return Some(Beyond::Memory);
            }
        }
        match step.opcode.info() {
            // A call, not a creation.
            Some(info) if info.output().is_some() => self.refuses_call(step, info),
            _ => None,
        }
    }

    fn refuses_call(&mut self, step: &StepView<'_>, info: &OpcodeInfo) -> Option<Beyond> {
        let gas = operand(step, 0).saturating_to::<u64>().min(step.gas);
        self.since_look += gas.min(PRECOMPILE_GAS) / GAS_PER_STEP;
        if gas <= PRECOMPILE_GAS {
            return None;
        }
        let input = info.regions().find(|region| region.role == Role::ReadOffset);
        let (offset, length) = input.map_or((U256::ZERO, U256::ZERO), |region| region.on_or_zero(step.stack));
        let (offset, length) = (offset.saturating_to::<usize>(), length.saturating_to::<usize>());
        let to = Address::from_word(operand(step, 1).into());
        // It may cost more than there is memory for: then the call fails.
        let is_long = length <= LIMIT
            && runs_long(self.rules, to, gas, || {
                let known = step.memory.get(offset..).unwrap_or(&[]);
                let known = &known[..known.len().min(length)];
                let mut input = known.to_vec();
                input.resize(length, 0);
                input
            });
        is_long.then_some(Beyond::Time)
    }

    /// Whether it is time to look at the clock.
    #[inline]
    pub(crate) fn is_due(&mut self) -> bool {
        let is_due = self.since_look >= STEPS_PER_LOOK;
        if is_due {
            self.since_look = 0;
        }
        is_due
    }
}

/// Whether a message to this account with so much gas is to a precompiled contract that would run for too long.
pub(crate) fn runs_long(rules: Rules, to: Address, gas: u64, input: impl FnOnce() -> Vec<u8>) -> bool {
    gas > PRECOMPILE_GAS
        && Precompiles::of(rules).get(&to).is_some_and(|precompile| {
            // It charges before it works, so this is no long work either.
            matches!(precompile.run(&input(), PRECOMPILE_GAS), Err(PrecompileError::OutOfGas))
        })
}

fn operand(step: &StepView<'_>, from_top: usize) -> U256 {
    let item = step.stack.len().checked_sub(from_top + 1).and_then(|at| step.stack.get(at));
    item.copied().unwrap_or_default()
}

/// A bound on the bytes that the opcode leaves behind outside its frame, as far as there is gas for them.
#[inline]
fn keeps(step: &StepView<'_>) -> usize {
    let paid = |gas_per_byte: u64| {
        let length = operand(step, 1).saturating_to::<usize>();
        if (length as u64).saturating_mul(gas_per_byte) <= step.gas { length } else { 0 }
    };
    match (step.rules.info(step.opcode).map(|info| info.class), step.opcode) {
        (Some(Class::Storage), Opcode::SLOAD | Opcode::TLOAD) => 0,
        (Some(Class::Storage), _) => WRITE,
        (Some(Class::Log), _) => paid(8),
        (_, Opcode::RETURN) if step.message.kind.is_create() => paid(200),
        _ => 0,
    }
}
