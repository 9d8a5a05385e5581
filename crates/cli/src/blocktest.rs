//! `parallax blocktest`: official block tests on one engine.

use std::ops::ControlFlow;

use anyhow::Result;
use parallax_campaign::{
    BlockReport, BlockSummary, BlockTask, BlockVerdict, Campaign, Isolation, Progress, blocktest_isolated,
    blocktest_with_traces,
};

use crate::{
    arguments::{BlocktestArguments, SelectionArguments},
    colour::painted,
    libraries::load,
    report::{Status, complain},
    selection::{Incoming, PassedOver, Printer},
    traces::Traces,
};

pub(crate) fn run(arguments: &BlocktestArguments) -> Result<Status> {
    let BlocktestArguments { paths, engine, only_fork, filter, shard, jobs, json, isolation, trace } =
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
    let workers = isolation.workers()?;
    let isolation = workers.as_ref().map_or(Isolation::InProcess, Isolation::Workers);
    let mut printer = Printer::new();
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
                false => print(&mut printer, report, *json, progress),
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
    printer.finish(&(summary.text(name) + &passed_over.text(&incoming)), *json)?;
    traces.map_or(Ok(()), Traces::finish)?;
    Ok(incoming.status(summary.is_success(), summary.cases(), summary.passed_over, summary.unreadable))
}

fn print(printer: &mut Printer, report: &BlockReport, json: bool, progress: Progress) -> ControlFlow<()> {
    let BlockReport { verdict, text, .. } = report;
    let is_failure = verdict.is_failure();
    if let (BlockVerdict::Unreadable, Some(text)) = (verdict, text) {
        printer.beside(|| complain(text));
        return printer.print(progress, is_failure, json.then_some(&*report.json));
    }
    let text = text.clone().map(painted);
    printer.print(progress, is_failure, if json { Some(&report.json) } else { text.as_deref() })
}
