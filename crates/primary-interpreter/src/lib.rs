#![doc = include_str!("../README.md")]

mod custom;
mod exact;
mod fast;
mod fault;
mod frame;
mod hashes;
mod heavy;
mod memory;
mod pointers;
mod program;
mod purse;
mod stack;
mod state_gas;
mod system;
#[cfg(test)]
mod tests;
mod words;

use std::sync::atomic::{AtomicU64, Ordering};

use parallax_engine_interface::{FrameExit, Interpreter};
use parallax_hooks::{Hooks, Interest, StepView};
use parallax_host_interface::{Host, HostError};
use parallax_primitives::{Bytecode, FrameOutcome, JournalView, Message, Rules};

use crate::{
    exact::{BLOCKS, Leave, QUIET, STEPS, Tier},
    program::Cache,
};

pub use frame::Frame;
pub use program::FastCounts;

/// When code is translated to its fast form. The outcome never depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tiering {
    /// When a code is entered again, or after some back jumps in one frame; and not before it has used two gas for each of its
    /// bytes in the exact form, so that translation costs no more than in proportion to gas.
    #[default]
    WhenHot,
    /// At the first entry.
    Always,
    /// At the first entry; and the fast form is made to give up at instructions that could have to, one after the other.
    /// For tests.
    AlwaysRecover,
    /// Never: every opcode runs in the exact form.
    Never,
}

/// The fast engine.
#[derive(Debug, Default)]
pub struct Primary {
    tiering: Tiering,
    cache: Cache,
    blocks: AtomicU64,
    instructions: AtomicU64,
}

impl Primary {
    /// An engine that translates what is hot.
    pub fn new() -> Self {
        Self::default()
    }

    /// An engine that translates as told.
    pub fn with_tiering(tiering: Tiering) -> Self {
        Self { tiering, ..Self::default() }
    }

    /// What it has run in the fast form so far.
    pub fn counts(&self) -> FastCounts {
        FastCounts {
            blocks: self.blocks.load(Ordering::Relaxed),
            instructions: self.instructions.load(Ordering::Relaxed),
            refused: self.cache.refused(),
        }
    }

    /// Whether every code that it has run would run in its fast form from its entry on, if it has one, where hotness decides as
    /// with [`Tiering::Always`].
    pub fn is_warm(&self) -> bool {
        self.cache.is_warm()
    }

    fn run<K: Hooks, const MODE: u8>(
        &self,
        frame: &mut Frame,
        host: &mut dyn Host,
        hooks: &mut K,
        clock: &mut u64,
    ) -> Result<FrameExit, HostError> {
        // Whether the fast form is to be used as soon as it can be entered.
        let mut wants_fast = MODE != STEPS
            && match self.tiering {
                Tiering::Always | Tiering::AlwaysRecover => true,
                Tiering::WhenHot => {
                    frame.program.fast().is_some() || (frame.hot && frame.program.pays_with(0))
                }
                Tiering::Never => false,
            };
        let heats = MODE != STEPS && self.tiering == Tiering::WhenHot;
        loop {
            let fast = if wants_fast { self.cache.translated(&frame.program) } else { None };
            // Code without a fast form stays in the exact one.
            wants_fast = fast.is_some();
            if let Some(entry) = fast.and_then(|fast| fast.entry(frame.pc)) {
                let exit = if self.tiering == Tiering::AlwaysRecover {
                    fast::run::<K, MODE, true>(frame, host, hooks, clock, entry)
                } else {
                    fast::run::<K, MODE, false>(frame, host, hooks, clock, entry)
                };
                if MODE == BLOCKS {
                    let ran = std::mem::take(&mut frame.ran);
                    self.blocks.fetch_add(ran.blocks, Ordering::Relaxed);
                    self.instructions.fetch_add(ran.instructions, Ordering::Relaxed);
                }
                if let Some(exit) = exit? {
                    return Ok(exit);
                }
            }
            let tier = match (wants_fast, heats) {
                (true, _) => Tier::Fast,
                (false, true) => Tier::WhenHot,
                (false, false) => Tier::Exact,
            };
            let before = frame.gas;
            let leave = exact::run::<K, MODE>(frame, host, hooks, clock, tier)?;
            if heats {
                // What a message was given is not spent.
                let given = match &leave {
                    Leave::Exit(FrameExit::Message(message)) => message.gas,
                    _ => 0,
                };
                // State gas that is given back may make it more.
                frame.program.spend(before.saturating_sub(frame.gas).saturating_sub(given));
            }
            match leave {
                Leave::Exit(exit) => return Ok(exit),
                Leave::Fast => wants_fast = true,
            }
        }
    }
}

impl Interpreter for Primary {
    type Frame = Frame;

    fn enter(&self, message: Message, code: Bytecode, rules: Rules) -> Frame {
        let program = self.cache.program(&code, rules);
        let hot = program.enter() > 0;
        Frame::new(message, code, rules, program, hot)
    }

    fn resume<K: Hooks>(
        &self,
        frame: &mut Frame,
        host: &mut dyn Host,
        hooks: &mut K,
        clock: &mut u64,
    ) -> Result<FrameExit, HostError> {
        match hooks.interest() {
            Interest::Nothing | Interest::Messages => {
                self.run::<parallax_hooks::NoHooks, QUIET>(frame, host, &mut parallax_hooks::NoHooks, clock)
            }
            Interest::Blocks => self.run::<K, BLOCKS>(frame, host, hooks, clock),
            Interest::Steps => self.run::<K, STEPS>(frame, host, hooks, clock),
        }
    }

    fn deliver(&self, frame: &mut Frame, child: FrameOutcome) {
        frame.deliver(child);
    }

    fn view<'a>(&self, frame: &'a Frame, journal: &'a dyn JournalView, clock: u64) -> StepView<'a> {
        frame.view(journal, clock)
    }
}
