//! `parallax diff CASE --right-trace FILE`: an engine beside the trace that a client wrote of the same case.

use std::io::{self, Write};

use anyhow::{Error, Result, bail};
use parallax_campaign::{
    Delivered, DiffOutcome, TraceCompared, diff_json, diff_trace, engines, rerun, shell_word, title,
};
use parallax_shadow_diff::{ShadowConfig, ShadowMode, Verdict};

use crate::{
    arguments::{DiffArguments, Mode},
    compare::open,
    report::Status,
    selection::Selected,
};

pub(crate) fn run(arguments: &DiffArguments, path: &str) -> Result<Status> {
    if arguments.mode != Mode::PerStep {
        bail!("--right-trace is compared step by step, expected --mode per-step");
    }
    if path == "-" && arguments.selection.paths.iter().any(|path| path == "-") {
        bail!("PATH and --right-trace are both -, expected a file for one of them");
    }
    let engine = engines::by_name(arguments.left.name())?;
    let Some(case) = Selected::find(&arguments.selection)?.only_case()? else {
        return Ok(Status::WrongInput);
    };
    let trace = open(path, arguments.right_client)?;
    let client = trace.client();
    let config = ShadowConfig { mode: ShadowMode::PerStep, ..ShadowConfig::default() };
    let TraceCompared { outcome, line } = diff_trace(&case, engine, trace, &config)
        .map_err(|error| Error::new(error).context(path.to_owned()))?;
    let mut command = format!("parallax diff --left {} --right-trace {}", engine.name(), shell_word(path));
    if let Some(client) = arguments.right_client {
        command = format!("{command} --right-client {client}");
    }
    let again = rerun(&case, &command);
    let title = title(&case);
    let (status, text) = match &outcome {
        DiffOutcome::Compared { verdict: Verdict::Agree, steps, .. } => {
            (Status::Well, format!("{} and {client}'s trace: {steps} steps agree", engine.name()))
        }
        DiffOutcome::Compared { verdict: Verdict::Diverge(divergence), .. } => {
            let place = line.map_or(String::new(), |line| format!("\n  line {line} of {path}"));
            let summary = divergence.summary().join("\n  ");
            (Status::Failure, format!("DIVERGE {title}{place}\n  {summary}\n  again: {again}"))
        }
        DiffOutcome::Compared { verdict: Verdict::Poisoned(reason), .. } => {
            (Status::Failure, format!("POISONED {title}\n  {reason}\n  again: {again}"))
        }
        DiffOutcome::Unsupported(reason) => (Status::Failure, format!("NOT RUN {title}\n  {reason}")),
    };
    let mut out = io::stdout().lock();
    match arguments.selection.json {
        true => writeln!(out, "{}", diff_json(&Delivered::Case(Box::new(case), outcome)))?,
        false => writeln!(out, "{text}")?,
    }
    Ok(status)
}
