//! The machine as a [`Stepper`]: on until a hook stops it.

use parallax_engine_interface::{Execution, Interpreter, Progress, Stepper};
use parallax_hooks::{Hooks, MessagePhase, StepView};
use parallax_host_interface::{HostError, StateChanges};
use parallax_primitives::{FrameStatus, Message, TxOutcome};

use crate::machine::{Machine, Observer, Stage};

impl<I: Interpreter> Machine<'_, I> {
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
        let mut observer = Observer { interest: hooks.interest(), hooks };
        loop {
            let asked_to_pause = self.advance(&mut observer)?;
            let progress = self.progress();
            if asked_to_pause || progress != Progress::Paused {
                return Ok(progress);
            }
        }
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
        let mut machine = *self;
        let Stage::Over(outcome) = machine.stage else {
            return Ok(Execution { outcome: None, changes: StateChanges::default() });
        };
        let (gas_used, gas_refunded) = match machine.settlement {
            Some(settlement) => {
                let settled = settlement.settle(&outcome, &mut *machine.journal)?;
                (settled.gas_used, settled.gas_refunded)
            }
            None => (machine.gas - outcome.gas_left, 0),
        };
        let (changes, logs) = machine.journal.finish()?;
        let output = match (outcome.status, machine.deployed) {
            (FrameStatus::Success, Some(code)) => code,
            _ => outcome.output,
        };
        let outcome = TxOutcome {
            status: outcome.status,
            gas_used,
            gas_refunded,
            output,
            logs,
            created: outcome.created,
        };
        Ok(Execution { outcome: Some(outcome), changes })
    }
}
