//! The transaction of a test, of which each case takes one data, one gas limit and one value.

use parallax_block_data::signature;
use parallax_primitives::{AccessListEntry, Address, Authorization, B256, Transaction, TransactionType};

use crate::{FixtureError, node::Node};

/// Which data, gas limit and value of the transaction a case takes.
#[derive(Clone, Copy)]
pub(crate) struct Indexes {
    pub(crate) d: usize,
    pub(crate) g: usize,
    pub(crate) v: usize,
}

impl Indexes {
    /// Reads `indexes` of an item of `post`, and checks that `transaction` has that much to choose from.
    pub(crate) fn read(entry: &Node<'_>, transaction: &Node<'_>) -> Result<Self, FixtureError> {
        let indexes = entry.get("indexes");
        indexes.object().map_err(|_| indexes.wrong("an object with data, gas and value"))?;
        let one = |key: &'static str, list: &'static str| {
            let node = indexes.get(key);
            let index = node.u64()?;
            let count = transaction.get(list).items()?.len();
            usize::try_from(index).ok().filter(|index| *index < count).ok_or_else(|| {
                node.unexpected(
                    format!("an index into the {count} items of transaction.{list}"),
                    index.to_string(),
                )
            })
        };
        Ok(Self { d: one("data", "data")?, g: one("gas", "gasLimit")?, v: one("value", "value")? })
    }
}

/// Reads the transaction with the items that `at` names. `authorizations` are those of the test, already recovered.
pub(crate) fn read(
    node: &Node<'_>,
    at: Indexes,
    chain_id: Option<u64>,
    authorizations: Vec<Authorization>,
) -> Result<Transaction, FixtureError> {
    let kind = kind(node, at)?;
    let (max_fee_per_gas, max_priority_fee_per_gas) = if kind >= TransactionType::DynamicFee {
        (node.get("maxFeePerGas").u256()?, node.get("maxPriorityFeePerGas").u256()?)
    } else {
        (node.get("gasPrice").u256()?, node.get("gasPrice").u256()?)
    };
    let mut transaction = Transaction {
        kind,
        sender: sender(node)?,
        to: target(node)?,
        nonce: node.get("nonce").u64()?,
        chain_id,
        gas_limit: node.get("gasLimit").item(at.g)?.u64()?,
        max_fee_per_gas,
        max_priority_fee_per_gas,
        value: node.get("value").item(at.v)?.u256()?,
        input: node.get("data").item(at.d)?.bytes()?,
        authorizations,
        ..Transaction::default()
    };
    if kind >= TransactionType::AccessList {
        transaction.access_list = access_list(node, at)?;
    }
    if kind == TransactionType::Blob {
        transaction.max_fee_per_blob_gas = node.get("maxFeePerBlobGas").u256()?;
        // The method itself is not general enough over the lifetimes of nodes.
        #[allow(clippy::redundant_closure_for_method_calls)]
        let hashes = node.get("blobVersionedHashes").map(|hash| hash.b256())?;
        transaction.blob_hashes = hashes;
    }
    Ok(transaction)
}

/// The authorizations of a test with their signers recovered (EIP-7702).
pub(crate) fn authorizations(node: &Node<'_>) -> Result<Vec<Authorization>, FixtureError> {
    let list = node.get("authorizationList");
    if list.is_null() {
        return Ok(Vec::new());
    }
    list.map(|item| {
        let (chain_id, address, nonce) =
            (item.get("chainId").u256()?, item.get("address").address()?, item.get("nonce").u64()?);
        let parity = if item.get("yParity").is_null() { item.get("v") } else { item.get("yParity") };
        let (r, s) = (item.get("r").u256()?, item.get("s").u256()?);
        // The `signer` of some files is what the filler meant; the signature decides.
        let authority = signature::authority(chain_id, address, nonce, parity.u256()?, r, s);
        Ok(Authorization { chain_id, address, nonce, authority })
    })
}

/// The type that the file says, or the lowest that has room for the fields it gives.
fn kind(node: &Node<'_>, at: Indexes) -> Result<TransactionType, FixtureError> {
    let given = node.get("type");
    if !given.is_null() {
        return Ok(match given.u64()? {
            0 => TransactionType::Legacy,
            1 => TransactionType::AccessList,
            2 => TransactionType::DynamicFee,
            3 => TransactionType::Blob,
            4 => TransactionType::SetCode,
            _ => return Err(given.wrong("a transaction type from 0 to 4")),
        });
    }
    let has = |key| !node.get(key).is_null();
    let lists = node.get("accessLists");
    Ok(if has("authorizationList") {
        TransactionType::SetCode
    } else if has("maxFeePerBlobGas") || has("blobVersionedHashes") {
        TransactionType::Blob
    } else if has("maxFeePerGas") {
        TransactionType::DynamicFee
    } else if !lists.is_null() && !lists.item(at.d)?.is_null() {
        TransactionType::AccessList
    } else {
        TransactionType::Legacy
    })
}

fn sender(node: &Node<'_>) -> Result<Address, FixtureError> {
    let (sender, secret) = (node.get("sender"), node.get("secretKey"));
    if !sender.is_null() || secret.is_null() {
        return sender.address();
    }
    signature::address_of(secret.u256()?).ok_or_else(|| secret.wrong("a secret key of secp256k1"))
}

fn target(node: &Node<'_>) -> Result<Option<Address>, FixtureError> {
    let to = node.get("to");
    if to.is_null() || matches!(to.text("an address, or nothing to create")?, "" | "0x") {
        return Ok(None);
    }
    to.address().map(Some)
}

fn access_list(node: &Node<'_>, at: Indexes) -> Result<Vec<AccessListEntry>, FixtureError> {
    let lists = node.get("accessLists");
    if lists.is_null() {
        return Ok(Vec::new());
    }
    let list = lists.item(at.d)?;
    if list.is_null() {
        return Ok(Vec::new());
    }
    list.map(|entry| {
        Ok(AccessListEntry {
            address: entry.get("address").address()?,
            storage_keys: entry.get("storageKeys").map(|key| Ok(B256::from(key.u256()?)))?,
        })
    })
}
