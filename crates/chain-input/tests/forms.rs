//! Every form of a pre-state, of transactions, blocks and receipts; and what is wrong with them, in one line each.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use parallax_block_data::{Block, Header, sign};
use parallax_chain_input::{
    ChainBlock, ChainReceipt, ChainState, ChainTransaction, InBlock, Pick, PreState, PreStateForm,
};
use parallax_memory_database::Account;
use parallax_primitives::{
    Address, B256, Bytecode, Bytes, FrameStatus, Log, Transaction, TransactionType, TxOutcome, U256, hex,
    keccak256,
};
use serde_json::{Value, json};

const A: &str = "0x00000000000000000000000000000000000000aa";

#[allow(clippy::needless_pass_by_value, reason = "it is shorter at every call")]
fn h(value: impl ToString) -> String {
    value.to_string()
}

fn address() -> Address {
    A.parse().unwrap()
}

fn read(value: &Value, pick: Option<Pick>) -> Result<PreState, String> {
    PreState::read("f.json", value.to_string().as_bytes(), pick).map_err(|error| error.to_string())
}

/// That `value` has one account with balance 7, nonce 3, code 60 and slot 1 = 2.
#[track_caller]
fn check(value: &Value, form: PreStateForm) {
    let read = read(value, None).unwrap();
    let slots = [(U256::from(1), U256::from(2))];
    let account = Account {
        nonce: 3,
        balance: U256::from(7),
        code: Bytecode::new(vec![0x60].into()),
        storage: slots.into(),
    };
    assert_eq!((read.accounts, read.form), ([(address(), account)].into(), form));
}

#[track_caller]
fn refuse(value: &Value, pick: Option<Pick>, expected: &str) {
    let error = read(value, pick).unwrap_err();
    assert!(error.starts_with(expected) && !error.contains('\n'), "{error}");
}

#[test]
fn a_pre_state_is_read_in_every_form() {
    let account = json!({"balance": "0x7", "nonce": 3, "code": "0x60", "storage": {"0x1": "0x02"}});
    let alloc = json!({ A: account });
    check(&alloc, PreStateForm::Accounts);
    let bare = json!({ &A[2..]: {"balance": "7", "nonce": "0x03", "code": "60", "storage": {"01": "2"}} });
    check(&bare, PreStateForm::Accounts);
    check(&json!({"config": {"chainId": 1}, "gasLimit": "0x1", "alloc": bare}), PreStateForm::Genesis);
    let answer = json!({"jsonrpc": "2.0", "id": 1, "result": alloc});
    check(&answer, PreStateForm::Accounts);
    check(&json!({"result": alloc}), PreStateForm::Accounts);
    check(&json!([{"txHash": h(B256::ZERO), "result": alloc}]), PreStateForm::Accounts);
    let dump = json!({"block": {"number": "0x1"}, "accounts": alloc, "best_block_number": 1, "blocks": []});
    check(&dump, PreStateForm::Anvil);
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(dump.to_string().as_bytes()).unwrap();
    let packed = Bytes::from(packed.finish().unwrap()).to_string();
    check(&json!(packed), PreStateForm::Anvil);
    check(&json!({"jsonrpc": "2.0", "id": 1, "result": packed}), PreStateForm::Anvil);
    let code = json!({"LegacyAnalyzed": {"bytecode": "0x6000", "original_len": 1, "jump_table": {}}});
    let foundry = json!({
        "meta": {"block_env": {}, "hosts": []},
        "accounts": {A: {"balance": "0x7", "nonce": 3, "code_hash": h(keccak256([0x60])), "code": code}},
        "storage": {A: {"0x1": "0x2"}},
        "block_hashes": {format!("{:#066x}", 5): h(B256::with_last_byte(9))},
    });
    check(&foundry, PreStateForm::Foundry);
    assert_eq!(read(&foundry, None).unwrap().block_hashes, [(5, B256::with_last_byte(9))].into());
    let kept = ChainState {
        chain_id: 1,
        accounts: [
            (address(), read(&alloc, None).unwrap().accounts.remove(&address())),
            (Address::ZERO, None),
        ]
        .into(),
        block_hashes: [(4, B256::ZERO)].into(),
        ..ChainState::default()
    };
    check(&kept.json(), PreStateForm::ChainState);
    assert_eq!(read(&kept.json(), None).unwrap().block_hashes, [(4, B256::ZERO)].into());
}

#[test]
fn what_is_absent_is_zero_and_a_slot_that_is_said_to_be_zero_is_there() {
    let read = read(&json!({A: {"balance": "", "storage": {"0x5": "0x0"}}}), None).unwrap();
    let account = Account { storage: [(U256::from(5), U256::ZERO)].into(), ..Account::default() };
    assert_eq!(read.accounts, [(address(), account)].into());
    assert_eq!(self::read(&json!({}), None).unwrap(), PreState::default());
}

#[test]
fn one_of_many_is_chosen_by_hash_or_place() {
    let of = |nonce| json!({ A: {"nonce": nonce} });
    let hash = B256::with_last_byte;
    let many = json!([{"txHash": h(hash(1)), "result": of(1)}, {"txHash": h(hash(2)), "result": of(2)},
                      {"txHash": h(hash(3)), "error": "execution timeout"}]);
    let nonce = |pick| read(&many, Some(pick)).unwrap().accounts[&address()].nonce;
    assert_eq!([nonce(Pick::Hash(hash(2))), nonce(Pick::Index(0))], [2, 1]);
    let hashes = format!("found those of 3 transactions: {} to {}", hash(1), hash(3));
    refuse(&many, None, &format!("f.json: expected one pre-state, or the hash or index of one, {hashes}"));
    refuse(
        &many,
        Some(Pick::Hash(hash(9))),
        &format!("f.json: expected that of transaction {}, {hashes}", hash(9)),
    );
    refuse(&many, Some(Pick::Index(3)), "f.json: expected that of transaction 3, found");
    refuse(
        &many,
        Some(Pick::Index(2)),
        "f.json: at [2]: expected an answer, found the error of a node: execution timeout",
    );
    assert_eq!("7".parse(), Ok(Pick::Index(7)));
    assert_eq!(hash(2).to_string().parse(), Ok(Pick::Hash(hash(2))));
    assert!("0x7".parse::<Pick>().is_err());
}

#[test]
fn what_is_no_pre_state_is_told_by_its_place() {
    refuse(
        &json!({"pre": {}, "post": {}}),
        None,
        "f.json: expected every account that the transaction touched, found pre and post of diffMode",
    );
    refuse(
        &json!({"gas": 1, "structLogs": []}),
        None,
        "f.json: expected the answer of prestateTracer, found that of another tracer",
    );
    let failed =
        json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "header\nnot found"}});
    refuse(&failed, None, "f.json: expected an answer, found the error of a node: -32000, header not found");
    refuse(
        &json!({"jsonrpc": "2.0", "id": 1, "result": null}),
        None,
        "f.json: at result: expected an answer, found null: the node does not have it",
    );
    refuse(
        &json!({"result": {A: {"nonce": "x"}}}),
        None,
        &format!("f.json: at result.{A}.nonce: expected an integer below 2^64, found \"x\""),
    );
    refuse(&json!({"0x05": {}}), None, "f.json: at 0x05: expected an address as the key");
    refuse(&json!({A: null}), None, &format!("f.json: at {A}: missing field"));
    refuse(
        &json!({A: {}, A.to_uppercase().replace("0X", "0x"): {}}),
        None,
        &format!("f.json: at {A}: given twice: account"),
    );
    let cut = json!({A: {"codeHash": h(keccak256([0x60]))}});
    refuse(&cut, None, &format!("f.json: at {A}: expected code with the hash {}", keccak256([0x60])));
    refuse(
        &json!("0x1f8b08"),
        None,
        "f.json: expected accounts, or hexadecimal of packed ones, found no gzip",
    );
    refuse(
        &json!("0x1f8"),
        None,
        "f.json: expected accounts, or hexadecimal of packed ones, found \"0x1f8\"",
    );
    refuse(&json!(5), None, "f.json: expected accounts, found 5");
    refuse(
        &json!({"parallaxChainState": 2}),
        None,
        "f.json: at parallaxChainState: expected version 1, found 2",
    );
    for (text, expected) in [
        ("{", "f.json: expected JSON, or 0x and hex digits: EOF"),
        ("", "f.json: expected JSON, or 0x and hex digits: EOF"),
        (r#"{"a": 1, "a": 2}"#, "f.json: expected JSON, or 0x and hex digits: \"a\" stands twice"),
    ] {
        let error = PreState::read("f.json", text.as_bytes(), None).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let deep = "[".repeat(100_000);
    assert!(PreState::read("f.json", deep.as_bytes(), None).is_err());
    assert!(PreState::read("f.json", &[b'{', 0xff], None).is_err());
}

/// A blob transaction, signed.
fn signed() -> (Transaction, Vec<u8>) {
    let transaction = Transaction {
        kind: TransactionType::Blob,
        chain_id: Some(1),
        nonce: 2,
        gas_limit: 50_000,
        to: Some(Address::ZERO),
        value: U256::from(3),
        input: vec![1, 2].into(),
        max_fee_per_gas: U256::from(100),
        max_priority_fee_per_gas: U256::from(1),
        blob_hashes: vec![B256::with_last_byte(1)],
        max_fee_per_blob_gas: U256::from(5),
        ..Transaction::default()
    };
    let bytes = sign(&transaction, &[], U256::from(7)).unwrap();
    (transaction, bytes)
}

fn transaction(text: &str) -> Result<ChainTransaction, String> {
    ChainTransaction::read("tx", text.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn a_transaction_is_read_as_json_and_as_bytes() {
    let (plain, bytes) = signed();
    let hash = keccak256(&bytes);
    let of_bytes = transaction(&hex::encode_prefixed(&bytes)).unwrap();
    assert_eq!((of_bytes.hash, of_bytes.from), (hash, None));
    let signed = &of_bytes.signed;
    let answer = json!({
        "blockHash": h(B256::ZERO), "blockNumber": "0x5", "transactionIndex": "0x4", "from": h(Address::ZERO), "hash": h(hash),
        "type": "0x3", "chainId": "0x1", "nonce": "0x2", "gas": "0xc350", "to": h(Address::ZERO), "value": "0x3",
        "input": "0x0102", "maxFeePerGas": "0x64", "maxPriorityFeePerGas": "0x1", "gasPrice": "0x9",
        "blobVersionedHashes": [h(plain.blob_hashes[0])], "maxFeePerBlobGas": "0x5", "accessList": [],
        "v": h(signed.v), "yParity": h(signed.v), "r": h(signed.r), "s": h(signed.s),
    });
    let of_json = transaction(&json!({"jsonrpc": "2.0", "id": 1, "result": answer}).to_string()).unwrap();
    assert_eq!(of_json.signed, *signed);
    assert_eq!((of_json.block_number, of_json.index, of_json.from), (Some(5), Some(4), Some(Address::ZERO)));
    let mut other = answer.clone();
    other["value"] = json!("0x4");
    let error = transaction(&other.to_string()).unwrap_err();
    assert!(
        error.starts_with(&format!("tx: at hash: expected a transaction with the hash {hash}, found fields")),
        "{error}"
    );
    let mut deposit = answer;
    deposit["type"] = json!("0x7e");
    let error = transaction(&deposit.to_string()).unwrap_err();
    assert_eq!(
        error,
        "tx: at type: expected a transaction type from 0 to 4, found 0x7e, a deposit of the OP stack"
    );
    // With its blobs, as it goes over the network; and without 0x.
    let mut payload = bytes[1..].to_vec();
    payload.extend([0xc0, 0xc0, 0xc0]);
    let mut network = vec![3, 0xf8, u8::try_from(payload.len()).unwrap()];
    network.extend(payload);
    assert_eq!(transaction(&hex::encode(network)).unwrap(), of_bytes);
    assert!(transaction("0x03c0").unwrap_err().starts_with("tx: expected a signed transaction, found"));
}

#[test]
fn a_block_is_read_in_every_form_and_its_hash_worked_out() {
    let header = Header { number: 5, timestamp: 9, gas_limit: 30, base_fee: Some(7), ..Header::default() };
    let (_, bytes) = signed();
    let block =
        Block { header: header.clone(), transactions: vec![bytes.clone().into()], ..Block::default() };
    let read = |text: String| ChainBlock::read("b", text.as_bytes()).map_err(|error| error.to_string());
    let of_header = read(hex::encode_prefixed(header.encode())).unwrap();
    assert_eq!(of_header.header, header);
    assert!(matches!(of_header.transactions, InBlock::Unknown));
    let of_block = read(hex::encode_prefixed(block.encode())).unwrap();
    assert_eq!(of_block.header, header);
    assert!(
        matches!(&of_block.transactions, InBlock::Whole(list) if list[0].as_ref().unwrap().hash == keccak256(&bytes))
    );
    let zero = Bytes::from(vec![0; 256]);
    let mut answer = json!({
        "hash": h(header.hash()), "number": "0x5", "timestamp": "0x9", "gasLimit": "0x1e", "baseFeePerGas": "0x7",
        "parentHash": h(B256::ZERO), "sha3Uncles": h(B256::ZERO), "miner": h(Address::ZERO), "stateRoot": h(B256::ZERO),
        "transactionsRoot": h(B256::ZERO), "receiptsRoot": h(B256::ZERO), "logsBloom": h(zero), "difficulty": "0x0",
        "gasUsed": "0x0", "extraData": "0x", "mixHash": h(B256::ZERO), "nonce": "0x0000000000000000",
        "size": "0x220", "totalDifficulty": "0x0", "uncles": [], "transactions": [h(keccak256(&bytes))],
    });
    let of_answer = read(json!({"jsonrpc": "2.0", "id": 1, "result": answer}).to_string()).unwrap();
    assert_eq!(of_answer.header, header);
    of_answer.check_hash().unwrap();
    assert!(matches!(of_answer.transactions, InBlock::Hashes(list) if list == [keccak256(&bytes)]));
    answer.as_object_mut().unwrap().remove("baseFeePerGas");
    answer.as_object_mut().unwrap().remove("mixHash");
    answer["l1BlockNumber"] = json!("0x1");
    let error = read(answer.to_string()).unwrap().check_hash().unwrap_err();
    let end = format!(
        "and it says {}: one is lost, changed, or not the chain's; not said: mixHash; not Ethereum's: l1BlockNumber",
        header.hash()
    );
    assert!(error.starts_with("block 5: its fields have the hash 0x") && error.ends_with(&end), "{error}");
    answer.as_object_mut().unwrap().remove("gasLimit");
    assert_eq!(
        read(answer.to_string()).unwrap_err(),
        "b: at gasLimit: missing field, expected an integer below 2^64"
    );
    assert!(read("0xf8".to_owned()).is_err());
    assert!(read("[]".to_owned()).is_err());
}

#[test]
fn a_receipt_says_what_is_otherwise() {
    let log = Log { address: address(), topics: vec![B256::ZERO], data: vec![1].into() };
    let outcome = TxOutcome { status: FrameStatus::Success, gas_used: 21_000, logs: vec![log], ..outcome() };
    let read = |value: Value| ChainReceipt::read("r", value.to_string().as_bytes()).unwrap();
    let logs = json!([{"address": A, "topics": [h(B256::ZERO)], "data": "0x01", "logIndex": "0x9"}]);
    let same = read(
        json!({"result": {"status": "0x1", "gasUsed": "0x5208", "logs": logs, "contractAddress": null}}),
    );
    assert!(same.differences(&outcome).is_empty());
    let other = read(json!({"status": "0x0", "gasUsed": "0x5209", "logs": []}));
    assert_eq!(
        other.differences(&outcome),
        [
            "status success, the receipt says failure",
            "gas used 21000, the receipt says 21001",
            "logs 1, the receipt says 0"
        ]
    );
    let data = json!([{"address": A, "topics": [h(B256::ZERO)], "data": "0x02"}]);
    assert_eq!(read(json!({"logs": data})).differences(&outcome).len(), 1);
}

fn outcome() -> TxOutcome {
    TxOutcome {
        status: FrameStatus::Success,
        gas_used: 0,
        gas_refunded: 0,
        execution_gas: 0,
        state_gas: 0,
        output: Bytes::new(),
        logs: Vec::new(),
        created: None,
    }
}

/// Found by the target `chain_input` of `fuzz/`: it was taken for an answer here and for none there, without end.
#[test]
fn a_result_beside_what_no_answer_has_is_an_account_of_no_address() {
    let error = read(&json!({ "result": {}, A: { "balance": "0x1" } }), None).unwrap_err();
    assert!(error.contains("result"), "{error}");
    assert_eq!(error.lines().count(), 1);
}
