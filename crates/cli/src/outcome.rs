//! What a run came to, as text and as JSON: logs, and what changed.

use std::fmt::Write as _;

use parallax_host_interface::{AccountChange, StateChanges};
use parallax_primitives::{Address, Log};
use serde_json::{Map, Value, json};

/// A line for each log.
pub(crate) fn logs_text(logs: &[Log]) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    for log in logs {
        let _ = write!(text, "log       {:#x}", log.address);
        for topic in &log.topics {
            let _ = write!(text, " {topic}");
        }
        let _ = writeln!(text, " {}", log.data);
    }
    text
}

/// A line for each account that changed, and behind it one for each slot.
pub(crate) fn changes_text(changes: &StateChanges) -> String {
    let mut text = String::new();
    for (address, change) in &changes.accounts {
        match change {
            AccountChange::Deleted => {
                let _ = writeln!(text, "account   {address:#x} deleted");
            }
            AccountChange::Changed { nonce, balance, code, storage, clears_storage } => {
                let _ = write!(text, "account   {address:#x} nonce {nonce} balance {balance}");
                if let Some(code) = code {
                    let _ = write!(text, " code {}", code.bytes());
                }
                text.push('\n');
                if *clears_storage {
                    text.push_str("  storage cleared\n");
                }
                for (key, value) in storage {
                    let _ = writeln!(text, "  slot    {key:#x} = {value:#x}");
                }
            }
        }
    }
    text
}

/// The logs as JSON.
pub(crate) fn logs_json(logs: &[Log]) -> Value {
    let one = |log: &Log| {
        let topics: Vec<_> = log.topics.iter().map(ToString::to_string).collect();
        json!({ "address": lower(&log.address), "topics": topics, "data": log.data.to_string() })
    };
    logs.iter().map(one).collect()
}

/// What changed as JSON: accounts by address, null for those that were deleted.
pub(crate) fn changes_json(changes: &StateChanges) -> Value {
    let one = |(address, change): (&Address, &AccountChange)| {
        let change = match change {
            AccountChange::Deleted => Value::Null,
            AccountChange::Changed { nonce, balance, code, storage, clears_storage } => {
                let storage: Map<_, _> = storage
                    .iter()
                    .map(|(key, value)| (format!("{key:#x}"), format!("{value:#x}").into()))
                    .collect();
                let mut change = json!({
                    "nonce": nonce,
                    "balance": format!("{balance:#x}"),
                    "code": code.as_ref().map(|code| code.bytes().to_string()),
                    "storage": storage,
                });
                if *clears_storage {
                    change["clearsStorage"] = true.into();
                }
                change
            }
        };
        (lower(address), change)
    };
    Value::Object(changes.accounts.iter().map(one).collect())
}

/// As machines write addresses: without the capitals of EIP-55.
pub(crate) fn lower(address: &Address) -> String {
    format!("{address:#x}")
}
