//! The access list of a block (EIP-7928) as JSON, by the names of the specification's test framework.

use parallax_block_data::{AccountAccess, BlockAccessList, Change, SlotChanges};
use parallax_primitives::U256;
use parallax_state_tests::{FixtureError, Node};

pub(crate) fn read(node: &Node<'_>) -> Result<BlockAccessList, FixtureError> {
    Ok(BlockAccessList { accounts: node.map(account)? })
}

fn account(node: &Node<'_>) -> Result<AccountAccess, FixtureError> {
    Ok(AccountAccess {
        address: node.get("address").address()?,
        storage_changes: list(node, "storageChanges", |node| {
            let changes = list(node, "slotChanges", |node| change(node, node.get("postValue").u256()?))?;
            Ok(SlotChanges { slot: node.get("slot").u256()?, changes })
        })?,
        storage_reads: list(node, "storageReads", word)?,
        balance_changes: list(node, "balanceChanges", |node| change(node, node.get("postBalance").u256()?))?,
        nonce_changes: list(node, "nonceChanges", |node| change(node, node.get("postNonce").u64()?))?,
        code_changes: list(node, "codeChanges", |node| change(node, node.get("newCode").bytes()?))?,
    })
}

fn word(node: &Node<'_>) -> Result<U256, FixtureError> {
    node.u256()
}

/// A list that is empty where it is absent.
fn list<T>(
    node: &Node<'_>,
    key: &str,
    each: impl Fn(&Node<'_>) -> Result<T, FixtureError>,
) -> Result<Vec<T>, FixtureError> {
    let list = node.get(key);
    if list.is_null() { Ok(Vec::new()) } else { list.map(each) }
}

fn change<T>(node: &Node<'_>, value: T) -> Result<Change<T>, FixtureError> {
    let index = node.get("blockAccessIndex");
    let too_large = |_| index.wrong("a number below 2^32");
    let number: U256 = index.u256()?;
    Ok(Change { index: u32::try_from(number).map_err(too_large)?, value })
}
