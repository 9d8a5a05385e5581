//! Traces of cases: the tracer that the options name, on one run, into one writer; and the digest of a trace's step lines.
//!
//! Invariant: what goes wrong while writing is told beside the run's result and never changes it.

use std::{
    io::{self, Write},
    str::FromStr,
    sync::{Mutex, PoisonError},
};

use parallax_engine_interface::Engine;
use parallax_hooks::Hooks;
use parallax_primitives::{B256, Fork, FrameStatus, TxOutcome};
use parallax_state_tests::{Case, CaseResult, run};
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{Dialect, Eip3155Tracer, Options, Summary};
use parallax_tracer_standard::{Recorder, StructLogOptions, TracerConfig};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::step_limit::StepLimit;

/// What a trace holds and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceOptions {
    /// Lines or struct logs.
    pub format: TraceFormat,
    /// Whether to write the memory.
    pub memory: bool,
    /// Whether to write storage.
    pub storage: bool,
    /// Whether to leave out the stack.
    pub no_stack: bool,
    /// Whether to leave out return data.
    pub no_return_data: bool,
}

/// The format of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum TraceFormat {
    /// EIP-3155 lines in a dialect.
    Lines(Dialect),
    /// The object that `debug_traceTransaction` answers, one a transaction, each on its own line.
    StructLogs,
}

/// What users call it.
const STRUCT_LOGS: &str = "struct";

impl From<TraceFormat> for String {
    fn from(format: TraceFormat) -> Self {
        match format {
            TraceFormat::Lines(dialect) => dialect.to_string(),
            TraceFormat::StructLogs => STRUCT_LOGS.to_owned(),
        }
    }
}

impl TryFrom<String> for TraceFormat {
    type Error = <Dialect as FromStr>::Err;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        if name == STRUCT_LOGS { Ok(TraceFormat::StructLogs) } else { name.parse().map(TraceFormat::Lines) }
    }
}

impl TraceOptions {
    /// Lines of `dialect` with its own choice of fields.
    pub const fn lines(dialect: Dialect) -> Self {
        let format = TraceFormat::Lines(dialect);
        Self { format, memory: false, storage: false, no_stack: false, no_return_data: false }
    }
}

/// The step lines of one trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceDigest {
    /// How many.
    pub steps: u64,
    /// SHA-256 over them, each ended by one newline.
    pub sha256: B256,
}

/// Where the traces of a campaign go.
pub enum TraceSink<'a> {
    /// Nowhere: only their digests are kept.
    Digests,
    /// Into one writer, one after the other.
    Writer(&'a SharedWriter),
}

/// A writer that cases take in turn, and the first error it gave. After that nothing more is written.
pub struct SharedWriter(Mutex<(Box<dyn Write + Send>, Option<io::Error>)>);

impl SharedWriter {
    /// Nothing has gone wrong yet.
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self(Mutex::new((out, None)))
    }

    /// The first error, if there was one.
    pub fn finish(self) -> io::Result<()> {
        let (mut out, error) = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        match error {
            Some(error) => Err(error),
            None => out.flush(),
        }
    }

    /// Whether it has failed.
    pub fn has_failed(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.is_some()
    }
}

/// Runs `case` on `engine` and traces it into `sink`, within the limit, if there is one.
pub(crate) fn trace_case(
    case: &Case,
    engine: &dyn Engine,
    options: &TraceOptions,
    sink: &TraceSink<'_>,
    also: &mut Option<StepLimit>,
) -> (CaseResult, Option<TraceDigest>) {
    let mut go = |hooks: &mut dyn Hooks| run(case, engine, &mut (hooks, &mut *also));
    let end = |result: &CaseResult| summary(case, result);
    match sink {
        TraceSink::Digests => {
            let mut digest = StepDigest::default();
            // A digest takes whatever it is given.
            let (result, _) = trace(options, case.fork, &mut digest, go, end);
            let sha256 = B256::new(digest.sha256.finalize().into());
            (result, Some(TraceDigest { steps: digest.steps, sha256 }))
        }
        TraceSink::Writer(shared) => {
            let mut shared = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
            let (out, failed) = &mut *shared;
            if failed.is_some() {
                return (go(&mut parallax_hooks::NoHooks), None);
            }
            let (result, written) = trace(options, case.fork, out, go, end);
            *failed = written.err();
            (result, None)
        }
    }
}

/// Traces what `go` runs into `out`; `end` tells what came of it. The error is the writer's.
pub fn trace<R>(
    options: &TraceOptions,
    fork: Fork,
    out: &mut dyn Write,
    go: impl FnOnce(&mut dyn Hooks) -> R,
    end: impl FnOnce(&R) -> Summary,
) -> (R, io::Result<()>) {
    match options.format {
        TraceFormat::Lines(dialect) => {
            let defaults = Options::new(dialect, fork);
            let lines = Options {
                stack: !options.no_stack,
                return_data: defaults.return_data && !options.no_return_data,
                memory: options.memory,
                storage: options.storage,
                ..defaults
            };
            let mut tracer = Eip3155Tracer::new(out, lines);
            let result = go(&mut Traced(&mut tracer));
            let written = tracer.finish(Some(&end(&result)));
            (result, written.map(|_| ()))
        }
        TraceFormat::StructLogs => {
            let mut recorder = Recorder::new(TracerConfig::default());
            let result = go(&mut Traced(&mut recorder));
            let mut trace = recorder.into_trace();
            trace.set_outcome(&outcome(end(&result)));
            let struct_logs = StructLogOptions {
                enable_memory: options.memory,
                disable_stack: options.no_stack,
                disable_storage: !options.storage,
                enable_return_data: !options.no_return_data,
                limit: 0,
            };
            let written = trace.write_struct_logs(&mut *out, struct_logs).and_then(|()| out.write_all(b"\n"));
            (result, written)
        }
    }
}

fn summary(case: &Case, result: &CaseResult) -> Summary {
    let outcome = result.execution.as_ref().and_then(|execution| execution.outcome.as_ref());
    Summary {
        state_root: result.state_root,
        output: result.output.clone(),
        gas_used: result.gas_used,
        pass: outcome.is_some_and(|outcome| outcome.status.is_success()),
        fork: case.fork_name.to_string(),
        time: None,
        test: Some((case.name.to_string(), case.d, case.g, case.v)),
    }
}

fn outcome(summary: Summary) -> TxOutcome {
    TxOutcome {
        status: if summary.pass { FrameStatus::Success } else { FrameStatus::Revert },
        gas_used: summary.gas_used,
        gas_refunded: 0,
        output: summary.output,
        logs: Vec::new(),
        created: None,
    }
}

/// Keeps the digest of step lines alone: the lines that end frames and transactions are no steps.
#[derive(Default)]
struct StepDigest {
    steps: u64,
    sha256: Sha256,
}

impl Write for StepDigest {
    /// Tracers write whole lines.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{\"pc\"")) {
            self.steps += 1;
            self.sha256.update(line);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
