//! `parallax tx` and a node: one that stands in here, on this machine, and answers right, late, wrongly or not at all.

#![cfg(feature = "rpc")]
#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

#[path = "support/served.rs"]
mod served;
mod stand_in;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use parallax_block_data::{Block, Header, NO_OMMERS_HASH, SignedTransaction, sign, signature};
use parallax_campaign::engines::EngineName;
use parallax_engine_interface::{Engine, Job};
use parallax_hooks::NoHooks;
use parallax_memory_database::{Account, BlockHashes, MemoryDatabase};
use parallax_primitives::{
    Address, B256, BlockEnv, BlockRules, Bytecode, Bytes, Transaction, U256, hex, keccak256,
};
use serde_json::{Value, json};
use served::Served;
use stand_in::{Reply, StandIn};

/// Counts in slot 0, and writes down the hash of the third block before: what two transactions in a row see is not the same.
const CODE: [u8; 19] = hex!("5f546001015f556003430340600155605f5fa0");
const CONTRACT: Address = Address::with_last_byte(0xc0);
const NUMBER: u64 = 22_500_000;

/// A chain of one block with two transactions, and the state before it.
struct Chain {
    world: MemoryDatabase,
    block: Block,
    hashes: [B256; 2],
    receipt: Value,
}

impl Chain {
    fn new() -> Self {
        let mut world = MemoryDatabase::default();
        let signed = [7, 8].map(|secret| {
            let secret = U256::from(secret);
            let sender = signature::address_of(secret).unwrap();
            let rich = Account { balance: U256::from(1_u64 << 60), ..Account::default() };
            world.accounts.insert(sender, rich);
            let to = Some(CONTRACT);
            let fee = U256::from(1_000_000_000);
            let transaction = Transaction {
                to,
                chain_id: Some(1),
                gas_limit: 100_000,
                max_fee_per_gas: fee,
                ..Transaction::default()
            };
            let bytes = Bytes::from(sign(&transaction, &[], secret).unwrap());
            SignedTransaction::decode(&bytes).unwrap()
        });
        let code = Bytecode::new(Bytes::from_static(&CODE));
        let contract =
            Account { nonce: 1, code, storage: [(U256::ZERO, U256::from(5))].into(), ..Account::default() };
        world.accounts.insert(CONTRACT, contract);
        // The roots of the beacon chain: whatever is called is written down.
        let code = Bytecode::new(Bytes::from_static(&hex!("5f355f5500")));
        world
            .accounts
            .insert(BlockRules::BEACON_ROOTS_ADDRESS, Account { nonce: 1, code, ..Account::default() });
        let older = NUMBER - 257..NUMBER;
        world.block_hashes =
            BlockHashes::Known(older.map(|number| (number, older_header(number).hash())).collect());
        let transactions = signed.each_ref().map(|signed| signed.transaction.envelope.clone()).to_vec();
        let mut block = Block { transactions, ..Block::default() };
        block.header = Header {
            parent_hash: older_header(NUMBER - 1).hash(),
            ommers_hash: NO_OMMERS_HASH,
            transactions_root: block.transactions_root(),
            number: NUMBER,
            timestamp: 1_750_000_000,
            gas_limit: 30_000_000,
            base_fee: Some(7),
            withdrawals_root: Some(B256::ZERO),
            blob_gas_used: Some(0),
            excess_blob_gas: Some(0),
            parent_beacon_root: Some(B256::with_last_byte(0xbe)),
            requests_hash: Some(B256::ZERO),
            ..Header::default()
        };
        let receipt = receipt(&world, &block, &signed);
        let hashes = signed.each_ref().map(|signed| keccak256(&signed.transaction.envelope));
        Self { world, block, hashes, receipt }
    }

    /// What a node answers.
    fn answer(&self, method: &str, parameters: &Value) -> Value {
        let text = |index: usize| parameters[index].as_str().unwrap();
        let account = || {
            assert_eq!(parameters.as_array().unwrap().last().unwrap(), &json!(format!("{:#x}", NUMBER - 1)));
            self.world.accounts.get(&text(0).parse::<Address>().unwrap()).cloned().unwrap_or_default()
        };
        match method {
            "eth_chainId" => json!("0x1"),
            "eth_getBlockByHash" => self.block_json(),
            "eth_getTransactionByHash" => {
                let index = self.hashes.iter().position(|hash| hash.to_string() == text(0));
                index.map_or(Value::Null, |index| self.transaction_json(index))
            }
            "eth_getTransactionReceipt" => self.receipt.clone(),
            "eth_getBalance" => json!(format!("{:#x}", account().balance)),
            "eth_getTransactionCount" => json!(format!("{:#x}", account().nonce)),
            "eth_getCode" => json!(account().code.bytes().to_string()),
            "eth_getStorageAt" => {
                let value = account().storage.get(&text(1).parse().unwrap()).copied().unwrap_or_default();
                json!(format!("{value:#066x}"))
            }
            "eth_getBlockByNumber" => header_json(&older_header(text(0).parse::<U256>().unwrap().to())),
            other => panic!("{other} is not asked"),
        }
    }

    fn transaction_json(&self, index: usize) -> Value {
        let SignedTransaction { transaction, v, r, s, .. } =
            SignedTransaction::decode(&self.block.transactions[index]).unwrap();
        json!({
            "hash": self.hashes[index].to_string(),
            "blockHash": self.block.header.hash().to_string(),
            "blockNumber": format!("{NUMBER:#x}"),
            "transactionIndex": format!("{index:#x}"),
            "type": "0x0", "chainId": "0x1", "nonce": "0x0", "gas": "0x186a0", "value": "0x0", "input": "0x",
            "gasPrice": format!("{:#x}", transaction.max_fee_per_gas),
            "to": CONTRACT.to_string(),
            "v": format!("{v:#x}"), "r": format!("{r:#x}"), "s": format!("{s:#x}"),
        })
    }

    fn block_json(&self) -> Value {
        let mut block = header_json(&self.block.header);
        block["transactions"] = json!([self.transaction_json(0), self.transaction_json(1)]);
        block
    }
}

/// What the second transaction comes to, by `mini` on a state that is whole.
fn receipt(world: &MemoryDatabase, block: &Block, signed: &[SignedTransaction; 2]) -> Value {
    let rules = BlockRules::mainnet(block.header.number, block.header.timestamp).rules;
    let env = BlockEnv {
        number: block.header.number,
        timestamp: block.header.timestamp,
        base_fee: 7,
        blobs: rules.blobs(),
        ..BlockEnv::default()
    };
    let mut world = world.clone();
    let mut last = None;
    for (signed, secret) in signed.iter().zip([7, 8]) {
        let sender = signature::address_of(U256::from(secret)).unwrap();
        let transaction = Transaction { sender, ..signed.transaction.clone() };
        let before = world.clone();
        let job = Job { rules, chain_id: 1, block: &env, subject: (&transaction).into(), database: &before };
        let execution = EngineName::Mini.engine().execute(&job, &mut NoHooks).unwrap();
        world.apply(&execution.changes);
        last = execution.outcome;
    }
    let outcome = last.unwrap();
    assert_eq!(world.accounts[&CONTRACT].storage[&U256::ZERO], U256::from(7));
    assert_eq!(outcome.logs.len(), 1);
    let log =
        json!({"address": CONTRACT.to_string(), "topics": [], "data": outcome.logs[0].data.to_string()});
    json!({"status": "0x1", "gasUsed": format!("{:#x}", outcome.gas_used), "logs": [log]})
}

fn older_header(number: u64) -> Header {
    Header { number, gas_limit: 30_000_000, timestamp: 1_749_000_000, ..Header::default() }
}

fn header_json(header: &Header) -> Value {
    let mut fields = json!({
        "hash": header.hash().to_string(),
        "parentHash": header.parent_hash.to_string(),
        "sha3Uncles": header.ommers_hash.to_string(),
        "miner": header.coinbase.to_string(),
        "stateRoot": header.state_root.to_string(),
        "transactionsRoot": header.transactions_root.to_string(),
        "receiptsRoot": header.receipts_root.to_string(),
        "logsBloom": header.logs_bloom.to_string(),
        "difficulty": "0x0", "gasUsed": "0x0", "extraData": "0x", "nonce": "0x0000000000000000",
        "number": format!("{:#x}", header.number),
        "gasLimit": format!("{:#x}", header.gas_limit),
        "timestamp": format!("{:#x}", header.timestamp),
        "mixHash": header.prev_randao.to_string(),
        "transactions": [],
    });
    if header.base_fee.is_some() {
        fields["baseFeePerGas"] = json!("0x7");
        fields["blobGasUsed"] = json!("0x0");
        fields["excessBlobGas"] = json!("0x0");
        fields["withdrawalsRoot"] = json!(B256::ZERO.to_string());
        fields["requestsHash"] = json!(B256::ZERO.to_string());
        fields["parentBeaconBlockRoot"] = json!(header.parent_beacon_root.unwrap().to_string());
    }
    fields
}

/// A folder of one test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("parallax-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Exit status, standard output and standard error of `parallax tx`.
fn tx(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
    // A proxy of this machine is none of the stand-in's.
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(name);
    }
    let output = command.arg("tx").args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn earlier_transactions_are_run_first_and_a_cache_makes_it_again() {
    let (chain, folder) = (Chain::new(), Folder::new("tx-node"));
    let chain_hashes = chain.hashes;
    let hash = chain_hashes[1].to_string();
    let node = StandIn::new(move |method, parameters| Reply::Result(chain.answer(method, parameters)));
    let cache = folder.path("cache.json");
    let url = format!("{}/v3/secret-key", node.url().replace("//", "//user:password@"));
    let (status, out, err) = tx(&[&hash, "--rpc", &url, "--cache", &cache]);
    assert_eq!((status, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("fork Prague\n") && out.contains("  slot    0x0 = 0x7\n"), "{out}");
    assert!(out.ends_with("receipt   the same\n"), "{out}");
    let asked = node.asked();
    // Without the node, and with other engines; what was kept is all that is needed.
    drop(node);
    for more in [&[][..], &["--engine", "mini"], &["--engine", "revm"], &["--diff"]] {
        let (status, again, err) = tx(&[&[&hash, "--cache", &cache], more].concat());
        assert_eq!((status, &again), (Some(0), &out), "{err}");
    }
    let kept = fs::read_to_string(&cache).unwrap();
    for secret in ["secret-key", "password", "user"] {
        assert!(!kept.contains(secret), "{secret}");
    }
    // Each thing once.
    let mut once = asked.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), asked.len(), "{asked:?}");
    // The page has what the node said, behind the earlier transactions and with the hashes of blocks that are asked for.
    let served = Served::start(&["tx", &hash, "--cache", &cache]);
    let session = served.ended();
    assert_eq!(
        (&session["verdict"]["kind"], &session["source"]["fork"]),
        (&json!("agree"), &json!("Prague"))
    );
    assert!(
        session["outcomes"][0]["status"] == "success" && session["totalSteps"].as_u64() > Some(0),
        "{session}"
    );
    let after = format!("/steps/{}/state?when=after", session["totalSteps"].as_u64().unwrap() - 1);
    assert!(served.ask(&after).to_string().contains("\"0x7\""));
    // The first one of the block writes down the hash; its receipt was not asked for.
    let first = chain_hashes[0].to_string();
    let third = U256::from_be_bytes(older_header(NUMBER - 3).hash().0);
    let (status, out, err) = tx(&[&first, "--cache", &cache]);
    assert!(status == Some(0) && out.contains(&format!("  slot    0x1 = {third:#x}\n")), "{out}{err}");
    assert!(err.contains("not held against a receipt: the receipt of 0x"), "{err}");
    // Without the earlier transaction it is wrong, and that is told.
    let (status, out, err) = tx(&[&hash, "--cache", &cache, "--quick", "--json"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (status, &told["changes"][&format!("{CONTRACT:#x}")]["storage"]["0x0"]),
        (Some(0), &json!("0x6"))
    );
    assert!(err.contains("--quick: 1 earlier transactions of the block were left out"), "{err}");
    let (status, _, err) = tx(&[&B256::ZERO.to_string(), "--cache", &cache]);
    assert!(
        status == Some(2) && err.contains("it is of block 22500000 of chain 1, which does not have"),
        "{err}"
    );
}

/// That a node which answers `reply` to `method`, and all else as it is, makes one line with `expected`.
#[track_caller]
fn check(method: &'static str, reply: Reply, expected: &str) {
    let chain = Chain::new();
    let hash = chain.hashes[1].to_string();
    let timeout = if matches!(reply, Reply::Silence) { "0.3" } else { "60" };
    let node = StandIn::new(move |asked, parameters| {
        if asked == method { reply.clone() } else { Reply::Result(chain.answer(asked, parameters)) }
    });
    let url = format!("{}/secret", node.url());
    let arguments = [&hash, "--rpc", &url, "--rpc-retries", "0", "--rpc-timeout"];
    let (status, out, err) = tx(&[&arguments[..], &[timeout]].concat());
    assert_eq!((status, err.lines().count()), (Some(2), 1), "{out}{err}");
    assert!(err.contains(expected) && !err.contains("secret"), "{expected:?} is not in {err:?}");
}

#[test]
fn a_node_that_fails_is_one_line() {
    let method = "eth_getBalance";
    let raw = |text: &str| Reply::Raw(text.to_owned());
    check(
        method,
        Reply::Error("missing trie node".to_owned()),
        "eth_getBalance: the node answers: missing trie node",
    );
    check(method, raw("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n"), "eth_getBalance: HTTP status 500");
    check(method, raw("HTTP/1.1 401 No\r\ncontent-length: 2\r\n\r\nno"), "eth_getBalance: HTTP status 401");
    check(
        method,
        raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n<p/>"),
        "eth_getBalance: the answer is no JSON",
    );
    check(
        method,
        raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"),
        "eth_getBalance: the answer has neither a result nor an error",
    );
    check(method, raw("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"result\""), "eth_getBalance: ");
    check(method, raw("what is this"), "eth_getBalance: ");
    check(method, raw(""), "eth_getBalance: ");
    check("eth_chainId", Reply::Silence, "eth_chainId: no answer within 0.3 seconds");
}

#[test]
fn a_node_that_lies_is_one_line() {
    let chain = Chain::new();
    let result = Reply::Result;
    check(
        "eth_getBalance",
        result(json!("0xzz")),
        "eth_getBalance: expected an integer below 2^256, found \"0xzz\"",
    );
    check(
        "eth_getTransactionCount",
        result(json!([])),
        "eth_getTransactionCount: expected an integer below 2^64, found a list of 0",
    );
    check("eth_getCode", result(Value::Null), "eth_getCode: missing field, expected bytes");
    check("eth_getStorageAt", result(json!("7x")), "eth_getStorageAt: expected an integer");
    check("eth_chainId", result(json!("one")), "eth_chainId: expected an integer below 2^64, found \"one\"");
    check(
        "eth_getTransactionByHash",
        result(Value::Null),
        "eth_getTransactionByHash: the node does not have 0x",
    );
    let pending = json!({"blockHash": null});
    check("eth_getTransactionByHash", result(pending), "is in no block yet");
    let mut block = chain.block_json();
    block["gasLimit"] = json!("0x1c9c381");
    check(
        "eth_getBlockByHash",
        result(block),
        "eth_getBlockByHash: block 22500000: its fields have the hash 0x",
    );
    let other = header_json(&older_header(4));
    check("eth_getBlockByHash", result(other.clone()), "eth_getBlockByHash: the answer is another block");
    let mut block = chain.block_json();
    block["transactions"] = json!([chain.transaction_json(1)]);
    check("eth_getBlockByHash", result(block), "eth_getBlockByHash: the root of its transactions is 0x");
    let mut block = chain.block_json();
    block["transactions"][1]["value"] = json!("0x1");
    check("eth_getBlockByHash", result(block), "transactions[1].hash: expected a transaction with the hash");
    let mut block = chain.block_json();
    block["transactions"] = json!(chain.hashes.map(|hash| hash.to_string()));
    check("eth_getBlockByHash", result(block), "the block has no whole transactions");
    check(
        "eth_getBlockByNumber",
        result(other),
        "eth_getBlockByNumber: the answer is block 4, and 22499997 was asked for",
    );
    let mut wrong = header_json(&older_header(NUMBER - 3));
    wrong["stateRoot"] = json!(keccak256("x").to_string());
    check(
        "eth_getBlockByNumber",
        result(wrong),
        "eth_getBlockByNumber: block 22499997: its fields have the hash 0x",
    );
}

#[test]
fn a_receipt_that_says_otherwise_is_a_difference_and_none_is_told() {
    let chain = Chain::new();
    let hash = chain.hashes[1].to_string();
    let node = StandIn::new(move |method, parameters| match method {
        "eth_getTransactionReceipt" => {
            Reply::Result(json!({"status": "0x0", "gasUsed": "0x5208", "logs": []}))
        }
        _ => Reply::Result(chain.answer(method, parameters)),
    });
    let (status, out, err) = tx(&[&hash, "--rpc", &node.url()]);
    assert_eq!((status, err.as_str()), (Some(1), ""));
    assert!(out.contains("receipt   status success, the receipt says failure\n"), "{out}");
    let chain = Chain::new();
    let node = StandIn::new(move |method, parameters| match method {
        "eth_getTransactionReceipt" => Reply::Error("pruned".to_owned()),
        _ => Reply::Result(chain.answer(method, parameters)),
    });
    let (status, _, err) = tx(&[&hash, "--rpc", &node.url()]);
    assert_eq!(status, Some(0));
    assert!(err.contains("not held against a receipt: ") && err.contains("pruned"), "{err}");
}

#[test]
fn what_was_asked_is_kept_after_a_failure_and_another_chain_is_refused() {
    let (chain, folder) = (Chain::new(), Folder::new("tx-kept"));
    let hash = chain.hashes[1].to_string();
    let cache = folder.path("cache.json");
    let failing = StandIn::new(move |method, parameters| match method {
        "eth_getBlockByNumber" => Reply::Error("no such block".to_owned()),
        _ => Reply::Result(chain.answer(method, parameters)),
    });
    let arguments = [&hash, "--cache", &cache, "--rpc"];
    let (status, _, err) = tx(&[&arguments[..], &[&failing.url()]].concat());
    assert!(status == Some(2) && err.contains("no such block"), "{err}");
    let mut before = failing.asked();
    // It is asked on at what failed.
    assert!(before.pop().unwrap().starts_with("eth_getBlockByNumber"));
    assert!(before.iter().any(|asked| asked.starts_with("eth_getCode")), "{before:?}");
    drop(failing);
    let (status, _, err) = tx(&arguments[..3]);
    assert!(
        status == Some(2)
            && err.contains("the hash of block 22499997 was not kept, and there is no node to ask"),
        "{err}"
    );
    // What is missing is asked for, and nothing else.
    let chain = Chain::new();
    let node = StandIn::new(move |method, parameters| Reply::Result(chain.answer(method, parameters)));
    let (status, out, err) = tx(&[&arguments[..], &[&node.url()]].concat());
    assert_eq!((status, err.as_str()), (Some(0), ""), "{out}");
    let again = node.asked();
    let twice: Vec<_> =
        again.iter().filter(|asked| before.contains(asked) && !asked.starts_with("eth_chainId")).collect();
    assert_eq!(twice, Vec::<&String>::new());
    let other = StandIn::new(|_, _| Reply::Result(json!("0x5")));
    let (status, _, err) = tx(&[&arguments[..], &[&other.url()]].concat());
    assert!(
        status == Some(2)
            && err.contains("it is of chain 1, and 127.0.0.1:")
            && err.contains("is of chain 5"),
        "{err}"
    );
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
}

#[test]
fn a_question_is_asked_again_and_that_is_told() {
    let chain = Chain::new();
    let hash = chain.hashes[0].to_string();
    let mut is_first = true;
    let node = StandIn::new(move |method, parameters| {
        if std::mem::take(&mut is_first) {
            return Reply::Raw("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n".to_owned());
        }
        match method {
            "eth_getTransactionReceipt" => Reply::Result(
                json!({"status": "0x1", "logs": [{"address": CONTRACT.to_string(), "topics": [], "data": format!("0x{:0190}", 0)}]}),
            ),
            _ => Reply::Result(chain.answer(method, parameters)),
        }
    });
    let (status, out, err) = tx(&[&hash, "--rpc", &node.url()]);
    assert_eq!((status, err.lines().count()), (Some(0), 1), "{out}{err}");
    assert!(err.contains("eth_chainId: HTTP status 503 Service Unavailable; asking again"), "{err}");
    assert!(out.contains("  slot    0x0 = 0x6\n"), "{out}");
    let (status, _, err) = tx(&[&hash, "--rpc", "ftp://secret@host/key"]);
    assert!(
        status == Some(2) && err.contains("expected the URL of a node") && !err.contains("secret"),
        "{err}"
    );
}
