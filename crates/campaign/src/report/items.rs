//! Items of work of a comparison, each answered by one line of JSON, in any order and on any machine; and the report of all of them, byte for
//! byte that of one process.
//!
//! A line has its item's place among all, its cases as a report has them, their sum, and how it was asked for. So nothing is known of
//! who answered, or when: two answers to one item are the same line.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    DiffSetup,
    json::{json, setup_json},
    merge::{HEAD, SUM},
};
use crate::{DiffReport, DiffSummary, Shard};

/// Most bytes of an answer. A file of tests is no larger.
const MAX_LINE: u64 = 1 << 30;
/// Most items: as many as a campaign takes files.
const MAX_ITEMS: u64 = 10_000_000;

/// What comes of one item of work, while its cases run.
#[derive(Debug)]
pub struct ItemAnswer {
    item: Option<Shard>,
    path: String,
    /// Lines of cases, with commas between them.
    cases: String,
    summary: DiffSummary,
    error: Option<String>,
}

impl ItemAnswer {
    /// That of an item of which nothing ran yet: its place among all, the I-th of N, if it has one, and what it names.
    pub fn new(item: Option<Shard>, path: &str) -> Self {
        let summary = DiffSummary { complete: true, ..DiffSummary::default() };
        Self { item, path: path.to_owned(), cases: String::new(), summary, error: None }
    }

    /// The same, where it cannot be run: why.
    #[must_use]
    pub fn failed(self, error: String) -> Self {
        Self { error: Some(error), ..self }
    }

    /// Adds one case, told as JSON.
    pub fn add(&mut self, report: &DiffReport) {
        let Some(line) = &report.told.json else { return };
        if (self.cases.len() + line.len()) as u64 > MAX_LINE / 2 {
            let most = MAX_LINE / 2;
            self.error = Some(format!("its cases come to more than {most} bytes: expected a smaller item"));
            return;
        }
        if !self.cases.is_empty() {
            self.cases.push(',');
        }
        self.cases.push_str(line);
        self.summary.add(&report.sum);
    }

    /// The line. It is `item path cases summary setup`, or `item path error`; `item` is null where no place was told.
    pub fn line(self, setup: &DiffSetup) -> String {
        let Self { item, path, cases, summary, error } = self;
        let head = format!("{{\"item\":{},\"path\":{}", json(&item), json(&path));
        match error {
            Some(error) => format!("{head},\"error\":{}}}", json(&error)),
            None => {
                let (summary, setup) = (json(&summary), setup_json(setup));
                format!("{head},\"cases\":[{cases}],\"summary\":{summary},\"setup\":{setup}}}")
            }
        }
    }
}

/// Why answers make no whole.
#[derive(Debug, thiserror::Error)]
pub enum ItemsError {
    /// Answers cannot be read, or the report not be written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A line is something else.
    #[error("{path}: line {line}: expected {expected}", path = path.display())]
    NoAnswer {
        /// Of which file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What belongs there.
        expected: &'static str,
    },
    /// An item was not run.
    #[error("{path}: line {line}: {item} was not run: {error}", path = path.display())]
    NotRun {
        /// Of which file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// Which.
        item: String,
        /// Why.
        error: String,
    },
    /// Two answers were not asked for alike, or are different ones to the same item.
    #[error("{first}: line {first_line} and {second}: line {second_line}: {what}", first = first.display(), second = second.display())]
    Apart {
        /// One of them.
        first: PathBuf,
        /// Its line, from 1.
        first_line: u64,
        /// The other.
        second: PathBuf,
        /// Its line, from 1.
        second_line: u64,
        /// What is different.
        what: &'static str,
    },
    /// Items are not answered.
    #[error("{there} of {of} items are answered: the first that is not is {missing}/{of}")]
    Missing {
        /// How many are.
        there: u64,
        /// How many there are to be.
        of: u64,
        /// The number of the first that is not.
        missing: u64,
    },
}

/// The answers to all items of a comparison.
pub struct ItemAnswers {
    paths: Vec<PathBuf>,
    answers: BTreeMap<u64, Spot>,
    setup: String,
    /// What all of them came to.
    pub summary: DiffSummary,
    /// Names of the engines, left and right.
    pub engines: [String; 2],
}

/// Where an answer stands.
#[derive(Clone, Copy)]
struct Spot {
    /// Which of the files.
    path: usize,
    /// The line, from 1.
    line: u64,
    /// Where it begins, in bytes.
    at: u64,
}

/// A line of an answer.
#[derive(Deserialize)]
struct Answer<'a> {
    item: Option<Shard>,
    path: String,
    error: Option<String>,
    #[serde(borrow)]
    cases: Option<Vec<&'a RawValue>>,
    summary: Option<DiffSummary>,
    #[serde(borrow)]
    setup: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Engines {
    engines: [String; 2],
}

const ANSWER: &str = "an answer to an item of parallax diff --list, as parallax diff --pipe writes it";

impl ItemAnswers {
    /// Whether a file begins like answers, and not like a report.
    pub fn are_in(path: &Path) -> bool {
        let mut head = Vec::new();
        let read = File::open(path).and_then(|file| file.take(8).read_to_end(&mut head));
        read.is_ok() && head.starts_with(b"{\"item\":")
    }

    /// Looks through the answers that files hold, one a line, in any order.
    ///
    /// # Errors
    ///
    /// A file cannot be read; a line is no answer, or one that says that its item was not run, where there is no other that it was;
    /// answers were not asked for alike; or they are not to every item.
    pub fn read(paths: &[PathBuf]) -> Result<Self, ItemsError> {
        let mut gathered = Gathered::new(paths);
        for path in 0..paths.len() {
            gathered.read(path)?;
        }
        let Gathered { answers, first, summary, failed, .. } = gathered;
        let failure = |(spot, item, error): (Spot, String, String)| {
            let path = paths[spot.path].clone();
            ItemsError::NotRun { path, line: spot.line, item, error }
        };
        let is_open = |number: Option<u64>| number.is_none_or(|number| !answers.contains_key(&number));
        if let Some((_, what)) = failed.into_iter().find(|(number, _)| is_open(*number)) {
            return Err(failure(what));
        }
        let Some(First { of, setup, engines, .. }) = first else {
            return Err(ItemsError::Missing { there: 0, of: 1, missing: 1 });
        };
        let there = answers.len() as u64;
        if there < of {
            let gap = (1..).zip(answers.keys()).find(|(expected, number)| expected != *number);
            let missing = gap.map_or(there + 1, |(expected, _)| expected);
            return Err(ItemsError::Missing { there, of, missing });
        }
        Ok(Self { paths: paths.to_owned(), answers, setup, summary, engines })
    }

    /// Writes the report to `out`, which is called `name` in errors.
    ///
    /// # Errors
    ///
    /// A file of answers cannot be read any more, or `out` fails.
    pub fn write(&self, out: &mut dyn Write, name: &Path) -> Result<(), ItemsError> {
        let failed = |source| ItemsError::Io { path: name.to_owned(), source };
        let mut files = Vec::with_capacity(self.paths.len());
        for path in &self.paths {
            files.push(Lines::open(path)?);
        }
        let mut separator = "\n";
        out.write_all(HEAD.as_bytes()).map_err(failed)?;
        for spot in self.answers.values() {
            let line = files[spot.path].line_at(spot.at)?;
            let Ok(Answer { cases: Some(cases), .. }) = serde_json::from_str(line) else {
                let (path, line) = (self.paths[spot.path].clone(), spot.line);
                return Err(ItemsError::NoAnswer { path, line, expected: ANSWER });
            };
            for case in cases {
                write!(out, "{separator}{case}").map_err(failed)?;
                separator = ",\n";
            }
        }
        let summary = json(&self.summary);
        let setup = &self.setup;
        writeln!(out, "\n{SUM}{summary},\"setup\":{setup}}}").and_then(|()| out.flush()).map_err(failed)
    }
}

/// What was told first, and all others must tell too.
struct First {
    spot: Spot,
    of: u64,
    setup: String,
    engines: [String; 2],
}

/// Answers so far.
struct Gathered<'a> {
    paths: &'a [PathBuf],
    answers: BTreeMap<u64, Spot>,
    first: Option<First>,
    summary: DiffSummary,
    /// Items that were not run, by their numbers, and lines that were none: one for each number.
    failed: BTreeMap<Option<u64>, (Spot, String, String)>,
}

impl<'a> Gathered<'a> {
    fn new(paths: &'a [PathBuf]) -> Self {
        let summary = DiffSummary { complete: true, ..DiffSummary::default() };
        Self { paths, answers: BTreeMap::new(), first: None, summary, failed: BTreeMap::new() }
    }

    fn read(&mut self, path: usize) -> Result<(), ItemsError> {
        let mut lines = Lines::open(&self.paths[path])?;
        while lines.next()? {
            if lines.text.is_empty() {
                continue;
            }
            let spot = Spot { path, line: lines.number, at: lines.begin };
            let no_answer =
                || ItemsError::NoAnswer { path: self.paths[path].clone(), line: spot.line, expected: ANSWER };
            let answer: Answer<'_> = serde_json::from_str(&lines.text).map_err(|_| no_answer())?;
            let number = answer.item.map(Shard::number);
            if let Some(error) = answer.error {
                let item = answer.item.map_or_else(|| answer.path.clone(), |item| format!("item {item}"));
                self.failed.entry(number).or_insert((spot, item, error));
                continue;
            }
            let (Some(item), Some(_), Some(summary), Some(setup)) =
                (answer.item, answer.cases, answer.summary, answer.setup)
            else {
                return Err(no_answer());
            };
            if item.of() > MAX_ITEMS {
                return Err(no_answer());
            }
            self.agree(spot, item, setup)?;
            match self.answers.get(&item.number()) {
                None => {
                    self.answers.insert(item.number(), spot);
                    self.summary.add(&summary);
                }
                Some(before) => {
                    if Lines::open(&self.paths[before.path])?.line_at(before.at)? != lines.text {
                        return Err(self.apart(*before, spot, "different answers to the same item"));
                    }
                }
            }
        }
        Ok(())
    }

    fn agree(&mut self, spot: Spot, item: Shard, setup: &RawValue) -> Result<(), ItemsError> {
        match &self.first {
            Some(first) if first.setup != setup.get() => {
                Err(self.apart(first.spot, spot, "not asked for alike"))
            }
            Some(first) if first.of != item.of() => {
                Err(self.apart(first.spot, spot, "items of different lists"))
            }
            Some(_) => Ok(()),
            None => {
                let engines = serde_json::from_str(setup.get());
                let Engines { engines } = engines.map_err(|_| ItemsError::NoAnswer {
                    path: self.paths[spot.path].clone(),
                    line: spot.line,
                    expected: ANSWER,
                })?;
                self.first = Some(First { spot, of: item.of(), setup: setup.get().to_owned(), engines });
                Ok(())
            }
        }
    }

    fn apart(&self, first: Spot, second: Spot, what: &'static str) -> ItemsError {
        let path = |spot: Spot| self.paths[spot.path].clone();
        ItemsError::Apart {
            first: path(first),
            first_line: first.line,
            second: path(second),
            second_line: second.line,
            what,
        }
    }
}

/// The lines of a file, one at a time.
struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    text: String,
    /// The line that was read last, from 1.
    number: u64,
    /// Where it begins, in bytes.
    begin: u64,
    /// Where the next one begins.
    end: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, ItemsError> {
        let file = File::open(path).map_err(|source| ItemsError::Io { path: path.to_owned(), source })?;
        let file = BufReader::with_capacity(1 << 16, file);
        Ok(Self { path: path.to_owned(), file, text: String::new(), number: 0, begin: 0, end: 0 })
    }

    /// Whether there is one more.
    fn next(&mut self) -> Result<bool, ItemsError> {
        self.text.clear();
        let failed = |source| ItemsError::Io { path: self.path.clone(), source };
        let read = self.file.by_ref().take(MAX_LINE + 1).read_line(&mut self.text).map_err(failed)? as u64;
        (self.number, self.begin, self.end) = (self.number + 1, self.end, self.end + read);
        if read > MAX_LINE {
            let expected = "a line of at most 1073741824 bytes";
            return Err(ItemsError::NoAnswer { path: self.path.clone(), line: self.number, expected });
        }
        let end = self.text.trim_end_matches(['\n', '\r']).len();
        self.text.truncate(end);
        Ok(read > 0)
    }

    /// The line that begins there.
    fn line_at(&mut self, at: u64) -> Result<&str, ItemsError> {
        let failed = |source| ItemsError::Io { path: self.path.clone(), source };
        // The buffer is kept where the next one is wanted.
        let by = i64::try_from(at).unwrap_or(i64::MAX) - i64::try_from(self.end).unwrap_or(i64::MAX);
        match by {
            0 => {}
            _ => drop(self.file.seek(SeekFrom::Start(at)).map_err(failed)?),
        }
        self.end = at;
        self.next()?;
        Ok(&self.text)
    }
}
