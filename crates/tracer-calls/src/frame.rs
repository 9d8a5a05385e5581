use parallax_primitives::{Address, Bytes, Log, MessageKind, U256};

/// One message of a run, or one SELFDESTRUCT.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) kind: FrameKind,
    pub(crate) from: Address,
    /// Nobody, if a creation failed.
    pub(crate) to: Option<Address>,
    /// The transaction's gas limit, if it is its own frame.
    pub(crate) gas: u64,
    /// Of the transaction's own frame what the transaction pays for.
    pub(crate) gas_used: u64,
    pub(crate) input: Bytes,
    pub(crate) output: Bytes,
    pub(crate) error: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) logs: Vec<FrameLog>,
    /// Nothing for a STATICCALL, and for a SELFDESTRUCT of an engine that does not tell it.
    pub(crate) value: Option<U256>,
    /// The frame that it came from.
    pub(crate) parent: Option<usize>,
    /// Frames that came from it.
    pub(crate) calls: usize,
}

/// Where a frame came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    Message(MessageKind),
    SelfDestruct,
}

impl FrameKind {
    /// The opcode's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Message(kind) => kind.name(),
            Self::SelfDestruct => "SELFDESTRUCT",
        }
    }

    pub(crate) fn is_create(self) -> bool {
        matches!(self, Self::Message(kind) if kind.is_create())
    }
}

/// A log that an opcode wrote.
#[derive(Clone, Debug)]
pub(crate) struct FrameLog {
    pub(crate) log: Log,
    /// Logs of the block that stood before it.
    pub(crate) index: u64,
    /// Frames that came from its own one before it.
    pub(crate) position: usize,
}
