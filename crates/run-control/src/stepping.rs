use parallax_engine_interface::{Progress, Stepper};
use parallax_hooks::{Hooks, StepControl, StepView};
use parallax_host_interface::HostError;

use crate::{Breakpoints, Condition};

/// Executes one opcode, and stands before the next one wherever it is: in a callee if the opcode called.
pub fn step_into(stepper: &mut dyn Stepper) -> Result<Progress, HostError> {
    loop {
        let progress = stepper.step()?;
        if progress != Progress::Paused || stepper.view().is_some() {
            return Ok(progress);
        }
    }
}

/// Executes one opcode and whatever it called, and stands before the next one of this frame, or of the caller's if the
/// frame ended.
pub fn step_over(stepper: &mut dyn Stepper) -> Result<Progress, HostError> {
    let depth = stepper.view().map_or(0, |step| step.depth);
    stepper.run(&mut NotDeeper(depth))
}

/// Runs to the end of this frame, and stands before the caller's next opcode.
pub fn step_out(stepper: &mut dyn Stepper) -> Result<Progress, HostError> {
    match stepper.view().map_or(0, |step| step.depth).checked_sub(1) {
        Some(caller) => stepper.run(&mut NotDeeper(caller)),
        None => run_until(stepper, Condition::Any(Vec::new())),
    }
}

/// Runs until `condition` holds, or to the end.
pub fn run_until(stepper: &mut dyn Stepper, condition: Condition) -> Result<Progress, HostError> {
    stepper.run(&mut Breakpoints::new(vec![condition]))
}

/// Pauses before the next opcode that is not deeper than this.
struct NotDeeper(u16);

impl Hooks for NotDeeper {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        if step.depth <= self.0 { StepControl::Pause } else { StepControl::Continue }
    }
}
