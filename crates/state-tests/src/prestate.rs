//! Accounts in a file of their own, written as the `pre` of a state test is.

use std::sync::Arc;

use parallax_memory_database::MemoryDatabase;
use serde_json::Value;

use crate::{FixtureError, FixtureFile, Problem, environment, node::Node};

/// Reads an object of accounts by address, each with `nonce`, `balance`, `code` and `storage`; `name` is what errors call the
/// file.
pub fn accounts_of(name: &str, text: &[u8]) -> Result<MemoryDatabase, FixtureError> {
    // The same bounds as for a file of tests, and no account twice.
    for account in FixtureFile::parse(name, text.to_vec())?.tests() {
        account?;
    }
    let file: Arc<str> = name.into();
    let value: Value = serde_json::from_slice(text).map_err(|error| {
        let (expected, message) = ("an object of accounts by address", error.to_string());
        FixtureError::of_file(name, Problem::Syntax { expected, message })
    })?;
    environment::accounts(&Node::test(&file, "accounts", &value))
}

#[cfg(test)]
mod tests {
    use parallax_primitives::{Address, U256};

    use super::*;

    #[test]
    fn reads_accounts_and_names_the_place_of_a_fault() {
        let account = |balance: &str| {
            format!(
                r#"{{"0x0000000000000000000000000000000000000005":
                     {{"nonce":"0x1","balance":"{balance}","code":"0x60","storage":{{"0x00":"0x07"}}}}}}"#
            )
        };
        let read = accounts_of("pre.json", account("0x10").as_bytes()).unwrap();
        let found = &read.accounts[&Address::with_last_byte(5)];
        assert_eq!(
            (found.nonce, found.balance, found.code.bytes()[..].to_vec()),
            (1, U256::from(16), vec![0x60])
        );
        assert_eq!(found.storage[&U256::ZERO], U256::from(7));
        for (text, expected) in [
            (account("0xg"), "pre.json: at accounts.0x0000000000000000000000000000000000000005.balance: "),
            ("{".to_owned(), "pre.json: expected an object of "),
            (r#"{"0x05":{}}"#.to_owned(), "pre.json: at accounts.0x05: expected an address as the key"),
        ] {
            let error = accounts_of("pre.json", text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
