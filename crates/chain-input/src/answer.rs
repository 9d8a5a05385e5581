//! What is around the thing itself: an answer of JSON-RPC, a list of hashes.

use std::collections::BTreeMap;

use parallax_primitives::B256;
use parallax_state_tests::{FixtureError, Node};
use serde_json::Value;

/// Hands what is in an answer of JSON-RPC to `read`, or `node` itself if it is none.
///
/// # Errors
///
/// The answer is an error, or null: the node does not have it.
pub fn answer<T>(
    node: &Node<'_>,
    read: impl FnOnce(&Node<'_>) -> Result<T, FixtureError>,
) -> Result<T, FixtureError> {
    let Value::Object(fields) = node.value() else { return read(node) };
    if !is_answer(fields) {
        return read(node);
    }
    let error = node.get("error");
    if !error.is_null() {
        return Err(
            node.unexpected("an answer", format!("the error of a node: {}", error_text(error.value())))
        );
    }
    let result = node.get("result");
    if result.is_null() {
        return Err(result.unexpected("an answer", "null: the node does not have it"));
    }
    read(&result)
}

/// Whether an object is an answer of JSON-RPC, or one of a list of them.
pub(crate) fn is_answer(fields: &serde_json::Map<String, Value>) -> bool {
    let is_marked = ["jsonrpc", "id", "txHash"].iter().any(|key| fields.contains_key(*key));
    is_marked || fields.len() == 1 && fields.contains_key("result")
}

/// What an error of JSON-RPC says, on one line and not long.
fn error_text(error: &Value) -> String {
    let message = match (error.get("message"), error) {
        (Some(Value::String(message)), _) | (_, Value::String(message)) => message.clone(),
        _ => error.to_string(),
    };
    let code = error.get("code").and_then(Value::as_i64).map_or(String::new(), |code| format!("{code}, "));
    let message: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    format!("{code}{message}")
}

/// The hashes of blocks by number: keys are hexadecimal with `0x`, and decimal without.
pub fn hashes_of_blocks(node: &Node<'_>) -> Result<BTreeMap<u64, B256>, FixtureError> {
    let mut read = BTreeMap::new();
    if node.is_null() {
        return Ok(read);
    }
    for key in node.object()?.keys() {
        let hash = node.get(key);
        let number = match key.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => key.parse(),
        };
        let number =
            number.map_err(|_| hash.unexpected("the number of a block as the key", format!("{key:?}")))?;
        read.insert(number, hash.b256()?);
    }
    Ok(read)
}
