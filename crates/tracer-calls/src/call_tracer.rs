use parallax_hooks::{End, MessagePhase, Start, StepEnd, StepView};
use parallax_primitives::{Address, B256, Bytes, Message, U256};
use parallax_tracer_core::{Tracer, Wants};
use serde::Serialize;

use crate::{
    TracerError,
    frame::{Frame, FrameLog},
    frames::{Frames, FramesConfig},
    json,
};

/// What `callTracer` may be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallTracerConfig {
    /// The transaction's own frame alone.
    pub only_top_call: bool,
    /// With the logs that were not taken back.
    pub with_log: bool,
    /// Logs of the block before the transaction: go-ethereum numbers them through.
    pub logs_before: u64,
}

/// go-ethereum's `callTracer`: all messages of a run as a tree.
///
/// A SELFDESTRUCT is a call. Gas and gas used of the outermost are the transaction's gas limit and what it pays for. Of a creation, the
/// output is what its code returned.
#[derive(Debug)]
pub struct CallTracer(Frames);

impl CallTracer {
    /// One that has seen nothing.
    pub fn new(config: CallTracerConfig) -> Self {
        Self(Frames::new(FramesConfig {
            only_top: config.only_top_call,
            with_logs: config.with_log,
            logs_before: config.logs_before,
            without_precompiled: false,
        }))
    }

    /// The tree as JSON, on one line. It is as deep as the calls are: many JSON parsers refuse more than a few hundred levels.
    ///
    /// # Errors
    ///
    /// No run was traced to its end, or it was too large.
    pub fn result(&self) -> Result<String, TracerError> {
        let frames = self.0.finished()?;
        let mut out = String::new();
        let mut open: Vec<usize> = Vec::new();
        for (number, frame) in frames.iter().enumerate() {
            while open.last().copied() != frame.parent {
                let Some(over) = open.pop() else { break };
                tail(&frames[over], &mut out);
            }
            // A frame behind another one of the same parent.
            if out.ends_with('}') {
                out.push(',');
            }
            head(frame, &mut out);
            open.push(number);
        }
        while let Some(over) = open.pop() {
            tail(&frames[over], &mut out);
        }
        Ok(json::escaped(&out))
    }
}

/// What stands before the calls of a frame.
fn head(frame: &Frame, out: &mut String) {
    let row = Head {
        from: frame.from,
        gas: frame.gas,
        gas_used: frame.gas_used,
        to: frame.to,
        input: &frame.input,
        output: &frame.output,
        error: frame.error.as_deref(),
        revert_reason: frame.reason.as_deref(),
    };
    json::push(out, &row);
    out.pop();
    if frame.calls > 0 {
        out.push_str(",\"calls\":[");
    }
}

/// What stands behind them.
fn tail(frame: &Frame, out: &mut String) {
    if frame.calls > 0 {
        out.push(']');
    }
    let logs = frame.logs.iter().map(row).collect();
    let row = Tail { logs, value: frame.value, kind: frame.kind.name() };
    let behind = out.len();
    json::push(out, &row);
    out.replace_range(behind..=behind, ",");
}

fn row(FrameLog { log, index, position }: &FrameLog) -> Log<'_> {
    Log {
        address: log.address,
        topics: log.topics.iter().map(Hash).collect(),
        data: &log.data,
        index: *index,
        position: *position as u64,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(serialize_with = "json::address")]
    from: Address,
    #[serde(serialize_with = "json::quantity")]
    gas: u64,
    #[serde(serialize_with = "json::quantity")]
    gas_used: u64,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "json::some_address")]
    to: Option<Address>,
    #[serde(serialize_with = "json::display")]
    input: &'a Bytes,
    #[serde(skip_serializing_if = "is_empty", serialize_with = "json::display")]
    output: &'a Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revert_reason: Option<&'a str>,
}

fn is_empty(bytes: &&Bytes) -> bool {
    bytes.is_empty()
}

#[derive(Serialize)]
struct Tail<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logs: Vec<Log<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "json::some_word")]
    value: Option<U256>,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(serialize_with = "json::address")]
    address: Address,
    topics: Vec<Hash<'a>>,
    #[serde(serialize_with = "json::display")]
    data: &'a Bytes,
    #[serde(serialize_with = "json::quantity")]
    index: u64,
    #[serde(serialize_with = "json::quantity")]
    position: u64,
}

struct Hash<'a>(&'a B256);

impl Serialize for Hash<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json::display(self.0, serializer)
    }
}

impl Tracer for CallTracer {
    fn start(&mut self, start: &Start<'_>) {
        self.0.start(start);
    }

    fn end(&mut self, end: &End<'_>) {
        self.0.end(end);
    }

    fn wants(&self) -> Wants {
        self.0.wants()
    }

    fn step(&mut self, step: &StepView<'_>) {
        self.0.step(step);
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.0.step_end(step, end);
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        self.0.message(message, phase);
    }
}
