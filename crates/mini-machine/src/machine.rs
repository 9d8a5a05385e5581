//! One transaction, or one bare message, as a value that can be stopped anywhere: a stack of frames, and what is due next.
//!
//! Invariant: between two calls everything that the rest of the run depends on is in the value; nothing is on the native stack.

use parallax_engine_interface::{EngineError, Execution, FrameExit, Interpreter, Job, Progress, Stepper};
use parallax_hooks::{End, Hooks, Interest, MessagePhase, NoHooks, Start, StepControl, StepView};
use parallax_host_interface::{HostError, PrecompileSet, TransactionContext, TxEnv};
use parallax_primitives::{FrameOutcome, Message, Subject, Transaction};

use crate::{
    changes::changes,
    fork::{self, Validated},
    gas::GasMeter,
    interpreter::{self, Begun, Sender},
    message::{Prelude, prepare_message, process_top_level, warm_up},
    observed::Settled,
    state::State,
    world::World,
};

/// The plain rules over an interpreter: what EELS does to a transaction, over a state of its own.
///
/// EELS: `fork.py`, `process_transaction`.
pub struct MiniMachine<'a, I: Interpreter> {
    interpreter: &'a I,
    world: World<'a>,
    /// Open frames, the outermost first.
    frames: Vec<Frame<I::Frame>>,
    next: Next,
    /// What hooks were shown so far: see [`Interpreter::resume`].
    clock: u64,
    /// Gas of the outermost message, of both kinds.
    begun: GasMeter,
    /// What the hooks of the first run are told.
    start: Option<Start<'a>>,
    /// What is due when the message is over; nothing if it is no transaction's.
    settlement: Option<Settlement<'a>>,
}

/// What the end of a transaction needs of its beginning.
struct Settlement<'a> {
    validated: Validated,
    around: TransactionContext<'a>,
    prelude: Prelude,
}

/// A message whose code runs.
struct Frame<F> {
    message: Box<Message>,
    checkpoint: State,
    frame: F,
}

/// What is due.
enum Next {
    /// A message is shown.
    Show(Box<Message>),
    /// A message begins.
    Begin(Box<Message>),
    /// The innermost frame runs on.
    Run,
    /// A message without a frame, or without one any more, ends.
    End { message: Box<Message>, checkpoint: State, outcome: FrameOutcome },
    /// What a message came to is handed to the frame that sent it.
    Answer { message: Box<Message>, outcome: FrameOutcome },
    /// The outermost message is over, and what was due then is done.
    Done(Box<Execution>),
    /// A hook has ended the run, or the world has failed.
    Aborted,
}

impl<'a, I: Interpreter> MiniMachine<'a, I> {
    /// Validates the transaction, buys its gas and stands before its message; or stands before a bare message, for which no gas is
    /// bought and nobody is paid. Warm is then what a transaction from its caller to its address would find warm, and nothing before a
    /// system call.
    ///
    /// # Errors
    ///
    /// The [`Rejection`](parallax_primitives::Rejection) that comes first, or that the world failed.
    pub fn new(
        interpreter: &'a I,
        precompiles: &'a dyn PrecompileSet,
        job: &Job<'a>,
    ) -> Result<Self, EngineError> {
        match job.subject {
            Subject::Transaction(transaction) => {
                Self::transaction(interpreter, precompiles, job, transaction)
            }
            Subject::Message { message, environment } | Subject::SystemCall { message, environment } => {
                let environment = TxEnv { chain_id: job.chain_id, ..environment.clone() };
                let mut world =
                    World::new(job.database, precompiles, job.rules, job.block.clone(), environment);
                // Nothing is accessed before a system call: `process_system_transaction` has empty sets.
                if matches!(job.subject, Subject::Message { .. }) {
                    warm_up(&mut world, message.caller, message.address);
                }
                Ok(Self::over(interpreter, job, world, message.clone(), None))
            }
        }
    }

    fn transaction(
        interpreter: &'a I,
        precompiles: &'a dyn PrecompileSet,
        job: &Job<'a>,
        transaction: &'a Transaction,
    ) -> Result<Self, EngineError> {
        let validated = fork::validate(job, transaction)?;
        let environment = fork::transaction_environment(job, transaction, &validated);
        let mut world = World::new(job.database, precompiles, job.rules, job.block.clone(), environment);
        fork::buy_gas(&mut world, &validated, transaction)?;
        let meter = fork::gas_of_message(job.rules, transaction, &validated);
        let mut message = prepare_message(&mut world, transaction, meter)?;
        let prelude = match validated.failure {
            None => process_top_level(&mut world, transaction, &mut message)?,
            failure => Prelude { failure, ..Prelude::default() },
        };
        let around = fork::around(job, transaction);
        let settlement = Settlement { validated, around, prelude };
        Ok(Self::over(interpreter, job, world, message, Some(settlement)))
    }

    fn over(
        interpreter: &'a I,
        job: &Job<'a>,
        world: World<'a>,
        message: Message,
        settlement: Option<Settlement<'a>>,
    ) -> Self {
        Self {
            interpreter,
            world,
            frames: Vec::new(),
            begun: GasMeter { gas_left: message.gas, state_gas: message.state_gas },
            next: Next::Show(Box::new(message)),
            clock: 0,
            start: Some(job.start()),
            settlement,
        }
    }

    /// Who sends the message that is due.
    fn sender(&self) -> Sender {
        let is_transactions = self.settlement.is_some() && self.frames.is_empty();
        if is_transactions { Sender::Transaction } else { Sender::Opcode }
    }

    /// Ends the transaction, or the bare message, of which this is what its message came to.
    fn end(&mut self, outcome: &FrameOutcome) -> Result<Execution, HostError> {
        let world = &mut self.world;
        let outcome = match &self.settlement {
            Some(Settlement { validated, around, prelude }) => {
                fork::settle(world, validated, around, prelude, outcome)?
            }
            None => fork::finish_message(world, self.begun, outcome)?,
        };
        let accesses = world.accesses();
        Ok(Execution { outcome: Some(outcome), changes: changes(world)?, accesses })
    }

    /// Runs until the end, or until `hooks` pauses or aborts.
    fn run_with<K: Hooks>(&mut self, hooks: &mut K) -> Result<Progress, HostError> {
        loop {
            if let Some(progress) = self.advance(hooks)? {
                return Ok(progress);
            }
        }
    }

    /// Does what is due: one transition between frames, or as many opcodes of a frame as `hooks` lets run. `None` if there is
    /// more to do at once. After an error the run is ended.
    fn advance<K: Hooks>(&mut self, hooks: &mut K) -> Result<Option<Progress>, HostError> {
        match std::mem::replace(&mut self.next, Next::Aborted) {
            Next::Show(mut message) => {
                if self.sender() == Sender::Opcode {
                    interpreter::address_creation(&mut self.world, &mut message, Sender::Opcode)?;
                }
                let control = hooks.on_message(&message, MessagePhase::Before);
                return Ok(self.unless_stopped(control, Next::Begin(message)));
            }
            Next::Begin(message) => return self.begin(message, hooks),
            Next::Run => return self.run_frame(hooks),
            Next::End { message, checkpoint, outcome } => {
                let outcome = interpreter::end(&mut self.world, &message, outcome, checkpoint)?;
                return Ok(self.over_with(message, outcome, hooks));
            }
            Next::Answer { outcome, .. } => match self.frames.last_mut() {
                Some(parent) => {
                    self.interpreter.deliver(&mut parent.frame, outcome);
                    self.next = Next::Run;
                }
                None => self.next = Next::Done(Box::new(self.end(&outcome)?)),
            },
            Next::Done(execution) => {
                self.next = Next::Done(execution);
                return Ok(Some(Progress::Done));
            }
            Next::Aborted => return Ok(Some(Progress::Aborted)),
        }
        Ok(None)
    }

    /// Goes on with `next`, at once or later, unless hooks end the run.
    fn unless_stopped(&mut self, control: StepControl, next: Next) -> Option<Progress> {
        match control {
            StepControl::Abort => Some(Progress::Aborted),
            StepControl::Pause => {
                self.next = next;
                Some(Progress::Paused)
            }
            StepControl::Continue => {
                self.next = next;
                None
            }
        }
    }

    fn begin<K: Hooks>(
        &mut self,
        message: Box<Message>,
        hooks: &mut K,
    ) -> Result<Option<Progress>, HostError> {
        let sender = self.sender();
        // A transaction that fails before it begins.
        let failure = self.settlement.as_ref().and_then(|settlement| settlement.prelude.failure);
        if let Some(halt) = failure {
            let outcome = interpreter::halted_before_frame(&message, halt);
            return Ok(self.over_with(message, outcome, hooks));
        }
        self.next = match interpreter::begin(&mut self.world, &message, sender)? {
            Begun::Frame { code, checkpoint } => {
                let mut own = (*message).clone();
                if own.kind.is_create() {
                    // The init code is the code, and there is no calldata.
                    own.input = Default::default();
                }
                let frame = self.interpreter.enter(own, code, self.world.rules);
                self.frames.push(Frame { message, checkpoint, frame });
                Next::Run
            }
            Begun::Ended { outcome, checkpoint } => Next::End { message, checkpoint, outcome },
            Begun::Refused(outcome) => return Ok(self.over_with(message, outcome, hooks)),
        };
        Ok(None)
    }

    /// Shows what a message came to.
    fn over_with<K: Hooks>(
        &mut self,
        message: Box<Message>,
        outcome: FrameOutcome,
        hooks: &mut K,
    ) -> Option<Progress> {
        let control = hooks.on_message(&message, MessagePhase::After(&outcome));
        self.unless_stopped(control, Next::Answer { message, outcome })
    }

    /// Runs the innermost frame until it ends, sends a message, pauses or is aborted.
    fn run_frame<K: Hooks>(&mut self, hooks: &mut K) -> Result<Option<Progress>, HostError> {
        let Self { interpreter, world, frames, clock, .. } = self;
        let Some(top) = frames.last_mut() else { return Ok(Some(Progress::Aborted)) };
        match interpreter.resume(&mut top.frame, world, hooks, clock)? {
            FrameExit::Message(message) => self.next = Next::Show(Box::new(message)),
            FrameExit::Done(outcome) => {
                if let Some(Frame { message, checkpoint, .. }) = self.frames.pop() {
                    self.next = Next::End { message, checkpoint, outcome };
                }
            }
            FrameExit::Paused => {
                self.next = Next::Run;
                return Ok(Some(Progress::Paused));
            }
            FrameExit::Aborted => return Ok(Some(Progress::Aborted)),
        }
        Ok(None)
    }
}

impl<I: Interpreter> Stepper for MiniMachine<'_, I> {
    fn run(&mut self, hooks: &mut dyn Hooks) -> Result<Progress, HostError> {
        match self.next {
            Next::Done(_) => return Ok(Progress::Done),
            Next::Aborted => return Ok(Progress::Aborted),
            _ => {}
        }
        if let Some(start) = self.start.take() {
            hooks.on_start(&start);
        }
        let mut settled = Settled::new(hooks);
        let result = match settled.interest() {
            Interest::Nothing => self.run_with(&mut NoHooks),
            _ => self.run_with(&mut settled),
        };
        match (&result, &self.next) {
            (Err(error), _) => hooks.on_end(&End::Failed(error)),
            (Ok(_), Next::Done(execution)) => hooks.on_end(&execution.end()),
            (Ok(_), Next::Aborted) => hooks.on_end(&End::Aborted),
            _ => {}
        }
        result
    }

    fn view(&self) -> Option<StepView<'_>> {
        let (Next::Run, Some(top)) = (&self.next, self.frames.last()) else { return None };
        Some(self.interpreter.view(&top.frame, &self.world, self.clock))
    }

    fn message(&self) -> Option<(&Message, MessagePhase<'_>)> {
        match &self.next {
            Next::Show(message) | Next::Begin(message) => Some((message, MessagePhase::Before)),
            Next::Answer { message, outcome } => Some((message, MessagePhase::After(outcome))),
            Next::Run | Next::End { .. } | Next::Done(_) | Next::Aborted => None,
        }
    }

    fn finish(self: Box<Self>) -> Result<Execution, HostError> {
        match self.next {
            Next::Done(execution) => Ok(*execution),
            _ => Ok(Execution::aborted()),
        }
    }
}
