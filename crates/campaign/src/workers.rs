//! Campaigns in worker processes: a case that panics, aborts, takes a signal or has no end is a finding, and the campaign goes on.
//!
//! One thread for each worker hands it units and takes what it says. The thread that runs the campaign watches the clock, and
//! ends workers whose case has had its time, or all of them if the campaign is stopped. A worker that is gone is started again and
//! goes on with the case after the one that ended it.
//!
//! Invariants: every selected case is delivered exactly once, in order, as by [`Campaign::run`]; no worker outlives its campaign,
//! since a worker ends when its standard input does, however its parent came to its end.

use std::{
    collections::{HashSet, VecDeque},
    env,
    ffi::OsString,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    ops::ControlFlow,
    panic,
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    Campaign, Progress, WorkersError,
    case_name::CaseName,
    pipeline::{Desk, Place, Ran, lock},
    shared_states::Unit,
    task::{Loss, Task},
    wire::{self, Said, Setup, TaskSetup, UnitSetup},
};

/// Units that a worker is given before it has said what came of the first.
const AHEAD: usize = 3;

/// Bytes of them, but for the first.
const BYTES_AHEAD: usize = 8 << 20;

/// How often the clock is looked at: so much longer may a case run than its limit, and a campaign than its interrupt.
const TICK: Duration = Duration::from_millis(50);

/// Bytes that are kept of what a worker says on its standard error, the last ones.
const LAST_WORDS: usize = 4096;
/// What a line of a worker's standard error begins with that is to be passed on as it is: a line of its log.
pub const LOG_MARK: u8 = 0x1e;
/// Bytes of one line of a worker's standard error that are looked at at once.
const MAX_LINE: u64 = 1 << 16;

/// What Rust says, and a number of bytes, before it aborts for want of memory.
const OUT_OF_MEMORY: &str = "memory allocation of ";

/// What a case may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of time.
    pub case_timeout: Duration,
    /// Of address space, all that a worker holds included, in MiB. Unix only.
    pub max_memory: u64,
}

impl Default for Limits {
    /// A minute, and 4 GiB.
    fn default() -> Self {
        Self { case_timeout: Duration::from_secs(60), max_memory: 4096 }
    }
}

/// How worker processes are started, and what they may take.
#[derive(Clone, Debug)]
pub struct Workers {
    program: PathBuf,
    arguments: Vec<OsString>,
    limits: Limits,
}

impl Workers {
    /// Workers that are this program again: with these arguments it is to call [`worker_main`](crate::worker_main).
    pub fn of_this_program(
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
        limits: Limits,
    ) -> io::Result<Self> {
        // The same program even where another one has been put in its place since.
        let program = match PathBuf::from("/proc/self/exe") {
            link if link.exists() => link,
            _ => env::current_exe()?,
        };
        Ok(Self { program, arguments: arguments.into_iter().map(Into::into).collect(), limits })
    }

    /// Does `task` with the cases of `campaign`.
    pub(crate) fn perform<T: Task>(
        &self,
        campaign: &Campaign<'_>,
        task: &T,
        setup: TaskSetup,
        deliver: impl FnMut(T::Report, Progress) -> ControlFlow<()> + Send,
    ) -> Result<Ran, WorkersError> {
        let jobs = match campaign.jobs {
            0 => thread::available_parallelism().map_or(1, usize::from),
            jobs => jobs,
        };
        let selection = campaign.selection;
        let setup = Setup {
            task: setup,
            fork: selection.rules.map(|rules| rules.to_string()),
            by: selection.by.as_ref().map(|by| (by.name.clone(), parallax_rules_file::write(by.rules))),
            index: selection.index,
            max_memory: self.limits.max_memory,
        };
        let desk = Desk::new(campaign, jobs, deliver);
        let slots: Vec<_> = (0..jobs).map(|_| Slot::default()).collect();
        let running = Running::default();
        let mut failure = Ok(());
        let results = thread::scope(|scope| {
            let mut lanes = Vec::with_capacity(jobs);
            for slot in &slots {
                let (desk, setup, running) = (&desk, &setup, &running);
                let lane =
                    Lane { workers: self, setup, task, desk, slot, queue: VecDeque::new(), process: None };
                let guard = running.begin();
                let started = thread::Builder::new().spawn_scoped(scope, move || {
                    let _guard = guard;
                    lane.run()
                });
                match started {
                    Ok(lane) => lanes.push(lane),
                    Err(source) => {
                        desk.stop();
                        failure = Err(WorkersError::Threads { jobs, source: Box::new(source) });
                        break;
                    }
                }
            }
            running.watch(|| {
                let now = Instant::now();
                slots.iter().for_each(|slot| slot.look(now, desk.is_stopped()));
            });
            // A panic of `deliver` is the caller's own.
            let join = |lane: thread::ScopedJoinHandle<'_, _>| {
                lane.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
            };
            lanes.into_iter().map(join).collect::<Vec<Result<(), _>>>()
        });
        results.into_iter().fold(failure, Result::and)?;
        Ok(desk.ran())
    }
}

/// How many lanes are not over, and a bell for the last one.
#[derive(Default)]
struct Running {
    count: Mutex<usize>,
    bell: Condvar,
}

/// One lane that is not over.
struct RunningGuard<'a>(&'a Running);

impl Running {
    fn begin(&self) -> RunningGuard<'_> {
        *lock(&self.count) += 1;
        RunningGuard(self)
    }

    /// Looks now and then until all are over.
    fn watch(&self, look: impl Fn()) {
        let mut count = lock(&self.count);
        while *count > 0 {
            count = self.bell.wait_timeout(count, TICK).unwrap_or_else(PoisonError::into_inner).0;
            look();
        }
    }
}

impl Drop for RunningGuard<'_> {
    fn drop(&mut self) {
        *lock(&self.0.count) -= 1;
        self.0.bell.notify_all();
    }
}

/// The process of one lane, for the lane and for who watches the clock.
#[derive(Default)]
struct Slot(Mutex<Option<Watched>>);

struct Watched {
    child: Child,
    /// When it is to have said something.
    deadline: Instant,
    ended: Ended,
}

/// Whether a process was ended for being late.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    No,
    /// It was.
    Late,
    /// It was, but what it was late with has come all the same. The case that it has begun since is not to blame.
    TooLate,
}

impl Slot {
    /// Ends the process if its time is over, or everything is.
    fn look(&self, now: Instant, is_stopped: bool) {
        if let Some(watched) = &mut *lock(&self.0) {
            let is_late = now >= watched.deadline;
            if is_late && watched.ended == Ended::No {
                watched.ended = Ended::Late;
            }
            if is_stopped || is_late {
                // It may be gone by itself.
                let _ = watched.child.kill();
            }
        }
    }
}

/// A unit that a worker is to do.
struct Pending<R> {
    place: Place,
    unit: Unit,
    reports: Vec<R>,
    /// Cases that are done.
    done: usize,
    /// The case that is running.
    begun: Option<Begun>,
    /// Workers that came to their end before they began a case of it that was left.
    failures: usize,
}

struct Begun {
    number: usize,
    fork: String,
    fork_name: String,
    index: [usize; 3],
}

/// One worker after the other, and the units that it has been given.
struct Lane<'a, T: Task, D> {
    workers: &'a Workers,
    setup: &'a Setup,
    task: &'a T,
    desk: &'a Desk<'a, T::Report, D>,
    slot: &'a Slot,
    queue: VecDeque<Pending<T::Report>>,
    process: Option<Process<'a>>,
}

impl<T: Task, D: FnMut(T::Report, Progress) -> ControlFlow<()>> Lane<'_, T, D> {
    /// Does units until there are none left.
    fn run(mut self) -> Result<(), WorkersError> {
        let result = self.go();
        if result.is_err() {
            self.desk.stop();
        }
        if let Some(process) = self.process.take() {
            process.dismiss();
        }
        // What is left is delivered as far as it came.
        for Pending { place, reports, .. } in self.queue {
            self.desk.accept(&place, reports);
        }
        result
    }

    fn go(&mut self) -> Result<(), WorkersError> {
        while self.fill()? {
            let Some(process) = &mut self.process else { continue };
            let said = process.listen(self.workers.limits.case_timeout);
            let Some(unit) = self.queue.front_mut() else { continue };
            match said {
                Ok(Some(Said::Began { number, fork, fork_name, index })) => {
                    process.cases += 1;
                    unit.begun = Some(Begun { number, fork, fork_name, index });
                }
                Ok(Some(Said::Report { number, report })) => {
                    unit.reports.push(report);
                    (unit.done, unit.begun, unit.failures) = (number + 1, None, 0);
                }
                Ok(Some(Said::Done)) => {
                    if let Some(Pending { place, reports, .. }) = self.queue.pop_front() {
                        self.desk.accept(&place, reports);
                    }
                }
                Ok(Some(Said::Ready)) => {}
                Ok(None) => self.bury(None),
                Err(error) => self.bury(Some(&error)),
            }
        }
        Ok(())
    }

    /// Sees to it that there is a worker and that it has work ahead. False if there is none left, or the campaign is stopped and
    /// all that its worker said before its end is heard.
    fn fill(&mut self) -> Result<bool, WorkersError> {
        if self.desk.is_stopped() {
            return Ok(self.process.is_some() && !self.queue.is_empty());
        }
        if self.process.is_none() && !self.queue.is_empty() {
            self.start()?;
        }
        let mut bytes = self.queue.iter().map(|pending| pending.unit.test.json().len()).sum::<usize>();
        while self.queue.is_empty() || self.queue.len() < AHEAD && bytes < BYTES_AHEAD {
            let Some((place, unit)) = self.desk.take(self.queue.is_empty()) else { break };
            match unit {
                Err(error) => self.desk.accept(&place, vec![self.task.unreadable(&error)]),
                Ok(unit) => {
                    bytes += unit.test.json().len();
                    let (reports, done, begun, failures) = (Vec::new(), 0, None, 0);
                    self.queue.push_back(Pending { place, unit, reports, done, begun, failures });
                    match (&mut self.process, self.queue.back()) {
                        (Some(process), Some(pending)) => process.give(pending),
                        _ => self.start()?,
                    }
                }
            }
        }
        Ok(!self.queue.is_empty())
    }

    /// Starts a worker and gives it all that is to be done.
    fn start(&mut self) -> Result<(), WorkersError> {
        let mut process = Process::start(self.workers, self.setup, self.slot)
            .map_err(|error| WorkersError::Process(error.to_string()))?;
        match process.listen::<T::Report>(self.workers.limits.case_timeout) {
            Ok(Some(Said::Ready)) => {}
            _ if self.desk.is_stopped() => {}
            said => {
                let (_, mut reason) = process.end();
                if let Err(error) = said {
                    reason = format!("{reason}, {error}");
                }
                return Err(WorkersError::Process(reason));
            }
        }
        self.queue.iter().for_each(|pending| process.give(pending));
        self.process = Some(process);
        Ok(())
    }

    /// Ends a worker that is gone, or is out of its mind, and notes what that says of the case that it had begun.
    fn bury(&mut self, error: Option<&io::Error>) {
        let Some(process) = self.process.take() else { return };
        let cases = process.cases;
        let (ended, words) = process.end();
        let Some(pending) = self.queue.front_mut() else { return };
        let begun = pending.begun.take();
        if self.desk.is_stopped() || ended == Ended::TooLate {
            return;
        }
        let Limits { case_timeout, max_memory } = self.workers.limits;
        let loss = match error {
            _ if ended == Ended::Late => {
                Loss::TimedOut(format!("not over after {} s", case_timeout.as_secs_f64()))
            }
            Some(error) => Loss::Crashed(format!("{words}; its worker said what makes no sense: {error}")),
            None if words.contains(OUT_OF_MEMORY) => {
                Loss::Limit(format!("{words}; a worker may take {max_memory} MiB"))
            }
            None => Loss::Crashed(words),
        };
        let (file, name) = (pending.unit.test.file().clone(), pending.unit.test.name().clone());
        let Some(Begun { number, fork, fork_name, index }) = begun else {
            // It may have died of the unit before, or of nothing that is ours: the next one tries again.
            pending.failures += 1;
            if pending.failures > 1 {
                let case = CaseName { file: &file, name: &name, rules: None, index: [0; 3] };
                let report = self.task.lost(&case, loss);
                if let Some(Pending { place, mut reports, .. }) = self.queue.pop_front() {
                    reports.push(report);
                    self.desk.accept(&place, reports);
                }
            }
            return;
        };
        if matches!(loss, Loss::Limit(_)) && cases > 1 {
            // The cases before it may have left it less than a worker may take. A new one runs it alone.
            return;
        }
        let rules = self.desk.selection().rules_of(&fork, &fork_name);
        let case =
            CaseName { file: &file, name: &name, rules: rules.map(|rules| (rules, &*fork_name)), index };
        pending.reports.push(self.task.lost(&case, loss));
        (pending.done, pending.failures) = (number + 1, 0);
    }
}

/// A worker process.
struct Process<'a> {
    slot: &'a Slot,
    /// `None` once it is told that nothing comes any more.
    input: Option<BufWriter<ChildStdin>>,
    output: BufReader<ChildStdout>,
    last_words: Option<JoinHandle<Vec<u8>>>,
    /// Cases that it began.
    cases: usize,
    /// The shared states that it was told, by their files.
    states: HashSet<Arc<str>>,
}

impl<'a> Process<'a> {
    fn start(workers: &Workers, setup: &Setup, slot: &'a Slot) -> io::Result<Self> {
        let mut command = Command::new(&workers.program);
        command.args(&workers.arguments).env("RUST_BACKTRACE", "0");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            // An interrupt at the terminal is the campaign's alone.
            command.process_group(0);
            // What lists of processes call it.
            env::args_os().next().map(|name| command.arg0(name));
        }
        let mut child = command.spawn()?;
        let gone = || io::Error::other("a pipe to it is missing");
        let input = child.stdin.take().ok_or_else(gone)?;
        let output = child.stdout.take().ok_or_else(gone)?;
        let errors = child.stderr.take().ok_or_else(gone)?;
        let last_words = thread::Builder::new().spawn(move || last_bytes(errors, io::stderr()))?;
        *lock(&slot.0) =
            Some(Watched { child, deadline: Instant::now() + workers.limits.case_timeout, ended: Ended::No });
        let mut process = Self {
            slot,
            input: Some(BufWriter::new(input)),
            output: BufReader::with_capacity(1 << 16, output),
            last_words: Some(last_words),
            cases: 0,
            states: HashSet::new(),
        };
        process.say(|input| wire::write(input, setup));
        Ok(process)
    }

    /// Says something. If it is gone, that is found out by listening.
    fn say(&mut self, write: impl FnOnce(&mut BufWriter<ChildStdin>) -> io::Result<()>) {
        if let Some(input) = &mut self.input {
            let _ = write(input).and_then(|()| input.flush());
        }
    }

    fn give<R>(&mut self, pending: &Pending<R>) {
        let Pending { unit: Unit { test, state }, done, .. } = pending;
        let setup = UnitSetup {
            file: test.file().to_string(),
            name: test.name().to_string(),
            done: *done,
            state: state.as_ref().map(|state| state.file.to_string()),
        };
        let untold = state.as_ref().filter(|state| self.states.insert(state.file.clone()));
        self.say(|input| {
            wire::write(input, &setup)?;
            wire::write_bytes(input, test.json().as_bytes())?;
            untold.map_or(Ok(()), |state| wire::write_bytes(input, state.text.as_bytes()))
        });
    }

    /// What it says next, within `limit`; `None` if it is gone.
    fn listen<R: serde::de::DeserializeOwned>(&mut self, limit: Duration) -> io::Result<Option<Said<R>>> {
        if let Some(watched) = &mut *lock(&self.slot.0) {
            watched.deadline = Instant::now() + limit;
            if watched.ended == Ended::Late {
                watched.ended = Ended::TooLate;
            }
        }
        wire::read(&mut self.output)
    }

    /// Lets an idle one end by itself.
    fn dismiss(mut self) {
        self.input = None;
        let _ = io::copy(&mut self.output, &mut io::sink());
        self.end();
    }

    /// Ends it, if it has not ended: whether it was late, and how it came to its end.
    fn end(mut self) -> (Ended, String) {
        let Some((ended, status)) = self.reap() else { return (Ended::No, String::new()) };
        let words = self.last_words.take().and_then(|words| words.join().ok()).unwrap_or_default();
        let words = String::from_utf8_lossy(&words);
        let lines = || words.lines().map(str::trim).filter(|line| !line.is_empty());
        let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        let words = lines().find(|line| line.starts_with(OUT_OF_MEMORY)).or_else(|| lines().next_back());
        (ended, words.map_or(status.clone(), |words| format!("{status}: {words}")))
    }

    fn reap(&mut self) -> Option<(Ended, io::Result<ExitStatus>)> {
        self.input = None;
        let Watched { mut child, ended, .. } = lock(&self.slot.0).take()?;
        let _ = child.kill();
        Some((ended, child.wait()))
    }
}

impl Drop for Process<'_> {
    fn drop(&mut self) {
        self.reap();
    }
}

/// Reads to the end and keeps the last bytes, but for lines of a log, which go to `log`. A line longer than what is kept is cut.
fn last_bytes(input: impl Read, mut log: impl Write) -> Vec<u8> {
    let mut input = BufReader::new(input);
    let (mut kept, mut line) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        match (&mut input).take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return kept,
        }
        if let Some(logged) = line.strip_prefix(&[LOG_MARK]) {
            // If nobody reads it, nothing is lost but the log.
            let _ = log.write_all(logged);
            continue;
        }
        kept.extend_from_slice(&line);
        let surplus = kept.len().saturating_sub(LAST_WORDS);
        kept.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_log_are_passed_on_and_the_last_words_kept() {
        let said = b"first\n\x1ea log\nlast words\n\x1eits end\n";
        let mut log = Vec::new();
        let kept = last_bytes(&said[..], &mut log);
        assert_eq!((&kept[..], &log[..]), (&b"first\nlast words\n"[..], &b"a log\nits end\n"[..]));
        let long = vec![b'x'; 3 * LAST_WORDS];
        assert_eq!(last_bytes(&long[..], io::sink()).len(), LAST_WORDS);
    }
}
