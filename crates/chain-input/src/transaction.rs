//! A transaction: what nodes answer, or its bytes.

use std::sync::Arc;

use parallax_block_data::{SignedAuthorization, SignedTransaction, encode_signed, sign, without_sidecar};
use parallax_primitives::{
    AccessListEntry, Address, B256, Bytes, Transaction, TransactionType, U256, keccak256,
};
use parallax_state_tests::{FixtureError, Node};
use serde_json::Value;

use crate::{
    answer,
    fields::{address, hash, integer, or_none},
    parse,
};

/// A signed transaction, and what a node says of it besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainTransaction {
    /// The transaction; its sender is not worked out.
    pub signed: SignedTransaction,
    /// Keccak-256 of its bytes.
    pub hash: B256,
    /// Whom the node names as its sender.
    pub from: Option<Address>,
    /// The block that it is in.
    pub block_number: Option<u64>,
    /// The hash of that block.
    pub block_hash: Option<B256>,
    /// Its place in that block, from 0.
    pub index: Option<u64>,
}

impl ChainTransaction {
    /// Reads a file: JSON as `eth_getTransactionByHash` answers it, a whole answer, or the bytes in hexadecimal; a blob transaction may have
    /// its blobs with it. `name` is what errors call the file.
    ///
    /// # Errors
    ///
    /// The place that is not as it should be; or that the hash it says is not its own.
    pub fn read(name: &str, text: &[u8]) -> Result<Self, FixtureError> {
        let value = parse(name, text)?;
        let file: Arc<str> = name.into();
        Self::of(&Node::test(&file, "", &value))
    }

    /// As [`ChainTransaction::read`], of JSON that is somewhere in a file.
    ///
    /// # Errors
    ///
    /// As [`ChainTransaction::read`].
    pub fn of(node: &Node<'_>) -> Result<Self, FixtureError> {
        answer(node, Self::of_transaction)
    }

    fn of_transaction(node: &Node<'_>) -> Result<Self, FixtureError> {
        let is_bytes = node.value().is_string();
        let bytes = if is_bytes { node.bytes()? } else { encode_transaction(node, 0, true)? };
        let decoded = without_sidecar(&bytes).and_then(|bytes| SignedTransaction::decode(&bytes));
        let signed = decoded.map_err(|error| node.unexpected("a signed transaction", error.to_string()))?;
        let own = keccak256(&signed.transaction.envelope);
        let said = node.get("hash");
        if !said.is_null() && said.b256()? != own {
            let found = format!("fields with the hash {own}: one is lost or is not the chain's");
            return Err(said.unexpected(format!("a transaction with the hash {}", said.b256()?), found));
        }
        Ok(Self {
            signed,
            hash: own,
            from: or_none(node, "from", address)?,
            block_number: or_none(node, "blockNumber", integer)?,
            block_hash: or_none(node, "blockHash", hash)?,
            index: or_none(node, "transactionIndex", integer)?,
        })
    }
}

/// The bytes of a transaction that is JSON, as `eth_getTransactionByHash` answers it: with the signature that it has, or the one that
/// its secret key gives it. `chain_id` is its chain where it does not say one; `is_protected` whether a legacy one is signed for its
/// chain (EIP-155) where it does not say otherwise.
///
/// # Errors
///
/// The place that is not as it should be.
pub fn encode_transaction(node: &Node<'_>, chain_id: u64, is_protected: bool) -> Result<Bytes, FixtureError> {
    node.object()?;
    let or_zero = |key| if node.get(key).is_null() { Ok(U256::ZERO) } else { node.get(key).u256() };
    let v = if node.get("v").is_null() { or_zero("yParity")? } else { or_zero("v")? };
    let (r, s) = (or_zero("r")?, or_zero("s")?);
    let authorizations = if node.get("authorizationList").is_null() {
        Vec::new()
    } else {
        node.get("authorizationList").map(authorization)?
    };
    let mut transaction = fields(node)?;
    let secret = node.get("secretKey");
    let is_signed = !r.is_zero() || !s.is_zero();
    if is_signed || secret.is_null() {
        transaction.chain_id =
            Some(if node.get("chainId").is_null() { chain_id } else { node.get("chainId").u64()? });
        return Ok(encode_signed(&transaction, &authorizations, [v, r, s]).into());
    }
    let may_be_bare = transaction.kind == TransactionType::Legacy;
    let is_protected = *node.get("protected").value() != Value::Bool(false) && is_protected;
    let own = if node.get("chainId").is_null() { chain_id } else { node.get("chainId").u64()? };
    transaction.chain_id = (!may_be_bare || is_protected).then_some(own);
    let bytes = sign(&transaction, &authorizations, secret.u256()?);
    bytes.map(Bytes::from).ok_or_else(|| secret.unexpected("a secret key", "a number that is none"))
}

fn fields(node: &Node<'_>) -> Result<Transaction, FixtureError> {
    let is_there = |key| !node.get(key).is_null();
    let word = |key| if is_there(key) { node.get(key).u256() } else { Ok(U256::ZERO) };
    let kind = kind(node)?;
    let to = node.get("to");
    let is_creation = to.is_null() || to.text("an address").is_ok_and(|to| to.is_empty() || to == "0x");
    let input = if is_there("input") { node.get("input") } else { node.get("data") };
    let gas = if is_there("gas") { node.get("gas") } else { node.get("gasLimit") };
    let is_dynamic = kind >= TransactionType::DynamicFee;
    let fee = word(if is_dynamic { "maxFeePerGas" } else { "gasPrice" })?;
    Ok(Transaction {
        kind,
        nonce: node.get("nonce").u64()?,
        gas_limit: gas.u64()?,
        to: if is_creation { None } else { Some(to.address()?) },
        value: word("value")?,
        input: if input.is_null() { Bytes::new() } else { input.bytes()? },
        max_fee_per_gas: fee,
        max_priority_fee_per_gas: if is_dynamic { word("maxPriorityFeePerGas")? } else { fee },
        access_list: if is_there("accessList") { node.get("accessList").map(access)? } else { Vec::new() },
        blob_hashes: match is_there("blobVersionedHashes") {
            true => node.get("blobVersionedHashes").map(hash)?,
            false => Vec::new(),
        },
        max_fee_per_blob_gas: word("maxFeePerBlobGas")?,
        ..Transaction::default()
    })
}

/// The type, which follows from the fields where it is not said.
fn kind(node: &Node<'_>) -> Result<TransactionType, FixtureError> {
    let named = node.get("type");
    let has = |key| !node.get(key).is_null();
    if named.is_null() {
        return Ok(match () {
            () if has("authorizationList") => TransactionType::SetCode,
            () if has("maxFeePerBlobGas") || has("blobVersionedHashes") => TransactionType::Blob,
            () if has("maxFeePerGas") => TransactionType::DynamicFee,
            () if has("accessList") => TransactionType::AccessList,
            () => TransactionType::Legacy,
        });
    }
    match named.u64()? {
        0 => Ok(TransactionType::Legacy),
        1 => Ok(TransactionType::AccessList),
        2 => Ok(TransactionType::DynamicFee),
        3 => Ok(TransactionType::Blob),
        4 => Ok(TransactionType::SetCode),
        other => Err(named.unexpected("a transaction type from 0 to 4", foreign(other))),
    }
}

/// A type of a chain of its own.
fn foreign(kind: u64) -> String {
    let whose = match kind {
        0x64..=0x6a | 0x78 => ", of Arbitrum",
        0x71 | 0xff => ", of ZKsync",
        0x7b..=0x7d => ", of Celo",
        0x7e => ", a deposit of the OP stack",
        _ => "",
    };
    format!("{kind:#x}{whose}")
}

fn access(node: &Node<'_>) -> Result<AccessListEntry, FixtureError> {
    let address: Address = node.get("address").address()?;
    let storage_keys = node.get("storageKeys").map(|key| key.u256().map(Into::into))?;
    Ok(AccessListEntry { address, storage_keys })
}

fn authorization(node: &Node<'_>) -> Result<SignedAuthorization, FixtureError> {
    let parity = if node.get("yParity").is_null() { node.get("v") } else { node.get("yParity") };
    Ok(SignedAuthorization {
        chain_id: node.get("chainId").u256()?,
        address: node.get("address").address()?,
        nonce: node.get("nonce").u64()?,
        y_parity: parity.u256()?,
        r: node.get("r").u256()?,
        s: node.get("s").u256()?,
    })
}
