//! What a run showed at its block entries and messages, a digest each, and the hooks that hold another run against it.
//!
//! The first run is one by steps: its entries are where the fast form would show them, the first opcode of a frame and the opcode
//! behind every JUMP and JUMPI. What differs is not told, only that something does; to tell it, both run again in lockstep.
//!
//! Invariant: what a digest is made of is a function of what was shown so far, so two runs that show the same make the same.

use parallax_hooks::{Hooks, Interest, MessagePhase, StepControl, StepEnd, StepView};
use parallax_primitives::{FrameStatus, Message, Opcode, StateGas};

use crate::{digest::Digest, standing::Standing};

/// Bytes of memory that each entry pays for.
const MEMORY_BYTES: usize = 256;

/// What a run showed, in order. It is hooks: an engine that shows its steps leaves one, for [`crate::compare_forms`].
#[derive(Debug)]
pub struct Trail {
    limit: usize,
    shown: Vec<u64>,
    digests: Digests,
    /// Whether the next opcode is the entry of a block.
    is_entry: bool,
    is_cut: bool,
}

impl Default for Trail {
    /// As long as nearly every run: four million block entries and ends of messages, at eight bytes each.
    fn default() -> Self {
        Self::limited_to(1 << 22)
    }
}

impl Trail {
    /// One that keeps so many block entries, beginnings and ends of messages. Where a run has more, it is no witness, and its
    /// forms are compared in lockstep.
    pub fn limited_to(limit: usize) -> Self {
        Self { limit, shown: Vec::new(), digests: Digests::default(), is_entry: false, is_cut: false }
    }

    /// Whether it met its limit, and so is not all.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    fn push(&mut self, digest: u64) {
        match self.shown.len() < self.limit {
            true => self.shown.push(digest),
            false => self.is_cut = true,
        }
    }
}

/// Makes the digests of one run.
#[derive(Debug, Default)]
struct Digests {
    /// Bytes of memory that may be read: those that were paid for and not read yet.
    memory: usize,
}

impl Digests {
    /// All that a frame stands on at an entry. A large memory is taken in at some entries only, its size at all of them: what
    /// is wrong in it stays so until it is written over or read, and what is read shows on the stack.
    fn entry(&mut self, entry: &StepView<'_>) -> u64 {
        let mut digest = Digest::new(0);
        digest.pair(entry.pc as u64, entry.gas);
        digest.pair(entry.refund.cast_unsigned(), u64::from(entry.depth));
        state_gas(&mut digest, entry.state_gas);
        digest.pair(entry.memory.len() as u64, entry.return_data.len() as u64);
        digest.pair(entry.journal.logs().len() as u64, entry.stack.len() as u64);
        digest.pair(entry.journal.marks_digest().unwrap_or_default(), 0);
        for item in entry.stack {
            digest.word(*item.as_limbs());
        }
        self.memory = self.memory.saturating_add(MEMORY_BYTES);
        if let Some(rest) = self.memory.checked_sub(entry.memory.len()) {
            self.memory = rest.min(MEMORY_BYTES);
            digest.bytes(entry.memory);
        }
        digest.finish()
    }

    fn message(message: &Message, phase: MessagePhase<'_>) -> u64 {
        let mut digest = Digest::new(match phase {
            MessagePhase::Before => 1,
            MessagePhase::After(_) => 2,
        });
        match phase {
            MessagePhase::Before => {
                digest.pair(message.kind as u64, u64::from(message.depth));
                digest.pair(u64::from(message.is_static), u64::from(message.is_delegated));
                digest.pair(message.gas, 0);
                state_gas(&mut digest, message.state_gas);
                for address in [message.caller, message.address, message.code_address] {
                    digest.bytes(address.as_slice());
                }
                digest.word(*message.value.as_limbs());
                digest.word(*message.salt.as_limbs());
                digest.bytes(&message.input);
            }
            MessagePhase::After(outcome) => {
                let status = match outcome.status {
                    FrameStatus::Success => 0,
                    FrameStatus::Revert => 1,
                    FrameStatus::Halt(halt) => 2 + halt as u64,
                };
                digest.pair(status, outcome.gas_left);
                state_gas(&mut digest, outcome.state_gas);
                digest.bytes(&outcome.output);
                digest.bytes(outcome.created.as_ref().map_or(&[], |address| address.as_slice()));
            }
        }
        digest.finish()
    }
}

fn state_gas(digest: &mut Digest, StateGas { reservoir, spilled, baseline }: StateGas) {
    digest.pair(reservoir, spilled);
    digest.pair(baseline, 0);
}

impl Hooks for Trail {
    #[inline]
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        if self.is_entry {
            self.is_entry = false;
            let digest = self.digests.entry(step);
            self.push(digest);
        }
        StepControl::Continue
    }

    #[inline]
    fn on_step_end(&mut self, step: &StepView<'_>, _: &StepEnd<'_>) {
        self.is_entry = matches!(step.opcode, Opcode::JUMP | Opcode::JUMPI);
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        self.push(Digests::message(message, phase));
        // A frame begins with a block; its caller goes on inside of one.
        self.is_entry = matches!(phase, MessagePhase::Before);
        StepControl::Continue
    }
}

/// Hooks that hold a run by block entries against a trail.
#[derive(Debug)]
pub(crate) struct Follower<'t> {
    trail: &'t Trail,
    at: usize,
    digests: Digests,
    differs: bool,
    standing: Standing,
}

impl<'t> Follower<'t> {
    /// Of the engine that is called `name`.
    pub(crate) fn new(trail: &'t Trail, name: &str) -> Self {
        let standing = Standing::new([name; 2], "block entry");
        Self { trail, at: 0, digests: Digests::default(), differs: false, standing }
    }

    /// Whether all of the trail was met, and nothing else.
    pub(crate) fn has_met_all(&self) -> bool {
        !self.differs && self.at == self.trail.shown.len()
    }

    /// Whether it was left. A run that came to no end may not have met all of it, and has not left it either.
    pub(crate) fn has_left(&self) -> bool {
        self.differs
    }

    fn meet(&mut self, digest: u64) {
        self.differs |= self.trail.shown.get(self.at) != Some(&digest);
        self.at += 1;
    }
}

impl Hooks for Follower<'_> {
    fn interest(&self) -> Interest {
        Interest::Blocks
    }

    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        self.standing.shows(entry);
        let digest = self.digests.entry(entry);
        self.meet(digest);
        if self.differs { StepControl::Abort } else { StepControl::Continue }
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        self.meet(Digests::message(message, phase));
        StepControl::Continue
    }
}
