use parallax_hooks::{End, Hooks, Interest, MessagePhase, Start, StepControl, StepEnd, StepView};
use parallax_host_interface::HostError;
use parallax_primitives::Message;

use crate::Execution;

/// One transaction, or one bare message, in progress, at any depth. It can be paused, kept, looked at and resumed.
///
/// There is one way to run: on with hooks, from where it stands to where they pause. Hooks that look at all of several
/// runs, one after another, see what they would have seen of one.
pub trait Stepper {
    /// Runs until the end, or until `hooks` pauses or aborts. The first run tells its hooks the start, the one that comes to the end
    /// tells it ([`Hooks::on_start`], [`Hooks::on_end`]). Where it stands, whoever paused it there was asked: nobody is
    /// asked about that place again.
    fn run(&mut self, hooks: &mut dyn Hooks) -> Result<Progress, HostError>;

    /// Runs on to the next place where hooks can pause: before the next opcode, or before or behind a message.
    fn step(&mut self, hooks: &mut dyn Hooks) -> Result<Progress, HostError> {
        self.run(&mut Everywhere(hooks))
    }

    /// The opcode that it stands before; `None` before the first frame, at messages and after the end.
    fn view(&self) -> Option<StepView<'_>>;

    /// The message that it stands before or behind; `None` before an opcode and after the end.
    fn message(&self) -> Option<(&Message, MessagePhase<'_>)>;

    /// The result, once [`Progress::Done`] or [`Progress::Aborted`] was answered; before that, the run is aborted.
    fn finish(self: Box<Self>) -> Result<Execution, HostError>;
}

/// How far a stepper came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to run.
    Paused,
    /// The transaction is over.
    Done,
    /// A hook ended it. Nothing more will run.
    Aborted,
}

/// Pauses wherever hooks can.
struct Everywhere<'h>(&'h mut dyn Hooks);

impl Hooks for Everywhere<'_> {
    fn on_start(&mut self, start: &Start<'_>) {
        self.0.on_start(start);
    }

    fn on_end(&mut self, end: &End<'_>) {
        self.0.on_end(end);
    }

    fn interest(&self) -> Interest {
        Interest::Steps
    }

    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.0.on_step(step).max(StepControl::Pause)
    }

    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.0.on_step_end(step, end);
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        self.0.on_message(message, phase).max(StepControl::Pause)
    }
}
