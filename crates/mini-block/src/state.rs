//! EELS: `state.py`, what blocks need of it.

use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{Address, BlockRules, Eip, U256};

pub(crate) fn get_balance(state: &MemoryDatabase, address: Address) -> U256 {
    state.accounts.get(&address).map(|account| account.balance).unwrap_or_default()
}

pub(crate) fn has_code(state: &MemoryDatabase, address: Address) -> bool {
    state.accounts.get(&address).is_some_and(|account| !account.code.bytes().is_empty())
}

/// Pays a reward. Before EIP-161 the account is there afterwards, whatever it was paid. From it on one that was paid nothing and is
/// empty is not: in the specification it stays until Paris, where no block has such a reward and only who builds blocks may ask for one.
///
/// EELS: `state.py`, `create_ether`.
pub(crate) fn create_ether(rules: &BlockRules, state: &mut MemoryDatabase, address: Address, amount: U256) {
    if rules.rules.has(Eip::StateClearing161) {
        modify_state(state, address, |account| increase_balance(account, amount));
    } else {
        increase_balance(state.accounts.entry(address).or_default(), amount);
    }
}

/// As before EIP-161: both accounts are there afterwards.
///
/// EELS: `dao_fork/state.py`, `move_ether`.
pub(crate) fn move_ether(state: &mut MemoryDatabase, sender: Address, recipient: Address, amount: U256) {
    let account = state.accounts.entry(sender).or_default();
    account.balance = account.balance.saturating_sub(amount);
    increase_balance(state.accounts.entry(recipient).or_default(), amount);
}

pub(crate) fn increase_balance(account: &mut Account, amount: U256) {
    account.balance = account.balance.saturating_add(amount);
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
