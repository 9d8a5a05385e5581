//! What two sides differ in.

use std::fmt;

use parallax_primitives::{Address, U256};

use crate::Value;

/// A field in which two sides differ, and what each has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What differs.
    pub field: Field,
    /// What the left side has.
    pub left: Value,
    /// What the right side has.
    pub right: Value,
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
    /// Gas that the opcode took: execution gas, where there are two.
    GasCost,
    /// State gas that the opcode was charged, or given back (EIP-8037).
    StateGasCost,
    /// State gas in the reservoir before or after an opcode, given to a message or handed back (EIP-8037).
    Reservoir,
    /// State gas that was taken from execution gas, of the same (EIP-8037).
    SpilledStateGas,
    /// What the reservoir falls back to if the frame fails, of the same (EIP-8037).
    ReservoirBaseline,
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
    /// Whether an account is warm (EIP-2929).
    WarmAccount(Address),
    /// Whether a slot is warm (EIP-2929).
    WarmSlot(Address, U256),
    /// Whether an account counts as created in this transaction (EIP-6780).
    CreatedHere(Address),
    /// Whether an account has destroyed itself, and goes when the transaction ends.
    Destroyed(Address),
    /// The digest of all marks of that kind, where the marks themselves are the same: one side keeps it wrong.
    Marks,
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
    /// What the transaction counts for in its block's execution gas (EIP-7778, EIP-8037).
    ExecutionGas,
    /// What the transaction counts for in its block's state gas (EIP-8037).
    StateGas,
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
    /// A slot of an account: what the opcode wrote there, or what it is after the transaction.
    Storage(Address, U256),
    /// Whether the transaction has looked at an account (EIP-7928).
    AccessedAccount(Address),
    /// Whether it has looked at a slot of an account (EIP-7928).
    AccessedSlot(Address, U256),
    /// What the rules of a block say, by its name.
    Block(&'static str),
    /// What a trace says and a run has no field for, by its key.
    Trace(&'static str),
}

impl Field {
    /// The field's name, as reports and JSON have it, without which log or account.
    pub const fn name(self) -> &'static str {
        match self {
            Field::Step => "step",
            Field::Pc => "pc",
            Field::Opcode => "opcode",
            Field::GasCost => "gas cost",
            Field::StateGasCost => "state gas cost",
            Field::Reservoir => "reservoir",
            Field::SpilledStateGas => "spilled state gas",
            Field::ReservoirBaseline => "reservoir baseline",
            Field::Refund => "refund",
            Field::StackSize => "stack size",
            Field::Stack(_) => "stack",
            Field::MemorySize => "memory size",
            Field::Memory(_) => "memory",
            Field::ReturnData => "return data",
            Field::Halt => "halt",
            Field::TransientStorage(..) => "transient storage",
            Field::WarmAccount(_) => "warm account",
            Field::WarmSlot(..) => "warm slot",
            Field::CreatedHere(_) => "created in this transaction",
            Field::Destroyed(_) => "destroyed",
            Field::Marks => "digest of marks",
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
            Field::ExecutionGas => "execution gas",
            Field::StateGas => "state gas",
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
            Field::Storage(..) => "storage",
            Field::AccessedAccount(_) => "accessed account",
            Field::AccessedSlot(..) => "accessed slot",
            Field::Block(name) | Field::Trace(name) => name,
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
            | Field::Code(address) => write!(f, " of {address:#x}"),
            Field::WarmAccount(address)
            | Field::CreatedHere(address)
            | Field::Destroyed(address)
            | Field::AccessedAccount(address) => {
                write!(f, " {address:#x}")
            }
            Field::Stack(0) => f.write_str(" top"),
            Field::Stack(number) => write!(f, " top-{number}"),
            Field::Memory(offset) => write!(f, " at {offset:#x}"),
            Field::Storage(address, key)
            | Field::TransientStorage(address, key)
            | Field::WarmSlot(address, key)
            | Field::AccessedSlot(address, key) => {
                write!(f, " of {address:#x} at {key:#x}")
            }
            _ => Ok(()),
        }
    }
}
