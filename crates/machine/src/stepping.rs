//! The machine as a [`Stepper`]: one opcode at a time, or on until a hook stops it.

use parallax_engine_interface::{Execution, Interpreter, Progress, Stepper};
use parallax_hooks::{Hooks, Interest, StepControl, StepEnd, StepView};
use parallax_host_interface::{HostError, StateChanges};
use parallax_primitives::{FrameStatus, TxOutcome};

use crate::machine::{Machine, Observer, Stage};

impl<I: Interpreter> Machine<'_, I> {
    fn progress(&self) -> Progress {
        match self.stage {
            Stage::Over(_) => Progress::Done,
            Stage::Aborted => Progress::Aborted,
            Stage::Starting(_) | Stage::Running | Stage::Ended(_) => Progress::Paused,
        }
    }
}

impl<I: Interpreter> Stepper for Machine<'_, I> {
    fn step(&mut self) -> Result<Progress, HostError> {
        let mut hooks = OneOpcode { is_over: false };
        self.advance(&mut Observer { interest: Interest::Steps, hooks: &mut hooks })?;
        Ok(self.progress())
    }

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

/// Lets one opcode go and stops before the next one of the same frame.
struct OneOpcode {
    is_over: bool,
}

impl Hooks for OneOpcode {
    fn on_step(&mut self, _: &StepView<'_>) -> StepControl {
        if self.is_over { StepControl::Pause } else { StepControl::Continue }
    }

    fn on_step_end(&mut self, _: &StepView<'_>, _: &StepEnd<'_>) {
        self.is_over = true;
    }
}
