//! A world with changes on it.

use std::collections::BTreeMap;

use parallax_host_interface::{AccountChange, AccountInfo, Database, HostError, StateChanges};
use parallax_primitives::{Address, B256, Bytecode, KECCAK256_EMPTY, U256};

/// A world as it is behind some transactions, of which only the changes are held.
pub struct Overlay<'w> {
    base: &'w dyn Database,
    accounts: BTreeMap<Address, Layer>,
}

/// What is otherwise in one account.
#[derive(Default)]
struct Layer {
    /// `None` if it was deleted.
    account: Option<AccountInfo>,
    code: Option<Bytecode>,
    storage: BTreeMap<U256, U256>,
    /// Whether what the base says of its storage is over.
    is_cleared: bool,
}

impl<'w> Overlay<'w> {
    /// `base` as it is.
    pub const fn new(base: &'w dyn Database) -> Self {
        Self { base, accounts: BTreeMap::new() }
    }

    /// Carries out what a transaction changed.
    ///
    /// # Errors
    ///
    /// The base was asked for the code of an account, and failed.
    pub fn apply(&mut self, changes: &StateChanges) -> Result<(), HostError> {
        for (&address, change) in &changes.accounts {
            let AccountChange::Changed { nonce, balance, code, storage, clears_storage } = change else {
                self.accounts.insert(address, Layer { is_cleared: true, ..Layer::default() });
                continue;
            };
            let before = self.account(address)?.map_or(KECCAK256_EMPTY, |account| account.code_hash);
            let layer = self.accounts.entry(address).or_default();
            let code_hash = code.as_ref().map_or(before, Bytecode::hash);
            layer.account = Some(AccountInfo { nonce: *nonce, balance: *balance, code_hash });
            if let Some(code) = code {
                layer.code = Some(code.clone());
            }
            if *clears_storage {
                layer.storage.clear();
                layer.is_cleared = true;
            }
            layer.storage.extend(storage);
        }
        Ok(())
    }
}

impl Database for Overlay<'_> {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, HostError> {
        self.accounts.get(&address).map_or_else(|| self.base.account(address), |layer| Ok(layer.account))
    }

    fn code(&self, hash: B256) -> Result<Bytecode, HostError> {
        let own = self.accounts.values().filter_map(|layer| layer.code.as_ref());
        let own = own.into_iter().find(|code| code.hash() == hash);
        own.map_or_else(|| self.base.code(hash), |code| Ok(code.clone()))
    }

    fn storage(&self, address: Address, key: U256) -> Result<U256, HostError> {
        let Some(layer) = self.accounts.get(&address) else { return self.base.storage(address, key) };
        match layer.storage.get(&key) {
            Some(value) => Ok(*value),
            None if layer.is_cleared => Ok(U256::ZERO),
            None => self.base.storage(address, key),
        }
    }

    fn has_storage(&self, address: Address) -> Result<bool, HostError> {
        let Some(layer) = self.accounts.get(&address) else { return self.base.has_storage(address) };
        if layer.storage.values().any(|value| !value.is_zero()) {
            return Ok(true);
        }
        if layer.is_cleared { Ok(false) } else { self.base.has_storage(address) }
    }

    fn block_hash(&self, number: u64) -> Result<B256, HostError> {
        self.base.block_hash(number)
    }
}
