use parallax_engine_interface::{Progress, Stepper};
use parallax_hooks::{Hooks, StepControl, StepView};
use parallax_host_interface::HostError;

use crate::{Breakpoints, Condition};

/// Executes one opcode, and stands before the next one wherever it is: in a callee if the opcode called. All of these let `hooks`
/// see what runs, and stop where these ask to, be it on the way.
pub fn step_into(stepper: &mut dyn Stepper, hooks: &mut dyn Hooks) -> Result<Progress, HostError> {
    stepper.run(&mut (hooks, NotDeeper(u16::MAX)))
}

/// Executes one opcode and whatever it called, and stands before the next one of this frame, or of the caller's if the
/// frame ended. Before a message, it is the message that is executed.
pub fn step_over(stepper: &mut dyn Stepper, hooks: &mut dyn Hooks) -> Result<Progress, HostError> {
    match depth(stepper) {
        Some(depth) => stepper.run(&mut (hooks, NotDeeper(depth))),
        None => stepper.run(hooks),
    }
}

/// Runs to the end of this frame, and stands before the caller's next opcode. At a message, the frame is the one that has sent it.
pub fn step_out(stepper: &mut dyn Stepper, hooks: &mut dyn Hooks) -> Result<Progress, HostError> {
    match depth(stepper).and_then(|depth| depth.checked_sub(1)) {
        Some(caller) => stepper.run(&mut (hooks, NotDeeper(caller))),
        None => stepper.run(hooks),
    }
}

/// Runs until `condition` holds, or to the end.
pub fn run_until(
    stepper: &mut dyn Stepper,
    condition: Condition,
    hooks: &mut dyn Hooks,
) -> Result<Progress, HostError> {
    stepper.run(&mut (hooks, Breakpoints::new(vec![condition])))
}

/// Depth of the frame that it stands in; at a message, of the one that has sent it. `None` outside of all frames.
fn depth(stepper: &dyn Stepper) -> Option<u16> {
    match stepper.view() {
        Some(step) => Some(step.depth),
        None => stepper.message()?.0.depth.checked_sub(1),
    }
}

/// Pauses before the next opcode that is not deeper than this.
struct NotDeeper(u16);

impl Hooks for NotDeeper {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        if step.depth <= self.0 { StepControl::Pause } else { StepControl::Continue }
    }
}
