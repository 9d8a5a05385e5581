//! What a transaction has changed, told against the database.

use std::collections::{BTreeMap, BTreeSet};

use parallax_host_interface::{AccountChange, AccountInfo, HostError, StateChanges};
use parallax_primitives::{Address, U256};

use crate::world::World;

/// All that is not as it was.
pub(crate) fn changes(world: &mut World<'_>) -> Result<StateChanges, HostError> {
    let accounts = world.state.accounts.iter().map(|(address, _)| *address);
    let storage = world.state.storage.iter().map(|(address, _)| *address);
    let addresses: BTreeSet<Address> = accounts.chain(storage).collect();
    let mut accounts = BTreeMap::new();
    for address in addresses {
        if let Some(change) = change(world, address)? {
            accounts.insert(address, change);
        }
    }
    Ok(StateChanges { accounts })
}

fn change(world: &mut World<'_>, address: Address) -> Result<Option<AccountChange>, HostError> {
    let before = world.original_account(address)?;
    let Some(account) = world.get_account_optional(address)? else {
        return Ok(before.map(|_| AccountChange::Deleted));
    };
    let storage = storage_changes(world, address)?;
    let clears_storage = world.lost_its_storage(address)?;
    if before == Some(account) && storage.is_empty() && !clears_storage {
        return Ok(None);
    }
    let has_new_code = before.unwrap_or_default().code_hash != account.code_hash;
    let code = if has_new_code { Some(world.get_code(account.code_hash)?) } else { None };
    let AccountInfo { nonce, balance, .. } = account;
    Ok(Some(AccountChange::Changed { nonce, balance, code, storage, clears_storage }))
}

fn storage_changes(world: &mut World<'_>, address: Address) -> Result<BTreeMap<U256, U256>, HostError> {
    let Some(storage) = world.state.storage.get(&address).cloned() else { return Ok(BTreeMap::new()) };
    let mut changes = BTreeMap::new();
    for (key, value) in storage.iter() {
        if world.get_storage_original(address, *key)? != *value {
            changes.insert(*key, *value);
        }
    }
    Ok(changes)
}
