//! A world that keeps what was read of it.

use std::{cell::RefCell, collections::BTreeMap};

use parallax_host_interface::{AccountInfo, Database, HostError};
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{Address, B256, Bytecode, U256};

/// A world, and what was read of it.
pub(crate) struct Recorded<'w> {
    world: &'w dyn Database,
    read: RefCell<MemoryDatabase>,
    /// Hashes of blocks that were asked for and are known.
    hashes: RefCell<BTreeMap<u64, B256>>,
    /// The oldest block whose hash was asked for.
    oldest: RefCell<Option<u64>>,
}

impl<'w> Recorded<'w> {
    pub(crate) fn new(world: &'w dyn Database) -> Self {
        Self { world, read: RefCell::default(), hashes: RefCell::default(), oldest: RefCell::new(None) }
    }

    /// All accounts and slots that were read and are there.
    pub(crate) fn read(&self) -> MemoryDatabase {
        self.read.borrow().clone()
    }

    /// Hashes of blocks that were asked for and are known.
    pub(crate) fn block_hashes(&self) -> BTreeMap<u64, B256> {
        self.hashes.borrow().clone()
    }

    /// The oldest block whose hash was asked for.
    pub(crate) fn oldest_block_hash(&self) -> Option<u64> {
        *self.oldest.borrow()
    }
}

impl Database for Recorded<'_> {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, HostError> {
        let found = self.world.account(address)?;
        if let Some(AccountInfo { nonce, balance, code_hash }) = found {
            let code = self.world.code(code_hash)?;
            let mut read = self.read.borrow_mut();
            let account = read.accounts.entry(address).or_default();
            *account = Account { nonce, balance, code, storage: std::mem::take(&mut account.storage) };
        }
        Ok(found)
    }

    fn code(&self, hash: B256) -> Result<Bytecode, HostError> {
        self.world.code(hash)
    }

    fn storage(&self, address: Address, key: U256) -> Result<U256, HostError> {
        let value = self.world.storage(address, key)?;
        if !value.is_zero() {
            self.read.borrow_mut().accounts.entry(address).or_default().storage.insert(key, value);
        }
        Ok(value)
    }

    fn has_storage(&self, address: Address) -> Result<bool, HostError> {
        self.world.has_storage(address)
    }

    fn block_hash(&self, number: u64) -> Result<B256, HostError> {
        let mut oldest = self.oldest.borrow_mut();
        *oldest = Some(oldest.map_or(number, |oldest| oldest.min(number)));
        let hash = self.world.block_hash(number)?;
        self.hashes.borrow_mut().insert(number, hash);
        Ok(hash)
    }
}
