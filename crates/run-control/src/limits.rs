use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use parallax_hooks::{Hooks, Interest, StepControl, StepView};

/// Pauses a run after so many opcodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepBudget {
    /// Opcodes that may still run.
    pub left: u64,
}

impl Hooks for StepBudget {
    fn on_step(&mut self, _: &StepView<'_>) -> StepControl {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                StepControl::Continue
            }
            None => StepControl::Pause,
        }
    }
}

/// Aborts a run when another thread asks for it; looked at once a block, so the fast form keeps running.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// Ends every run that holds a clone of this flag at its next block.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`CancelFlag::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn control(&self) -> StepControl {
        if self.is_cancelled() { StepControl::Abort } else { StepControl::Continue }
    }
}

impl Hooks for CancelFlag {
    fn interest(&self) -> Interest {
        Interest::Blocks
    }

    fn on_block(&mut self, _: &StepView<'_>) -> StepControl {
        self.control()
    }

    /// Beside a hook that wants steps, the flag is looked at every step.
    fn on_step(&mut self, _: &StepView<'_>) -> StepControl {
        self.control()
    }
}
