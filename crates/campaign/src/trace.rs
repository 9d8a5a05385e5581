//! Traces of cases: the tracers that the options name, on one run, each into its writer; and the digest of a trace's step lines.
//!
//! Invariant: what goes wrong while writing is told beside the run's result and never changes it.

use std::{
    io::{self, Write},
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use parallax_engine_interface::Engine;
use parallax_hooks::{End, Hooks, MessagePhase, NoHooks, Start, StepEnd, StepView};
use parallax_primitives::{B256, Message};
use parallax_state_tests::{Case, CaseResult, run};
use parallax_tracer_core::{Traced, Tracer, Wants};
use parallax_tracer_eip3155::{Dialect, Eip3155Tracer, Options, Summary};
use parallax_tracer_parquet::{ParquetTracer, Place};
use parallax_tracer_standard::{StructLogOptions, StructLogWriter, TracerConfig};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    CaseName,
    named_trace::{NamedRun, NamedTrace},
    step_limit::StepLimit,
    traced_run::{TraceEnd, TracePlace, TracedRun},
};

/// What a trace holds and how it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceOptions {
    /// Lines, struct logs, or what a tracer answers.
    pub format: TraceFormat,
    /// Whether to write the memory.
    pub memory: bool,
    /// Whether to write storage; `None` is the format's own choice: struct logs have it, lines do not.
    pub storage: Option<bool>,
    /// Whether to leave out the stack.
    pub no_stack: bool,
    /// Whether to write return data; `None` is the format's own choice: a dialect's, and in struct logs there is none.
    pub return_data: Option<bool>,
    /// Whether the summary line of a dialect that has one tells the wall time of the run, that of writing its traces included.
    pub time: bool,
    /// Bounds of struct logs.
    pub bounds: TraceBounds,
}

/// What struct logs show of a step, and how long a trace may be. `None` is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceBounds {
    /// Items of the stack, from the top.
    pub stack_items: Option<usize>,
    /// Bytes of the memory, round the region that the opcode touches.
    pub memory_bytes: Option<usize>,
    /// Bytes of the data of each log. Without it no logs are written: clients do not write them.
    pub log_bytes: Option<usize>,
    /// Bytes of the trace of one transaction. Steps behind them are counted.
    pub trace_bytes: Option<u64>,
    /// Steps of the trace of one transaction, likewise.
    pub steps: Option<u64>,
}

impl TraceBounds {
    /// The recorder's bounds for what a step shows, where there is none.
    pub fn or_default(self) -> Self {
        let default = TracerConfig::bounded();
        Self {
            stack_items: self.stack_items.or(Some(default.stack_max_items)),
            memory_bytes: self.memory_bytes.or(Some(default.memory_max_bytes)),
            log_bytes: self.log_bytes.or(Some(default.log_data_max_bytes)),
            ..self
        }
    }

    fn config(self) -> TracerConfig {
        let full = TracerConfig::full();
        TracerConfig {
            stack_max_items: self.stack_items.unwrap_or(full.stack_max_items),
            memory_max_bytes: self.memory_bytes.unwrap_or(full.memory_max_bytes),
            log_data_max_bytes: self.log_bytes.unwrap_or(full.log_data_max_bytes),
            trace_max_bytes: self.trace_bytes.unwrap_or(full.trace_max_bytes),
        }
    }
}

/// The format of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum TraceFormat {
    /// EIP-3155 lines in a dialect.
    Lines(Dialect),
    /// The object that `debug_traceTransaction` answers, one a transaction, each on its own line.
    StructLogs,
    /// One Parquet file, a row a step, of all runs.
    Parquet,
    /// What a tracer of go-ethereum answers, an object a transaction.
    Named(NamedTrace),
}

/// What users call it.
const STRUCT_LOGS: &str = "struct";
const PARQUET: &str = "parquet";

impl From<TraceFormat> for String {
    fn from(format: TraceFormat) -> Self {
        match format {
            TraceFormat::Lines(dialect) => dialect.to_string(),
            TraceFormat::StructLogs => STRUCT_LOGS.to_owned(),
            TraceFormat::Parquet => PARQUET.to_owned(),
            TraceFormat::Named(named) => named.to_string(),
        }
    }
}

impl TryFrom<String> for TraceFormat {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match (&*name, name.split_once(' ')) {
            (STRUCT_LOGS, _) => Ok(TraceFormat::StructLogs),
            (PARQUET, _) => Ok(TraceFormat::Parquet),
            (_, Some((name, options))) => {
                let options = serde_json::from_str(options).map_err(|error| error.to_string())?;
                NamedTrace::new(name, options).map(TraceFormat::Named).map_err(|error| error.to_string())
            }
            (dialect, None) => dialect
                .parse()
                .map(TraceFormat::Lines)
                .map_err(|error: <Dialect as FromStr>::Err| error.to_string()),
        }
    }
}

impl TraceOptions {
    /// Lines of `dialect` with its own choice of fields.
    pub const fn lines(dialect: Dialect) -> Self {
        let format = TraceFormat::Lines(dialect);
        let bounds = TraceBounds {
            stack_items: None,
            memory_bytes: None,
            log_bytes: None,
            trace_bytes: None,
            steps: None,
        };
        let (memory, storage, no_stack, return_data, time) = (false, None, false, None, false);
        Self { format, memory, storage, no_stack, return_data, time, bounds }
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
    /// Nowhere: only the digests of these lines are kept.
    Digests(TraceOptions),
    /// Into files, one behind the other in each.
    Files(&'a TraceFiles),
}

/// Writers that cases take in turn, and for each what its traces hold. One that has failed is not written to again.
pub struct TraceFiles(Mutex<Vec<TraceFile>>);

struct TraceFile {
    options: TraceOptions,
    out: Out,
    loss: TraceLoss,
}

/// What stands behind a file's runs.
enum Out {
    /// Text of each, one behind the other.
    Text(Box<dyn Write + Send>),
    /// One file of all, whose end stands behind the last one.
    Parquet(Box<ParquetTracer<Box<dyn Write + Send>>>),
}

impl Out {
    fn new(options: &TraceOptions, out: Box<dyn Write + Send>) -> Self {
        match options.format {
            TraceFormat::Lines(_) | TraceFormat::StructLogs | TraceFormat::Named(_) => Self::Text(out),
            TraceFormat::Parquet => {
                let mut tracer = ParquetTracer::new(out);
                if options.no_stack {
                    tracer.hide_stack();
                }
                Self::Parquet(Box::new(tracer))
            }
        }
    }
}

impl TraceFile {
    fn has_failed(&self) -> bool {
        let is_ended = match &self.out {
            Out::Text(_) => false,
            Out::Parquet(tracer) => tracer.failed().is_some(),
        };
        is_ended || self.loss.error.is_some()
    }

    /// What it has lost, its end included.
    fn finish(mut self) -> TraceLoss {
        if let Out::Parquet(tracer) = self.out {
            let finished = tracer.finish();
            let (error, lines, missing) = (finished.out.err(), finished.lost, finished.missing);
            self.loss.add(TraceLoss { error, lines, missing });
        }
        self.loss
    }
}

/// What did not reach a writer.
#[derive(Debug, Default)]
pub struct TraceLoss {
    /// Its first error.
    pub error: Option<io::Error>,
    /// Lines that it did not take to their end, of the run in which it failed; of a Parquet file, steps.
    pub lines: u64,
    /// Steps that have no line, as the tracer was not shown them.
    pub missing: u64,
}

impl TraceLoss {
    fn add(&mut self, other: TraceLoss) {
        self.error = self.error.take().or(other.error);
        self.lines += other.lines;
        self.missing += other.missing;
    }
}

impl TraceFiles {
    /// Nothing has gone wrong yet.
    pub fn new(files: impl IntoIterator<Item = (TraceOptions, Box<dyn Write + Send>)>) -> Self {
        let file =
            |(options, out)| TraceFile { out: Out::new(&options, out), options, loss: TraceLoss::default() };
        Self(Mutex::new(files.into_iter().map(file).collect()))
    }

    /// What each of them has lost, in their order. Closes them.
    pub fn finish(self) -> Vec<TraceLoss> {
        let files = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        files.into_iter().map(TraceFile::finish).collect()
    }

    /// Tells the files that have a place in their rows of which case the next run is.
    fn set_place(&self, case: &Case) {
        let Case { file, name, d, g, v, .. } = case;
        let place = Place { file: file.to_string(), test: format!("{name} d{d} g{g} v{v}") };
        for file in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            if let Out::Parquet(tracer) = &mut file.out {
                tracer.set_place(place.clone());
            }
        }
    }

    /// Whether one of them has failed.
    pub fn has_failed(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().any(TraceFile::has_failed)
    }
}

/// Runs `case` on `engine` and traces it into `sink`, within the limit, if there is one.
pub(crate) fn trace_case(
    case: &Case,
    engine: &dyn Engine,
    sink: &TraceSink<'_>,
    also: &mut Option<StepLimit>,
) -> (CaseResult, Option<TraceDigest>) {
    let mut go = |hooks: &mut dyn Hooks| run(case, engine, &mut (hooks, &mut *also));
    let end = |result: &CaseResult| summary(case, result);
    let on = TracedRun { before: &*case.pre, place: Some(TracePlace::Case(CaseName::of(case))) };
    match sink {
        TraceSink::Digests(options) => {
            let mut digest = StepDigest::default();
            // Rows are no lines.
            let mut tracer = RunTracer::text(options, &on, &mut digest);
            let result = go(&mut Traced(&mut tracer));
            // A digest takes whatever it is given.
            let _ = tracer.map(|tracer| tracer.finish(&on, &TraceEnd::of_case(&result, end(&result))));
            let sha256 = B256::new(digest.sha256.finalize().into());
            (result, Some(TraceDigest { steps: digest.steps, sha256 }))
        }
        TraceSink::Files(files) => {
            files.set_place(case);
            (trace(files, &on, go, |result| TraceEnd::of_case(result, end(result))), None)
        }
    }
}

/// Traces what `go` runs into every file that has not failed; `end` tells what the run does not.
pub fn trace<R>(
    files: &TraceFiles,
    on: &TracedRun<'_>,
    go: impl FnOnce(&mut dyn Hooks) -> R,
    end: impl FnOnce(&R) -> TraceEnd<'_>,
) -> R {
    let mut files = files.0.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut tracers, told): (Vec<_>, Vec<_>) = files
        .iter_mut()
        .filter(|file| !file.has_failed())
        .map(|TraceFile { options, out, loss }| (RunTracer::new(options, on, out), (options.time, loss)))
        .unzip();
    if tracers.is_empty() {
        return go(&mut NoHooks);
    }
    let start = Instant::now();
    let result = go(&mut Traced(&mut tracers));
    let time = u64::try_from(start.elapsed().as_nanos()).ok();
    let mut ended = end(&result);
    for (tracer, (is_timed, loss)) in tracers.into_iter().zip(told) {
        let Some(tracer) = tracer else { continue };
        ended.summary.time = time.filter(|_| is_timed);
        loss.add(tracer.finish(on, &ended));
    }
    result
}

/// A trace of one run.
enum RunTracer<'w> {
    Lines(Box<Eip3155Tracer<&'w mut dyn Write>>),
    StructLogs(Box<StructLogWriter<&'w mut dyn Write>>),
    Named(Box<NamedRun<'w>>),
    /// Goes on behind the run.
    Parquet(&'w mut dyn Tracer),
}

impl<'w> RunTracer<'w> {
    fn new(options: &TraceOptions, on: &TracedRun<'_>, out: &'w mut Out) -> Option<Self> {
        match out {
            Out::Text(out) => Self::text(options, on, &mut **out),
            Out::Parquet(tracer) => Some(Self::Parquet(&mut **tracer)),
        }
    }

    /// One whose runs are texts.
    fn text(options: &TraceOptions, on: &TracedRun<'_>, out: &'w mut dyn Write) -> Option<Self> {
        Some(match &options.format {
            TraceFormat::Named(named) => Self::Named(Box::new(NamedRun::new(named, on, out))),
            TraceFormat::Lines(dialect) => {
                let defaults = Options::new(*dialect);
                let lines = Options {
                    stack: !options.no_stack,
                    return_data: options.return_data.unwrap_or(defaults.return_data),
                    memory: options.memory,
                    storage: options.storage.unwrap_or_default(),
                    ..defaults
                };
                Self::Lines(Box::new(Eip3155Tracer::new(out, lines)))
            }
            TraceFormat::StructLogs => {
                let struct_logs = StructLogOptions {
                    enable_memory: options.memory,
                    disable_stack: options.no_stack,
                    disable_storage: options.storage == Some(false),
                    enable_return_data: options.return_data.unwrap_or_default(),
                    enable_logs: options.bounds.log_bytes.is_some(),
                    limit: options.bounds.steps.unwrap_or_default(),
                };
                Self::StructLogs(Box::new(StructLogWriter::new(out, struct_logs, options.bounds.config())))
            }
            TraceFormat::Parquet => return None,
        })
    }

    fn tracer(&mut self) -> &mut dyn Tracer {
        match self {
            Self::Lines(tracer) => tracer,
            Self::StructLogs(writer) => writer,
            Self::Named(run) => run,
            Self::Parquet(tracer) => *tracer,
        }
    }

    fn finish(self, on: &TracedRun<'_>, ended: &TraceEnd<'_>) -> TraceLoss {
        match self {
            Self::Named(run) => {
                let error = run.finish(on, ended).err();
                TraceLoss { lines: error.is_some().into(), error, missing: 0 }
            }
            Self::Lines(tracer) => {
                let finished = tracer.finish(Some(&ended.summary));
                TraceLoss { error: finished.out.err(), lines: finished.lost, missing: finished.missing }
            }
            Self::StructLogs(writer) => {
                let written = writer.finish();
                TraceLoss { error: written.out.err(), lines: written.lost, missing: written.missing }
            }
            Self::Parquet(_) => TraceLoss::default(),
        }
    }
}

impl Tracer for RunTracer<'_> {
    fn wants(&self) -> Wants {
        match self {
            Self::Lines(tracer) => tracer.wants(),
            Self::StructLogs(writer) => writer.wants(),
            Self::Named(run) => run.wants(),
            Self::Parquet(tracer) => tracer.wants(),
        }
    }

    fn start(&mut self, start: &Start<'_>) {
        self.tracer().start(start);
    }

    fn end(&mut self, end: &End<'_>) {
        self.tracer().end(end);
    }

    fn step(&mut self, step: &StepView<'_>) {
        self.tracer().step(step);
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.tracer().step_end(step, end);
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        self.tracer().message(message, phase);
    }
}

fn summary(case: &Case, result: &CaseResult) -> Summary {
    Summary {
        state_root: result.state_root,
        time: None,
        test: Some((case.name.to_string(), case.d, case.g, case.v)),
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
