//! The state at any step of a trace, rebuilt.

use parallax_primitives::{Message, Opcode};
use parallax_tracer_core::{MemorySnapshot, StackSnapshot, StepInfo, StepResult};

use crate::{
    RecordedChange, State, Trace,
    codec::Input,
    record::{Header, Record},
    trace::NO_SEGMENT,
};

impl Trace {
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
            let following = Record::take(&mut { next }, self);
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
        let region = self.touched(record.opcode, &state.stack);
        Some(self.result(step, &record, &self.state_after(step)?, region))
    }

    /// The part of the memory that a step found from `offset` on, at most `length` bytes; `None` if the trace has no such
    /// step.
    pub fn memory_window(&self, step: u64, offset: usize, length: usize) -> Option<MemorySnapshot> {
        let state = self.state_before(step)?;
        let bytes = crate::memory::part_of(&state.memory, offset, length).to_vec();
        Some(MemorySnapshot { offset, bytes, total: state.memory_size })
    }

    pub(crate) fn take_header<'a>(&self, input: &mut Input<'a>) -> Header<'a> {
        Header::take(input, self.keeps_stack(), self.keeps_memory())
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
        let record = Record::take(input, self);
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
            op_name: self.opcode_name(opcode),
            gas_before: state.gas,
            state_gas_before: self.has_state_gas().then_some(state.state_gas),
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
            state_gas_after: self.has_state_gas().then_some(after.state_gas),
            state_gas_cost: record.state_gas.cost,
            stack_snapshot: self.stack_snapshot(after),
            memory_snapshot: self.memory_snapshot(after, region),
            storage_changes: self
                .storage_changes_since(step)
                .take_while(of_step)
                .map(|change| change.change)
                .collect(),
            logs_emitted: logs.map(|log| log.1.clone()).collect(),
            error_info: record.halt,
            is_open: record.sends() && !self.has_answer(step),
        }
    }

    /// Whether the frame of a step that sent a message has gone on.
    fn has_answer(&self, step: u64) -> bool {
        self.segment_of(step).is_some_and(|segment| self.segments[segment].next != NO_SEGMENT)
    }

    pub(crate) fn stack_snapshot(&self, state: &State) -> StackSnapshot {
        self.config.stack_snapshot(&state.stack, state.stack_size)
    }

    pub(crate) fn memory_snapshot(&self, state: &State, region: Option<(usize, usize)>) -> MemorySnapshot {
        self.config.memory_snapshot(&state.memory, state.memory_size, region)
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
