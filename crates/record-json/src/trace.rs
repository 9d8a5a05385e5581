//! Traces of one engine: a header and a line for each step; and struct logs.

use std::{borrow::Cow, io, io::Write};

use parallax_primitives::{Address, Bytes, U256};
use parallax_tracer_core::{ExecutionTrace, LogEntry, MemorySnapshot, StackSnapshot, StepInfo, StepResult};
use parallax_tracer_standard::{Trace, TracerConfig};
use serde::{Deserialize, Serialize};

use crate::{
    VERSION,
    hex::Hex,
    number::{self, from_one},
    outcome::Log,
    run::line,
    step::StepStateGas,
};

pub(crate) const TRACE: &str = "parallax-trace";
pub(crate) const STRUCT_LOGS: &str = "parallax-struct-logs";

/// What stands before the steps of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceHeader {
    /// `parallax-trace`.
    pub format: Cow<'static, str>,
    /// [`VERSION`].
    pub version: u32,
    /// What it was recorded under, and what a step shows.
    pub bounds: Bounds,
    /// Steps that follow.
    #[serde(with = "number")]
    pub steps: u64,
    /// What a bound left out of it.
    pub dropped: Cut,
    /// Steps that ran before the last one and that the recorder was not shown.
    #[serde(with = "number")]
    pub missing: u64,
    /// Their numbers: the first of each gap, and the first behind it.
    pub gaps: Vec<[u64; 2]>,
}

/// The bounds of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bounds {
    /// Items of a stack that a step shows.
    #[serde(with = "number")]
    pub stack_items: u64,
    /// Bytes of a memory that a step shows.
    #[serde(with = "number")]
    pub memory_bytes: u64,
    /// Bytes of a log's data that a step shows.
    #[serde(with = "number")]
    pub log_bytes: u64,
    /// Bytes of the whole trace.
    #[serde(with = "number")]
    pub trace_bytes: u64,
}

/// What a bound left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// Steps that ran.
    #[serde(with = "number")]
    pub steps: u64,
    /// Messages that were sent.
    #[serde(with = "number")]
    pub messages: u64,
}

/// One step of a trace: what the opcode found, and what it left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceStep {
    /// Its number, from 1.
    #[serde(with = "number")]
    pub step: u64,
    /// Offset of the opcode in the code.
    pub pc: u64,
    /// The opcode's byte.
    pub opcode: u8,
    /// Its mnemonic; `INVALID` for a byte that no fork defines.
    pub op_name: Cow<'static, str>,
    /// 1 is the transaction's own frame.
    pub depth: u32,
    /// The account whose storage the frame uses.
    pub address: Hex<Address>,
    /// What CALLER answers.
    pub caller: Hex<Address>,
    /// Whether the frame may not change state.
    pub is_static: bool,
    /// Gas left before it.
    #[serde(with = "number")]
    pub gas_before: u64,
    /// Gas left after it, and after what it called.
    #[serde(with = "number")]
    pub gas_after: u64,
    /// Gas it took: execution gas, where there are two.
    #[serde(with = "number")]
    pub gas_cost: u64,
    /// State gas before it and what it took of it, where the rules have any (EIP-8037).
    #[serde(flatten)]
    pub state_gas: Option<StepStateGas>,
    /// Items on the stack before it.
    pub stack_size: u64,
    /// Bytes of memory before it.
    pub memory_size: u64,
    /// The stack after it.
    pub stack: Stack,
    /// The memory after it.
    pub memory: Memory,
    /// What it wrote to storage or transient storage.
    pub storage_changes: Vec<StorageChange>,
    /// What it logged.
    pub logs: Vec<Log>,
    /// Why it failed, if it did.
    pub halt: Option<Cow<'static, str>>,
    /// It sent a message, and it is not known what its frame went on with.
    pub is_open: bool,
}

/// The top of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// The topmost items, the top last.
    pub items: Vec<Hex<U256>>,
    /// Items on the whole stack.
    pub total: u64,
}

/// A part of a memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Where `data` begins.
    pub offset: u64,
    /// The bytes.
    pub data: Hex<Bytes>,
    /// Bytes of the whole memory.
    pub total: u64,
}

/// One write to storage or transient storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageChange {
    /// The account written to.
    pub address: Hex<Address>,
    /// The slot.
    pub key: Hex<U256>,
    /// Its value before the write.
    pub previous: Hex<U256>,
    /// Its value after the write.
    pub new: Hex<U256>,
    /// Its value at the start of the transaction.
    pub original: Hex<U256>,
}

/// A whole execution in struct logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StructLogs {
    /// `parallax-struct-logs`.
    pub format: Cow<'static, str>,
    /// [`VERSION`].
    pub version: u32,
    /// Gas of the transaction.
    #[serde(with = "number")]
    pub gas_used: u64,
    /// What the transaction counts for in the execution gas of its block, where the rules have two gases (EIP-8037).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub execution_gas: Option<u64>,
    /// What it counts for in the state gas of its block, likewise.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state_gas: Option<u64>,
    /// Whether it reverted or halted.
    pub failed: bool,
    /// What it returned or reverted with.
    pub return_value: Hex<Bytes>,
    /// The steps.
    pub struct_logs: Vec<StructLog>,
    /// Steps that a bound left out.
    #[serde(with = "number")]
    pub steps_dropped: u64,
}

/// One step as `debug_traceTransaction` has it: the state before the opcode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StructLog {
    /// Offset of the opcode in the code.
    pub pc: u64,
    /// The opcode's byte.
    pub opcode: u8,
    /// Its mnemonic, which every byte has: `opcode 0xc not defined`.
    pub op_name: Cow<'static, str>,
    /// Gas left before it.
    #[serde(with = "number")]
    pub gas: u64,
    /// Gas it took; of one that failed, what was computed of that by then.
    #[serde(with = "number")]
    pub gas_cost: u64,
    /// State gas it took or, below zero, was given back, where the rules have any (EIP-8037).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state_gas_cost: Option<i64>,
    /// What is left in the reservoir before it, where the rules have any state gas.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state_gas_reservoir: Option<u64>,
    /// 1 is the transaction's own frame.
    pub depth: u16,
    /// The transaction's refund counter, in gas, what it adds itself included.
    #[serde(with = "number")]
    pub refund: i64,
    /// The stack before it.
    pub stack: Stack,
    /// The memory before it.
    pub memory: Memory,
    /// The return data before it.
    pub return_data: Hex<Bytes>,
    /// For SLOAD and SSTORE: the slots of the account that the trace has met so far, by key.
    pub storage: Vec<Slot>,
    /// What it logged, where that was asked for.
    pub logs: Vec<Log>,
    /// Why it failed, if it did before it was carried out, in go-ethereum's words.
    pub error: Option<Cow<'static, str>>,
}

/// A slot and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Which.
    pub key: Hex<U256>,
    /// What it holds.
    pub value: Hex<U256>,
}

/// Writes a trace: its header, and a line for each step within its bounds.
///
/// Fails if `out` does.
pub fn write_trace(out: &mut impl Write, trace: &Trace) -> io::Result<()> {
    line(out, &TraceHeader::from(trace))?;
    let mut replay = trace.replay();
    loop {
        let Some(info) = replay.advance().and_then(|step| step.info()) else { return Ok(()) };
        let Some(result) = replay.result() else { return Ok(()) };
        line(out, &TraceStep::new(&info, &result))?;
    }
}

impl From<&Trace> for TraceHeader {
    fn from(trace: &Trace) -> Self {
        let header = trace.header();
        let TracerConfig { memory_max_bytes, stack_max_items, log_data_max_bytes, trace_max_bytes } =
            header.config;
        Self {
            format: Cow::Borrowed(TRACE),
            version: VERSION,
            bounds: Bounds {
                stack_items: stack_max_items as u64,
                memory_bytes: memory_max_bytes as u64,
                log_bytes: log_data_max_bytes as u64,
                trace_bytes: trace_max_bytes,
            },
            steps: header.steps,
            dropped: Cut { steps: header.dropped.steps, messages: header.dropped.messages },
            missing: header.missing,
            gaps: trace.gaps().iter().map(|gap| [gap.start, gap.end].map(from_one)).collect(),
        }
    }
}

impl TraceStep {
    /// What a step found and what it left.
    pub fn new(info: &StepInfo, result: &StepResult) -> Self {
        let change = |change: &parallax_primitives::StorageChange| StorageChange {
            address: Hex(change.address),
            key: Hex(change.key),
            previous: Hex(change.previous),
            new: Hex(change.new),
            original: Hex(change.original),
        };
        Self {
            step: from_one(info.index),
            pc: info.pc as u64,
            opcode: info.opcode.0,
            op_name: Cow::Borrowed(info.op_name),
            depth: u32::from(info.depth) + 1,
            address: Hex(info.address),
            caller: Hex(info.caller),
            is_static: info.is_static,
            gas_before: info.gas_before,
            gas_after: result.gas_after,
            gas_cost: result.gas_cost,
            state_gas: info.state_gas_before.map(|before| StepStateGas {
                reservoir: before.reservoir,
                spilled_state_gas: before.spilled,
                state_gas_cost: result.state_gas_cost,
            }),
            stack_size: info.stack_size as u64,
            memory_size: info.memory_size as u64,
            stack: Stack::from(&result.stack_snapshot),
            memory: Memory::from(&result.memory_snapshot),
            storage_changes: result.storage_changes.iter().map(change).collect(),
            logs: result.logs_emitted.iter().map(Log::from).collect(),
            halt: result.error_info.map(|halt| Cow::Borrowed(halt.name())),
            is_open: result.is_open,
        }
    }
}

impl From<&StackSnapshot> for Stack {
    fn from(stack: &StackSnapshot) -> Self {
        Self { items: stack.items.iter().copied().map(Hex).collect(), total: stack.total as u64 }
    }
}

impl From<&MemorySnapshot> for Memory {
    fn from(memory: &MemorySnapshot) -> Self {
        let MemorySnapshot { offset, bytes, total } = memory;
        let data = Hex(Bytes::copy_from_slice(bytes));
        Self { offset: *offset as u64, data, total: *total as u64 }
    }
}

impl From<&LogEntry> for Log {
    fn from(log: &LogEntry) -> Self {
        Self {
            address: Hex(log.address),
            topics: log.topics.iter().copied().map(Hex).collect(),
            data: Hex(log.data.clone()),
            data_length: log.data_length as u64,
        }
    }
}

impl From<&ExecutionTrace> for StructLogs {
    fn from(trace: &ExecutionTrace) -> Self {
        Self {
            format: Cow::Borrowed(STRUCT_LOGS),
            version: VERSION,
            gas_used: trace.gas_used,
            execution_gas: trace.gas_by_kind.map(|[execution, _]| execution),
            state_gas: trace.gas_by_kind.map(|[_, state]| state),
            failed: trace.failed,
            return_value: Hex(trace.return_value.clone()),
            struct_logs: trace.struct_logs.iter().map(StructLog::from).collect(),
            steps_dropped: trace.steps_dropped,
        }
    }
}

impl From<&parallax_tracer_core::StructLog> for StructLog {
    fn from(log: &parallax_tracer_core::StructLog) -> Self {
        let slot = |(key, value): &(U256, U256)| Slot { key: Hex(*key), value: Hex(*value) };
        Self {
            pc: log.pc as u64,
            opcode: log.opcode.0,
            op_name: log.op_name.clone(),
            gas: log.gas,
            gas_cost: log.gas_cost,
            state_gas_cost: log.state_gas_cost,
            state_gas_reservoir: log.state_gas_reservoir,
            depth: log.depth,
            refund: log.refund,
            stack: Stack::from(&log.stack),
            memory: Memory::from(&log.memory),
            return_data: Hex(log.return_data.clone()),
            storage: log.storage.iter().map(slot).collect(),
            logs: log.logs.iter().map(Log::from).collect(),
            error: log.error.clone().map(Cow::Owned),
        }
    }
}
