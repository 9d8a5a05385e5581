//! What revm's inspector is for here: to show every message to hooks, and to add EIP-7610, which revm leaves out.

use parallax_hooks::{Hooks, MessagePhase, StepControl};
use parallax_host_interface::{Database, HostError};
use parallax_primitives::{
    Address, B256, Bytes, CALL_DEPTH_LIMIT, Eip, FrameOutcome, FrameStatus, KECCAK256_EMPTY, Message,
    MessageKind, Opcode, Rules, U256,
};
use revm::{
    Inspector,
    context_interface::{
        ContextError, CreateScheme, JournalTr, journaled_state::account::JournaledAccountTr,
    },
    interpreter::{
        CallInputs, CallOutcome, CallScheme, CreateInputs, CreateOutcome, Gas, InstructionResult,
        Interpreter, InterpreterResult, interpreter_types::Jumps,
    },
};

use crate::{context::JobContext, database::DatabaseError, halt::frame_status};

/// Watches the messages of one transaction.
pub(crate) struct Messages<'h, 'a> {
    /// `None`: only EIP-7610 is wanted.
    hooks: Option<&'h mut dyn Hooks>,
    database: &'a dyn Database,
    pub(crate) rules: Rules,
    /// Those that have begun and not ended, outermost first.
    open: Vec<Message>,
    /// The account that the last CALLCODE or DELEGATECALL called.
    called: Address,
    /// Whether a hook has ended the run.
    is_aborted: bool,
}

impl<'h, 'a> Messages<'h, 'a> {
    pub(crate) fn new(hooks: Option<&'h mut dyn Hooks>, database: &'a dyn Database, rules: Rules) -> Self {
        Self { hooks, database, rules, open: Vec::new(), called: Address::ZERO, is_aborted: false }
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

    /// Whether a hook has ended the run.
    pub(crate) fn is_aborted(&self) -> bool {
        self.is_aborted
    }

    /// Remembers whom an opcode calls, where revm's message does not say so.
    pub(crate) fn remember_called(&mut self, interpreter: &Interpreter) {
        if matches!(Opcode(interpreter.bytecode.opcode()), Opcode::CALLCODE | Opcode::DELEGATECALL)
            && let [.., to, _] = interpreter.stack.data().as_slice()
        {
            self.called = Address::from_word(B256::from(*to));
        }
    }

    /// Whether a hook ends the run here.
    fn begin<C: JobContext<'a>>(&mut self, context: &mut C, mut message: Message) -> bool {
        // revm refuses a frame deeper than 1024, so there are never more open messages than fit.
        message.depth = u16::try_from(self.open.len()).unwrap_or(u16::MAX);
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
        let outcome = match status {
            FrameStatus::Success => FrameOutcome {
                status,
                gas_left: result.gas.remaining(),
                output: if is_create { Bytes::new() } else { result.output.clone() },
                created: address,
                state_gas: Default::default(),
            },
            FrameStatus::Revert => FrameOutcome {
                status,
                gas_left: result.gas.remaining(),
                output: result.output.clone(),
                created: None,
                state_gas: Default::default(),
            },
            FrameStatus::Halt(halt) => {
                FrameOutcome::halted(halt, if halt.keeps_gas() { message.gas } else { 0 })
            }
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
        if !has_frame
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
    fn step(&mut self, interpreter: &mut Interpreter, _: &mut C) {
        self.remember_called(interpreter);
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
            depth: 0,
            is_static: inputs.is_static,
            gas: inputs.gas_limit,
            caller: inputs.caller,
            address: inputs.target_address,
            code_address: delegate.unwrap_or(target),
            is_delegated: delegate.is_some(),
            value: inputs.call_value(),
            input,
            state_gas: Default::default(),
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
        let creator = context
            .journal()
            .evm_state()
            .get(&inputs.caller())
            .map_or((0, U256::ZERO), |account| (account.info.nonce, account.info.balance));
        let address = inputs.created_address(creator.0);
        let collision = self.collision(context, inputs, address, creator);
        let (kind, salt) = match inputs.scheme() {
            CreateScheme::Create2 { salt } => (MessageKind::Create2, salt),
            CreateScheme::Create | CreateScheme::Custom { .. } => (MessageKind::Create, U256::ZERO),
        };
        let message = Message {
            kind,
            depth: 0,
            is_static: false,
            gas: inputs.gas_limit(),
            caller: inputs.caller(),
            address,
            code_address: Address::ZERO,
            is_delegated: false,
            value: inputs.value(),
            input: inputs.init_code().clone(),
            state_gas: Default::default(),
            salt,
        };
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
