//! `parallax statetest`: official tests on one engine.

use std::ops::ControlFlow;

use anyhow::{Result, bail};
use parallax_campaign::{Delivered, SharedWriter, TraceSink, statetest_with, test_json, test_text};

use crate::{
    arguments::{Engine, StatetestArguments},
    report::{Status, complain},
    selection::{Printer, Selected},
};

pub(crate) fn run(arguments: &StatetestArguments) -> Result<Status> {
    let engine = arguments.engine.named();
    let traces = arguments.trace.trace.is_some() || arguments.trace_digest;
    if traces && arguments.engine == Engine::Revm {
        bail!(
            "--engine revm cannot tell what a failing opcode would have cost, so it is not traced: expected primary or mini"
        );
    }
    let selected = Selected::find(&arguments.selection)?;
    let mut campaign = selected.campaign()?;
    let json = arguments.selection.json;
    let (options, writer) = (arguments.trace.options(), arguments.trace.open()?.map(SharedWriter::new));
    let sink = writer.as_ref().map_or(TraceSink::Digests, TraceSink::Writer);
    if writer.is_some() {
        // Traces stand one behind the other.
        campaign.jobs = 1;
    }
    let mut printer = Printer::new();
    let tracing = traces.then_some((&options, &sink));
    let summary = statetest_with(&campaign, &engine, tracing, |delivered, progress| {
        if writer.as_ref().is_some_and(SharedWriter::has_failed) {
            return ControlFlow::Break(());
        }
        let text = match delivered {
            _ if json => Some(test_json(delivered)),
            Delivered::Unreadable(_) => None,
            Delivered::Case(..) => test_text(delivered, engine.name()),
        };
        if let Delivered::Unreadable(error) = delivered {
            printer.aside(|| complain(error));
        }
        printer.print(progress, text)
    })?;
    printer.finish(&summary.text(engine.name()), json)?;
    arguments.trace.check(writer.map_or(Ok(()), SharedWriter::finish))?;
    let counted = summary.passed + summary.failed + summary.unsupported + summary.unreadable;
    Ok(selected.status(summary.is_success(), counted, summary.unreadable))
}
