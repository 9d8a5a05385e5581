//! The journal as the executable specification has it: whole worlds, cloned at every checkpoint. Slow and plain.

use std::collections::{BTreeMap, BTreeSet};

use parallax_memory_database::{Account, Accounts, MemoryDatabase};
use parallax_primitives::{Address, B256, Fork, Mark, U256};

const RIPEMD160: Address = Address::with_last_byte(3);

/// Everything that a revert puts back.
#[derive(Clone, Default)]
struct World {
    accounts: Accounts,
    warm_accounts: BTreeSet<Address>,
    warm_slots: BTreeSet<(Address, U256)>,
    transient: BTreeMap<(Address, U256), U256>,
    touched: BTreeSet<Address>,
    /// Whether RIPEMD-160's account was sent something by a frame that came to its end, when it was touched.
    is_touch_by_value: bool,
    /// Whether that touch outlives frames that fail, which is known once the frame is over in which it happened.
    is_touch_kept: bool,
    created: BTreeSet<Address>,
    marked: BTreeSet<Address>,
    refund: i64,
    logs: usize,
}

pub(crate) struct Model {
    fork: Fork,
    before: MemoryDatabase,
    now: World,
    snapshots: Vec<World>,
}

impl Model {
    pub(crate) fn new(before: &MemoryDatabase, fork: Fork) -> Self {
        let now = World { accounts: before.accounts.clone(), ..World::default() };
        Self { fork, before: before.clone(), now, snapshots: Vec::new() }
    }

    pub(crate) fn checkpoint(&mut self) {
        self.snapshots.push(self.now.clone());
    }

    pub(crate) fn commit(&mut self) {
        let before = self.snapshots.pop().unwrap();
        if self.now.touched.contains(&RIPEMD160) && !before.touched.contains(&RIPEMD160) {
            self.now.is_touch_by_value |= !self.is_empty(RIPEMD160) && !self.now.is_touch_kept;
            self.now.is_touch_kept |= !self.now.is_touch_by_value;
        }
    }

    pub(crate) fn revert(&mut self) {
        let failed = std::mem::replace(&mut self.now, self.snapshots.pop().unwrap());
        let is_nested = !self.snapshots.is_empty();
        let is_kept = failed.touched.contains(&RIPEMD160) && !failed.is_touch_by_value;
        if is_nested && self.fork >= Fork::SpuriousDragon && is_kept {
            self.now.touched.insert(RIPEMD160);
            self.now.is_touch_kept = true;
        }
    }

    /// The account to change: made if it is not there, touched in any case.
    pub(crate) fn account(&mut self, address: Address) -> &mut Account {
        self.now.touched.insert(address);
        self.now.accounts.entry(address).or_default()
    }

    pub(crate) fn balance(&self, address: Address) -> U256 {
        self.now.accounts.get(&address).map_or(U256::ZERO, |account| account.balance)
    }

    pub(crate) fn has_code_or_nonce(&self, address: Address) -> bool {
        self.now
            .accounts
            .get(&address)
            .is_some_and(|account| account.nonce != 0 || !account.code.bytes().is_empty())
    }

    fn is_empty(&self, address: Address) -> bool {
        !self.has_code_or_nonce(address) && self.balance(address).is_zero()
    }

    pub(crate) fn is_dead(&self, address: Address) -> bool {
        let is_there = self.now.accounts.contains_key(&address);
        !is_there || self.fork >= Fork::SpuriousDragon && self.is_empty(address)
    }

    pub(crate) fn code_hash(&self, address: Address) -> Option<B256> {
        (!self.is_dead(address)).then(|| self.now.accounts[&address].code.hash())
    }

    pub(crate) fn credit(&mut self, address: Address, amount: U256) {
        self.account(address).balance += amount;
    }

    pub(crate) fn debit(&mut self, address: Address, amount: U256) -> bool {
        let is_paid = self.balance(address) >= amount;
        if is_paid && !amount.is_zero() {
            self.account(address).balance -= amount;
        }
        is_paid
    }

    pub(crate) fn transfer(&mut self, from: Address, to: Address, amount: U256) -> bool {
        let is_paid = self.debit(from, amount);
        if is_paid {
            self.credit(to, amount);
        }
        is_paid
    }

    pub(crate) fn warm_account(&mut self, address: Address) -> bool {
        self.fork >= Fork::Berlin && self.now.warm_accounts.insert(address)
    }

    pub(crate) fn warm_slot(&mut self, address: Address, key: U256) -> bool {
        self.fork >= Fork::Berlin && self.now.warm_slots.insert((address, key))
    }

    /// What an observer may see of all that was noted.
    pub(crate) fn marks(&self) -> BTreeSet<Mark> {
        let World { accounts, warm_accounts, warm_slots, transient, created, marked, .. } = &self.now;
        let mut marks = BTreeSet::new();
        marks.extend(warm_accounts.iter().map(|address| Mark::WarmAccount(*address)));
        marks.extend(warm_slots.iter().map(|(address, key)| Mark::WarmSlot(*address, *key)));
        marks.extend(created.iter().map(|address| Mark::Created(*address)));
        marks.extend(marked.iter().map(|address| Mark::Destroyed(*address)));
        // A slot of zero is not in a map.
        for (address, account) in accounts {
            let (none, now) = (BTreeMap::new(), &account.storage);
            let before = self.before.accounts.get(address).map_or(&none, |account| &account.storage);
            let value = |slots: &BTreeMap<U256, U256>, key| slots.get(key).copied().unwrap_or_default();
            let changed = now.keys().chain(before.keys()).filter(|key| value(now, key) != value(before, key));
            marks.extend(changed.map(|key| Mark::Storage(*address, *key, value(now, key))));
        }
        let transient = transient.iter().filter(|(_, value)| !value.is_zero());
        marks.extend(transient.map(|((address, key), value)| Mark::TransientStorage(*address, *key, *value)));
        marks
    }

    /// Current value, original value, whether it was cold.
    pub(crate) fn load_slot(&mut self, address: Address, key: U256) -> (U256, U256, bool) {
        let slot = |accounts: &Accounts| {
            accounts.get(&address).and_then(|account| account.storage.get(&key)).copied().unwrap_or_default()
        };
        (slot(&self.now.accounts), slot(&self.before.accounts), self.warm_slot(address, key))
    }

    pub(crate) fn store_slot(&mut self, address: Address, key: U256, value: U256) {
        let storage = &mut self.now.accounts.get_mut(&address).unwrap().storage;
        storage.insert(key, value);
        storage.retain(|_, value| !value.is_zero());
    }

    pub(crate) fn transient(&self, address: Address, key: U256) -> U256 {
        self.now.transient.get(&(address, key)).copied().unwrap_or_default()
    }

    pub(crate) fn store_transient(&mut self, address: Address, key: U256, value: U256) {
        self.now.transient.insert((address, key), value);
    }

    pub(crate) fn add_refund(&mut self, delta: i64) {
        self.now.refund += delta;
    }

    pub(crate) fn refund(&self) -> i64 {
        self.now.refund
    }

    pub(crate) fn log(&mut self) {
        self.now.logs += 1;
    }

    pub(crate) fn logs(&self) -> usize {
        self.now.logs
    }

    /// Whether it was marked before.
    pub(crate) fn self_destruct(&mut self, address: Address, beneficiary: Address) -> bool {
        let balance = self.balance(address);
        let is_deleted = self.fork < Fork::Cancun || self.now.created.contains(&address);
        if address != beneficiary || is_deleted {
            self.credit(beneficiary, balance);
            self.account(address).balance =
                if address == beneficiary { U256::ZERO } else { self.balance(address) - balance };
        }
        is_deleted && !self.now.marked.insert(address)
    }

    /// Whether there was no collision.
    pub(crate) fn create(&mut self, creator: Address, address: Address, value: U256) -> bool {
        let has_storage = self.now.accounts.get(&address).is_some_and(|account| !account.storage.is_empty());
        if self.has_code_or_nonce(address) || has_storage {
            return false;
        }
        self.now.created.insert(address);
        self.account(address).nonce = u64::from(self.fork >= Fork::SpuriousDragon);
        self.transfer(creator, address, value)
    }

    /// The world once the transaction is over.
    pub(crate) fn finish(mut self) -> MemoryDatabase {
        (self.now.is_touch_by_value, self.now.is_touch_kept) = (false, false);
        let touched = std::mem::take(&mut self.now.touched);
        let is_swept = |address: &Address| self.fork >= Fork::SpuriousDragon && self.is_empty(*address);
        let emptied: Vec<_> = touched.into_iter().filter(is_swept).collect();
        for address in emptied.iter().chain(&self.now.marked) {
            self.now.accounts.remove(address);
        }
        MemoryDatabase { accounts: self.now.accounts, block_hashes: self.before.block_hashes }
    }
}
