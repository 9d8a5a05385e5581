//! Transactions as tools write them: JSON as `eth_getTransactionByHash` answers it, signed or with the secret key to sign them with; or the
//! RLP of a list.

use parallax_block_data::{
    SignedAuthorization, SignedTransaction, TransactionError, decode_transactions, encode_signed, sign,
};
use parallax_primitives::{
    AccessListEntry, Address, B256, BlockRules, Bytes, Transaction, TransactionType, U256,
};
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
    node.map(|node| Ok(recover(envelope(rules, chain_id, node)?)))
}

fn recover(rules: &BlockRules, bytes: &Bytes) -> Result<Transaction, TransactionError> {
    let signed = SignedTransaction::decode(bytes)?;
    let sender = signed.recover(rules)?;
    Ok(Transaction { sender, ..signed.transaction })
}

/// The bytes of one, with the signature that it has, or the one that its secret key gives it.
fn envelope(rules: &BlockRules, chain_id: u64, node: &Node<'_>) -> Result<Bytes, FixtureError> {
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
    let is_protected = *node.get("protected").value() != Value::Bool(false) && rules.replay_protection;
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
        other => Err(named.unexpected("a transaction type from 0 to 4", other.to_string())),
    }
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

fn hash(node: &Node<'_>) -> Result<B256, FixtureError> {
    node.b256()
}
