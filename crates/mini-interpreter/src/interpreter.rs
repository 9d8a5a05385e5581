//! The engine: runs a frame opcode by opcode, and shows hooks what it does.
//!
//! Invariant: what an opcode does never depends on who looks. The three ways to run differ only in what they show.

use parallax_engine_interface::{FrameExit, Interpreter};
use parallax_hooks::{Hooks, Interest, StepControl, StepEnd, StepView};
use parallax_host_interface::{Host, HostError};
use parallax_primitives::{
    Bytecode, Class, Effect, FrameOutcome, FrameStatus, JournalView, Message, MessageKind, Opcode, Rules,
    StateGas,
};

use crate::{Flow, MiniStepState, execute_single_op};

/// The plain engine. It has no settings and keeps nothing between frames.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mini;

/// One frame of [`Mini`].
#[derive(Clone, Debug)]
pub struct MiniFrame {
    pub(crate) state: MiniStepState,
    /// A hook has been asked about the next opcode and has paused there.
    asked: bool,
    /// The next opcode is the entry of a block.
    at_block_entry: bool,
}

impl MiniFrame {
    /// The frame's stepping value.
    pub fn state(&self) -> &MiniStepState {
        &self.state
    }

    /// Lets a hook look at what the frame stands before; nothing if it did and paused here.
    fn ask(
        &mut self,
        look: impl FnOnce(&StepView<'_>) -> StepControl,
        host: &mut dyn Host,
        clock: u64,
    ) -> Option<FrameExit> {
        if std::mem::take(&mut self.asked) {
            return None;
        }
        match look(&self.state.view(clock, host.journal_view())) {
            StepControl::Continue => None,
            StepControl::Pause => {
                self.asked = true;
                Some(FrameExit::Paused)
            }
            StepControl::Abort => Some(FrameExit::Aborted),
        }
    }
}

impl Interpreter for Mini {
    type Frame = MiniFrame;

    fn enter(&self, message: Message, code: Bytecode, rules: Rules) -> MiniFrame {
        MiniFrame { state: MiniStepState::new(message, code, rules), asked: false, at_block_entry: true }
    }

    fn resume<K: Hooks>(
        &self,
        frame: &mut MiniFrame,
        host: &mut dyn Host,
        hooks: &mut K,
        clock: &mut u64,
    ) -> Result<FrameExit, HostError> {
        resume(&mut Sound, frame, host, hooks, clock)
    }

    fn deliver(&self, frame: &mut MiniFrame, child: FrameOutcome) {
        frame.state.deliver(child);
    }

    fn view<'a>(&self, frame: &'a MiniFrame, journal: &'a dyn JournalView, clock: u64) -> StepView<'a> {
        frame.state.view(clock, journal)
    }
}

/// Who executes opcodes. It is a type parameter of the loops, so an engine without faults has no trace of them.
pub(crate) trait Executor {
    /// Executes the opcode that the frame stands before.
    fn execute(&mut self, state: &mut MiniStepState, host: &mut dyn Host) -> Result<Flow, HostError>;
}

/// Does what opcodes do.
struct Sound;

impl Executor for Sound {
    #[inline(always)]
    fn execute(&mut self, state: &mut MiniStepState, host: &mut dyn Host) -> Result<Flow, HostError> {
        execute_single_op(state, host)
    }
}

/// Runs as closely watched as `hooks` wants.
#[inline]
pub(crate) fn resume<E: Executor, K: Hooks>(
    executor: &mut E,
    frame: &mut MiniFrame,
    host: &mut dyn Host,
    hooks: &mut K,
    clock: &mut u64,
) -> Result<FrameExit, HostError> {
    match hooks.interest() {
        Interest::Nothing | Interest::Messages => run(executor, frame, host),
        Interest::Blocks => run_by_blocks(executor, frame, host, hooks, clock),
        Interest::Steps => run_by_steps(executor, frame, host, hooks, clock),
    }
}

/// Runs with nobody looking.
fn run<E: Executor>(
    executor: &mut E,
    frame: &mut MiniFrame,
    host: &mut dyn Host,
) -> Result<FrameExit, HostError> {
    frame.asked = false;
    frame.at_block_entry = false;
    loop {
        let flow = executor.execute(&mut frame.state, host)?;
        if let Some(exit) = exit(flow, frame.state.gas, frame.state.state_gas) {
            return Ok(exit);
        }
    }
}

/// Runs and shows block entries.
fn run_by_blocks<E: Executor, K: Hooks>(
    executor: &mut E,
    frame: &mut MiniFrame,
    host: &mut dyn Host,
    hooks: &mut K,
    clock: &mut u64,
) -> Result<FrameExit, HostError> {
    loop {
        if frame.at_block_entry {
            if let Some(exit) = frame.ask(|entry| hooks.on_block(entry), host, *clock) {
                return Ok(exit);
            }
            *clock += 1;
        }
        frame.asked = false;
        let opcode = frame.state.opcode();
        let flow = executor.execute(&mut frame.state, host)?;
        frame.at_block_entry = ends_block(opcode);
        if let Some(exit) = exit(flow, frame.state.gas, frame.state.state_gas) {
            return Ok(exit);
        }
    }
}

/// Runs and shows every opcode.
fn run_by_steps<E: Executor, K: Hooks>(
    executor: &mut E,
    frame: &mut MiniFrame,
    host: &mut dyn Host,
    hooks: &mut K,
    clock: &mut u64,
) -> Result<FrameExit, HostError> {
    loop {
        if let Some(exit) = frame.ask(|step| hooks.on_step(step), host, *clock) {
            return Ok(exit);
        }
        let (pc, opcode, gas_before) = (frame.state.pc, frame.state.opcode(), frame.state.gas);
        let spilled_before = frame.state.state_gas.spilled;
        let flow = executor.execute(&mut frame.state, host)?;
        frame.at_block_entry = ends_block(opcode);

        let MiniStepState { gas_cost, state_gas_cost, state_gas, .. } = frame.state;
        let journal = host.journal_view();
        let (forwarded, gas_left) = (forwarded(&flow, &frame.state), gas_before);
        let mut end =
            StepEnd { gas_cost, state_gas_cost, forwarded, gas_left, halt: None, effect: Effect::None };
        if let Flow::Halt(halt) = flow {
            end.halt = Some(halt);
        } else {
            // State gas is taken from it and given back to it as well (EIP-8037).
            let spilled = state_gas.spilled.wrapping_sub(spilled_before);
            end.gas_left = (gas_before - gas_cost).wrapping_sub(spilled);
            show_effect(opcode, &frame.state, journal, &mut end.effect);
        }
        let left = StepView { pc, opcode, gas: end.gas_left, ..frame.state.view(*clock, journal) };
        hooks.on_step_end(&left, &end);
        *clock += 1;

        if let Some(exit) = exit(flow, frame.state.gas, frame.state.state_gas) {
            return Ok(exit);
        }
    }
}

/// Whether what follows the opcode is the entry of a block: a JUMPDEST reached by jumping, or what is behind a JUMPI.
fn ends_block(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::JUMP | Opcode::JUMPI)
}

/// What an opcode that did not fail left behind outside its frame, if it did: written in place, being large.
fn show_effect<'a>(
    opcode: Opcode,
    state: &MiniStepState,
    journal: &'a dyn JournalView,
    effect: &mut Effect<'a>,
) {
    match (opcode, &state.written) {
        (Opcode::SSTORE, Some(change)) => *effect = Effect::Storage(*change),
        (Opcode::TSTORE, Some(change)) => *effect = Effect::Transient(*change),
        _ if opcode.info().is_some_and(|info| info.class == Class::Log) => {
            *effect = journal.logs().last().map_or(Effect::None, Effect::Log);
        }
        _ => {}
    }
}

/// What an opcode gives to the message that it sends. The stipend comes from nobody's gas.
fn forwarded(flow: &Flow, state: &MiniStepState) -> u64 {
    match flow {
        Flow::Message(message) => match message.kind {
            MessageKind::Call | MessageKind::CallCode if !message.value.is_zero() => {
                message.gas.saturating_sub(state.schedule.call_stipend)
            }
            _ => message.gas,
        },
        _ => 0,
    }
}

/// How the frame is handed back, unless it goes on.
fn exit(flow: Flow, gas_left: u64, state_gas: StateGas) -> Option<FrameExit> {
    let (status, gas_left, output) = match flow {
        Flow::Next => return None,
        Flow::Message(message) => return Some(FrameExit::Message(*message)),
        Flow::Success(output) => (FrameStatus::Success, gas_left, output),
        Flow::Revert(output) => (FrameStatus::Revert, gas_left, output),
        Flow::Halt(halt) => (FrameStatus::Halt(halt), 0, Default::default()),
    };
    Some(FrameExit::Done(FrameOutcome { status, gas_left, state_gas, output, created: None }))
}
