//! A recorded execution: what is kept of it.
//!
//! Steps are kept as differences. Every run of steps of one frame is a *segment*; the segments of a frame are linked, and at
//! least every so often one of them holds the frame's whole state. So a state is rebuilt by reading this frame's own steps
//! since then, whatever its callees did in between.
//!
//! Invariant: the segments are ordered by step, without gaps but those that are listed, and every link goes to a segment of the
//! same frame, between which the recorder was shown everything.

use std::ops::Range;

use parallax_primitives::{
    Bytes, Eip, Fork, FrameOutcome, FrameStatus, Opcode, OpcodeInfo, Rules, TxOutcome, U256,
};
use parallax_tracer_core::LogEntry;

use crate::{
    Call, RecordedChange, TracerConfig,
    changes::Changes,
    geth_row::{Fault, GethRows},
    memory::{Sources, touched},
    shape::{Shape, shape_of},
};

/// A recorded execution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    pub(crate) config: TracerConfig,
    pub(crate) arena: Vec<u8>,
    pub(crate) segments: Vec<Segment>,
    /// The number of the step that comes next.
    pub(crate) steps: u64,
    /// Numbers of steps that were not shown, ascending.
    pub(crate) gaps: Vec<Range<u64>>,
    /// How many those are.
    pub(crate) missing: u64,
    pub(crate) calls: Vec<Call>,
    /// The rules of the run, once its start or a step was shown.
    pub(crate) rules: Option<Rules>,
    pub(crate) codes: Vec<Bytes>,
    pub(crate) changes: Changes,
    pub(crate) logs: Vec<(u64, LogEntry)>,
    /// What go-ethereum says of steps that failed, by their numbers.
    pub(crate) faults: Vec<(u64, Fault)>,
    pub(crate) dropped: Dropped,
    pub(crate) outcome: Option<Outcome>,
    /// Bytes outside the arena.
    pub(crate) other_bytes: u64,
}

/// What a trace holds, and what a bound left out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceHeader {
    /// The bounds it was recorded under.
    pub config: TracerConfig,
    /// Steps it holds.
    pub steps: u64,
    /// Bytes it takes.
    pub bytes: u64,
    /// What was left out because `trace_max_bytes` was met. A trace that is cut holds the beginning of the run.
    pub dropped: Dropped,
    /// Steps that ran before the last one it holds and that the recorder was not shown: see [`Trace::gaps`].
    pub missing: u64,
}

/// What a bound left out of a trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Steps that ran and are not in it.
    pub steps: u64,
    /// Messages that were sent and are not in it.
    pub messages: u64,
}

/// A run of steps of one frame, with nothing between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Segment {
    pub(crate) first_step: u64,
    /// Where its header begins in the arena.
    pub(crate) offset: usize,
    pub(crate) call: u32,
    /// The segment of the same frame before this one, or [`NO_SEGMENT`].
    pub(crate) previous: u32,
    /// The one after this one, or [`NO_SEGMENT`].
    pub(crate) next: u32,
}

pub(crate) const NO_SEGMENT: u32 = u32::MAX;

/// How the transaction came out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) gas_used: u64,
    /// Execution gas and state gas, where there are two; of a frame alone it is not known.
    pub(crate) gas_by_kind: Option<[u64; 2]>,
    pub(crate) failed: bool,
    pub(crate) output: Bytes,
}

impl Outcome {
    pub(crate) fn of(outcome: &TxOutcome, rules: Option<Rules>, rows: &GethRows) -> Self {
        let has_state_gas = rules.is_some_and(|rules| rules.has(Eip::StateGas8037));
        Self {
            gas_used: outcome.gas_used,
            gas_by_kind: has_state_gas.then_some([outcome.execution_gas, outcome.state_gas]),
            failed: rows.has_failed(rules, outcome),
            output: outcome.output.clone(),
        }
    }
}

impl Trace {
    /// The number behind the last step's: without gaps, how many steps there are. They are numbered from 0; a transaction's have
    /// the numbers that hooks see.
    pub fn len(&self) -> u64 {
        self.steps
    }

    /// Numbers of steps that ran and are not in it, as the recorder was not shown them: someone ran them with other hooks. Nothing
    /// of them is known, nor what became of messages that were sent before them and not over; what the next step found is whole.
    pub fn gaps(&self) -> &[Range<u64>] {
        &self.gaps
    }

    /// Whether it has no step.
    pub fn is_empty(&self) -> bool {
        self.steps == 0
    }

    /// What it holds and what it had to leave out.
    pub fn header(&self) -> TraceHeader {
        let bytes = self.arena.len() as u64 + self.other_bytes + self.changes.size() as u64;
        TraceHeader {
            config: self.config,
            steps: self.steps - self.missing,
            bytes,
            dropped: self.dropped,
            missing: self.missing,
        }
    }

    /// Whether the rules of the run have two gases (EIP-8037); not if no rules were shown.
    pub fn has_state_gas(&self) -> bool {
        self.rules.is_some_and(|rules| rules.has(Eip::StateGas8037))
    }

    /// The facts of an opcode of this run.
    pub(crate) fn opcode_info(&self, opcode: Opcode) -> Option<&'static OpcodeInfo> {
        match self.rules {
            Some(rules) => rules.info(opcode),
            None => opcode.info(),
        }
    }

    pub(crate) fn shape_of(&self, opcode: Opcode) -> Shape {
        shape_of(self.rules.unwrap_or(Rules::of(Fork::LATEST)), opcode)
    }

    /// Its mnemonic; `INVALID` for a byte that the rules do not know.
    pub(crate) fn opcode_name(&self, opcode: Opcode) -> &'static str {
        self.opcode_info(opcode).map_or("INVALID", |info| info.name)
    }

    /// What is told from an opcode's operands: the region of memory that it touches.
    pub(crate) fn touched(&self, opcode: Opcode, stack: &[U256]) -> Option<(usize, usize)> {
        touched(self.opcode_info(opcode)?, stack)
    }

    /// Tells how the transaction came out: its gas has the intrinsic gas and the refund in it.
    pub(crate) fn set_outcome(&mut self, outcome: &TxOutcome, rows: &GethRows) {
        self.outcome = Some(Outcome::of(outcome, self.rules, rows));
    }

    /// The transaction's outcome, or, if it is not known, that of its own frame.
    pub(crate) fn known_outcome(&self) -> Option<Outcome> {
        let of_frame = |call: &Call| {
            let FrameOutcome { status, output, .. } = call.outcome.clone()?;
            let failed = status != FrameStatus::Success;
            Some(Outcome { gas_used: call.gas_used()?, gas_by_kind: None, failed, output })
        };
        self.outcome
            .clone()
            .or_else(|| self.calls.iter().find(|call| call.parent.is_none()).and_then(of_frame))
    }

    /// Every write to storage and transient storage from a step on, in order; also those that a revert undid later.
    pub fn storage_changes_since(&self, step: u64) -> impl Iterator<Item = RecordedChange> + '_ {
        self.changes.since(step)
    }

    /// Every log from a step on, beside its step; also those that a revert undid later.
    pub fn logs_since(&self, step: u64) -> &[(u64, LogEntry)] {
        &self.logs[self.logs.partition_point(|log| log.0 < step)..]
    }

    /// The code that a message ran, if any opcode of it was recorded.
    pub fn code_of<'a>(&'a self, call: &Call) -> &'a [u8] {
        call.code.and_then(|code| self.codes.get(code)).map_or(&[], |code| code)
    }

    pub(crate) fn keeps_stack(&self) -> bool {
        self.config.stack_max_items != 0
    }

    pub(crate) fn keeps_memory(&self) -> bool {
        self.config.memory_max_bytes != 0
    }

    pub(crate) fn sources<'a>(&'a self, call: &'a Call, return_data: &'a [u8]) -> Sources<'a> {
        // The input of a creation is its code; its frame has no calldata.
        let calldata: &[u8] = if call.message.kind.is_create() { &[] } else { &call.message.input };
        Sources { calldata, code: self.code_of(call), return_data }
    }

    pub(crate) fn output_of(&self, call: usize) -> Bytes {
        let outcome = self.calls.get(call).and_then(|call| call.outcome.as_ref());
        outcome.map(|outcome| outcome.output.clone()).unwrap_or_default()
    }

    /// The segment that holds a step.
    pub(crate) fn segment_of(&self, step: u64) -> Option<usize> {
        let segment = self.segments.partition_point(|segment| segment.first_step <= step).checked_sub(1)?;
        (step < self.end_of(segment)).then_some(segment)
    }

    /// The step behind a segment's last.
    pub(crate) fn end_of(&self, segment: usize) -> u64 {
        let end = self.segments.get(segment + 1).map_or(self.steps, |next| next.first_step);
        let gap = self.gaps.partition_point(|gap| gap.end <= end).checked_sub(1).map(|gap| &self.gaps[gap]);
        gap.filter(|gap| gap.end == end && segment + 1 < self.segments.len()).map_or(end, |gap| gap.start)
    }

    /// The first step from this one on that is in no gap.
    pub(crate) fn known_from(&self, mut step: u64) -> u64 {
        let ahead = &self.gaps[self.gaps.partition_point(|gap| gap.end <= step)..];
        // Two gaps may follow each other without a step between them.
        for gap in ahead {
            if step < gap.start {
                break;
            }
            step = gap.end;
        }
        step
    }
}
