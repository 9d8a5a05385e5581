//! The whole state of the running frame at a step, on both sides, and where the two differ.

use std::collections::BTreeMap;

use parallax_primitives::{Address, Bytes, FrameStatus, U256, hex};
use parallax_tracer_core::LogEntry;
use parallax_tracer_standard::Trace;

use crate::{
    model::{self, When},
    pair::{ranges, stack_differences},
    records::Records,
    side::{Recording, Side},
    source,
};

/// Slots and logs of one answer.
const PAGE: usize = 1000;
/// Ranges of memory that differ, of one answer.
const RANGES: usize = 1024;

/// Bytes of calldata, and of return data, of one answer.
const DATA: usize = 1 << 20;
/// Bytes of a log's data.
const LOG_DATA: usize = 1 << 12;

/// Which part of the memory is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) offset: usize,
    pub(crate) length: usize,
}

/// A side's state, and its memory and stack as they are.
struct Seen {
    shown: model::SideState,
    stack: Option<Vec<U256>>,
    memory: Option<Vec<u8>>,
    return_data: Option<Bytes>,
    /// Whole, as far as they are shown.
    logs: Option<Vec<LogEntry>>,
}

pub(crate) fn state(
    records: &Records,
    step: u64,
    when: When,
    window: Window,
    engines: Vec<String>,
) -> model::State {
    let [left, right] = records.sides().map(|side| side.and_then(|side| seen(side, step, when, window)));
    let differences = left.as_ref().zip(right.as_ref()).map(|(left, right)| differences(left, right));
    model::State {
        step_index: step,
        when,
        engines,
        left: left.map(|seen| seen.shown),
        right: right.map(|seen| seen.shown),
        differences,
    }
}

fn seen(side: &Side, step: u64, when: When, window: Window) -> Option<Seen> {
    match side {
        Side::Recorded(recording) => of_record(recording, step, when, window),
        Side::File(_) => {
            // What a step left is what the next one finds, if that is of the same frame.
            let mut walk = side.walk(step);
            let depth = walk.advance()?.depth;
            if when == When::Before {
                walk = side.walk(step);
            }
            let found = walk.advance().filter(|found| found.depth == depth)?;
            let memory = found.memory.map(<[u8]>::to_vec);
            let shown = model::SideState {
                call: None,
                depth: u64::from(found.depth),
                pc: found.pc,
                gas: found.gas,
                reservoir: found.state_gas.reservoir,
                spilled_state_gas: found.state_gas.spilled,
                reservoir_baseline: found.state_gas.baseline,
                refund: found.refund,
                stack: found.stack.map(|stack| stack.iter().map(model::word).collect()),
                memory: memory.as_deref().map(|memory| window.of(memory)),
                return_data: found.return_data.map(|data| model::cut(data, DATA)),
                return_data_length: found.return_data.map(|data| data.len()),
                address: None,
                caller: None,
                code_address: None,
                value: None,
                calldata: None,
                calldata_length: None,
                is_static: None,
                storage: None,
                storage_truncated: false,
                transient: None,
                logs: None,
            };
            let stack = found.stack.map(<[U256]>::to_vec);
            Some(Seen { shown, stack, memory, return_data: found.return_data.cloned(), logs: None })
        }
    }
}

fn of_record(recording: &Recording, step: u64, when: When, window: Window) -> Option<Seen> {
    let trace = &*recording.trace;
    let (state, until) = match when {
        When::Before => (trace.state_before(step)?, step),
        When::After => (trace.state_after(step)?, after(trace, step)),
    };
    let call = trace.calls().get(state.call)?;
    let message = &call.message;
    let undone = Undone { trace, until };
    let (storage, storage_truncated) = undone.storage(recording, message.address);
    let calldata: &[u8] = if message.kind.is_create() { &[] } else { &message.input };
    let state_gas = trace.has_state_gas().then_some(state.state_gas);
    let shown = model::SideState {
        call: Some(state.call),
        depth: u64::from(state.depth),
        pc: state.pc as u64,
        gas: state.gas,
        reservoir: state_gas.map(|gas| gas.reservoir),
        spilled_state_gas: state_gas.map(|gas| gas.spilled),
        reservoir_baseline: state_gas.map(|gas| gas.baseline),
        refund: Some(state.refund),
        stack: Some(state.stack.iter().map(model::word).collect()),
        memory: Some(window.of(&state.memory)),
        return_data: Some(model::cut(&state.return_data, DATA)),
        return_data_length: Some(state.return_data.len()),
        address: Some(model::address(&message.address)),
        caller: Some(model::address(&message.caller)),
        code_address: Some(model::address(&message.code_address)),
        value: Some(model::word(&message.value)),
        calldata: Some(model::cut(calldata, DATA)),
        calldata_length: Some(calldata.len()),
        is_static: Some(message.is_static),
        storage: Some(storage),
        storage_truncated,
        transient: Some(undone.transient(message.address)),
        logs: Some(undone.shown_logs()),
    };
    let (return_data, logs) =
        (Some(state.return_data), undone.logs().iter().map(|log| log.1.clone()).collect());
    Some(Seen { shown, stack: Some(state.stack), memory: Some(state.memory), return_data, logs: Some(logs) })
}

/// The step behind a step and all that it called.
fn after(trace: &Trace, step: u64) -> u64 {
    let calls = trace.calls();
    // A step sends at most one message.
    let first = calls.partition_point(|call| call.sent_by.is_none_or(|sent| sent < step));
    match calls.get(first).filter(|call| call.sent_by == Some(step)) {
        Some(call) => trace.steps_of(call).end.max(step + 1),
        None => step + 1,
    }
}

/// What a run had done before a step, without what was undone again.
struct Undone<'t> {
    trace: &'t Trace,
    until: u64,
}

impl Undone<'_> {
    /// Whether what a step did was undone: its frame, or one around it, failed before `until`.
    fn is_undone(&self, step: u64) -> bool {
        let mut call = self.call_of(step);
        while let Some(at) = call.and_then(|number| self.trace.calls().get(number)) {
            let failed = at.outcome.as_ref().is_some_and(|outcome| outcome.status != FrameStatus::Success);
            if failed && self.trace.steps_of(at).end <= self.until {
                return true;
            }
            call = at.parent;
        }
        false
    }

    /// The innermost message that a step is in.
    fn call_of(&self, step: u64) -> Option<usize> {
        let calls = self.trace.calls();
        let mut number =
            calls.partition_point(|call| self.trace.steps_of(call).start <= step).checked_sub(1)?;
        while !self.trace.steps_of(&calls[number]).contains(&step) {
            number = calls[number].parent?;
        }
        Some(number)
    }

    /// The slots of an account: before the transaction, and as written since.
    fn storage(&self, recording: &Recording, address: Address) -> (Vec<model::Slot>, bool) {
        let before = source::account(&recording.database, address).map(|account| &account.storage);
        let mut slots: BTreeMap<U256, (U256, U256)> = BTreeMap::new();
        let mut truncated = false;
        for (key, value) in before.into_iter().flatten() {
            if slots.len() == PAGE {
                truncated = true;
                break;
            }
            slots.insert(*key, (*value, *value));
        }
        for recorded in self.trace.storage_changes_since(0).take_while(|change| change.step < self.until) {
            let change = recorded.change;
            if recorded.is_transient || change.address != address || self.is_undone(recorded.step) {
                continue;
            }
            if slots.len() < 2 * PAGE || slots.contains_key(&change.key) {
                slots.insert(change.key, (change.new, change.original));
            } else {
                truncated = true;
            }
        }
        let shown = slots.into_iter().map(|(key, (value, original))| model::Slot {
            address: model::address(&address),
            key: model::word(&key),
            value: model::word(&value),
            original: Some(model::word(&original)),
        });
        (shown.collect(), truncated)
    }

    fn transient(&self, address: Address) -> Vec<model::Slot> {
        let mut slots: BTreeMap<U256, U256> = BTreeMap::new();
        for recorded in self.trace.storage_changes_since(0).take_while(|change| change.step < self.until) {
            let change = recorded.change;
            let is_ours = recorded.is_transient && change.address == address;
            if is_ours && !self.is_undone(recorded.step) && slots.len() < PAGE {
                slots.insert(change.key, change.new);
            }
        }
        let shown = slots.into_iter().map(|(key, value)| model::Slot {
            address: model::address(&address),
            key: model::word(&key),
            value: model::word(&value),
            original: None,
        });
        shown.collect()
    }

    /// The last logs, each with its step.
    fn logs(&self) -> &[(u64, LogEntry)] {
        let logs = self.trace.logs_since(0);
        let logs = &logs[..logs.partition_point(|log| log.0 < self.until)];
        &logs[logs.len().saturating_sub(PAGE)..]
    }

    fn shown_logs(&self) -> Vec<model::LogEntry> {
        self.logs()
            .iter()
            .map(|(step, log)| model::LogEntry {
                step_index: *step,
                address: model::address(&log.address),
                topics: log.topics.iter().map(ToString::to_string).collect(),
                data: model::cut(&log.data, LOG_DATA),
                data_length: log.data_length,
                reverted: self.is_undone(*step),
            })
            .collect()
    }
}

impl Window {
    fn of(self, memory: &[u8]) -> model::Memory {
        let start = self.offset.min(memory.len());
        let end = start.saturating_add(self.length).min(memory.len());
        model::Memory { offset: start, data: hex::encode_prefixed(&memory[start..end]), size: memory.len() }
    }
}

fn differences(left: &Seen, right: &Seen) -> model::Differences {
    let mut fields = Vec::new();
    let (l, r) = (&left.shown, &right.shown);
    let mut note = |name, differs: bool| {
        if differs {
            fields.push(name);
        }
    };
    fn both<T: PartialEq>(a: &Option<T>, b: &Option<T>) -> bool {
        a.is_some() && b.is_some() && a != b
    }
    note("depth", l.depth != r.depth);
    note("pc", l.pc != r.pc);
    note("gas", l.gas != r.gas);
    note("reservoir", both(&l.reservoir, &r.reservoir));
    note("spilledStateGas", both(&l.spilled_state_gas, &r.spilled_state_gas));
    note("reservoirBaseline", both(&l.reservoir_baseline, &r.reservoir_baseline));
    note("refund", both(&l.refund, &r.refund));
    note("stack", both(&left.stack, &right.stack));
    note("memory", both(&left.memory, &right.memory));
    note("returnData", both(&left.return_data, &right.return_data));
    note("address", both(&l.address, &r.address));
    note("storage", both(&l.storage, &r.storage));
    note("transient", both(&l.transient, &r.transient));
    note("logs", both(&left.logs, &right.logs));
    let stacks = left.stack.as_ref().zip(right.stack.as_ref());
    let memories = left.memory.as_ref().zip(right.memory.as_ref());
    let data = left.return_data.as_ref().zip(right.return_data.as_ref());
    model::Differences {
        fields,
        stack: stacks.map_or(Vec::new(), |(left, right)| stack_differences(left, right)),
        memory: memories.map_or(Vec::new(), |(left, right)| ranges(left, right, RANGES)),
        return_data: data.and_then(|(left, right)| ranges(left, right, 1).first().map(|range| range[0])),
    }
}
