//! What a transaction has changed so far: maps that share what they have in common with their copies.
//!
//! Invariant: a copy of a [`State`] takes the same time whatever is in it, so a checkpoint is a copy, and to roll back is to
//! put it in the place of what came after. Nothing here is ever undone.

use parallax_host_interface::AccountInfo;
use parallax_primitives::{Address, U256};

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
}
