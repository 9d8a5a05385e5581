use std::time::Duration;

/// How a client is told what to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The command is started for each file.
    Command,
    /// The command is started once; a path a line is written to its standard input.
    Batch,
}

/// What a case may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of time, from when the client is told of it.
    pub time: Duration,
    /// Bytes of output, both streams together.
    pub output: u64,
    /// Of address space of the client, in MiB; Unix only, and no limit where it is `None`.
    pub memory: Option<u64>,
}

impl Default for Limits {
    /// A minute and 4 GiB of output.
    fn default() -> Self {
        Self { time: Duration::from_secs(60), output: 4 << 30, memory: None }
    }
}
