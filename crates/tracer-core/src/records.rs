//! The records that tracers hand out: owned values, so that they outlive the execution.
//!
//! A record that a bound has shortened says so: every part that can be shortened carries its full length, and what is empty
//! is empty, never absent.

use std::borrow::Cow;

use parallax_primitives::{Address, B256, Bytes, Halt, Opcode, StateGas, StorageChange, U256};

/// What an opcode found: its pre-state, without the stack and the memory themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepInfo {
    /// Number of the step in the trace, from 0.
    pub index: u64,
    /// Offset of the opcode in the code.
    pub pc: usize,
    /// The opcode.
    pub opcode: Opcode,
    /// Its mnemonic; `INVALID` for a byte that no fork defines.
    pub op_name: &'static str,
    /// Gas left before it: execution gas, where there are two.
    pub gas_before: u64,
    /// State gas before it, where the rules have any (EIP-8037).
    pub state_gas_before: Option<StateGas>,
    /// 0 is the transaction's own frame.
    pub depth: u16,
    /// The account whose storage the frame uses.
    pub address: Address,
    /// What CALLER answers.
    pub caller: Address,
    /// Whether the frame may not change state (EIP-214).
    pub is_static: bool,
    /// Items on the stack.
    pub stack_size: usize,
    /// Bytes of memory.
    pub memory_size: usize,
}

/// What an opcode did: its post-state. Of an opcode that sent a message, it is what its frame resumed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepResult {
    /// Gas left after it, and after what it called.
    pub gas_after: u64,
    /// Gas the opcode took; a call's includes what it forwarded, a creation's does not.
    pub gas_cost: u64,
    /// State gas after it, and after what it called, where the rules have any (EIP-8037).
    pub state_gas_after: Option<StateGas>,
    /// State gas it was charged or, below zero, given back. A failing opcode's is what it would have been charged.
    pub state_gas_cost: i64,
    /// The stack after it.
    pub stack_snapshot: StackSnapshot,
    /// The memory after it: a window round the region that it touched.
    pub memory_snapshot: MemorySnapshot,
    /// What it wrote to storage or transient storage; not what its callees wrote.
    pub storage_changes: Vec<StorageChange>,
    /// What it logged; not what its callees logged.
    pub logs_emitted: Vec<LogEntry>,
    /// Why it failed, if it did. REVERT is no failure of the opcode.
    pub error_info: Option<Halt>,
    /// The opcode sent a message, and it is not known what its frame resumed with: that goes on, or the trace has ended before, or has
    /// a gap there. The rest of the record is how the opcode left its frame.
    pub is_open: bool,
}

/// The top of a stack, bottom first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StackSnapshot {
    /// The topmost items, the top last.
    pub items: Vec<U256>,
    /// Items on the whole stack.
    pub total: usize,
}

impl StackSnapshot {
    /// Whether `items` is not the whole stack.
    pub fn is_cut(&self) -> bool {
        self.items.len() < self.total
    }
}

/// A part of a memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemorySnapshot {
    /// Where `bytes` begins in the memory.
    pub offset: usize,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Bytes of the whole memory.
    pub total: usize,
}

impl MemorySnapshot {
    /// Whether `bytes` is not the whole memory.
    pub fn is_cut(&self) -> bool {
        self.bytes.len() < self.total
    }
}

/// One record of LOG0 to LOG4, its data perhaps shortened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The account that logged.
    pub address: Address,
    /// At most four.
    pub topics: Vec<B256>,
    /// The first bytes of the data.
    pub data: Bytes,
    /// Bytes of the whole data.
    pub data_length: usize,
}

impl LogEntry {
    /// Whether `data` is not the whole data.
    pub fn is_cut(&self) -> bool {
        self.data.len() < self.data_length
    }
}

/// One step as `debug_traceTransaction` has it: the pre-state beside the opcode and its cost, in go-ethereum's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructLog {
    /// Offset of the opcode in the code.
    pub pc: usize,
    /// The opcode.
    pub opcode: Opcode,
    /// Its mnemonic, which every byte has: `opcode 0xc not defined`.
    pub op_name: Cow<'static, str>,
    /// Gas left before it.
    pub gas: u64,
    /// Gas it took; of one that failed, what was computed of that by then.
    pub gas_cost: u64,
    /// State gas it was charged or, below zero, given back, where the rules have any (EIP-8037).
    pub state_gas_cost: Option<i64>,
    /// What is left in the reservoir before it, where the rules have any state gas.
    pub state_gas_reservoir: Option<u64>,
    /// 1 is the transaction's own frame: one more than inside the library.
    pub depth: u16,
    /// The transaction's refund counter, what it adds itself included.
    pub refund: i64,
    /// The stack before it.
    pub stack: StackSnapshot,
    /// The memory before it: a window round the region that it is about to touch.
    pub memory: MemorySnapshot,
    /// The return data before it.
    pub return_data: Bytes,
    /// For SLOAD and SSTORE: the slots of the account that the trace has met so far, this one included, by key.
    pub storage: Vec<(U256, U256)>,
    /// What it logged, if that was asked for: go-ethereum does not show it.
    pub logs: Vec<LogEntry>,
    /// Why it failed, if it did before it was carried out. What fails later, as a jump to nowhere, shows in what follows alone.
    pub error: Option<String>,
}

/// A whole execution as `debug_traceTransaction` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionTrace {
    /// Gas of the transaction, in gas; without one, of its own frame.
    pub gas_used: u64,
    /// What the transaction counts for in the execution gas and the state gas of its block, where the rules have two gases.
    pub gas_by_kind: Option<[u64; 2]>,
    /// Whether it reverted or halted, or is a creation that could not pay for its code (before EIP-2).
    pub failed: bool,
    /// What it returned or reverted with.
    pub return_value: Bytes,
    /// The steps.
    pub struct_logs: Vec<StructLog>,
    /// Steps that a bound left out of `struct_logs`.
    pub steps_dropped: u64,
}
