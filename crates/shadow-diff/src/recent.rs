//! The last steps before a divergence.

use crate::StepSide;

/// Steps that a report shows before a divergence.
const RECENT: usize = 8;

/// A ring of the last steps of the watched side.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    steps: [Option<(u64, StepSide)>; RECENT],
    count: usize,
}

impl Recent {
    pub(crate) fn push(&mut self, index: u64, step: StepSide) {
        self.steps[self.count % RECENT] = Some((index, step));
        self.count += 1;
    }

    /// Oldest first, one line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        let (newer, older) = self.steps.split_at(self.count % RECENT);
        older.iter().chain(newer).flatten().map(|(index, step)| line(*index, step)).collect()
    }
}

fn line(index: u64, step: &StepSide) -> String {
    let StepSide { depth, pc, opcode, gas_before, gas_after, stack_size, .. } = step;
    let gas = match gas_before == gas_after {
        true => format!("gas {gas_before}"),
        false => format!("gas {gas_before} -> {gas_after}"),
    };
    format!("{index} depth {depth} pc {pc} {opcode}, {gas}, {stack_size} on the stack")
}
