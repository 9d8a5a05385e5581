use std::collections::BTreeMap;

use parallax_hooks::{End, MessagePhase, Start, StepEnd, StepView};
use parallax_primitives::{FrameOutcome, Message, Opcode, Rules};
use parallax_tracer_core::{Tracer, Wants};
use serde::Serialize;

use crate::{
    TracerError,
    called::{called, sends_to},
    error::LIMIT,
    json,
    opcode_counts::name,
};

/// What is kept of a frame, roughly.
const FRAME_BYTES: usize = 256;

/// State gas by frame (EIP-8037): what each was given, what its opcodes were charged, and what it came to with all that it has called.
/// Where the rules have one gas alone, all of it is zero.
#[derive(Debug, Default)]
pub struct StateGasTracer {
    rules: Option<Rules>,
    frames: Vec<Frame>,
    /// Numbers of the frames that go on, outermost first.
    open: Vec<usize>,
    target: parallax_primitives::Address,
    total: Option<u64>,
}

#[derive(Debug)]
struct Frame {
    kind: &'static str,
    to: parallax_primitives::Address,
    trace_address: Vec<usize>,
    calls: usize,
    reservoir: u64,
    opcodes: BTreeMap<u8, i64>,
    used: i64,
    spilled: i64,
    has_failed: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'f> {
    trace_address: &'f [usize],
    #[serde(rename = "type")]
    kind: &'static str,
    to: String,
    reservoir: u64,
    opcodes: BTreeMap<String, i64>,
    state_gas_used: i64,
    spilled: i64,
    failed: bool,
}

impl StateGasTracer {
    /// The frames as JSON, on one line: `{"stateGas", "frames"}`. `stateGas` is what the transaction counts for in the state gas of its
    /// block; a frame has its place (`traceAddress`), `type` and `to`, the `reservoir` that it was given, what its own `opcodes` were charged
    /// or, below zero, given back, and what it came to with its callees: `stateGasUsed`, and what of that was `spilled` into execution
    /// gas. One that `failed` came to nothing. All in gas.
    ///
    /// # Errors
    ///
    /// No run was traced to its end, or it was too large.
    pub fn result(&self) -> Result<String, TracerError> {
        if self.frames.len() > LIMIT / FRAME_BYTES {
            return Err(TracerError::TooLarge);
        }
        let total = self.total.ok_or(TracerError::NotTraced)?;
        let mut out = format!("{{\"stateGas\":{total},\"frames\":");
        json::push(&mut out, &self.frames.iter().map(|frame| self.row(frame)).collect::<Vec<_>>());
        out.push('}');
        Ok(out)
    }

    fn row<'f>(&self, frame: &'f Frame) -> Row<'f> {
        let opcodes = frame.opcodes.iter();
        Row {
            trace_address: &frame.trace_address,
            kind: frame.kind,
            to: format!("{:#x}", frame.to),
            reservoir: frame.reservoir,
            opcodes: opcodes
                .map(|(opcode, gas)| (name(self.rules, Opcode(*opcode)).into_owned(), *gas))
                .collect(),
            state_gas_used: frame.used,
            spilled: frame.spilled,
            failed: frame.has_failed,
        }
    }

    fn begin(&mut self, message: &Message) {
        let parent = self.open.last().copied();
        let trace_address = parent.and_then(|parent| self.frames.get_mut(parent)).map(|parent| {
            parent.calls += 1;
            [&parent.trace_address[..], &[parent.calls - 1]].concat()
        });
        self.open.push(self.frames.len());
        if self.frames.len() > LIMIT / FRAME_BYTES {
            return;
        }
        self.frames.push(Frame {
            kind: message.kind.name(),
            to: called(message, self.target),
            trace_address: trace_address.unwrap_or_default(),
            calls: 0,
            reservoir: message.state_gas.reservoir,
            opcodes: BTreeMap::new(),
            used: 0,
            spilled: 0,
            has_failed: false,
        });
    }

    fn end_frame(&mut self, message: &Message, outcome: &FrameOutcome) {
        let Some(frame) = self.open.pop().and_then(|number| self.frames.get_mut(number)) else { return };
        let (given, left) = (message.state_gas, outcome.state_gas);
        frame.spilled = left.spilled.wrapping_sub(given.spilled).cast_signed();
        frame.used = given.reservoir.wrapping_sub(left.reservoir).cast_signed().wrapping_add(frame.spilled);
        frame.has_failed = !outcome.status.is_success();
    }
}

impl Tracer for StateGasTracer {
    fn start(&mut self, start: &Start<'_>) {
        *self = Self { rules: Some(start.rules), ..Self::default() };
    }

    fn end(&mut self, end: &End<'_>) {
        if let End::Outcome(outcome) = end {
            self.total = Some(outcome.state_gas);
        }
    }

    fn wants(&self) -> Wants {
        Wants::Steps
    }

    fn step(&mut self, step: &StepView<'_>) {
        if matches!(step.opcode, Opcode::CALLCODE | Opcode::DELEGATECALL) {
            self.target = sends_to(step);
        }
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        let frame = self.open.last().and_then(|number| self.frames.get_mut(*number));
        if let (Some(frame), None, 1.. | ..=-1) = (frame, end.halt, end.state_gas_cost) {
            *frame.opcodes.entry(step.opcode.0).or_default() += end.state_gas_cost;
        }
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        match phase {
            MessagePhase::Before => self.begin(message),
            MessagePhase::After(outcome) => self.end_frame(message, outcome),
        }
    }
}
