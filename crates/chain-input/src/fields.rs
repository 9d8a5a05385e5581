//! Single fields: what is there is read, as functions that are general enough to be handed on.

use parallax_primitives::{Address, B256, Bytes, U256};
use parallax_state_tests::{FixtureError, Node};

/// What a field says; `None` where it is missing or null.
pub(crate) fn or_none<T>(
    node: &Node<'_>,
    key: &str,
    read: impl FnOnce(&Node<'_>) -> Result<T, FixtureError>,
) -> Result<Option<T>, FixtureError> {
    let field = node.get(key);
    if field.is_null() { Ok(None) } else { read(&field).map(Some) }
}

pub(crate) fn hash(node: &Node<'_>) -> Result<B256, FixtureError> {
    node.b256()
}

pub(crate) fn address(node: &Node<'_>) -> Result<Address, FixtureError> {
    node.address()
}

pub(crate) fn word(node: &Node<'_>) -> Result<U256, FixtureError> {
    node.u256()
}

pub(crate) fn integer(node: &Node<'_>) -> Result<u64, FixtureError> {
    node.u64()
}

pub(crate) fn bytes(node: &Node<'_>) -> Result<Bytes, FixtureError> {
    node.bytes()
}
