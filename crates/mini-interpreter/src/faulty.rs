//! An engine that makes one mistake, to test comparators with.
//!
//! Invariant: but for the planned mistake it is [`Mini`](crate::Mini): the same loops over the same opcodes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use parallax_engine_interface::{FrameExit, Interpreter};
use parallax_hooks::{Hooks, StepView};
use parallax_host_interface::{Host, HostError};
use parallax_primitives::{Bytecode, FrameOutcome, JournalView, Message, Opcode, Rules};

use crate::{
    Fault, FaultPlan, Flow, Mini, MiniFrame, MiniStepState, execute_single_op,
    fault::{self, flip, refill_reservoir, shift_write},
    interpreter::{self, Executor},
    state::Awaiting,
};

/// [`Mini`] with one mistake in every transaction, made as planned. Transactions may be run again and their steps mixed, but
/// not on two threads at once.
#[derive(Debug)]
pub struct FaultyMini {
    plan: FaultPlan,
    /// The transaction whose frames are being entered.
    run: Mutex<Arc<Mutex<Run>>>,
}

/// Where a mistake was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fired {
    /// Step of the opcode that made it: its number in the transaction, all frames.
    pub index: u64,
    /// Depth of its frame.
    pub depth: u16,
    /// Where it stands in the code.
    pub pc: usize,
    /// The opcode.
    pub opcode: Opcode,
    /// The first step that shows it. It is `index`, where the step's end or its message does; for a call with a mistake in
    /// its result, its output or what comes back of its gas, the step that its caller goes on with.
    pub seen_at: u64,
}

/// One transaction.
#[derive(Debug, Default)]
struct Run {
    steps: u64,
    executions: u64,
    fired: Option<Fired>,
}

/// One frame of [`FaultyMini`].
#[derive(Debug)]
pub struct FaultyFrame {
    frame: MiniFrame,
    run: Arc<Mutex<Run>>,
    /// The call that was sent last, if the mistake is to be made in what comes of it.
    awaiting: Option<Fired>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FaultyMini {
    /// An engine that makes this mistake.
    pub fn new(plan: FaultPlan) -> Self {
        Self { plan, run: Mutex::default() }
    }

    /// Where the mistake was made, if it was yet, in the transaction that ran last.
    pub fn fired(&self) -> Option<Fired> {
        let run = Arc::clone(&lock(&self.run));
        lock(&run).fired
    }
}

impl Interpreter for FaultyMini {
    type Frame = FaultyFrame;

    fn enter(&self, message: Message, code: Bytecode, rules: Rules) -> FaultyFrame {
        if message.depth == 0 {
            *lock(&self.run) = Arc::default();
        }
        let run = Arc::clone(&lock(&self.run));
        FaultyFrame { frame: Mini.enter(message, code, rules), run, awaiting: None }
    }

    fn resume<K: Hooks>(
        &self,
        frame: &mut FaultyFrame,
        host: &mut dyn Host,
        hooks: &mut K,
        clock: &mut u64,
    ) -> Result<FrameExit, HostError> {
        *lock(&self.run) = Arc::clone(&frame.run);
        let FaultyFrame { frame, run, awaiting } = frame;
        let mut faulty = Faulty { plan: &self.plan, run, awaiting };
        interpreter::resume(&mut faulty, frame, host, hooks, clock)
    }

    fn deliver(&self, frame: &mut FaultyFrame, child: FrameOutcome) {
        let state = &mut frame.frame.state;
        let Some(call) = frame.awaiting.take() else {
            return state.deliver(child);
        };
        let mut run = lock(&frame.run);
        let fired = match (self.plan.fault, &state.awaiting) {
            (Fault::WriteOff, Some(Awaiting::Call { output, .. })) => {
                let place = output.start..output.start + output.len().min(child.output.len());
                let before = state.memory.clone();
                state.deliver(child);
                shift_write(state, before, place)
            }
            (Fault::FlipResult(bit), _) => {
                state.deliver(child);
                flip(state, bit)
            }
            // What succeeds keeps what was paid for it, and repays its caller.
            (Fault::RefillWrongGas, _) if !child.status.is_success() => {
                let spilled = state.state_gas.spilled + child.state_gas.spilled;
                state.deliver(child);
                refill_reservoir(state, spilled)
            }
            _ => {
                state.deliver(child);
                false
            }
        };
        if fired && run.fired.is_none() {
            run.fired = Some(Fired { seen_at: run.steps, ..call });
        }
    }

    fn view<'a>(&self, frame: &'a FaultyFrame, journal: &'a dyn JournalView, clock: u64) -> StepView<'a> {
        Mini.view(&frame.frame, journal, clock)
    }
}

/// Counts, and makes the mistake when it is due.
struct Faulty<'f> {
    plan: &'f FaultPlan,
    run: &'f Mutex<Run>,
    awaiting: &'f mut Option<Fired>,
}

impl Executor for Faulty<'_> {
    fn execute(&mut self, state: &mut MiniStepState, host: &mut dyn Host) -> Result<Flow, HostError> {
        let plan = self.plan;
        let mut run = lock(self.run);
        let (index, opcode) = (run.steps, state.opcode());
        run.steps += 1;
        if opcode != plan.opcode {
            return execute_single_op(state, host);
        }
        let executions = run.executions;
        run.executions += 1;
        if run.fired.is_some() || index < plan.from_step || executions < plan.occurrence {
            return execute_single_op(state, host);
        }
        let here = Fired { index, depth: state.message.depth, pc: state.pc, opcode, seen_at: index };
        let (flow, fired) = fault::execute(plan.fault, state, host)?;
        if fired {
            run.fired = Some(here);
        } else if matches!(flow, Flow::Message(_)) {
            *self.awaiting = Some(here);
        }
        Ok(flow)
    }
}
