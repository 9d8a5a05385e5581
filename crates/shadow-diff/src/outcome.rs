//! What is compared of a message, of an outcome, of logs and of the state after, whichever way two sides were driven.

use std::collections::BTreeMap;

use parallax_engine_interface::{EngineError, Execution, UntoldMessage};
use parallax_host_interface::{AccountChange, HostError, HostErrorKind, StateChanges};
use parallax_primitives::{
    Address, Bytecode, Bytes, FrameOutcome, FrameStatus, Log, Message, MessageKind, Rejection, StateGas,
    TxOutcome, U256,
};

use crate::{Divergence, Earlier, Field, Mismatch, Place, Rejections, ShadowConfig, Value, Verdict};

/// Why a comparison does not go on.
pub(crate) enum Stop {
    Differ(Box<(Place, Mismatch)>),
    /// For another reason, which is the verdict.
    Other(Verdict),
}

impl Stop {
    pub(crate) fn differ(place: Place, mismatch: Mismatch) -> Self {
        Stop::Differ(Box::new((place, mismatch)))
    }
}

/// The verdict of a comparison; `recent` tells what happened before a divergence.
pub(crate) fn verdict(
    compared: Result<Verdict, Stop>,
    engines: [&str; 2],
    recent: impl FnOnce() -> Vec<Earlier>,
    config: &ShadowConfig,
) -> Verdict {
    match compared {
        Ok(verdict) | Err(Stop::Other(verdict)) => verdict,
        Err(Stop::Differ(difference)) => {
            let (place, mismatch) = *difference;
            let engines = engines.map(str::to_owned);
            Verdict::Diverge(Box::new(Divergence::new(engines, place, mismatch, recent(), config)))
        }
    }
}

/// What a side's engine answered, host errors and aborts apart.
enum Answer<'a> {
    Rejected(Rejection),
    Executed(&'a TxOutcome, &'a Execution),
}

/// Compares what two engines answered: they agree, or both refuse. `inside` compares what happened on the way; it is asked
/// if both sides executed.
pub(crate) fn answers(
    names: [&str; 2],
    results: [&Result<Execution, EngineError>; 2],
    config: &ShadowConfig,
    inside: impl FnOnce() -> Result<(), Stop>,
) -> Result<Verdict, Stop> {
    let status =
        |left, right| Err(Stop::differ(Place::Transaction, Mismatch { field: Field::Status, left, right }));
    let (left, right) = (answer(names[0], results[0])?, answer(names[1], results[1])?);
    match (left, right) {
        (Answer::Rejected(left), Answer::Rejected(right)) => {
            if left != right && config.rejections == Rejections::Exact {
                return status(Value::Rejection(left), Value::Rejection(right));
            }
            Ok(Verdict::Rejected(left.to_string()))
        }
        (Answer::Rejected(left), Answer::Executed(right, _)) => {
            status(Value::Rejection(left), Value::Status(right.status))
        }
        (Answer::Executed(left, _), Answer::Rejected(right)) => {
            status(Value::Status(left.status), Value::Rejection(right))
        }
        (Answer::Executed(left, left_execution), Answer::Executed(right, right_execution)) => {
            inside()?;
            if let Some(mismatch) = transaction(left, right, config) {
                return Err(Stop::differ(Place::Transaction, mismatch));
            }
            let executions = [left_execution, right_execution];
            let [left, right] = executions.map(|execution| &execution.changes);
            match post_state(left, right).or_else(|| accesses(executions)) {
                Some(mismatch) => Err(Stop::differ(Place::PostState, mismatch)),
                None => Ok(Verdict::Agree),
            }
        }
    }
}

fn answer<'a>(name: &str, result: &'a Result<Execution, EngineError>) -> Result<Answer<'a>, Stop> {
    match result {
        Ok(execution @ Execution { outcome: Some(outcome), .. }) => Ok(Answer::Executed(outcome, execution)),
        Ok(Execution { outcome: None, .. }) => {
            Err(Stop::Other(Verdict::Poisoned(format!("{name}: the run was aborted"))))
        }
        Err(EngineError::Rejected(rejection)) => Ok(Answer::Rejected(*rejection)),
        Err(EngineError::Host(error)) => Err(Stop::Other(failed(name, error))),
    }
}

/// What it comes to that a side's world failed, or the side itself.
pub(crate) fn failed(name: &str, error: &HostError) -> Verdict {
    let reason = format!("{name}: {error}");
    match error.kind() {
        HostErrorKind::World | HostErrorKind::UnknownBlockHash => Verdict::Poisoned(reason),
        HostErrorKind::Crashed => Verdict::Crashed(reason),
        HostErrorKind::TimedOut => Verdict::TimedOut(reason),
        HostErrorKind::Unsupported => Verdict::Unsupported(reason),
    }
}

fn transaction(left: &TxOutcome, right: &TxOutcome, config: &ShadowConfig) -> Option<Mismatch> {
    status(left.status, right.status, config)
        .or_else(|| differs(Field::GasRefunded, left.gas_refunded, right.gas_refunded))
        .or_else(|| differs(Field::GasUsed, left.gas_used, right.gas_used))
        .or_else(|| differs(Field::StateGas, left.state_gas, right.state_gas))
        .or_else(|| differs(Field::ExecutionGas, left.execution_gas, right.execution_gas))
        .or_else(|| bytes_differ(Field::Output, &left.output, &right.output))
        .or_else(|| differs(Field::Created, left.created, right.created))
        .or_else(|| logs(&left.logs, &right.logs, 0))
}

/// The whole outcome of a message.
pub(crate) fn frame(left: &FrameOutcome, right: &FrameOutcome, config: &ShadowConfig) -> Option<Mismatch> {
    status(left.status, right.status, config)
        .or_else(|| differs(Field::GasLeft, left.gas_left, right.gas_left))
        .or_else(|| state_gas(left.state_gas, right.state_gas))
        .or_else(|| bytes_differ(Field::Output, &left.output, &right.output))
        .or_else(|| differs(Field::Created, left.created, right.created))
}

pub(crate) fn status(left: FrameStatus, right: FrameStatus, config: &ShadowConfig) -> Option<Mismatch> {
    (!config.halts.agree(left, right)).then(|| Mismatch {
        field: Field::Status,
        left: Value::Status(left),
        right: Value::Status(right),
    })
}

/// The fields of state gas, and what each side has there.
pub(crate) fn state_gas_fields(left: StateGas, right: StateGas) -> [(Field, [u64; 2]); 3] {
    [
        (Field::Reservoir, [left.reservoir, right.reservoir]),
        (Field::SpilledStateGas, [left.spilled, right.spilled]),
        (Field::ReservoirBaseline, [left.baseline, right.baseline]),
    ]
}

/// State gas of a message, at its beginning or its end.
pub(crate) fn state_gas(left: StateGas, right: StateGas) -> Option<Mismatch> {
    state_gas_fields(left, right).into_iter().find_map(|(field, [left, right])| differs(field, left, right))
}

/// All but input and gas.
pub(crate) fn message(left: &Message, right: &Message, config: &ShadowConfig) -> Option<Mismatch> {
    let is_call = |message: &Message| matches!(message.kind, MessageKind::Call | MessageKind::StaticCall);
    let is_alike = [left, right].into_iter().all(|message| message.is_static && is_call(message))
        && config.is_untold(UntoldMessage::StaticKind);
    (left.kind != right.kind && !is_alike)
        .then(|| Mismatch {
            field: Field::Kind,
            left: Value::Kind(left.kind),
            right: Value::Kind(right.kind),
        })
        .or_else(|| differs(Field::Depth, u64::from(left.depth) + 1, u64::from(right.depth) + 1))
        .or_else(|| differs(Field::Static, left.is_static, right.is_static))
        .or_else(|| differs(Field::Caller, left.caller, right.caller))
        .or_else(|| differs(Field::Address, left.address, right.address))
        .or_else(|| differs(Field::CodeAddress, left.code_address, right.code_address))
        .or_else(|| differs(Field::Delegated, left.is_delegated, right.is_delegated))
        .or_else(|| differs(Field::Value, left.value, right.value))
        .or_else(|| differs(Field::Salt, left.salt, right.salt))
}

pub(crate) fn differs<T: PartialEq + Into<Value>>(field: Field, left: T, right: T) -> Option<Mismatch> {
    (left != right).then(|| Mismatch { field, left: left.into(), right: right.into() })
}

pub(crate) fn bytes_differ(field: Field, left: &Bytes, right: &Bytes) -> Option<Mismatch> {
    (left != right).then(|| Mismatch {
        field,
        left: Value::Bytes(left.clone()),
        right: Value::Bytes(right.clone()),
    })
}

/// `first` is the number of the first of these logs in the transaction.
pub(crate) fn logs(left: &[Log], right: &[Log], first: usize) -> Option<Mismatch> {
    for (number, (left, right)) in (first..).zip(left.iter().zip(right)) {
        let topics = |log: &Log| Bytes::from(log.topics.concat());
        let difference = differs(Field::LogAddress(number), left.address, right.address)
            .or_else(|| bytes_differ(Field::LogTopics(number), &topics(left), &topics(right)))
            .or_else(|| bytes_differ(Field::LogData(number), &left.data, &right.data));
        if difference.is_some() {
            return difference;
        }
    }
    let both = left.len().min(right.len());
    (left.len() != right.len()).then(|| presence(Field::Log(first + both), left.len() > right.len()))
}

pub(crate) fn presence(field: Field, on_left: bool) -> Mismatch {
    let (left, right) =
        if on_left { (Value::Present, Value::Absent) } else { (Value::Absent, Value::Present) };
    Mismatch { field, left, right }
}

fn post_state(left: &StateChanges, right: &StateChanges) -> Option<Mismatch> {
    let first = first_difference(&left.accounts, &right.accounts)?;
    Some(account(*first, left.accounts.get(first), right.accounts.get(first)))
}

/// What two sides have looked at, if both tell it (EIP-7928).
fn accesses([left, right]: [&Execution; 2]) -> Option<Mismatch> {
    let (Some(left), Some(right)) = (&left.accesses, &right.accesses) else { return None };
    let address = *first_difference(&left.accounts, &right.accounts)?;
    let (left, right) = (left.accounts.get(&address), right.accounts.get(&address));
    let (Some(left), Some(right)) = (left, right) else {
        return differs(Field::AccessedAccount(address), left.is_some(), right.is_some());
    };
    let slot = *left.symmetric_difference(right).next()?;
    differs(Field::AccessedSlot(address, slot), left.contains(&slot), right.contains(&slot))
}

fn account(address: Address, left: Option<&AccountChange>, right: Option<&AccountChange>) -> Mismatch {
    let fates = Mismatch { field: Field::Account(address), left: fate(left), right: fate(right) };
    let (
        Some(AccountChange::Changed { nonce, balance, code, storage, .. }),
        Some(AccountChange::Changed {
            nonce: right_nonce,
            balance: right_balance,
            code: right_code,
            storage: right_storage,
            ..
        }),
    ) = (left, right)
    else {
        return fates;
    };
    let bytes = |code: &Option<Bytecode>| {
        code.as_ref().map_or(Value::Unchanged, |code| Value::Bytes(code.bytes().clone()))
    };
    differs(Field::Nonce(address), *nonce, *right_nonce)
        .or_else(|| {
            let field = Field::Code(address);
            (code != right_code).then(|| Mismatch { field, left: bytes(code), right: bytes(right_code) })
        })
        .or_else(|| slots(address, storage, right_storage))
        .or_else(|| differs(Field::Balance(address), *balance, *right_balance))
        .unwrap_or(fates)
}

fn fate(change: Option<&AccountChange>) -> Value {
    match change {
        None => Value::Unchanged,
        Some(AccountChange::Deleted) => Value::Deleted,
        Some(AccountChange::Changed { clears_storage: true, .. }) => Value::Cleared,
        Some(AccountChange::Changed { .. }) => Value::Changed,
    }
}

fn slots(address: Address, left: &BTreeMap<U256, U256>, right: &BTreeMap<U256, U256>) -> Option<Mismatch> {
    let key = *first_difference(left, right)?;
    let value =
        |slots: &BTreeMap<U256, U256>| slots.get(&key).map_or(Value::Unchanged, |value| Value::Word(*value));
    Some(Mismatch { field: Field::Storage(address, key), left: value(left), right: value(right) })
}

/// The least key under which two maps differ.
fn first_difference<'m, K: Ord, V: PartialEq>(
    left: &'m BTreeMap<K, V>,
    right: &'m BTreeMap<K, V>,
) -> Option<&'m K> {
    left.keys().chain(right.keys()).filter(|key| left.get(key) != right.get(key)).min()
}
