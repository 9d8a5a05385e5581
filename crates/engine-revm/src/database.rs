//! A Parallax database as revm's. Read-only; accounts and slots are not cached here: revm's journal does that.

use std::{cell::Cell, collections::BTreeMap, fmt};

use parallax_host_interface::{Database as Source, HostError};
use parallax_primitives::{Address, B256, Bytes, Eip, KECCAK256_EMPTY, Rules, U256};
use revm::{Database, bytecode::Bytecode, database_interface::DBErrorMarker, state::AccountInfo};

/// A job's database as revm reads it while it runs one transaction. Accounts and slots are read as often as they are asked for.
pub struct JobDatabase<'a> {
    source: &'a dyn Source,
    rules: Rules,
    /// Set once an account was read that has storage, but neither code nor nonce: what becomes of a creation there revm leaves out. The
    /// run is then repeated with the inspector that has it.
    met_bare_storage: Cell<bool>,
    /// Code that revm has analysed, for runs that come again.
    codes: BTreeMap<B256, Bytecode>,
}

impl<'a> JobDatabase<'a> {
    pub(crate) fn new(source: &'a dyn Source, rules: Rules) -> Self {
        Self { source, rules, met_bare_storage: Cell::new(false), codes: BTreeMap::new() }
    }

    pub(crate) fn met_bare_storage(&self) -> bool {
        self.met_bare_storage.get()
    }
}

impl Database for JobDatabase<'_> {
    type Error = DatabaseError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, DatabaseError> {
        let Some(account) = self.source.account(address)? else { return Ok(None) };
        let is_bare = account.nonce == 0 && account.code_hash == KECCAK256_EMPTY;
        if is_bare && !self.met_bare_storage.get() && self.source.has_storage(address)? {
            self.met_bare_storage.set(true);
        }
        Ok(Some(AccountInfo {
            nonce: account.nonce,
            balance: account.balance,
            code_hash: account.code_hash,
            code: (account.code_hash == KECCAK256_EMPTY).then(Bytecode::default),
            ..Default::default()
        }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, DatabaseError> {
        if let Some(code) = self.codes.get(&hash) {
            return Ok(code.clone());
        }
        let code = bytecode(self.source.code(hash)?.bytes().clone(), self.rules);
        self.codes.insert(hash, code.clone());
        Ok(code)
    }

    fn storage(&mut self, address: Address, key: U256) -> Result<U256, DatabaseError> {
        Ok(self.source.storage(address, key)?)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, DatabaseError> {
        Ok(self.source.block_hash(number)?)
    }
}

/// Code as revm keeps it. revm reads a delegation designator whatever the fork: before EIP-7702 the bytes are code.
fn bytecode(bytes: Bytes, rules: Rules) -> Bytecode {
    match bytes.strip_prefix(&[0xef, 0x01, 0x00]) {
        Some(target) if target.len() == 20 && rules.has(Eip::SetCode7702) => {
            Bytecode::new_eip7702(Address::from_slice(target))
        }
        _ => Bytecode::new_legacy(bytes),
    }
}

/// A failing database, as revm wants its errors.
#[derive(Clone, Debug)]
pub struct DatabaseError(pub HostError);

impl From<HostError> for DatabaseError {
    fn from(error: HostError) -> Self {
        Self(error)
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for DatabaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl DBErrorMarker for DatabaseError {}
