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

use crate::traced_run::{TraceEnd, TracePlace, TracedRun};

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
        Self { tracer: named.tracer(on.place.map_or(0, |place| place.logs_before)), out }
    }

    /// Writes the answer as a line; of a run that has come to no end, why.
    pub(crate) fn finish(self, on: &TracedRun<'_>, ended: &TraceEnd<'_>) -> io::Result<()> {
        let told = match &ended.ran {
            Ok(execution) => {
                let tracer = self.tracer.map_err(io::Error::other)?;
                let answer = tracer.result(on.before, &execution.changes).map_err(io::Error::other)?;
                let is_text = on.place.is_some() && !tracer.is_json();
                let answer = if is_text { Value::from(answer).to_string() } else { answer };
                ("result", answer)
            }
            Err(reason) => ("error", Value::from(&**reason).to_string()),
        };
        let line = match (on.place, told) {
            (Some(TracePlace { test, block, number, transaction, hash, .. }), (field, answer)) => format!(
                "{{\"test\":{},\"block\":{block},\"number\":{number},\"transaction\":{transaction},\"txHash\":\"{hash}\",\"{field}\":{answer}}}\n",
                Value::from(test)
            ),
            (None, ("result", answer)) => answer + "\n",
            (None, (field, reason)) => format!("{{\"{field}\":{reason}}}\n"),
        };
        self.out.write_all(line.as_bytes())
    }
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
