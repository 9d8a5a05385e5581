//! The side that follows: a stepper that is run on from the watched engine's callbacks.
//!
//! Invariant: it never runs ahead by more than one step, or one block where blocks are compared, or one end of a message.

use parallax_engine_interface::{Progress, Stepper};
use parallax_hooks::{End, Hooks, MessagePhase, NoHooks, Start, StepControl, StepEnd, StepView};
use parallax_host_interface::HostError;
use parallax_primitives::{Message, Opcode};

use crate::{StepSide, detail::Touched};

pub(crate) struct Stepped<'a> {
    pub(crate) stepper: Box<dyn Stepper + 'a>,
    pub(crate) observer: Option<Box<dyn Hooks + 'a>>,
    pub(crate) progress: Progress,
    /// Whether it stands before an opcode.
    pub(crate) stands: bool,
    /// Which one, if it does.
    pub(crate) stand: StepSide,
    /// What the observer has asked for on the way to where it stands.
    pub(crate) asked: StepControl,
    pub(crate) block: Block,
    pub(crate) is_started: bool,
}

/// What it did since the last block entry.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// Whether the next opcode is the entry of a block.
    is_entry: bool,
    /// Slots written, in order: as many as the block has opcodes that write at the most.
    pub(crate) written: Vec<Touched>,
    /// Fewest logs there have been since the last entry: those before are compared already.
    pub(crate) fewest_logs: usize,
}

/// Where it pauses, besides at messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    NextStep,
    NextBlock,
}

impl Block {
    /// Both sides stand at an entry, with so many logs.
    pub(crate) fn begin(&mut self, logs: usize) {
        self.written.clear();
        self.fewest_logs = logs;
    }
}

impl<'a> Stepped<'a> {
    pub(crate) fn new(stepper: Box<dyn Stepper + 'a>) -> Self {
        Self {
            stepper,
            observer: None,
            progress: Progress::Paused,
            stands: false,
            stand: StepSide::empty(),
            asked: StepControl::Continue,
            block: Block::default(),
            is_started: false,
        }
    }

    /// Runs to its end, with nobody beside it.
    pub(crate) fn run_alone(&mut self) -> Result<(), Box<HostError>> {
        self.is_started = true;
        self.progress = self.stepper.run(&mut NoHooks)?;
        Ok(())
    }

    /// Runs on to the next step, block or message. `end` sees the end of each opcode on the way.
    pub(crate) fn advance(
        &mut self,
        until: Until,
        end: impl FnMut(&StepView<'_>, &StepEnd<'_>),
    ) -> Result<(), Box<HostError>> {
        if self.progress != Progress::Paused {
            return Ok(());
        }
        self.is_started = true;
        self.stands = false;
        let Self { stepper, observer, asked, block, stands, stand, .. } = self;
        *asked = StepControl::Continue;
        let mut probe = Probe { until, end, observer, asked, block, stands, stand };
        self.progress = stepper.run(&mut probe)?;
        Ok(())
    }
}

/// The hooks of the side that follows.
struct Probe<'p, 'a, F> {
    until: Until,
    end: F,
    observer: &'p mut Option<Box<dyn Hooks + 'a>>,
    asked: &'p mut StepControl,
    block: &'p mut Block,
    stands: &'p mut bool,
    stand: &'p mut StepSide,
}

impl<F: FnMut(&StepView<'_>, &StepEnd<'_>)> Hooks for Probe<'_, '_, F> {
    fn on_start(&mut self, start: &Start<'_>) {
        self.observer.on_start(start);
    }

    fn on_end(&mut self, end: &End<'_>) {
        self.observer.on_end(end);
    }

    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        if let Some(observer) = self.observer {
            *self.asked = observer.on_step(step).max(*self.asked);
        }
        if self.until == Until::NextStep {
            *self.stands = true;
            self.stand.set(step);
            return StepControl::Pause;
        }
        self.block.fewest_logs = self.block.fewest_logs.min(step.journal.logs().len());
        match std::mem::take(&mut self.block.is_entry) {
            true => StepControl::Pause,
            false => StepControl::Continue,
        }
    }

    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        if let Some(observer) = self.observer {
            observer.on_step_end(step, end);
        }
        (self.end)(step, end);
        if self.until == Until::NextBlock {
            self.block.is_entry = matches!(step.opcode, Opcode::JUMP | Opcode::JUMPI);
            self.block.written.extend(Touched::by(end.effect));
        }
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        if let Some(observer) = self.observer {
            *self.asked = observer.on_message(message, phase).max(*self.asked);
        }
        // A frame begins with a block; its caller goes on inside of one.
        self.block.is_entry = matches!(phase, MessagePhase::Before);
        StepControl::Pause
    }
}
