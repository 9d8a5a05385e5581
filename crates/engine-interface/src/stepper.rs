use parallax_hooks::{Hooks, StepView};
use parallax_host_interface::HostError;

use crate::Execution;

/// One transaction in progress, at any depth. It can be paused, kept, looked at and resumed.
pub trait Stepper {
    /// Executes exactly one opcode, or, where no opcode is due, one transition between frames (a message's start or end).
    fn step(&mut self) -> Result<Progress, HostError>;

    /// Runs until the end, or until `hooks` pauses or aborts.
    fn run(&mut self, hooks: &mut dyn Hooks) -> Result<Progress, HostError>;

    /// What the innermost frame stands before; `None` before the first frame, between frames and after the last.
    fn view(&self) -> Option<StepView<'_>>;

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
