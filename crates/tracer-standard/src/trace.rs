//! A recorded execution: what is kept, and the state at any step.
//!
//! Steps are kept as differences. Every run of steps of one frame is a *segment*; the segments of a frame are linked, and at
//! least every so often one of them holds the frame's whole state. So a state is rebuilt by reading this frame's own steps
//! since then, whatever its callees did in between.
//!
//! Invariant: the segments are ordered by step, without gaps, and every link goes to a segment of the same frame.

use parallax_primitives::{Bytes, FrameOutcome, FrameStatus, Message, Opcode, TxOutcome};
use parallax_tracer_core::{LogEntry, MemorySnapshot, StackSnapshot, StepInfo, StepResult};

use crate::{
    Call, RecordedChange, Replay, State, TracerConfig,
    changes::Changes,
    codec::Input,
    memory::{Sources, touched, window_start},
    record::{Header, Record},
};

/// A recorded execution.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    pub(crate) config: TracerConfig,
    pub(crate) arena: Vec<u8>,
    pub(crate) segments: Vec<Segment>,
    pub(crate) steps: u64,
    pub(crate) calls: Vec<Call>,
    pub(crate) codes: Vec<Bytes>,
    pub(crate) changes: Changes,
    pub(crate) logs: Vec<(u64, LogEntry)>,
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
#[derive(Clone, Copy, Debug)]
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
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) gas_used: u64,
    pub(crate) failed: bool,
    pub(crate) output: Bytes,
}

impl Trace {
    /// Steps in it. They are numbered from 0; recorded from its start on, a transaction's have the numbers that hooks see.
    pub fn len(&self) -> u64 {
        self.steps
    }

    /// Whether it has no step.
    pub fn is_empty(&self) -> bool {
        self.steps == 0
    }

    /// What it holds and what it had to leave out.
    pub fn header(&self) -> TraceHeader {
        let bytes = self.arena.len() as u64 + self.other_bytes + self.changes.size() as u64;
        TraceHeader { config: self.config, steps: self.steps, bytes, dropped: self.dropped }
    }

    /// Tells how the transaction came out, which hooks do not see: its gas has the intrinsic gas and the refund in it.
    pub fn set_outcome(&mut self, outcome: &TxOutcome) {
        self.outcome = Some(Outcome {
            gas_used: outcome.gas_used,
            failed: outcome.status != FrameStatus::Success,
            output: outcome.output.clone(),
        });
    }

    /// The transaction's outcome, or, if it is not known, that of its own frame.
    pub(crate) fn known_outcome(&self) -> Option<Outcome> {
        let of_frame = |call: &Call| {
            let FrameOutcome { status, output, .. } = call.outcome.clone()?;
            Some(Outcome { gas_used: call.gas_used()?, failed: status != FrameStatus::Success, output })
        };
        self.outcome
            .clone()
            .or_else(|| self.calls.iter().find(|call| call.parent.is_none()).and_then(of_frame))
    }

    /// All steps, one after the other.
    pub fn replay(&self) -> Replay<'_> {
        self.replay_from(0)
    }

    /// All steps from this one on.
    pub fn replay_from(&self, step: u64) -> Replay<'_> {
        Replay::new(self, step)
    }

    /// The whole state that a step found; `None` if the trace has no such step.
    pub fn state_before(&self, step: u64) -> Option<State> {
        Some(self.before(step)?.state)
    }

    /// The whole state that a step left. For one that sent a message that is the state in which its frame went on; as long
    /// as it has not, the state without the answer.
    pub fn state_after(&self, step: u64) -> Option<State> {
        let Position { mut state, record, segment, next } = self.before(step)?;
        record.apply(&mut state, self);
        let is_last_of_segment = step + 1 == self.end_of(segment);
        if !is_last_of_segment {
            let following = Record::take(&mut { next }, self.keeps_stack());
            state.pc = following.pc.unwrap_or(state.pc);
        } else if let Some(resumed) = self.segments.get(self.segments[segment].next as usize) {
            self.take_header(&mut Input::new(&self.arena, resumed.offset)).apply(&mut state, self);
        }
        Some(state)
    }

    /// What a step found, without its stack and memory.
    pub fn step_info(&self, step: u64) -> Option<StepInfo> {
        let Position { state, record, .. } = self.before(step)?;
        self.info(step, &state, record.opcode)
    }

    /// What a step did, within the bounds of the trace's configuration.
    pub fn step_result(&self, step: u64) -> Option<StepResult> {
        let Position { state, record, .. } = self.before(step)?;
        let region = touched(record.opcode, &state.stack);
        Some(self.result(step, &record, &self.state_after(step)?, region))
    }

    /// The part of the memory that a step found from `offset` on, at most `length` bytes; `None` if the trace has no such
    /// step.
    pub fn memory_window(&self, step: u64, offset: usize, length: usize) -> Option<MemorySnapshot> {
        let state = self.state_before(step)?;
        let bytes = crate::memory::part_of(&state.memory, offset, length).to_vec();
        Some(MemorySnapshot { offset, bytes, total: state.memory_size })
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

    pub(crate) fn take_header<'a>(&self, input: &mut Input<'a>) -> Header<'a> {
        Header::take(input, self.keeps_stack(), self.keeps_memory())
    }

    /// The segment that holds a step.
    pub(crate) fn segment_of(&self, step: u64) -> Option<usize> {
        if step >= self.steps {
            return None;
        }
        self.segments.partition_point(|segment| segment.first_step <= step).checked_sub(1)
    }

    /// The step behind a segment's last.
    pub(crate) fn end_of(&self, segment: usize) -> u64 {
        self.segments.get(segment + 1).map_or(self.steps, |next| next.first_step)
    }

    /// A frame's state where a segment of it begins, and where its first record stands.
    pub(crate) fn enter(&self, segment: usize) -> (State, Input<'_>) {
        let mut chain = Vec::new();
        let mut at = segment;
        loop {
            chain.push(at);
            let mut input = Input::new(&self.arena, self.segments[at].offset);
            let previous = self.segments[at].previous;
            if self.take_header(&mut input).is_whole() || previous == NO_SEGMENT {
                break;
            }
            at = previous as usize;
        }
        let call = self.segments[segment].call as usize;
        let depth = self.calls.get(call).map_or(0, |call| call.message.depth);
        let mut state = State { call, depth, ..State::default() };
        let mut input = Input::new(&self.arena, 0);
        for at in chain.into_iter().rev() {
            input = Input::new(&self.arena, self.segments[at].offset);
            self.take_header(&mut input).apply(&mut state, self);
            if at != segment {
                for _ in self.segments[at].first_step..self.end_of(at) {
                    self.take_record(&mut input, &mut state).apply(&mut state, self);
                }
            }
        }
        (state, input)
    }

    /// Reads the next record, and lets the state stand before its opcode.
    pub(crate) fn take_record<'a>(&self, input: &mut Input<'a>, state: &mut State) -> Record<'a> {
        let record = Record::take(input, self.keeps_stack());
        state.pc = record.pc.unwrap_or(state.pc);
        record
    }

    fn before(&self, step: u64) -> Option<Position<'_>> {
        let segment = self.segment_of(step)?;
        let (mut state, mut next) = self.enter(segment);
        for _ in self.segments[segment].first_step..step {
            self.take_record(&mut next, &mut state).apply(&mut state, self);
        }
        let record = self.take_record(&mut next, &mut state);
        Some(Position { state, record, segment, next })
    }

    pub(crate) fn info(&self, index: u64, state: &State, opcode: Opcode) -> Option<StepInfo> {
        let Message { address, caller, is_static, .. } = self.calls.get(state.call)?.message;
        Some(StepInfo {
            index,
            pc: state.pc,
            opcode,
            op_name: opcode.name().unwrap_or("INVALID"),
            gas_before: state.gas,
            depth: state.depth,
            address,
            caller,
            is_static,
            stack_size: state.stack_size,
            memory_size: state.memory_size,
        })
    }

    pub(crate) fn result(
        &self,
        step: u64,
        record: &Record<'_>,
        after: &State,
        region: Option<(usize, usize)>,
    ) -> StepResult {
        let of_step = |change: &RecordedChange| change.step == step;
        let logs = self.logs_since(step).iter().take_while(|log| log.0 == step);
        StepResult {
            gas_after: after.gas,
            gas_cost: record.gas_cost,
            stack_snapshot: self.stack_snapshot(after),
            memory_snapshot: self.memory_snapshot(after, region),
            storage_changes: self
                .storage_changes_since(step)
                .take_while(of_step)
                .map(|change| change.change)
                .collect(),
            logs_emitted: logs.map(|log| log.1.clone()).collect(),
            error_info: record.halt,
        }
    }

    pub(crate) fn stack_snapshot(&self, state: &State) -> StackSnapshot {
        let shown = state.stack.len().min(self.config.stack_max_items);
        let items = state.stack[state.stack.len() - shown..].to_vec();
        StackSnapshot { items, total: state.stack_size }
    }

    pub(crate) fn memory_snapshot(&self, state: &State, region: Option<(usize, usize)>) -> MemorySnapshot {
        let shown = state.memory.len().min(self.config.memory_max_bytes);
        let offset = window_start(state.memory.len(), shown, region);
        let bytes = crate::memory::part_of(&state.memory, offset, shown).to_vec();
        MemorySnapshot { offset, bytes, total: state.memory_size }
    }
}

/// A step, found.
struct Position<'a> {
    state: State,
    record: Record<'a>,
    segment: usize,
    /// Behind the record.
    next: Input<'a>,
}
