//! Accounts before a transaction, as a node answered them.

use parallax::{chain_input::PreState, primitives::*};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = br#"{"jsonrpc": "2.0", "id": 1, "result": {
        "0x00000000000000000000000000000000000000aa": {"balance": "0x0a", "nonce": 1, "storage": {"0x0": "0x0"}}
    }}"#;
    let before = PreState::read("answer.json", answer, None)?;
    let account = &before.accounts[&Address::with_last_byte(0xaa)];
    println!("nonce {}, balance {}", account.nonce, account.balance);
    assert_eq!(account.storage.get(&U256::ZERO), Some(&U256::ZERO));
    Ok(())
}
