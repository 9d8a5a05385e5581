//! States as tools write them: what is absent is zero or empty, keys and numbers are in any form.

use std::collections::BTreeMap;

use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{Address, Bytecode, U256};
use parallax_state_tests::{FixtureError, Node, Problem};
use serde_json::{Map, Value, json};

/// Reads a state as tools write it: an object of accounts by address, of which each field may be left out.
///
/// # Errors
///
/// The place that is not as it should be.
pub fn read(node: &Node<'_>) -> Result<MemoryDatabase, FixtureError> {
    let mut accounts = BTreeMap::new();
    for key in node.object()?.keys() {
        let account = node.get(key);
        account.object()?;
        let digits = key.strip_prefix("0x").unwrap_or(key);
        let address: Address =
            digits.parse().map_err(|_| account.unexpected("an address as the key", format!("{key:?}")))?;
        let (nonce, balance, code) = (account.get("nonce"), account.get("balance"), account.get("code"));
        let read = Account {
            nonce: if nonce.is_null() { 0 } else { nonce.u64()? },
            balance: if balance.is_null() { U256::ZERO } else { balance.u256()? },
            code: if code.is_null() { Bytecode::default() } else { Bytecode::new(code.bytes()?) },
            storage: storage(&account.get("storage"))?,
        };
        if accounts.insert(address, read).is_some() {
            return Err(account.error(Problem::Duplicate(format!("account {address}"))));
        }
    }
    Ok(MemoryDatabase { accounts, ..MemoryDatabase::default() })
}

fn storage(node: &Node<'_>) -> Result<BTreeMap<U256, U256>, FixtureError> {
    let mut storage = BTreeMap::new();
    if node.is_null() {
        return Ok(storage);
    }
    for key in node.object()?.keys() {
        let slot = node.get(key);
        let digits = key.strip_prefix("0x").unwrap_or(key);
        let is_plain = digits.chars().all(|c| c.is_ascii_hexdigit());
        let index = is_plain.then(|| U256::from_str_radix(digits, 16).ok()).flatten();
        let index =
            index.ok_or_else(|| slot.unexpected("an integer below 2^256 as the key", format!("{key:?}")))?;
        if storage.insert(index, slot.u256()?).is_some() {
            return Err(slot.error(Problem::Duplicate(format!("slot {index:#x}"))));
        }
    }
    // A slot that is zero is no slot.
    storage.retain(|_, value: &mut U256| !value.is_zero());
    Ok(storage)
}

/// The state as the tool writes it: what is zero or empty is left out, but not the account.
pub(crate) fn write(state: &MemoryDatabase) -> Value {
    let accounts = state.accounts.iter().map(|(address, account)| {
        let mut fields = Map::new();
        if account.nonce > 0 {
            fields.insert("nonce".to_owned(), json!(format!("{:#x}", account.nonce)));
        }
        if !account.balance.is_zero() {
            fields.insert("balance".to_owned(), json!(format!("{:#x}", account.balance)));
        }
        if !account.code.bytes().is_empty() {
            fields.insert("code".to_owned(), json!(account.code.bytes().to_string()));
        }
        let slots = account.storage.iter().filter(|(_, value)| !value.is_zero());
        let slots: Map<_, _> =
            slots.map(|(key, value)| (format!("{key:#066x}"), json!(format!("{value:#x}")))).collect();
        if !slots.is_empty() {
            fields.insert("storage".to_owned(), slots.into());
        }
        (format!("{address:#x}"), Value::Object(fields))
    });
    Value::Object(accounts.collect())
}
