//! EELS: `state.py`, what blocks need of it.

use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{Address, U256};

pub(crate) fn get_balance(state: &MemoryDatabase, address: Address) -> U256 {
    state.accounts.get(&address).map(|account| account.balance).unwrap_or_default()
}

pub(crate) fn has_code(state: &MemoryDatabase, address: Address) -> bool {
    state.accounts.get(&address).is_some_and(|account| !account.code.bytes().is_empty())
}

/// Pays a reward. The account is there afterwards, whatever it was paid.
///
/// EELS: `state.py`, `create_ether`.
pub(crate) fn create_ether(state: &mut MemoryDatabase, address: Address, amount: U256) {
    let account = state.accounts.entry(address).or_default();
    account.balance = account.balance.saturating_add(amount);
}

/// As before EIP-161: both accounts are there afterwards.
///
/// EELS: `dao_fork/state.py`, `move_ether`.
pub(crate) fn move_ether(state: &mut MemoryDatabase, sender: Address, recipient: Address, amount: U256) {
    let account = state.accounts.entry(sender).or_default();
    account.balance = account.balance.saturating_sub(amount);
    create_ether(state, recipient, amount);
}

/// Changes an account, and takes it away if it is empty then.
///
/// EELS: `shanghai/state.py`, `modify_state`.
pub(crate) fn modify_state(state: &mut MemoryDatabase, address: Address, change: impl FnOnce(&mut Account)) {
    let account = state.accounts.entry(address).or_default();
    change(account);
    if account.nonce == 0 && account.balance.is_zero() && account.code.bytes().is_empty() {
        state.accounts.remove(&address);
    }
}
