//! The list of what a block accesses (EIP-7928), gathered part by part.

use std::collections::{BTreeMap, BTreeSet};

use parallax_block_data::{AccountAccess, BlockAccessList, BlockError, Change, SlotChanges};
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{Address, BlockRules, Bytes, U256};

/// Accounts, and of each the slots.
pub(crate) type Accessed = BTreeMap<Address, BTreeSet<U256>>;

/// What the parts so far have looked at and changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccessList {
    /// Which part it is at: see [`Change::index`].
    index: u32,
    accounts: BTreeMap<Address, Gathered>,
}

#[derive(Clone, Debug)]
struct Gathered {
    balance: History<U256>,
    nonce: History<u64>,
    code: History<Bytes>,
    slots: BTreeMap<U256, History<U256>>,
}

/// What something was before the block, and behind the parts that changed it.
#[derive(Clone, Debug)]
struct History<T> {
    before: T,
    changes: Vec<Change<T>>,
}

impl<T: Clone + PartialEq> History<T> {
    fn of(before: T) -> Self {
        Self { before, changes: Vec::new() }
    }

    /// It is `value` behind what was executed at `index`. What is again as it was before that index has not changed at it.
    fn record(&mut self, index: u32, value: T) {
        if self.changes.last().is_some_and(|last| last.index == index) {
            self.changes.pop();
        }
        if *self.changes.last().map_or(&self.before, |last| &last.value) != value {
            self.changes.push(Change { index, value });
        }
    }
}

impl AccessList {
    /// Goes on to the next part.
    pub(crate) fn next_part(&mut self) {
        self.index = self.index.saturating_add(1);
    }

    /// Takes what is looked at next; `state` is the one before that.
    pub(crate) fn look_at(&mut self, state: &MemoryDatabase, accessed: &Accessed) {
        for (address, slots) in accessed {
            let account = state.accounts.get(address);
            let gathered = self.accounts.entry(*address).or_insert_with(|| Gathered::of(account));
            for slot in slots {
                let before = || History::of(slot_of(account, slot));
                gathered.slots.entry(*slot).or_insert_with(before);
            }
        }
    }

    /// Takes what became of that; `state` is the one behind it.
    pub(crate) fn record(&mut self, state: &MemoryDatabase, accessed: &Accessed) {
        let index = self.index;
        for (address, slots) in accessed {
            let Some(gathered) = self.accounts.get_mut(address) else { continue };
            let account = state.accounts.get(address);
            let (balance, nonce, code) = facts(account);
            gathered.balance.record(index, balance);
            gathered.nonce.record(index, nonce);
            gathered.code.record(index, code);
            for slot in slots {
                if let Some(history) = gathered.slots.get_mut(slot) {
                    history.record(index, slot_of(account, slot));
                }
            }
        }
    }

    /// The list.
    pub(crate) fn finish(self) -> BlockAccessList {
        let accounts = self.accounts.into_iter().map(|(address, gathered)| gathered.finish(address));
        BlockAccessList { accounts: accounts.collect() }
    }
}

impl Gathered {
    fn of(account: Option<&Account>) -> Self {
        let (balance, nonce, code) = facts(account);
        Self {
            balance: History::of(balance),
            nonce: History::of(nonce),
            code: History::of(code),
            slots: BTreeMap::new(),
        }
    }

    /// A slot that no part has changed was read.
    fn finish(self, address: Address) -> AccountAccess {
        let (reads, writes): (Vec<_>, Vec<_>) =
            self.slots.into_iter().partition(|(_, slot)| slot.changes.is_empty());
        let change = |(slot, history): (U256, History<U256>)| SlotChanges { slot, changes: history.changes };
        AccountAccess {
            address,
            storage_changes: writes.into_iter().map(change).collect(),
            storage_reads: reads.into_iter().map(|(slot, _)| slot).collect(),
            balance_changes: self.balance.changes,
            nonce_changes: self.nonce.changes,
            code_changes: self.code.changes,
        }
    }
}

/// Balance, nonce and code.
fn facts(account: Option<&Account>) -> (U256, u64, Bytes) {
    account.map_or_else(Default::default, |account| {
        (account.balance, account.nonce, account.code.bytes().clone())
    })
}

fn slot_of(account: Option<&Account>, slot: &U256) -> U256 {
    account.and_then(|account| account.storage.get(slot)).copied().unwrap_or_default()
}

/// That the list has no more than the gas limit allows.
pub(crate) fn check_size(list: &BlockAccessList, gas_limit: u64) -> Result<(), BlockError> {
    let (items, limit) = (list.item_count(), gas_limit / BlockRules::ACCESS_LIST_ITEM_GAS);
    if items > limit { Err(BlockError::AccessListTooLarge { items, limit }) } else { Ok(()) }
}
