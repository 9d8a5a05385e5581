//! `parallax run`: one bare message.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    time::Instant,
};

use anyhow::{Result, bail, ensure};
use parallax_campaign::trace;
use parallax_engine_interface::{Execution, Job};
use parallax_hooks::{Hooks, NoHooks};
use parallax_host_interface::StateChanges;
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{BlockEnv, Eip, FrameStatus, Rules, Subject, TxEnv, TxOutcome};
use parallax_tracer_eip3155::Summary;
use serde_json::{Value, json};

use crate::{
    arguments::RunArguments,
    input::{CodeForm, code, hex},
    libraries::{load, needs_steps},
    message::CALLER,
    outcome::{changes_json, changes_text, logs_json, logs_text},
    outputs::Outputs,
    report::Status,
    traces::Traces,
};

pub(crate) fn run(arguments: &RunArguments) -> Result<Status> {
    arguments.trace.check_use()?;
    let (rules, gas, value) = (arguments.rules.rules, arguments.gas, arguments.value);
    let form = CodeForm::of(arguments.asm, arguments.message.creates(), rules);
    let code = code(&arguments.code, form)?;
    let input = hex("--input", &arguments.input)?;
    let before = arguments.prestate.read(None)?.unwrap_or_default();
    let mut database = MemoryDatabase { accounts: before.accounts, ..MemoryDatabase::default() };
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
    let inputs = [Some(&arguments.code), arguments.prestate.prestate.as_ref()];
    let traces = arguments.trace.open(&mut Outputs::beside(inputs.into_iter().flatten()))?;
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
        text + &logs_text(&self.outcome.logs) + &changes_text(&self.changes)
    }

    fn json(&self) -> Value {
        let mut object = json!({
            "status": self.outcome.status.to_string(),
            "gasUsed": self.outcome.gas_used,
            "gasLeft": self.gas_left(),
            "output": self.outcome.output.to_string(),
            "logs": logs_json(&self.outcome.logs),
            "changes": changes_json(&self.changes),
        });
        if self.has_state_gas {
            object["executionGas"] = json!(self.outcome.execution_gas);
            object["stateGas"] = json!(self.outcome.state_gas);
        }
        object
    }
}
