//! `parallax statetest`: official tests on one engine.

use std::{fs, ops::ControlFlow, path::Path};

use anyhow::{Result, bail, ensure};
use parallax_campaign::{
    Campaign, Delivered, Isolation, Progress, TestReport, TestSummary, TestTask, TestVerdict, TraceSink,
    engines::EngineName, statetest_isolated, statetest_with,
};

use crate::{
    arguments::StatetestArguments,
    colour::painted,
    libraries::{load, needs_steps},
    outputs::Outputs,
    report::{Status, complain},
    selection::{Incoming, PassedOver, Printer},
    trace_arguments::TraceArguments,
};

pub(crate) fn run(arguments: &StatetestArguments) -> Result<Status> {
    let traces = !arguments.trace.trace.is_empty();
    if (traces || arguments.trace_digest) && arguments.engine == EngineName::Revm {
        bail!(
            "--engine revm cannot tell what a failing opcode would have cost, so it is not traced: expected primary or mini"
        );
    }
    if !arguments.trace_digest {
        arguments.trace.check_use()?;
    }
    if traces && arguments.selection.jobs.is_some_and(|jobs| jobs > 1) {
        bail!("--trace runs one case after the other: expected no --jobs");
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
    let mut passed_over = PassedOver::default();
    match arguments.trace.open(&mut outputs(arguments, &mut incoming)?)? {
        Some(traces) => {
            incoming.watch_interrupts(false)?;
            while let (true, Some(selected)) = (summary.complete, incoming.next()?) {
                // Traces stand one behind the other.
                let campaign = Campaign { jobs: 1, ..selected.campaign() };
                let sink = TraceSink::Files(&traces.files);
                let print = |delivered: &Delivered<_>, progress| {
                    let report = task.report(delivered);
                    passed_over.count(report.passed_over.as_deref());
                    match traces.files.has_failed() {
                        true => ControlFlow::Break(()),
                        false => print(&mut printer, &report, progress),
                    }
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
                let print = |report: &TestReport, progress| {
                    passed_over.count(report.passed_over.as_deref());
                    print(&mut printer, report, progress)
                };
                summary.add(&statetest_isolated(&selected.campaign(), &task, isolation, print)?);
            }
        }
    }
    summary.complete &= incoming.is_complete();
    printer.finish(&(text(arguments, &summary) + &passed_over.text(&incoming)), json)?;
    failure?;
    Ok(incoming.status(summary.is_success(), summary.cases(), summary.passed_over, summary.unreadable))
}

/// What may be written: not what is read. Paths of a list on standard input are not known before they come, so then only where nothing is.
fn outputs(arguments: &StatetestArguments, incoming: &mut Incoming<'_>) -> Result<Outputs> {
    let TraceArguments { trace_out, trace_append, .. } = &arguments.trace;
    if trace_out.is_empty() {
        return Ok(Outputs::default());
    }
    if !arguments.selection.paths.iter().any(|path| path == Path::new("-")) {
        incoming.gather()?;
        return Ok(Outputs::beside(incoming.gathered_files()));
    }
    for path in trace_out {
        let holds = fs::metadata(path).is_ok_and(|there| there.is_file() && there.len() > 0);
        ensure!(
            *trace_append || !holds,
            "{path}: the trace would be written over what is in it, which standard input may name: expected a new file, or --trace-append"
        );
    }
    Ok(Outputs::beside(["-"]))
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
        (TestVerdict::Passed, text) => text.clone(),
        (_, text) => text.clone().map(painted),
    };
    printer.print(progress, verdict.is_failure(), json.as_deref().or(text.as_deref()))
}
