//! States as tools write them.

use parallax_memory_database::MemoryDatabase;
use serde_json::{Map, Value, json};

/// A state as the tool writes it, accounts by address: what is zero or empty is left out, but not the account.
pub fn write(state: &MemoryDatabase) -> Value {
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
