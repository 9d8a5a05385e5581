//! Accounts before a run and after it, and as JSON.

use std::collections::{BTreeMap, BTreeSet};

use parallax_host_interface::{AccountChange, Database, HostError};
use parallax_primitives::{Address, B256, Bytecode, Bytes, KECCAK256_EMPTY, U256, keccak256};
use serde::Serialize;

use crate::{TracerError, json};

/// An account, with the slots that were looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    is_there: bool,
    pub(crate) balance: U256,
    pub(crate) nonce: u64,
    pub(crate) code: Bytes,
    pub(crate) storage: BTreeMap<U256, U256>,
}

/// The code of an account before the run.
pub(crate) fn code_of(before: &dyn Database, address: Address) -> Result<Bytecode, TracerError> {
    let account = before.account(address).map_err(|error| failed(&error))?;
    match account.filter(|account| account.code_hash != KECCAK256_EMPTY) {
        Some(account) => before.code(account.code_hash).map_err(|error| failed(&error)),
        None => Ok(Bytecode::default()),
    }
}

fn failed(error: &HostError) -> TracerError {
    TracerError::State(error.to_string())
}

impl Account {
    pub(crate) fn read(
        before: &dyn Database,
        address: Address,
        slots: &BTreeSet<U256>,
    ) -> Result<Self, TracerError> {
        let account = before.account(address).map_err(|error| failed(&error))?;
        let storage = slots
            .iter()
            .map(|key| Ok((*key, before.storage(address, *key).map_err(|error| failed(&error))?)));
        let storage = storage.collect::<Result<_, TracerError>>()?;
        let Some(info) = account else { return Ok(Self { storage, ..Self::default() }) };
        let code = code_of(before, address)?.bytes().clone();
        Ok(Self { is_there: true, balance: info.balance, nonce: info.nonce, code, storage })
    }

    /// As it is behind a run that has changed this of it.
    pub(crate) fn after(&self, change: Option<&AccountChange>) -> Self {
        match change {
            None => self.clone(),
            Some(AccountChange::Deleted) => Self::default(),
            Some(AccountChange::Changed { nonce, balance, code, storage, clears_storage }) => {
                let mut slots = if *clears_storage { BTreeMap::new() } else { self.storage.clone() };
                slots.extend(storage);
                Self {
                    is_there: true,
                    balance: *balance,
                    nonce: *nonce,
                    code: code.as_ref().map_or_else(|| self.code.clone(), |code| code.bytes().clone()),
                    storage: slots,
                }
            }
        }
    }

    /// No nonce, no balance, no code.
    pub(crate) fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code.is_empty()
    }

    /// Zero for one that is not there.
    pub(crate) fn code_hash(&self) -> B256 {
        if self.is_there { self.code_hash_or_empty() } else { B256::ZERO }
    }

    pub(crate) fn code_hash_or_empty(&self) -> B256 {
        if self.code.is_empty() { KECCAK256_EMPTY } else { keccak256(&self.code) }
    }

    pub(crate) fn row(&self, with_code: bool, with_storage: bool) -> Row {
        let has_code = !self.code.is_empty();
        Row {
            balance: Some(self.balance),
            code: (has_code && with_code).then(|| Code(self.code.clone())),
            code_hash: has_code.then(|| self.code_hash()),
            nonce: self.nonce,
            storage: if with_storage { self.storage.clone() } else { BTreeMap::new() },
        }
    }
}

/// What is written of an account.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "json::some_word")]
    pub(crate) balance: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<Code>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "hash")]
    pub(crate) code_hash: Option<B256>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) nonce: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "slots")]
    pub(crate) storage: BTreeMap<U256, U256>,
}

/// Bytes in hexadecimal.
#[derive(Debug)]
pub(crate) struct Code(pub(crate) Bytes);

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json::display(&self.0, serializer)
    }
}

/// Accounts by their addresses.
pub(crate) fn rows(rows: &BTreeMap<Address, Row>) -> BTreeMap<String, &Row> {
    rows.iter().map(|(address, row)| (format!("{address:#x}"), row)).collect()
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn hash<S: serde::Serializer>(hash: &Option<B256>, serializer: S) -> Result<S::Ok, S::Error> {
    hash.map(|hash| hash.to_string()).serialize(serializer)
}

fn slots<S: serde::Serializer>(slots: &BTreeMap<U256, U256>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(slots.iter().map(|(key, value)| (word(key), word(value))))
}

fn word(word: &U256) -> String {
    format!("{word:#066x}")
}
