//! Blocks of official block tests on primary, mini and revm: Mgas/s by group, which is the folder of a test below its tree.
//!
//! Timed is what is in a block, with the rules of blocks around it: [`BlockProcessor::begin`] to [`BodyRun::finish`], so system calls,
//! transactions, what each changes, receipts. Reading, signatures, checks of the header, the copy of the state before and the roots
//! behind are not. The clock is the thread's own, so that who else uses the machine does not count. Every run starts with an engine that
//! has run nothing; that a case passes is checked in every one.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use parallax_block_data::{Block, BlockError, BlockProcessor, Body, BodyResult, BodyRun, ChainPlace, Part};
use parallax_block_tests::{BlockCase, CaseEnd, Order, run as check};
use parallax_campaign::{Campaign, Selection, block_cases, discover, engines, processor_of};
use parallax_engine_interface::{Engine, Execution, Job};
use parallax_hooks::NoHooks;
use parallax_primitives::{BlockEnv, BlockRules, Rejection};
use parallax_state_tests::FixtureError;
use serde_json::json;

use super::{
    baseline::Times,
    measurement::{Arguments, median, print_json},
};
use crate::blocks::{ARCHIVE, archive};

/// What a baseline holds.
pub(super) const WHAT: &str = "blocks, ns per gas";

const ENGINES: [&str; 3] = ["primary", "mini", "revm"];

/// Cases after which a line tells how far it is.
const PROGRESS: usize = 50;

/// What the cases of a group came to.
#[derive(Clone, Copy, Default)]
struct Group {
    cases: usize,
    gas: u64,
    /// The sum of the medians of the cases, by engine.
    times: [Duration; ENGINES.len()],
}

/// All that is measured, and how many cases are not, by the reason.
#[derive(Default)]
struct Measured {
    groups: BTreeMap<String, Group>,
    left_out: BTreeMap<String, usize>,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let path = match &arguments.blocks {
        Some(Some(path)) => path.clone(),
        _ => archive().with_context(|| format!("no ../shared/{ARCHIVE} (set PARALLAX_SHARED)"))?,
    };
    let measured = measure(path, arguments)?;
    for (reason, count) in &measured.left_out {
        eprintln!("left out: {count} cases {reason}");
    }
    ensure!(!measured.groups.is_empty(), "no case to run");
    measured.print(arguments.json);
    measured.times().settle(arguments)
}

fn measure(path: PathBuf, arguments: &Arguments) -> Result<Measured> {
    let files = discover(&[path], &mut std::io::empty())?;
    let (selection, cancel) = (Selection::default(), AtomicBool::new(false));
    let campaign = Campaign { files: &files, selection: &selection, jobs: 1, cancel: &cancel };
    let mut measured = Measured::default();
    let mut result = Ok(());
    block_cases(&campaign, |case| match measured.add(case, arguments) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            result = Err(error);
            ControlFlow::Break(())
        }
    })?;
    result.map(|()| measured)
}

impl Measured {
    fn add(&mut self, case: Result<BlockCase, FixtureError>, arguments: &Arguments) -> Result<()> {
        let case = match case {
            Ok(case) => case,
            Err(error) => return self.leave_out(unreadable(error)?),
        };
        if !case.name.contains(&arguments.filter) {
            return Ok(());
        }
        if case.blocks.iter().any(|block| block.expected.is_some()) {
            return self.leave_out("have a block that must be refused".to_owned());
        }
        let gas = case.gas_used();
        if gas == 0 {
            return self.leave_out("use no gas".to_owned());
        }
        if gas > arguments.max_gas {
            return self.leave_out(format!("use more than {} gas (--max-gas)", arguments.max_gas));
        }
        let Some(times) = time_all(&case, arguments.rounds)? else {
            return self.leave_out("have rules that revm does not know".to_owned());
        };
        let group = self.groups.entry(group_of(&case.file)).or_default();
        group.add(Group { cases: 1, gas, times });
        let cases: usize = self.groups.values().map(|group| group.cases).sum();
        if cases.is_multiple_of(PROGRESS) {
            eprintln!("{cases} cases measured");
        }
        Ok(())
    }

    fn leave_out(&mut self, reason: String) -> Result<()> {
        *self.left_out.entry(reason).or_default() += 1;
        Ok(())
    }

    fn print(&self, as_json: bool) {
        let mut total = Group::default();
        self.groups.values().for_each(|group| total.add(*group));
        let width = self.groups.keys().map(String::len).max().unwrap_or_default();
        if !as_json {
            println!("Mgas/s of what is in the blocks, and how many times revm's that is");
            println!(
                "{:width$}{:>7}{:>10}{:>10}{:>9}{:>9}{:>10}{:>8}",
                "group", "cases", "Mgas", "primary", "mini", "revm", "primary", "mini",
            );
        }
        let all = self.groups.iter().map(|(name, group)| (name.as_str(), group));
        for (name, group) in all.chain([("all", &total)]) {
            group.print(name, width, as_json);
        }
    }

    fn times(&self) -> Times {
        let times = self.groups.iter().map(|(name, group)| {
            let of_group = [0, 1, 2].map(|engine| (ENGINES[engine], 1e3 / group.speed(engine)));
            (name.clone(), BTreeMap::from(of_group))
        });
        Times { what: WHAT, times: times.collect() }
    }
}

impl Group {
    fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.gas = self.gas.saturating_add(other.gas);
        for (sum, time) in self.times.iter_mut().zip(other.times) {
            *sum += time;
        }
    }

    fn mgas(&self) -> f64 {
        // Far below 2^52.
        #[allow(clippy::cast_precision_loss)]
        let gas = self.gas as f64;
        gas / 1e6
    }

    /// In Mgas/s.
    fn speed(&self, engine: usize) -> f64 {
        self.mgas() / self.times[engine].as_secs_f64().max(1e-9)
    }

    fn print(&self, name: &str, width: usize, as_json: bool) {
        let (cases, mgas) = (self.cases, self.mgas());
        let [primary, mini, revm] = [0, 1, 2].map(|engine| self.speed(engine));
        let (fast, plain) = (primary / revm, mini / revm);
        if as_json {
            return print_json(&json!({
                "group": name, "cases": cases, "mgas": mgas,
                "mgasPerSecond": { "primary": primary, "mini": mini, "revm": revm },
                "speedOverRevm": { "primary": fast, "mini": plain },
            }));
        }
        println!(
            "{name:width$}{cases:>7}{mgas:>10.1}{primary:>10.1}{mini:>9.1}{revm:>9.1}{fast:>9.2}x{plain:>7.2}x"
        );
    }
}

/// Why what cannot be read is left out; an error if it should not be.
fn unreadable(error: FixtureError) -> Result<String> {
    match error.passed_over() {
        Some(kind) => Ok(format!("are {kind}")),
        None if error.path == "preHash" => Ok("name a state in pre_alloc that is not there".to_owned()),
        None => bail!(error),
    }
}

/// The folder of a file, from below its tree on, which is the last folder that is called `blockchain_tests` and so on.
fn group_of(file: &str) -> String {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let folders: Vec<_> = folder.split('/').collect();
    let tree = folders.iter().rposition(|folder| folder.starts_with("blockchain_tests"));
    let below = tree.map_or(folders.len().saturating_sub(1), |tree| tree + 1);
    let group = folders[below..].join("/");
    if group.is_empty() { "other".to_owned() } else { group }
}

/// The median of each engine's times; `None` if revm does not know the rules.
fn time_all(case: &BlockCase, rounds: u32) -> Result<Option<[Duration; ENGINES.len()]>> {
    let mut times = [const { Vec::new() }; ENGINES.len()];
    for round in 0..=rounds {
        for turn in 0..ENGINES.len() {
            // Who is first changes from round to round.
            let engine = (turn + round as usize) % ENGINES.len();
            let Some(time) = time(case, ENGINES[engine])? else { return Ok(None) };
            // The first round warms up.
            if round > 0 {
                times[engine].push(time);
            }
        }
    }
    Ok(Some(times.map(|times| median(&times))))
}

/// `None` if the engine does not know the rules.
fn time(case: &BlockCase, name: &'static str) -> Result<Option<Duration>> {
    let primary = engines::primary();
    let engine: &dyn Engine = match name {
        "primary" => &primary,
        "mini" => engines::mini(),
        _ => engines::revm(),
    };
    let timed = Timed { processor: processor_of(name), nanoseconds: Arc::default() };
    let mut is_unsupported = false;
    let report = check(case, &timed, Order::Specified, &mut |_, job| {
        is_unsupported |= engine.unsupported(job.rules, job.block).is_some();
        engine.execute(job, &mut NoHooks)
    });
    if is_unsupported {
        return Ok(None);
    }
    let BlockCase { file, name: test, .. } = case;
    ensure!(report.end == CaseEnd::Passed, "{name} fails {file} {test}: {:?}", report.end);
    Ok(Some(Duration::from_nanos(timed.nanoseconds.load(Ordering::Relaxed))))
}

/// The rules of blocks, with a clock.
struct Timed {
    processor: &'static dyn BlockProcessor,
    nanoseconds: Arc<AtomicU64>,
}

/// A block that is being processed.
struct TimedRun {
    run: Box<dyn BodyRun>,
    start: Duration,
    nanoseconds: Arc<AtomicU64>,
}

/// How long this thread has run.
#[cfg(unix)]
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Elsewhere the time of the day, in which others run as well.
#[cfg(not(unix))]
fn thread_time() -> Duration {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}

impl BlockProcessor for Timed {
    fn name(&self) -> &'static str {
        self.processor.name()
    }

    fn environment(&self, place: &ChainPlace<'_>, block: &Block) -> BlockEnv {
        self.processor.environment(place, block)
    }

    fn validate(&self, place: &ChainPlace<'_>, block: &Block) -> Result<(), BlockError> {
        self.processor.validate(place, block)
    }

    fn begin(&self, body: Body) -> Box<dyn BodyRun> {
        let start = thread_time();
        let run = self.processor.begin(body);
        Box::new(TimedRun { run, start, nanoseconds: self.nanoseconds.clone() })
    }

    fn check(&self, rules: &BlockRules, block: &Block, result: &BodyResult) -> Result<(), BlockError> {
        self.processor.check(rules, block, result)
    }
}

impl BodyRun for TimedRun {
    fn advance(&mut self) -> Result<Option<Part>, BlockError> {
        self.run.advance()
    }

    fn job(&self) -> Option<Job<'_>> {
        self.run.job()
    }

    fn answer(&mut self, answer: Result<Execution, Rejection>) -> Result<(), BlockError> {
        self.run.answer(answer)
    }

    fn finish(self: Box<Self>) -> BodyResult {
        let result = self.run.finish();
        let time = u64::try_from(thread_time().saturating_sub(self.start).as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(time, Ordering::Relaxed);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_the_folder_below_the_tree() {
        for (file, expected) in [
            (
                "x.tar.gz:fixtures/blockchain_tests_engine_x/benchmark/compute/log/log.json",
                "benchmark/compute/log",
            ),
            ("/a/blockchain_tests/b/blockchain_tests_engine/c/d.json", "c"),
            ("/a/b/c.json", "b"),
            ("blockchain_tests/c.json", "other"),
            ("c.json", "other"),
        ] {
            assert_eq!(group_of(file), expected, "{file}");
        }
    }

    #[test]
    fn speed_is_gas_by_the_sum_of_times() {
        let mut group = Group { cases: 1, gas: 3_000_000, times: [1, 2, 3].map(Duration::from_secs) };
        group.add(Group { cases: 1, gas: 9_000_000, times: [1, 4, 9].map(Duration::from_secs) });
        assert_eq!([0, 1, 2].map(|engine| group.speed(engine)), [6.0, 2.0, 1.0]);
    }
}
