//! A pre-state of which it is known what was asked for and not in it.

use std::{cell::RefCell, collections::BTreeSet};

use parallax_host_interface::{AccountInfo, Database, HostError};
use parallax_memory_database::{BlockHashes, MemoryDatabase};
use parallax_primitives::{Address, B256, Bytecode, U256};

/// Most of what was absent that is named.
const NAMED: usize = 3;

/// A pre-state that notes what it was asked for and does not say.
pub(crate) struct Watched {
    pub(crate) database: MemoryDatabase,
    absent: RefCell<Absent>,
}

/// What a pre-state was asked for and does not say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Absent {
    pub(crate) accounts: BTreeSet<Address>,
    pub(crate) slots: BTreeSet<(Address, U256)>,
    pub(crate) block_hashes: BTreeSet<u64>,
}

impl Watched {
    pub(crate) fn new(database: MemoryDatabase) -> Self {
        Self { database, absent: RefCell::default() }
    }

    pub(crate) fn absent(&self) -> Absent {
        self.absent.borrow().clone()
    }
}

impl Database for Watched {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, HostError> {
        let found = self.database.account(address)?;
        if found.is_none() {
            self.absent.borrow_mut().accounts.insert(address);
        }
        Ok(found)
    }

    fn code(&self, hash: B256) -> Result<Bytecode, HostError> {
        self.database.code(hash)
    }

    fn storage(&self, address: Address, key: U256) -> Result<U256, HostError> {
        let account = self.database.accounts.get(&address);
        if account.is_some_and(|account| !account.storage.contains_key(&key)) {
            self.absent.borrow_mut().slots.insert((address, key));
        }
        self.database.storage(address, key)
    }

    fn has_storage(&self, address: Address) -> Result<bool, HostError> {
        self.database.has_storage(address)
    }

    fn block_hash(&self, number: u64) -> Result<B256, HostError> {
        if let BlockHashes::Known(known) = &self.database.block_hashes
            && !known.contains_key(&number)
        {
            self.absent.borrow_mut().block_hashes.insert(number);
        }
        self.database.block_hash(number)
    }
}

impl Absent {
    /// What was read as empty, on one line; `None` if nothing was.
    pub(crate) fn text(&self) -> Option<String> {
        let accounts = self.accounts.iter().map(|address| format!("{address:#x}"));
        let slots = self.slots.iter().map(|(address, key)| format!("{address:#x}[{key:#x}]"));
        let parts = [
            part("account", self.accounts.len(), accounts.collect()),
            part("slot", self.slots.len(), slots.collect()),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        (!parts.is_empty())
            .then(|| format!("read as empty, as the pre-state does not have them: {}", parts.join(", ")))
    }
}

fn part(what: &str, count: usize, mut names: Vec<String>) -> Option<String> {
    if count == 0 {
        return None;
    }
    names.truncate(NAMED);
    let more = if count > NAMED { " ..." } else { "" };
    let plural = if count == 1 { "" } else { "s" };
    Some(format!("{count} {what}{plural} ({}{more})", names.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pre_state_does_not_say_is_counted_and_zeros_that_it_says_are_not() {
        let mut world = MemoryDatabase {
            block_hashes: BlockHashes::Known([(1, B256::ZERO)].into()),
            ..Default::default()
        };
        let (known, other) = (Address::with_last_byte(1), Address::with_last_byte(2));
        world.accounts.entry(known).or_default().storage.insert(U256::from(5), U256::ZERO);
        let watched = Watched::new(world);
        assert_eq!(watched.storage(known, U256::from(5)).unwrap(), U256::ZERO);
        assert!(watched.account(known).unwrap().is_some());
        assert!(watched.block_hash(1).is_ok());
        assert_eq!(watched.absent().text(), None);
        watched.storage(known, U256::from(6)).unwrap();
        watched.account(other).unwrap();
        assert!(watched.block_hash(2).is_err());
        let absent = watched.absent();
        let expected = format!(
            "read as empty, as the pre-state does not have them: 1 account ({other:#x}), 1 slot ({known:#x}[0x6])"
        );
        assert_eq!((absent.text(), absent.block_hashes), (Some(expected), [2].into()));
    }
}
