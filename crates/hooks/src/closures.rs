use parallax_primitives::Message;

use crate::{Hooks, Interest, MessagePhase, StepControl, StepEnd, StepView};

/// Hooks out of a closure that is called before every opcode, as [`Hooks::on_step`] is. Several make one as a tuple.
pub fn on_step(look: impl FnMut(&StepView<'_>) -> StepControl) -> impl Hooks {
    OnStep(look)
}

/// Hooks out of a closure that is called after every opcode, as [`Hooks::on_step_end`] is.
pub fn on_step_end(look: impl FnMut(&StepView<'_>, &StepEnd<'_>)) -> impl Hooks {
    OnStepEnd(look)
}

/// Hooks out of a closure that is called before and after every message, as [`Hooks::on_message`] is.
pub fn on_message(look: impl FnMut(&Message, MessagePhase<'_>) -> StepControl) -> impl Hooks {
    OnMessage(look)
}

struct OnStep<F>(F);

impl<F: FnMut(&StepView<'_>) -> StepControl> Hooks for OnStep<F> {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        (self.0)(step)
    }
}

struct OnStepEnd<F>(F);

impl<F: FnMut(&StepView<'_>, &StepEnd<'_>)> Hooks for OnStepEnd<F> {
    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        (self.0)(step, end);
    }
}

struct OnMessage<F>(F);

impl<F: FnMut(&Message, MessagePhase<'_>) -> StepControl> Hooks for OnMessage<F> {
    fn interest(&self) -> Interest {
        Interest::Messages
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        (self.0)(message, phase)
    }
}
