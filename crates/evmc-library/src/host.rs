//! EVMC's host as an interpreter's.

use std::slice;

use parallax_evmc_abi::{
    AccessStatus, CallKind, EvmcAddress, EvmcBytes32, EvmcHost, EvmcHostContext, EvmcMessage,
    EvmcTransactionContext, Flags, StatusCode, StorageStatus,
};
use parallax_host_interface::{Host, HostError, HostErrorKind, SelfDestruct, Slot};
use parallax_primitives::{
    Address, B256, BlockEnv, Bytecode, Eip, FrameOutcome, JournalView, Log, Message, MessageKind, Rules,
    TxEnv, U256,
};

use crate::outcome::delivered;

/// Blocks before this one whose hashes can be asked for.
const BLOCK_HASH_WINDOW: u64 = 256;
/// Bytes of the longest code that is a delegation (EIP-7702), and of no other code.
const DESIGNATOR: usize = 23;

/// The host of one execution, whose functions are C's.
pub(crate) struct CalledHost<'h> {
    host: &'h EvmcHost,
    context: *mut EvmcHostContext,
    rules: Rules,
    is_static: bool,
    block: BlockEnv,
    transaction: TxEnv,
    blob_base_fee: U256,
    refund: i64,
    /// The write that [`Host::load_slot_to_store`] has made already.
    written: Option<(Address, U256, U256)>,
}

impl<'h> CalledHost<'h> {
    /// `None` if the block or the transaction has a number that no chain has.
    ///
    /// # Safety
    ///
    /// The functions of `host` may be called with `context`, by this thread, as long as the answer lives.
    pub(crate) unsafe fn new(
        host: &'h EvmcHost,
        context: *mut EvmcHostContext,
        message: &Message,
        rules: Rules,
    ) -> Option<Self> {
        // SAFETY: the caller vouches for it.
        let around = unsafe { (host.get_tx_context)(context) };
        // SAFETY: by the ABI what it points to lives as long as the execution; it is copied.
        let (block, transaction, blob_base_fee) = unsafe { surroundings(&around)? };
        let (is_static, refund, written) = (message.is_static, 0, None);
        Some(Self { host, context, rules, is_static, block, transaction, blob_base_fee, refund, written })
    }

    /// What this frame and those below added to the refund counter, in gas.
    pub(crate) fn refund(&self) -> i64 {
        self.refund
    }

    /// Balance in wei.
    pub(crate) fn balance_of(&mut self, address: Address) -> U256 {
        // SAFETY: as `new` has it.
        number(unsafe { (self.host.get_balance)(self.context, &account(address)) })
    }

    /// Has the host run a message, which may have us run its code.
    ///
    /// # Errors
    ///
    /// How this execution ends, as the host failed.
    pub(crate) fn send(&mut self, message: &Message) -> Result<FrameOutcome, StatusCode> {
        let sent = sent(message).ok_or(StatusCode::INTERNAL_ERROR)?;
        // SAFETY: as `new` has it; `sent` and the input that it points to live until the answer.
        let result = unsafe { (self.host.call)(self.context, &sent) };
        let creates = message.kind.is_create();
        let (outcome, refund) = delivered(result, message.gas, creates).ok_or(StatusCode::INTERNAL_ERROR)?;
        self.refund = self.refund.saturating_add(refund);
        Ok(outcome)
    }

    fn slot(&mut self, address: Address, key: U256) -> (U256, bool) {
        let (address, key) = (account(address), bytes32(key));
        // SAFETY: as `new` has it.
        unsafe {
            let is_cold = self.rules.has(Eip::WarmAccess2929)
                && (self.host.access_storage)(self.context, &address, &key) == AccessStatus::COLD;
            (number((self.host.get_storage)(self.context, &address, &key)), is_cold)
        }
    }

    fn write(&mut self, address: Address, key: U256, value: U256) -> StorageStatus {
        // SAFETY: as `new` has it.
        unsafe { (self.host.set_storage)(self.context, &account(address), &bytes32(key), &bytes32(value)) }
    }
}

impl Host for CalledHost<'_> {
    fn block(&self) -> &BlockEnv {
        &self.block
    }

    fn transaction(&self) -> &TxEnv {
        &self.transaction
    }

    fn journal_view(&self) -> &dyn JournalView {
        &Unseen
    }

    fn blob_base_fee(&self) -> U256 {
        self.blob_base_fee
    }

    fn warm_account(&mut self, address: Address) -> bool {
        // SAFETY: as `new` has it.
        self.rules.has(Eip::WarmAccess2929)
            && unsafe { (self.host.access_account)(self.context, &account(address)) } == AccessStatus::COLD
    }

    fn warm_slot(&mut self, address: Address, key: U256) -> bool {
        let (address, key) = (account(address), bytes32(key));
        // SAFETY: as `new` has it.
        self.rules.has(Eip::WarmAccess2929)
            && unsafe { (self.host.access_storage)(self.context, &address, &key) } == AccessStatus::COLD
    }

    fn nonce(&mut self, address: Address) -> Result<u64, HostError> {
        Err(HostError::new(format!("EVMC does not tell the nonce of {address}"))
            .of_kind(HostErrorKind::Unsupported))
    }

    fn created_address(&mut self, creation: &Message) -> Result<Address, HostError> {
        let creator = creation.caller;
        Err(HostError::new(format!("EVMC does not tell where a creation of {creator} goes"))
            .of_kind(HostErrorKind::Unsupported))
    }

    fn balance(&mut self, address: Address) -> Result<U256, HostError> {
        Ok(self.balance_of(address))
    }

    fn code(&mut self, address: Address) -> Result<Bytecode, HostError> {
        let address = account(address);
        // SAFETY: as `new` has it; the buffer has so many bytes, and no more are taken than it has.
        let code = unsafe {
            let mut code = vec![0; (self.host.get_code_size)(self.context, &address)];
            let copied = (self.host.copy_code)(self.context, &address, 0, code.as_mut_ptr(), code.len());
            code.truncate(copied);
            code
        };
        Ok(Bytecode::new(code.into()))
    }

    fn delegate(&mut self, address: Address) -> Result<Option<Address>, HostError> {
        // SAFETY: as `new` has it.
        let size = unsafe { (self.host.get_code_size)(self.context, &account(address)) };
        if size == DESIGNATOR { Ok(self.code(address)?.delegation()) } else { Ok(None) }
    }

    fn code_hash(&mut self, address: Address) -> Result<Option<B256>, HostError> {
        // SAFETY: as `new` has it.
        let hash = unsafe { (self.host.get_code_hash)(self.context, &account(address)) };
        Ok(Some(B256::new(hash.bytes)).filter(|hash| !hash.is_zero()))
    }

    fn is_dead(&mut self, address: Address) -> Result<bool, HostError> {
        // SAFETY: as `new` has it.
        Ok(!unsafe { (self.host.account_exists)(self.context, &account(address)) })
    }

    fn load_slot(&mut self, address: Address, key: U256) -> Result<Slot, HostError> {
        let (current, was_cold) = self.slot(address, key);
        // What it was at the start of the transaction nobody asks here.
        Ok(Slot { current, original: current, was_cold })
    }

    /// EVMC tells what a write did, and never what a slot was at the start of the transaction. So the write is made before its price is
    /// known; if it cannot be paid, the frame fails, and the host undoes it.
    fn load_slot_to_store(&mut self, address: Address, key: U256, value: U256) -> Result<Slot, HostError> {
        let (current, was_cold) = self.slot(address, key);
        let mut original = current;
        if !self.is_static {
            original = original_of(self.write(address, key, value), current, value);
            self.written = Some((address, key, value));
        }
        Ok(Slot { current, original, was_cold })
    }

    fn store_slot(&mut self, address: Address, key: U256, value: U256) -> Result<(), HostError> {
        if self.written.take() != Some((address, key, value)) {
            self.write(address, key, value);
        }
        Ok(())
    }

    fn load_transient(&mut self, address: Address, key: U256) -> U256 {
        let (address, key) = (account(address), bytes32(key));
        // SAFETY: as `new` has it.
        number(unsafe { (self.host.get_transient_storage)(self.context, &address, &key) })
    }

    fn store_transient(&mut self, address: Address, key: U256, value: U256) {
        let (address, key, value) = (account(address), bytes32(key), bytes32(value));
        // SAFETY: as `new` has it.
        unsafe { (self.host.set_transient_storage)(self.context, &address, &key, &value) }
    }

    fn add_refund(&mut self, delta: i64) {
        self.refund = self.refund.saturating_add(delta);
    }

    fn log(&mut self, log: Log) {
        let Log { address, topics, data } = &log;
        let topics: Vec<_> = topics.iter().map(|topic| EvmcBytes32 { bytes: topic.0 }).collect();
        let address = account(*address);
        // SAFETY: as `new` has it; there are so many bytes and topics.
        unsafe {
            let emit_log = self.host.emit_log;
            emit_log(self.context, &address, data.as_ptr(), data.len(), topics.as_ptr(), topics.len());
        }
    }

    fn self_destruct(&mut self, address: Address, beneficiary: Address) -> Result<SelfDestruct, HostError> {
        let (address, beneficiary) = (account(address), account(beneficiary));
        // SAFETY: as `new` has it.
        let is_first = unsafe { (self.host.selfdestruct)(self.context, &address, &beneficiary) };
        Ok(SelfDestruct { was_marked: !is_first })
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, HostError> {
        let is_known = matches!(self.block.number.checked_sub(number), Some(1..=BLOCK_HASH_WINDOW));
        match i64::try_from(number) {
            // SAFETY: as `new` has it.
            Ok(number) if is_known => unsafe {
                Ok(B256::new((self.host.get_block_hash)(self.context, number).bytes))
            },
            _ => Ok(B256::ZERO),
        }
    }
}

/// A value at the start of the transaction of which everything is true that a write says of it. What is more, no price asks for.
fn original_of(status: StorageStatus, current: U256, new: U256) -> U256 {
    // Neither zero nor either of these.
    let third =
        || (1..=3).map(U256::from).find(|value| *value != current && *value != new).unwrap_or_default();
    match status {
        StorageStatus::ADDED | StorageStatus::ADDED_DELETED => U256::ZERO,
        StorageStatus::DELETED | StorageStatus::MODIFIED => current,
        StorageStatus::DELETED_ADDED | StorageStatus::MODIFIED_DELETED => third(),
        StorageStatus::DELETED_RESTORED | StorageStatus::MODIFIED_RESTORED => new,
        // Nothing has changed, or something that was changed before.
        _ if current == new => current,
        _ => third(),
    }
}

/// The block and the transaction, and the price of a blob gas.
///
/// # Safety
///
/// There are as many blob hashes as `around` says.
unsafe fn surroundings(around: &EvmcTransactionContext) -> Option<(BlockEnv, TxEnv, U256)> {
    let prev_randao = around.prev_randao;
    let block = BlockEnv {
        number: u64::try_from(around.number).ok()?,
        timestamp: u64::try_from(around.timestamp).ok()?,
        gas_limit: u64::try_from(around.gas_limit).ok()?,
        coinbase: Address::new(around.coinbase.bytes),
        difficulty: number(prev_randao),
        prevrandao: B256::new(prev_randao.bytes),
        base_fee: number(around.base_fee).try_into().ok()?,
        ..BlockEnv::default()
    };
    let mut blob_hashes = Vec::new();
    if !around.blob_hashes.is_null() {
        // SAFETY: the caller vouches for it.
        let hashes = unsafe { slice::from_raw_parts(around.blob_hashes, around.blob_hashes_count) };
        blob_hashes.extend(hashes.iter().map(|hash| B256::new(hash.bytes)));
    }
    let transaction = TxEnv {
        origin: Address::new(around.origin.bytes),
        gas_price: number(around.gas_price),
        blob_hashes,
        chain_id: number(around.chain_id).try_into().ok()?,
    };
    Some((block, transaction, number(around.blob_base_fee)))
}

/// A message as C sends it; `None` if its gas is more than it can say. It points to the message's input.
fn sent(message: &Message) -> Option<EvmcMessage> {
    let kind = match message.kind {
        MessageKind::Call | MessageKind::StaticCall => CallKind::CALL,
        MessageKind::CallCode => CallKind::CALLCODE,
        MessageKind::DelegateCall => CallKind::DELEGATECALL,
        MessageKind::Create => CallKind::CREATE,
        MessageKind::Create2 => CallKind::CREATE2,
    };
    let mut flags = Flags::NONE;
    if message.is_static {
        flags = flags.with(Flags::STATIC);
    }
    if message.is_delegated {
        flags = flags.with(Flags::DELEGATED);
    }
    Some(EvmcMessage {
        kind,
        flags,
        depth: message.depth.into(),
        gas: message.gas.try_into().ok()?,
        recipient: account(message.address),
        sender: account(message.caller),
        input_data: message.input.as_ptr(),
        input_size: message.input.len(),
        value: bytes32(message.value),
        create2_salt: bytes32(message.salt),
        code_address: account(message.code_address),
        code: std::ptr::null(),
        code_size: 0,
    })
}

fn account(address: Address) -> EvmcAddress {
    EvmcAddress { bytes: address.into_array() }
}

fn bytes32(number: U256) -> EvmcBytes32 {
    EvmcBytes32 { bytes: number.to_be_bytes() }
}

fn number(bytes: EvmcBytes32) -> U256 {
    U256::from_be_bytes(bytes.bytes)
}

/// EVMC shows nothing to observers, and there are none.
struct Unseen;

impl JournalView for Unseen {
    fn refund(&self) -> i64 {
        0
    }

    fn storage(&self, _: Address, _: U256) -> Option<U256> {
        None
    }

    fn original_storage(&self, _: Address, _: U256) -> Option<U256> {
        None
    }

    fn transient_storage(&self, _: Address, _: U256) -> U256 {
        U256::ZERO
    }

    fn logs(&self) -> &[Log] {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a write costs, and what it refunds, by the prices of EIP-2200 but named.
    fn price(original: U256, current: U256, new: U256) -> (&'static str, Vec<&'static str>) {
        let cost = match (current == new || original != current, original.is_zero()) {
            (true, _) => "dirty",
            (false, true) => "set",
            (false, false) => "reset",
        };
        let mut refund = Vec::new();
        if current != new && original != current {
            refund.extend((!original.is_zero() && current.is_zero()).then_some("take clear back"));
            refund.extend((original == new).then_some(if original.is_zero() { "set" } else { "reset" }));
        }
        refund.extend((current != new && !original.is_zero() && new.is_zero()).then_some("clear"));
        (cost, refund)
    }

    #[test]
    fn the_original_that_stands_for_a_status_has_the_same_price() {
        const X: u64 = 1;
        const Y: u64 = 2;
        const Z: u64 = 3;
        for (status, values) in [
            (StorageStatus::ASSIGNED, [0, 0, 0]),
            (StorageStatus::ASSIGNED, [X, X, X]),
            (StorageStatus::ASSIGNED, [X, Y, Y]),
            (StorageStatus::ASSIGNED, [X, 0, 0]),
            (StorageStatus::ASSIGNED, [0, Y, Z]),
            (StorageStatus::ASSIGNED, [X, Y, Z]),
            (StorageStatus::ADDED, [0, 0, Z]),
            (StorageStatus::DELETED, [X, X, 0]),
            (StorageStatus::MODIFIED, [X, X, Z]),
            (StorageStatus::DELETED_ADDED, [X, 0, Z]),
            (StorageStatus::MODIFIED_DELETED, [X, Y, 0]),
            (StorageStatus::DELETED_RESTORED, [X, 0, X]),
            (StorageStatus::ADDED_DELETED, [0, Y, 0]),
            (StorageStatus::MODIFIED_RESTORED, [X, Y, X]),
        ] {
            let [original, current, new] = values.map(U256::from);
            let stands_for = original_of(status, current, new);
            assert_eq!(
                price(stands_for, current, new),
                price(original, current, new),
                "{status:?} {values:?}"
            );
        }
    }
}
