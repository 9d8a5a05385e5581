//! revm's touched accounts as the changes that Parallax compares: only what is not as the database has it.

use std::collections::BTreeMap;

use parallax_host_interface::{Accesses, AccountChange, Database, HostError, StateChanges};
use parallax_primitives::{Address, Bytecode, Eip, KECCAK256_EMPTY, Rules};
use revm::state::{Account, EvmState};

/// What the transaction changed.
///
/// # Errors
///
/// Those of the database, which is read again for every touched account.
pub(crate) fn changes(
    state: &EvmState,
    database: &dyn Database,
    rules: Rules,
) -> Result<StateChanges, HostError> {
    let mut accounts = BTreeMap::new();
    for (address, account) in state {
        if account.is_touched()
            && let Some(change) = change(*address, account, database, rules)?
        {
            accounts.insert(*address, change);
        }
    }
    Ok(StateChanges { accounts })
}

/// What the transaction looked at: what revm has loaded.
pub(crate) fn accesses(state: &EvmState, rules: Rules) -> Option<Accesses> {
    let slots = |account: &Account| account.storage.keys().copied().collect();
    let accounts = || state.iter().map(|(address, account)| (*address, slots(account))).collect();
    rules.has(Eip::BlockAccessLists7928).then(|| Accesses { accounts: accounts() })
}

fn change(
    address: Address,
    account: &Account,
    database: &dyn Database,
    rules: Rules,
) -> Result<Option<AccountChange>, HostError> {
    let before = database.account(address)?;
    let is_cleared = rules.has(Eip::StateClearing161) && account.info.is_empty();
    if account.is_selfdestructed() || is_cleared {
        return Ok(before.map(|_| AccountChange::Deleted));
    }

    // A created account has a nonce of zero where it has destroyed itself and keeps its balance (EIP-8246): with it goes its storage.
    // Nothing else but deletion clears any: a creation finds none (EIP-7610), or leaves it there.
    let is_remainder = rules.has(Eip::KeptBalance8246)
        && account.is_created()
        && account.info.nonce == 0
        && account.info.is_empty_code_hash();
    let clears_storage = is_remainder && database.has_storage(address)?;
    let was_bare = before.is_some_and(|before| before.nonce == 0 && before.code_hash == KECCAK256_EMPTY);
    let mut storage = BTreeMap::new();
    for (key, slot) in account.storage.iter().filter(|_| !is_remainder) {
        // The slots of a created account were zero at the start, even if they were not.
        let was = if was_bare { database.storage(address, *key)? } else { slot.original_value };
        if slot.present_value != was {
            storage.insert(*key, slot.present_value);
        }
    }
    let info = &account.info;
    let is_same = before.is_some_and(|before| {
        before.nonce == info.nonce && before.balance == info.balance && before.code_hash == info.code_hash
    });
    if is_same && storage.is_empty() && !clears_storage {
        return Ok(None);
    }
    let had_hash = before.unwrap_or_default().code_hash;
    let code = if had_hash == info.code_hash {
        None
    } else {
        let code = info.code.as_ref().map(revm::bytecode::Bytecode::original_bytes).unwrap_or_default();
        Some(Bytecode::new(code))
    };
    Ok(Some(AccountChange::Changed {
        nonce: info.nonce,
        balance: info.balance,
        code,
        storage,
        clears_storage,
    }))
}
