//! Accounts by their addresses, as a map; many of them can be shared by copies, each of which holds what it has otherwise.
//!
//! Invariant: it behaves as a map of all of its accounts does, shared or not.

#[cfg(feature = "roots")]
use std::sync::OnceLock;
use std::{
    collections::{BTreeMap, HashMap, btree_map},
    fmt,
    iter::Peekable,
    ops::Index,
    sync::Arc,
};

use parallax_primitives::{Address, B256, Bytecode};
#[cfg(feature = "roots")]
use parallax_roots::{AccountLeaf, StateTrie, state_root, storage_root};

use crate::Account;

/// Accounts, ordered by address.
#[derive(Clone, Default)]
pub struct Accounts {
    /// What this one and its copies have in common.
    shared: Option<Arc<Shared>>,
    /// Its own; `None` for one that is shared and is not there.
    own: BTreeMap<Address, Option<Account>>,
}

#[derive(Default)]
struct Shared {
    accounts: BTreeMap<Address, Account>,
    /// Who has which code, by its hash.
    codes: HashMap<B256, Address>,
    #[cfg(feature = "roots")]
    trie: OnceLock<StateTrie>,
}

/// An account that is to be there, or is.
#[derive(Debug)]
pub struct Entry<'a> {
    accounts: &'a mut Accounts,
    address: Address,
}

impl Accounts {
    /// Accounts that are nobody's yet.
    pub const fn new() -> Self {
        Self { shared: None, own: BTreeMap::new() }
    }

    /// Has all accounts shared by the copies that are made from now on: a copy costs what was changed since. Worth it for thousands of
    /// accounts, as to change one is to copy it first.
    pub fn share(&mut self) {
        let accounts: BTreeMap<_, _> = std::mem::take(self).into_iter().collect();
        let with_code = accounts.iter().filter(|(_, account)| !account.code.bytes().is_empty());
        let codes = with_code.map(|(address, account)| (account.code.hash(), *address)).collect();
        self.shared = Some(Arc::new(Shared {
            accounts,
            codes,
            #[cfg(feature = "roots")]
            trie: OnceLock::new(),
        }));
    }

    /// An account.
    pub fn get(&self, address: &Address) -> Option<&Account> {
        match (self.own.get(address), &self.shared) {
            (Some(own), _) => own.as_ref(),
            (None, Some(shared)) => shared.accounts.get(address),
            (None, None) => None,
        }
    }

    /// An account, to be changed.
    pub fn get_mut(&mut self, address: &Address) -> Option<&mut Account> {
        if let (Some(shared), false) = (&self.shared, self.own.contains_key(address)) {
            self.own.insert(*address, Some(shared.accounts.get(address)?.clone()));
        }
        self.own.get_mut(address)?.as_mut()
    }

    /// Whether there is an account.
    pub fn contains_key(&self, address: &Address) -> bool {
        self.get(address).is_some()
    }

    /// Puts an account there; answers the one before it.
    pub fn insert(&mut self, address: Address, account: Account) -> Option<Account> {
        let before = self.is_only_shared(&address).then(|| self.get(&address).cloned()).flatten();
        self.own.insert(address, Some(account)).flatten().or(before)
    }

    /// Takes an account away.
    pub fn remove(&mut self, address: &Address) -> Option<Account> {
        let shared = self.shared.as_ref().and_then(|shared| shared.accounts.get(address));
        match (shared, self.own.get_mut(address)) {
            (None, _) => self.own.remove(address).flatten(),
            (Some(_), Some(own)) => own.take(),
            (Some(shared), None) => {
                let removed = shared.clone();
                self.own.insert(*address, None);
                Some(removed)
            }
        }
    }

    /// The place of an account.
    pub fn entry(&mut self, address: Address) -> Entry<'_> {
        Entry { accounts: self, address }
    }

    /// All of them, in order.
    pub fn iter(&self) -> Iter<'_> {
        let shared = self.shared.as_ref().map(|shared| shared.accounts.iter()).unwrap_or_default();
        Iter { shared: shared.peekable(), own: self.own.iter().peekable() }
    }

    /// Their addresses, in order.
    pub fn keys(&self) -> impl Iterator<Item = &Address> {
        self.iter().map(|(address, _)| address)
    }

    /// All of them, in the order of their addresses.
    pub fn values(&self) -> impl Iterator<Item = &Account> {
        self.iter().map(|(_, account)| account)
    }

    /// All of them, to be changed, in the order of their addresses. None is shared any more.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Account> {
        self.unshare();
        self.own.values_mut().flatten()
    }

    /// Keeps those that `is_kept` says. None is shared any more.
    pub fn retain(&mut self, mut is_kept: impl FnMut(&Address, &mut Account) -> bool) {
        self.unshare();
        self.own.retain(|address, account| account.as_mut().is_some_and(|account| is_kept(address, account)));
    }

    /// How many there are; where some are shared, they are counted one by one.
    pub fn len(&self) -> usize {
        if self.shared.is_some() { self.iter().count() } else { self.own.len() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The code with this hash, if an account has it. Looks through all that are not shared.
    pub(crate) fn code(&self, hash: B256) -> Option<&Bytecode> {
        let of_shared = self.shared.as_ref().and_then(|shared| {
            let address = shared.codes.get(&hash)?;
            // That account may be gone, or have another code: what was shared had it all the same.
            shared.accounts.get(address)
        });
        let of_own = || self.own.values().flatten().find(|account| account.code.hash() == hash);
        of_shared.or_else(of_own).map(|account| &account.code)
    }

    /// Root of the state trie (Yellow Paper, section 4.1).
    #[cfg(feature = "roots")]
    pub(crate) fn root(&self) -> B256 {
        let Some(shared) = &self.shared else {
            return state_root(self.iter().map(|(&address, account)| (address, leaf(account))));
        };
        let trie = shared.trie.get_or_init(|| {
            StateTrie::new(shared.accounts.iter().map(|(&address, account)| (address, leaf(account))))
        });
        trie.root_with(self.own.iter().map(|(&address, account)| (address, account.as_ref().map(leaf))))
    }

    fn is_only_shared(&self, address: &Address) -> bool {
        self.shared.is_some() && !self.own.contains_key(address)
    }

    fn unshare(&mut self) {
        if self.shared.is_some() {
            *self = std::mem::take(self).into_iter().collect();
        }
    }
}

#[cfg(feature = "roots")]
fn leaf(account: &Account) -> AccountLeaf {
    AccountLeaf {
        nonce: account.nonce,
        balance: account.balance,
        storage_root: storage_root(account.storage.iter().map(|(&key, &value)| (key, value))),
        code_hash: account.code.hash(),
    }
}

impl<'a> Entry<'a> {
    /// The account; an empty one if there was none.
    pub fn or_default(self) -> &'a mut Account {
        self.or_insert_with(Account::default)
    }

    /// The account; this one if there was none.
    pub fn or_insert(self, account: Account) -> &'a mut Account {
        self.or_insert_with(|| account)
    }

    /// The account; one that is made if there was none.
    pub fn or_insert_with(self, make: impl FnOnce() -> Account) -> &'a mut Account {
        let Self { accounts: Accounts { shared, own }, address } = self;
        let of_shared = || shared.as_ref()?.accounts.get(&address).cloned();
        own.entry(address).or_insert_with(of_shared).get_or_insert_with(make)
    }
}

/// Accounts in order.
#[derive(Clone)]
pub struct Iter<'a> {
    shared: Peekable<btree_map::Iter<'a, Address, Account>>,
    own: Peekable<btree_map::Iter<'a, Address, Option<Account>>>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Address, &'a Account);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let own = self.own.peek().map(|(address, _)| *address);
            match self.shared.next_if(|(address, _)| own.is_none_or(|own| *address < own)) {
                None => {}
                shared => return shared,
            }
            let (address, account) = self.own.next()?;
            self.shared.next_if(|(shared, _)| *shared == address);
            if let Some(account) = account {
                return Some((address, account));
            }
        }
    }
}

impl IntoIterator for Accounts {
    type Item = (Address, Account);
    type IntoIter = std::vec::IntoIter<(Address, Account)>;

    fn into_iter(self) -> Self::IntoIter {
        let all: Vec<_> = match self.shared {
            None => self.own.into_iter().filter_map(|(address, account)| Some((address, account?))).collect(),
            Some(_) => self.iter().map(|(address, account)| (*address, account.clone())).collect(),
        };
        all.into_iter()
    }
}

impl<'a> IntoIterator for &'a Accounts {
    type Item = (&'a Address, &'a Account);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<(Address, Account)> for Accounts {
    fn from_iter<T: IntoIterator<Item = (Address, Account)>>(accounts: T) -> Self {
        let own = accounts.into_iter().map(|(address, account)| (address, Some(account)));
        Self { shared: None, own: own.collect() }
    }
}

impl From<BTreeMap<Address, Account>> for Accounts {
    fn from(accounts: BTreeMap<Address, Account>) -> Self {
        accounts.into_iter().collect()
    }
}

impl<const N: usize> From<[(Address, Account); N]> for Accounts {
    fn from(accounts: [(Address, Account); N]) -> Self {
        accounts.into_iter().collect()
    }
}

impl Extend<(Address, Account)> for Accounts {
    fn extend<T: IntoIterator<Item = (Address, Account)>>(&mut self, accounts: T) {
        self.own.extend(accounts.into_iter().map(|(address, account)| (address, Some(account))));
    }
}

impl Index<&Address> for Accounts {
    type Output = Account;

    /// # Panics
    ///
    /// There is none, as of a map.
    fn index(&self, address: &Address) -> &Account {
        self.get(address).unwrap_or_else(|| panic!("no account {address}"))
    }
}

impl PartialEq for Accounts {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Accounts {}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
