//! `parallax run`: one bare message.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
};

use anyhow::{Context, Result};
use parallax_campaign::trace;
use parallax_engine_interface::{Progress, Stepper};
use parallax_hooks::{Hooks, NoHooks};
use parallax_host_interface::{AccountChange, HostError, StateChanges, TxEnv};
use parallax_machine::Machine;
use parallax_memory_database::MemoryDatabase;
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniMachine;
use parallax_primary_interpreter::Primary;
use parallax_primitives::{
    Address, BlobSchedule, BlockEnv, Bytecode, Fork, FrameOutcome, FrameStatus, Log, Message, MessageKind,
    U256, address,
};
use parallax_state::State;
use parallax_tracer_eip3155::Summary;
use serde_json::{Value, json};

use crate::{
    arguments::{Interpreter, RunArguments},
    input::{Text, hex},
    report::Status,
    tracing::Traces,
};

/// The account that runs the code.
pub(crate) const CONTRACT: Address = address!("000000000000000000000000000000000000c0de");
/// The account that calls it.
pub(crate) const CALLER: Address = address!("000000000000000000000000000000000000ca11");

pub(crate) fn run(arguments: &RunArguments) -> Result<Status> {
    let code = Text::read(&arguments.code)?.code(arguments.asm, arguments.fork)?;
    let input = hex("--input", &arguments.input)?;
    let mut database = match &arguments.prestate {
        Some(path) => prestate(path)?,
        None => MemoryDatabase::default(),
    };
    database.accounts.entry(CONTRACT).or_default().code = Bytecode::new(code);
    let caller = database.accounts.entry(CALLER).or_default();
    caller.balance = caller.balance.max(arguments.value);

    let block = block(arguments.fork);
    let transaction = TxEnv { origin: CALLER, chain_id: 1, ..TxEnv::default() };
    let message = Message {
        kind: MessageKind::Call,
        depth: 0,
        is_static: false,
        gas: arguments.gas,
        caller: CALLER,
        address: CONTRACT,
        code_address: CONTRACT,
        is_delegated: false,
        value: arguments.value,
        input,
        salt: U256::ZERO,
    };
    let primary = Primary::new();
    let fork = arguments.fork;
    let go = |hooks: &mut dyn Hooks| match arguments.engine {
        Interpreter::Primary => {
            let state = Box::new(State::new(&database, fork, block, transaction));
            let mut machine = Machine::message(&primary, fork, message, state);
            to_end(&mut machine, hooks)?;
            machine.into_message_outcome()
        }
        Interpreter::Mini => {
            let mut machine = MiniMachine::message(&Mini, fork, message, &database, block, transaction);
            to_end(&mut machine, hooks)?;
            machine.into_message_outcome()
        }
    };
    let traces = arguments.trace.open()?;
    let ended = match &traces {
        Some(traces) => trace(&traces.files, fork, go, |ended| summary(arguments, ended)),
        None => go(&mut NoHooks),
    };
    let (outcome, changes, logs) = ended?;
    let ran = Ran { gas: arguments.gas, outcome, changes, logs };
    let text = if arguments.json { format!("{}\n", ran.json()) } else { ran.text() };
    io::stdout().lock().write_all(text.as_bytes())?;
    traces.map_or(Ok(()), Traces::finish)?;
    Ok(if ran.outcome.status == FrameStatus::Success { Status::Well } else { Status::Failure })
}

type Ended = (FrameOutcome, StateChanges, Vec<Log>);

fn to_end(machine: &mut dyn Stepper, hooks: &mut dyn Hooks) -> Result<(), HostError> {
    while machine.run(hooks)? == Progress::Paused {}
    Ok(())
}

fn summary(arguments: &RunArguments, ended: &Result<Ended, HostError>) -> Summary {
    let mut summary = Summary { fork: arguments.fork.name().to_owned(), ..Summary::default() };
    if let Ok((outcome, ..)) = ended {
        summary.output = outcome.output.clone();
        summary.gas_used = arguments.gas - outcome.gas_left;
        summary.pass = outcome.status.is_success();
    }
    summary
}

/// The block around a program that has none.
pub(crate) fn block(fork: Fork) -> BlockEnv {
    BlockEnv { number: 1, timestamp: 1, blobs: BlobSchedule::of(fork), ..BlockEnv::default() }
}

fn prestate(path: &str) -> Result<MemoryDatabase> {
    let text = fs::read(path).with_context(|| format!("{path}: cannot read the file"))?;
    Ok(parallax_state_tests::accounts_of(path, &text)?)
}

struct Ran {
    gas: u64,
    outcome: FrameOutcome,
    changes: StateChanges,
    logs: Vec<Log>,
}

impl Ran {
    fn gas_used(&self) -> u64 {
        self.gas - self.outcome.gas_left
    }

    fn text(&self) -> String {
        let mut text = format!(
            "status    {}\ngas used  {}\ngas left  {}\noutput    {}\n",
            self.outcome.status,
            self.gas_used(),
            self.outcome.gas_left,
            self.outcome.output,
        );
        // Writing to a string does not fail.
        for log in &self.logs {
            let _ = write!(text, "log       {:#x}", log.address);
            for topic in &log.topics {
                let _ = write!(text, " {topic}");
            }
            let _ = writeln!(text, " {}", log.data);
        }
        for (address, change) in &self.changes.accounts {
            match change {
                AccountChange::Deleted => {
                    let _ = writeln!(text, "account   {address:#x} deleted");
                }
                AccountChange::Changed { nonce, balance, code, storage, .. } => {
                    let _ = write!(text, "account   {address:#x} nonce {nonce} balance {balance}");
                    if let Some(code) = code {
                        let _ = write!(text, " code {}", code.bytes());
                    }
                    text.push('\n');
                    for (key, value) in storage {
                        let _ = writeln!(text, "  slot    {key:#x} = {value:#x}");
                    }
                }
            }
        }
        text
    }

    fn json(&self) -> Value {
        let logs: Vec<_> = self
            .logs
            .iter()
            .map(|log| {
                let topics: Vec<_> = log.topics.iter().map(ToString::to_string).collect();
                json!({ "address": lower(&log.address), "topics": topics, "data": log.data.to_string() })
            })
            .collect();
        let changes: serde_json::Map<_, _> = self
            .changes
            .accounts
            .iter()
            .map(|(address, change)| {
                let change = match change {
                    AccountChange::Deleted => Value::Null,
                    AccountChange::Changed { nonce, balance, code, storage } => {
                        let storage: serde_json::Map<_, _> = storage
                            .iter()
                            .map(|(key, value)| (format!("{key:#x}"), format!("{value:#x}").into()))
                            .collect();
                        json!({
                            "nonce": nonce,
                            "balance": format!("{balance:#x}"),
                            "code": code.as_ref().map(|code| code.bytes().to_string()),
                            "storage": storage,
                        })
                    }
                };
                (lower(address), change)
            })
            .collect();
        json!({
            "status": self.outcome.status.to_string(),
            "gasUsed": self.gas_used(),
            "gasLeft": self.outcome.gas_left,
            "output": self.outcome.output.to_string(),
            "logs": logs,
            "changes": changes,
        })
    }
}

/// As machines write addresses: without the capitals of EIP-55.
fn lower(address: &Address) -> String {
    format!("{address:#x}")
}
