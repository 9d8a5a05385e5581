//! Hooks of the machine's own.

use parallax_hooks::{Hooks, Interest, MessagePhase, StepControl, StepEnd, StepView};
use parallax_primitives::Message;

/// Hooks whose interest was asked for, once in a run.
pub(crate) struct Settled<'h> {
    hooks: &'h mut dyn Hooks,
    interest: Interest,
}

impl<'h> Settled<'h> {
    pub(crate) fn new(hooks: &'h mut dyn Hooks) -> Self {
        let interest = hooks.interest();
        Self { hooks, interest }
    }
}

impl Hooks for Settled<'_> {
    fn interest(&self) -> Interest {
        self.interest
    }

    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.hooks.on_step(step)
    }

    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.hooks.on_step_end(step, end);
    }

    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        self.hooks.on_block(entry)
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        self.hooks.on_message(message, phase)
    }
}
