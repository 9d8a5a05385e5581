use parallax_hooks::{End, MessagePhase, Start, StepEnd, StepView};
use parallax_primitives::{Address, Bytes, Message, MessageKind, U256};
use parallax_tracer_core::{Tracer, Wants};
use serde::Serialize;

use crate::{
    TracerError,
    error::LIMIT,
    frame::{Frame, FrameKind},
    frames::{Frames, FramesConfig},
    json,
};

/// What `flatCallTracer` may be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlatCallTracerConfig {
    /// Errors in Parity's words.
    pub convert_parity_errors: bool,
    /// With CALL and STATICCALL to precompiled contracts.
    pub include_precompiles: bool,
}

/// go-ethereum's `flatCallTracer`: all messages of a run in the order in which they began, each with its place in the tree, as Parity had it.
///
/// Of the block and the transaction nothing is known, as in go-ethereum's transition tool: hashes are null, numbers 0.
#[derive(Debug)]
pub struct FlatCallTracer {
    frames: Frames,
    config: FlatCallTracerConfig,
}

impl FlatCallTracer {
    /// One that has seen nothing.
    pub fn new(config: FlatCallTracerConfig) -> Self {
        let frames = Frames::new(FramesConfig {
            only_top: false,
            with_logs: false,
            logs_before: 0,
            without_precompiled: !config.include_precompiles,
        });
        Self { frames, config }
    }

    /// The messages as a JSON array, on one line.
    ///
    /// # Errors
    ///
    /// No run was traced to its end, or it was too large.
    pub fn result(&self) -> Result<String, TracerError> {
        let frames = self.frames.finished()?;
        let mut out = "[".to_owned();
        // Where each open frame is among its parent's, and how many it has had.
        let (mut open, mut place): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut next = vec![0; frames.len()];
        for (number, frame) in frames.iter().enumerate() {
            while open.last().copied() != frame.parent && open.pop().is_some() {
                place.pop();
            }
            if let Some(parent) = frame.parent {
                place.push(next[parent]);
                next[parent] += 1;
                out.push(',');
            }
            open.push(number);
            json::push(&mut out, &self.row(frame, &place));
            if out.len() > LIMIT {
                return Err(TracerError::TooLarge);
            }
        }
        out.push(']');
        Ok(json::escaped(&out))
    }

    fn row<'a>(&self, frame: &'a Frame, place: &'a [usize]) -> Row<'a> {
        let error = frame.error.as_deref();
        let has_result =
            frame.kind != FrameKind::SelfDestruct && error.is_none_or(|error| error == "execution reverted");
        let told = |error| if self.config.convert_parity_errors { parity_error(error) } else { error };
        Row {
            action: action(frame),
            block_hash: None,
            block_number: 0,
            error: error.map(told),
            result: has_result.then(|| returned(frame)),
            subtraces: frame.calls,
            trace_address: place,
            transaction_hash: None,
            transaction_position: 0,
            kind: match frame.kind {
                FrameKind::SelfDestruct => "suicide",
                kind if kind.is_create() => "create",
                FrameKind::Message(_) => "call",
            },
        }
    }
}

/// Parity's words for go-ethereum's.
fn parity_error(error: &str) -> &str {
    match error {
        "contract creation code storage out of gas"
        | "out of gas"
        | "gas uint64 overflow"
        | "max code size exceeded" => "Out of gas",
        "invalid jump destination" => "Bad jump destination",
        "execution reverted" => "Reverted",
        "return data out of bounds" => "Out of bounds",
        "stack limit reached 1024 (1023)" => "Out of stack",
        "precompiled failed" | "invalid input length" => "Built-in failed",
        _ if error.starts_with("out of gas:") => "Out of gas",
        _ if error.starts_with("invalid opcode:") => "Bad instruction",
        _ if error.starts_with("stack underflow") => "Stack underflow",
        _ => error,
    }
}

fn action(frame: &Frame) -> Action<'_> {
    let kind = match frame.kind {
        FrameKind::SelfDestruct => {
            return Action {
                address: Some(frame.from),
                balance: frame.value,
                refund_address: frame.to,
                ..Action::default()
            };
        }
        FrameKind::Message(kind) => kind,
    };
    let (created, input) = (kind.is_create(), &frame.input);
    // Child calls have a value, if there is none it is zero.
    let zero = (kind == MessageKind::StaticCall).then_some(U256::ZERO);
    let name = kind.name().to_ascii_lowercase();
    Action {
        from: Some(frame.from),
        gas: Some(format!("{:#x}", frame.gas)),
        value: frame.value.or(zero),
        call_type: (!created).then(|| name.clone()),
        creation_method: created.then_some(name),
        init: created.then_some(Hex(input)),
        input: (!created).then_some(Hex(input)),
        to: frame.to.filter(|_| !created),
        ..Action::default()
    }
}

fn returned(frame: &Frame) -> Returned<'_> {
    let created = frame.kind.is_create();
    Returned {
        address: frame.to.filter(|_| created),
        code: created.then_some(Hex(&frame.output)),
        gas_used: frame.gas_used,
        output: (!created).then_some(Hex(&frame.output)),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    action: Action<'a>,
    block_hash: Option<()>,
    block_number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Returned<'a>>,
    subtraces: usize,
    trace_address: &'a [usize],
    transaction_hash: Option<()>,
    transaction_position: u64,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Action<'a> {
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "json::some_address")]
    address: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "json::some_word")]
    balance: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    creation_method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "json::some_address")]
    from: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gas: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    init: Option<Hex<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<Hex<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "json::some_address")]
    refund_address: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "json::some_address")]
    to: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "json::some_word")]
    value: Option<U256>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Returned<'a> {
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "json::some_address")]
    address: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Hex<'a>>,
    #[serde(serialize_with = "json::quantity")]
    gas_used: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Hex<'a>>,
}

struct Hex<'a>(&'a Bytes);

impl Serialize for Hex<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json::display(self.0, serializer)
    }
}

impl Tracer for FlatCallTracer {
    fn start(&mut self, start: &Start<'_>) {
        self.frames.start(start);
    }

    fn end(&mut self, end: &End<'_>) {
        self.frames.end(end);
    }

    fn wants(&self) -> Wants {
        self.frames.wants()
    }

    fn step(&mut self, step: &StepView<'_>) {
        self.frames.step(step);
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.frames.step_end(step, end);
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        self.frames.message(message, phase);
    }
}
