//! The two values of a divergence, typed, so that a reader of reports need not parse them back.

use std::fmt;

use parallax_primitives::{Address, Bytes, FrameStatus, Halt, MessageKind, Opcode, Rejection, U256};

/// What one side has in the field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// Nothing: no such message, log or created address on this side.
    Absent,
    /// There is one, and the other side has none.
    Present,
    /// Of an account, its code or a slot: as before the transaction.
    Unchanged,
    /// Of an account: it exists and is not as before.
    Changed,
    /// The same, and all of its storage is gone (EIP-8246).
    Cleared,
    /// Of an account: it exists no longer.
    Deleted,
    /// Yes or no.
    Flag(bool),
    /// Gas, a depth, a nonce, a number of things.
    Count(u64),
    /// A refund counter.
    Signed(i64),
    /// An opcode.
    Opcode(Opcode),
    /// Why an opcode failed.
    Halt(Halt),
    /// A word of the machine, or wei.
    Word(U256),
    /// An account.
    Address(Address),
    /// Input, output, code, log data, or the topics of a log one after another.
    Bytes(Bytes),
    /// How a message came about.
    Kind(MessageKind),
    /// How a message or the transaction ended.
    Status(FrameStatus),
    /// Why there was no transaction.
    Rejection(Rejection),
    /// A value that is known as text alone, perhaps cut off, as a record of another kind has it.
    Text(String),
}

impl Value {
    /// The bytes of a value that reports compare byte by byte: of a word, an account or bytes.
    pub fn to_be_bytes(&self) -> Option<Vec<u8>> {
        match self {
            Value::Word(word) => Some(word.to_be_bytes_vec()),
            Value::Address(address) => Some(address.to_vec()),
            Value::Bytes(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    }
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Value::Count(count)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Signed(number)
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Value::Count(count as u64)
    }
}

impl From<Opcode> for Value {
    fn from(opcode: Opcode) -> Self {
        Value::Opcode(opcode)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Value::Flag(flag)
    }
}

impl From<U256> for Value {
    fn from(word: U256) -> Self {
        Value::Word(word)
    }
}

impl From<Address> for Value {
    fn from(address: Address) -> Self {
        Value::Address(address)
    }
}

impl From<Option<Address>> for Value {
    fn from(address: Option<Address>) -> Self {
        address.map_or(Value::Absent, Value::Address)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Absent => f.write_str("none"),
            Value::Present => f.write_str("present"),
            Value::Unchanged => f.write_str("unchanged"),
            Value::Changed => f.write_str("changed"),
            Value::Cleared => f.write_str("changed, and all of its storage cleared"),
            Value::Deleted => f.write_str("deleted"),
            Value::Flag(flag) => f.write_str(if *flag { "yes" } else { "no" }),
            Value::Count(count) => write!(f, "{count} ({count:#x})"),
            Value::Signed(number) => number.fmt(f),
            Value::Opcode(opcode) => opcode.fmt(f),
            Value::Halt(halt) => halt.fmt(f),
            Value::Word(word) => write!(f, "{word:#x}"),
            Value::Address(address) => write!(f, "{address:#x}"),
            Value::Bytes(bytes) => write!(f, "{bytes:#x}"),
            Value::Kind(kind) => f.write_str(kind.name()),
            Value::Status(status) => status.fmt(f),
            Value::Rejection(rejection) => write!(f, "rejected: {rejection}"),
            Value::Text(text) => f.write_str(text),
        }
    }
}
