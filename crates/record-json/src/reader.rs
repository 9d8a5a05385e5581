//! Reads what was written here, line by line.

use std::io::{self, BufRead, Read};

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    VERSION,
    run::{RUN, RunEnd, RunHeader},
    step::Step,
    trace::{STRUCT_LOGS, StructLogs, TRACE, TraceHeader, TraceStep},
};

/// Bytes of the longest line that is read: one struct log document, or a value that two sides differ in, may be long.
const LINE: u64 = 1 << 30;

/// One line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Line {
    /// A run begins.
    Run(Box<RunHeader>),
    /// A step of it.
    Step(Box<Step>),
    /// It ends.
    End(Box<RunEnd>),
    /// A trace begins.
    Trace(Box<TraceHeader>),
    /// A step of it.
    TraceStep(Box<TraceStep>),
    /// A whole execution.
    StructLogs(Box<StructLogs>),
}

/// Why a file cannot be read: the line, from 1, and what was expected there.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The reader failed.
    #[error("line {0}: {1}")]
    Io(u64, io::Error),
    /// It is not what is written here.
    #[error("line {0}: {1}")]
    Malformed(u64, String),
    /// It was written by another version.
    #[error("line {line}: version {version} of {format}, expected version {VERSION}")]
    Version {
        /// The line.
        line: u64,
        /// The format.
        format: String,
        /// The version that stands there.
        version: u64,
    },
}

/// The lines of a file, one after the other. Behind an error there are no more.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    line: u64,
    inside: Inside,
    text: Vec<u8>,
}

/// What the next line may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    /// A header.
    Nothing,
    /// A step, or the end.
    Run,
    /// A step, or a header.
    Trace,
    /// Nothing more is read.
    Over,
}

/// What tells a line.
#[derive(Deserialize)]
struct Told {
    format: Option<String>,
    version: Option<u64>,
    verdict: Option<serde::de::IgnoredAny>,
}

impl<R: BufRead> Reader<R> {
    /// Nothing is read yet.
    pub fn new(input: R) -> Self {
        Self { input, line: 0, inside: Inside::Nothing, text: Vec::new() }
    }

    fn read(&mut self) -> Result<Option<Line>, ReadError> {
        self.line += 1;
        self.text.clear();
        let read = (&mut self.input).take(LINE + 1).read_until(b'\n', &mut self.text);
        read.map_err(|error| ReadError::Io(self.line, error))?;
        if self.text.len() as u64 > LINE {
            return Err(self.malformed(format!("longer than {LINE} bytes")));
        }
        if self.text.is_empty() {
            return match self.inside {
                Inside::Run => {
                    Err(self.malformed("the file ends, expected a step or the end of the run".to_owned()))
                }
                _ => Ok(None),
            };
        }
        let Told { format, version, verdict } = self.parse()?;
        let Some(format) = format else {
            return match (self.inside, verdict) {
                (Inside::Run, Some(_)) => {
                    self.inside = Inside::Nothing;
                    self.parse().map(|end| Some(Line::End(end)))
                }
                (Inside::Run, None) => self.parse().map(|step| Some(Line::Step(step))),
                (Inside::Trace, None) => self.parse().map(|step| Some(Line::TraceStep(step))),
                _ => {
                    Err(self.malformed(format!("expected a header: format {RUN}, {TRACE} or {STRUCT_LOGS}")))
                }
            };
        };
        if self.inside == Inside::Run {
            return Err(self.malformed("a header, expected a step or the end of the run".to_owned()));
        }
        if ![RUN, TRACE, STRUCT_LOGS].contains(&&*format) {
            let format: String = format.chars().take(64).collect();
            return Err(
                self.malformed(format!("format {format:?}, expected {RUN}, {TRACE} or {STRUCT_LOGS}"))
            );
        }
        match version {
            Some(version) if version == u64::from(VERSION) => {}
            Some(version) => return Err(ReadError::Version { line: self.line, format, version }),
            None => return Err(self.malformed("a header without a version".to_owned())),
        }
        let (inside, line) = match &*format {
            RUN => (Inside::Run, Line::Run(self.parse()?)),
            TRACE => (Inside::Trace, Line::Trace(self.parse()?)),
            _ => (Inside::Nothing, Line::StructLogs(self.parse()?)),
        };
        self.inside = inside;
        Ok(Some(line))
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, ReadError> {
        // Of a line the column alone says where.
        serde_json::from_slice(&self.text).map_err(|error| {
            let text = error.to_string();
            self.malformed(text.replace(" at line 1 column ", " at column "))
        })
    }

    fn malformed(&self, what: String) -> ReadError {
        ReadError::Malformed(self.line, what)
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Line, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.inside == Inside::Over {
            return None;
        }
        let read = self.read();
        if !matches!(read, Ok(Some(_))) {
            self.inside = Inside::Over;
        }
        read.transpose()
    }
}
