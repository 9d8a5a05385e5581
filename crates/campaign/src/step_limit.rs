//! A run with at most so many steps.

use parallax_hooks::{Hooks, Interest, StepControl, StepView};

/// Ends a run before the step that would be one too many.
pub(crate) struct StepLimit {
    pub(crate) left: u64,
    pub(crate) is_met: bool,
}

impl Hooks for StepLimit {
    fn interest(&self) -> Interest {
        Interest::Steps
    }

    fn on_step(&mut self, _: &StepView<'_>) -> StepControl {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                StepControl::Continue
            }
            None => {
                self.is_met = true;
                StepControl::Abort
            }
        }
    }
}
