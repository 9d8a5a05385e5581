//! What came of a transition, as tools read it.

use parallax_block_data::{
    BlockError, BodyResult, Receipt, ReceiptOutcome, TransactionError, encode_transactions, receipts_root,
    requests_hash, withdrawals_root,
};
use parallax_primitives::{Address, B256, Bytes, Eip, Log, Transaction, hex, keccak256};
use parallax_roots::{logs_hash, ordered_root};
use serde_json::{Map, Value, json};

use crate::{Request, alloc, texts};

/// What came of a transition.
#[derive(Clone, Debug)]
pub struct Output {
    /// Roots, receipts, what was rejected: the fields of `result`.
    pub result: Value,
    /// The state behind it.
    pub alloc: Value,
    /// The RLP of the transactions that are in it.
    pub body: Bytes,
    /// Why each transaction that is not in it was left out.
    pub rejected: Vec<(usize, TransactionError)>,
    /// Why the block is not valid, if it is not.
    pub exception: Option<BlockError>,
}

impl Output {
    pub(crate) fn new(request: &Request, result: BodyResult, exception: Option<BlockError>) -> Self {
        let envelopes: Vec<Bytes> =
            result.included.iter().map(|index| request.transactions[*index].0.clone()).collect();
        let body = encode_transactions(&envelopes).into();
        let told = told(request, &result, &envelopes, exception.as_ref());
        let alloc = alloc::write(&result.state);
        Self { result: told, alloc, body, rejected: result.rejected, exception }
    }
}

fn told(
    request: &Request,
    result: &BodyResult,
    envelopes: &[Bytes],
    exception: Option<&BlockError>,
) -> Value {
    let rules = &request.rules;
    let environment = &request.environment;
    let has = |eip| rules.rules.has(eip);
    let all: Vec<Log> = result.receipts.iter().flat_map(|receipt| receipt.logs.iter().cloned()).collect();
    let rejected = result
        .rejected
        .iter()
        .map(|(index, reason)| json!({ "index": index, "error": texts::rejection(reason) }));
    let block = &environment.block;
    let mut told = Map::new();
    let mut tell = |name: &str, value: Value| {
        told.insert(name.to_owned(), value);
    };
    tell("stateRoot", word(result.state.state_root()));
    tell("txRoot", word(ordered_root(envelopes)));
    tell("receiptsRoot", word(receipts_root(&result.receipts)));
    tell("logsHash", word(logs_hash(&all)));
    tell("logsBloom", json!(result.logs_bloom.to_string()));
    tell("receipts", receipts(request, result, envelopes).into());
    tell("rejected", rejected.collect());
    let difficulty = rules.work.map(|_| format!("{:#x}", block.difficulty));
    tell("currentDifficulty", json!(difficulty));
    tell("gasUsed", number(result.gas_used));
    let base_fee = has(Eip::DynamicFee1559).then(|| format!("{:#x}", block.base_fee));
    tell("currentBaseFee", json!(base_fee));
    if rules.withdrawals {
        tell("withdrawalsRoot", word(withdrawals_root(&environment.withdrawals)));
    }
    if has(Eip::Blobs4844) {
        tell("currentExcessBlobGas", number(block.excess_blob_gas));
        tell("blobGasUsed", number(result.blob_gas_used));
    }
    if rules.requests {
        tell("requestsHash", word(requests_hash(&result.requests)));
        tell("requests", result.requests.iter().map(|request| json!(request.to_string())).collect());
    }
    if rules.access_list {
        // Of a block that came to no end it is empty.
        let list = result.access_list.clone().unwrap_or_default();
        tell("blockAccessListHash", word(list.hash()));
        tell("blockAccessList", json!(hex::encode_prefixed(list.encode())));
    }
    if let Some(exception) = exception {
        tell("blockException", json!(texts::block(exception)));
    }
    Value::Object(told)
}

fn receipts(request: &Request, result: &BodyResult, envelopes: &[Bytes]) -> Vec<Value> {
    let of_receipt = |(place, receipt): (usize, &Receipt)| {
        let transaction = request.transactions[result.included[place]].1.as_ref().ok();
        let contract = transaction.and_then(created).map(|address| format!("{address:#x}"));
        let mut told = json!({
            "type": number(receipt.kind.into()),
            "cumulativeGasUsed": number(receipt.cumulative_gas),
            "logsBloom": receipt.bloom.to_string(),
            "logs": receipt.logs.iter().map(log).collect::<Vec<_>>(),
            "transactionHash": word(keccak256(&envelopes[place])),
            "contractAddress": contract.unwrap_or_else(|| format!("{:#x}", Address::ZERO)),
            "gasUsed": number(result.gas_used_each[place]),
            "blockHash": word(B256::ZERO),
            "transactionIndex": number(place as u64),
        });
        match receipt.outcome {
            ReceiptOutcome::Root(root) => told["root"] = word(root),
            ReceiptOutcome::Status(success) => {
                told["root"] = json!("0x");
                told["status"] = number(success.into());
            }
        }
        told
    };
    result.receipts.iter().enumerate().map(of_receipt).collect()
}

/// The address of the contract that a transaction creates, whether it succeeds or not.
fn created(transaction: &Transaction) -> Option<Address> {
    transaction.to.is_none().then(|| transaction.sender.create(transaction.nonce))
}

fn log(log: &Log) -> Value {
    json!({
        "address": format!("{:#x}", log.address),
        "topics": log.topics.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "data": hex::encode_prefixed(&log.data),
    })
}

fn word(word: B256) -> Value {
    json!(word.to_string())
}

fn number(number: u64) -> Value {
    json!(format!("{number:#x}"))
}
