//! From the paths and options of a command to a campaign: which files, how they are watched and how it may be stopped.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use parallax_campaign::{Campaign, Delivered, Discovery, Progress, RunBy, Selection, file_of, title};
use parallax_state_tests::Case;

use crate::{
    arguments::SelectionArguments,
    report::{Status, complain},
};

/// Set by the first interrupt; the second ends the process at once.
static CANCEL: AtomicBool = AtomicBool::new(false);

/// The files of a command, and what went wrong on the way to them.
pub(crate) struct Selected {
    files: Vec<PathBuf>,
    /// As [`Discovery::passed_over`].
    passed_over: u64,
    selection: Selection,
    jobs: usize,
    /// [`Status::WrongInput`] if a path named nothing; the others are run all the same.
    pub(crate) status: Status,
}

impl Selected {
    /// Finds the files. Each path that names none is a line on standard error.
    pub(crate) fn find(arguments: &SelectionArguments) -> Result<Self> {
        let mut paths = Vec::new();
        for path in &arguments.paths {
            if path != Path::new("-") {
                paths.push(path.clone());
                continue;
            }
            let before = paths.len();
            for line in io::stdin().lock().lines() {
                let line = line.context("standard input: expected a list of paths, one a line")?;
                if !line.trim().is_empty() {
                    paths.push(line.trim_end_matches('\r').into());
                }
            }
            if paths.len() == before {
                bail!("standard input: expected a list of paths, one a line, found none");
            }
        }
        Ok(Self::of(arguments, paths))
    }

    /// The files that one path names.
    pub(crate) fn path(arguments: &SelectionArguments, path: &str) -> Self {
        Self::of(arguments, vec![path.into()])
    }

    fn of(arguments: &SelectionArguments, paths: Vec<PathBuf>) -> Self {
        let mut status = Status::Well;
        let mut files = Vec::new();
        let mut passed_over = 0;
        for path in paths {
            match Discovery::of(std::slice::from_ref(&path), &mut io::empty()) {
                Ok(found) => {
                    files.extend(found.files);
                    passed_over += found.passed_over;
                }
                Err(error) => {
                    complain(&error);
                    status = Status::WrongInput;
                }
            }
        }
        let SelectionArguments { only_fork: rules, index, .. } = *arguments;
        let by = arguments.by.as_ref().map(|given| RunBy { rules: given.rules, name: given.text.clone() });
        let selection = Selection { filter: arguments.filter.clone(), rules, by, index };
        Self { files, passed_over, selection, jobs: arguments.jobs.unwrap_or(0), status }
    }

    /// The campaign over them, which an interrupt ends with the process.
    pub(crate) fn unwatched(&self) -> Campaign<'_> {
        Campaign { files: &self.files, selection: &self.selection, jobs: self.jobs, cancel: &CANCEL }
    }

    /// The files on disk that they are in.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|path| file_of(path))
    }

    /// The campaign over them. From now on an interrupt (INT, TERM or HUP) stops it instead of the process: at once if its cases
    /// run in workers, otherwise when those that run are over.
    pub(crate) fn campaign(&self, in_workers: bool) -> Result<Campaign<'_>> {
        ctrlc::set_handler(move || {
            if CANCEL.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
            let running = if in_workers { "ended" } else { "finished" };
            complain(&format!(
                "interrupted: cases that run are {running}, and reports are closed; interrupt again to end at once"
            ));
        })
        .context("cannot watch for interrupts")?;
        Ok(self.unwatched())
    }

    /// The one case that is selected, or `None` if something cannot be read, which is told on standard error.
    pub(crate) fn only_case(&self) -> Result<Option<Case>> {
        let cancel = AtomicBool::new(false);
        let campaign = Campaign { files: &self.files, selection: &self.selection, jobs: 1, cancel: &cancel };
        let mut cases = Vec::new();
        let mut is_readable = self.status == Status::Well;
        campaign.run(
            |_| (),
            |_, _| (),
            |delivered, _| {
                match delivered {
                    Delivered::Case(case, ()) => cases.push(case),
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

    /// How a campaign ended: `counted` cases came to something, `passed_over` of them were not run as they are of other kinds, and
    /// `unreadable` of them came to nothing but an error.
    pub(crate) fn status(&self, is_success: bool, counted: u64, passed_over: u64, unreadable: u64) -> Status {
        if CANCEL.load(Ordering::Relaxed) {
            complain(&"interrupted: the results so far are above");
            return Status::Interrupted;
        }
        if counted == 0 && self.status == Status::Well {
            complain(&format!(
                "no case selected: {} files have none that fits --only-fork, --index and --filter",
                self.files.len()
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
}

/// What was passed over, and how often: one line each.
pub(crate) struct PassedOver(BTreeMap<String, u64>);

impl PassedOver {
    /// With what was passed over in folders.
    pub(crate) fn of(selected: &Selected) -> Self {
        let what = "entries of folders: hidden, linked to nothing, or not called .json or .json.gz";
        let count = selected.passed_over;
        Self(if count > 0 { BTreeMap::from([(what.to_owned(), count)]) } else { BTreeMap::new() })
    }

    /// Counts something, if it was passed over.
    pub(crate) fn count(&mut self, what: Option<&str>) {
        if let Some(what) = what {
            // A release has a few kinds; what makes up thousands of them is told as one.
            let is_known = self.0.contains_key(what) || self.0.len() < Self::MOST;
            *self.0.entry(if is_known { what } else { "others" }.to_owned()).or_default() += 1;
        }
    }

    /// Most kinds that are told apart.
    const MOST: usize = 100;

    /// Lines to stand below the sum, each with a break before it.
    pub(crate) fn text(&self) -> String {
        self.0.iter().map(|(what, count)| format!("\n  passed over: {count} {what}")).collect()
    }
}

/// Prints results while a bar shows the progress: on a terminal, and nowhere else.
pub(crate) struct Printer {
    bar: ProgressBar,
    failure: Option<io::Error>,
    /// Standard output is taken.
    is_aside: bool,
}

impl Printer {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        // The template is this constant; one that does not parse would only look plain.
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} files") {
            bar.set_style(style);
        }
        Self { bar, failure: None, is_aside: false }
    }

    /// One that prints everything to standard error.
    pub(crate) fn aside() -> Self {
        Self { is_aside: true, ..Self::new() }
    }

    /// Prints a result, if there is one to print. Stops the campaign if nobody reads any more.
    pub(crate) fn print(&mut self, progress: Progress, text: Option<&str>) -> ControlFlow<()> {
        if self.bar.length() != Some(progress.files as u64) {
            self.bar.set_length(progress.files as u64);
        }
        self.bar.set_position(progress.files_done as u64);
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

    /// Does something to the terminal while the bar is away.
    pub(crate) fn beside(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }

    /// Ends the bar and prints the sum, to standard error where standard output is for machines.
    pub(crate) fn finish(self, summary: &str, json: bool) -> Result<()> {
        self.bar.finish_and_clear();
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
