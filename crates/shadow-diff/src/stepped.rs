//! The side that follows: a stepper that is run on from the watched engine's callbacks.
//!
//! Invariant: it never runs ahead by more than one step, or one block where blocks are compared; what it shows on the way is
//! kept in order until the watched engine shows the same.

use std::collections::VecDeque;

use parallax_engine_interface::{Progress, Stepper};
use parallax_hooks::{Hooks, MessagePhase, NoHooks, StepControl, StepEnd, StepView};
use parallax_host_interface::HostError;
use parallax_primitives::{FrameOutcome, Message, Opcode};

use crate::{StepSide, detail::Touched};

pub(crate) struct Stepped<'a> {
    pub(crate) stepper: Box<dyn Stepper + 'a>,
    pub(crate) observer: Option<&'a mut dyn Hooks>,
    pub(crate) progress: Progress,
    /// Whether it stands before an opcode.
    pub(crate) stands: bool,
    /// Which one, if it does.
    pub(crate) stand: StepSide,
    /// Messages that it has shown and the watched engine has not.
    pub(crate) events: VecDeque<Event>,
    pub(crate) block: Block,
    pub(crate) is_started: bool,
}

/// A message began or ended.
#[derive(Debug)]
pub(crate) enum Event {
    Begin(Message),
    End(FrameOutcome),
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

/// Where it pauses.
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
            stand: StepSide::EMPTY,
            events: VecDeque::new(),
            block: Block::default(),
            is_started: false,
        }
    }

    /// Stands before the first opcode; nothing if it does already.
    pub(crate) fn start(&mut self, until: Until) -> Result<(), Box<HostError>> {
        if self.is_started { Ok(()) } else { self.advance(until, |_, _| ()) }
    }

    /// Runs to its end, with nobody beside it.
    pub(crate) fn run_alone(&mut self) -> Result<(), Box<HostError>> {
        self.is_started = true;
        self.progress = self.stepper.run(&mut NoHooks)?;
        Ok(())
    }

    /// Runs on to the next step or block. `end` sees the end of each opcode on the way.
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
        let Self { stepper, observer, events, block, stands, stand, .. } = self;
        let mut probe = Probe { until, end, observer, events, block, stands, stand };
        self.progress = stepper.run(&mut probe)?;
        Ok(())
    }
}

/// The hooks of the side that follows.
struct Probe<'p, 'a, F> {
    until: Until,
    end: F,
    observer: &'p mut Option<&'a mut dyn Hooks>,
    events: &'p mut VecDeque<Event>,
    block: &'p mut Block,
    stands: &'p mut bool,
    stand: &'p mut StepSide,
}

impl<F: FnMut(&StepView<'_>, &StepEnd<'_>)> Hooks for Probe<'_, '_, F> {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        if let Some(observer) = self.observer {
            // What it asks for is the watched engine's to decide.
            let _ = observer.on_step(step);
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

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        if let Some(observer) = self.observer {
            observer.on_message(message, phase);
        }
        self.events.push_back(match phase {
            MessagePhase::Before => Event::Begin(message.clone()),
            MessagePhase::After(outcome) => Event::End(outcome.clone()),
        });
        // A frame begins with a block; its caller goes on inside of one.
        self.block.is_entry = matches!(phase, MessagePhase::Before);
    }
}
