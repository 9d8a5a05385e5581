//! `parallax statetest`: official tests on one engine.

use std::ops::ControlFlow;

use anyhow::{Result, bail};
use parallax_campaign::{
    Campaign, Delivered, Isolation, Progress, TestReport, TestSummary, TestTask, TestVerdict, TraceSink,
    engines::EngineName, statetest_isolated, statetest_with,
};

use crate::{
    arguments::StatetestArguments,
    libraries::{load, needs_steps},
    report::{Status, complain},
    selection::{Incoming, Printer},
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
    load(arguments.engine)?;
    let isolation = &arguments.isolation;
    if traces && (isolation.needs_workers() || isolation.max_steps.is_some()) {
        bail!("--trace runs the cases in this process, without --case-timeout, --max-steps and --max-memory");
    }
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
    let mut summary = TestSummary { complete: true, ..TestSummary::default() };
    let mut incoming = Incoming::new(&arguments.selection);
    match arguments.trace.open()? {
        Some(traces) => {
            incoming.watch_interrupts(false)?;
            while let (true, Some(selected)) = (summary.complete, incoming.next()?) {
                // Traces stand one behind the other.
                let campaign = Campaign { jobs: 1, ..selected.campaign() };
                let sink = TraceSink::Files(&traces.files);
                let print = |delivered: &Delivered<_>, progress| match traces.files.has_failed() {
                    true => ControlFlow::Break(()),
                    false => print(&mut printer, &task.report(delivered), progress),
                };
                summary.add(&statetest_with(&campaign, &source, Some(&sink), print)?);
            }
            failure = traces.finish();
        }
        None => {
            let workers = isolation.workers()?;
            incoming.watch_interrupts(workers.is_some())?;
            let isolation = workers.as_ref().map_or(Isolation::InProcess, Isolation::Workers);
            while let (true, Some(selected)) = (summary.complete, incoming.next()?) {
                let print = |report: &_, progress| print(&mut printer, report, progress);
                summary.add(&statetest_isolated(&selected.campaign(), &task, isolation, print)?);
            }
        }
    }
    summary.complete &= incoming.is_complete();
    printer.finish(&text(arguments, &summary), json)?;
    failure?;
    let others = "block tests, for parallax blocktest and parallax diff";
    let counts = (summary.cases(), summary.other_kind);
    Ok(incoming.status_of_kind(summary.is_success(), counts, summary.unreadable, others))
}

/// The sum, and what was not looked at.
fn text(arguments: &StatetestArguments, summary: &TestSummary) -> String {
    let sum = summary.text(arguments.engine.name());
    let by = arguments.selection.by.as_ref().and_then(|by| summary.rules_text(&by.text));
    by.map_or(sum.clone(), |text| format!("{sum}\n  {text}"))
}

fn print(printer: &mut Printer, report: &TestReport, progress: Progress) -> ControlFlow<()> {
    let TestReport { verdict, text, json } = report;
    let text = match (verdict, text) {
        (TestVerdict::Unreadable, Some(text)) => {
            printer.beside(|| complain(text));
            None
        }
        (_, text) => text.as_deref(),
    };
    printer.print(progress, json.as_deref().or(text))
}
