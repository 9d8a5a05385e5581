//! A world in memory. Invariant: it answers as a database does whatever is put into its public fields; slots that are zero
//! count as never written.

use std::collections::BTreeMap;

use parallax_host_interface::{AccountChange, AccountInfo, Database, HostError, HostErrorKind, StateChanges};
use parallax_primitives::{Address, B256, Bytecode, Bytes, KECCAK256_EMPTY, U256, keccak256};

use crate::{Account, Accounts};

/// Accounts in memory, ordered by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryDatabase {
    /// Every account that exists.
    pub accounts: Accounts,
    /// What BLOCKHASH is answered from.
    pub block_hashes: BlockHashes,
}

/// Where block hashes come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BlockHashes {
    /// The convention of state tests, which have no chain: Keccak-256 of the number in decimal digits.
    #[default]
    OfNumber,
    /// These, and a [`HostError`] for any other.
    Known(BTreeMap<u64, B256>),
}

impl MemoryDatabase {
    /// A world in which one account has code, and nothing else is.
    pub fn with_code(address: Address, code: impl Into<Bytes>) -> Self {
        let mut world = Self::default();
        world.accounts.entry(address).or_default().code = Bytecode::new(code.into());
        world
    }

    /// Carries out what a transaction changed.
    pub fn apply(&mut self, changes: &StateChanges) {
        for (&address, change) in &changes.accounts {
            match change {
                AccountChange::Deleted => {
                    self.accounts.remove(&address);
                }
                AccountChange::Changed { nonce, balance, code, storage, clears_storage } => {
                    let account = self.accounts.entry(address).or_default();
                    (account.nonce, account.balance) = (*nonce, *balance);
                    if let Some(code) = code {
                        account.code = code.clone();
                    }
                    if *clears_storage {
                        account.storage.clear();
                    }
                    for (&key, &value) in storage {
                        if value.is_zero() {
                            account.storage.remove(&key);
                        } else {
                            account.storage.insert(key, value);
                        }
                    }
                }
            }
        }
    }

    /// Root of the state trie (Yellow Paper, section 4.1).
    #[cfg(feature = "roots")]
    pub fn state_root(&self) -> B256 {
        self.accounts.root()
    }
}

impl Database for MemoryDatabase {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, HostError> {
        Ok(self.accounts.get(&address).map(|account| AccountInfo {
            nonce: account.nonce,
            balance: account.balance,
            code_hash: account.code.hash(),
        }))
    }

    /// Looks through all accounts that are not shared: a journal asks once per account and transaction.
    fn code(&self, hash: B256) -> Result<Bytecode, HostError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytecode::default());
        }
        self.accounts
            .code(hash)
            .cloned()
            .ok_or_else(|| HostError::new(format!("no account has code with hash {hash}")))
    }

    fn storage(&self, address: Address, key: U256) -> Result<U256, HostError> {
        let account = self.accounts.get(&address);
        Ok(account.and_then(|account| account.storage.get(&key)).copied().unwrap_or_default())
    }

    fn has_storage(&self, address: Address) -> Result<bool, HostError> {
        Ok(self.accounts.get(&address).is_some_and(Account::has_storage))
    }

    fn block_hash(&self, number: u64) -> Result<B256, HostError> {
        match &self.block_hashes {
            BlockHashes::OfNumber => Ok(keccak256(number.to_string())),
            BlockHashes::Known(hashes) => {
                let hash = hashes.get(&number).copied();
                hash.ok_or_else(|| {
                    HostError::new(format!("the hash of block {number} is not known"))
                        .of_kind(HostErrorKind::UnknownBlockHash)
                })
            }
        }
    }
}
