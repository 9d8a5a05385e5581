use std::fmt;

use crate::{Address, B256, Bytes, Halt, StateGas, U256};

/// How a frame or a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FrameStatus {
    /// STOP, RETURN, SELFDESTRUCT or the end of the code.
    Success,
    /// REVERT (EIP-140): effects undone, gas kept.
    Revert,
    /// An exceptional halt: effects undone, gas consumed unless [`Halt::keeps_gas`].
    Halt(Halt),
}

impl FrameStatus {
    /// Whether effects are kept.
    pub const fn is_success(self) -> bool {
        matches!(self, FrameStatus::Success)
    }
}

impl fmt::Display for FrameStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameStatus::Success => f.pad("success"),
            FrameStatus::Revert => f.pad("revert"),
            FrameStatus::Halt(halt) => halt.fmt(f),
        }
    }
}

/// What one message came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameOutcome {
    /// How it ended.
    pub status: FrameStatus,
    /// Gas handed back to the caller; zero after a halt that consumes it.
    pub gas_left: u64,
    /// State gas as it is then (EIP-8037). A frame that failed has its baseline in the reservoir again and nothing spilled: what it had
    /// spilled is in `gas_left` after a revert, and gone after a halt. What an interpreter says of a frame that failed is how it stood
    /// there; the machine falls back.
    pub state_gas: StateGas,
    /// What RETURN or REVERT gave; the deployed code is not in it (see `created`).
    pub output: Bytes,
    /// The new account of a successful creation.
    pub created: Option<Address>,
}

impl FrameOutcome {
    /// A message that failed with `halt`, with no output, handing back `gas_left`.
    pub const fn halted(halt: Halt, gas_left: u64) -> Self {
        Self {
            status: FrameStatus::Halt(halt),
            gas_left,
            state_gas: StateGas::NONE,
            output: Bytes::new(),
            created: None,
        }
    }
}

/// What a whole valid transaction came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxOutcome {
    /// How its own frame ended.
    pub status: FrameStatus,
    /// Gas paid for, in gas: refunds taken off, the calldata floor (EIP-7623) applied.
    pub gas_used: u64,
    /// Refund granted, in gas, after the cap (EIP-3529); zero if the calldata floor (EIP-7623) is paid.
    pub gas_refunded: u64,
    /// What it counts for in the execution gas of its block: no refund is taken off (EIP-7778), and the calldata floor is held against
    /// it alone (EIP-8037). Without state gas this is `gas_used`.
    pub execution_gas: u64,
    /// What it counts for in the state gas of its block (EIP-8037): state gas that was charged and not given back. The block's gas is
    /// the greater of the two sums.
    pub state_gas: u64,
    /// Output of its own frame. For a successful creation: the deployed code.
    pub output: Bytes,
    /// Logs of every frame that was not undone, in order.
    pub logs: Vec<Log>,
    /// The new account of a successful creation.
    pub created: Option<Address>,
}

/// One record of LOG0 to LOG4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The account that logged.
    pub address: Address,
    /// At most four.
    pub topics: Vec<B256>,
    /// The bytes.
    pub data: Bytes,
}

/// One write to storage or transient storage, as it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageChange {
    /// The account written to.
    pub address: Address,
    /// The slot.
    pub key: U256,
    /// Its value before the write.
    pub previous: U256,
    /// Its value after the write.
    pub new: U256,
    /// Its value at the start of the transaction; zero for transient storage.
    pub original: U256,
}

/// What one opcode left behind outside its frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect<'a> {
    /// Nothing.
    #[default]
    None,
    /// SSTORE wrote.
    Storage(StorageChange),
    /// TSTORE wrote (EIP-1153).
    Transient(StorageChange),
    /// LOG0 to LOG4 logged.
    Log(&'a Log),
}
