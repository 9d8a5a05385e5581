//! Values as go-ethereum writes them in JSON.

use std::fmt::Display;

use parallax_primitives::{Address, U256};
use serde::{Serialize, Serializer};

/// A quantity: `0x` and the fewest digits.
pub(crate) fn quantity<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{number:#x}"))
}

/// A word as a quantity.
pub(crate) fn some_word<S: Serializer>(word: &Option<U256>, serializer: S) -> Result<S::Ok, S::Error> {
    word.map(|word| format!("{word:#x}")).serialize(serializer)
}

/// Bytes and hashes, as they display themselves.
pub(crate) fn display<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// An address in lower case.
pub(crate) fn address<S: Serializer>(address: &Address, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{address:#x}"))
}

pub(crate) fn some_address<S: Serializer>(
    address: &Option<Address>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    address.map(|address| format!("{address:#x}")).serialize(serializer)
}

/// Appends a value.
pub(crate) fn push(out: &mut String, value: &impl Serialize) {
    // Neither a row of numbers and texts nor a string has a way to fail.
    out.push_str(&serde_json::to_string(value).unwrap_or_default());
}

/// As Go's encoder writes text, with what HTML would take for its own as escapes: outside strings JSON has none of it.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => out.push(character),
        }
    }
    out
}
