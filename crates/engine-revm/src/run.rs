//! One transaction on revm: plain when nobody looks, through its inspector otherwise.

use parallax_engine_interface::{Capabilities, Engine, EngineError, Execution, Job, Stepper, Tolerances};
use parallax_hooks::{Hooks, Interest};
use parallax_host_interface::HostError;
use parallax_primitives::{BlockEnv, Bytes, Eip, FrameStatus, Rules, StateGas, Transaction, TxOutcome};
use revm::{
    Inspector,
    context::ContextTr,
    context_interface::{
        JournalTr,
        result::{EVMError, ExecutionResult},
    },
    handler::{EvmTr, FrameResult, Handler},
    inspector::{InspectorEvmTr, InspectorHandler, NoOpInspector},
    interpreter::{Gas, InstructionResult, InterpreterResult},
};

use crate::{
    changes::{accesses, changes},
    context::{host_error, log},
    database::{DatabaseError, JobDatabase},
    environment,
    halt::frame_status,
    inspector::Messages,
    mainnet::Mainnet,
    recorded::Recorded,
    state_gas::Opening,
    steps::Steps,
    system,
    types::{RevmParts, RevmTypes},
    watch::Watch,
};

/// A revm as an engine: [`Mainnet`], or another chain's types. It shows messages and steps, but no block entries; a hook can abort it,
/// not pause it.
///
/// It runs no bare messages but system calls: a job with one is a host error, so a comparison with it is poisoned. So is what its types do not support.
#[derive(Clone, Copy, Debug, Default)]
pub struct Revm<T = Mainnet> {
    types: T,
}

/// revm itself: the engine `revm`.
#[allow(non_upper_case_globals, reason = "it is the one value of its type")]
pub const Revm: Revm = Revm::new(Mainnet);

impl<T> Revm<T> {
    /// An engine that runs a revm of these types.
    pub const fn new(types: T) -> Self {
        Self { types }
    }
}

impl<T: RevmTypes> Engine for Revm<T> {
    fn name(&self) -> &'static str {
        self.types.name()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { steps: true, ..Capabilities::RESULTS }
    }

    fn tolerances(&self) -> Tolerances {
        self.types.tolerances()
    }

    fn unsupported(&self, rules: Rules, block: &BlockEnv) -> Option<String> {
        self.types.unsupported(rules, block)
    }

    fn start<'a>(&'a self, _: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        Ok(None)
    }

    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        hooks.on_start(&job.start());
        let result = system::run(&self.types, job, hooks).unwrap_or_else(|| run(&self.types, job, hooks));
        hooks.on_end(&result.as_ref().map_or_else(EngineError::end, Execution::end));
        result
    }
}

fn run<T: RevmTypes>(types: &T, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
    if hooks.interest() != Interest::Nothing {
        return run_watched(types, job, Some(hooks));
    }
    match run_plain(types, job)? {
        Some(execution) => Ok(execution),
        None => run_watched(types, job, None),
    }
}

/// The fast way; `None` if an account was met that EIP-7610 may be about.
fn run_plain<T: RevmTypes>(types: &T, job: &Job<'_>) -> Result<Option<Execution>, EngineError> {
    let mut evm = prepare(types, job, NoOpInspector)?;
    let result = T::Handler::default().run(&mut evm);
    if evm.ctx_ref().db().met_bare_storage() {
        return Ok(None);
    }
    execution(types, job, evm, result).map(Some)
}

/// The way through the inspector.
fn run_watched<T: RevmTypes>(
    types: &T,
    job: &Job<'_>,
    hooks: Option<&mut dyn Hooks>,
) -> Result<Execution, EngineError> {
    let wants_steps = hooks.as_ref().is_some_and(|hooks| hooks.interest() == Interest::Steps);
    let messages = Messages::new(hooks, job.database, job.rules, opening(types, job)?);
    if wants_steps { inspect(types, job, Steps::new(messages)) } else { inspect(types, job, messages) }
}

/// How a transaction begins, where there is state gas. revm hands neither what is paid before the first frame nor what its reservoir
/// then falls back to on to anything that an inspector sees; so its own handler is asked, on an EVM that is dropped.
///
/// `None` as well if the transaction is refused, which the run itself tells.
fn opening<'a, T: RevmTypes>(types: &T, job: &Job<'a>) -> Result<Option<Opening>, EngineError> {
    if !job.rules.has(Eip::StateGas8037) {
        return Ok(None);
    }
    let mut evm = prepare(types, job, NoOpInspector)?;
    let mut handler = T::Handler::default();
    let Ok(initial) = handler.validate(&mut evm) else { return Ok(None) };
    let mut gas = handler.tx_gas(&mut evm, &initial);
    let mut opening = Opening { gas: gas.remaining(), reservoir: gas.reservoir(), message: None };
    if let Ok(Some(_)) = handler.pre_execution(&mut evm, &mut gas) {
        // What delegations cost no failure of the message gives back.
        let (baseline, committed) = (gas.reservoir(), gas.state_gas_spilled());
        if let Ok(Some(_)) = handler.first_frame_input(&mut evm, &mut gas) {
            let spilled = gas.state_gas_spilled() - committed;
            opening.message = Some(StateGas { reservoir: gas.reservoir(), spilled, baseline });
        }
    }
    Ok(Some(opening))
}

fn inspect<'a, T: RevmTypes, I: Inspector<T::Context<'a>> + Watch>(
    types: &T,
    job: &Job<'a>,
    inspector: I,
) -> Result<Execution, EngineError> {
    let mut evm = prepare(types, job, inspector)?;
    let result = T::Handler::default().inspect_run(&mut evm);
    if result.is_ok() && evm.outermost.is_none() {
        evm.inspector().show_unprepared(transaction(job)?);
    }
    if evm.inspector().is_aborted() {
        return Ok(Execution::aborted());
    }
    execution(types, job, evm, result)
}

/// What a job's transaction runs in.
fn prepare<'a, T: RevmTypes, I: Inspector<T::Context<'a>>>(
    types: &T,
    job: &Job<'a>,
    inspector: I,
) -> Result<Recorded<T::Evm<'a, I>>, EngineError> {
    if let Some(reason) = types.unsupported(job.rules, job.block) {
        return Err(HostError::new(reason).into());
    }
    let parts = RevmParts {
        job: *job,
        database: JobDatabase::new(job.database, job.rules),
        block: environment::block(job),
        transaction: environment::transaction(job, transaction(job)?)?,
    };
    Ok(Recorded::new(types.evm(parts, inspector)?))
}

/// The transaction that is run.
fn transaction<'a>(job: &Job<'a>) -> Result<&'a Transaction, EngineError> {
    let none = || HostError::new("revm runs transactions here, and no bare messages").into();
    job.transaction().ok_or_else(none)
}

/// revm's answer in Parallax's words.
fn execution<'a, T: RevmTypes, I: Inspector<T::Context<'a>>, H>(
    types: &T,
    job: &Job<'a>,
    mut evm: Recorded<T::Evm<'a, I>>,
    result: Result<ExecutionResult<H>, EVMError<DatabaseError, T::Invalid>>,
) -> Result<Execution, EngineError> {
    let transaction = transaction(job)?;
    let result = match result {
        Ok(result) => result,
        Err(EVMError::Transaction(reason)) => return Err(types.rejection(&reason, job, transaction)),
        Err(error) => return Err(host_error(error).into()),
    };
    if environment::fees_are_beyond_revm(transaction) {
        return Err(HostError::new("revm counts fees in 128 bits; this transaction has one above").into());
    }
    let (frame, created) = match evm.outermost.take() {
        Some(FrameResult::Create(outcome)) => (outcome.result, outcome.address),
        Some(FrameResult::Call(outcome)) => (outcome.result, None),
        // It could not pay what is to be paid before its frame (EIP-2780).
        None if matches!(result, ExecutionResult::Halt { .. }) => {
            (InterpreterResult::new(InstructionResult::OutOfGas, Bytes::new(), Gas::default()), None)
        }
        None => return Err(HostError::new("revm ended a transaction without its frame").into()),
    };
    let is_create = transaction.to.is_none();
    let status = frame_status(frame.result, !frame.output.is_empty(), !is_create || created.is_some())?;
    let state = evm.ctx().journal_mut().finalize();
    let gas = *result.gas();
    let has_state_gas = job.rules.has(Eip::StateGas8037);
    let outcome = TxOutcome {
        status,
        gas_used: gas.tx_gas_used(),
        gas_refunded: gas.final_refunded(),
        // Before, a block counted what its transactions paid (EIP-7778).
        execution_gas: if has_state_gas { gas.block_regular_gas_used() } else { gas.tx_gas_used() },
        state_gas: gas.block_state_gas_used(),
        output: if matches!(status, FrameStatus::Halt(_)) { Bytes::new() } else { frame.output },
        logs: result.into_logs().into_iter().map(log).collect(),
        created: created.filter(|_| status.is_success()),
    };
    let changes = changes(&state, job.database, job.rules)?;
    Ok(Execution { outcome: Some(outcome), changes, accesses: accesses(&state, job.rules) })
}
