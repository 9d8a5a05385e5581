//! One transaction on revm: plain when nobody looks, through its inspector otherwise.

use std::marker::PhantomData;

use parallax_engine_interface::{Capabilities, Engine, EngineError, Execution, Job, Stepper, Tolerances};
use parallax_hooks::{Hooks, Interest};
use parallax_host_interface::{HostError, StateChanges};
use parallax_primitives::{Address, BlockEnv, Bytes, FrameStatus, Rules, Transaction as Tx, TxOutcome};
use revm::{
    Inspector, MainBuilder,
    context::ContextTr,
    context_interface::{
        JournalTr, LocalContextTr,
        context::take_error,
        result::{EVMError, ExecutionResult, HaltReason, ResultGas},
    },
    handler::{EvmTr, FrameResult, Handler, post_execution},
    inspector::InspectorHandler,
    interpreter::{InterpreterResult, interpreter::EthInterpreter},
};

use crate::{
    changes::changes,
    context::{Context, Evm, RunError, context, host_error, log},
    environment,
    halt::{REVM_COSTS, REVM_HALTS, frame_status},
    inspector::Messages,
    rejection::rejection,
    steps::Steps,
};

/// The engine `revm`: revm 43, unmodified, every check on. It shows messages and steps, but no block
/// entries; a hook can abort it, not pause it.
///
/// It has no Constantinople (EIP-1283), and no price of a blob gas that takes more than 128 bits to work out, and runs no bare messages: a
/// job with one is a host error, so a comparison with it is poisoned.
#[derive(Clone, Copy, Debug, Default)]
pub struct Revm;

impl Engine for Revm {
    fn name(&self) -> &'static str {
        "revm"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { steps: true, ..Capabilities::RESULTS }
    }

    fn tolerances(&self) -> Tolerances {
        Tolerances {
            halts: REVM_HALTS,
            rejections: Some("the engines check in different orders"),
            costs: REVM_COSTS,
            messages: &[],
        }
    }

    fn unsupported(&self, rules: Rules, block: &BlockEnv) -> Option<String> {
        environment::unsupported(rules, block)
    }

    fn start<'a>(&'a self, _: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        Ok(None)
    }

    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        hooks.on_start(&job.start());
        let result = run(job, hooks);
        hooks.on_end(&result.as_ref().map_or_else(EngineError::end, Execution::end));
        result
    }
}

fn run(job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
    if hooks.interest() != Interest::Nothing {
        return run_watched(job, Some(hooks));
    }
    match run_plain(job)? {
        Some(execution) => Ok(execution),
        None => run_watched(job, None),
    }
}

/// The transaction that is run.
fn transaction<'a>(job: &Job<'a>) -> Result<&'a Tx, EngineError> {
    let none = || HostError::new("revm runs transactions here, and no bare messages").into();
    job.transaction().ok_or_else(none)
}

/// The fast way; `None` if an account was met that EIP-7610 may be about.
fn run_plain(job: &Job<'_>) -> Result<Option<Execution>, EngineError> {
    let mut evm = prepare(job)?.build_mainnet();
    let mut handler = Transaction::default();
    let result = handler.run(&mut evm);
    if evm.ctx.journaled_state.database.met_bare_storage() {
        return Ok(None);
    }
    execution(job, &mut evm, handler, result).map(Some)
}

/// The way through the inspector.
fn run_watched(job: &Job<'_>, hooks: Option<&mut dyn Hooks>) -> Result<Execution, EngineError> {
    let wants_steps = hooks.as_ref().is_some_and(|hooks| hooks.interest() == Interest::Steps);
    let messages = Messages::new(hooks, job.database, job.rules);
    if wants_steps {
        return run_by_steps(job, Steps::new(messages));
    }
    let mut evm = prepare(job)?.build_mainnet_with_inspector(messages);
    let mut handler = Transaction::default();
    let result = handler.inspect_run(&mut evm);
    if evm.inspector.is_aborted() {
        return Ok(Execution { outcome: None, changes: StateChanges::default() });
    }
    execution(job, &mut evm, handler, result)
}

/// The way through the inspector that shows every opcode as well.
fn run_by_steps(job: &Job<'_>, steps: Steps<'_, '_>) -> Result<Execution, EngineError> {
    let mut evm = prepare(job)?.build_mainnet_with_inspector(steps);
    let mut handler = Transaction::default();
    let result = handler.inspect_run(&mut evm);
    if evm.inspector.is_aborted() {
        return Ok(Execution { outcome: None, changes: StateChanges::default() });
    }
    execution(job, &mut evm, handler, result)
}

/// What a job's transaction runs in.
fn prepare<'a>(job: &Job<'a>) -> Result<Context<'a>, EngineError> {
    let spec = environment::spec_id(job.rules)?;
    if let Some(reason) = environment::unsupported(job.rules, job.block) {
        return Err(HostError::new(reason).into());
    }
    Ok(context(job.database, job, spec, environment::transaction(job, transaction(job)?)?))
}

/// revm's answer in Parallax's words.
fn execution<I>(
    job: &Job<'_>,
    evm: &mut Evm<'_, I>,
    handler: Transaction<'_, I>,
    result: Result<ExecutionResult<HaltReason>, RunError>,
) -> Result<Execution, EngineError> {
    let transaction = transaction(job)?;
    let result = match result {
        Ok(result) => result,
        Err(EVMError::Transaction(reason)) => return Err(rejection(&reason, job, transaction)),
        Err(error) => return Err(host_error(error).into()),
    };
    if environment::fees_are_beyond_revm(transaction) {
        return Err(HostError::new("revm counts fees in 128 bits; this transaction has one above").into());
    }
    let Some((frame, created)) = handler.frame else {
        return Err(HostError::new("revm ended a transaction without its frame").into());
    };
    let is_create = transaction.to.is_none();
    let status = frame_status(frame.result, !frame.output.is_empty(), !is_create || created.is_some())?;
    let state = evm.ctx.journaled_state.finalize();
    let gas = *result.gas();
    let outcome = TxOutcome {
        status,
        gas_used: gas.tx_gas_used(),
        gas_refunded: gas.final_refunded(),
        output: if matches!(status, FrameStatus::Halt(_)) { Bytes::new() } else { frame.output },
        logs: result.into_logs().into_iter().map(log).collect(),
        created: created.filter(|_| status.is_success()),
    };
    Ok(Execution { outcome: Some(outcome), changes: changes(&state, job.database, job.rules)? })
}

/// revm's mainnet handler, which also keeps what the first frame came to: revm's own result does not tell a deposit that
/// was not paid from any other lack of gas.
struct Transaction<'a, I> {
    frame: Option<(InterpreterResult, Option<Address>)>,
    evm: PhantomData<Evm<'a, I>>,
}

impl<I> Default for Transaction<'_, I> {
    fn default() -> Self {
        Self { frame: None, evm: PhantomData }
    }
}

impl<'a, I> Handler for Transaction<'a, I> {
    type Evm = Evm<'a, I>;
    type Error = RunError;
    type HaltReason = HaltReason;

    /// As revm has it, but for the line that keeps the frame.
    fn execution_result(
        &mut self,
        evm: &mut Self::Evm,
        result: FrameResult,
        gas: ResultGas,
    ) -> Result<ExecutionResult<HaltReason>, RunError> {
        take_error::<RunError, _>(evm.ctx.error())?;
        let created = match &result {
            FrameResult::Create(outcome) => outcome.address,
            FrameResult::Call(_) => None,
        };
        self.frame = Some((result.interpreter_result().clone(), created));
        let result = post_execution::output(&mut evm.ctx, result, gas);
        evm.ctx.journaled_state.commit_tx();
        evm.ctx.local.clear();
        evm.frame_stack().clear();
        Ok(result)
    }
}

impl<'a, I: Inspector<Context<'a>>> InspectorHandler for Transaction<'a, I> {
    type IT = EthInterpreter;
}
