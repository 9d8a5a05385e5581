//! A tracer of go-ethereum by its name, and what it answers as a line.

use std::{
    fmt,
    io::{self, Write},
};

use parallax_hooks::{End, MessagePhase, Start, StepEnd, StepView};
use parallax_primitives::Message;
use parallax_tracer_calls::{NamedTracer, TracerError};
use parallax_tracer_core::{Tracer, Wants};
use serde_json::Value;

use crate::{
    CaseName,
    traced_run::{ChainPlace, TraceEnd, TracePlace, TracedRun},
};

/// A tracer's name and its options, which have been looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedTrace {
    name: String,
    options: Value,
}

impl NamedTrace {
    /// Looks at a name, and at options: an object or `null`.
    ///
    /// # Errors
    ///
    /// As [`NamedTracer::new`]: there is no such tracer, or no such option.
    pub fn new(name: &str, options: Value) -> Result<Self, TracerError> {
        NamedTracer::new(name, &options, 0).map(|_| Self { name: name.to_owned(), options })
    }

    /// One for a transaction that has so many logs before it in its block.
    ///
    /// # Errors
    ///
    /// As [`NamedTracer::new`]: none of what was looked at.
    pub fn tracer(&self, logs_before: u64) -> Result<NamedTracer, TracerError> {
        NamedTracer::new(&self.name, &self.options, logs_before)
    }
}

/// Its name and, behind a space, its options.
impl fmt::Display for NamedTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.options)
    }
}

/// A tracer on one run, and where its answer goes.
pub(crate) struct NamedRun<'w> {
    tracer: Result<NamedTracer, TracerError>,
    out: &'w mut dyn Write,
}

impl<'w> NamedRun<'w> {
    pub(crate) fn new(named: &NamedTrace, on: &TracedRun<'_>, out: &'w mut dyn Write) -> Self {
        let logs_before = match on.place {
            Some(TracePlace::Chain(place)) => place.logs_before,
            Some(TracePlace::Case(_)) | None => 0,
        };
        Self { tracer: named.tracer(logs_before), out }
    }

    /// Writes the answer as a line; of a run that has come to no end, why. Of a test, the line says of which.
    pub(crate) fn finish(self, on: &TracedRun<'_>, ended: &TraceEnd<'_>) -> io::Result<()> {
        let (field, told) = match &ended.ran {
            Ok(execution) => {
                let tracer = self.tracer.map_err(io::Error::other)?;
                let answer = tracer.result(on.before, &execution.changes).map_err(io::Error::other)?;
                let is_text = on.place.is_some() && !tracer.is_json();
                ("result", if is_text { Value::from(answer).to_string() } else { answer })
            }
            Err(reason) => ("error", Value::from(&**reason).to_string()),
        };
        let line = match (on.place, field) {
            (Some(place), _) => format!("{{{},\"{field}\":{told}}}\n", origin(place)),
            (None, "result") => told + "\n",
            (None, _) => format!("{{\"{field}\":{told}}}\n"),
        };
        self.out.write_all(line.as_bytes())
    }
}

/// Of which test a line is, as the first fields of an object: as the line behind a trace of opcodes says it.
fn origin(place: TracePlace<'_>) -> String {
    let [file, test] = match place {
        TracePlace::Case(CaseName { file, name, .. }) => [file, name],
        TracePlace::Chain(ChainPlace { file, test, .. }) => [file, test],
    }
    .map(Value::from);
    let rest = match place {
        TracePlace::Case(CaseName { rules, index: [d, g, v], .. }) => {
            let fork = Value::from(rules.map(|(_, name)| name));
            format!("\"fork\":{fork},\"d\":{d},\"g\":{g},\"v\":{v}")
        }
        TracePlace::Chain(ChainPlace { block, number, transaction, hash, .. }) => format!(
            "\"block\":{block},\"number\":{number},\"transaction\":{transaction},\"txHash\":\"{hash}\""
        ),
    };
    format!("\"file\":{file},\"test\":{test},{rest}")
}

impl Tracer for NamedRun<'_> {
    fn start(&mut self, start: &Start<'_>) {
        self.tracer.iter_mut().for_each(|tracer| tracer.start(start));
    }

    fn end(&mut self, end: &End<'_>) {
        self.tracer.iter_mut().for_each(|tracer| tracer.end(end));
    }

    fn wants(&self) -> Wants {
        self.tracer.as_ref().map_or(Wants::Nothing, Tracer::wants)
    }

    fn step(&mut self, step: &StepView<'_>) {
        self.tracer.iter_mut().for_each(|tracer| tracer.step(step));
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.tracer.iter_mut().for_each(|tracer| tracer.step_end(step, end));
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        self.tracer.iter_mut().for_each(|tracer| tracer.message(message, phase));
    }
}
