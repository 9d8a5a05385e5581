//! A whole state as JSON.

use std::collections::BTreeMap;

use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{Address, B256, Bytes, U256, keccak256};
use parallax_roots::storage_root;
use serde::Serialize;

/// Every account of a state, by address in the capitals of EIP-55.
#[derive(Debug, Serialize)]
pub(super) struct Dump {
    /// Without 0x.
    root: String,
    accounts: BTreeMap<String, DumpAccount>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DumpAccount {
    /// Decimal.
    balance: String,
    nonce: u64,
    root: String,
    code_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The values without 0x and leading zeros.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    storage: BTreeMap<String, String>,
    address: String,
    key: String,
}

impl Dump {
    pub(super) fn of(state: &MemoryDatabase) -> Self {
        let root = format!("{:x}", state.state_root());
        let accounts =
            state.accounts.iter().map(|(address, account)| (address.to_string(), of(*address, account)));
        Self { root, accounts: accounts.collect() }
    }
}

fn of(address: Address, account: &Account) -> DumpAccount {
    let Account { nonce, balance, code, storage } = account;
    let slots = storage.iter().map(|(&key, &value)| (key, value));
    let is_set = |(_, value): &(&U256, &U256)| !value.is_zero();
    let text = |(key, value): (&U256, &U256)| {
        let digits = format!("{value:x}");
        // Whole bytes.
        let digits = if digits.len().is_multiple_of(2) { digits } else { format!("0{digits}") };
        (B256::from(*key).to_string(), digits)
    };
    let bytes: &Bytes = code.bytes();
    DumpAccount {
        balance: balance.to_string(),
        nonce: *nonce,
        root: storage_root(slots).to_string(),
        code_hash: code.hash().to_string(),
        code: (!bytes.is_empty()).then(|| bytes.to_string()),
        storage: storage.iter().filter(is_set).map(text).collect(),
        address: address.to_string().to_lowercase(),
        key: keccak256(address).to_string(),
    }
}
