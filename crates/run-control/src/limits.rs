use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use parallax_hooks::{Hooks, Interest, MessagePhase, StepControl, StepEnd, StepView};
use parallax_primitives::Message;

/// Pauses a run after so many opcodes. One at which a run is taken up again was asked about before, so it runs, and counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepBudget {
    /// Opcodes that may still run.
    pub left: u64,
}

impl Hooks for StepBudget {
    fn on_step(&mut self, _: &StepView<'_>) -> StepControl {
        if self.left == 0 { StepControl::Pause } else { StepControl::Continue }
    }

    fn on_step_end(&mut self, _: &StepView<'_>, _: &StepEnd<'_>) {
        self.left = self.left.saturating_sub(1);
    }
}

/// Aborts a run when another thread asks for it; looked at once a block and at messages, so the fast form keeps
/// running.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// Ends every run that holds a clone of this flag at its next block or message.
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

    /// A message without code has no block.
    fn on_message(&mut self, _: &Message, _: MessagePhase<'_>) -> StepControl {
        self.control()
    }
}
