//! `parallax statetest`: official tests on one engine.

use std::{
    fs,
    io::{self, BufRead},
    ops::ControlFlow,
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};
use parallax_campaign::{
    Campaign, Isolation, Progress, TestReport, TestSummary, TestTask, TestVerdict, TraceSink,
    engines::EngineName, statetest_isolated, statetest_with,
};

use crate::{
    arguments::StatetestArguments,
    libraries::{load, needs_steps},
    outputs::Outputs,
    report::{Status, complain},
    selection::{PassedOver, Printer, Selected},
};

pub(crate) fn run(arguments: &StatetestArguments) -> Result<Status> {
    let traces = !arguments.trace.trace.is_empty();
    if (traces || arguments.trace_digest) && arguments.engine == EngineName::Revm {
        bail!(
            "--engine revm cannot tell what a failing opcode would have cost, so it is not traced: expected primary or mini"
        );
    }
    if traces || arguments.trace_digest {
        needs_steps("--trace", arguments.engine)?;
    }
    if !arguments.trace_digest {
        arguments.trace.check_use()?;
    }
    if traces && arguments.selection.jobs.is_some_and(|jobs| jobs > 1) {
        bail!("--trace runs one case after the other: expected no --jobs");
    }
    load(arguments.engine)?;
    let isolation = &arguments.isolation;
    if traces && (isolation.needs_workers() || isolation.max_steps.is_some()) {
        bail!("--trace runs the cases in this process, without --case-timeout, --max-steps and --max-memory");
    }
    if traces && arguments.selection.paths == [Path::new("-")] {
        return batch(arguments);
    }
    let selected = Selected::find(&arguments.selection)?;
    let (source, json) = (arguments.engine, arguments.selection.json);
    let engine = source.name();
    let digest = arguments.trace.options()?.first().copied().filter(|_| arguments.trace_digest);
    let task = TestTask {
        engine: engine.to_owned(),
        command: format!(
            "parallax statetest --engine {engine}{}{}",
            arguments.selection.again(),
            isolation.options()
        ),
        json,
        digest,
        max_steps: isolation.max_steps,
    };
    let mut printer = Printer::new();
    let mut failure = Ok(());
    let mut passed_over = PassedOver::of(&selected);
    let summary = match arguments.trace.open(&mut Outputs::beside(selected.files()))? {
        Some(traces) => {
            // Traces stand one behind the other.
            let campaign = Campaign { jobs: 1, ..selected.campaign(false)? };
            let sink = TraceSink::Files(&traces.files);
            let summary = statetest_with(&campaign, &source, Some(&sink), |delivered, progress| {
                let report = task.report(delivered);
                passed_over.count(report.passed_over.as_deref());
                match traces.files.has_failed() {
                    true => ControlFlow::Break(()),
                    false => print(&mut printer, &report, progress),
                }
            })?;
            failure = traces.finish();
            summary
        }
        None => {
            let workers = isolation.workers()?;
            let campaign = selected.campaign(workers.is_some())?;
            let isolation = workers.as_ref().map_or(Isolation::InProcess, Isolation::Workers);
            statetest_isolated(&campaign, &task, isolation, |report, progress| {
                passed_over.count(report.passed_over.as_deref());
                print(&mut printer, report, progress)
            })?
        }
    };
    printer.finish(&(text(arguments, &summary) + &passed_over.text()), json)?;
    failure?;
    Ok(selected.status(summary.is_success(), summary.cases(), summary.passed_over, summary.unreadable))
}

/// A path a line, each run and traced when it comes: for whoever keeps the process and asks one thing after another.
fn batch(arguments: &StatetestArguments) -> Result<Status> {
    let (source, json) = (arguments.engine, arguments.selection.json);
    let mut outputs = Outputs::beside(["-"]);
    // What is to be read is not known yet, so that nothing is written over.
    for path in &arguments.trace.trace_out {
        let holds = fs::metadata(path).is_ok_and(|there| there.is_file() && there.len() > 0);
        ensure!(
            arguments.trace.trace_append || !holds,
            "{path}: the trace would be written over what is in it, which standard input may name: expected a new file, or --trace-append"
        );
    }
    let Some(traces) = arguments.trace.open(&mut outputs)? else { bail!("expected --trace") };
    let task = TestTask {
        engine: source.name().to_owned(),
        command: format!("parallax statetest --engine {}{}", source.name(), arguments.selection.again()),
        json,
        digest: None,
        max_steps: None,
    };
    let mut printer = Printer::new();
    let mut sum = TestSummary { complete: true, ..TestSummary::default() };
    let mut status = Status::Well;
    for line in io::stdin().lock().lines() {
        let line = line.context("standard input: expected a path a line")?;
        let path = line.trim_end_matches('\r');
        if path.trim().is_empty() {
            continue;
        }
        let selected = Selected::path(&arguments.selection, path);
        let campaign = Campaign { jobs: 1, ..selected.unwatched() };
        let sink = TraceSink::Files(&traces.files);
        let summary = statetest_with(&campaign, &source, Some(&sink), |delivered, progress| {
            match traces.files.has_failed() {
                true => ControlFlow::Break(()),
                false => print(&mut printer, &task.report(delivered), progress),
            }
        })?;
        status = status.max(selected.status(
            summary.is_success(),
            summary.cases(),
            summary.passed_over,
            summary.unreadable,
        ));
        sum.add(&summary);
        if !summary.complete {
            break;
        }
    }
    printer.finish(&text(arguments, &sum), json)?;
    traces.finish()?;
    Ok(status)
}

/// The sum, and what was not looked at.
fn text(arguments: &StatetestArguments, summary: &TestSummary) -> String {
    let sum = summary.text(arguments.engine.name());
    let by = arguments.selection.by.as_ref().map(|by| &*by.text);
    summary.unchecked_text(by).map_or(sum.clone(), |text| format!("{sum}\n  {text}"))
}

fn print(printer: &mut Printer, report: &TestReport, progress: Progress) -> ControlFlow<()> {
    let TestReport { verdict, text, json, .. } = report;
    let text = match (verdict, text) {
        (TestVerdict::Unreadable, Some(text)) => {
            printer.beside(|| complain(text));
            None
        }
        (_, text) => text.as_deref(),
    };
    printer.print(progress, json.as_deref().or(text))
}
