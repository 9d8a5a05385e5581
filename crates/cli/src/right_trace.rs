//! `parallax diff CASE --right-trace FILE`: an engine beside the trace that a client wrote of the same case.

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::{Error, Result, bail};
use parallax_campaign::{
    Delivered, DiffSetup, DiffSummary, TraceCompared, diff_json, diff_text, diff_trace, file_of, shell_word,
};
use parallax_shadow_diff::{ShadowConfig, ShadowMode, Verdict};

use crate::{
    arguments::DiffArguments,
    colour,
    compare::{Opened, open},
    diff_reports::Reports,
    mode::Mode,
    outputs::Outputs,
    report::Status,
    selection::Incoming,
};

pub(crate) fn run(arguments: &DiffArguments, path: &str) -> Result<Status> {
    if !matches!(arguments.mode, Mode::PerStep | Mode::All) {
        bail!("--right-trace is compared step by step, expected --mode per-step");
    }
    if path == "-" && arguments.selection.paths.iter().any(|path| path == Path::new("-")) {
        bail!("PATH and --right-trace are both -, expected a file for one of them");
    }
    let engine = arguments.left.engine();
    let Some(case) = Incoming::new(&arguments.selection).only_case()? else {
        return Ok(Status::WrongInput);
    };
    let Opened { reader: trace, whose } = open(path, arguments.right_client)?;
    let side = format!("{}'s trace", trace.client());
    let max_steps = arguments.isolation.max_steps.unwrap_or(u64::MAX);
    let config = ShadowConfig { mode: ShadowMode::PerStep, max_steps, ..ShadowConfig::default() };
    let TraceCompared { outcome, agreement } =
        diff_trace(&case, &*engine, trace, arguments.fields.options(), &config)
            .map_err(|error| Error::new(error).context(path.to_owned()))?;
    let mut setup = DiffSetup::new(engine.name(), &side, &config);
    setup.command = format!("parallax diff --left {} --right-trace {}", engine.name(), shell_word(path));
    if let Some(client) = arguments.right_client {
        setup = setup.with_option(&format!("--right-client {client}"));
    }
    setup.tolerances.extend(arguments.fields.told());
    setup.tolerances.extend(outcome.silence.clone());
    setup.tolerances.extend(whose.doubt(path, "--right-client", false));
    let mut outputs = Outputs::beside([Path::new(path), file_of(Path::new(&*case.file))]);
    let mut reports = Reports::begin(&arguments.report, &setup, &mut outputs)?;
    let summary = DiffSummary::of(&outcome);
    let agreed = match &outcome.verdict {
        Verdict::Rejected(reason) => format!("both refuse the transaction: {reason}"),
        _ => format!("{} steps agree", agreement.map_or(outcome.steps, |agreement| agreement.steps)),
    };
    let delivered = Delivered::Case(Box::new(case), outcome);
    let text = match diff_text(&delivered, &setup) {
        _ if arguments.selection.json => diff_json(&delivered),
        Some(text) => colour::painted(text),
        None => std::iter::once(format!("{} and {side}: {agreed}", engine.name()))
            .chain(setup.tolerances.iter().cloned())
            .collect::<Vec<_>>()
            .join("; "),
    };
    let printed = writeln!(io::stdout().lock(), "{text}");
    reports.case(&delivered);
    reports.finish(&summary)?;
    printed?;
    Ok(if summary.is_success() { Status::Well } else { Status::Failure })
}
