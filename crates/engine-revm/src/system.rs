//! One system call on revm (EIP-4788): the message alone, before which nothing is warm. revm's own way to run one would put its state gas
//! with its gas, and warms what it calls.

use parallax_engine_interface::{EngineError, Execution, Job};
use parallax_hooks::{Hooks, Interest};
use parallax_host_interface::HostError;
use parallax_primitives::{
    FrameStatus, Message, MessageKind, StateGas, Subject, Transaction, TxEnv, TxOutcome,
};
use revm::{
    Inspector,
    context::{ContextTr, LocalContextTr},
    context_interface::{Cfg, JournalTr, context::take_error, result::EVMError},
    handler::{EvmTr, FrameResult, Handler, PrecompileProvider},
    inspector::{InspectorEvmTr, InspectorHandler, NoOpInspector},
    interpreter::{
        CallInput, CallInputs, CallScheme, CallValue, FrameInput, SharedMemory, interpreter_action::FrameInit,
    },
    state::{Account, AccountStatus},
};

use crate::{
    changes::{accesses, changes},
    context::{JobContext, host_error, log},
    database::{DatabaseError, JobDatabase},
    environment,
    halt::frame_status,
    inspector::{Messages, outcome},
    recorded::Recorded,
    state_gas::Opening,
    steps::Steps,
    types::{RevmParts, RevmTypes},
    watch::Watch,
};

/// What a job calls.
#[derive(Clone, Copy)]
struct SystemCall<'a> {
    message: &'a Message,
    environment: &'a TxEnv,
}

/// Runs the system call of `job`; `None` if it is none.
pub(crate) fn run<T: RevmTypes>(
    types: &T,
    job: &Job<'_>,
    hooks: &mut dyn Hooks,
) -> Option<Result<Execution, EngineError>> {
    let Subject::SystemCall { message, environment } = job.subject else { return None };
    let call = SystemCall { message, environment };
    Some(match hooks.interest() {
        Interest::Nothing => match run_plain(types, job, call) {
            Ok(Some(execution)) => Ok(execution),
            Ok(None) => inspect(types, job, call, messages(job, message, None)),
            Err(error) => Err(error),
        },
        Interest::Steps => inspect(types, job, call, Steps::new(messages(job, message, Some(hooks)))),
        _ => inspect(types, job, call, messages(job, message, Some(hooks))),
    })
}

fn messages<'h, 'a>(job: &Job<'a>, message: &Message, hooks: Option<&'h mut dyn Hooks>) -> Messages<'h, 'a> {
    let own = message.state_gas;
    let opening = Opening { gas: message.gas, reservoir: own.reservoir, message: Some(own) };
    Messages::new(hooks, job.database, job.rules, Some(opening))
}

/// The fast way; `None` if an account was met that EIP-7610 may be about.
fn run_plain<T: RevmTypes>(
    types: &T,
    job: &Job<'_>,
    call: SystemCall<'_>,
) -> Result<Option<Execution>, EngineError> {
    let mut evm = prepare(types, job, call, NoOpInspector)?;
    let first = first_frame(evm.ctx_mut(), call.message).map_err(host)?;
    let result = T::Handler::default().run_exec_loop(&mut evm, first).map_err(host_error)?;
    if evm.ctx_ref().db().met_bare_storage() {
        return Ok(None);
    }
    execution(job, call.message, evm.ctx_mut(), &result).map(Some)
}

fn inspect<'a, T: RevmTypes, I: Inspector<T::Context<'a>> + Watch>(
    types: &T,
    job: &Job<'a>,
    call: SystemCall<'_>,
    inspector: I,
) -> Result<Execution, EngineError> {
    let mut evm = prepare(types, job, call, inspector)?;
    let first = first_frame(evm.ctx_mut(), call.message).map_err(host)?;
    let result = T::Handler::default().inspect_run_exec_loop(&mut evm, first);
    if evm.inspector().is_aborted() {
        return Ok(Execution::aborted());
    }
    let result = result.map_err(host_error)?;
    execution(job, call.message, evm.ctx_mut(), &result)
}

/// What the call runs in. The transaction around it is never validated.
fn prepare<'a, T: RevmTypes, I: Inspector<T::Context<'a>>>(
    types: &T,
    job: &Job<'a>,
    call: SystemCall<'_>,
    inspector: I,
) -> Result<Recorded<T::Evm<'a, I>>, EngineError> {
    if let Some(reason) = types.unsupported(job.rules, job.block) {
        return Err(HostError::new(reason).into());
    }
    let SystemCall { message, environment } = call;
    let is_plain = message.kind == MessageKind::Call && message.depth == 0 && message.value.is_zero();
    if !is_plain || message.is_static || message.is_delegated {
        return Err(HostError::new("a system call on revm is a plain CALL without value").into());
    }
    let around = Transaction {
        sender: environment.origin,
        to: Some(message.address),
        gas_limit: message.gas,
        max_fee_per_gas: environment.gas_price,
        ..Transaction::default()
    };
    let parts = RevmParts {
        job: *job,
        database: JobDatabase::new(job.database, job.rules),
        block: environment::block(job),
        transaction: environment::transaction(job, &around)?,
    };
    let mut evm = types.evm(parts, inspector)?;
    let (context, precompiles) = evm.ctx_precompiles();
    precompiles.set_spec(context.cfg().spec());
    Ok(Recorded::new(evm))
}

/// The frame of the message. revm has to have loaded whom it is about; they are cold all the same.
fn first_frame<'a, C: JobContext<'a>>(
    context: &mut C,
    message: &Message,
) -> Result<FrameInit, DatabaseError> {
    let journal = context.journal_mut();
    journal.load_account(message.caller)?;
    let code = &journal.load_account_with_code(message.code_address)?.info;
    let known_bytecode = (code.code_hash, code.code.clone().unwrap_or_default());
    journal.load_account(message.address)?;
    for address in [message.caller, message.code_address, message.address] {
        if let Some(account) = journal.evm_state_mut().get_mut(&address) {
            account.mark_cold();
        }
    }
    let inputs = CallInputs {
        input: CallInput::Bytes(message.input.clone()),
        return_memory_offset: 0..0,
        gas_limit: message.gas,
        reservoir: message.state_gas.reservoir,
        bytecode_address: message.code_address,
        known_bytecode,
        target_address: message.address,
        caller: message.caller,
        value: CallValue::Transfer(message.value),
        scheme: CallScheme::Call,
        is_static: false,
        charged_new_account_state_gas: false,
    };
    let memory = SharedMemory::new_with_buffer(context.local().shared_memory_buffer().clone());
    Ok(FrameInit { depth: 0, memory, frame_input: FrameInput::Call(Box::new(inputs)) })
}

/// revm's answer in Parallax's words.
fn execution<'a, C: JobContext<'a>>(
    job: &Job<'a>,
    message: &Message,
    context: &mut C,
    result: &FrameResult,
) -> Result<Execution, EngineError> {
    take_error::<EVMError<DatabaseError>, _>(context.error()).map_err(host_error)?;
    let FrameResult::Call(call) = result else {
        return Err(HostError::new("revm answered a call as a creation").into());
    };
    let status = frame_status(call.result.result, false, true)?;
    let logs = context.journal_mut().take_logs().into_iter().map(log).collect();
    let state = context.journal_mut().finalize();
    let frame = outcome(message, status, &call.result);
    let (begun, StateGas { reservoir, spilled, .. }) = (message.state_gas, frame.state_gas);
    let gas_used = (message.gas + begun.reservoir).saturating_sub(frame.gas_left + reservoir);
    let state_gas = (begun.reservoir + spilled).saturating_sub(reservoir);
    let outcome = TxOutcome {
        status,
        gas_used,
        gas_refunded: 0,
        execution_gas: gas_used.saturating_sub(state_gas),
        state_gas,
        output: frame.output,
        logs: if matches!(status, FrameStatus::Success) { logs } else { Vec::new() },
        created: None,
    };
    let changes = changes(&state, job.database, job.rules)?;
    let mut accesses = accesses(&state, job.rules);
    // The caller was loaded for revm alone; an opcode that has looked at it as well has left it warm, unless its frame failed.
    let is_cold = |account: &Account| account.status.contains(AccountStatus::Cold);
    if let Some(accesses) = &mut accesses
        && state.get(&message.caller).is_some_and(is_cold)
    {
        accesses.accounts.remove(&message.caller);
    }
    Ok(Execution { outcome: Some(outcome), changes, accesses })
}

fn host(DatabaseError(error): DatabaseError) -> EngineError {
    error.into()
}
