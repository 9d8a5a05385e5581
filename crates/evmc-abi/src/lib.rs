#![doc = include_str!("../README.md")]

mod host;
mod message;
mod numbers;
mod result;
mod transaction;
mod values;
mod vm;

pub use host::{
    EvmcAccessAccount, EvmcAccessStorage, EvmcAccountExists, EvmcCall, EvmcCopyCode, EvmcEmitLog,
    EvmcGetBalance, EvmcGetBlockHash, EvmcGetCodeHash, EvmcGetCodeSize, EvmcGetStorage,
    EvmcGetTransactionContext, EvmcHost, EvmcHostContext, EvmcSelfDestruct, EvmcSetStorage,
    EvmcSetTransientStorage,
};
pub use message::EvmcMessage;
pub use numbers::{
    AccessStatus, CallKind, Capabilities, Flags, Revision, SetOption, StatusCode, StorageStatus,
};
pub use result::{EvmcRelease, EvmcResult};
pub use transaction::EvmcTransactionContext;
pub use values::{EvmcAddress, EvmcBytes32};
pub use vm::{EvmcCreate, EvmcDestroy, EvmcExecute, EvmcGetCapabilities, EvmcSetOption, EvmcVm};

/// The version of the ABI that is written down here. A library of another one is not to be called.
pub const ABI_VERSION: i32 = 12;
