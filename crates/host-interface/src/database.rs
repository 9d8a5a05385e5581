use parallax_primitives::{Address, B256, Bytecode, KECCAK256_EMPTY, U256};

use crate::HostError;

/// Accounts as they were before the transaction. Read-only and shared: every engine runs on its own journal over it.
pub trait Database {
    /// An account, or `None` if it does not exist.
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, HostError>;
    /// The code with this hash, and so with its hash: a source that cannot vouch for it hashes it anew.
    fn code(&self, hash: B256) -> Result<Bytecode, HostError>;
    /// One storage slot; zero if never written.
    fn storage(&self, address: Address, key: U256) -> Result<U256, HostError>;
    /// Whether any slot of the account is not zero (EIP-7610).
    fn has_storage(&self, address: Address) -> Result<bool, HostError>;
    /// Hash of block `number`.
    fn block_hash(&self, number: u64) -> Result<B256, HostError>;
}

/// What a database says of an account besides its storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountInfo {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// In wei.
    pub balance: U256,
    /// Keccak-256 of its code.
    pub code_hash: B256,
}

impl Default for AccountInfo {
    fn default() -> Self {
        Self { nonce: 0, balance: U256::ZERO, code_hash: KECCAK256_EMPTY }
    }
}

impl AccountInfo {
    /// No nonce, no balance, no code (EIP-161).
    pub fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK256_EMPTY
    }
}

/// A world with nothing in it; every block hash is zero.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmptyDatabase;

impl Database for EmptyDatabase {
    fn account(&self, _: Address) -> Result<Option<AccountInfo>, HostError> {
        Ok(None)
    }

    fn code(&self, hash: B256) -> Result<Bytecode, HostError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytecode::default());
        }
        Err(HostError::new(format!("no code with hash {hash}")))
    }

    fn storage(&self, _: Address, _: U256) -> Result<U256, HostError> {
        Ok(U256::ZERO)
    }

    fn has_storage(&self, _: Address) -> Result<bool, HostError> {
        Ok(false)
    }

    fn block_hash(&self, _: u64) -> Result<B256, HostError> {
        Ok(B256::ZERO)
    }
}
