//! From the paths and options of a command to a campaign: which files, how they are watched and how it may be stopped.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use parallax_campaign::{
    Campaign, Delivered, DiffSummary, Discovery, Progress, RunBy, Selection, file_of, title,
};
use parallax_state_tests::Case;

use crate::{
    arguments::SelectionArguments,
    path_lines::{PathLine, PathLines},
    report::{Status, complain},
};

/// Set by the first interrupt; the second ends the process at once.
static CANCEL: AtomicBool = AtomicBool::new(false);

/// What a command is to run, as it comes: what its paths name, and of a list on standard input so much as has come, so that who writes one
/// path and waits is answered, and a long list is run on all cores.
pub(crate) struct Incoming<'a> {
    arguments: &'a SelectionArguments,
    /// Paths of the command that were not looked at.
    left: std::slice::Iter<'a, PathBuf>,
    list: Option<List>,
    /// All of it, where it was waited for.
    gathered: Option<Selected>,
    /// Files so far.
    files: usize,
    /// As [`Discovery::passed_over`], so far.
    passed_over: u64,
    /// [`Status::WrongInput`] if a path named nothing; the others are run all the same.
    status: Status,
}

/// A list of paths on standard input, or of items of work.
pub(crate) struct List {
    lines: Receiver<io::Result<PathLine>>,
    has_paths: bool,
}

/// How many lines of a list may wait, and are run together at most.
const LINES: usize = 1 << 12;
/// How often who waits for a line looks whether there was an interrupt.
const TICK: Duration = Duration::from_millis(50);

impl<'a> Incoming<'a> {
    pub(crate) fn new(arguments: &'a SelectionArguments) -> Self {
        Self {
            arguments,
            left: arguments.paths.iter(),
            list: None,
            gathered: None,
            files: 0,
            passed_over: 0,
            status: Status::Well,
        }
    }

    /// From now on an interrupt (INT, TERM or HUP) stops the command instead of the process: at once if its cases run in workers,
    /// otherwise when those that run are over.
    pub(crate) fn watch_interrupts(&self, in_workers: bool) -> Result<()> {
        ctrlc::set_handler(move || {
            if CANCEL.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
            let running = if in_workers { "ended" } else { "finished" };
            complain(&format!(
                "interrupted: cases that run are {running}, and reports are closed; interrupt again to end at once"
            ));
        })
        .context("cannot watch for interrupts")
    }

    /// Waits for what is to be run next; `None` if there is nothing more, or there was an interrupt.
    pub(crate) fn next(&mut self) -> Result<Option<Selected>> {
        if let Some(gathered) = self.gathered.take() {
            return Ok(Some(gathered));
        }
        while !is_interrupted() {
            if let Some(list) = &mut self.list {
                let Some(lines) = list.next()? else {
                    ensure!(list.has_paths || is_interrupted(), "{NO_LIST}");
                    self.list = None;
                    continue;
                };
                return self.listed(lines).map(Some);
            }
            let named: Vec<_> =
                self.left.as_slice().iter().take_while(|path| path.as_path() != Path::new("-")).collect();
            if named.is_empty() {
                match self.left.next() {
                    Some(_) => {
                        let is_whole = self.arguments.shard.is_none();
                        ensure!(
                            is_whole,
                            "--shard: expected paths, no list on standard input, of which each process has its own"
                        );
                        self.list = Some(List::begin()?);
                    }
                    None => break,
                }
                continue;
            }
            self.left.nth(named.len() - 1);
            let mut files = Vec::new();
            for path in named {
                match Discovery::of(std::slice::from_ref(path), &mut io::empty()) {
                    Ok(found) => self.found(found, &mut files),
                    Err(error) => self.complain(&error),
                }
            }
            return Ok(Some(self.select(files)));
        }
        Ok(None)
    }

    /// Waits until all that is to be run has come: for who writes files, and is to write over none of these.
    pub(crate) fn gather(&mut self) -> Result<()> {
        let mut files = Vec::new();
        while let Some(selected) = self.next()? {
            files.extend(selected.files);
        }
        self.files = 0;
        self.gathered = Some(self.select(files));
        Ok(())
    }

    /// The files on disk of what was gathered.
    pub(crate) fn gathered_files(&self) -> impl Iterator<Item = &Path> {
        self.gathered.iter().flat_map(|gathered| gathered.files.iter().map(|path| file_of(path)))
    }

    /// Lines of a list. A path that names nothing is left to whoever runs the files, who answers it as one that cannot be read.
    fn listed(&mut self, lines: Vec<PathLine>) -> Result<Selected> {
        let mut files = Vec::new();
        for line in lines {
            match line {
                PathLine::Empty => continue,
                PathLine::Path(path) => match Discovery::of(std::slice::from_ref(&path), &mut io::empty()) {
                    Ok(found) => self.found(found, &mut files),
                    Err(_) => files.push(path),
                },
                PathLine::Bad(reason) => self.complain(&reason),
                PathLine::Json(reason) => bail!("{reason}"),
            }
            if let Some(list) = &mut self.list {
                list.has_paths = true;
            }
        }
        Ok(self.select(files))
    }

    fn found(&mut self, found: Discovery, files: &mut Vec<PathBuf>) {
        files.extend(found.files);
        self.passed_over += found.passed_over;
    }

    fn complain(&mut self, reason: &dyn std::fmt::Display) {
        complain(reason);
        self.status = Status::WrongInput;
    }

    /// These files, with what is selected of them.
    pub(crate) fn select(&mut self, files: Vec<PathBuf>) -> Selected {
        self.files += files.len();
        let SelectionArguments { only_fork: rules, index, .. } = *self.arguments;
        let by = self.arguments.by.as_ref();
        let by = by.map(|given| RunBy { rules: given.rules, name: given.text.clone() });
        let SelectionArguments { filter, shard, .. } = self.arguments;
        let selection = Selection { filter: filter.clone(), rules, by, index, shard: *shard };
        Selected { files, selection, jobs: self.arguments.jobs.unwrap_or(0) }
    }

    /// Whether nothing has stopped it.
    pub(crate) fn is_complete(&self) -> bool {
        !is_interrupted()
    }

    /// How a command ended: `counted` cases came to something, `passed_over` of them were not run as they are of other kinds, and
    /// `unreadable` of them came to nothing but an error.
    pub(crate) fn status(&self, is_success: bool, counted: u64, passed_over: u64, unreadable: u64) -> Status {
        if is_interrupted() {
            complain(&"interrupted: the results so far are above");
            return Status::Interrupted;
        }
        if counted == passed_over
            && let Some(shard) = self.arguments.shard
        {
            complain(&format!("no case that this command runs is in shard {shard} of {} files", self.files));
            return self.status;
        }
        if counted == 0 && self.status == Status::Well {
            complain(&format!(
                "no case selected: {} files have none that fits --only-fork, --index and --filter",
                self.files
            ));
        }
        if counted == passed_over && passed_over > 0 {
            complain(&"no case that this command runs is selected: all are passed over");
        }
        if counted == passed_over || unreadable > 0 {
            return Status::WrongInput;
        }
        self.status.max(if is_success { Status::Well } else { Status::Failure })
    }

    /// As [`Incoming::status`], of a comparison. Of a shard, whether anything was compared, and ran in the fast form, is a question for
    /// all of them together.
    pub(crate) fn status_of(&self, summary: &DiffSummary) -> Status {
        let is_part = self.arguments.shard.is_some();
        let is_well = match is_part {
            true => summary.complete && summary.diverged + summary.errors() == 0,
            false => summary.is_success(),
        };
        let status = self.status(is_well, summary.cases(), summary.passed_over, summary.unreadable);
        if status != Status::Well || is_part || !summary.is_about_nothing() {
            return status;
        }
        complain(&NOTHING_COMPARED);
        Status::WrongInput
    }

    /// All that is selected; `None` if a path named nothing, which is told on standard error.
    pub(crate) fn all(mut self) -> Result<Option<Selected>> {
        self.gather()?;
        Ok(self.gathered.filter(|_| self.status == Status::Well))
    }

    /// The one case that is selected, or `None` if something cannot be read, which is told on standard error.
    pub(crate) fn only_case(mut self) -> Result<Option<Case>> {
        self.gather()?;
        let is_readable = self.status == Status::Well;
        self.gathered.map_or(Ok(None), |selected| selected.only_case(is_readable))
    }
}

/// Said where a comparison came to neither an agreement nor a finding.
pub(crate) const NOTHING_COMPARED: &str =
    "nothing was compared: no case has anything that both sides run and tell";

const LIST: &str = "standard input: expected a list of paths, one a line";
const NO_LIST: &str = "standard input: expected a list of paths, one a line, found none";

impl List {
    /// Begins to read. The thread waits for a line even when nobody wants one any more, and ends with the process.
    pub(crate) fn begin() -> Result<Self> {
        let (sender, lines) = sync_channel(LINES);
        let read = move || {
            let mut lines = PathLines::new(io::stdin().lock());
            while let Some(line) = lines.next().transpose() {
                let is_last = line.is_err();
                if sender.send(line).is_err() || is_last {
                    return;
                }
            }
        };
        thread::Builder::new().spawn(read).context("cannot start a thread")?;
        Ok(Self { lines, has_paths: false })
    }

    /// Waits for the next line, and takes with it what else has come; `None` at the end, or if there was an interrupt.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<PathLine>>> {
        let Some(first) = self.wait()? else { return Ok(None) };
        let lines = [first].into_iter().chain(self.lines.try_iter().take(LINES - 1));
        Ok(Some(lines.collect::<io::Result<Vec<_>>>().context(LIST)?))
    }

    /// The next line; `None` at the end, or if there was an interrupt.
    fn wait(&self) -> Result<Option<io::Result<PathLine>>> {
        while !is_interrupted() {
            match self.lines.recv_timeout(TICK) {
                Ok(line) => return Ok(Some(line)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok(None)
    }
}

fn is_interrupted() -> bool {
    CANCEL.load(Ordering::Relaxed)
}

/// How often a line says how far it is, where there is no bar; what takes longer is told with its time.
const PATIENCE: Duration = Duration::from_secs(30);

/// Files of a command.
pub(crate) struct Selected {
    files: Vec<PathBuf>,
    selection: Selection,
    jobs: usize,
}

impl Selected {
    /// The campaign over them, which an interrupt stops.
    pub(crate) fn campaign(&self) -> Campaign<'_> {
        Campaign { files: &self.files, selection: &self.selection, jobs: self.jobs, cancel: &CANCEL }
    }

    fn only_case(&self, is_readable: bool) -> Result<Option<Case>> {
        let cancel = AtomicBool::new(false);
        let campaign = Campaign { files: &self.files, selection: &self.selection, jobs: 1, cancel: &cancel };
        let mut cases = Vec::new();
        let mut is_readable = is_readable;
        campaign.run(
            |_| (),
            |_, _| (),
            |delivered, _| {
                match delivered {
                    Delivered::Case(case, ()) => cases.push(case),
                    // Something else is selected.
                    Delivered::Unreadable(error) if error.passed_over().is_some() => {}
                    Delivered::Unreadable(error) => {
                        complain(&error);
                        is_readable = false;
                    }
                }
                if cases.len() > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        )?;
        if !is_readable {
            return Ok(None);
        }
        match &cases[..] {
            [] => {
                bail!("no case selected, expected exactly one: none fits --only-fork, --index and --filter")
            }
            [case] => Ok(Some((**case).clone())),
            [first, second, ..] => bail!(
                "more than one case selected, expected exactly one: narrow it with --fork, --only-fork, --index and --filter ({}; {}; ..)",
                title(first),
                title(second)
            ),
        }
    }
}

/// What was passed over, and how often: one line each.
#[derive(Default)]
pub(crate) struct PassedOver(BTreeMap<String, u64>);

impl PassedOver {
    /// Most kinds that are told apart.
    const MOST: usize = 100;

    /// Counts something, if it was passed over.
    pub(crate) fn count(&mut self, what: Option<&str>) {
        if let Some(what) = what {
            // A release has a few kinds; what makes up thousands of them is told as one.
            let is_known = self.0.contains_key(what) || self.0.len() < Self::MOST;
            *self.0.entry(if is_known { what } else { "others" }.to_owned()).or_default() += 1;
        }
    }

    /// Lines to stand below the sum, each with a break before it: with what was passed over in folders.
    pub(crate) fn text(mut self, incoming: &Incoming<'_>) -> String {
        if incoming.passed_over > 0 {
            let what = "entries of folders: hidden, linked to nothing, or not called .json or .json.gz";
            self.0.insert(what.to_owned(), incoming.passed_over);
        }
        self.0.iter().map(|(what, count)| format!("\n  passed over: {count} {what}")).collect()
    }
}

/// Prints results while a bar shows the progress: on a terminal. Elsewhere a line says it now and then.
pub(crate) struct Printer {
    bar: ProgressBar,
    start: Instant,
    /// When the last line of progress was written.
    told: Instant,
    cases: u64,
    failures: u64,
    failure: Option<io::Error>,
    /// Standard output is taken.
    is_aside: bool,
}

impl Printer {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        // The template is this constant; one that does not parse would only look plain.
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} files, {msg}, {eta} left") {
            bar.set_style(style);
        }
        let start = Instant::now();
        Self { bar, start, told: start, cases: 0, failures: 0, failure: None, is_aside: false }
    }

    /// One that prints everything to standard error.
    pub(crate) fn aside() -> Self {
        Self { is_aside: true, ..Self::new() }
    }

    /// Counts a result and prints it, if there is something to print. Stops the campaign if nobody reads any more.
    pub(crate) fn print(
        &mut self,
        progress: Progress,
        is_failure: bool,
        text: Option<&str>,
    ) -> ControlFlow<()> {
        self.cases += 1;
        self.failures += u64::from(is_failure);
        self.show(progress);
        let Some(text) = text else { return ControlFlow::Continue(()) };
        let print = || match self.is_aside {
            true => writeln!(io::stderr().lock(), "{text}"),
            false => writeln!(io::stdout().lock(), "{text}"),
        };
        match self.bar.suspend(print) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failure = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    /// Shows how far it is.
    fn show(&mut self, Progress { files_done, files, .. }: Progress) {
        if self.bar.is_hidden() {
            if self.told.elapsed() >= PATIENCE {
                self.told = Instant::now();
                complain(&format!("{files_done} of {files} files, {}", self.counts()));
            }
            return;
        }
        if self.bar.length() != Some(files as u64) {
            self.bar.set_length(files as u64);
        }
        self.bar.set_position(files_done as u64);
        self.bar.set_message(self.counts());
    }

    /// Cases so far, those that failed, and how fast they come.
    fn counts(&self) -> String {
        let Self { cases, failures, .. } = self;
        let seconds = self.start.elapsed().as_secs();
        let rate = cases / seconds.max(1);
        format!("{cases} cases, {failures} failed, {rate} a second, {seconds} s")
    }

    /// Does something to the terminal while the bar is away.
    pub(crate) fn beside(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }

    /// Ends the bar and prints the sum, to standard error where standard output is for machines.
    pub(crate) fn finish(self, summary: &str, json: bool) -> Result<()> {
        self.bar.finish_and_clear();
        // Who has waited is told how long.
        if self.start.elapsed() >= PATIENCE {
            complain(&self.counts());
        }
        match self.failure {
            Some(error) => Err(error.into()),
            None if json || self.is_aside => {
                complain(&summary);
                Ok(())
            }
            None => Ok(writeln!(io::stdout().lock(), "{summary}")?),
        }
    }
}
