//! The tracer that writes a [`Trace`].
//!
//! It believes an opcode's facts only as far as it has checked them: the sizes of stack and memory, which items were moved,
//! and the region an opcode writes to are compared, and what differs is written out. What an opcode should not touch is not
//! looked at, but every so many steps the whole state is written anyway. So the trace of a faulty engine is that engine's.

use std::{collections::HashMap, ops::Range};

use parallax_hooks::{End, MessagePhase, Start, StepEnd, StepView};
use parallax_primitives::{Address, Bytes, Effect, Message, StateGas, U256};
use parallax_tracer_core::{LogEntry, Tracer};

use crate::{
    Call, Replay, Trace, TracerConfig,
    codec::{put_number, put_signed, put_word},
    expectation::Expected,
    geth_row::{Fault, GethRows},
    memory::{Write, output_before},
    record::{
        CALLEE_DATA, CLEARED, COUNTED, EFFECT, FROM_CODE, HALTED, JUMPED, KEY, NO_DATA, ODD, OTHER_DATA,
        RESIZED, RESUME, START, WITH_STATE_GAS, WRITTEN, push_data,
    },
    shape::{Class, Shape, shape_of},
    state_gas::{self, Ended, StateGasChange},
    trace::{NO_SEGMENT, Segment},
};

/// A frame's own steps between two whole states, at least.
const STEPS_PER_KEY: u32 = 1024;
/// Room for any record without an explicit stack or memory.
const RECORD_ROOM: usize = 128;
/// How much of a call's output region behind its output is written out, so that a fault there is seen.
const OUTPUT_CHECK: usize = 1024;

/// Records one run: its transaction's outcome too, if it is told the end. Hand `Traced(&mut recorder)` to an engine. Where another run
/// starts, what was recorded of the one before is gone, unless it was [taken](Recorder::take_trace).
#[derive(Clone, Debug)]
pub struct Recorder {
    trace: Trace,
    /// Frames that run, the innermost last.
    open: Vec<OpenFrame>,
    /// What the next step finds if nothing comes between.
    expected: Expected,
    /// Whether the innermost segment may go on.
    in_segment: bool,
    /// The index of the step that has begun and not ended; what it is about to do. Other hooks may see its end, and then these
    /// the end of another one.
    pending: Option<u64>,
    write: Option<Write>,
    exchanged: [U256; 2],
    output: (usize, usize),
    /// Steps are recorded as long as the arena is smaller.
    arena_limit: usize,
    /// Messages that were dropped and are not over.
    open_dropped: usize,
    /// The index of the step that is to come next.
    next: u64,
    /// Steps below this one have been drained.
    drained: u64,
    /// Steps that were drained while the messages that they sent were going on, each with its segment.
    drained_open: Vec<(u64, u32)>,
    /// The next step is to begin with the whole state.
    wants_key: bool,
    code_numbers: HashMap<(Address, usize), Vec<usize>>,
    rows: GethRows,
}

#[derive(Clone, Debug)]
struct OpenFrame {
    call: u32,
    depth: u16,
    /// The one that its next segment goes on from, or [`NO_SEGMENT`].
    last_segment: u32,
    /// There was a gap since it ran: the frame that goes on at its depth may be another one.
    is_unsure: bool,
    /// It has sent a message, whose answer it will find.
    awaits: bool,
    /// What it found when it was left.
    left: Expected,
    /// Where the output of the message goes.
    output: (usize, usize),
    last_child: Option<u32>,
    since_key: u32,
    key_due: u32,
}

/// Within the bounds of [`TracerConfig::default`].
impl Default for Recorder {
    fn default() -> Self {
        Self::new(TracerConfig::default())
    }
}

impl Recorder {
    /// Records within these bounds.
    pub fn new(config: TracerConfig) -> Self {
        let mut recorder = Self {
            trace: Trace { config, ..Trace::default() },
            open: Vec::new(),
            expected: Expected::default(),
            in_segment: false,
            pending: None,
            write: None,
            exchanged: [U256::ZERO; 2],
            output: (0, 0),
            arena_limit: 0,
            open_dropped: 0,
            next: 0,
            drained: 0,
            drained_open: Vec::new(),
            wants_key: false,
            code_numbers: HashMap::new(),
            rows: GethRows::default(),
        };
        recorder.account(0);
        recorder
    }

    /// What was recorded so far. It can be read while the execution is paused.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// What was recorded so far, and forgets it: the recorder is ready for another run.
    pub fn take_trace(&mut self) -> Trace {
        let config = self.trace.config;
        std::mem::replace(self, Self::new(config)).trace
    }

    /// Ends the recording.
    pub fn into_trace(self) -> Trace {
        self.trace
    }

    /// Has the next step begin with the whole state of its frame, written out as the engine shows it. Where a fault is known
    /// to be, this leaves nothing to be told from what the opcodes before it should have done.
    pub fn keep_next_state(&mut self) {
        self.in_segment = false;
        self.wants_key = true;
    }

    /// The steps that came since the last call: for showing a run while it goes on, between two pauses. Before them come, once
    /// more, those that were [open](parallax_tracer_core::StepResult::is_open) when they were given and whose frames have gone on
    /// since, in the order in which they ran.
    pub fn drain_new(&mut self) -> Replay<'_> {
        let from = std::mem::replace(&mut self.drained, self.trace.len());
        let has_gone_on = |segment: u32| {
            self.trace.segments.get(segment as usize).is_some_and(|segment| segment.next != NO_SEGMENT)
        };
        let again = self.drained_open.iter().filter(|(_, segment)| has_gone_on(*segment)).map(|open| open.0);
        let again: Vec<u64> = again.collect();
        self.drained_open = self.open.iter().filter_map(|open| self.open_step(open)).collect();
        self.trace.replay_again(again, from)
    }

    /// The step whose message a frame waits for, and its segment.
    fn open_step(&self, open: &OpenFrame) -> Option<(u64, u32)> {
        let waits = open.awaits && open.last_segment != NO_SEGMENT;
        let end = waits.then(|| self.trace.end_of(open.last_segment as usize))?;
        Some((end.checked_sub(1)?, open.last_segment))
    }

    fn is_full(&self) -> bool {
        self.trace.arena.len() >= self.arena_limit
    }

    /// Counts bytes outside the arena.
    fn account(&mut self, bytes: usize) {
        self.trace.other_bytes += bytes as u64;
        let taken = self.trace.other_bytes + self.trace.changes.size() as u64;
        let limit = self.trace.config.trace_max_bytes.saturating_sub(taken);
        self.arena_limit = usize::try_from(limit).unwrap_or(usize::MAX);
    }

    fn add_call(&mut self, message: &Message) -> u32 {
        self.account(size_of::<Call>() + message.input.len());
        let is_sender = |open: &&OpenFrame| open.depth.checked_add(1) == Some(message.depth);
        // A step sends one message. The next one is of a step that was not shown.
        let has_sent = |open: &&OpenFrame| is_sender(open) && open.last_child.is_none();
        let sent_by = self.open.last().filter(has_sent).and_then(|open| self.open_step(open));
        let number = u32::try_from(self.trace.calls.len()).unwrap_or(u32::MAX);
        let parent = self.open.last_mut().filter(|open| is_sender(&&**open)).map(|open| {
            open.last_child = Some(number);
            open.call as usize
        });
        self.trace.calls.push(Call {
            message: message.clone(),
            outcome: None,
            parent,
            sent_by: sent_by.map(|(step, _)| step),
            first_step: self.trace.steps,
            end_step: None,
            code: None,
        });
        self.open.push(OpenFrame {
            call: number,
            depth: message.depth,
            last_segment: NO_SEGMENT,
            is_unsure: false,
            awaits: false,
            left: Expected::default(),
            output: (0, 0),
            last_child: None,
            since_key: 0,
            key_due: STEPS_PER_KEY,
        });
        number
    }

    /// Makes the frame of `step` the innermost open one. Messages have done so already, unless the recorder came later.
    fn find_frame(&mut self, step: &StepView<'_>) {
        let calls = &self.trace.calls;
        let is_other = |open: &OpenFrame| {
            open.is_unsure && calls.get(open.call as usize).is_none_or(|call| call.message != *step.message)
        };
        let has_ended =
            |open: &&OpenFrame| open.depth > step.depth || open.depth == step.depth && is_other(open);
        let ended = self.open.iter().rev().take_while(has_ended).count();
        self.end_unseen(ended);
        if let Some(open) = self.open.last_mut().filter(|open| open.depth == step.depth) {
            open.is_unsure = false;
        } else {
            self.add_call(step.message);
        }
    }

    /// The innermost frames are over, and nobody has shown how.
    fn end_unseen(&mut self, count: usize) {
        for open in self.open.drain(self.open.len() - count..) {
            if let Some(call) = self.trace.calls.get_mut(open.call as usize) {
                call.end_step = Some(self.trace.steps);
            }
        }
    }

    /// Steps have run that it was not shown. What is known from before them is not gone on from.
    #[cold]
    fn notice_gap(&mut self, step: &StepView<'_>) {
        // A lower index is a run that has begun anew, whose start was told to others.
        let missing = step.index.checked_sub(self.next).unwrap_or(step.index);
        self.next = step.index;
        if missing == 0 {
            return;
        }
        let from = self.trace.steps;
        self.trace.steps = from.saturating_add(missing);
        self.trace.missing = self.trace.missing.saturating_add(missing);
        self.trace.gaps.push(from..self.trace.steps);
        self.account(size_of::<Range<u64>>());
        // So their next segments have the whole state.
        for open in &mut self.open {
            (open.last_segment, open.is_unsure, open.awaits) = (NO_SEGMENT, true, false);
        }
        self.in_segment = false;
    }

    #[cold]
    fn begin_segment(&mut self, step: &StepView<'_>) {
        self.find_frame(step);
        self.number_code(step);
        self.account(size_of::<Segment>());
        self.trace.rules = Some(step.rules);
        let segments = &mut self.trace.segments;
        let number = u32::try_from(segments.len()).unwrap_or(NO_SEGMENT);
        let Some(open) = self.open.last_mut() else { return };
        if let Some(previous) = segments.get_mut(open.last_segment as usize) {
            previous.next = number;
        }
        let is_empty = step.stack.is_empty() && step.memory.is_empty() && step.return_data.is_empty();
        let wants_key = std::mem::take(&mut self.wants_key);
        let kind = if open.last_segment == NO_SEGMENT && is_empty {
            START
        } else if !wants_key
            && open.awaits
            && open.since_key < open.key_due
            && step.stack.len() == open.left.stack_size + 1
            && step.memory.len() == open.left.memory_size
        {
            RESUME
        } else {
            KEY
        };
        segments.push(Segment {
            first_step: self.trace.steps,
            offset: self.trace.arena.len(),
            call: open.call,
            previous: open.last_segment,
            next: NO_SEGMENT,
        });
        open.last_segment = number;
        open.awaits = false;
        self.put_header(kind, step);
        self.in_segment = true;
        self.expected = Expected::found(step);
    }

    fn put_header(&mut self, kind: u8, step: &StepView<'_>) {
        let arena = &mut self.trace.arena;
        let has_state_gas = step.state_gas != StateGas::NONE;
        arena.push(if has_state_gas { kind | WITH_STATE_GAS } else { kind });
        put_number(arena, step.pc as u64);
        put_number(arena, step.gas);
        put_signed(arena, step.refund);
        if has_state_gas {
            state_gas::put(arena, step.state_gas);
        }
        let Some(open) = self.open.last_mut() else {
            return;
        };
        let child = open.last_child.take();
        if kind == START {
            return;
        }
        let output_of = |child: u32| self.trace.calls.get(child as usize)?.outcome.as_ref();
        match child.and_then(|child| Some((child, output_of(child)?))) {
            _ if step.return_data.is_empty() => arena.push(NO_DATA),
            Some((child, outcome)) if *outcome.output == *step.return_data => {
                arena.push(CALLEE_DATA);
                put_number(arena, u64::from(child));
            }
            _ => {
                arena.push(OTHER_DATA);
                put_number(arena, step.return_data.len() as u64);
                arena.extend_from_slice(step.return_data);
            }
        }
        let (keeps_stack, keeps_memory) =
            (self.trace.config.stack_max_items != 0, self.trace.config.memory_max_bytes != 0);
        if kind == RESUME {
            if let Some(answer) = step.stack.last().filter(|_| keeps_stack) {
                put_word(arena, answer);
            }
            let output = if keeps_memory { open.output } else { (0, 0) };
            put_output(arena, step, output);
            return;
        }
        put_stack(arena, step.stack, keeps_stack);
        put_number(arena, step.memory.len() as u64);
        if keeps_memory {
            arena.extend_from_slice(step.memory);
        }
        (open.since_key, open.key_due) = (0, STEPS_PER_KEY);
    }

    /// Remembers the code of the frame, once for all frames that run it.
    fn number_code(&mut self, step: &StepView<'_>) {
        let Some(open) = self.open.last() else {
            return;
        };
        let call = open.call as usize;
        if self.trace.calls.get(call).is_none_or(|call| call.code.is_some()) {
            return;
        }
        let same_place = self.code_numbers.entry((step.message.code_address, step.code.len())).or_default();
        let known = same_place.iter().copied().find(|number| *self.trace.codes[*number] == *step.code);
        let number = known.unwrap_or(self.trace.codes.len());
        if known.is_none() {
            same_place.push(number);
            // Init code is the message's input: no copy.
            let is_input = *step.message.input == *step.code;
            let code = if is_input { step.message.input.clone() } else { Bytes::copy_from_slice(step.code) };
            self.trace.codes.push(code);
            self.account(if is_input { 0 } else { step.code.len() } + size_of::<Bytes>());
        }
        self.trace.calls[call].code = Some(number);
    }

    /// Whether a frame has run long enough since its whole state was written, for the size of that state.
    #[cold]
    fn is_key_due(&mut self, step: &StepView<'_>) -> bool {
        let stack_size = if self.trace.keeps_stack() { 8 * step.stack.len() } else { 0 };
        let memory_size = if self.trace.keeps_memory() { step.memory.len() } else { 0 };
        let due = u32::try_from((stack_size + memory_size) / 2).unwrap_or(u32::MAX);
        let Some(open) = self.open.last_mut() else {
            return false;
        };
        open.key_due = due.max(STEPS_PER_KEY);
        open.since_key >= open.key_due
    }

    /// Where the opcode stood, its gas, and what it did to the stack.
    #[inline]
    fn put_change_of_frame(&mut self, step: &StepView<'_>, end: &StepEnd<'_>, shape: &Shape) -> u8 {
        let mut flags = 0;
        let arena = &mut self.trace.arena;
        if step.pc != self.expected.pc {
            flags |= JUMPED;
            put_number(arena, step.pc as u64);
        }
        put_number(arena, end.gas_cost);
        let (mut gas_left, mut stack_size) = (self.expected.gas, self.expected.stack_size);
        if let Some(halt) = end.halt {
            flags |= HALTED;
            arena.push(halt as u8);
        } else {
            // What is spilled or repaid moves between the two gases.
            let moved = self.expected.state_gas.spilled.wrapping_sub(step.state_gas.spilled);
            gas_left = gas_left.wrapping_sub(end.gas_cost).wrapping_add(moved);
            stack_size = (stack_size + usize::from(shape.adds)).wrapping_sub(usize::from(shape.takes));
        }
        let keeps_stack = self.trace.config.stack_max_items != 0;
        let is_regular = gas_left == end.gas_left
            && stack_size == step.stack.len()
            && (!keeps_stack || end.halt.is_some() || self.put_result(step, shape));
        if !is_regular {
            flags |= ODD;
            put_number(&mut self.trace.arena, end.gas_left);
            put_stack(&mut self.trace.arena, step.stack, keeps_stack);
        }
        flags
    }

    /// What it did to the memory, the refund counter, the return data, storage and logs.
    #[inline]
    fn put_change_of_world(&mut self, step: &StepView<'_>, end: &StepEnd<'_>, class: Class) -> u8 {
        let mut flags = 0;
        if step.memory.len() != self.expected.memory_size {
            flags |= RESIZED;
            put_number(&mut self.trace.arena, step.memory.len() as u64);
        }
        if class == Class::Writer && end.halt.is_none() && self.put_written(step) {
            flags |= WRITTEN;
        }
        let ended = Ended::of(class, end.halt);
        let before = self.expected.state_gas;
        let change = StateGasChange::between(before, step.state_gas, end.state_gas_cost, ended);
        if change.is_some() || step.refund != self.expected.refund {
            flags |= COUNTED;
            if let Some(change) = change {
                // No refund changes by nothing.
                put_signed(&mut self.trace.arena, 0);
                change.put(&mut self.trace.arena);
            }
            put_signed(&mut self.trace.arena, step.refund.wrapping_sub(self.expected.refund));
        }
        if step.return_data.is_empty() && self.expected.return_size != 0 {
            flags |= CLEARED;
        }
        if !matches!(end.effect, Effect::None) {
            flags |= EFFECT;
            self.put_effect(end.effect);
        }
        flags
    }

    /// The result of an opcode that did not fail; false, and nothing put, if the stack is not as its facts say.
    #[inline]
    fn put_result(&mut self, step: &StepView<'_>, shape: &Shape) -> bool {
        let Some(top) = step.stack.last() else {
            return shape.adds == 0 && shape.class != Class::Deep;
        };
        match shape.class {
            Class::Moves(_) | Class::Deep => {
                let has_moved = shape.class.has_moved(step, &self.exchanged);
                let is_deep = has_moved && shape.class == Class::Deep;
                self.trace.arena.extend(is_deep.then(|| step.immediate()));
                has_moved
            }
            Class::LongPush if is_long(top) => {
                let length = step.opcode.push_data();
                if push_data(step.code, step.pc, length) == *top {
                    self.trace.arena.push(FROM_CODE);
                } else {
                    put_word(&mut self.trace.arena, top);
                }
                true
            }
            Class::Plain | Class::LongPush => {
                if shape.adds != 0 {
                    put_word(&mut self.trace.arena, top);
                }
                true
            }
            Class::Writer | Class::Message => true,
        }
    }

    /// What the opcode wrote to memory, unless its operands tell; whether they do not.
    fn put_written(&mut self, step: &StepView<'_>) -> bool {
        let (Some(write), true) = (self.write, self.trace.keeps_memory()) else {
            return false;
        };
        let call = self.open.last().and_then(|open| self.trace.calls.get(open.call as usize));
        let sources = call.map(|call| self.trace.sources(call, step.return_data));
        let is_explained = sources.is_some_and(|sources| write.explains(step.memory, &sources));
        if is_explained && self.trace.keeps_stack() {
            return false;
        }
        let bytes = step.memory.get(write.offset..write.offset.saturating_add(write.length)).unwrap_or(&[]);
        put_number(&mut self.trace.arena, write.offset as u64);
        put_number(&mut self.trace.arena, bytes.len() as u64);
        self.trace.arena.extend_from_slice(bytes);
        true
    }

    #[cold]
    fn put_effect(&mut self, effect: Effect<'_>) {
        let step = self.trace.steps;
        match effect {
            Effect::None => {}
            Effect::Storage(change) => self.trace.changes.push(step, false, &change),
            Effect::Transient(change) => self.trace.changes.push(step, true, &change),
            Effect::Log(log) => {
                let entry = self.trace.config.log_entry(log);
                let shown = entry.data.len();
                self.trace.logs.push((step, entry));
                self.account(size_of::<(u64, LogEntry)>() + shown + 32 * log.topics.len());
            }
        }
        self.account(0);
    }
}

impl Tracer for Recorder {
    fn start(&mut self, start: &Start<'_>) {
        if self.next != 0 || !self.trace.calls.is_empty() || self.trace.outcome.is_some() {
            *self = Self::new(self.trace.config);
        }
        self.trace.rules = Some(start.rules);
    }

    fn end(&mut self, end: &End<'_>) {
        if let End::Outcome(outcome) = end {
            self.trace.set_outcome(outcome, &self.rows);
        }
    }

    #[inline]
    fn step(&mut self, step: &StepView<'_>) {
        if self.is_full() {
            self.trace.dropped.steps += 1;
            self.pending = None;
            return;
        }
        if step.index != self.next {
            self.notice_gap(step);
        }
        if !self.in_segment || !self.expected.is_found_by(step) {
            self.begin_segment(step);
        }
        match shape_of(step.rules, step.opcode).class {
            Class::Plain | Class::LongPush => {}
            class @ (Class::Moves(_) | Class::Deep) => class.keep_exchanged(step, &mut self.exchanged),
            Class::Writer => self.write = Write::before(step),
            Class::Message => self.output = output_before(step),
        }
        self.rows.step(step);
        self.pending = Some(step.index);
    }

    #[inline]
    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        if self.pending.take() != Some(step.index) {
            return;
        }
        if let Some(fault) = self.rows.step_end(step, end) {
            self.account(size_of::<(u64, Fault)>() + fault.error.as_ref().map_or(0, String::len));
            self.trace.faults.push((self.trace.steps, fault));
        }
        let shape = shape_of(step.rules, step.opcode);
        let arena = &mut self.trace.arena;
        arena.reserve(RECORD_ROOM);
        arena.push(step.opcode.0);
        let flags_at = arena.len();
        arena.push(0);
        let flags =
            self.put_change_of_frame(step, end, &shape) | self.put_change_of_world(step, end, shape.class);
        self.trace.arena[flags_at] = flags;
        self.trace.steps += 1;
        self.next = step.index.saturating_add(1);

        let has_sent = Ended::of(shape.class, end.halt) == Ended::Sends;
        let return_size =
            std::mem::replace(&mut self.expected, Expected::after(step, end, &shape)).return_size;
        let has_other_data = !step.return_data.is_empty() && step.return_data.len() != return_size;
        self.leave(step, has_sent, has_other_data);
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        self.in_segment = false;
        match phase {
            MessagePhase::Before if self.is_full() => {
                self.trace.dropped.messages += 1;
                self.open_dropped += 1;
            }
            MessagePhase::Before => {
                self.end_unseen(
                    self.open.iter().rev().take_while(|open| open.depth >= message.depth).count(),
                );
                self.add_call(message);
            }
            MessagePhase::After(_) if self.open_dropped > 0 => self.open_dropped -= 1,
            MessagePhase::After(outcome) => {
                self.end_unseen(self.open.iter().rev().take_while(|open| open.depth > message.depth).count());
                let Some(open) = self.open.pop_if(|open| open.depth == message.depth) else {
                    return;
                };
                let end_step = self.trace.steps;
                if let Some(call) = self.trace.calls.get_mut(open.call as usize) {
                    call.outcome = Some(outcome.clone());
                    call.end_step = Some(end_step);
                }
                self.account(outcome.output.len());
            }
        }
    }
}

impl Recorder {
    /// Ends the segment if the frame waits for an answer now, if its whole state is due, or if there is return data that
    /// no record has.
    #[inline]
    fn leave(&mut self, step: &StepView<'_>, has_sent: bool, has_other_data: bool) {
        let Some(open) = self.open.last_mut() else {
            return;
        };
        open.since_key += 1;
        if has_sent {
            open.awaits = true;
            open.left = self.expected;
            open.output = self.output;
            self.in_segment = false;
        } else if has_other_data || open.since_key >= open.key_due && self.is_key_due(step) {
            self.in_segment = false;
        }
    }
}

/// Where the output of a callee went and how much of it, and what follows it in the region it was asked into.
fn put_output(arena: &mut Vec<u8>, step: &StepView<'_>, (offset, length): (usize, usize)) {
    let region = step.memory.get(offset..offset.saturating_add(length)).unwrap_or(&[]);
    let copied = region.len().min(step.return_data.len());
    let is_copy = region[..copied] == step.return_data[..copied];
    let derived = if is_copy { copied } else { 0 };
    let explicit = if is_copy { &region[copied..region.len().min(copied + OUTPUT_CHECK)] } else { region };
    put_number(arena, derived as u64);
    put_number(arena, explicit.len() as u64);
    if derived != 0 || !explicit.is_empty() {
        put_number(arena, offset as u64);
        arena.extend_from_slice(explicit);
    }
}

fn put_stack(arena: &mut Vec<u8>, stack: &[U256], keeps_stack: bool) {
    put_number(arena, stack.len() as u64);
    if keeps_stack {
        stack.iter().for_each(|item| put_word(arena, item));
    }
}

/// Whether a word is so long that comparing it with the push data is worth it.
fn is_long(word: &U256) -> bool {
    word.as_limbs()[1..] != [0, 0, 0]
}

#[cfg(test)]
mod tests {
    use parallax_primitives::{Fork, JournalView, Log, MessageKind, Opcode};

    use super::*;

    struct Nothing;

    impl JournalView for Nothing {
        fn refund(&self) -> i64 {
            0
        }
        fn storage(&self, _: Address, _: U256) -> Option<U256> {
            None
        }
        fn original_storage(&self, _: Address, _: U256) -> Option<U256> {
            None
        }
        fn transient_storage(&self, _: Address, _: U256) -> U256 {
            U256::ZERO
        }
        fn logs(&self) -> &[Log] {
            &[]
        }
    }

    fn message(gas: u64) -> Message {
        Message {
            kind: MessageKind::Call,
            depth: 0,
            is_static: false,
            gas,
            caller: Address::ZERO,
            address: Address::ZERO,
            code_address: Address::ZERO,
            is_delegated: false,
            value: U256::ZERO,
            input: Bytes::new(),
            state_gas: Default::default(),
            salt: U256::ZERO,
        }
    }

    /// JUMPDEST after JUMPDEST, each on the memory given for it.
    fn record<'m>(
        steps: u32,
        memory: impl Fn(u32) -> &'m [u8],
        prepare: impl Fn(u32, &mut Recorder),
    ) -> Trace {
        let message = message(u64::from(steps));
        let code = vec![Opcode::JUMPDEST.0; 1 << 14];
        let mut recorder = Recorder::new(TracerConfig::full());
        recorder.message(&message, MessagePhase::Before);
        for number in 0..steps {
            let before = StepView {
                rules: Fork::LATEST.into(),
                index: u64::from(number),
                depth: 0,
                pc: number as usize,
                opcode: Opcode::JUMPDEST,
                gas: u64::from(steps - number),
                state_gas: message.state_gas,
                refund: 0,
                stack: &[],
                memory: memory(number),
                return_data: &[],
                message: &message,
                code: &code,
                journal: &Nothing,
            };
            prepare(number, &mut recorder);
            recorder.step(&before);
            let end = StepEnd { gas_cost: 1, gas_left: before.gas - 1, ..StepEnd::default() };
            recorder.step_end(&StepView { gas: end.gas_left, memory: memory(number + 1), ..before }, &end);
        }
        recorder.into_trace()
    }

    /// How often the whole state is written over a memory of `memory_size` bytes.
    #[track_caller]
    fn check_keys(steps: u32, memory_size: usize, expected: usize) {
        let memory = vec![1; memory_size];
        let trace = record(steps, |_| &memory, |_, _| {});
        assert_eq!(trace.segments.len(), expected);
        let last = trace.state_before(u64::from(steps) - 1).unwrap();
        assert_eq!((last.gas, last.memory_size), (1, memory_size));
    }

    #[test]
    fn what_no_opcode_should_have_touched_is_seen_where_it_was_asked_for() {
        let (right, wrong) = (vec![1; 64], vec![2; 64]);
        // The third step changes a memory that it has nothing to do with.
        let memory = |number: u32| if number < 3 { &*right } else { &*wrong };
        let memories = |trace: &Trace| {
            [trace.state_before(2), trace.state_after(2), trace.state_before(3), trace.state_before(4)]
                .map(|state| state.unwrap().memory[0])
        };
        assert_eq!(memories(&record(5, memory, |_, _| {})), [1, 1, 1, 1]);
        let asked = record(5, memory, |number, recorder| {
            if [2, 3].contains(&number) {
                recorder.keep_next_state();
            }
        });
        assert_eq!(memories(&asked), [1, 2, 2, 2]);
    }

    #[test]
    fn whole_states_are_written_as_often_as_their_size_allows() {
        check_keys(1024, 0, 1);
        check_keys(1025, 0, 2);
        check_keys(8 * 1024, 0, 8);
        check_keys(8 * 1024, 2 * 1024, 8);
        // The memory is there from the first step on, so that step has the whole state too.
        check_keys(8 * 1024, 8 * 1024, 2);
        check_keys(8 * 1024 + 1, 8 * 1024, 3);
    }

    #[test]
    fn a_recorder_without_bounds_of_its_own_has_the_usual_ones() {
        let (default, usual) = (Recorder::default(), Recorder::new(TracerConfig::default()));
        assert_eq!(default.trace().header().config, usual.trace().header().config);
        assert!(!default.is_full());
    }
}
