//! A trace in the shape of `debug_traceTransaction`'s struct logs, as records or as JSON.
//!
//! The fields and their terms are those of go-ethereum and execution-apis of August 2026. What is more has a field that neither has: a
//! stack, memory or trace that a bound has cut, and logs, where they are asked for. Where there are two gases (EIP-8037), `gas` and
//! `gasCost` are execution gas, and the fields of the other one have the names that execution-apis#852 gives them.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    io,
};

use parallax_primitives::{Address, Bytes, Opcode, U256, hex};
use parallax_tracer_core::{ExecutionTrace, LogEntry, MemorySnapshot, StackSnapshot, StructLog};
use serde::{
    Serialize, Serializer,
    ser::{Error, SerializeMap, SerializeSeq},
};

use crate::{Replay, Step, Trace, geth_row::op_name};

/// What struct logs show; the names are those of `debug_traceTransaction`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StructLogOptions {
    /// Show memories.
    pub enable_memory: bool,
    /// Show no stacks.
    pub disable_stack: bool,
    /// Show no storage.
    pub disable_storage: bool,
    /// Show return data.
    pub enable_return_data: bool,
    /// Show logs, which `debug_traceTransaction` has no option for.
    pub enable_logs: bool,
    /// Steps to show at most; 0 is no limit. So execution-apis has it; go-ethereum counts bytes.
    pub limit: u64,
}

/// The struct logs of a trace, one after the other.
#[derive(Clone, Debug)]
pub struct StructLogs<'a> {
    replay: Replay<'a>,
    options: StructLogOptions,
    left: u64,
    storage: MetSlots,
}

/// The slots that every account's code has read or written.
#[derive(Clone, Debug, Default)]
pub(crate) struct MetSlots(HashMap<Address, BTreeMap<U256, U256>>);

impl MetSlots {
    /// A slot that SLOAD or SSTORE has met, and all of its account's, by key.
    pub(crate) fn meet(&mut self, address: Address, key: U256, value: U256) -> Vec<(U256, U256)> {
        let slots = self.0.entry(address).or_default();
        slots.insert(key, value);
        slots.iter().map(|(key, value)| (*key, *value)).collect()
    }
}

impl Trace {
    /// The struct logs, made as they are asked for.
    pub fn struct_logs(&self, options: StructLogOptions) -> StructLogs<'_> {
        let left = if options.limit == 0 { u64::MAX } else { options.limit };
        StructLogs { replay: self.replay(), options, left, storage: MetSlots::default() }
    }

    /// The whole trace as records. Large: [`Trace::write_struct_logs`] does not hold it all.
    pub fn execution_trace(&self, options: StructLogOptions) -> ExecutionTrace {
        let outcome = self.known_outcome();
        let struct_logs: Vec<StructLog> = self.struct_logs(options).collect();
        ExecutionTrace {
            gas_used: outcome.as_ref().map_or(0, |outcome| outcome.gas_used),
            gas_by_kind: outcome.as_ref().and_then(|outcome| outcome.gas_by_kind),
            failed: outcome.as_ref().is_none_or(|outcome| outcome.failed),
            return_value: outcome.map(|outcome| outcome.output).unwrap_or_default(),
            steps_dropped: self.header().steps - struct_logs.len() as u64 + self.header().dropped.steps,
            struct_logs,
        }
    }

    /// Writes the result of `debug_traceTransaction` as JSON, step by step.
    ///
    /// Fails if `out` does.
    pub fn write_struct_logs(&self, out: impl io::Write, options: StructLogOptions) -> io::Result<()> {
        serde_json::to_writer(out, &Document { trace: self, options }).map_err(io::Error::from)
    }
}

impl Iterator for StructLogs<'_> {
    type Item = StructLog;

    fn next(&mut self) -> Option<StructLog> {
        self.left = self.left.checked_sub(1)?;
        let options = self.options;
        let step = self.replay.advance()?;
        let info = step.info()?;
        let fault = step.fault();
        let storage = if options.disable_storage { Vec::new() } else { met_slots(&mut self.storage, &step) };
        Some(StructLog {
            pc: info.pc,
            opcode: info.opcode,
            op_name: op_name(step.rules(), info.opcode),
            gas: info.gas_before,
            gas_cost: fault.map_or(step.gas_cost(), |fault| fault.gas_cost),
            state_gas_cost: info.state_gas_before.map(|_| step.state_gas_cost()),
            state_gas_reservoir: info.state_gas_before.map(|before| before.reservoir),
            depth: info.depth.saturating_add(1),
            refund: step.refund() + fault.map_or(0, |fault| fault.refund),
            stack: if options.disable_stack { StackSnapshot::default() } else { step.stack() },
            memory: if options.enable_memory { step.memory() } else { MemorySnapshot::default() },
            return_data: if options.enable_return_data {
                step.state.return_data.clone()
            } else {
                Bytes::new()
            },
            storage,
            logs: if options.enable_logs && step.has_effect() { step.logs() } else { Vec::new() },
            error: fault.and_then(|fault| fault.error.clone()),
        })
    }
}

/// At SLOAD and SSTORE, paid for or not: what the trace knows of the account's storage.
fn met_slots(storage: &mut MetSlots, step: &Step<'_>) -> Vec<(U256, U256)> {
    let stack = &step.state.stack;
    let value = match step.opcode() {
        Opcode::SLOAD => step.word().or_else(|| step.fault()?.slot),
        Opcode::SSTORE => stack.iter().nth_back(1).copied(),
        _ => None,
    };
    let (Some(call), Some(key), Some(value)) = (step.call(), stack.last(), value) else {
        return Vec::new();
    };
    storage.meet(call.message.address, *key, value)
}

struct Document<'a> {
    trace: &'a Trace,
    options: StructLogOptions,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (outcome, header) = (self.trace.known_outcome(), self.trace.header());
        let shown = match self.options.limit {
            0 => header.steps,
            limit => header.steps.min(limit),
        };
        let dropped = header.steps - shown + header.dropped.steps;
        let mut document = serializer.serialize_map(None)?;
        document.serialize_entry("gas", &outcome.as_ref().map_or(0, |outcome| outcome.gas_used))?;
        if let Some([execution, state]) = outcome.as_ref().and_then(|outcome| outcome.gas_by_kind) {
            document.serialize_entry("regularGasUsed", &execution)?;
            document.serialize_entry("stateGasUsed", &state)?;
        }
        document.serialize_entry("failed", &outcome.as_ref().is_none_or(|outcome| outcome.failed))?;
        let output = outcome.map(|outcome| outcome.output).unwrap_or_default();
        document.serialize_entry("returnValue", &hex::encode_prefixed(&output))?;
        let rows = Rows { logs: RefCell::new(self.trace.struct_logs(self.options)), options: self.options };
        document.serialize_entry("structLogs", &rows)?;
        if dropped != 0 {
            document.serialize_entry("stepsDropped", &dropped)?;
        }
        if header.missing != 0 {
            document.serialize_entry("stepsMissing", &header.missing)?;
        }
        document.end()
    }
}

/// Serialises once: it uses the steps up.
struct Rows<'a> {
    logs: RefCell<StructLogs<'a>>,
    options: StructLogOptions,
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut logs = self.logs.try_borrow_mut().map_err(S::Error::custom)?;
        let mut rows = serializer.serialize_seq(None)?;
        for log in &mut *logs {
            rows.serialize_element(&Row { log: &log, options: self.options })?;
        }
        rows.end()
    }
}

/// One struct log as JSON.
pub(crate) struct Row<'a> {
    pub(crate) log: &'a StructLog,
    pub(crate) options: StructLogOptions,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Row { log, options } = self;
        let mut row = serializer.serialize_map(None)?;
        row.serialize_entry("pc", &log.pc)?;
        row.serialize_entry("op", &log.op_name)?;
        row.serialize_entry("gas", &log.gas)?;
        row.serialize_entry("gasCost", &log.gas_cost)?;
        if let (Some(cost), Some(reservoir)) = (log.state_gas_cost, log.state_gas_reservoir) {
            row.serialize_entry("stateGasCost", &cost)?;
            row.serialize_entry("stateGasReservoir", &reservoir)?;
        }
        row.serialize_entry("depth", &log.depth)?;
        if let Some(error) = &log.error {
            row.serialize_entry("error", error)?;
        }
        if !options.disable_stack {
            row.serialize_entry("stack", &Words(&log.stack.items))?;
            if log.stack.is_cut() {
                row.serialize_entry("stackSize", &log.stack.total)?;
            }
        }
        if options.enable_return_data && !log.return_data.is_empty() {
            row.serialize_entry("returnData", &hex::encode_prefixed(&log.return_data))?;
        }
        if options.enable_memory && log.memory.total != 0 {
            row.serialize_entry("memory", &Chunks(&log.memory.bytes))?;
            if log.memory.is_cut() {
                row.serialize_entry("memoryOffset", &log.memory.offset)?;
                row.serialize_entry("memorySize", &log.memory.total)?;
            }
        }
        if !log.storage.is_empty() {
            row.serialize_entry("storage", &Slots(&log.storage))?;
        }
        if log.refund != 0 {
            row.serialize_entry("refund", &log.refund)?;
        }
        if !log.logs.is_empty() {
            let logs: Vec<_> = log.logs.iter().map(LogRow).collect();
            row.serialize_entry("logs", &logs)?;
        }
        row.end()
    }
}

struct LogRow<'a>(&'a LogEntry);

impl Serialize for LogRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_map(None)?;
        row.serialize_entry("address", &format_args!("{:#x}", self.0.address))?;
        let topics: Vec<_> = self.0.topics.iter().map(ToString::to_string).collect();
        row.serialize_entry("topics", &topics)?;
        row.serialize_entry("data", &hex::encode_prefixed(&self.0.data))?;
        if self.0.is_cut() {
            row.serialize_entry("dataSize", &self.0.data_length)?;
        }
        row.end()
    }
}

/// Minimal hexadecimal quantities.
struct Words<'a>(&'a [U256]);

impl Serialize for Words<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut words = serializer.serialize_seq(Some(self.0.len()))?;
        for word in self.0 {
            words.serialize_element(&format_args!("{word:#x}"))?;
        }
        words.end()
    }
}

/// A word for every 32 bytes.
struct Chunks<'a>(&'a [u8]);

impl Serialize for Chunks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut chunks = serializer.serialize_seq(Some(self.0.len().div_ceil(32)))?;
        for chunk in self.0.chunks(32) {
            chunks.serialize_element(&hex::encode_prefixed(chunk))?;
        }
        chunks.end()
    }
}

struct Slots<'a>(&'a [(U256, U256)]);

impl Serialize for Slots<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut slots = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in self.0 {
            slots.serialize_entry(&format_args!("{key:#066x}"), &format_args!("{value:#066x}"))?;
        }
        slots.end()
    }
}
