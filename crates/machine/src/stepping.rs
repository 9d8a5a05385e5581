//! The machine as a [`Stepper`]: on until a hook stops it.

use parallax_engine_interface::{Execution, Interpreter, Progress, Stepper};
use parallax_hooks::{End, Hooks, MessagePhase, StepView};
use parallax_host_interface::HostError;
use parallax_primitives::Message;

use crate::machine::{Machine, Observer, Stage};

impl<I: Interpreter> Machine<'_, I> {
    fn run_on(&mut self, hooks: &mut dyn Hooks) -> Result<Progress, HostError> {
        let mut observer = Observer { interest: hooks.interest(), hooks };
        loop {
            let asked_to_pause = self.advance(&mut observer)?;
            let progress = self.progress();
            if asked_to_pause || progress != Progress::Paused {
                return Ok(progress);
            }
        }
    }

    fn progress(&self) -> Progress {
        match self.stage {
            Stage::Over(_) => Progress::Done,
            Stage::Aborted => Progress::Aborted,
            Stage::Sent(_) | Stage::Starting(..) | Stage::Running | Stage::Ended(..) => Progress::Paused,
        }
    }
}

impl<I: Interpreter> Stepper for Machine<'_, I> {
    fn run(&mut self, hooks: &mut dyn Hooks) -> Result<Progress, HostError> {
        if self.progress() != Progress::Paused {
            return Ok(self.progress());
        }
        if let Some(start) = self.start.take() {
            hooks.on_start(&start);
        }
        let result = self.run_on(hooks);
        match (&result, &self.stage) {
            (Err(error), _) => hooks.on_end(&End::Failed(error)),
            (Ok(_), Stage::Over(execution)) => hooks.on_end(&execution.end()),
            (Ok(_), Stage::Aborted) => hooks.on_end(&End::Aborted),
            _ => {}
        }
        result
    }

    fn view(&self) -> Option<StepView<'_>> {
        match (&self.stage, self.frames.last()) {
            (Stage::Running, Some(open)) => {
                Some(self.interpreter.view(&open.frame, self.journal.journal_view(), self.clock))
            }
            _ => None,
        }
    }

    fn message(&self) -> Option<(&Message, MessagePhase<'_>)> {
        match &self.stage {
            Stage::Sent(message) | Stage::Starting(message, _) => Some((message, MessagePhase::Before)),
            Stage::Ended(message, outcome) => Some((message, MessagePhase::After(outcome))),
            Stage::Running | Stage::Over(_) | Stage::Aborted => None,
        }
    }

    fn finish(self: Box<Self>) -> Result<Execution, HostError> {
        match self.stage {
            Stage::Over(execution) => Ok(*execution),
            _ => Ok(Execution::aborted()),
        }
    }
}
