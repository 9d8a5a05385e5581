//! The frame stack: starts messages, runs the innermost frame, ends messages and hands their outcome down.
//!
//! Nested messages are entries of a list, never calls of a function, so the native stack does not grow with the depth of
//! the execution, and between any two opcodes the whole execution is one value.
//!
//! Invariant: every open frame has exactly one open checkpoint of the journal.

use parallax_engine_interface::{Execution, FrameExit, Interpreter, Job};
use parallax_hooks::{Hooks, Interest, MessagePhase, NoHooks, Start, StepControl, StepEnd, StepView};
use parallax_host_interface::{
    ContractCall, CustomContract, HostError, Journal, PrecompileError, PrecompileSet,
};
use parallax_primitives::{
    Bytecode, Bytes, CALL_DEPTH_LIMIT, Eip, FrameOutcome, FrameStatus, Halt, Message, MessageKind,
    PrecompileId, Rules, StateGas, Subject, Switch, TxOutcome, U256,
};

use crate::{
    Validated, creation,
    transaction::{self, Opened, Settled, Unsettled},
};

/// One transaction, or one bare message, in progress over any interpreter.
///
/// Run it through [`Stepper`](parallax_engine_interface::Stepper).
pub struct Machine<'a, I: Interpreter> {
    pub(crate) interpreter: &'a I,
    rules: Rules,
    precompiles: &'a dyn PrecompileSet,
    pub(crate) journal: Box<dyn Journal + 'a>,
    /// Open frames, the innermost last.
    pub(crate) frames: Vec<OpenFrame<I::Frame>>,
    pub(crate) stage: Stage,
    /// Opcodes or block entries that hooks were shown.
    pub(crate) clock: u64,
    /// What the hooks of the first run are told.
    pub(crate) start: Option<Start<'a>>,
    /// What to settle at the end; `None` around a bare message.
    pub(crate) unsettled: Option<Unsettled<'a>>,
    /// How the first message is refused, if its transaction fails before it begins.
    failure: Option<Halt>,
    /// Gas that the first message was given.
    pub(crate) gas: u64,
    /// State gas in its reservoir.
    reservoir: u64,
    /// Code that the outermost message, a creation, has deployed.
    pub(crate) deployed: Option<Bytes>,
}

/// A frame and what started it.
pub(crate) struct OpenFrame<F> {
    message: Box<Message>,
    pub(crate) frame: F,
}

/// Where the execution stands.
pub(crate) enum Stage {
    /// Before this message, which nobody was shown yet.
    Sent(Box<Message>),
    /// Before this message starts: it was shown. Of a creation, the init code.
    Starting(Box<Message>, Bytecode),
    /// Inside the innermost frame.
    Running,
    /// After this message, which the innermost frame has sent, or which is the first: it was shown.
    Ended(Box<Message>, FrameOutcome),
    /// After the first message, and what was to be settled is.
    Over(Box<Execution>),
    /// Nowhere any more: a hook or a failing host has ended it.
    Aborted,
}

/// What a message came to when it was started.
enum Started<F> {
    Frame(F),
    Outcome(FrameOutcome),
}

impl<'a, I: Interpreter> Machine<'a, I> {
    /// Stands before the first message. Of a transaction, gas is bought, the nonce is bumped, delegations are set. Around a bare
    /// message nobody pays, and nothing is refunded; warm is what a transaction from its caller to its address would find warm,
    /// and nothing before a system call.
    ///
    /// `journal` is a fresh one over the database of `job` that answers [`Validated::transaction`] to opcodes.
    ///
    /// # Errors
    ///
    /// If the world fails.
    // `Validated` is the proof of a check, used up here.
    #[allow(clippy::needless_pass_by_value)]
    pub fn new(
        interpreter: &'a I,
        precompiles: &'a dyn PrecompileSet,
        job: &Job<'a>,
        validated: Validated,
        mut journal: Box<dyn Journal + 'a>,
    ) -> Result<Self, HostError> {
        let (message, unsettled, failure) = match job.subject {
            Subject::Transaction(transaction) => {
                let Opened { message, unsettled, failure } =
                    transaction::open(job, transaction, &validated, &mut *journal)?;
                (message, Some(unsettled), failure)
            }
            Subject::Message { message, .. } => {
                let (caller, target) = (message.caller, message.address);
                transaction::warm_up(&mut *journal, job.rules, caller, target, job.block.coinbase);
                (message.clone(), None, None)
            }
            Subject::SystemCall { message, .. } => (message.clone(), None, None),
        };
        Ok(Self {
            interpreter,
            rules: job.rules,
            precompiles,
            journal,
            frames: Vec::new(),
            gas: message.gas,
            reservoir: message.state_gas.reservoir,
            stage: Stage::Sent(Box::new(message)),
            clock: 0,
            start: Some(job.start()),
            unsettled,
            failure,
            deployed: None,
        })
    }

    /// Goes on to the next stage: a message is shown, or starts, a frame runs until it exits, or an outcome is handed down.
    /// Answers whether a hook asked to pause.
    pub(crate) fn advance(&mut self, observer: &mut Observer<'_>) -> Result<bool, HostError> {
        // If the host fails on the way, the run is over.
        match std::mem::replace(&mut self.stage, Stage::Aborted) {
            Stage::Sent(message) => self.show(message, observer),
            Stage::Starting(message, init_code) => self.start(message, init_code, observer),
            Stage::Running => self.run_frame(observer),
            Stage::Ended(_, outcome) => {
                self.stage = match self.frames.last_mut() {
                    Some(caller) => {
                        self.interpreter.deliver(&mut caller.frame, outcome);
                        Stage::Running
                    }
                    None => Stage::Over(Box::new(self.settle(outcome)?)),
                };
                Ok(false)
            }
            end @ (Stage::Over(_) | Stage::Aborted) => {
                self.stage = end;
                Ok(false)
            }
        }
    }

    /// Runs the innermost frame until it sends a message, ends, or is stopped.
    fn run_frame(&mut self, observer: &mut Observer<'_>) -> Result<bool, HostError> {
        let Some(open) = self.frames.last_mut() else {
            return Err(HostError::new("the machine runs without a frame"));
        };
        let host = self.journal.as_host();
        let exit = if observer.interest >= Interest::Blocks {
            self.interpreter.resume(&mut open.frame, host, observer, &mut self.clock)?
        } else {
            self.interpreter.resume(&mut open.frame, host, &mut NoHooks, &mut self.clock)?
        };
        match exit {
            FrameExit::Message(message) => self.stage = Stage::Sent(Box::new(message)),
            FrameExit::Done(outcome) => return self.end_frame(outcome, observer),
            FrameExit::Paused => {
                self.stage = Stage::Running;
                return Ok(true);
            }
            FrameExit::Aborted => {}
        }
        Ok(false)
    }

    /// Whether the message's sender pays for it with its nonce. The transaction's own creation has its address already, and its
    /// sender the nonce bumped.
    fn bumps_nonce(&self, message: &Message) -> bool {
        message.kind.is_create() && (!self.frames.is_empty() || self.unsettled.is_none())
    }

    /// Shows a message before anything of it has happened.
    fn show(&mut self, mut message: Box<Message>, observer: &mut Observer<'_>) -> Result<bool, HostError> {
        let mut init_code = Bytecode::default();
        if message.kind.is_create() {
            init_code = Bytecode::new(message.input.clone());
        }
        if self.bumps_nonce(&message) {
            let nonce = self.journal.nonce(message.caller)?;
            message.address = creation::address(&message, nonce, &init_code);
        }
        Ok(match observer.message(&message, MessagePhase::Before) {
            StepControl::Abort => false,
            control => {
                self.stage = Stage::Starting(message, init_code);
                control == StepControl::Pause
            }
        })
    }

    /// Starts a message: it gets a frame, or has its outcome at once.
    fn start(
        &mut self,
        message: Box<Message>,
        init_code: Bytecode,
        observer: &mut Observer<'_>,
    ) -> Result<bool, HostError> {
        let bumps_nonce = self.bumps_nonce(&message);
        let nonce_is_max = bumps_nonce && self.journal.nonce(message.caller)? == u64::MAX;
        let failure = self.failure.take();
        let refusal = if failure.is_none() { self.refusal(&message, nonce_is_max)? } else { None };
        let started = match (failure, refusal) {
            (Some(halt), _) => Started::Outcome(fallen_back(&message, FrameOutcome::halted(halt, 0))),
            (None, Some(halt)) => {
                let whole = FrameOutcome::halted(halt, message.gas);
                Started::Outcome(FrameOutcome { state_gas: message.state_gas, ..whole })
            }
            (None, None) if message.kind.is_create() => {
                self.start_creation(&message, init_code, bumps_nonce)?
            }
            (None, None) => self.start_call(&message)?,
        };
        match started {
            Started::Frame(frame) => {
                self.frames.push(OpenFrame { message, frame });
                self.stage = Stage::Running;
                Ok(false)
            }
            Started::Outcome(outcome) => Ok(self.end(message, outcome, observer)),
        }
    }

    /// Shows what a message came to.
    fn end(&mut self, message: Box<Message>, outcome: FrameOutcome, observer: &mut Observer<'_>) -> bool {
        match observer.message(&message, MessagePhase::After(&outcome)) {
            StepControl::Abort => false,
            control => {
                self.stage = Stage::Ended(message, outcome);
                control == StepControl::Pause
            }
        }
    }

    /// Why a message fails before anything of it happens; its gas goes back to the caller.
    fn refusal(&mut self, message: &Message, nonce_is_max: bool) -> Result<Option<Halt>, HostError> {
        if message.depth > CALL_DEPTH_LIMIT {
            return Ok(Some(Halt::CallDepth));
        }
        let needs_balance = message.transfers() || message.kind == MessageKind::CallCode;
        if needs_balance && !message.value.is_zero() && self.journal.balance(message.caller)? < message.value
        {
            return Ok(Some(Halt::InsufficientBalance));
        }
        Ok(nonce_is_max.then_some(Halt::NonceOverflow))
    }

    /// Bumps the creator's nonce and warms the new address, which a failing creation does not undo, and makes the account.
    fn start_creation(
        &mut self,
        message: &Message,
        init_code: Bytecode,
        bumps_nonce: bool,
    ) -> Result<Started<I::Frame>, HostError> {
        if bumps_nonce {
            self.journal.bump_nonce(message.caller)?;
        }
        if self.rules.has(Eip::WarmAccess2929) {
            self.journal.warm_account(message.address);
        }
        self.journal.checkpoint();
        if let Err(halt) = self.journal.create(message.caller, message.address, message.value)? {
            self.journal.revert();
            return Ok(Started::Outcome(fallen_back(message, FrameOutcome::halted(halt, 0))));
        }
        if init_code.bytes().is_empty() {
            return Ok(Started::Outcome(
                self.end_creation(message, success(message, message.gas, Bytes::new()))?,
            ));
        }
        // Init code is code: the calldata of its frame is empty (Yellow Paper, section 7).
        let frame_message = Message { input: Bytes::new(), ..message.clone() };
        Ok(Started::Frame(self.interpreter.enter(frame_message, init_code, self.rules)))
    }

    fn start_call(&mut self, message: &Message) -> Result<Started<I::Frame>, HostError> {
        self.journal.checkpoint();
        let is_moved = match message.kind {
            MessageKind::Call => self.journal.transfer(message.caller, message.address, message.value)?,
            // A static call touches its target as a call without value does (EIP-161). What runs on its caller's account finds it
            // touched, unless it is a bare message.
            MessageKind::CallCode | MessageKind::DelegateCall if !self.frames.is_empty() => true,
            _ => {
                self.journal.credit(message.address, U256::ZERO)?;
                true
            }
        };
        if !is_moved {
            return Err(HostError::new("the journal refuses a transfer that the balance allows"));
        }
        let (rules, address) = (self.rules, message.code_address);
        let is_native = PrecompileId::at(&address).is_some_and(|id| rules.has_precompile(id));
        if is_native || rules.custom_contract(&address).is_some() {
            // EIP-7702: a delegation to a precompiled contract runs no code at all.
            if !message.is_delegated || rules.is_on(Switch::DelegatedContracts) {
                let outcome = self.run_contract(message, is_native)?;
                return Ok(Started::Outcome(self.end_call(message, outcome)));
            }
        } else {
            let code = self.journal.code(address)?;
            if !code.bytes().is_empty() {
                return Ok(Started::Frame(self.interpreter.enter(message.clone(), code, rules)));
            }
        }
        Ok(Started::Outcome(self.end_call(message, success(message, message.gas, Bytes::new()))))
    }

    /// What the precompiled contract that a message calls came to, be it the rules' or an author's own.
    fn run_contract(&mut self, message: &Message, is_native: bool) -> Result<FrameOutcome, HostError> {
        let (rules, address) = (self.rules, message.code_address);
        let unknown = || HostError::new(format!("the contract at {address} is none that the machine knows"));
        if !is_native {
            let contract = CustomContract::fast(rules, &address).ok_or_else(unknown)?;
            let outcome = contract(&mut ContractCall { message, rules, host: self.journal.as_host() })?;
            let gas_left = outcome.gas_left.min(message.gas);
            return Ok(FrameOutcome { gas_left, created: None, state_gas: message.state_gas, ..outcome });
        }
        let done = self.precompiles.run(rules, address, &message.input, message.gas);
        Ok(match done.ok_or_else(unknown)? {
            Ok(output) => match message.gas.checked_sub(output.gas_used) {
                Some(gas_left) => success(message, gas_left, output.output),
                None => FrameOutcome::halted(Halt::OutOfGas, 0),
            },
            Err(PrecompileError::OutOfGas) => FrameOutcome::halted(Halt::OutOfGas, 0),
            Err(PrecompileError::Failed(_)) => FrameOutcome::halted(Halt::PrecompileFailure, 0),
            Err(missing @ PrecompileError::Missing(_)) => return Err(HostError::new(missing.to_string())),
        })
    }

    /// Ends the innermost frame.
    fn end_frame(&mut self, outcome: FrameOutcome, observer: &mut Observer<'_>) -> Result<bool, HostError> {
        let Some(OpenFrame { message, .. }) = self.frames.pop() else {
            return Err(HostError::new("the machine ends a frame that it does not have"));
        };
        let outcome = if message.kind.is_create() {
            self.end_creation(&message, outcome)?
        } else {
            self.end_call(&message, outcome)
        };
        Ok(self.end(message, outcome, observer))
    }

    /// Keeps or undoes the effects of a message that had its checkpoint.
    fn end_call(&mut self, message: &Message, outcome: FrameOutcome) -> FrameOutcome {
        if outcome.status.is_success() {
            self.journal.commit();
            outcome
        } else {
            self.journal.revert();
            fallen_back(message, outcome)
        }
    }

    /// Deploys what init code returned, if it did.
    fn end_creation(
        &mut self,
        message: &Message,
        mut outcome: FrameOutcome,
    ) -> Result<FrameOutcome, HostError> {
        if outcome.status.is_success() {
            let code = std::mem::take(&mut outcome.output);
            let deposit = creation::deposit(
                self.rules,
                message.address,
                (outcome.gas_left, outcome.state_gas),
                code,
                &mut *self.journal,
            )?;
            match deposit {
                Ok(deposit) => {
                    (outcome.gas_left, outcome.state_gas) = (deposit.gas_left, deposit.state_gas);
                    outcome.created = Some(message.address);
                    if self.frames.is_empty() {
                        self.deployed = Some(deposit.code);
                    }
                }
                Err(halt) => outcome = FrameOutcome::halted(halt, 0),
            }
        }
        Ok(self.end_call(message, outcome))
    }
}

impl<I: Interpreter> Machine<'_, I> {
    /// What a bare message has spent, of which nothing is refunded.
    fn spent(&self, outcome: &FrameOutcome) -> Settled {
        let StateGas { reservoir, spilled, .. } = outcome.state_gas;
        let gas_used = (self.gas + self.reservoir).saturating_sub(outcome.gas_left + reservoir);
        let state_gas = (self.reservoir + spilled).saturating_sub(reservoir);
        Settled { gas_used, gas_refunded: 0, execution_gas: gas_used.saturating_sub(state_gas), state_gas }
    }

    /// Ends the transaction, or the bare message, of which this is what its message came to.
    fn settle(&mut self, outcome: FrameOutcome) -> Result<Execution, HostError> {
        let Settled { gas_used, gas_refunded, execution_gas, state_gas } = match &self.unsettled {
            Some(unsettled) => unsettled.settle(&outcome, &mut *self.journal)?,
            None => self.spent(&outcome),
        };
        let accesses = self.rules.has(Eip::BlockAccessLists7928).then(|| self.journal.accesses());
        let (changes, logs) = self.journal.finish()?;
        let FrameOutcome { status, output, created, .. } = outcome;
        let output = match (status, self.deployed.take()) {
            (FrameStatus::Success, Some(code)) => code,
            _ => output,
        };
        let outcome =
            TxOutcome { status, gas_used, gas_refunded, execution_gas, state_gas, output, logs, created };
        Ok(Execution { outcome: Some(outcome), changes, accesses })
    }
}

fn success(message: &Message, gas_left: u64, output: Bytes) -> FrameOutcome {
    let state_gas = message.state_gas;
    FrameOutcome { status: FrameStatus::Success, gas_left, state_gas, output, created: None }
}

/// What a message came to that failed: its state gas is as it was handed over. What it has spilled is gas again, which a halt takes with
/// all the rest (EIP-8037).
fn fallen_back(message: &Message, outcome: FrameOutcome) -> FrameOutcome {
    let state_gas = StateGas::of(message.state_gas.baseline);
    match outcome.status {
        FrameStatus::Halt(halt) => FrameOutcome { state_gas, ..FrameOutcome::halted(halt, 0) },
        _ => FrameOutcome { gas_left: outcome.gas_left + outcome.state_gas.spilled, state_gas, ..outcome },
    }
}

/// Hooks whose interest was asked once.
pub(crate) struct Observer<'h> {
    pub(crate) interest: Interest,
    pub(crate) hooks: &'h mut dyn Hooks,
}

impl Observer<'_> {
    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        match self.interest {
            Interest::Nothing => StepControl::Continue,
            _ => self.hooks.on_message(message, phase),
        }
    }
}

/// As an interpreter sees them: opcodes or block entries, no messages.
impl Hooks for Observer<'_> {
    fn interest(&self) -> Interest {
        self.interest
    }

    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.hooks.on_step(step)
    }

    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.hooks.on_step_end(step, end);
    }

    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        self.hooks.on_block(entry)
    }
}
