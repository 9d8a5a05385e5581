//! What a recorder keeps, and what a record shows of it.

use parallax_primitives::{Bytes, Log, U256};
use parallax_tracer_core::{LogEntry, MemorySnapshot, StackSnapshot};

use crate::memory::{part_of, window_start};

/// The bounds of a recording. Meeting one is visible in the record it shortened, or in the trace's header.
///
/// The first three bound what a record *shows*; zero of the first two also means that stacks, or memories, are not recorded
/// at all, only their sizes. The store behind the records is bounded by `trace_max_bytes` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TracerConfig {
    /// Bytes of memory that a record shows, round the region that its opcode touched.
    pub memory_max_bytes: usize,
    /// Items of the stack that a record shows, from the top.
    pub stack_max_items: usize,
    /// Bytes of a log's data that are kept.
    pub log_data_max_bytes: usize,
    /// Bytes that the whole trace may take. Once it is met, further steps and messages are counted and dropped.
    pub trace_max_bytes: u64,
}

impl TracerConfig {
    /// Program counters, opcodes, gas, messages and storage changes; no stack, no memory, no log data.
    pub const fn minimal() -> Self {
        Self { memory_max_bytes: 0, stack_max_items: 0, log_data_max_bytes: 0, trace_max_bytes: 64 << 20 }
    }

    /// Everything is recorded; records show a screenful of it. The default.
    pub const fn bounded() -> Self {
        Self {
            memory_max_bytes: 1024,
            stack_max_items: 32,
            log_data_max_bytes: 512,
            trace_max_bytes: 256 << 20,
        }
    }

    /// Everything is recorded and shown; nothing is lost.
    pub const fn full() -> Self {
        Self {
            memory_max_bytes: usize::MAX,
            stack_max_items: usize::MAX,
            log_data_max_bytes: usize::MAX,
            trace_max_bytes: u64::MAX,
        }
    }
}

/// What a record shows of something.
impl TracerConfig {
    /// The top of a stack of `total` items, or of what is recorded of it.
    pub(crate) fn stack_snapshot(&self, stack: &[U256], total: usize) -> StackSnapshot {
        let shown = stack.len().min(self.stack_max_items);
        StackSnapshot { items: stack[stack.len() - shown..].to_vec(), total }
    }

    /// A window round a region of a memory of `total` bytes, or of what is recorded of it.
    pub(crate) fn memory_snapshot(
        &self,
        memory: &[u8],
        total: usize,
        region: Option<(usize, usize)>,
    ) -> MemorySnapshot {
        let shown = memory.len().min(self.memory_max_bytes);
        let offset = window_start(memory.len(), shown, region);
        MemorySnapshot { offset, bytes: part_of(memory, offset, shown).to_vec(), total }
    }

    /// A log, its data cut.
    pub(crate) fn log_entry(&self, log: &Log) -> LogEntry {
        let shown = log.data.len().min(self.log_data_max_bytes);
        let is_whole = shown == log.data.len();
        // A cut log must not keep the whole data alive.
        let data = if is_whole { log.data.clone() } else { Bytes::copy_from_slice(&log.data[..shown]) };
        LogEntry { address: log.address, topics: log.topics.clone(), data, data_length: log.data.len() }
    }
}

impl Default for TracerConfig {
    fn default() -> Self {
        Self::bounded()
    }
}
