//! The first place where two runs part, as a value.

use std::fmt;

use parallax_primitives::{Address, Message, MessageKind, Opcode, U256};

use crate::{Detail, Earlier, Mismatch, ShadowConfig, StepSide, Value, outcome};

/// What a comparison came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Both sides are the same in everything that is compared.
    Agree,
    /// They are not.
    Diverge(Box<Divergence>),
    /// It cannot be said: the world failed, a run was aborted or a record is not complete. Never counted as agreement.
    Poisoned(String),
}

/// The first place where two runs part. Its `Display` is the report for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// Names of the engines, left and right.
    pub engines: [String; 2],
    /// Where.
    pub place: Place,
    /// In what.
    pub field: Field,
    /// What the left side has there.
    pub left: Value,
    /// What the right side has there.
    pub right: Value,
    /// What kind of fault this looks like.
    pub cause: Cause,
    /// The last things that both sides did alike before it, oldest first.
    pub recent: Vec<Earlier>,
    /// The state on both sides, where steps or blocks were compared and details were asked for.
    pub detail: Option<Box<Detail>>,
    /// Most characters of one value in the report.
    pub max_summary_length: usize,
}

impl Divergence {
    /// A divergence without detail; its cause follows from the mismatch.
    pub fn new(
        engines: [String; 2],
        place: Place,
        mismatch: Mismatch,
        recent: Vec<Earlier>,
        config: &ShadowConfig,
    ) -> Self {
        let Mismatch { field, left, right } = mismatch;
        let cause = outcome::cause(field, &left, &right);
        let max_summary_length = config.max_summary_length;
        Self { engines, place, field, left, right, cause, recent, detail: None, max_summary_length }
    }
}

/// Where two runs part.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// At an opcode.
    Step {
        /// Its number in the transaction, all frames, from 0.
        index: u64,
        /// The watched side's opcode, and what it has of it.
        step: StepSide,
        /// Whether it has run: then what it left differs, else what it finds.
        is_over: bool,
        /// The messages around it, from the transaction's own down to its frame's.
        path: Vec<PathItem>,
    },
    /// At the entry of a basic block.
    Block {
        /// Its number: block entries are counted over all frames, from 0.
        index: u64,
        /// Offset of the entry in the code.
        pc: usize,
        /// The messages around it.
        path: Vec<PathItem>,
        /// What wrote the value that differs, of the opcodes since the entry before, if it can be told. No opcode run one by
        /// one differs: it is the block's fast form that does.
        suspect: Option<Suspect>,
    },
    /// At a message.
    Message {
        /// Its number: messages are counted in the order they begin, from 0.
        index: usize,
        /// Whether it is over: then its outcome differs, else the message itself.
        is_over: bool,
        /// The messages around it, from the transaction's own down to itself.
        path: Vec<PathItem>,
    },
    /// In what the transaction as a whole came to.
    Transaction,
    /// In the state after it.
    PostState,
}

impl Place {
    /// [`Place::path`] for a person: of a long one the first two and the last five, and between them how many are left out.
    pub fn path_rows(&self) -> Vec<String> {
        const FIRST: usize = 2;
        const LAST: usize = 5;
        let path = self.path();
        let hidden = path.len().saturating_sub(FIRST + LAST);
        if hidden <= 1 {
            return path.iter().map(ToString::to_string).collect();
        }
        let row = ToString::to_string;
        let mut rows: Vec<_> = path[..FIRST].iter().map(row).collect();
        rows.push(format!(".. and {hidden} more"));
        rows.extend(path[FIRST + hidden..].iter().map(row));
        rows
    }

    /// The messages around it, from the transaction's own down; empty where it is in none.
    pub fn path(&self) -> &[PathItem] {
        match self {
            Place::Step { path, .. } | Place::Block { path, .. } | Place::Message { path, .. } => path,
            Place::Transaction | Place::PostState => &[],
        }
    }
}

/// The opcode that last wrote what differs at a block entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// Its number in the transaction.
    pub index: u64,
    /// Its offset in the code.
    pub pc: usize,
    /// What it is.
    pub opcode: Opcode,
}

/// One message on the way to the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathItem {
    /// Its number.
    pub index: usize,
    /// What sent it.
    pub kind: MessageKind,
    /// The account whose code runs; for a creation the new account.
    pub address: Address,
}

impl PathItem {
    /// Message number `index` of its transaction.
    pub fn new(index: usize, message: &Message) -> Self {
        let address = if message.kind.is_create() { message.address } else { message.code_address };
        Self { index, kind: message.kind, address }
    }
}

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// Whether there is such a step at all.
    Step,
    /// Offset of the opcode.
    Pc,
    /// The opcode.
    Opcode,
    /// Gas that the opcode took.
    GasCost,
    /// The transaction's refund counter.
    Refund,
    /// Items on the stack.
    StackSize,
    /// An item of the stack, by its number from the top, 0 first.
    Stack(usize),
    /// Bytes of memory.
    MemorySize,
    /// The word of memory around the first byte that differs, by that byte's offset.
    Memory(usize),
    /// The return data of the last message.
    ReturnData,
    /// Why the opcode failed.
    Halt,
    /// What the opcode wrote to transient storage (EIP-1153).
    TransientStorage(Address, U256),
    /// Whether there is such a message at all.
    Message,
    /// CALL, CREATE, ...
    Kind,
    /// Depth of the frame.
    Depth,
    /// Whether state may change.
    Static,
    /// Gas left before or after an opcode; of a message, the gas given to it.
    Gas,
    /// CALLER.
    Caller,
    /// ADDRESS.
    Address,
    /// The account whose code runs.
    CodeAddress,
    /// Whether that account is a delegate (EIP-7702).
    Delegated,
    /// CALLVALUE.
    Value,
    /// Calldata or init code.
    Input,
    /// CREATE2's salt.
    Salt,
    /// How it ended.
    Status,
    /// Gas handed back.
    GasLeft,
    /// Gas paid for.
    GasUsed,
    /// Refund granted.
    GasRefunded,
    /// What it returned.
    Output,
    /// Root of the state after the transaction, where a trace says no more of it.
    StateRoot,
    /// The account it created.
    Created,
    /// Whether there is such a log, by its number.
    Log(usize),
    /// The account that logged.
    LogAddress(usize),
    /// The topics, one after another.
    LogTopics(usize),
    /// The data.
    LogData(usize),
    /// Whether the account was changed at all, or deleted.
    Account(Address),
    /// Nonce of an account.
    Nonce(Address),
    /// Balance of an account, in wei.
    Balance(Address),
    /// Code of an account, where it is new.
    Code(Address),
    /// Whether an account's old storage was cleared.
    StorageCleared(Address),
    /// A slot of an account: what the opcode wrote there, or what it is after the transaction.
    Storage(Address, U256),
}

impl Field {
    /// The field's name, as reports and JSON have it, without which log or account.
    pub const fn name(self) -> &'static str {
        match self {
            Field::Step => "step",
            Field::Pc => "pc",
            Field::Opcode => "opcode",
            Field::GasCost => "gas cost",
            Field::Refund => "refund",
            Field::StackSize => "stack size",
            Field::Stack(_) => "stack",
            Field::MemorySize => "memory size",
            Field::Memory(_) => "memory",
            Field::ReturnData => "return data",
            Field::Halt => "halt",
            Field::TransientStorage(..) => "transient storage",
            Field::Message => "message",
            Field::Kind => "kind",
            Field::Depth => "depth",
            Field::Static => "static",
            Field::Gas => "gas",
            Field::Caller => "caller",
            Field::Address => "address",
            Field::CodeAddress => "code address",
            Field::Delegated => "delegated",
            Field::Value => "value",
            Field::Input => "input",
            Field::Salt => "salt",
            Field::Status => "status",
            Field::GasLeft => "gas left",
            Field::GasUsed => "gas used",
            Field::GasRefunded => "gas refunded",
            Field::Output => "output",
            Field::StateRoot => "state root",
            Field::Created => "created",
            Field::Log(_) => "log",
            Field::LogAddress(_) => "log address",
            Field::LogTopics(_) => "log topics",
            Field::LogData(_) => "log data",
            Field::Account(_) => "account",
            Field::Nonce(_) => "nonce",
            Field::Balance(_) => "balance",
            Field::Code(_) => "code",
            Field::StorageCleared(_) => "storage cleared",
            Field::Storage(..) => "storage",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Field::Log(number)
            | Field::LogAddress(number)
            | Field::LogTopics(number)
            | Field::LogData(number) => write!(f, " {number}"),
            Field::Account(address)
            | Field::Nonce(address)
            | Field::Balance(address)
            | Field::Code(address)
            | Field::StorageCleared(address) => write!(f, " of {address:#x}"),
            Field::Stack(0) => f.write_str(" top"),
            Field::Stack(number) => write!(f, " top-{number}"),
            Field::Memory(offset) => write!(f, " at {offset:#x}"),
            Field::Storage(address, key) | Field::TransientStorage(address, key) => {
                write!(f, " of {address:#x} at {key:#x}")
            }
            _ => Ok(()),
        }
    }
}

/// What kind of fault a divergence looks like, from the field and the values alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// A charge, a forwarded amount or a stipend.
    Gas,
    /// A word that was computed.
    Arithmetic,
    /// Bytes taken from memory.
    Memory,
    /// A storage slot.
    Storage,
    /// The two sides went different ways.
    ControlFlow,
    /// Both halted, for different reasons: one checks in another order.
    HaltPrecedence,
    /// The refund counter.
    Refund,
    /// Logs.
    Logs,
    /// An account.
    PostState,
    /// What was returned.
    Output,
    /// Whether, or why, the transaction cannot be in a block.
    Rejection,
}

impl Cause {
    /// As reports and JSON have it.
    pub const fn name(self) -> &'static str {
        match self {
            Cause::Gas => "gas",
            Cause::Arithmetic => "arithmetic",
            Cause::Memory => "memory",
            Cause::Storage => "storage",
            Cause::ControlFlow => "control flow",
            Cause::HaltPrecedence => "halt precedence",
            Cause::Refund => "refund",
            Cause::Logs => "logs",
            Cause::PostState => "post-state",
            Cause::Output => "output",
            Cause::Rejection => "rejection",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
