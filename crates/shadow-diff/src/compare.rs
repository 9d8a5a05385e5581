//! Compares two finished runs message by message, in the order things happened, then the outcome, then the state.
//!
//! Invariant: `Agree` is answered only if both records are whole and nothing differs. What is not known poisons.

use std::collections::BTreeMap;

use parallax_engine_interface::{Engine, EngineError, Execution, Job};
use parallax_host_interface::{AccountChange, StateChanges};
use parallax_primitives::{
    Address, Bytecode, Bytes, FrameStatus, Halt, Log, Message, Rejection, TxOutcome, U256,
};

use crate::{
    Bounds, Cause, Config, Divergence, Field, MessageLog, PathItem, Place, Recorded, Rejections, Value,
    Verdict, Which, log::Event,
};

/// One engine's run of a transaction, on its own state.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The engine's name.
    pub engine: &'a str,
    /// What it answered.
    pub result: &'a Result<Execution, EngineError>,
    /// The hooks it was run with.
    pub messages: &'a MessageLog,
}

/// Compares what every message came to, nested ones included, the outcome, and the state after.
pub fn compare_call_results(left: &Side<'_>, right: &Side<'_>, config: &Config) -> Verdict {
    let comparison = Comparison { left, right, config };
    match comparison.run() {
        Ok(()) => Verdict::Agree,
        Err(Stop::Diverge(divergence)) => Verdict::Diverge(divergence),
        Err(Stop::Poisoned(reason)) => Verdict::Poisoned(reason),
    }
}

/// Runs a job on two engines, one after the other, and compares every call. Each engine has its own journal over the job's
/// read-only database, so nothing that one does can be seen by the other.
pub fn per_call(
    left: &dyn Engine,
    right: &dyn Engine,
    job: &Job<'_>,
    config: &Config,
    bounds: Bounds,
) -> Verdict {
    let (mut left_log, mut right_log) = (MessageLog::new(bounds), MessageLog::new(bounds));
    let left_result = left.execute(job, &mut left_log);
    let right_result = right.execute(job, &mut right_log);
    compare_call_results(
        &Side { engine: left.name(), result: &left_result, messages: &left_log },
        &Side { engine: right.name(), result: &right_result, messages: &right_log },
        config,
    )
}

/// Why a comparison does not go on.
enum Stop {
    Diverge(Box<Divergence>),
    Poisoned(String),
}

/// A field in which two sides differ, and its values.
struct Difference {
    field: Field,
    left: Value,
    right: Value,
}

struct Comparison<'c, 'a> {
    left: &'c Side<'a>,
    right: &'c Side<'a>,
    config: &'c Config,
}

/// What a side's engine answered, host errors and aborts apart.
enum Answer<'a> {
    Rejected(Rejection),
    Executed(&'a TxOutcome, &'a StateChanges),
}

impl<'a> Comparison<'_, 'a> {
    fn run(&self) -> Result<(), Stop> {
        let (left, right) = (answer(self.left)?, answer(self.right)?);
        match (left, right) {
            (Answer::Rejected(left), Answer::Rejected(right)) => {
                if left != right && self.config.rejections == Rejections::Exact {
                    let (left, right) = (Value::Rejection(left), Value::Rejection(right));
                    return self.diverge(
                        Place::Transaction,
                        Difference { field: Field::Status, left, right },
                        0,
                    );
                }
                Ok(())
            }
            (Answer::Rejected(left), Answer::Executed(right, _)) => {
                self.one_rejected(Which::Left, left, right)
            }
            (Answer::Executed(left, _), Answer::Rejected(right)) => {
                self.one_rejected(Which::Right, right, left)
            }
            (Answer::Executed(left, left_changes), Answer::Executed(right, right_changes)) => {
                self.messages()?;
                let end = self.left.messages.events().len();
                if let Some(difference) = self.outcome(left, right) {
                    return self.diverge(Place::Transaction, difference, end);
                }
                match post_state(left_changes, right_changes) {
                    Some(difference) => self.diverge(Place::PostState, difference, end),
                    None => Ok(()),
                }
            }
        }
    }

    fn one_rejected(&self, which: Which, rejection: Rejection, executed: &TxOutcome) -> Result<(), Stop> {
        let (mut left, mut right) = (Value::Rejection(rejection), Value::Status(executed.status));
        if which == Which::Right {
            (left, right) = (right, left);
        }
        self.diverge(Place::Transaction, Difference { field: Field::Status, left, right }, 0)
    }

    /// A difference in what both records have is one, even where one of them is cut off later.
    fn messages(&self) -> Result<(), Stop> {
        let (left, right) = (self.left.messages, self.right.messages);
        for (at, pair) in left.events().iter().zip(right.events()).enumerate() {
            let difference = match (*pair.0, *pair.1) {
                (Event::Begin(l), Event::Begin(r)) => self.message(l, r),
                (Event::End(l), Event::End(r)) => self.message_outcome(l, r),
                (Event::Begin(l), Event::End(_)) => return self.extra(Which::Left, l, at),
                (Event::End(_), Event::Begin(r)) => return self.extra(Which::Right, r, at),
            };
            if let Some(difference) = difference {
                return self.diverge(place(left, *pair.0), difference, at);
            }
        }
        for side in [self.left, self.right] {
            if let Some(reason) = incomplete(side) {
                return Err(Stop::Poisoned(reason));
            }
        }
        let both = left.events().len().min(right.events().len());
        for (which, log) in [(Which::Left, left), (Which::Right, right)] {
            if let Some(Event::Begin(number) | Event::End(number)) = log.events().get(both) {
                return self.extra(which, *number, both);
            }
        }
        Ok(())
    }

    /// A message that only one side sent.
    fn extra(&self, which: Which, number: usize, at: usize) -> Result<(), Stop> {
        let (log, left, right) = match which {
            Which::Left => (self.left.messages, Value::Present, Value::Absent),
            Which::Right => (self.right.messages, Value::Absent, Value::Present),
        };
        self.diverge(place(log, Event::Begin(number)), Difference { field: Field::Message, left, right }, at)
    }

    fn message(&self, left_number: usize, right_number: usize) -> Option<Difference> {
        let (left_log, right_log) = (self.left.messages, self.right.messages);
        let (left, right) = (&left_log.messages()[left_number], &right_log.messages()[right_number]);
        // Packed inputs are equal exactly if the inputs are: all before them were.
        message(&left.message, &right.message)
            .or_else(|| {
                (left.input != right.input).then(|| Difference {
                    field: Field::Input,
                    left: left_log.input(left_number).map_or(Value::Absent, Value::Bytes),
                    right: right_log.input(right_number).map_or(Value::Absent, Value::Bytes),
                })
            })
            .or_else(|| differs(Field::Gas, left.message.gas, right.message.gas))
    }

    fn message_outcome(&self, left_number: usize, right_number: usize) -> Option<Difference> {
        let (left_log, right_log) = (self.left.messages, self.right.messages);
        let (left, right) = (&left_log.messages()[left_number], &right_log.messages()[right_number]);
        let (l, r) = (left.outcome.as_ref()?, right.outcome.as_ref()?);
        self.status(l.status, r.status)
            .or_else(|| differs(Field::GasLeft, l.gas_left, r.gas_left))
            .or_else(|| {
                (left.output != right.output).then(|| Difference {
                    field: Field::Output,
                    left: left_log.output(left_number).map_or(Value::Absent, Value::Bytes),
                    right: right_log.output(right_number).map_or(Value::Absent, Value::Bytes),
                })
            })
            .or_else(|| differs(Field::Created, l.created, r.created))
    }

    fn status(&self, left: FrameStatus, right: FrameStatus) -> Option<Difference> {
        (!self.config.halts.agree(left, right)).then(|| Difference {
            field: Field::Status,
            left: Value::Status(left),
            right: Value::Status(right),
        })
    }

    fn outcome(&self, left: &TxOutcome, right: &TxOutcome) -> Option<Difference> {
        self.status(left.status, right.status)
            .or_else(|| differs(Field::GasRefunded, left.gas_refunded, right.gas_refunded))
            .or_else(|| differs(Field::GasUsed, left.gas_used, right.gas_used))
            .or_else(|| bytes_differ(Field::Output, &left.output, &right.output))
            .or_else(|| differs(Field::Created, left.created, right.created))
            .or_else(|| logs(&left.logs, &right.logs))
    }

    fn diverge(&self, place: Place, difference: Difference, events_before: usize) -> Result<(), Stop> {
        let Difference { field, left, right } = difference;
        Err(Stop::Diverge(Box::new(Divergence {
            engines: [self.left.engine.to_owned(), self.right.engine.to_owned()],
            cause: cause(field, &left, &right),
            recent: recent(self.left.messages, events_before),
            place,
            field,
            left,
            right,
            max_summary_length: self.config.max_summary_length,
        })))
    }
}

fn answer<'a>(side: &Side<'a>) -> Result<Answer<'a>, Stop> {
    match side.result {
        Ok(Execution { outcome: Some(outcome), changes }) => Ok(Answer::Executed(outcome, changes)),
        Ok(Execution { outcome: None, .. }) => {
            Err(Stop::Poisoned(format!("{}: the run was aborted", side.engine)))
        }
        Err(EngineError::Rejected(rejection)) => Ok(Answer::Rejected(*rejection)),
        Err(EngineError::Host(error)) => Err(Stop::Poisoned(format!("{}: {error}", side.engine))),
    }
}

/// Why the record of an executed transaction does not say all.
fn incomplete(side: &Side<'_>) -> Option<String> {
    let log = side.messages;
    let reason = match log.fault() {
        Some(fault) => fault,
        None if log.messages().is_empty() => "no message was recorded, not even the transaction's own",
        None if log.is_open() => "a message has no outcome",
        None => return None,
    };
    Some(format!("{}: the record of messages is not complete: {reason}", side.engine))
}

/// All but input and gas.
fn message(left: &Message, right: &Message) -> Option<Difference> {
    (left.kind != right.kind)
        .then(|| Difference {
            field: Field::Kind,
            left: Value::Kind(left.kind),
            right: Value::Kind(right.kind),
        })
        .or_else(|| differs(Field::Depth, u64::from(left.depth), u64::from(right.depth)))
        .or_else(|| differs(Field::Static, left.is_static, right.is_static))
        .or_else(|| differs(Field::Caller, left.caller, right.caller))
        .or_else(|| differs(Field::Address, left.address, right.address))
        .or_else(|| differs(Field::CodeAddress, left.code_address, right.code_address))
        .or_else(|| differs(Field::Delegated, left.is_delegated, right.is_delegated))
        .or_else(|| differs(Field::Value, left.value, right.value))
        .or_else(|| differs(Field::Salt, left.salt, right.salt))
}

fn differs<T: PartialEq + Into<Value>>(field: Field, left: T, right: T) -> Option<Difference> {
    (left != right).then(|| Difference { field, left: left.into(), right: right.into() })
}

fn bytes_differ(field: Field, left: &Bytes, right: &Bytes) -> Option<Difference> {
    (left != right).then(|| Difference {
        field,
        left: Value::Bytes(left.clone()),
        right: Value::Bytes(right.clone()),
    })
}

fn logs(left: &[Log], right: &[Log]) -> Option<Difference> {
    for (number, (left, right)) in left.iter().zip(right).enumerate() {
        let topics = |log: &Log| Bytes::from(log.topics.concat());
        let difference = differs(Field::LogAddress(number), left.address, right.address)
            .or_else(|| bytes_differ(Field::LogTopics(number), &topics(left), &topics(right)))
            .or_else(|| bytes_differ(Field::LogData(number), &left.data, &right.data));
        if difference.is_some() {
            return difference;
        }
    }
    let both = left.len().min(right.len());
    (left.len() != right.len()).then(|| presence(Field::Log(both), left.len() > right.len()))
}

fn presence(field: Field, on_left: bool) -> Difference {
    let (left, right) =
        if on_left { (Value::Present, Value::Absent) } else { (Value::Absent, Value::Present) };
    Difference { field, left, right }
}

fn post_state(left: &StateChanges, right: &StateChanges) -> Option<Difference> {
    let first = first_difference(&left.accounts, &right.accounts)?;
    Some(account(*first, left.accounts.get(first), right.accounts.get(first)))
}

fn account(address: Address, left: Option<&AccountChange>, right: Option<&AccountChange>) -> Difference {
    let fates = Difference { field: Field::Account(address), left: fate(left), right: fate(right) };
    let (
        Some(AccountChange::Changed { nonce, balance, code, storage_cleared, storage }),
        Some(AccountChange::Changed {
            nonce: right_nonce,
            balance: right_balance,
            code: right_code,
            storage_cleared: right_cleared,
            storage: right_storage,
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
            (code != right_code).then(|| Difference { field, left: bytes(code), right: bytes(right_code) })
        })
        .or_else(|| differs(Field::StorageCleared(address), *storage_cleared, *right_cleared))
        .or_else(|| slots(address, storage, right_storage))
        .or_else(|| differs(Field::Balance(address), *balance, *right_balance))
        .unwrap_or(fates)
}

fn fate(change: Option<&AccountChange>) -> Value {
    match change {
        None => Value::Unchanged,
        Some(AccountChange::Deleted) => Value::Deleted,
        Some(AccountChange::Changed { .. }) => Value::Changed,
    }
}

fn slots(address: Address, left: &BTreeMap<U256, U256>, right: &BTreeMap<U256, U256>) -> Option<Difference> {
    let key = *first_difference(left, right)?;
    let value =
        |slots: &BTreeMap<U256, U256>| slots.get(&key).map_or(Value::Unchanged, |value| Value::Word(*value));
    Some(Difference { field: Field::Storage(address, key), left: value(left), right: value(right) })
}

/// The least key under which two maps differ.
fn first_difference<'m, K: Ord, V: PartialEq>(
    left: &'m BTreeMap<K, V>,
    right: &'m BTreeMap<K, V>,
) -> Option<&'m K> {
    left.keys().chain(right.keys()).filter(|key| left.get(key) != right.get(key)).min()
}

fn place(log: &MessageLog, event: Event) -> Place {
    let (index, is_over) = match event {
        Event::Begin(number) => (number, false),
        Event::End(number) => (number, true),
    };
    let mut path = Vec::new();
    let mut at = Some(index);
    while let Some(number) = at {
        let Recorded { message, parent, .. } = &log.messages()[number];
        let address = if message.kind.is_create() { message.address } else { message.code_address };
        path.push(PathItem { index: number, kind: message.kind, address });
        at = *parent;
    }
    path.reverse();
    Place::Message { index, is_over, path }
}

fn cause(field: Field, left: &Value, right: &Value) -> Cause {
    match field {
        Field::Status => match (left, right) {
            (Value::Rejection(_), _) | (_, Value::Rejection(_)) => Cause::Rejection,
            (Value::Status(FrameStatus::Halt(_)), Value::Status(FrameStatus::Halt(_))) => {
                Cause::HaltPrecedence
            }
            (Value::Status(FrameStatus::Halt(halt)), _) | (_, Value::Status(FrameStatus::Halt(halt)))
                if matches!(halt, Halt::OutOfGas | Halt::DepositOutOfGas) =>
            {
                Cause::Gas
            }
            _ => Cause::ControlFlow,
        },
        Field::Message
        | Field::Kind
        | Field::Depth
        | Field::Static
        | Field::Caller
        | Field::Address
        | Field::CodeAddress
        | Field::Delegated
        | Field::Created => Cause::ControlFlow,
        Field::Gas | Field::GasLeft | Field::GasUsed => Cause::Gas,
        Field::GasRefunded => Cause::Refund,
        Field::Value | Field::Salt => Cause::Arithmetic,
        Field::Input => Cause::Memory,
        Field::Output => Cause::Output,
        Field::Log(_) | Field::LogAddress(_) | Field::LogTopics(_) | Field::LogData(_) => Cause::Logs,
        Field::Account(_) | Field::Nonce(_) | Field::Balance(_) | Field::Code(_) => Cause::PostState,
        Field::Storage(..) | Field::StorageCleared(_) => Cause::Storage,
    }
}

/// How many events before a divergence a report shows.
const RECENT: usize = 4;

fn recent(log: &MessageLog, events_before: usize) -> Vec<String> {
    let events = &log.events()[..events_before];
    let line = |event: &Event| match *event {
        Event::Begin(number) => {
            let Recorded { message, input, .. } = &log.messages()[number];
            let (kind, gas, size) = (message.kind.name(), message.gas, input.length);
            let target = if message.kind.is_create() { message.address } else { message.code_address };
            format!("#{number} begins: {kind} {target:#x}, gas {gas}, {size} bytes of input")
        }
        Event::End(number) => {
            let Recorded { outcome, output, .. } = &log.messages()[number];
            let (status, gas) =
                outcome.as_ref().map_or((String::new(), 0), |end| (end.status.to_string(), end.gas_left));
            format!("#{number} ends: {status}, gas left {gas}, {} bytes of output", output.length)
        }
    };
    events.iter().skip(events.len().saturating_sub(RECENT)).map(line).collect()
}
