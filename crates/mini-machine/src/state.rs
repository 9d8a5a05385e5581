//! What a transaction has changed so far: maps that share what they have in common with their copies.
//!
//! Invariant: a copy of a [`State`] takes the same time whatever is in it, so a checkpoint is a copy, and to roll back is to
//! put it in the place of what came after. Nothing here is ever undone.

use parallax_host_interface::AccountInfo;
use parallax_primitives::{Address, Mark, U256};

use crate::map::{Map, Set};

/// A slot of an account.
pub(crate) type Key = (Address, U256);

/// Everything that a rollback takes back, but the logs, of which it knows how many there are.
///
/// EELS: `state.py`, `State`, `TransientStorage`; of `vm/__init__.py` what `Evm` collects for its caller.
#[derive(Clone, Default)]
pub(crate) struct State {
    /// Accounts that were written; `None` if they do not exist.
    pub(crate) accounts: Map<Address, Option<AccountInfo>>,
    /// Slots that were written, by account.
    pub(crate) storage: Map<Address, Map<U256, U256>>,
    /// Accounts that have lost all storage that they had before the transaction.
    pub(crate) destroyed_storage: Set<Address>,
    /// EIP-1153.
    pub(crate) transient_storage: Map<Address, Map<U256, U256>>,
    /// Accounts created in this transaction (EIP-6780).
    pub(crate) created_accounts: Set<Address>,
    /// Accounts that go when the transaction ends: those that destroyed themselves.
    pub(crate) accounts_to_delete: Set<Address>,
    /// Accounts that go when the transaction ends if they are empty then (EIP-161).
    pub(crate) touched_accounts: Set<Address>,
    /// EIP-2929.
    pub(crate) accessed_addresses: Set<Address>,
    /// EIP-2929.
    pub(crate) accessed_storage_keys: Set<Key>,
    /// In gas.
    pub(crate) refund_counter: i64,
    /// How many logs there are.
    pub(crate) log_count: usize,
    /// See [`parallax_primitives::JournalView::marks_digest`].
    pub(crate) marks_digest: u64,
}

impl State {
    /// Warms an account (EIP-2929); true if it was cold.
    pub(crate) fn access_address(&mut self, address: Address) -> bool {
        let was_cold = self.accessed_addresses.add(address);
        self.note(was_cold, Mark::WarmAccount(address));
        was_cold
    }

    /// Warms a slot (EIP-2929); true if it was cold.
    pub(crate) fn access_storage_key(&mut self, address: Address, key: U256) -> bool {
        let was_cold = self.accessed_storage_keys.add((address, key));
        self.note(was_cold, Mark::WarmSlot(address, key));
        was_cold
    }

    /// EELS: `state.py`, `mark_account_created`.
    pub(crate) fn mark_account_created(&mut self, address: Address) {
        let is_new = self.created_accounts.add(address);
        self.note(is_new, Mark::Created(address));
    }

    /// Lets the account go when the transaction ends.
    pub(crate) fn delete_at_end(&mut self, address: Address) {
        let is_new = self.accounts_to_delete.add(address);
        self.note(is_new, Mark::Destroyed(address));
    }

    /// Writes a slot that was `original` before the transaction.
    ///
    /// EELS: `state.py`, `set_storage`.
    pub(crate) fn set_storage(&mut self, address: Address, key: U256, value: U256, original: U256) {
        let slots = self.storage.value(address);
        let previous = slots.get(&key).copied().unwrap_or(original);
        slots.insert(key, value);
        if previous != original {
            let digest = Mark::Storage(address, key, previous).digest();
            self.marks_digest = self.marks_digest.wrapping_sub(digest);
        }
        self.note(value != original, Mark::Storage(address, key, value));
    }

    /// EELS: `state.py`, `get_transient_storage`.
    pub(crate) fn get_transient_storage(&self, address: Address, key: U256) -> U256 {
        let storage = self.transient_storage.get(&address);
        storage.and_then(|storage| storage.get(&key)).copied().unwrap_or_default()
    }

    /// EELS: `state.py`, `set_transient_storage`.
    pub(crate) fn set_transient_storage(&mut self, address: Address, key: U256, value: U256) {
        let place = self.transient_storage.value(address).value(key);
        let previous = std::mem::replace(place, value);
        if !previous.is_zero() {
            let digest = Mark::TransientStorage(address, key, previous).digest();
            self.marks_digest = self.marks_digest.wrapping_sub(digest);
        }
        self.note(!value.is_zero(), Mark::TransientStorage(address, key, value));
    }

    fn note(&mut self, is_new: bool, mark: Mark) {
        if is_new {
            self.marks_digest = self.marks_digest.wrapping_add(mark.digest());
        }
    }

    /// Every mark that an observer may see, but those of storage: what was there before is not known here.
    pub(crate) fn marks(&self) -> Vec<Mark> {
        let accounts = self.accessed_addresses.iter().map(|(address, ())| Mark::WarmAccount(*address));
        let slots = self.accessed_storage_keys.iter();
        let slots = slots.map(|((address, key), ())| Mark::WarmSlot(*address, *key));
        let created = self.created_accounts.iter().map(|(address, ())| Mark::Created(*address));
        let destroyed = self.accounts_to_delete.iter().map(|(address, ())| Mark::Destroyed(*address));
        let transient = self.transient_storage.iter().flat_map(|(address, slots)| {
            let slots = slots.iter().filter(|(_, value)| !value.is_zero());
            slots.map(|(key, value)| Mark::TransientStorage(*address, *key, *value))
        });
        accounts.chain(slots).chain(created).chain(destroyed).chain(transient).collect()
    }
}
