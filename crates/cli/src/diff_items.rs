//! `parallax diff --list` and `--pipe`: a comparison as items of work, a line each, for whatever spreads lines over machines.

use std::{
    io::{self, Write},
    ops::{ControlFlow, Range},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use parallax_campaign::{
    DiffReport, DiffSetup, DiffTask, Discovery, Isolation, ItemAnswer, Progress, Shard, diff_isolated,
    members,
};

use crate::{
    arguments::DiffArguments,
    path_lines::PathLine,
    report::Status,
    selection::{Incoming, List},
};

/// Prints the items of work that `paths` are made of, in the order in which one process would run them.
pub(crate) fn list(paths: &[PathBuf]) -> Result<Status> {
    let found = Discovery::of(paths, &mut io::stdin().lock())?;
    let mut items = Vec::with_capacity(found.files.len());
    for file in &found.files {
        items.extend(members(file)?);
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    for (item, path) in (1..).zip(&items) {
        let path = path.to_str().filter(|path| !path.contains(['\n', '\r']));
        let path = path.with_context(|| format!("item {item}: expected a name that is text, in one line"))?;
        writeln!(out, "{item}/{} {path}", items.len())?;
    }
    out.flush()?;
    Ok(Status::Well)
}

/// Answers each item of standard input when it has run, in the order in which they come.
pub(crate) fn pipe(arguments: &DiffArguments, task: &DiffTask) -> Result<Status> {
    let mut incoming = Incoming::new(&arguments.selection);
    let workers = arguments.isolation.workers()?;
    incoming.watch_interrupts(workers.is_some())?;
    let isolation = workers.as_ref().map_or(Isolation::InProcess, Isolation::Workers);
    let setup = task.setup(&task.config(&arguments.left, &arguments.right()));
    let mut list = List::begin()?;
    while let Some(lines) = list.next()? {
        let mut items = Items::of(lines);
        let files = std::mem::take(&mut items.files);
        let selected = incoming.select(files);
        let mut failure = None;
        let deliver = |report: &DiffReport, progress: Progress| {
            let told = items.before(progress.files_done, &setup);
            items.left.last_mut().into_iter().for_each(|(answer, _)| answer.add(report));
            match told {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        };
        let summary = diff_isolated(&selected.campaign(), task, isolation, deliver)?;
        failure.map_or(Ok(()), Err)?;
        if !summary.complete || !incoming.is_complete() {
            break;
        }
        items.before(usize::MAX, &setup)?;
    }
    Ok(if incoming.is_complete() { Status::Well } else { Status::Interrupted })
}

/// Items that came together.
struct Items {
    files: Vec<PathBuf>,
    /// Each with those of the files that are its own, the last one first.
    left: Vec<(ItemAnswer, Range<usize>)>,
}

impl Items {
    fn of(lines: Vec<PathLine>) -> Self {
        let (mut files, mut left) = (Vec::new(), Vec::new());
        for line in lines {
            let begin = files.len();
            let answer = match line {
                PathLine::Empty => continue,
                PathLine::Path(line) => {
                    let (item, path) = placed(&line);
                    let answer = ItemAnswer::new(item, &path.to_string_lossy());
                    match Discovery::of(&[path.to_owned()], &mut io::empty()) {
                        Ok(found) => {
                            files.extend(found.files);
                            answer
                        }
                        Err(error) => answer.failed(error.to_string()),
                    }
                }
                PathLine::Bad(reason) | PathLine::Json(reason) => ItemAnswer::new(None, "").failed(reason),
            };
            left.push((answer, begin..files.len()));
        }
        left.reverse();
        Self { files, left }
    }

    /// Tells what came of all items before the one that this file is of.
    fn before(&mut self, file: usize, setup: &DiffSetup) -> io::Result<()> {
        while let Some((answer, _)) = self.left.pop_if(|(_, files)| files.end <= file) {
            let mut out = io::stdout().lock();
            writeln!(out, "{}", answer.line(setup))?;
            out.flush()?;
        }
        Ok(())
    }
}

/// An item's place among all, where the line tells one, and what it names.
fn placed(line: &Path) -> (Option<Shard>, &Path) {
    let told = line.to_str().and_then(|line| line.split_once(' '));
    match told.and_then(|(place, path)| Some((place.parse().ok()?, path))) {
        Some((item, path)) => (Some(item), Path::new(path)),
        None => (None, line),
    }
}
