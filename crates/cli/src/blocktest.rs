//! `parallax blocktest`: official block tests on one engine.

use std::ops::ControlFlow;

use anyhow::Result;
use parallax_campaign::{
    BlockReport, BlockSummary, BlockTask, BlockVerdict, Campaign, Isolation, Progress, blocktest_isolated,
    blocktest_with_traces,
};
use parallax_store::Kind;

use crate::{
    arguments::{BlocktestArguments, SelectionArguments},
    colour::painted,
    libraries::load,
    report::{Status, complain},
    results::{Kept, Line, Results},
    selection::{Incoming, PassedOver, Printer},
    traces::Traces,
};

pub(crate) fn run(arguments: &BlocktestArguments) -> Result<Status> {
    let BlocktestArguments { paths, engine, only_fork, filter, shard, jobs, json, isolation, trace, store } =
        arguments;
    trace.check_use()?;
    trace.check_cases(*engine, *jobs, isolation)?;
    load(*engine)?;
    let selection = SelectionArguments {
        paths: paths.clone(),
        by: None,
        only_fork: *only_fork,
        index: None,
        filter: filter.clone(),
        shard: *shard,
        jobs: *jobs,
        json: *json,
    };
    let name = engine.name();
    let task = BlockTask {
        engine: name.to_owned(),
        command: format!("parallax blocktest --engine {name}{}", isolation.options()),
        max_steps: isolation.max_steps,
    };
    let results = Results::begin(Printer::new(), store, &selection, || {
        let mut words = vec!["blocktest".to_owned(), format!("--engine={name}")];
        words.extend(isolation.max_steps.map(|steps| format!("--max-steps={steps}")));
        let (sides, command) = (vec![name.to_owned()], task.command.clone());
        Kept { kind: Kind::Blocktest, sides, mode: String::new(), command, words }
    })?;
    let workers = isolation.workers()?;
    let isolation = workers.as_ref().map_or(Isolation::InProcess, Isolation::Workers);
    let mut summary = BlockSummary { complete: true, ..BlockSummary::default() };
    let mut incoming = Incoming::new(&selection);
    let mut passed_over = PassedOver::default();
    let traces = trace.open(&mut trace.outputs(paths, &mut incoming)?)?;
    incoming.watch_interrupts(workers.is_some())?;
    while let (true, Some(selected)) = (summary.complete, incoming.next()?) {
        let print = |report: &BlockReport, progress| {
            passed_over.count(report.passed_over.as_deref());
            match traces.as_ref().is_some_and(|traces| traces.files.has_failed()) {
                true => ControlFlow::Break(()),
                false => print(&results, report, *json, progress),
            }
        };
        summary.add(&match &traces {
            // Traces stand one behind the other.
            Some(traces) => {
                let campaign = Campaign { jobs: 1, ..selected.campaign() };
                blocktest_with_traces(&campaign, &task, &traces.files, print)?
            }
            None => blocktest_isolated(&selected.campaign(), &task, isolation, print)?,
        });
    }
    summary.complete &= incoming.is_complete();
    let text = summary.text(name) + &passed_over.text(&incoming);
    results.finish(&text, *json, summary.complete)?;
    traces.map_or(Ok(()), Traces::finish)?;
    Ok(incoming.status(summary.is_success(), summary.cases(), summary.passed_over, summary.unreadable))
}

fn print(results: &Results, report: &BlockReport, json: bool, progress: Progress) -> ControlFlow<()> {
    let BlockReport { verdict, text, .. } = report;
    let is_unreadable = matches!(verdict, BlockVerdict::Unreadable);
    let shown = match text {
        Some(text) if is_unreadable => {
            results.beside(|| complain(text));
            None
        }
        text => text.clone().map(painted),
    };
    results.print(&Line {
        progress,
        is_failure: verdict.is_failure(),
        shown: if json { Some(&report.json) } else { shown.as_deref() },
        json: Some(&report.json),
        text: text.as_deref(),
        is_unreadable,
    })
}
