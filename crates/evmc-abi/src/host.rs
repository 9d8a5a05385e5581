use std::mem::offset_of;

use crate::{
    AccessStatus, EvmcAddress, EvmcBytes32, EvmcMessage, EvmcResult, EvmcTransactionContext, StorageStatus,
};

/// What a host tells itself by: a library hands it back and never looks inside.
#[repr(C)]
pub struct EvmcHostContext {
    hidden: [u8; 0],
}

/// Whether the account exists; from Spurious Dragon on, one that is empty does not (EIP-161).
pub type EvmcAccountExists = unsafe extern "C" fn(*mut EvmcHostContext, *const EvmcAddress) -> bool;
/// A slot's value, of storage and of transient storage.
pub type EvmcGetStorage =
    unsafe extern "C" fn(*mut EvmcHostContext, *const EvmcAddress, *const EvmcBytes32) -> EvmcBytes32;
/// Writes a slot: account, key, value.
pub type EvmcSetStorage = unsafe extern "C" fn(
    *mut EvmcHostContext,
    *const EvmcAddress,
    *const EvmcBytes32,
    *const EvmcBytes32,
) -> StorageStatus;
/// Balance in wei; zero if there is no such account.
pub type EvmcGetBalance = unsafe extern "C" fn(*mut EvmcHostContext, *const EvmcAddress) -> EvmcBytes32;
/// Bytes of the account's own code.
pub type EvmcGetCodeSize = unsafe extern "C" fn(*mut EvmcHostContext, *const EvmcAddress) -> usize;
/// Keccak-256 of the code; zero if there is no such account.
pub type EvmcGetCodeHash = unsafe extern "C" fn(*mut EvmcHostContext, *const EvmcAddress) -> EvmcBytes32;
/// Copies code from an offset on into a buffer of a size, and answers how many bytes it copied.
pub type EvmcCopyCode =
    unsafe extern "C" fn(*mut EvmcHostContext, *const EvmcAddress, usize, *mut u8, usize) -> usize;
/// SELFDESTRUCT of an account for another one: whether the first is marked for the first time.
pub type EvmcSelfDestruct =
    unsafe extern "C" fn(*mut EvmcHostContext, *const EvmcAddress, *const EvmcAddress) -> bool;
/// Sends a message.
pub type EvmcCall = unsafe extern "C" fn(*mut EvmcHostContext, *const EvmcMessage) -> EvmcResult;
/// What the block and the transaction answer.
pub type EvmcGetTransactionContext = unsafe extern "C" fn(*mut EvmcHostContext) -> EvmcTransactionContext;
/// Hash of a block; zero if it is not known.
pub type EvmcGetBlockHash = unsafe extern "C" fn(*mut EvmcHostContext, i64) -> EvmcBytes32;
/// Logs: account, data and its size, topics and how many they are.
pub type EvmcEmitLog = unsafe extern "C" fn(
    *mut EvmcHostContext,
    *const EvmcAddress,
    *const u8,
    usize,
    *const EvmcBytes32,
    usize,
);
/// Warms an account, and answers what it was.
pub type EvmcAccessAccount = unsafe extern "C" fn(*mut EvmcHostContext, *const EvmcAddress) -> AccessStatus;
/// Warms a slot, and answers what it was.
pub type EvmcAccessStorage =
    unsafe extern "C" fn(*mut EvmcHostContext, *const EvmcAddress, *const EvmcBytes32) -> AccessStatus;
/// Writes a transient slot: account, key, value.
pub type EvmcSetTransientStorage =
    unsafe extern "C" fn(*mut EvmcHostContext, *const EvmcAddress, *const EvmcBytes32, *const EvmcBytes32);

/// What a library may ask of the world.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct EvmcHost {
    /// Whether an account exists.
    pub account_exists: EvmcAccountExists,
    /// Reads a slot.
    pub get_storage: EvmcGetStorage,
    /// Writes a slot.
    pub set_storage: EvmcSetStorage,
    /// Reads a balance.
    pub get_balance: EvmcGetBalance,
    /// Reads the size of a code.
    pub get_code_size: EvmcGetCodeSize,
    /// Reads the hash of a code.
    pub get_code_hash: EvmcGetCodeHash,
    /// Reads code.
    pub copy_code: EvmcCopyCode,
    /// Moves a balance and marks the account.
    pub selfdestruct: EvmcSelfDestruct,
    /// Sends a message.
    pub call: EvmcCall,
    /// Reads what surrounds the message.
    pub get_tx_context: EvmcGetTransactionContext,
    /// Reads the hash of a block.
    pub get_block_hash: EvmcGetBlockHash,
    /// Logs.
    pub emit_log: EvmcEmitLog,
    /// Warms an account.
    pub access_account: EvmcAccessAccount,
    /// Warms a slot.
    pub access_storage: EvmcAccessStorage,
    /// Reads a transient slot.
    pub get_transient_storage: EvmcGetStorage,
    /// Writes a transient slot.
    pub set_transient_storage: EvmcSetTransientStorage,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<EvmcHost>() == 128);
    assert!(offset_of!(EvmcHost, set_storage) == 16 && offset_of!(EvmcHost, copy_code) == 48);
    assert!(offset_of!(EvmcHost, call) == 64 && offset_of!(EvmcHost, emit_log) == 88);
    assert!(offset_of!(EvmcHost, access_storage) == 104);
    assert!(offset_of!(EvmcHost, set_transient_storage) == 120);
};
