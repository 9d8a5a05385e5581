#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]
//!
//! Values and facts only: what an opcode *does* is written in the two engines, never here.

mod blob;
mod block;
mod block_rules;
mod custom;
mod dao;
mod eip;
mod fork;
mod gas;
mod halt;
mod journal_view;
mod message;
mod opcode;
mod outcome;
mod precompile;
mod reach;
mod rejection;
mod role;
mod rules;
mod schedule;
mod state_gas;
mod subject;
mod switch;
mod transaction;

pub use alloy_primitives::{
    self, Address, B256, Bytes, KECCAK256_EMPTY, U256, address, b256, hex, keccak256,
};
pub use blob::BlobSchedule;
pub use block::BlockEnv;
pub use block_rules::{BlockRules, DifficultyRule, WorkRules};
pub use custom::{ContractDefinition, DefinitionError, OpcodeDefinition, TransactionDefinition};
pub use dao::{DAO_ACCOUNTS, DAO_RECOVERY};
pub use eip::{Changes, Eip, EipSet};
pub use fork::{Fork, ForkChanges, UnknownFork};
pub use gas::{GasSchedule, Parameter};
pub use halt::Halt;
pub use journal_view::{JournalView, Mark};
pub use message::{Bytecode, Message, MessageKind};
pub use opcode::{Opcode, OpcodeInfo, OpcodeRow, OpcodeTable, Operation};
pub use outcome::{Effect, FrameOutcome, FrameStatus, Log, StorageChange, TxOutcome};
pub use precompile::PrecompileId;
pub use reach::Reach;
pub use rejection::Rejection;
pub use role::{Class, Operand, Region, Regions, Role};
pub use rules::{Rules, RulesBuilder, RulesDifference, RulesError, RulesSubject, ShownOpcode};
pub use schedule::{Activation, MAINNET_SCHEDULE};
pub use state_gas::StateGas;
pub use subject::{Subject, TxEnv};
pub use switch::Switch;
pub use transaction::{AccessListEntry, Authorization, Transaction, TransactionType};

/// Items a stack may hold (Yellow Paper, section 9.1).
pub const STACK_LIMIT: usize = 1024;
/// The deepest frame: a message that would start deeper fails (Yellow Paper, section 8).
pub const CALL_DEPTH_LIMIT: u16 = 1024;
/// The largest memory an interpreter grows to, in bytes. On Ethereum no gas limit below 2^45 pays for more (the quadratic term of
/// the memory cost at this size is above that); where memory is cheaper, an offset beyond it is out of gas as well, never a cast.
pub const MEMORY_LIMIT: u64 = (1 << 32) - 32;
