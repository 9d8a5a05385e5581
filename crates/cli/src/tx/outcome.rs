//! The run of a transaction, and what is told of it.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use anyhow::{Result, bail};
use parallax_campaign::{TraceEnd, TracedRun, trace};
use parallax_engine_interface::{Engine as _, EngineError, Execution, Job};
use parallax_hooks::{Hooks, NoHooks};
use parallax_host_interface::StateChanges;
use parallax_primitives::{B256, Eip, FrameStatus, TxOutcome};
use serde_json::{Value, json};

use super::{
    comparison::{Compared, compare},
    recorded::Recorded,
    run::TxRun,
    served::Ended,
    state_test::save,
    subject::TxSubject,
};
use crate::{
    outcome::{changes_json, changes_text, logs_json, logs_text, lower},
    report::{Status, complain},
    revert_reason::revert_reason,
    traces::Traces,
    watch::{Watch, watched},
};

/// What came of it, and what that was held against.
struct Told<'t> {
    outcome: &'t TxOutcome,
    changes: &'t StateChanges,
    /// What the output of a revert says.
    reason: Option<String>,
    /// Root of the accounts given as they are behind it.
    root: Option<B256>,
    /// What the receipt has otherwise.
    differences: Option<Vec<String>>,
}

impl TxRun<'_> {
    /// Runs it and tells what came of it, or answers what is to be shown.
    pub(crate) fn go(&self) -> Result<Ended> {
        match self.arguments.served.serve {
            true => Ok(Ended::Shown(Box::new(self.source()?))),
            false => self.run().map(Ended::Told),
        }
    }

    fn run(&self) -> Result<Status> {
        let said = self.receipt.as_ref().and_then(|receipt| receipt.transaction);
        if let Some(other) = said.filter(|said| *said != self.subject.hash) {
            bail!("the receipt is that of transaction {other}, and this one is {}", self.subject.hash);
        }
        let recorded = Recorded::new(self.world);
        let job = self.job(&recorded);
        let ended = match self.arguments.diff {
            Some(other) => compare(self, other, &job)?,
            None => self.execute(&job)?,
        };
        match ended {
            Compared::Parted(status) => Ok(status),
            Compared::Agree(Err(rejection)) => self.tell_rejection(&rejection),
            Compared::Agree(Ok(Execution { outcome: None, .. })) => bail!("the run was ended before its end"),
            Compared::Agree(Ok(Execution { outcome: Some(outcome), changes, .. })) => {
                let status = self.tell(&outcome, &changes)?;
                if let Some(path) = &self.arguments.save_test {
                    save(self, path, &recorded, &outcome)?;
                }
                Ok(status)
            }
        }
    }

    fn execute(&self, job: &Job<'_>) -> Result<Compared> {
        let engine = self.arguments.engine.engine();
        if let Some(reason) = engine.unsupported(job.rules, job.block) {
            bail!("--engine {}: {reason}", engine.name());
        }
        let mut watch = Watch::new(self.arguments.limits, 0);
        let has_steps = engine.capabilities().steps;
        let mut go = |hooks: &mut dyn Hooks| watched(&*engine, job, hooks, has_steps.then_some(&mut watch));
        let traces = self.arguments.trace.open(&mut self.arguments.outputs())?;
        let ended = match &traces {
            Some(traces) => {
                let on = TracedRun { before: job.database, place: None };
                trace(&traces.files, &on, &mut go, TraceEnd::of)
            }
            None => go(&mut NoHooks),
        };
        traces.map_or(Ok(()), Traces::finish)?;
        self.check_block_hashes()?;
        if let (Some(text), Some(status)) = (watch.early_text(), watch.early_status()) {
            complain(&text);
            return Ok(Compared::Parted(status));
        }
        match ended {
            Ok(execution) => Ok(Compared::Agree(Ok(execution))),
            Err(EngineError::Rejected(rejection)) => Ok(Compared::Agree(Err(rejection.to_string()))),
            Err(EngineError::Host(error)) => bail!("{error}"),
        }
    }

    fn tell(&self, outcome: &TxOutcome, changes: &StateChanges) -> Result<Status> {
        let root = self.given.map(|given| {
            let mut after = given.database.clone();
            after.apply(changes);
            after.state_root()
        });
        let is_revert = outcome.status == FrameStatus::Revert;
        let told = Told {
            outcome,
            changes,
            reason: if is_revert { revert_reason(&outcome.output) } else { None },
            root,
            differences: self.receipt.as_ref().map(|receipt| receipt.differences(outcome)),
        };
        let text = if self.arguments.json { format!("{}\n", self.json(&told)) } else { self.text(&told) };
        io::stdout().lock().write_all(text.as_bytes())?;
        if let Some(text) = self.given.and_then(|given| given.absent().text()) {
            complain(&text);
        }
        let is_other = told.differences.is_some_and(|differences| !differences.is_empty());
        Ok(if is_other { Status::Failure } else { Status::Well })
    }

    fn tell_rejection(&self, rejection: &str) -> Result<Status> {
        let mut out = io::stdout().lock();
        if self.arguments.json {
            let mut object = self.head_json();
            object["status"] = "rejected".into();
            object["reason"] = rejection.into();
            writeln!(out, "{object}")?;
        } else {
            writeln!(out, "{}status    rejected: {rejection}", self.head_text())?;
        }
        Ok(Status::Failure)
    }

    fn head_text(&self) -> String {
        let TxSubject { hash, transaction, rules, chain_id, block, .. } = self.subject;
        let (number, sender) = (block.header.number, transaction.sender);
        format!(
            "tx        {hash}\nblock     {number} of chain {chain_id}, fork {rules}\nsender    {sender:#x}\n"
        )
    }

    fn text(&self, told: &Told<'_>) -> String {
        let TxOutcome { status, gas_used, execution_gas, state_gas, output, logs, created, .. } =
            told.outcome;
        let mut text = format!("{}status    {status}\ngas used  {gas_used}\n", self.head_text());
        // Writing to a string does not fail.
        if self.subject.rules.rules.has(Eip::StateGas8037) {
            let _ = write!(text, "execution {execution_gas}\nstate gas {state_gas}\n");
        }
        let _ = writeln!(text, "output    {output}");
        if let Some(reason) = &told.reason {
            let _ = writeln!(text, "reason    {reason}");
        }
        if let Some(created) = created {
            let _ = writeln!(text, "created   {created:#x}");
        }
        text += &logs_text(logs);
        text += &changes_text(told.changes);
        if let Some(root) = told.root {
            let _ = writeln!(text, "root      {root} of the accounts given");
        }
        match told.differences.as_deref() {
            Some([]) => text.push_str("receipt   the same\n"),
            Some(lines) => lines.iter().for_each(|line| {
                let _ = writeln!(text, "receipt   {line}");
            }),
            None => {}
        }
        text
    }

    fn head_json(&self) -> Value {
        let TxSubject { hash, transaction, rules, chain_id, block, .. } = self.subject;
        json!({
            "transaction": hash.to_string(),
            "block": block.header.number,
            "chainId": chain_id,
            "fork": rules.to_string(),
            "sender": lower(&transaction.sender),
        })
    }

    fn json(&self, told: &Told<'_>) -> Value {
        let outcome = told.outcome;
        let absent = self.given.map(|given| {
            let absent = given.absent();
            json!({ "accounts": absent.accounts.len(), "slots": absent.slots.len() })
        });
        let mut object = self.head_json();
        for (key, value) in [
            ("status", outcome.status.to_string().into()),
            ("gasUsed", outcome.gas_used.into()),
            ("output", outcome.output.to_string().into()),
            ("reason", json!(told.reason)),
            ("created", json!(outcome.created.as_ref().map(lower))),
            ("logs", logs_json(&outcome.logs)),
            ("changes", changes_json(told.changes)),
            ("stateRoot", json!(told.root.map(|root| root.to_string()))),
            ("absent", json!(absent)),
            ("receipt", json!(told.differences)),
        ] {
            object[key] = value;
        }
        if self.subject.rules.rules.has(Eip::StateGas8037) {
            object["executionGas"] = outcome.execution_gas.into();
            object["stateGas"] = outcome.state_gas.into();
        }
        object
    }
}
