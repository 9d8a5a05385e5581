#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod compose;
mod records;

use parallax_hooks::{End, Hooks, Interest, MessagePhase, Start, StepControl, StepEnd, StepView};
use parallax_primitives::Message;
pub use parallax_primitives::StorageChange;
pub use records::{ExecutionTrace, LogEntry, MemorySnapshot, StackSnapshot, StepInfo, StepResult, StructLog};

/// Watches an execution and writes down what it sees. What goes wrong inside a tracer (a full disk) stays inside until its
/// own `finish`.
pub trait Tracer {
    /// Once, before anything else of a run: the rules, the block, and what is run.
    fn start(&mut self, start: &Start<'_>) {
        let _ = start;
    }

    /// Once, when the run is over: what it came to.
    fn end(&mut self, end: &End<'_>) {
        let _ = end;
    }

    /// How finely it looks. Asked once per run.
    fn wants(&self) -> Wants {
        Wants::Steps
    }

    /// Before an opcode: its pre-state.
    fn step(&mut self, step: &StepView<'_>) {
        let _ = step;
    }

    /// After the opcode, the failing one included; `step` is its post-state.
    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        let _ = (step, end);
    }

    /// Before and after every message.
    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        let _ = (message, phase);
    }
}

/// How finely a tracer looks; each level includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wants {
    /// Not at all.
    Nothing,
    /// Messages.
    Messages,
    /// Messages and every opcode.
    Steps,
}

/// A tracer as hooks: observes, and always lets the execution go on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traced<T>(pub T);

impl<T: Tracer> Hooks for Traced<T> {
    fn on_start(&mut self, start: &Start<'_>) {
        self.0.start(start);
    }

    fn on_end(&mut self, end: &End<'_>) {
        self.0.end(end);
    }

    fn interest(&self) -> Interest {
        match self.0.wants() {
            Wants::Nothing => Interest::Nothing,
            Wants::Messages => Interest::Messages,
            Wants::Steps => Interest::Steps,
        }
    }

    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.0.step(step);
        StepControl::Continue
    }

    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.0.step_end(step, end);
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        self.0.message(message, phase);
        StepControl::Continue
    }
}
