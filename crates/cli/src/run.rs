//! `parallax run`: one bare message.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};
use parallax_campaign::trace;
use parallax_engine_interface::{Execution, Job};
use parallax_hooks::{Hooks, NoHooks};
use parallax_host_interface::{AccountChange, StateChanges};
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{Address, BlockEnv, Eip, FrameStatus, Rules, Subject, TxEnv, TxOutcome};
use parallax_tracer_eip3155::Summary;
use serde_json::{Value, json};

use crate::{
    arguments::RunArguments,
    input::{Text, hex},
    libraries::{load, needs_steps},
    message::CALLER,
    report::Status,
    traces::Traces,
};

pub(crate) fn run(arguments: &RunArguments) -> Result<Status> {
    let (rules, gas, value) = (arguments.rules.rules, arguments.gas, arguments.value);
    let code = Text::read(&arguments.code)?.code(arguments.asm, rules)?;
    let input = hex("--input", &arguments.input)?;
    let mut database = match &arguments.prestate {
        Some(path) => prestate(path)?,
        None => MemoryDatabase::default(),
    };
    let message = arguments.options.message(arguments.message, (code, input), (gas, value), &mut database)?;
    let (block, environment) = (block(rules), TxEnv { origin: CALLER, ..TxEnv::default() });
    let subject = Subject::Message { message: &message, environment: &environment };
    let job = Job { rules, chain_id: rules.chain_id(), block: &block, subject, database: &database };
    if !arguments.trace.trace.is_empty() {
        needs_steps("--trace", arguments.engine)?;
    }
    load(arguments.engine)?;
    let engine = arguments.engine.engine();
    ensure!(
        engine.capabilities().messages,
        "--engine {}: it runs no bare messages, expected primary or mini",
        engine.name()
    );
    let span = tracing::error_span!("run", engine = engine.name(), fork = %rules, gas);
    let go = |hooks: &mut dyn Hooks| span.in_scope(|| engine.execute(&job, hooks));
    let traces = arguments.trace.open()?;
    let start = Instant::now();
    let ended = match &traces {
        Some(traces) => trace(&traces.files, go, |_| Summary::default()),
        None => go(&mut NoHooks),
    };
    let time = start.elapsed().as_nanos();
    let Execution { outcome: Some(outcome), changes, .. } = ended? else {
        bail!("the run was ended before its end");
    };
    span.in_scope(|| tracing::debug!(status = %outcome.status, gas_used = outcome.gas_used, "ran"));
    let has_state_gas = rules.has(Eip::StateGas8037);
    let ran = Ran { gas, has_state_gas, outcome, changes };
    let mut text = ran.text();
    if arguments.json {
        let mut object = ran.json();
        if arguments.time {
            object["timeNs"] = json!(u64::try_from(time).ok());
        }
        text = format!("{object}\n");
    } else if arguments.time {
        text += &format!("time      {time} ns\n");
    }
    io::stdout().lock().write_all(text.as_bytes())?;
    traces.map_or(Ok(()), Traces::finish)?;
    Ok(if ran.outcome.status == FrameStatus::Success { Status::Well } else { Status::Failure })
}

/// The block around a program that has none.
pub(crate) fn block(rules: Rules) -> BlockEnv {
    BlockEnv { number: 1, timestamp: 1, blobs: rules.blobs(), ..BlockEnv::default() }
}

fn prestate(path: &str) -> Result<MemoryDatabase> {
    let text = fs::read(path).with_context(|| format!("{path}: cannot read the file"))?;
    Ok(parallax_state_tests::accounts_of(path, &text)?)
}

struct Ran {
    gas: u64,
    /// The rules have two gases: then both are told, be it zero.
    has_state_gas: bool,
    outcome: TxOutcome,
    changes: StateChanges,
}

impl Ran {
    fn gas_left(&self) -> u64 {
        self.gas - self.outcome.gas_used
    }

    fn text(&self) -> String {
        let TxOutcome { status, gas_used, execution_gas, state_gas, output, .. } = &self.outcome;
        let mut text = format!("status    {status}\ngas used  {gas_used}\n");
        // Writing to a string does not fail.
        if self.has_state_gas {
            let _ = write!(text, "execution {execution_gas}\nstate gas {state_gas}\n");
        }
        let _ = write!(text, "gas left  {}\noutput    {output}\n", self.gas_left());
        for log in &self.outcome.logs {
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
                AccountChange::Changed { nonce, balance, code, storage, clears_storage } => {
                    let _ = write!(text, "account   {address:#x} nonce {nonce} balance {balance}");
                    if let Some(code) = code {
                        let _ = write!(text, " code {}", code.bytes());
                    }
                    text.push('\n');
                    if *clears_storage {
                        text.push_str("  storage cleared\n");
                    }
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
            .outcome
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
                    AccountChange::Changed { nonce, balance, code, storage, clears_storage } => {
                        let storage: serde_json::Map<_, _> = storage
                            .iter()
                            .map(|(key, value)| (format!("{key:#x}"), format!("{value:#x}").into()))
                            .collect();
                        let mut change = json!({
                            "nonce": nonce,
                            "balance": format!("{balance:#x}"),
                            "code": code.as_ref().map(|code| code.bytes().to_string()),
                            "storage": storage,
                        });
                        if *clears_storage {
                            change["clearsStorage"] = true.into();
                        }
                        change
                    }
                };
                (lower(address), change)
            })
            .collect();
        let mut object = json!({
            "status": self.outcome.status.to_string(),
            "gasUsed": self.outcome.gas_used,
            "gasLeft": self.gas_left(),
            "output": self.outcome.output.to_string(),
            "logs": logs,
            "changes": changes,
        });
        if self.has_state_gas {
            object["executionGas"] = json!(self.outcome.execution_gas);
            object["stateGas"] = json!(self.outcome.state_gas);
        }
        object
    }
}

/// As machines write addresses: without the capitals of EIP-55.
fn lower(address: &Address) -> String {
    format!("{address:#x}")
}
