#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod changes;
mod custom;
mod database;
mod host;
mod journal;
mod precompiles;
mod transactions;

pub use changes::{Accesses, AccountChange, StateChanges};
pub use custom::{
    ContractCall, ContractFunction, CustomContract, CustomOpcode, LocalFunction, OpcodeFault, OpcodeFrame,
    OpcodeFunction, WorldFrame, WorldFunction, unknown_definition,
};
pub use database::{AccountInfo, Database, EmptyDatabase};
pub use host::{Host, HostError, HostErrorKind, SelfDestruct, Slot};
pub use journal::Journal;
pub use parallax_primitives::TxEnv;
pub use precompiles::{NoPrecompiles, PrecompileError, PrecompileOutput, PrecompileSet};
pub use transactions::{
    CustomTransactions, Funds, MessageEnd, Settlement, Terms, TermsError, TransactionContext,
    TransactionRules, Waived,
};
