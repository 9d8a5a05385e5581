//! Transactions as tools write them: JSON as `eth_getTransactionByHash` answers it, signed or with the secret key to sign them with; or the
//! RLP of a list.

use parallax_block_data::{SignedTransaction, TransactionError, decode_transactions};
use parallax_chain_input::encode_transaction;
use parallax_primitives::{BlockRules, Bytes, Transaction};
use parallax_state_tests::{FixtureError, Node};
use serde_json::Value;

type Read = (Bytes, Result<Transaction, TransactionError>);

pub(crate) fn read(rules: &BlockRules, chain_id: u64, node: &Node<'_>) -> Result<Vec<Read>, FixtureError> {
    let recover = |bytes: Bytes| {
        let read = recover(rules, &bytes);
        (bytes, read)
    };
    if let Value::String(_) = node.value() {
        let list = decode_transactions(&node.bytes()?)
            .map_err(|error| node.unexpected("the RLP of a list of transactions", error.to_string()))?;
        return Ok(list.into_iter().map(recover).collect());
    }
    node.map(|node| Ok(recover(encode_transaction(node, chain_id, rules.replay_protection)?)))
}

fn recover(rules: &BlockRules, bytes: &Bytes) -> Result<Transaction, TransactionError> {
    let signed = SignedTransaction::decode(bytes)?;
    let sender = signed.recover(rules)?;
    Ok(Transaction { sender, ..signed.transaction })
}
