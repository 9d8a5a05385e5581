//! A fuzz run: numbered cases of the generator on two sides or more, in threads of this process, with no file and no text per case.
//!
//! Invariants: a case is its number and nothing else; a thread takes the next number, and finishes what it took, so all numbers below
//! the last one were run; findings are grouped by what they are and not by when they came. So the same seed, build and sides find the
//! same on any number of threads. Only a run until all is covered takes other numbers, as what is missing says (`aim.rs`).

mod aim;
mod blocks;
mod coverage;
mod finding;
mod metamorphic;
mod possible;
mod report;
mod watched;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError, SyncSender},
    },
    thread,
    time::{Duration, Instant},
};

use parallax_generator::{Case, Draw};
use parallax_primitives::{Fork, Rules};
use parallax_shadow_diff::{ShadowConfig, ShadowMode, Verdict};

use aim::Aim;
use coverage::Watch;
pub use coverage::{Coverage, Covered};
pub use finding::{Finding, Group, Sort};
use finding::{Findings, is_finding};
pub use metamorphic::{Metamorphic, TwinFinding, TwinSummary};
pub use possible::{Subject, is_possible};
use watched::WatchedSource;

use crate::{
    DiffOutcome, DiffSummary, Loss, WorkersError,
    engines::EngineSource,
    pipeline::{lock, message},
};

/// Findings that wait to be told; a thread that has one more waits.
const WAITING: usize = 1024;
/// Cases of a thread between two looks at what all threads have covered.
const LOOK: u64 = 1 << 11;

/// Two sides and what they may differ in.
pub struct Pair<'a> {
    /// One side.
    pub left: &'a dyn EngineSource,
    /// The other one.
    pub right: &'a dyn EngineSource,
    /// How they are compared, with the most steps of a case.
    pub config: ShadowConfig,
}

/// What a fuzz run is.
pub struct Fuzz<'a> {
    /// What all cases are made from.
    pub seed: u64,
    /// What they are drawn from.
    pub draw: Draw<'a>,
    /// What is compared, on every case. Coverage is that of the first pair.
    pub pairs: Vec<Pair<'a>>,
    /// Most gas of a transaction: one that has more gets so much.
    pub max_gas: u64,
    /// Most bytes of memory of one frame; a case that needs more ends there.
    pub max_memory: usize,
    /// Threads; zero for as many as there are cores.
    pub jobs: usize,
    /// The first case's number.
    pub first: u64,
    /// How many cases; without end if that is not said.
    pub programs: Option<u64>,
    /// How long; each case that has begun by then is finished.
    pub time: Option<Duration>,
    /// Whether to end when all that is possible was reached.
    pub until_coverage: bool,
    /// Whether to end at a finding; then it is the one with the lowest number that is told.
    pub fail_fast: bool,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All cases were run.
    Programs,
    /// The time was over.
    Time,
    /// All that is possible was reached.
    Coverage,
    /// Something was found, and that was to end it.
    Finding,
    /// It was cancelled.
    Interrupted,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FuzzProgress {
    /// Cases that were run.
    pub programs: u64,
    /// What was compared of them, of all pairs: steps, block entries or messages, as the mode says.
    pub steps: u64,
    /// Findings.
    pub findings: u64,
}

/// What is told while a run goes on.
#[derive(Debug)]
pub enum Told<'a> {
    /// The first finding of its sort, as far as is known.
    Finding(&'a Finding),
    /// One more of a sort that is known.
    Again(&'a Finding),
    /// All cases below this number are finished, and what was found in them is told.
    Finished(u64),
    /// How far it is; a few times a second.
    Progress(FuzzProgress),
}

/// What a run came to.
#[derive(Debug)]
pub struct FuzzSummary {
    /// Why it ended.
    pub ended: Ended,
    /// How much was run.
    pub done: FuzzProgress,
    /// How long it took.
    pub time: Duration,
    /// How long processors worked for it, in all threads; where the system does not say, `None`.
    pub processors: Option<Duration>,
    /// The verdicts of each pair.
    pub pairs: Vec<DiffSummary>,
    /// The findings, by the number of the first of each group.
    pub groups: Vec<Group>,
    /// Findings that are in no group, as there are too many of them.
    pub ungrouped: u64,
    /// What was reached; `None` where opcodes are not compared.
    pub coverage: Option<Coverage>,
}

/// What the threads share.
struct Shared<'a> {
    next: AtomicU64,
    /// Of each thread: no case below this number is one that it runs.
    running: Vec<AtomicU64>,
    /// One behind the last number.
    end: u64,
    deadline: Option<Instant>,
    cancel: &'a AtomicBool,
    found: AtomicBool,
    is_covered: AtomicBool,
    programs: AtomicU64,
    steps: AtomicU64,
    /// What all threads have covered, where that ends the run.
    coverage: Mutex<Coverage>,
}

/// What one thread did.
struct Done {
    pairs: Vec<DiffSummary>,
    coverage: Coverage,
    processors: Option<Duration>,
}

impl Fuzz<'_> {
    /// Runs it. `cancel` ends it: what runs is finished. `tell` is told what happens, on this thread.
    ///
    /// # Errors
    ///
    /// If there are no threads.
    pub fn run(
        &self,
        cancel: &AtomicBool,
        mut tell: impl FnMut(Told<'_>),
    ) -> Result<FuzzSummary, WorkersError> {
        const TICK: Duration = Duration::from_millis(200);
        let start = Instant::now();
        let jobs = match self.jobs {
            0 => thread::available_parallelism().map_or(1, usize::from),
            jobs => jobs,
        };
        let shared = Shared {
            next: AtomicU64::new(self.first),
            running: (0..jobs).map(|_| AtomicU64::new(self.first)).collect(),
            end: self.programs.map_or(u64::MAX, |programs| self.first.saturating_add(programs)),
            deadline: self.time.and_then(|time| start.checked_add(time)),
            cancel,
            found: AtomicBool::new(false),
            is_covered: AtomicBool::new(false),
            programs: AtomicU64::new(0),
            steps: AtomicU64::new(0),
            coverage: Mutex::new(Coverage::of(self.draw.rules)),
        };
        let (sender, found) = mpsc::sync_channel(WAITING);
        let mut findings = Findings::default();
        let done = thread::scope(|scope| {
            let mut threads = Vec::new();
            for running in &shared.running {
                let (shared, sender) = (&shared, sender.clone());
                let work = move || self.work(shared, running, &sender);
                let spawned = thread::Builder::new().spawn_scoped(scope, work);
                match spawned {
                    Ok(thread) => threads.push(thread),
                    Err(source) => {
                        shared.found.store(true, Ordering::Relaxed);
                        return Err(WorkersError::Threads { jobs, source: source.into() });
                    }
                }
            }
            drop(sender);
            let mut keep = |finding: Finding, tell: &mut dyn FnMut(Told<'_>)| {
                let is_new = findings.add(finding.clone());
                tell(if is_new { Told::Finding(&finding) } else { Told::Again(&finding) });
                findings.count
            };
            let mut count = 0;
            loop {
                match found.recv_timeout(TICK) {
                    Ok(finding) => count = keep(finding, &mut tell),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                // What was found in a case is sent before the case is finished, so it waits here by now.
                let finished = shared.finished();
                for finding in found.try_iter().take(WAITING) {
                    count = keep(finding, &mut tell);
                }
                tell(Told::Finished(finished));
                tell(Told::Progress(shared.progress(count)));
            }
            tell(Told::Finished(shared.finished()));
            // What may panic in a thread is caught there.
            Ok(threads.into_iter().filter_map(|thread| thread.join().ok()).collect::<Vec<_>>())
        })?;
        Ok(self.summary(&shared, done, findings, start.elapsed()))
    }

    fn summary(
        &self,
        shared: &Shared<'_>,
        done: Vec<Done>,
        findings: Findings,
        time: Duration,
    ) -> FuzzSummary {
        let progress = shared.progress(findings.count);
        let is = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        let ended = if is(&shared.found) {
            Ended::Finding
        } else if is(shared.cancel) {
            Ended::Interrupted
        } else if is(&shared.is_covered) {
            Ended::Coverage
        } else if self.programs == Some(progress.programs) {
            Ended::Programs
        } else {
            Ended::Time
        };
        let mut pairs = vec![DiffSummary { complete: true, ..DiffSummary::default() }; self.pairs.len()];
        let mut coverage = Coverage::of(self.draw.rules);
        let mut processors = Some(Duration::ZERO);
        for done in done {
            pairs.iter_mut().zip(&done.pairs).for_each(|(sum, pair)| sum.add(pair));
            coverage.add(&done.coverage);
            processors = processors.zip(done.processors).map(|(sum, more)| sum + more);
        }
        let (mut groups, mut ungrouped) = findings.into_groups();
        if self.fail_fast {
            groups.truncate(1);
            groups.iter_mut().for_each(|group| group.count = 1);
            ungrouped = 0;
        }
        let coverage = self.counts_opcodes().then_some(coverage);
        FuzzSummary { ended, done: progress, time, processors, pairs, groups, ungrouped, coverage }
    }

    /// Whether opcodes are compared, and so counted.
    pub fn counts_opcodes(&self) -> bool {
        let mode = self.pairs.first().map(|pair| pair.config.mode);
        matches!(mode, Some(ShadowMode::PerStep | ShadowMode::All))
    }

    /// Takes numbers and runs their cases until there is a reason not to.
    fn work(&self, shared: &Shared<'_>, running: &AtomicU64, found: &SyncSender<Finding>) -> Done {
        let mut side = Sides::of(self);
        let mut pairs = vec![DiffSummary { complete: true, ..DiffSummary::default() }; self.pairs.len()];
        let (mut own, mut aim) = (0, Aim::default());
        while !shared.is_over() {
            // Said before it is taken, so that it counts as running whenever somebody looks.
            running.store(shared.next.load(Ordering::SeqCst), Ordering::SeqCst);
            let turn = shared.next.fetch_add(1, Ordering::SeqCst);
            if turn >= shared.end {
                break;
            }
            let number = aim.number(self.draw, self.seed, turn);
            for (pair, outcome, case) in side.compare(self, number) {
                pairs[pair].count(&outcome);
                shared.steps.fetch_add(outcome.steps, Ordering::Relaxed);
                if is_finding(&outcome.verdict) {
                    if self.fail_fast {
                        shared.found.store(true, Ordering::Relaxed);
                    }
                    let (kind, rules) = case;
                    // Whoever listens does so until all threads are over.
                    let _ = found.send(Finding { number, turn, kind, rules, pair, outcome });
                }
            }
            shared.programs.fetch_add(1, Ordering::Relaxed);
            own += 1;
            if self.until_coverage && own % LOOK == 0 {
                aim = self.look(shared, &mut side);
            }
        }
        running.store(u64::MAX, Ordering::SeqCst);
        Done { pairs, coverage: side.coverage(), processors: processor_time() }
    }

    /// Adds what this thread has covered to what all have, and ends the run if that is all there is. Answers what is not there yet.
    fn look(&self, shared: &Shared<'_>, side: &mut Sides<'_>) -> Aim {
        let mut sum = lock(&shared.coverage);
        sum.add(&lock(&side.watched.watch).coverage);
        let Covered { reached, possible } = sum.covered();
        if reached == possible {
            shared.is_covered.store(true, Ordering::Relaxed);
        }
        Aim::at(&sum)
    }

    /// Case `number`, within the limits.
    pub fn case(&self, number: u64) -> Case {
        let mut case = Case::new(self.seed, number, self.draw);
        let rest = case.rest.iter_mut().flat_map(|rest| &mut rest.transactions);
        for transaction in [&mut case.transaction].into_iter().chain(rest) {
            transaction.gas_limit = transaction.gas_limit.min(self.max_gas);
        }
        case
    }

    /// Case `number` as one transaction: of a block the one on which the sides of a pair part, in the state before it. `None` if they part
    /// in no transaction of it.
    pub fn transaction_of(&self, number: u64) -> Option<Case> {
        let case = self.case(number);
        let Some(rest) = &case.rest else { return Some(case) };
        let of_pair = |pair: &Pair<'_>| blocks::parting(&case, rest, [pair.left, pair.right], &pair.config);
        self.pairs.iter().find_map(of_pair)
    }

    /// Runs one case on all pairs: what came of it.
    pub fn run_case(&self, number: u64) -> Vec<DiffOutcome> {
        Sides::of(self).compare(self, number).into_iter().map(|(_, outcome, _)| outcome).collect()
    }
}

impl Shared<'_> {
    fn is_over(&self) -> bool {
        let is = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        is(self.cancel)
            || is(&self.found)
            || is(&self.is_covered)
            || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// All cases below this number are finished.
    fn finished(&self) -> u64 {
        // This first: who takes a number later takes none below it.
        let next = self.next.load(Ordering::SeqCst).min(self.end);
        let running = self.running.iter().map(|running| running.load(Ordering::SeqCst));
        running.fold(next, u64::min)
    }

    fn progress(&self, findings: u64) -> FuzzProgress {
        let [programs, steps] = [&self.programs, &self.steps].map(|count| count.load(Ordering::Relaxed));
        FuzzProgress { programs, steps, findings }
    }
}

/// What one thread compares with: the side of the first pair that shows its opcodes is watched.
struct Sides<'a> {
    watched: WatchedSource<'a>,
    /// Whether that is the left one.
    is_left: bool,
}

type Compared = (usize, DiffOutcome, (&'static str, Rules));

impl<'a> Sides<'a> {
    fn of(fuzz: &Fuzz<'a>) -> Self {
        let first = fuzz.pairs.first();
        // The comparison steps the right side where it can, and so watches the left one.
        let is_left = first.is_none_or(|pair| pair.right.make().capabilities().pauses);
        let nobody: &dyn EngineSource = crate::engines::mini();
        let source = first.map_or(nobody, |pair| if is_left { pair.left } else { pair.right });
        let watch = Watch::new(Coverage::of(fuzz.draw.rules), fuzz.max_memory);
        Self { watched: WatchedSource { source, watch: Mutex::new(watch) }, is_left }
    }

    /// Compares on case `number`. A panic is what came of it.
    fn compare(&mut self, fuzz: &Fuzz<'_>, number: u64) -> Vec<Compared> {
        let mut compared = Vec::with_capacity(fuzz.pairs.len());
        let made = catch_unwind(AssertUnwindSafe(|| fuzz.case(number)));
        let case = match made {
            Ok(case) => case,
            Err(panic) => {
                let reason = format!("the generator panicked: {}", message(&*panic));
                let rules = fuzz.draw.rules.first().copied().unwrap_or(Rules::of(Fork::LATEST));
                return vec![(0, Verdict::Crashed(reason).into(), ("generator", rules))];
            }
        };
        for (index, pair) in fuzz.pairs.iter().enumerate() {
            let ran = catch_unwind(AssertUnwindSafe(|| self.compare_pair(pair, index == 0, &case)));
            let outcome = ran.unwrap_or_else(|panic| Loss::panicked(message(&*panic)).into());
            let is_limit = matches!(outcome.verdict, Verdict::Limit(_));
            compared.push((index, outcome, (case.kind, case.rules)));
            if is_limit {
                break;
            }
        }
        compared
    }

    fn compare_pair(&mut self, pair: &Pair<'_>, is_watched: bool, case: &Case) -> DiffOutcome {
        let Pair { left, right, config } = pair;
        if !is_watched {
            return blocks::compare(case, *left, *right, config);
        }
        let watch = self.watched.watch.get_mut().unwrap_or_else(PoisonError::into_inner);
        watch.begin(case.rules);
        let mut outcome = match self.is_left {
            true => blocks::compare(case, &self.watched, *right, config),
            false => blocks::compare(case, *left, &self.watched, config),
        };
        let watch = self.watched.watch.get_mut().unwrap_or_else(PoisonError::into_inner);
        if watch.is_too_large {
            outcome.verdict = Verdict::Limit("a frame has more memory than a case may have".to_owned());
        }
        outcome
    }

    fn coverage(self) -> Coverage {
        self.watched.watch.into_inner().unwrap_or_else(PoisonError::into_inner).coverage
    }
}

/// How long a processor has worked for this thread. Linux counts that.
fn processor_time() -> Option<Duration> {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(schedstat.split(' ').next()?.parse().ok()?))
}
