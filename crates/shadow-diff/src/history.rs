//! The last things before a divergence.

use std::fmt;

use crate::StepSide;

/// Steps that a report shows before a divergence.
const RECENT: usize = 8;

/// One thing that both sides did alike before they parted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Earlier {
    /// An opcode; where block entries are compared, one at an entry, which has not run.
    Step {
        /// Its number in the transaction.
        index: u64,
        /// What the watched side had of it.
        step: StepSide,
    },
    /// What began or ended, in words.
    Message(String),
}

impl fmt::Display for Earlier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Earlier::Message(text) => f.write_str(text),
            Earlier::Step { index, step } => {
                let StepSide { depth, pc, opcode, rules, gas_before, gas_after, stack_size, .. } = *step;
                let opcode = rules.show(opcode);
                let (number, depth) = (index + 1, u32::from(depth) + 1);
                write!(f, "{number} depth {depth} pc {pc} {opcode}, gas {gas_before}")?;
                if gas_after != gas_before {
                    write!(f, " -> {gas_after}")?;
                }
                write!(f, ", {stack_size} on the stack")
            }
        }
    }
}

/// A ring of the last steps of the watched side.
#[derive(Debug)]
pub(crate) struct Recent {
    steps: [(u64, StepSide); RECENT],
    count: usize,
}

impl Default for Recent {
    fn default() -> Self {
        Self { steps: [(0, StepSide::empty()); RECENT], count: 0 }
    }
}

impl Recent {
    /// The place of the next step, to be written.
    #[inline]
    pub(crate) fn next(&mut self, index: u64) -> &mut StepSide {
        let (number, step) = &mut self.steps[self.count % RECENT];
        self.count += 1;
        *number = index;
        step
    }

    /// Oldest first.
    pub(crate) fn items(&self) -> Vec<Earlier> {
        let first = self.count.saturating_sub(RECENT);
        let steps = (first..self.count).map(|number| self.steps[number % RECENT]);
        steps.map(|(index, step)| Earlier::Step { index, step }).collect()
    }
}
