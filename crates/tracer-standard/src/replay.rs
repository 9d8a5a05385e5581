//! Reading a trace step after step: every record is read and applied once.

use parallax_primitives::{Halt, Opcode, Rules, StateGas};
use parallax_tracer_core::{LogEntry, MemorySnapshot, StackSnapshot, StepInfo, StepResult};

use crate::{
    Call, State, Trace,
    codec::Input,
    geth_row::Fault,
    record::{EFFECT, Record},
};

/// Goes through the steps of a trace in order.
///
/// Frames that wait for a callee are kept, so that going on costs the same at any depth.
#[derive(Clone, Debug)]
pub struct Replay<'a> {
    trace: &'a Trace,
    input: Input<'a>,
    /// The step that comes next.
    next: u64,
    /// The segment that `next` is in, once it is entered, and its end.
    segment: Option<usize>,
    segment_end: u64,
    /// States of the frames that are open, as far as they are known, the innermost last.
    states: Vec<State>,
    /// The step that was shown last, not applied to its state yet.
    shown: Option<Record<'a>>,
    /// Steps to go on with before that, the next one last.
    places: Vec<u64>,
}

/// One step of a replay, with the state it found.
#[derive(Clone, Copy, Debug)]
pub struct Step<'r> {
    trace: &'r Trace,
    record: &'r Record<'r>,
    /// Its number.
    pub index: u64,
    /// What it found.
    pub state: &'r State,
}

impl Trace {
    /// All steps, one after the other.
    pub fn replay(&self) -> Replay<'_> {
        self.replay_from(0)
    }

    /// All steps from this one on.
    pub fn replay_from(&self, step: u64) -> Replay<'_> {
        Replay::new(self, step)
    }

    /// Single steps, and then all from `step` on.
    pub(crate) fn replay_again(&self, single: Vec<u64>, step: u64) -> Replay<'_> {
        let mut replay = Replay::new(self, step);
        if !single.is_empty() {
            replay.places = std::iter::once(step).chain(single.into_iter().rev()).collect();
        }
        replay
    }
}

impl<'a> Replay<'a> {
    pub(crate) fn new(trace: &'a Trace, step: u64) -> Self {
        let mut replay = Self {
            trace,
            input: Input::new(&trace.arena, 0),
            next: step,
            segment: None,
            segment_end: step,
            states: Vec::new(),
            shown: None,
            places: Vec::new(),
        };
        let step = trace.known_from(step);
        let Some(segment) = trace.segment_of(step) else {
            replay.next = trace.len();
            return replay;
        };
        let (state, input) = trace.enter(segment);
        replay.states.push(state);
        replay.input = input;
        replay.segment = Some(segment);
        replay.segment_end = trace.end_of(segment);
        replay.next = trace.segments[segment].first_step;
        while replay.next < step && replay.advance().is_some() {}
        replay
    }

    /// What it goes through.
    pub fn trace(&self) -> &'a Trace {
        self.trace
    }

    /// The next step, or `None` behind the last.
    pub fn advance(&mut self) -> Option<Step<'_>> {
        if let Some(place) = self.places.pop() {
            *self = Self { places: std::mem::take(&mut self.places), ..Self::new(self.trace, place) };
        }
        self.apply_shown();
        if self.next >= self.trace.len() {
            return None;
        }
        while self.next == self.segment_end {
            self.enter_next_segment()?;
        }
        let state = self.states.last_mut()?;
        let record = self.trace.take_record(&mut self.input, state);
        let index = self.next;
        self.next += 1;
        Some(Step { trace: self.trace, record: self.shown.insert(record), index, state })
    }

    /// What the step that [`Replay::advance`] answered last did; `None` before the first. Of one that sent a message, what
    /// its frame went on with.
    pub fn result(&mut self) -> Option<StepResult> {
        let index = self.next.checked_sub(1)?;
        let region = self.trace.touched(self.shown.as_ref()?.opcode, &self.states.last()?.stack);
        let record = self.shown.clone()?;
        if record.sends() {
            return Some(self.trace.result(index, &record, &self.trace.state_after(index)?, region));
        }
        self.apply_shown();
        Some(self.trace.result(index, &record, self.states.last()?, region))
    }

    fn apply_shown(&mut self) {
        if let (Some(record), Some(state)) = (self.shown.take(), self.states.last_mut()) {
            record.apply(state, self.trace);
        }
    }

    /// `None` if there is none.
    fn enter_next_segment(&mut self) -> Option<()> {
        let trace = self.trace;
        let number = self.segment.map_or(0, |segment| segment + 1);
        let segment = trace.segments.get(number)?;
        let call = segment.call as usize;
        let depth = trace.calls.get(call).map_or(0, |call| call.message.depth);
        self.input = Input::new(&trace.arena, segment.offset);
        let header = trace.take_header(&mut self.input);
        let known = self.states.iter().rposition(|state| state.call == call);
        match known {
            Some(at) => self.states.truncate(at + 1),
            None => {
                self.states.truncate(self.states.partition_point(|state| state.depth < depth));
                self.states.push(State { call, depth, ..State::default() });
            }
        }
        match self.states.last_mut() {
            Some(state) if known.is_some() || header.is_whole() => header.apply(state, trace),
            // The replay began inside a callee of this frame.
            Some(state) => *state = trace.enter(number).0,
            None => {}
        }
        self.segment = Some(number);
        // Before it there may be a gap.
        self.next = segment.first_step;
        self.segment_end = trace.end_of(number);
        Some(())
    }
}

impl<'r> Step<'r> {
    /// The opcode.
    pub fn opcode(&self) -> Opcode {
        self.record.opcode
    }

    /// Its mnemonic; `INVALID` for a byte that the rules do not know.
    pub fn op_name(&self) -> &'static str {
        self.trace.opcode_name(self.record.opcode)
    }

    /// Gas it took; a call's includes what it forwarded, a creation's does not.
    pub fn gas_cost(&self) -> u64 {
        self.record.gas_cost
    }

    /// State gas it was charged or, below zero, given back (EIP-8037).
    pub fn state_gas_cost(&self) -> i64 {
        self.record.state_gas.cost
    }

    /// Execution gas and state gas as the opcode itself left them: of one that sends a message, before that runs.
    pub fn gas_left(&self) -> (u64, StateGas) {
        self.record.gas_left(self.state)
    }

    /// Why it failed, if it did.
    pub fn halt(&self) -> Option<Halt> {
        self.record.halt
    }

    /// Whether it wrote to storage or transient storage, or logged.
    pub fn has_effect(&self) -> bool {
        self.record.flags & EFFECT != 0
    }

    /// The message whose frame it belongs to.
    pub fn call(&self) -> Option<&'r Call> {
        self.trace.calls().get(self.state.call)
    }

    /// What it found, without its stack and memory.
    pub fn info(&self) -> Option<StepInfo> {
        self.trace.info(self.index, self.state, self.record.opcode)
    }

    /// The stack it found, within the trace's bounds.
    pub fn stack(&self) -> StackSnapshot {
        self.trace.stack_snapshot(self.state)
    }

    /// The memory it found, within the trace's bounds: a window round the region it is about to touch.
    pub fn memory(&self) -> MemorySnapshot {
        self.trace.memory_snapshot(self.state, self.trace.touched(self.record.opcode, &self.state.stack))
    }

    /// What it logged, within the trace's bounds.
    pub(crate) fn logs(&self) -> Vec<LogEntry> {
        let logs = self.trace.logs_since(self.index).iter();
        logs.take_while(|log| log.0 == self.index).map(|log| log.1.clone()).collect()
    }

    /// The refund counter as it left it.
    pub(crate) fn refund(&self) -> i64 {
        self.state.refund.wrapping_add(self.record.refund_change)
    }

    /// What go-ethereum says of it, if it failed.
    pub(crate) fn fault(&self) -> Option<&'r Fault> {
        let faults = &self.trace.faults;
        let at =
            self.record.halt.and_then(|_| faults.binary_search_by_key(&self.index, |fault| fault.0).ok());
        at.map(|at| &faults[at].1)
    }

    pub(crate) fn rules(&self) -> Option<Rules> {
        self.trace.rules
    }

    /// What an opcode that computes something put on the stack.
    pub(crate) fn word(&self) -> Option<parallax_primitives::U256> {
        self.record.word()
    }
}
