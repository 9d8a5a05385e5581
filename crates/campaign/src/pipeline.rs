//! Many cases at once, answers in the order of the files.
//!
//! The unit of work is one test of a file. Lanes, which are threads or worker processes, take units in order, and answer into a
//! window: a lane that would run further ahead than the window waits, so what is held in memory is bounded however slow one unit
//! is. Answers are delivered by whichever lane completes the next one due.
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

use parallax_primitives::Rules;
use parallax_state_tests::{Case, FixtureError, TestText};
use regex::Regex;

use crate::{
    CountedTests, Shard,
    archive::{self, Members, Opened},
    archive_members::MemberReader,
    engines::UnknownEngine,
    shard::TestCounter,
    shared_states::{SharedStates, Unit},
};

/// Units per lane that may be answered before their turn.
const WINDOW: u64 = 32;

/// Which cases of the files are run.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only tests whose name, or whose file's name, it finds.
    pub filter: Option<Regex>,
    /// Only what the files have for these rules.
    pub rules: Option<Rules>,
    /// Rules that every case is run by, whatever the file has it for.
    pub by: Option<RunBy>,
    /// Only cases with these numbers of their test's data, gas and value.
    pub index: Option<[usize; 3]>,
    /// Only the tests of this part of them.
    pub shard: Option<Shard>,
}

/// Rules that cases are run by in place of their own: [`TestText::cases_by`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunBy {
    /// The rules.
    pub rules: Rules,
    /// As a command has them: a fork, with EIPs switched on and off, or the path of a file of rules.
    pub name: String,
}

/// Cases to run and how.
#[derive(Clone, Copy, Debug)]
pub struct Campaign<'a> {
    /// The files, in the order of delivery: files of tests, packed or not, archives, `ARCHIVE:MEMBER`.
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
    /// The number of the test that is answered, from 0, among the selected ones of all shards.
    pub test: u64,
}

/// Why a campaign did not start, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum WorkersError {
    /// No threads.
    #[error("cannot start {jobs} threads: {source}")]
    Threads {
        /// How many were asked for; zero for as many as there are cores.
        jobs: usize,
        /// What the operating system said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A worker process did not start, for this reason.
    #[error("cannot start a worker process: {0}")]
    Process(String),
    /// There is no engine of this name.
    #[error(transparent)]
    Engine(#[from] UnknownEngine),
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
        let ran =
            self.run_tests(|unit, is_stopped| self.answer(unit, &each, &panicked, is_stopped), deliver)?;
        Ok(ran.is_complete)
    }

    /// Runs `each` on every selected test, or on why there is none, and hands its answers to `deliver` in order. What it is given
    /// besides says whether the campaign is stopped.
    pub(crate) fn run_tests<T: Send>(
        &self,
        each: impl Fn(Result<Unit, FixtureError>, &dyn Fn() -> bool) -> Vec<T> + Sync,
        deliver: impl FnMut(T, Progress) -> ControlFlow<()> + Send,
    ) -> Result<Ran, WorkersError> {
        let jobs = self.jobs;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(jobs)
            .build()
            .map_err(|source| WorkersError::Threads { jobs, source: Box::new(source) })?;
        let workers = pool.current_num_threads();
        let span = tracing::error_span!("campaign", files = self.files.len(), jobs = workers);
        let desk = Desk::new(self, workers, deliver);
        pool.in_place_scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|_| {
                    let _entered = span.enter();
                    while let Some((place, unit)) = desk.take(true) {
                        desk.accept(&place, each(unit, &|| desk.is_stopped()));
                    }
                });
            }
        });
        Ok(desk.ran())
    }

    fn answer<R>(
        &self,
        unit: Result<Unit, FixtureError>,
        each: &(impl Fn(&Case) -> R + Sync),
        panicked: &(impl Fn(&Case, String) -> R + Sync),
        is_stopped: impl Fn() -> bool,
    ) -> Vec<Delivered<R>> {
        let cases = match unit {
            Ok(unit) => self.selection.cases(&unit.test),
            Err(error) => vec![Err(error)],
        };
        let mut answers = Vec::with_capacity(cases.len());
        for case in cases {
            if is_stopped() {
                break;
            }
            answers.push(match case {
                Err(error) => {
                    log_error(&error);
                    Delivered::Unreadable(error)
                }
                Ok(case) if !self.selection.has_case(&case) => continue,
                Ok(case) => {
                    let answer = in_span(&case, || catch_unwind(AssertUnwindSafe(|| each(&case))))
                        .unwrap_or_else(|panic| panicked(&case, message(&*panic)));
                    Delivered::Case(Box::new(case), answer)
                }
            });
        }
        answers
    }
}

/// Logs what was not read to its end.
pub(crate) fn log_error(error: &FixtureError) {
    match error.passed_over() {
        Some(_) => tracing::info!(%error, "passed over"),
        None => tracing::warn!(%error, "cannot be read"),
    }
}

/// Runs something about a case in a span that names it.
pub(crate) fn in_span<T>(case: &Case, run: impl FnOnce() -> T) -> T {
    let Case { file, name, fork_name, d, g, v, .. } = case;
    tracing::error_span!("case", %file, %name, fork = %fork_name, d, g, v).in_scope(run)
}

/// What a campaign came to.
pub(crate) struct Ran {
    /// Whether it came to its end.
    pub(crate) is_complete: bool,
    /// The selected tests; of a shard, those of all shards.
    pub(crate) tests: CountedTests,
}

/// Where the lanes of a campaign that is going on, threads or worker processes, take units and leave what came of them.
pub(crate) struct Desk<'a, T, D> {
    campaign: &'a Campaign<'a>,
    window: u64,
    source: Mutex<Source<'a>>,
    sink: Mutex<Sink<T, D>>,
    turn: Condvar,
    stopped: AtomicBool,
}

/// The place of a unit in the order of delivery.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    index: u64,
    files_done: usize,
    test: u64,
}

impl<'a, T, D: FnMut(T, Progress) -> ControlFlow<()>> Desk<'a, T, D> {
    pub(crate) fn new(campaign: &'a Campaign<'a>, lanes: usize, deliver: D) -> Self {
        Self {
            campaign,
            window: WINDOW * lanes as u64,
            source: Mutex::new(Source::new(campaign.files)),
            sink: Mutex::new(Sink { next: 0, early: BTreeMap::new(), deliver }),
            turn: Condvar::new(),
            stopped: AtomicBool::new(false),
        }
    }

    /// Whether the campaign is cancelled, or stopped by who takes delivery.
    pub(crate) fn is_stopped(&self) -> bool {
        self.campaign.cancel.load(Ordering::Relaxed) || self.stopped.load(Ordering::Relaxed)
    }

    /// What it came to, when all lanes are over.
    pub(crate) fn ran(&self) -> Ran {
        Ran { is_complete: !self.is_stopped(), tests: lock(&self.source).found.counted() }
    }

    pub(crate) const fn selection(&self) -> &Selection {
        self.campaign.selection
    }

    /// Stops the campaign.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// The next unit; `None` if there is none, or the campaign is stopped. What is taken is to be accepted, by others' answers or
    /// none. A lane that holds no unit may wait until the unit is inside the window.
    pub(crate) fn take(&self, may_wait: bool) -> Option<(Place, Result<Unit, FixtureError>)> {
        if self.is_stopped() {
            return None;
        }
        let (place, unit) = lock(&self.source).next(self.campaign.selection, || self.is_stopped())?;
        if may_wait {
            let mut early = lock(&self.sink);
            while place.index >= early.next + self.window && !self.is_stopped() {
                // Awake now and then: cancelling does not ring.
                let rest = std::time::Duration::from_millis(50);
                early = self.turn.wait_timeout(early, rest).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        Some((place, unit))
    }

    /// Delivers the answers of a unit, or keeps them until it is their turn.
    pub(crate) fn accept(&self, place: &Place, answers: Vec<T>) {
        let Place { files_done, test, .. } = *place;
        let progress = Progress { files_done, files: self.campaign.files.len(), test };
        lock(&self.sink).accept(place.index, progress, answers, &self.stopped);
        self.turn.notify_all();
    }
}

impl Selection {
    fn has_test(&self, file: &str, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.is_match(name) || filter.is_match(file))
    }

    /// The cases of a test, by whichever rules they are to be run.
    pub(crate) fn cases(&self, test: &TestText) -> Vec<Result<Case, FixtureError>> {
        match &self.by {
            Some(RunBy { rules, name }) => test.cases_by(*rules, name, self.rules),
            None => test.cases(self.rules),
        }
    }

    pub(crate) fn has_case(&self, case: &Case) -> bool {
        // By other rules, those that are not of the selected ones were not even read.
        (self.by.is_some() || self.rules.is_none_or(|rules| rules == case.rules))
            && self.index.is_none_or(|index| index == [case.d, case.g, case.v])
    }

    /// The rules that a worker says it runs a case by.
    pub(crate) fn rules_of(&self, fork: &str, fork_name: &str) -> Option<Rules> {
        let by = self.by.as_ref().filter(|by| by.name == fork_name).map(|by| by.rules);
        by.or_else(|| fork.parse().ok())
    }
}

/// What a panic said.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without words").to_owned()
}

/// A panic of `deliver` is the caller's own and goes on through the scope; what it holds stays whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Tests = Box<dyn Iterator<Item = Result<TestText, FixtureError>> + Send>;

/// Hands out units in order, one file open at a time.
struct Source<'a> {
    files: &'a [PathBuf],
    opened: usize,
    /// What is left of an archive.
    members: Option<Members>,
    /// Of an archive whose members are named one by one.
    reader: MemberReader,
    /// What is left of a file.
    tests: Option<Tests>,
    states: SharedStates,
    /// Selected tests so far, of all shards.
    found: TestCounter,
    taken: u64,
}

impl<'a> Source<'a> {
    fn new(files: &'a [PathBuf]) -> Self {
        let states = SharedStates::default();
        let reader = MemberReader::default();
        Self {
            files,
            opened: 0,
            members: None,
            reader,
            tests: None,
            states,
            found: TestCounter::default(),
            taken: 0,
        }
    }

    /// The next selected unit and its place; `None` if there is none, or if it is not to be looked for any longer.
    fn next(
        &mut self,
        selection: &Selection,
        is_stopped: impl Fn() -> bool,
    ) -> Option<(Place, Result<Unit, FixtureError>)> {
        loop {
            let test = self.next_test(selection, &is_stopped)?;
            let number = self.found.count();
            self.found.add(test.as_ref().map_or("", |test| test.name()));
            if selection.shard.is_none_or(|shard| shard.has(number)) {
                self.taken += 1;
                let place = Place { index: self.taken - 1, files_done: self.opened - 1, test: number };
                return Some((place, test.and_then(|test| self.states.complete(test))));
            }
        }
    }

    /// The next selected test of any shard.
    fn next_test(
        &mut self,
        selection: &Selection,
        is_stopped: &impl Fn() -> bool,
    ) -> Option<Result<TestText, FixtureError>> {
        loop {
            if is_stopped() {
                return None;
            }
            if let Some(tests) = &mut self.tests {
                match tests.next() {
                    Some(Ok(test)) if !selection.has_test(test.file(), test.name()) => continue,
                    Some(test) => return Some(test),
                    None => self.tests = None,
                }
            }
            if let Some(members) = &mut self.members {
                match members.next(is_stopped) {
                    Some(Ok(file)) => self.tests = Some(Box::new(file.tests())),
                    Some(Err(error)) => return Some(Err(error)),
                    None if is_stopped() => return None,
                    None => self.members = None,
                }
                continue;
            }
            let path = self.files.get(self.opened)?;
            self.opened += 1;
            let opened = match self.reader.find(path, is_stopped) {
                Some(member) => member.map(Opened::File),
                None if is_stopped() => return None,
                None => archive::open(path),
            };
            match opened {
                Ok(Opened::File(file)) => self.tests = Some(Box::new(file.tests())),
                Ok(Opened::Archive(members)) => self.members = Some(members),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Puts answers back into order.
struct Sink<T, D> {
    next: u64,
    early: BTreeMap<u64, (Progress, Vec<T>)>,
    deliver: D,
}

impl<T, D: FnMut(T, Progress) -> ControlFlow<()>> Sink<T, D> {
    fn accept(&mut self, index: u64, progress: Progress, answers: Vec<T>, stopped: &AtomicBool) {
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
