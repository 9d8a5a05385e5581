//! The list of what a block looks at and changes (EIP-7928), as EELS's `block_access_lists.py` has it: reads are gathered, and what an
//! index has changed is found by comparing the state before it with that behind it.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use parallax_block_data::{AccountAccess, BlockAccessList, BlockError, Change, SlotChanges};
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{Address, BlockRules, Bytes, U256};

/// What of the block's indices until now there is to say.
///
/// EELS: `block_access_lists.py`, `BlockAccessListBuilder`, with the reads of `state_tracker.py`, `BlockState`.
#[derive(Default)]
pub(crate) struct BlockAccessListBuilder {
    block_access_index: u32,
    accounts: BTreeMap<Address, AccountData>,
    /// What this index has looked at, as it was before it.
    pre_accounts: BTreeMap<Address, PreAccount>,
}

/// EELS: `block_access_lists.py`, `AccountData`.
#[derive(Default)]
struct AccountData {
    storage_changes: BTreeMap<U256, Vec<Change<U256>>>,
    storage_reads: BTreeSet<U256>,
    balance_changes: Vec<Change<U256>>,
    nonce_changes: Vec<Change<u64>>,
    code_changes: Vec<Change<Bytes>>,
}

/// An account as it was, or is.
#[derive(Default)]
struct PreAccount {
    balance: U256,
    nonce: u64,
    code: Bytes,
    storage: BTreeMap<U256, U256>,
}

impl BlockAccessListBuilder {
    /// Remembers what is looked at as it is in `state`, unless this index has looked at it before.
    pub(crate) fn track(&mut self, state: &MemoryDatabase, accesses: &BTreeMap<Address, BTreeSet<U256>>) {
        for (address, slots) in accesses {
            self.track_address(state, *address);
            let Some(pre_account) = self.pre_accounts.get_mut(address) else { continue };
            for slot in slots {
                let value = get_storage(state, *address, *slot);
                pre_account.storage.entry(*slot).or_insert(value);
            }
        }
    }

    /// EELS: `block_access_lists.py`, `add_touched_account`.
    pub(crate) fn track_address(&mut self, state: &MemoryDatabase, address: Address) {
        self.pre_accounts.entry(address).or_insert_with(|| get_account(state, address));
    }

    /// Ends this index, behind which `state` is.
    pub(crate) fn next_index(&mut self, state: &MemoryDatabase) {
        self.update(state);
        self.block_access_index += 1;
    }

    /// Compares what this index has looked at with what it was. EIP-7928 has all of an index compared at once, be it several system calls.
    ///
    /// EELS: `block_access_lists.py`, `update_builder_from_tx`.
    fn update(&mut self, state: &MemoryDatabase) {
        let block_access_index = self.block_access_index;
        for (address, pre_account) in mem::take(&mut self.pre_accounts) {
            let post_account = get_account(state, address);
            let account = self.accounts.entry(address).or_default();
            if pre_account.balance != post_account.balance {
                let change = Change { index: block_access_index, value: post_account.balance };
                account.balance_changes.push(change);
            }
            if pre_account.nonce != post_account.nonce {
                account.nonce_changes.push(Change { index: block_access_index, value: post_account.nonce });
            }
            if pre_account.code != post_account.code {
                account.code_changes.push(Change { index: block_access_index, value: post_account.code });
            }
            for (slot, pre_value) in pre_account.storage {
                let value = get_storage(state, address, slot);
                if value == pre_value {
                    account.storage_reads.insert(slot);
                } else {
                    let change = Change { index: block_access_index, value };
                    account.storage_changes.entry(slot).or_default().push(change);
                }
            }
        }
    }

    /// The list; `state` is the one behind the block.
    ///
    /// EELS: `block_access_lists.py`, `build_block_access_list`.
    pub(crate) fn build(mut self, state: &MemoryDatabase) -> BlockAccessList {
        self.update(state);
        let mut block_access_list = BlockAccessList::default();
        for (address, mut changes) in self.accounts {
            changes.storage_reads.retain(|slot| !changes.storage_changes.contains_key(slot));
            let slots = changes.storage_changes.into_iter();
            block_access_list.accounts.push(AccountAccess {
                address,
                storage_changes: slots.map(|(slot, changes)| SlotChanges { slot, changes }).collect(),
                storage_reads: changes.storage_reads.into_iter().collect(),
                balance_changes: changes.balance_changes,
                nonce_changes: changes.nonce_changes,
                code_changes: changes.code_changes,
            });
        }
        block_access_list
    }
}

/// Balance, nonce and code; no slots.
fn get_account(state: &MemoryDatabase, address: Address) -> PreAccount {
    let Some(account) = state.accounts.get(&address) else { return PreAccount::default() };
    PreAccount {
        balance: account.balance,
        nonce: account.nonce,
        code: account.code.bytes().clone(),
        storage: BTreeMap::new(),
    }
}

fn get_storage(state: &MemoryDatabase, address: Address, slot: U256) -> U256 {
    let account = state.accounts.get(&address);
    account.and_then(|account| account.storage.get(&slot)).copied().unwrap_or_default()
}

/// EELS: `block_access_lists.py`, `validate_block_access_list_gas_limit`.
pub(crate) fn validate_block_access_list_gas_limit(
    block_access_list: &BlockAccessList,
    block_gas_limit: u64,
) -> Result<(), BlockError> {
    let mut bal_items = 0;
    for account in &block_access_list.accounts {
        bal_items += 1;
        let changed = account.storage_changes.iter().map(|changes| changes.slot);
        let unique_slots: BTreeSet<U256> = changed.chain(account.storage_reads.iter().copied()).collect();
        bal_items += unique_slots.len() as u64;
    }
    let limit = block_gas_limit / BlockRules::ACCESS_LIST_ITEM_GAS;
    if bal_items > limit {
        return Err(BlockError::AccessListTooLarge { items: bal_items, limit });
    }
    Ok(())
}
