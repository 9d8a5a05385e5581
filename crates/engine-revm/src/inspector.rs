//! What revm's inspector is for here: to show every message to hooks, and to add what revm leaves out: creations where there is storage,
//! and messages that are refused where they are sent.

use parallax_hooks::{Hooks, MessagePhase, StepControl};
use parallax_host_interface::{Database, HostError};
use parallax_primitives::{
    Address, B256, Bytes, CALL_DEPTH_LIMIT, Eip, FrameOutcome, FrameStatus, Halt, KECCAK256_EMPTY, Message,
    MessageKind, Opcode, Rules, StateGas, Transaction, U256,
};
use revm::{
    Inspector,
    context_interface::{
        Cfg, ContextError, CreateScheme, JournalTr, journaled_state::account::JournaledAccountTr,
    },
    interpreter::{
        CallInputs, CallOutcome, CallScheme, CreateInputs, CreateOutcome, Gas, InstructionResult,
        Interpreter, InterpreterAction, InterpreterResult,
        interpreter_types::{InputsTr, Jumps, LoopControl},
    },
};

use crate::{
    bare_storage,
    context::JobContext,
    database::DatabaseError,
    halt::frame_status,
    state_gas::{self, Opening},
};

/// Watches the messages of one transaction.
pub(crate) struct Messages<'h, 'a> {
    /// `None`: only what becomes of creations where there is storage is wanted.
    hooks: Option<&'h mut dyn Hooks>,
    database: &'a dyn Database,
    pub(crate) rules: Rules,
    /// Those that have begun and not ended, outermost first.
    open: Vec<Message>,
    /// The account that the last CALLCODE or DELEGATECALL called.
    called: Address,
    /// The creation that the opcode sends which runs just now, if revm may refuse it before it is a message.
    creation: Option<Creation>,
    /// How the transaction begins, where there is state gas.
    opening: Option<Opening>,
    /// Whether a hook has ended the run.
    is_aborted: bool,
}

/// The operands of CREATE or CREATE2.
struct Creation {
    value: U256,
    offset: U256,
    length: U256,
    salt: Option<U256>,
}

impl<'h, 'a> Messages<'h, 'a> {
    pub(crate) fn new(
        hooks: Option<&'h mut dyn Hooks>,
        database: &'a dyn Database,
        rules: Rules,
        opening: Option<Opening>,
    ) -> Self {
        Self {
            hooks,
            database,
            rules,
            open: Vec::new(),
            called: Address::ZERO,
            creation: None,
            opening,
            is_aborted: false,
        }
    }

    pub(crate) fn hooks(&mut self) -> Option<&mut dyn Hooks> {
        Some(&mut **self.hooks.as_mut()?)
    }

    /// The innermost message that has begun and not ended.
    pub(crate) fn innermost(&self) -> Option<&Message> {
        self.open.last()
    }

    /// Shows nothing from here on, and ends the run as soon as revm looks for errors.
    pub(crate) fn abort<C: JobContext<'a>>(&mut self, context: &mut C) {
        self.is_aborted = true;
        self.hooks = None;
        *context.error() = Err(ContextError::Custom("a hook aborted the run".to_owned()));
    }

    /// Ends the frame with a revert as well, so that revm looks at once.
    pub(crate) fn abort_frame<C: JobContext<'a>>(&mut self, interpreter: &mut Interpreter, context: &mut C) {
        self.abort(context);
        let reverted = InterpreterAction::new_halt(InstructionResult::Revert, interpreter.gas);
        interpreter.bytecode.set_action(reverted);
    }

    /// Whether a hook has ended the run.
    pub(crate) fn is_aborted(&self) -> bool {
        self.is_aborted
    }

    /// Before an opcode: remembers of one that sends a message what revm's message does not say, or what is to be said if it sends none,
    /// and has one that reads or writes a slot find what the account was created over.
    pub(crate) fn prepare<C: JobContext<'a>>(&mut self, interpreter: &Interpreter, context: &mut C) {
        self.creation = None;
        match (Opcode(interpreter.bytecode.opcode()), interpreter.stack.data().as_slice()) {
            (Opcode::CALLCODE | Opcode::DELEGATECALL, [.., to, _]) => {
                self.called = Address::from_word(B256::from(*to));
            }
            (Opcode::CREATE, &[.., length, offset, value]) => {
                self.creation = Some(Creation { value, offset, length, salt: None });
            }
            (Opcode::CREATE2, &[.., salt, length, offset, value]) => {
                self.creation = Some(Creation { value, offset, length, salt: Some(salt) });
            }
            (Opcode::SLOAD | Opcode::SSTORE, &[.., key]) if !bare_storage::collides(self.rules) => {
                let address = interpreter.input.target_address();
                if let Err(error) = bare_storage::keep(context, self.database, address, key) {
                    fail(context, error.into());
                }
            }
            _ => {}
        }
    }

    /// A creation that the opcode just run would have sent: with EIP-8037 revm's opcodes refuse by themselves what cannot have a frame,
    /// and send nothing. Answers why it is refused, too.
    pub(crate) fn refused_creation<C: JobContext<'a>>(
        &mut self,
        interpreter: &mut Interpreter,
        context: &C,
    ) -> Option<(Message, Halt)> {
        let creation = self.creation.take()?;
        if interpreter.bytecode.action().is_some() {
            return None;
        }
        let caller = self.open.last()?.address;
        let (nonce, balance) = account(context, caller);
        let halt = if self.open.len() > usize::from(CALL_DEPTH_LIMIT) {
            Halt::CallDepth
        } else if balance < creation.value {
            Halt::InsufficientBalance
        } else {
            Halt::NonceOverflow
        };
        // The opcode has made its memory large enough.
        let (offset, length) = (creation.offset.saturating_to(), creation.length.saturating_to::<usize>());
        let init_code = match length {
            0 => Bytes::new(),
            _ => Bytes::copy_from_slice(&interpreter.memory.slice_len(offset, length)),
        };
        let scheme = creation.salt.map_or(CreateScheme::Create, |salt| CreateScheme::Create2 { salt });
        let gas = context.cfg().gas_params().call_stipend_reduction(interpreter.gas.remaining());
        let inputs =
            CreateInputs::new(caller, scheme, creation.value, init_code, gas, interpreter.gas.reservoir());
        Some((self.creation_message(&inputs, nonce), halt))
    }

    /// Shows a message that is refused before it has a frame, and so leaves its state gas as it is. Answers whether a hook ends the
    /// run there.
    pub(crate) fn refuse(&mut self, message: &Message, halt: Halt) -> bool {
        let gas_left = if halt.keeps_gas() { message.gas } else { 0 };
        let outcome = FrameOutcome { state_gas: message.state_gas, ..FrameOutcome::halted(halt, gas_left) };
        for phase in [MessagePhase::Before, MessagePhase::After(&outcome)] {
            let Some(hooks) = &mut self.hooks else { break };
            if hooks.on_message(message, phase) == StepControl::Abort {
                self.is_aborted = true;
                self.hooks = None;
            }
        }
        self.is_aborted
    }

    /// Shows the message of a transaction that could not pay what is to be paid before it (EIP-2780): all of that was undone, and its
    /// gas is gone, but for the reservoir.
    pub(crate) fn show_unprepared(&mut self, transaction: &Transaction) {
        let Some(Opening { gas, reservoir, .. }) = self.opening else { return };
        let sender = transaction.sender;
        let address = transaction.to.unwrap_or_else(|| sender.create(transaction.nonce));
        let message = Message {
            kind: if transaction.to.is_some() { MessageKind::Call } else { MessageKind::Create },
            depth: 0,
            is_static: false,
            gas,
            state_gas: StateGas::of(reservoir),
            caller: sender,
            address,
            code_address: transaction.to.unwrap_or_default(),
            is_delegated: false,
            value: transaction.value,
            input: transaction.input.clone(),
            salt: U256::ZERO,
        };
        self.refuse(&message, Halt::OutOfGas);
    }

    /// What a message is handed of state gas that has `reservoir` of it in its frame.
    fn handed_over(&self, reservoir: u64) -> StateGas {
        let own = self.opening.filter(|_| self.open.is_empty()).and_then(|opening| opening.message);
        own.map_or(StateGas::of(reservoir), |own| StateGas { reservoir, ..own })
    }

    /// `nonce` is the creator's, before it is bumped.
    fn creation_message(&self, inputs: &CreateInputs, nonce: u64) -> Message {
        let (kind, salt) = match inputs.scheme() {
            CreateScheme::Create2 { salt } => (MessageKind::Create2, salt),
            CreateScheme::Create | CreateScheme::Custom { .. } => (MessageKind::Create, U256::ZERO),
        };
        Message {
            kind,
            depth: self.depth(),
            is_static: false,
            gas: inputs.gas_limit(),
            state_gas: self.handed_over(inputs.reservoir()),
            caller: inputs.caller(),
            address: inputs.created_address(nonce),
            code_address: Address::ZERO,
            is_delegated: false,
            value: inputs.value(),
            input: inputs.init_code().clone(),
            salt,
        }
    }

    /// The depth of the next message. revm refuses a frame deeper than 1024, so there are never more open messages than fit.
    fn depth(&self) -> u16 {
        u16::try_from(self.open.len()).unwrap_or(u16::MAX)
    }

    /// Whether a hook ends the run here.
    fn begin<C: JobContext<'a>>(&mut self, context: &mut C, message: Message) -> bool {
        let control = match &mut self.hooks {
            Some(hooks) => hooks.on_message(&message, MessagePhase::Before),
            None => StepControl::Continue,
        };
        self.open.push(message);
        if control == StepControl::Abort {
            self.abort(context);
        }
        control == StepControl::Abort
    }

    fn end<C: JobContext<'a>>(
        &mut self,
        context: &mut C,
        result: &InterpreterResult,
        is_create: bool,
        address: Option<Address>,
    ) -> Result<(), HostError> {
        let Some(message) = self.open.pop() else {
            return Err(HostError::new("revm ended a message that it had not begun"));
        };
        let Some(hooks) = &mut self.hooks else { return Ok(()) };
        let status = frame_status(result.result, !result.output.is_empty(), !is_create || address.is_some())?;
        let outcome = match (status, is_create) {
            (FrameStatus::Success, true) => {
                FrameOutcome { output: Bytes::new(), created: address, ..outcome(&message, status, result) }
            }
            _ => outcome(&message, status, result),
        };
        if hooks.on_message(&message, MessagePhase::After(&outcome)) == StepControl::Abort {
            self.abort(context);
        }
        Ok(())
    }

    /// Where the target's code delegates to, if it does (EIP-7702). revm has loaded the account already.
    fn delegate<C: JobContext<'a>>(&self, context: &C, target: Address) -> Option<Address> {
        if !self.rules.has(Eip::SetCode7702) {
            return None;
        }
        context.journal().evm_state().get(&target)?.info.code.as_ref()?.eip7702_address()
    }

    /// The outcome of a creation that collides with nothing but storage (EIP-7610): as revm's own for a collision with
    /// code, so the creator's nonce moves on and the address is warm.
    fn collision<C: JobContext<'a>>(
        &self,
        context: &mut C,
        inputs: &CreateInputs,
        address: Address,
        creator: (u64, U256),
    ) -> Result<Option<CreateOutcome>, DatabaseError> {
        let (nonce, balance) = creator;
        let has_frame = self.open.len() <= usize::from(CALL_DEPTH_LIMIT);
        if !bare_storage::collides(self.rules)
            || !has_frame
            || balance < inputs.value()
            || nonce == u64::MAX
            || !self.database.has_storage(address)?
        {
            return Ok(None);
        }
        let is_bare = context
            .journal_mut()
            .load_account(address)
            .map(|account| account.info.nonce == 0 && account.info.code_hash == KECCAK256_EMPTY)?;
        if !is_bare {
            return Ok(None);
        }
        context.journal_mut().load_account_mut(inputs.caller())?.data.bump_nonce();
        // There is no state gas where storage collides.
        Ok(Some(CreateOutcome::new(
            InterpreterResult::new(
                InstructionResult::CreateCollision,
                Bytes::new(),
                Gas::new(inputs.gas_limit()),
            ),
            None,
        )))
    }
}

/// Nonce and balance of an account. revm has loaded it already.
fn account<'a, C: JobContext<'a>>(context: &C, address: Address) -> (u64, U256) {
    let account = context.journal().evm_state().get(&address);
    account.map_or((0, U256::ZERO), |account| (account.info.nonce, account.info.balance))
}

/// What `message` came to, as whoever sent it has it. Of a creation, the output is still the code.
pub(crate) fn outcome(message: &Message, status: FrameStatus, result: &InterpreterResult) -> FrameOutcome {
    let (gas_left, state_gas) = match status {
        FrameStatus::Success => (result.gas.remaining(), state_gas::standing(message, &result.gas)),
        FrameStatus::Revert => state_gas::fallen_back(message, &result.gas),
        FrameStatus::Halt(halt) if halt.keeps_gas() => (message.gas, message.state_gas),
        FrameStatus::Halt(_) => (0, state_gas::fallen_back(message, &result.gas).1),
    };
    let output = if matches!(status, FrameStatus::Halt(_)) { Bytes::new() } else { result.output.clone() };
    FrameOutcome { status, gas_left, state_gas, output, created: None }
}

/// What a message comes to in a run that a hook has ended: nothing looks at it.
fn reverted(gas: u64) -> InterpreterResult {
    InterpreterResult::new(InstructionResult::Revert, Bytes::new(), Gas::new(gas))
}

/// Ends the run as soon as revm looks for errors. The first error is the cause of the others.
pub(crate) fn fail<'a, C: JobContext<'a>>(context: &mut C, error: DatabaseError) {
    if context.error().is_ok() {
        *context.error() = Err(ContextError::Db(error));
    }
}

impl<'a, C: JobContext<'a>> Inspector<C> for Messages<'_, 'a> {
    fn step(&mut self, interpreter: &mut Interpreter, context: &mut C) {
        self.prepare(interpreter, context);
    }

    fn step_end(&mut self, interpreter: &mut Interpreter, context: &mut C) {
        if let Some((message, halt)) = self.refused_creation(interpreter, context)
            && self.refuse(&message, halt)
        {
            self.abort_frame(interpreter, context);
        }
    }

    fn call(&mut self, context: &mut C, inputs: &mut CallInputs) -> Option<CallOutcome> {
        // Some put the delegate in place of the account that was called.
        let target = match inputs.scheme {
            CallScheme::Call | CallScheme::StaticCall => inputs.target_address,
            CallScheme::CallCode | CallScheme::DelegateCall => self.called,
        };
        let delegate = self.delegate(context, target);
        let input = if self.hooks.is_some() { inputs.input.bytes(context) } else { Bytes::new() };
        let message = Message {
            kind: match inputs.scheme {
                CallScheme::Call => MessageKind::Call,
                CallScheme::CallCode => MessageKind::CallCode,
                CallScheme::DelegateCall => MessageKind::DelegateCall,
                CallScheme::StaticCall => MessageKind::StaticCall,
            },
            depth: self.depth(),
            is_static: inputs.is_static,
            gas: inputs.gas_limit,
            state_gas: self.handed_over(inputs.reservoir),
            caller: inputs.caller,
            address: inputs.target_address,
            code_address: delegate.unwrap_or(target),
            is_delegated: delegate.is_some(),
            value: inputs.call_value(),
            input,
            salt: U256::ZERO,
        };
        let is_over = self.begin(context, message);
        is_over.then(|| CallOutcome::new(reverted(inputs.gas_limit), inputs.return_memory_offset.clone()))
    }

    fn call_end(&mut self, context: &mut C, _: &CallInputs, outcome: &mut CallOutcome) {
        if let Err(error) = self.end(context, &outcome.result, false, None) {
            fail(context, error.into());
        }
    }

    fn create(&mut self, context: &mut C, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        // revm loaded the creator when it ran the opcode or validated the transaction.
        let creator = account(context, inputs.caller());
        let message = self.creation_message(inputs, creator.0);
        let collision = self.collision(context, inputs, message.address, creator);
        if self.begin(context, message) {
            return Some(CreateOutcome::new(reverted(inputs.gas_limit()), None));
        }
        collision.unwrap_or_else(|error| {
            fail(context, error);
            None
        })
    }

    fn create_end(&mut self, context: &mut C, _: &CreateInputs, outcome: &mut CreateOutcome) {
        if let Err(error) = self.end(context, &outcome.result, true, outcome.address) {
            fail(context, error.into());
        }
    }
}
