//! The reports of all shards of a comparison, put together to the one that a single process would have written, byte for byte.
//!
//! Reports are read twice: once for how each ends, and once for their cases, a line of each report at a time, so that the memory
//! that it takes does not grow with the cases.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    fs::File,
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{CountedTests, DiffSummary, Shard};

/// How a report begins and ends.
pub(super) const HEAD: &str = "{\"cases\":[";
pub(super) const SUM: &str = "],\"summary\":";
/// What a shard's case begins with: the number of its test.
const NUMBER: &str = "{\"at\":";

/// A shard's line of a case.
pub(super) fn numbered(test: u64, line: &str) -> String {
    format!("{NUMBER}{test},{}", line.strip_prefix('{').unwrap_or(line))
}

/// Why reports make no whole.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A report cannot be read, or the merged one not be written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file holds something else.
    #[error("{path}: line {line}: expected {expected}", path = path.display())]
    NoReport {
        /// Which.
        path: PathBuf,
        /// Where, from 1.
        line: u64,
        /// What belongs there.
        expected: &'static str,
    },
    /// A report has no sum: who wrote it was ended.
    #[error("{path}: the report that begins at line {line} was not finished, run its shard again", path = path.display())]
    Unfinished {
        /// Which.
        path: PathBuf,
        /// Where it begins, from 1.
        line: u64,
    },
    /// A shard was stopped.
    #[error("{path}: shard {shard} was stopped before its end, run it again", path = path.display())]
    Stopped {
        /// Which.
        path: PathBuf,
        /// Whose report it is.
        shard: Shard,
    },
    /// Two reports were not asked for alike.
    #[error("{first} and {second} were not asked for alike: {told:?} and {other:?}", first = first.display(), second = second.display())]
    Apart {
        /// One of them.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// What the first says.
        told: String,
        /// What the second says.
        other: String,
    },
    /// Two shards were cut from other tests.
    #[error("{first} and {second} are not of the same tests: {told}, and {other}", first = first.display(), second = second.display())]
    OtherTests {
        /// One of them.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// What the first was cut from.
        told: CountedTests,
        /// What the second was cut from.
        other: CountedTests,
    },
    /// A shard is there more than once.
    #[error("shard {shard} is in {first} and in {second}", first = first.display(), second = second.display())]
    Twice {
        /// Which.
        shard: Shard,
        /// One of them.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// Shards are not there.
    #[error("{there} of {of} shards are there: the first that is not is {missing}/{of}")]
    Missing {
        /// How many are.
        there: u64,
        /// How many there are to be.
        of: u64,
        /// The number of the first that is not.
        missing: u64,
    },
}

/// The reports of all shards of a comparison.
pub struct ShardReports {
    parts: BTreeMap<Shard, Part>,
    /// What all of them came to.
    pub summary: DiffSummary,
    /// Names of the engines, left and right.
    pub engines: [String; 2],
}

/// How a report ends.
#[derive(Deserialize)]
struct Ending<'a> {
    summary: DiffSummary,
    #[serde(borrow)]
    setup: &'a RawValue,
}

#[derive(Deserialize)]
struct Setup {
    engines: [String; 2],
    command: String,
    #[serde(default)]
    shard: Option<Shard>,
}

/// One report of a file.
struct Part {
    path: PathBuf,
    /// Where the lines of its cases begin: the byte, and the line from 1.
    begin: (u64, u64),
    shard: Shard,
    summary: DiffSummary,
    /// What the shard was cut from.
    tests: CountedTests,
    engines: [String; 2],
    command: String,
    /// How it was asked for, as JSON, without the shard.
    setup: String,
}

impl ShardReports {
    /// Looks at how the reports that `paths` hold end, one or several a file.
    ///
    /// Fails if one cannot be read, is no finished report of a shard, or was asked for otherwise, and if they are not each shard once.
    pub fn read(paths: &[PathBuf]) -> Result<Self, MergeError> {
        let mut parts: BTreeMap<Shard, Part> = BTreeMap::new();
        for path in paths {
            for part in parts_of(path)? {
                if let Some(first) = parts.values().next() {
                    agree(first, &part)?;
                }
                let (shard, second) = (part.shard, part.path.clone());
                if let Some(Part { path: first, .. }) = parts.insert(shard, part) {
                    return Err(MergeError::Twice { shard, first, second });
                }
            }
        }
        let Some((shard, Part { engines, .. })) = parts.first_key_value() else {
            return Err(MergeError::Missing { there: 0, of: 1, missing: 1 });
        };
        let (of, there, engines) = (shard.of(), parts.len() as u64, engines.clone());
        if there < of {
            let gap = (1..).zip(parts.keys()).find(|(number, shard)| *number != shard.number());
            let missing = gap.map_or(there + 1, |(number, _)| number);
            return Err(MergeError::Missing { there, of, missing });
        }
        let mut summary = DiffSummary { complete: true, ..DiffSummary::default() };
        parts.values().for_each(|part| summary.add(&part.summary));
        Ok(Self { parts, summary, engines })
    }

    /// Writes the whole to `out`, which is called `name` in errors.
    ///
    /// Fails if a report cannot be read any more, or if `out` fails.
    pub fn write(&self, out: &mut dyn Write, name: &Path) -> Result<(), MergeError> {
        let failed = |source| MergeError::Io { path: name.to_owned(), source };
        let mut lines = Vec::new();
        // The next test of each report.
        let mut next = BinaryHeap::new();
        for part in self.parts.values() {
            let mut cases = Lines::open(&part.path, part.begin)?;
            if let Some(test) = cases.next_case()? {
                next.push(Reverse((test, lines.len())));
            }
            lines.push(cases);
        }
        let mut separator = "\n";
        out.write_all(HEAD.as_bytes()).map_err(failed)?;
        while let Some(Reverse((_, at))) = next.pop() {
            let cases = &mut lines[at];
            write!(out, "{separator}{{{}", cases.case()).map_err(failed)?;
            separator = ",\n";
            if let Some(test) = cases.next_case()? {
                next.push(Reverse((test, at)));
            }
        }
        let setup = self.parts.values().next().map_or("{}", |part| &part.setup);
        // Numbers and names always serialise.
        let summary = serde_json::to_string(&self.summary).unwrap_or_default();
        writeln!(out, "\n{SUM}{summary},\"setup\":{setup}}}").and_then(|()| out.flush()).map_err(failed)
    }
}

fn agree(first: &Part, second: &Part) -> Result<(), MergeError> {
    let asked = |part: &Part| format!("{}, of {} shards", part.command, part.shard.of());
    let paths = || (first.path.clone(), second.path.clone());
    if first.setup != second.setup || first.shard.of() != second.shard.of() {
        let ((first, second), told, other) = (paths(), asked(first), asked(second));
        return Err(MergeError::Apart { first, second, told, other });
    }
    if first.tests != second.tests {
        let ((first, second), told, other) = (paths(), first.tests, second.tests);
        return Err(MergeError::OtherTests { first, second, told, other });
    }
    Ok(())
}

/// The reports of a file, and how each ends.
fn parts_of(path: &Path) -> Result<Vec<Part>, MergeError> {
    let mut lines = Lines::open(path, (0, 1))?;
    let mut parts = Vec::new();
    while lines.next()? {
        let expected =
            |expected| MergeError::NoReport { path: path.to_owned(), line: lines.number, expected };
        if lines.text != HEAD {
            return Err(expected("a report, as --report json=FILE writes it"));
        }
        let head = lines.number;
        let begin = (lines.at, lines.number + 1);
        let unfinished = || MergeError::Unfinished { path: path.to_owned(), line: head };
        loop {
            if !lines.next()? || lines.text == "]}" || lines.text == HEAD {
                return Err(unfinished());
            }
            if lines.text.starts_with(SUM) {
                break;
            }
        }
        let expected =
            |expected| MergeError::NoReport { path: path.to_owned(), line: lines.number, expected };
        // What stands behind the cases, as an object.
        let ending = format!("{{{}", lines.text.strip_prefix("],").unwrap_or_default());
        let Ok(Ending { mut summary, setup }) = serde_json::from_str(&ending) else {
            return Err(expected("the sum of a comparison and how it was asked for"));
        };
        let told = serde_json::from_str(setup.get());
        let (Ok(Setup { engines, command, shard: Some(shard) }), Some(tests)) = (told, summary.tests.take())
        else {
            return Err(expected("a report of a shard, as --shard I/N asks for"));
        };
        if !summary.complete {
            return Err(MergeError::Stopped { path: path.to_owned(), shard });
        }
        let setup = setup.get().replace(&format!(",\"shard\":\"{shard}\""), "");
        parts.push(Part { path: path.to_owned(), begin, shard, summary, tests, engines, command, setup });
    }
    match parts.is_empty() {
        true => Err(MergeError::NoReport {
            path: path.to_owned(),
            line: 1,
            expected: "a report, as --report json=FILE writes it",
        }),
        false => Ok(parts),
    }
}

/// The lines of a file, one at a time.
struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    text: String,
    /// The line that was read last, from 1.
    number: u64,
    /// Where the next one begins, in bytes.
    at: u64,
}

impl Lines {
    fn open(path: &Path, (at, number): (u64, u64)) -> Result<Self, MergeError> {
        let failed = |source| MergeError::Io { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed)?;
        file.seek(SeekFrom::Start(at)).map_err(failed)?;
        let file = BufReader::with_capacity(1 << 16, file);
        Ok(Self { path: path.to_owned(), file, text: String::new(), number: number - 1, at })
    }

    /// Whether there is one more.
    fn next(&mut self) -> Result<bool, MergeError> {
        self.text.clear();
        let read = self.file.read_line(&mut self.text);
        let read = read.map_err(|source| MergeError::Io { path: self.path.clone(), source })?;
        self.at += read as u64;
        self.number += 1;
        let end = self.text.trim_end_matches(['\n', '\r']).len();
        self.text.truncate(end);
        Ok(read > 0)
    }

    /// The number of the next case's test; `None` behind the last.
    fn next_case(&mut self) -> Result<Option<u64>, MergeError> {
        if !self.next()? || self.text.starts_with(SUM) {
            return Ok(None);
        }
        let rest = self.text.strip_prefix(NUMBER);
        let test = rest.and_then(|rest| rest.split_once(',')?.0.parse().ok());
        test.map(Some).ok_or_else(|| MergeError::NoReport {
            path: self.path.clone(),
            line: self.number,
            expected: "a case of a shard, with the number of its test",
        })
    }

    /// The case that was read last, as a report of all has it, without its first brace.
    fn case(&self) -> &str {
        let rest = self.text.split_once(',').map_or("", |(_, rest)| rest);
        rest.strip_suffix(',').unwrap_or(rest)
    }
}
