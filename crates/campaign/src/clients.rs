//! A client's command as a side: it runs each case by itself, and its trace is compared with an engine's run as it comes.

use std::{
    io::{self, BufRead, Read, Seek, SeekFrom, Write},
    sync::{Mutex, OnceLock, PoisonError},
};

use parallax_client_process::{Client, CommandError, Ending, Limits, Output, Protocol};
use parallax_engine_interface::Engine;
use parallax_shadow_diff::{Field, ShadowConfig, Value, Verdict};
use parallax_state_tests::Case;
use parallax_tracer_eip3155::{
    self as eip3155, CompareOptions, Field as TraceField, Fields, ReadError, TraceReader, recognise,
};
use tempfile::NamedTempFile;

use crate::{
    DiffOutcome,
    right_trace::{TraceCompared, compare_trace},
};

/// Bytes of a first trace that are kept to find out whose it is.
const DETECTED_IN: u64 = 256 << 20;

/// What is compared with a client that was given the case in a file of its own: there its indexes are other ones.
const OF_A_CASE_ALONE: CompareOptions = CompareOptions::of(Fields::ALL.without(Fields::of(&[
    TraceField::Test,
    TraceField::D,
    TraceField::G,
    TraceField::V,
])));

/// A client's command as a side of a comparison. It is run on a file that has one case; each thread has a process of its own.
#[derive(Debug)]
pub struct ClientSide {
    name: String,
    command: String,
    protocol: Protocol,
    limits: Limits,
    /// Whose lines it writes.
    dialect: OnceLock<eip3155::Client>,
    idle: Mutex<Vec<Lane>>,
}

/// A process that waits, and the file that it reads its cases from.
#[derive(Debug)]
struct Lane {
    client: Client,
    file: NamedTempFile,
}

impl ClientSide {
    /// The side `name`. Where `dialect` is not said, it is found out from the first case's trace.
    ///
    /// # Errors
    ///
    /// If `command` is none. Whether there is such a program is seen at the first case.
    pub fn new(
        name: impl Into<String>,
        command: impl Into<String>,
        protocol: Protocol,
        limits: Limits,
        dialect: Option<eip3155::Client>,
    ) -> Result<Self, CommandError> {
        let (name, command) = (name.into(), command.into());
        Client::new(&command, protocol, limits)?;
        let dialect = dialect.map_or_else(OnceLock::new, OnceLock::from);
        Ok(Self { name, command, protocol, limits, dialect, idle: Mutex::default() })
    }

    /// What reports call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs a case on the client and on `engine`, which knows its rules, and compares every step as it comes.
    pub(crate) fn compare(&self, case: &Case, engine: &dyn Engine, config: &ShadowConfig) -> DiffOutcome {
        match self.lane().and_then(|mut lane| {
            let outcome = self.run(&mut lane, case, engine, config)?;
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(lane);
            Ok(outcome)
        }) {
            Ok(outcome) => outcome,
            Err(error) => Verdict::Crashed(format!("{}: {error}", self.name)).into(),
        }
    }

    fn lane(&self) -> io::Result<Lane> {
        if let Some(lane) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(lane);
        }
        let client = Client::new(&self.command, self.protocol, self.limits).map_err(io::Error::other)?;
        let file = tempfile::Builder::new().prefix("parallax-").suffix(".json").tempfile()?;
        Ok(Lane { client, file })
    }

    fn run(
        &self,
        Lane { client, file }: &mut Lane,
        case: &Case,
        engine: &dyn Engine,
        config: &ShadowConfig,
    ) -> io::Result<DiffOutcome> {
        let handle = file.as_file_mut();
        handle.set_len(0)?;
        handle.seek(SeekFrom::Start(0))?;
        handle.write_all(&case.alone())?;
        let mut output = client.run(file.path())?;
        let compared = match self.dialect.get() {
            Some(dialect) => self.compare_with(case, engine, TraceReader::new(&mut output, *dialect), config),
            None => self.compare_first(case, engine, &mut output, config),
        };
        Ok(self.outcome(compared, output.end()))
    }

    fn compare_with(
        &self,
        case: &Case,
        engine: &dyn Engine,
        trace: TraceReader<impl BufRead>,
        config: &ShadowConfig,
    ) -> Result<TraceCompared, ReadError> {
        compare_trace(case, engine, self.name.clone(), trace, OF_A_CASE_ALONE, config)
    }

    /// The first case: its trace is kept until it is known whose it is.
    fn compare_first(
        &self,
        case: &Case,
        engine: &dyn Engine,
        output: &mut Output<'_>,
        config: &ShadowConfig,
    ) -> Result<TraceCompared, ReadError> {
        let mut text = Vec::new();
        output.take(DETECTED_IN).read_to_end(&mut text).map_err(|error| ReadError::Io { line: 0, error })?;
        // A case without a step may look like several: another one will tell.
        let found = recognise(&text[..])?.client;
        let dialect = if text.windows(5).any(|key| key == b"\"pc\":") {
            *self.dialect.get_or_init(|| found)
        } else {
            found
        };
        self.compare_with(case, engine, TraceReader::new(&text[..], dialect), config)
    }

    fn outcome(&self, compared: Result<TraceCompared, ReadError>, ending: Ending) -> DiffOutcome {
        let name = &self.name;
        let is_cut = match &compared {
            Err(_) => true,
            Ok(TraceCompared { outcome, agreement }) => match &outcome.verdict {
                // What is not there any more is no other opinion.
                Verdict::Diverge(divergence) => {
                    divergence.field == Field::Step && divergence.right == Value::Absent
                }
                _ => agreement.as_ref().is_some_and(|agreement| {
                    let unknown = agreement.unknown();
                    unknown.contains(&"stateRoot") && unknown.contains(&"gasUsed")
                }),
            },
        };
        let verdict = match (ending, compared) {
            (Ending::TimedOut, _) => {
                Verdict::TimedOut(format!("{name}: no end after {:?}", self.limits.time))
            }
            (Ending::TooMuch, _) => {
                Verdict::Limit(format!("{name}: more than {} bytes of output", self.limits.output))
            }
            (Ending::Exited { status, said }, _) if is_cut => {
                let said = if said.is_empty() { String::new() } else { format!(": {said}") };
                Verdict::Crashed(format!("{name}: {status}{said}"))
            }
            (_, Ok(TraceCompared { outcome, .. })) => return outcome,
            (_, Err(error)) => Verdict::Poisoned(format!("{name}: {error}")),
        };
        verdict.into()
    }
}
