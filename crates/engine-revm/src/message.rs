//! One message on revm with no transaction around it, as often as one likes: what `Machine::message` is on our side.

use parallax_engine_interface::Job;
use parallax_host_interface::{Database, HostError, TxEnv};
use parallax_primitives::{BlockEnv, FrameOutcome, Message, Rules, Subject, Transaction};
use revm::{
    MainBuilder,
    context_interface::{JournalTr, LocalContextTr, context::take_error},
    handler::{EthFrame, EvmTr, Handler, MainnetEvm, MainnetHandler},
    interpreter::{
        CallInput, CallInputs, CallScheme, CallValue, FrameInput, SharedMemory, interpreter::EthInterpreter,
        interpreter_action::FrameInit,
    },
};

use crate::{
    context::host_error,
    database::JobDatabase,
    environment,
    halt::frame_status,
    inspector::outcome,
    mainnet::{Context, RunError, context},
};

type Evm<'a> = MainnetEvm<Context<'a>>;

/// Runs one CALL message on revm in its fastest way, without an inspector. Each run starts from the database; code is
/// analysed once.
pub struct MessageRunner<'a> {
    evm: Evm<'a>,
    message: Message,
}

impl<'a> MessageRunner<'a> {
    /// Prepares `message`, a CALL that is not static, in `block`; `transaction` is what ORIGIN, GASPRICE and CHAINID answer.
    ///
    /// # Errors
    ///
    /// For rules that revm does not have.
    pub fn new(
        rules: impl Into<Rules>,
        block: &BlockEnv,
        transaction: &TxEnv,
        message: Message,
        database: &'a dyn Database,
    ) -> Result<Self, HostError> {
        let rules = rules.into();
        let spec = environment::spec_id(rules)?;
        let around = Transaction {
            sender: transaction.origin,
            to: Some(message.address),
            gas_limit: message.gas,
            max_fee_per_gas: transaction.gas_price,
            ..Transaction::default()
        };
        let subject = Subject::Transaction(&around);
        let job = Job { rules, chain_id: transaction.chain_id, block, subject, database };
        let transaction =
            environment::transaction(&job, &around).map_err(|error| HostError::new(error.to_string()))?;
        let block = environment::block(&job);
        let configuration = environment::configuration(&job, spec);
        let context = context(JobDatabase::new(database, rules), configuration, block, transaction);
        Ok(Self { evm: context.build_mainnet(), message })
    }

    /// Warms what a transaction finds warm, runs the message and drops the state that it left. Nothing is validated, paid
    /// or refunded.
    ///
    /// # Errors
    ///
    /// If the database or revm fails.
    pub fn run(&mut self) -> Result<FrameOutcome, HostError> {
        let result = self.run_frames();
        self.evm.ctx.local.clear();
        self.evm.frame_stack().clear();
        self.evm.ctx.journaled_state.finalize();
        result.map_err(host_error)?
    }

    fn run_frames(&mut self) -> Result<Result<FrameOutcome, HostError>, RunError> {
        let mut handler = MainnetHandler::<Evm<'a>, RunError, EthFrame<EthInterpreter>>::default();
        handler.load_accounts(&mut self.evm)?;
        let context = &mut self.evm.ctx;
        context.journaled_state.load_account(self.message.caller)?;
        let target = &context.journaled_state.load_account_with_code(self.message.address)?.info;
        let known_bytecode = (target.code_hash, target.code.clone().unwrap_or_default());
        let inputs = CallInputs {
            input: CallInput::Bytes(self.message.input.clone()),
            return_memory_offset: 0..0,
            gas_limit: self.message.gas,
            reservoir: self.message.state_gas.reservoir,
            bytecode_address: self.message.code_address,
            known_bytecode,
            target_address: self.message.address,
            caller: self.message.caller,
            value: CallValue::Transfer(self.message.value),
            scheme: CallScheme::Call,
            is_static: false,
            charged_new_account_state_gas: false,
        };
        let first = FrameInit {
            depth: 0,
            memory: SharedMemory::new_with_buffer(context.local.shared_memory_buffer().clone()),
            frame_input: FrameInput::Call(Box::new(inputs)),
        };
        let result = handler.run_exec_loop(&mut self.evm, first)?;
        take_error::<RunError, _>(&mut self.evm.ctx.error)?;
        let result = result.into_interpreter_result();
        let status = frame_status(result.result, false, true);
        Ok(status.map(|status| outcome(&self.message, status, &result)))
    }
}
