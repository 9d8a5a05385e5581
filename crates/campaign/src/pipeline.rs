//! Many cases at once, answers in the order of the files.
//!
//! The unit of work is one test of a file. Workers take units in order, and answer into a window: a worker that would run
//! further ahead than the window waits, so what is held in memory is bounded however slow one unit is. Answers are delivered
//! by whichever worker completes the next one due.
//!
//! Invariant: every selected case is delivered exactly once, in order. If the campaign is cancelled, every case that ran is;
//! if `deliver` stops it, none after that one.

use std::{
    any::Any,
    collections::BTreeMap,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use parallax_primitives::Fork;
use parallax_state_tests::{Case, FixtureError, FixtureFile, TestText};
use regex::Regex;

/// Units per worker that may be answered before their turn.
const WINDOW: u64 = 32;

/// Which cases of the files are run.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only tests whose name, or whose file's name, it finds.
    pub filter: Option<Regex>,
    /// Only cases of this fork.
    pub fork: Option<Fork>,
    /// Only cases with these numbers of their test's data, gas and value.
    pub index: Option<[usize; 3]>,
}

/// Cases to run and how.
#[derive(Clone, Copy, Debug)]
pub struct Campaign<'a> {
    /// The files, in the order of delivery.
    pub files: &'a [PathBuf],
    /// Which of their cases.
    pub selection: &'a Selection,
    /// Workers; zero for as many as there are cores.
    pub jobs: usize,
    /// Set it to stop: cases that run are finished, no other is begun.
    pub cancel: &'a AtomicBool,
}

/// One answer of a campaign.
#[derive(Debug)]
pub enum Delivered<R> {
    /// A case and what came of it.
    Case(Box<Case>, R),
    /// A case, a test or a file that could not be read.
    Unreadable(FixtureError),
}

/// How far a campaign is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files whose every case is delivered.
    pub files_done: usize,
    /// All files.
    pub files: usize,
}

/// Why a campaign did not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {jobs} workers: {source}")]
pub struct WorkersError {
    jobs: usize,
    source: rayon::ThreadPoolBuildError,
}

impl Campaign<'_> {
    /// Runs `each` on every selected case and hands the answers to `deliver` in order. A panic of `each` is that case's
    /// answer: `panicked` makes it of the panic's message. `deliver` may stop the campaign. True if it came to its end.
    pub fn run<R: Send>(
        &self,
        each: impl Fn(&Case) -> R + Sync,
        panicked: impl Fn(&Case, String) -> R + Sync,
        deliver: impl FnMut(Delivered<R>, Progress) -> ControlFlow<()> + Send,
    ) -> Result<bool, WorkersError> {
        let jobs = self.jobs;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(jobs)
            .build()
            .map_err(|source| WorkersError { jobs, source })?;
        let workers = pool.current_num_threads();
        let stopped = AtomicBool::new(false);
        let source = Mutex::new(Source::new(self.files));
        let sink = Mutex::new(Sink { next: 0, early: BTreeMap::new(), deliver });
        let turn = Condvar::new();
        let is_stopped = || self.cancel.load(Ordering::Relaxed) || stopped.load(Ordering::Relaxed);
        let window = WINDOW * workers as u64;
        pool.in_place_scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|_| {
                    while !is_stopped() {
                        let Some((index, files_done, unit)) = lock(&source).next(self.selection) else {
                            break;
                        };
                        let mut early = lock(&sink);
                        while index >= early.next + window && !is_stopped() {
                            // Awake now and then: cancelling does not ring.
                            let rest = std::time::Duration::from_millis(50);
                            early = turn.wait_timeout(early, rest).unwrap_or_else(PoisonError::into_inner).0;
                        }
                        drop(early);
                        let answers = self.answer(unit, &each, &panicked, &is_stopped);
                        let progress = Progress { files_done, files: self.files.len() };
                        lock(&sink).accept(index, progress, answers, &stopped);
                        turn.notify_all();
                    }
                });
            }
        });
        Ok(!is_stopped())
    }

    fn answer<R>(
        &self,
        unit: Result<TestText, FixtureError>,
        each: &(impl Fn(&Case) -> R + Sync),
        panicked: &(impl Fn(&Case, String) -> R + Sync),
        is_stopped: &impl Fn() -> bool,
    ) -> Vec<Delivered<R>> {
        let cases = match unit {
            Ok(test) => test.cases(),
            Err(error) => vec![Err(error)],
        };
        let mut answers = Vec::with_capacity(cases.len());
        for case in cases {
            if is_stopped() {
                break;
            }
            answers.push(match case {
                Err(error) => Delivered::Unreadable(error),
                Ok(case) if !self.selection.has_case(&case) => continue,
                Ok(case) => {
                    let answer = catch_unwind(AssertUnwindSafe(|| each(&case)))
                        .unwrap_or_else(|panic| panicked(&case, message(&*panic)));
                    Delivered::Case(Box::new(case), answer)
                }
            });
        }
        answers
    }
}

impl Selection {
    fn has_test(&self, file: &str, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.is_match(name) || filter.is_match(file))
    }

    fn has_case(&self, case: &Case) -> bool {
        self.fork.is_none_or(|fork| fork == case.fork)
            && self.index.is_none_or(|index| index == [case.d, case.g, case.v])
    }
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without words").to_owned()
}

/// A panic of `deliver` is the caller's own and goes on through the scope; what it holds stays whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Tests = Box<dyn Iterator<Item = Result<TestText, FixtureError>> + Send>;

/// Hands out units in order, one file open at a time.
struct Source<'a> {
    files: &'a [PathBuf],
    opened: usize,
    tests: Option<Tests>,
    taken: u64,
}

impl<'a> Source<'a> {
    fn new(files: &'a [PathBuf]) -> Self {
        Self { files, opened: 0, tests: None, taken: 0 }
    }

    /// The next selected unit, its number, and how many files are wholly handed out before it.
    fn next(&mut self, selection: &Selection) -> Option<(u64, usize, Result<TestText, FixtureError>)> {
        let unit = loop {
            if let Some(tests) = &mut self.tests {
                match tests.next() {
                    Some(Ok(test)) if !selection.has_test(test.file(), test.name()) => continue,
                    Some(unit) => break unit,
                    None => self.tests = None,
                }
            }
            let path = self.files.get(self.opened)?;
            self.opened += 1;
            match FixtureFile::open(path) {
                Ok(file) => self.tests = Some(Box::new(file.tests())),
                Err(error) => break Err(error),
            }
        };
        self.taken += 1;
        Some((self.taken - 1, self.opened - 1, unit))
    }
}

/// Puts answers back into order.
struct Sink<R, D> {
    next: u64,
    early: BTreeMap<u64, (Progress, Vec<Delivered<R>>)>,
    deliver: D,
}

impl<R, D: FnMut(Delivered<R>, Progress) -> ControlFlow<()>> Sink<R, D> {
    fn accept(&mut self, index: u64, progress: Progress, answers: Vec<Delivered<R>>, stopped: &AtomicBool) {
        self.early.insert(index, (progress, answers));
        while let Some((progress, answers)) = self.early.remove(&self.next) {
            self.next += 1;
            for answer in answers {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                if (self.deliver)(answer, progress).is_break() {
                    stopped.store(true, Ordering::Relaxed);
                }
            }
        }
    }
}
