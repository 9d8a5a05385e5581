//! `parallax blocktest`: official block tests on one engine.

use std::{num::NonZeroUsize, ops::ControlFlow};

use anyhow::Result;
use clap::Args;
use parallax_campaign::{
    BlockReport, BlockTask, BlockVerdict, Isolation, Progress, blocktest_isolated, engines::EngineName,
};
use parallax_primitives::Rules;
use regex::Regex;

use crate::{
    arguments::{IsolationArguments, SelectionArguments},
    engine_parser::EngineParser,
    libraries::load,
    report::{Status, complain},
    selection::{Printer, Selected},
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  parallax blocktest fixtures_stable.tar.gz:fixtures/blockchain_tests
  parallax blocktest tests.json --engine mini --json
  parallax blocktest tests --filter eip4895 --only-fork Shanghai

Read are blockchain tests and engine tests. A block that must be refused must be refused for the reason that the test names; proof of \
work is not checked, and tests of it are counted apart. State tests are counted apart, too.

With --json each case is one line with the fields: file name network pass verdict (passed, proof_of_work, failed, crashed, timed_out, \
limit, unsupported, other_kind or unreadable) error blocks, and of each block: hash number transactions gasUsed refused.")]
pub(crate) struct BlocktestArguments {
    /// Files or folders of block tests, archives of them (.tar, .tar.gz, .tgz) or ARCHIVE:MEMBER, packed files (.json.gz), or -
    /// for a list of paths on standard input, one a line
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<String>,
    /// What runs what is in the blocks
    #[arg(long, value_parser = EngineParser, default_value_t = EngineName::Primary)]
    engine: EngineName,
    /// Only tests that have blocks of this fork
    #[arg(long, value_name = "FORK")]
    only_fork: Option<Rules>,
    /// Only tests whose file or name matches
    #[arg(long, value_name = "REGEX")]
    filter: Option<Regex>,
    /// Tests at a time [default: all cores]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    isolation: IsolationArguments,
}

pub(crate) fn run(arguments: &BlocktestArguments) -> Result<Status> {
    let BlocktestArguments { paths, engine, only_fork, filter, jobs, json, isolation } = arguments;
    load(*engine)?;
    let selected = Selected::find(&SelectionArguments {
        paths: paths.clone(),
        by: None,
        only_fork: *only_fork,
        index: None,
        filter: filter.clone(),
        jobs: *jobs,
        json: *json,
    })?;
    let name = engine.name();
    let task = BlockTask {
        engine: name.to_owned(),
        command: format!("parallax blocktest --engine {name}{}", isolation.options()),
        max_steps: isolation.max_steps,
    };
    let workers = isolation.workers()?;
    let campaign = selected.campaign(workers.is_some())?;
    let isolation = workers.as_ref().map_or(Isolation::InProcess, Isolation::Workers);
    let mut printer = Printer::new();
    let summary = blocktest_isolated(&campaign, &task, isolation, |report, progress| {
        print(&mut printer, report, *json, progress)
    })?;
    printer.finish(&summary.text(name), *json)?;
    // Tests of another kind alone are none.
    let counted = summary.cases() - summary.other_kind;
    Ok(selected.status(summary.is_success(), counted, summary.unreadable))
}

fn print(printer: &mut Printer, report: &BlockReport, json: bool, progress: Progress) -> ControlFlow<()> {
    let text = report.text.as_deref();
    if let (BlockVerdict::Unreadable, Some(text)) = (report.verdict, text) {
        printer.beside(|| complain(&text));
        return printer.print(progress, json.then_some(&*report.json));
    }
    printer.print(progress, if json { Some(&report.json) } else { text })
}
