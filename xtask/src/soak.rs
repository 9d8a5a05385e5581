//! `cargo xtask soak`: generated programs on every engine in every form, or generated transactions, for as long as is wished.
//!
//! They run in child processes, so that one that kills its process is a finding as well.

mod arguments;
mod check;
mod child;
mod minimise;
mod progress;
mod transaction;

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
pub(crate) use arguments::Arguments;
use child::{Batch, Finding};
use progress::Progress;

/// Programs that one child runs.
const BATCH: u64 = 400;

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if let Some(file) = &arguments.program {
        return child::run_one(file);
    }
    if arguments.child {
        return child::run_batch(arguments);
    }
    let end = arguments.seed.checked_add(arguments.programs).context("the seeds end at 2^64 - 1")?;
    ensure!(arguments.programs > 0, "no program to run");
    let jobs = match arguments.jobs {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        jobs => jobs,
    };
    println!("seeds {} to {}, {jobs} processes", arguments.seed, end - 1);
    let what = if arguments.transactions { "transactions" } else { "programs" };
    let deadline = arguments.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let soak = Soak {
        arguments,
        next: AtomicU64::new(arguments.seed),
        end,
        deadline,
        stop: AtomicBool::new(false),
        progress: Mutex::new(Progress::new(what, arguments.programs)),
        findings: Mutex::new(Vec::new()),
    };
    let results: Vec<Result<()>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(|| soak.work())).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| bail!("a worker panicked")))
            .collect()
    });
    let findings = soak.findings.into_inner().unwrap_or_else(PoisonError::into_inner);
    let progress = soak.progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{}", progress.summary());
    results.into_iter().collect::<Result<()>>()?;
    for finding in &findings {
        println!("{}", minimise::report(arguments, finding)?);
    }
    ensure!(findings.is_empty(), "{} findings", findings.len());
    Ok(())
}

/// What the workers share.
struct Soak<'a> {
    arguments: &'a Arguments,
    next: AtomicU64,
    end: u64,
    deadline: Option<Instant>,
    stop: AtomicBool,
    progress: Mutex<Progress>,
    findings: Mutex<Vec<Finding>>,
}

impl Soak<'_> {
    /// Takes batches until there are none.
    fn work(&self) -> Result<()> {
        loop {
            let first = self.next.fetch_add(BATCH, Ordering::Relaxed);
            let is_late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if first >= self.end || is_late || self.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let mut first = first;
            let last = self.end.min(first + BATCH);
            // A child that dies has run what is before the program that it died of.
            while first < last {
                let Batch { next, findings, counts } = child::start(self.arguments, first..last)?;
                first = next;
                let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
                progress.add(&counts);
                for finding in findings {
                    progress.say(&format!("finding: seed {}: {}", finding.seed, finding.what));
                    let mut all = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
                    all.push(finding);
                    if all.len() >= self.arguments.findings {
                        self.stop.store(true, Ordering::Relaxed);
                    }
                }
            }
        }
    }
}
