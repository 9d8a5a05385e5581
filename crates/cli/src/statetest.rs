//! `parallax statetest`: official tests on one engine.

use std::ops::ControlFlow;

use anyhow::Result;
use parallax_campaign::{
    Campaign, Delivered, Isolation, Progress, TestReport, TestSummary, TestTask, TestVerdict, TraceSink,
    statetest_isolated, statetest_with,
};
use parallax_store::Kind;

use crate::{
    arguments::StatetestArguments,
    colour::painted,
    libraries::load,
    report::{Status, complain},
    results::{Kept, Line, Results},
    selection::{Incoming, PassedOver, Printer},
    traced_cases::check_engine,
};

pub(crate) fn run(arguments: &StatetestArguments) -> Result<Status> {
    if !arguments.trace_digest {
        arguments.trace.check_use()?;
    }
    if arguments.trace_digest {
        check_engine(arguments.engine)?;
    }
    arguments.trace.check_cases(arguments.engine, arguments.selection.jobs, &arguments.isolation)?;
    load(arguments.engine)?;
    let isolation = &arguments.isolation;
    let (source, json) = (arguments.engine, arguments.selection.json);
    let engine = source.name();
    let digest = arguments.trace.options()?.into_iter().next().filter(|_| arguments.trace_digest);
    let task = TestTask {
        engine: engine.to_owned(),
        command: format!(
            "parallax statetest --engine {engine}{}{}",
            arguments.selection.again(),
            isolation.options()
        ),
        json: json || arguments.store.store.is_some(),
        digest,
        max_steps: isolation.max_steps,
    };
    let results = Results::begin(Printer::new(), &arguments.store, &arguments.selection, || {
        let mut words = vec!["statetest".to_owned(), format!("--engine={engine}")];
        words.extend(isolation.max_steps.map(|steps| format!("--max-steps={steps}")));
        let (sides, command) = (vec![engine.to_owned()], task.command.clone());
        Kept { kind: Kind::Statetest, sides, mode: String::new(), command, words }
    })?;
    let mut failure = Ok(());
    let mut summary = TestSummary { complete: true, ..TestSummary::default() };
    let mut incoming = Incoming::new(&arguments.selection);
    let mut passed_over = PassedOver::default();
    let mut outputs = arguments.trace.outputs(&arguments.selection.paths, &mut incoming)?;
    match arguments.trace.open(&mut outputs)? {
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
                        false => print(&results, &report, progress, json),
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
                    print(&results, report, progress, json)
                };
                summary.add(&statetest_isolated(&selected.campaign(), &task, isolation, print)?);
            }
        }
    }
    summary.complete &= incoming.is_complete();
    let text = text(arguments, &summary) + &passed_over.text(&incoming);
    results.finish(&text, json, summary.complete)?;
    failure?;
    Ok(incoming.status(summary.is_success(), summary.cases(), summary.passed_over, summary.unreadable))
}

/// The sum, and what was not looked at.
fn text(arguments: &StatetestArguments, summary: &TestSummary) -> String {
    let sum = summary.text(arguments.engine.name());
    let by = arguments.selection.by.as_ref().map(|by| &*by.text);
    summary.unchecked_text(by).map_or(sum.clone(), |text| format!("{sum}\n  {text}"))
}

fn print(results: &Results, report: &TestReport, progress: Progress, json: bool) -> ControlFlow<()> {
    let TestReport { verdict, text, json: line, .. } = report;
    let shown = match (verdict, text) {
        (TestVerdict::Unreadable, Some(text)) => {
            results.beside(|| complain(text));
            None
        }
        (TestVerdict::Passed, text) => text.clone(),
        (_, text) => text.clone().map(painted),
    };
    let line = line.as_deref();
    results.print(&Line {
        progress,
        is_failure: verdict.is_failure(),
        shown: line.filter(|_| json).or(shown.as_deref()),
        json: line,
        text: text.as_deref(),
        is_unreadable: matches!(verdict, TestVerdict::Unreadable),
    })
}
