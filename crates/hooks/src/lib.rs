#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod closures;
mod compose;
mod run;
mod view;

pub use closures::{on_message, on_step, on_step_end};
use parallax_primitives::{FrameOutcome, Message};
pub use run::{End, Start};
pub use view::{StepEnd, StepView};

/// Watches an execution. Both engines call the same methods in the same order with the same values, at any depth.
///
/// Around one opcode at [`Interest::Steps`]: `on_step`, then `on_step_end`. An opcode that sends a message ends first;
/// then follow `on_message(Before)`, the callee's steps, `on_message(After)`, and the caller's next opcode finds what the
/// callee left. The transaction's own frame is a message too.
pub trait Hooks {
    /// Once, before anything of a run is shown and before [`Hooks::interest`] is asked, whatever the interest. A run that is paused and
    /// goes on is one run: its start is told to the hooks of its first part, its end to those of its last.
    fn on_start(&mut self, start: &Start<'_>) {
        let _ = start;
    }

    /// Once, when the run is over, whatever the interest. A run that is dropped has no end; a transaction that is rejected has a
    /// start and an end.
    fn on_end(&mut self, end: &End<'_>) {
        let _ = end;
    }

    /// How finely this observer looks. Asked once per run: an answer that changes later is not heard.
    fn interest(&self) -> Interest {
        Interest::Steps
    }

    /// Before every opcode, at [`Interest::Steps`]. A pause charges nothing, and the resumed run executes this opcode
    /// without asking again, whatever hooks it has.
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        let _ = step;
        StepControl::Continue
    }

    /// After every opcode that `on_step` let go on, the failing one included. `step` has the index, pc, opcode and depth of
    /// the opcode, and gas, refund, stack, memory and return data as the opcode left them. An opcode that fails leaves the
    /// stack and the memory as it found them.
    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        let _ = (step, end);
    }

    /// At every entry of a basic block, at [`Interest::Blocks`]: the first opcode of a frame, every JUMPDEST that is
    /// reached by jumping, and the opcode after a JUMPI that did not jump. The fast form keeps running.
    /// `index` counts block entries, not opcodes. Pausing works as for steps.
    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        let _ = entry;
        StepControl::Continue
    }

    /// Before and after every message, from [`Interest::Messages`] on: calls and creations, precompiled contracts, accounts
    /// without code, and messages that fail before they have a frame. A pause stands there, between two frames, and the
    /// resumed run goes on without asking again; an abort before a message leaves nothing of it.
    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        let _ = (message, phase);
        StepControl::Continue
    }
}

/// How finely an observer looks; each level includes the ones before it, but blocks and steps exclude each other: a run is
/// observed by steps if anyone asks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interest {
    /// Not at all.
    Nothing,
    /// Messages.
    Messages,
    /// Messages and block entries.
    Blocks,
    /// Messages and every opcode.
    Steps,
}

/// What an observer wants to happen next. The strongest wins where several look on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepControl {
    /// Go on.
    Continue,
    /// Stop here; the run is a value that can be resumed.
    Pause,
    /// End the run here, with its own outcome.
    Abort,
}

/// Which side of a message a callback is on.
#[derive(Clone, Copy, Debug)]
pub enum MessagePhase<'a> {
    /// Nothing of it has happened yet. A creation knows its address already.
    Before,
    /// It is over.
    After(&'a FrameOutcome),
}

/// Nobody looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHooks;

impl Hooks for NoHooks {
    #[inline(always)]
    fn interest(&self) -> Interest {
        Interest::Nothing
    }
}
