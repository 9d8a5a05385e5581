//! What a recorder keeps, and what a record shows of it.

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

impl Default for TracerConfig {
    fn default() -> Self {
        Self::bounded()
    }
}
