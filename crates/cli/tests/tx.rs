//! `parallax tx`: every fixture as a chain would tell it, and what is said where something is missing or wrong.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

#[path = "support/served.rs"]
mod served;
mod support;

use std::{collections::BTreeMap, fs, path::PathBuf};

use parallax_block_data::{Header, SignedAuthorization, SignedTransaction, sign};
use parallax_campaign::{discover, engines::EngineName, shared_folder};
use parallax_hooks::NoHooks;
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{
    B256, BlockEnv, BlockRules, Eip, Log, Rules, Transaction, TransactionType, U256, keccak256,
};
use parallax_roots::logs_hash;
use parallax_state_tests::{Case, cases_of, run as run_case};
use serde_json::{Map, Value, json};
use served::Served;

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

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        fs::write(self.0.join(name), text).unwrap();
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a command ended with.
struct Ran {
    status: Option<i32>,
    out: String,
    err: String,
}

fn run(arguments: &[&str]) -> Ran {
    let (status, out, err) = support::run(arguments);
    Ran { status, out, err }
}

/// Which of the cases are run: a process each takes its time.
const EVERY: usize = 7;

#[test]
fn help_text() {
    let ran = run(&["tx", "--help"]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!("help", ran.out);
}

#[test]
fn fixtures_come_to_the_same_as_chains_tell_them() {
    let folder = Folder::new("tx-fixtures");
    let mut number = 0;
    let mut seen = [0; 4];
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests");
    let mut files: Vec<_> = fs::read_dir(tests).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for path in files {
        let text = fs::read(&path).unwrap();
        let all: Value = serde_json::from_slice(&text).unwrap();
        for case in cases_of("fixture", text).unwrap().map(Result::unwrap) {
            number += 1;
            if number % EVERY == 0 && case.transaction.is_ok() {
                seen[check(&folder, &case, &all[&*case.name])] += 1;
            }
        }
    }
    // Succeeded, failed, rejected, and those that were not signed.
    assert!(seen[0] > 50 && seen[1] > 10 && seen[2] > 3 && seen[3] < 10, "{seen:?}");
}

/// Runs a case by `statetest`'s way and by `tx`'s.
#[track_caller]
fn check(folder: &Folder, case: &Case, test: &Value) -> usize {
    let Some(signed) = signed(case, test) else { return 3 };
    let expected = run_case(case, &*EngineName::Mini.engine(), &mut NoHooks);
    let files = Files::write(folder, case, &signed);
    let chain_id = case.chain_id.to_string();
    let ran = run(&files.command(&["--fork", case.rules.name(), "--chain-id", &chain_id, "--json"]));
    let told: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}: {}", case.name, ran.err));
    if expected.exception.is_some() {
        assert_eq!((ran.status, &told["status"]), (Some(1), &json!("rejected")), "{}", case.name);
        return 2;
    }
    let what = format!("{} {} {}", case.file, case.name, ran.out);
    assert_eq!(ran.status, Some(0), "{what}");
    assert_eq!(told["gasUsed"], expected.gas_used, "{what}");
    assert_eq!(told["output"], expected.output.to_string(), "{what}");
    assert_eq!(told["stateRoot"], expected.state_root.unwrap().to_string(), "{what}");
    let logs: Vec<Log> = told["logs"].as_array().unwrap().iter().map(log).collect();
    assert_eq!(Some(logs_hash(&logs)), expected.logs_hash, "{what}");
    usize::from(told["status"] != "success")
}

fn log(log: &Value) -> Log {
    Log {
        address: log["address"].as_str().unwrap().parse().unwrap(),
        topics: log["topics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|topic| topic.as_str().unwrap().parse().unwrap())
            .collect(),
        data: log["data"].as_str().unwrap().parse().unwrap(),
    }
}

/// The transaction of a case with its signature; `None` where it is one that nobody can sign.
fn signed(case: &Case, test: &Value) -> Option<SignedTransaction> {
    let transaction = case.transaction.as_ref().unwrap();
    if !transaction.envelope.is_empty() {
        return SignedTransaction::decode(&transaction.envelope).ok();
    }
    let secret = test["transaction"]["secretKey"].as_str()?.parse().ok()?;
    let word = |value: &Value| value.as_str().unwrap().parse::<U256>().unwrap();
    let authorizations: Vec<_> = test["transaction"]["authorizationList"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| SignedAuthorization {
            chain_id: word(&item["chainId"]),
            address: item["address"].as_str().unwrap().parse().unwrap(),
            nonce: word(&item["nonce"]).to(),
            y_parity: word(if item["yParity"].is_null() { &item["v"] } else { &item["yParity"] }),
            r: word(&item["r"]),
            s: word(&item["s"]),
        })
        .collect();
    let is_legacy = transaction.kind == TransactionType::Legacy;
    let may_name_chain = !is_legacy || BlockRules::from(case.rules).replay_protection;
    let chain_id = transaction.chain_id.filter(|_| may_name_chain);
    let transaction = Transaction { chain_id, ..transaction.clone() };
    let bytes = sign(&transaction, &authorizations, secret)?;
    SignedTransaction::decode(&bytes).ok()
}

/// A case as a chain would tell it.
struct Files {
    transaction: String,
    block: String,
    prestate: String,
    hashes: String,
}

impl Files {
    fn write(folder: &Folder, case: &Case, signed: &SignedTransaction) -> Self {
        let envelope = &signed.transaction.envelope;
        let header = header(&case.block, case.rules);
        let answer = json!({"jsonrpc": "2.0", "id": 1, "result": header_json(&header)});
        let numbers = case.block.number.saturating_sub(257)..case.block.number;
        let hashes: Map<_, _> = numbers
            .map(|number| (number.to_string(), keccak256(number.to_string()).to_string().into()))
            .collect();
        let trace = json!([{"txHash": keccak256(envelope).to_string(), "result": prestate(&case.pre)}]);
        Self {
            transaction: folder.file("tx.hex", envelope.to_string()),
            block: folder.file("block.json", answer.to_string()),
            prestate: folder.file("prestate.json", trace.to_string()),
            hashes: folder.file("hashes.json", Value::Object(hashes).to_string()),
        }
    }

    fn command<'f>(&'f self, more: &[&'f str]) -> Vec<&'f str> {
        let mut words = vec![
            "tx",
            &self.transaction,
            "--block",
            &self.block,
            "--prestate",
            &self.prestate,
            "--block-hashes",
            &self.hashes,
        ];
        words.extend(more);
        words
    }
}

fn header(block: &BlockEnv, rules: Rules) -> Header {
    let has = |eip| rules.has(eip);
    let parent = block.number.saturating_sub(1);
    Header {
        parent_hash: keccak256(parent.to_string()),
        coinbase: block.coinbase,
        difficulty: block.difficulty,
        number: block.number,
        gas_limit: block.gas_limit,
        timestamp: block.timestamp,
        prev_randao: block.prevrandao,
        base_fee: has(Eip::DynamicFee1559).then_some(block.base_fee),
        withdrawals_root: has(Eip::PushZero3855).then_some(B256::ZERO),
        blob_gas_used: has(Eip::Blobs4844).then_some(0),
        excess_blob_gas: has(Eip::Blobs4844).then_some(block.excess_blob_gas),
        parent_beacon_root: has(Eip::Blobs4844).then_some(B256::ZERO),
        requests_hash: has(Eip::SlotNumber7843).then_some(B256::ZERO),
        access_list_hash: has(Eip::SlotNumber7843).then_some(B256::ZERO),
        slot_number: has(Eip::SlotNumber7843).then_some(block.slot_number),
        ..Header::default()
    }
}

/// As `eth_getBlockByNumber` answers it.
fn header_json(header: &Header) -> Value {
    let hex = |number: u64| format!("{number:#x}");
    let mut fields = json!({
        "hash": header.hash().to_string(),
        "parentHash": header.parent_hash.to_string(),
        "sha3Uncles": header.ommers_hash.to_string(),
        "miner": header.coinbase.to_string(),
        "stateRoot": header.state_root.to_string(),
        "transactionsRoot": header.transactions_root.to_string(),
        "receiptsRoot": header.receipts_root.to_string(),
        "logsBloom": header.logs_bloom.to_string(),
        "difficulty": format!("{:#x}", header.difficulty),
        "number": hex(header.number),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "timestamp": hex(header.timestamp),
        "extraData": header.extra_data.to_string(),
        "mixHash": header.prev_randao.to_string(),
        "nonce": "0x0000000000000000",
        "transactions": [],
    });
    let word = |hash: Option<B256>| hash.map(|hash| hash.to_string());
    for (key, value) in [
        ("baseFeePerGas", header.base_fee.map(hex)),
        ("withdrawalsRoot", word(header.withdrawals_root)),
        ("blobGasUsed", header.blob_gas_used.map(hex)),
        ("excessBlobGas", header.excess_blob_gas.map(hex)),
        ("parentBeaconBlockRoot", word(header.parent_beacon_root)),
        ("requestsHash", word(header.requests_hash)),
        ("blockAccessListHash", word(header.access_list_hash)),
        ("slotNumber", header.slot_number.map(hex)),
    ] {
        if let Some(value) = value {
            fields[key] = value.into();
        }
    }
    fields
}

/// As `prestateTracer` answers it: nothing that is zero or empty.
fn prestate(world: &MemoryDatabase) -> Value {
    let accounts = world.accounts.iter().map(|(address, account)| {
        let mut fields = Map::new();
        if !account.balance.is_zero() {
            fields.insert("balance".to_owned(), format!("{:#x}", account.balance).into());
        }
        if account.nonce > 0 {
            fields.insert("nonce".to_owned(), account.nonce.into());
        }
        if !account.code.bytes().is_empty() {
            fields.insert("code".to_owned(), account.code.bytes().to_string().into());
            fields.insert("codeHash".to_owned(), account.code.hash().to_string().into());
        }
        if !account.storage.is_empty() {
            let slots: BTreeMap<_, _> = account
                .storage
                .iter()
                .map(|(key, value)| (format!("{key:#066x}"), format!("{value:#066x}")))
                .collect();
            fields.insert("storage".to_owned(), json!(slots));
        }
        (format!("{address:#x}"), Value::Object(fields))
    });
    Value::Object(accounts.collect())
}

/// A case of this name out of the fixtures.
fn case(file: &str, name: &str) -> (Case, Value) {
    let text = fs::read(support::fixture(file)).unwrap();
    let all: Value = serde_json::from_slice(&text).unwrap();
    let mut cases = cases_of("fixture", text).unwrap().map(Result::unwrap);
    let case = cases.find(|case| case.name.contains(name) && case.rules.has(Eip::DynamicFee1559)).unwrap();
    let test = all[&*case.name].clone();
    (case, test)
}

/// That a command ends with `status` and one line of complaint that has `expected`.
#[track_caller]
fn check_wrong(ran: &Ran, status: i32, expected: &str) {
    assert_eq!(ran.status, Some(status), "{}{}", ran.out, ran.err);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert!(ran.err.contains(expected), "{expected:?} is not in {:?}", ran.err);
}

#[test]
fn official_tests_come_to_the_same_as_chains_tell_them() {
    let Some(eest) = shared_folder().map(|folder| folder.join("eest")).filter(|folder| folder.is_dir())
    else {
        println!("left out: no official tests, as there is no ../shared/eest");
        return;
    };
    let folder = Folder::new("tx-official");
    let files = discover(&[eest], &mut std::io::empty()).unwrap();
    let mut seen = [0; 4];
    for path in files.iter().step_by(12) {
        let text = fs::read(path).unwrap();
        let all: Value = serde_json::from_slice(&text).unwrap();
        let case = cases_of("official", text)
            .unwrap()
            .find_map(|case| case.ok().filter(|case| case.transaction.is_ok()));
        if let Some(case) = case {
            seen[check(&folder, &case, &all[&*case.name])] += 1;
        }
    }
    assert!(seen[0] > 50 && seen[2] > 0 && seen[3] < 5, "{seen:?}");
}

#[test]
fn what_is_said_is_held_against_what_is() {
    let folder = Folder::new("tx-said");
    let (case, test) = case("storage.json", "storage/");
    let signed = signed(&case, &test).unwrap();
    let files = Files::write(&folder, &case, &signed);
    let ran = run(&files.command(&["--fork", "London", "--json"]));
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let receipt = json!({"status": "0x1", "gasUsed": told["gasUsed"], "logs": told["logs"]});
    let same = folder.file("receipt.json", receipt.to_string());
    let ran = run(&files.command(&["--fork", "London", "--receipt", &same]));
    assert!(ran.status == Some(0) && ran.out.ends_with("receipt   the same\n"), "{}{}", ran.out, ran.err);
    let other =
        folder.file("other.json", json!({"status": "0x0", "gasUsed": "0x5208", "logs": []}).to_string());
    let ran = run(&files.command(&["--fork", "London", "--receipt", &other]));
    assert_eq!(ran.status, Some(1));
    assert!(
        ran.out.contains("receipt   status success, the receipt says failure\nreceipt   gas used "),
        "{}",
        ran.out
    );
}

#[test]
fn a_transaction_is_traced_compared_and_kept_as_a_test() {
    let folder = Folder::new("tx-other-ways");
    for (file, name) in
        [("storage.json", "storage/"), ("delegations.json", "delegations/authority_that_exists")]
    {
        check_other_ways(&folder, file, name);
    }
}

#[track_caller]
fn check_other_ways(folder: &Folder, file: &str, name: &str) {
    let (case, test) = case(file, name);
    let signed = signed(&case, &test).unwrap();
    let files = Files::write(folder, &case, &signed);
    let fork = ["--fork", case.rules.name()];
    let plain = run(&files.command(&fork));
    let ran = run(&files.command(&[&fork[..], &["--diff", "revm"]].concat()));
    assert_eq!((ran.status, &ran.out), (Some(0), &plain.out), "{}", ran.err);
    assert!(ran.err.contains("primary and revm agree: "), "{}", ran.err);
    let ran = run(&files.command(&[&fork[..], &["--diff=mini+gas-more@SSTORE", "--json"]].concat()));
    let told: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}{}", ran.out, ran.err));
    assert_eq!((ran.status, &told["verdict"]), (Some(1), &json!("diverge")));
    let lines = folder.path("trace.jsonl");
    let trace = ["--trace", "eip3155", "--trace-out", &lines];
    let ran = run(&files.command(&[&fork[..], &trace].concat()));
    assert_eq!((ran.status, &ran.out), (Some(0), &plain.out), "{}", ran.err);
    assert!(fs::read_to_string(&lines).unwrap().contains("\"opName\":\"SSTORE\""));
    let kept = folder.path("test.json");
    let ran = run(&files.command(&[&fork[..], &["--save-test", &kept]].concat()));
    assert_eq!((ran.status, &ran.out), (Some(0), &plain.out), "{}", ran.err);
    let ran = run(&["statetest", &kept, "--engine", "mini", "--json"]);
    let told: Value = serde_json::from_str(ran.out.lines().next().unwrap()).unwrap();
    assert_eq!((ran.status, &told["pass"]), (Some(0), &json!(true)), "{}{}", ran.out, ran.err);
    let gas_used: U256 = told["gasUsed"].as_str().unwrap().parse().unwrap();
    assert!(plain.out.contains(&format!("gas used  {gas_used}\n")), "{}", plain.out);
}

/// The page that is opened has this transaction, with nothing to be typed.
#[test]
fn a_transaction_is_shown_on_two_engines() {
    let folder = Folder::new("tx-served");
    let (case, test) = case("storage.json", "storage/");
    let signed = signed(&case, &test).unwrap();
    let files = Files::write(&folder, &case, &signed);
    let fork = ["--fork", case.rules.name()];
    let hash = keccak256(&signed.transaction.envelope).to_string();
    let title = format!("transaction {}…{}", &hash[..10], &hash[58..]);
    let plain = run(&files.command(&[&fork[..], &["--json"]].concat()));
    let plain: Value = serde_json::from_str(&plain.out).unwrap();
    for (more, engines, verdict) in [
        (&[][..], ["primary", "mini"], "agree"),
        (&["--engine", "mini"], ["mini", "primary"], "agree"),
        (&["--diff", "revm"], ["primary", "revm"], "agree"),
        (&["--diff=mini+gas-more@SSTORE"], ["primary", "mini+gas-more@SSTORE"], "diverge"),
    ] {
        let served = Served::start(&files.command(&[&fork[..], more].concat()));
        let session = served.ended();
        assert_eq!((&session["status"], &session["verdict"]["kind"]), (&json!("done"), &json!(verdict)));
        assert_eq!(session["engines"], json!(engines));
        assert_eq!(
            (&session["source"]["kind"], &session["source"]["title"]),
            (&json!("transaction"), &json!(title))
        );
        assert_eq!(session["outcomes"][0]["gasUsed"], plain["gasUsed"], "{session}");
        // The page is told the state before it, too.
        let state = served.ask("/steps/0/state");
        assert!(state["primary"].is_object(), "{state}");
    }
    let wrong = [
        (&["--json"][..], "the argument '--serve' cannot be used with '--json'"),
        (&["--receipt", "r.json"], "the argument '--serve' cannot be used with '--receipt <FILE>'"),
        (&["--diff", "evmc:nosuch.so"], "nosuch.so"),
    ];
    for (more, told) in wrong {
        let ran = run(&files.command(&[&fork[..], &["--serve", "--port", "0"], more].concat()));
        assert!(ran.status == Some(2) && ran.err.contains(told) && ran.out.is_empty(), "{}", ran.err);
    }
}

#[test]
fn what_is_missing_or_wrong_is_one_line() {
    let folder = Folder::new("tx-wrong");
    let (case, test) = case("storage.json", "storage/");
    let signed = signed(&case, &test).unwrap();
    let files = Files::write(&folder, &case, &signed);
    let fork = ["--fork", case.rules.name()];
    let tx = &files.transaction;
    let over = run(&files.command(&["--save-test", &files.prestate]));
    check_wrong(&over, 2, "prestate.json: the test would be written over what is read");
    check_wrong(&run(&["tx", tx]), 2, "expected --block FILE, the block that it is in");
    check_wrong(
        &run(&["tx", tx, "--block", &files.block, "--fork", "Osaka"]),
        2,
        "expected --prestate FILE, the accounts before it",
    );
    check_wrong(
        &run(&["tx", "nosuch", "--block", &files.block]),
        2,
        "nosuch: no file of this name, and neither a hash nor",
    );
    let hash = format!("0x{:064x}", 7);
    check_wrong(
        &run(&["tx", &hash, "--block", &files.block]),
        2,
        &format!("it has no transaction with the hash {hash}"),
    );
    let chain = run(&files.command(&["--chain-id", "5"]));
    check_wrong(&chain, 2, "chain 5: which fork its block has is known of mainnet alone, expected --fork");
    let mut block = header_json(&header(&case.block, case.rules));
    block["gasLimit"] = json!("0x7");
    let changed = folder.file("changed.json", block.to_string());
    let with = |block: &str, more: &[&str]| {
        run(&[&["tx", tx, "--block", block, "--prestate", &files.prestate], &fork[..], more].concat())
    };
    check_wrong(&with(&changed, &[]), 2, "changed.json: block 300: its fields have the hash 0x");
    let ran = with(&changed, &["--no-hash-check", "--json"]);
    assert!(ran.status == Some(1) && ran.out.contains(r#""status":"rejected""#), "{}{}", ran.out, ran.err);
    let said = |key: &str, value: Value| {
        let SignedTransaction { transaction, v, r, s, .. } = &signed;
        let mut fields = json!({
            "nonce": transaction.nonce, "gasPrice": transaction.max_fee_per_gas.to_string(), "gas": transaction.gas_limit,
            "to": transaction.to.unwrap().to_string(), "value": transaction.value.to_string(),
            "input": transaction.input.to_string(), "v": v.to_string(), "r": r.to_string(), "s": s.to_string(),
        });
        fields[key] = value;
        let file = folder.file("said.json", fields.to_string());
        run(&[&["tx", &file, "--block", &files.block, "--prestate", &files.prestate], &fork[..]].concat())
    };
    assert_eq!(said("chainId", json!(1)).status, Some(0));
    check_wrong(
        &said("from", json!(format!("0x{:040x}", 9))),
        2,
        "it is said to be from 0x0000000000000000000000000000000000000009, and its signature is that of",
    );
    check_wrong(&said("blockNumber", json!("0x1")), 2, "block 300, and the transaction is in block 1");
    check_wrong(&said("blockHash", json!(B256::ZERO.to_string())), 2, "the transaction is in 0x0000");
    check_wrong(
        &said("hash", json!(B256::ZERO.to_string())),
        2,
        "said.json: at hash: expected a transaction with the hash 0x0000",
    );
    check_wrong(&said("s", json!("0x0")), 2, "it has no sender by the rules of Osaka: invalid signature");
}

#[test]
fn a_hash_of_a_block_that_is_not_known_is_asked_for() {
    let folder = Folder::new("tx-blockhash");
    // Stores the hash of the third block before it.
    let code = "0x6003430340600055";
    let sender = parallax_block_data::signature::address_of(U256::from(7)).unwrap();
    let to = parallax_primitives::Address::with_last_byte(0xc0);
    let transaction = Transaction { to: Some(to), gas_limit: 100_000, ..Transaction::default() };
    let envelope = sign(&transaction, &[], U256::from(7)).unwrap();
    let tx = folder.file("tx.hex", parallax_primitives::hex::encode(envelope));
    let block = json!({"number": "0x2710", "timestamp": "0x9", "gasLimit": "0x1c9c380"});
    let block = folder.file("block.json", block.to_string());
    let pre = json!({ sender.to_string(): {}, to.to_string(): {"code": code, "storage": {"0x0": "0x0"}}, format!("0x{:040x}", 0): {} });
    let pre = folder.file("pre.json", pre.to_string());
    let files = ["tx", &tx, "--block", &block, "--prestate", &pre];
    for more in [&[][..], &["--diff"]] {
        let ran = run(&[&files[..], more].concat());
        check_wrong(
            &ran,
            2,
            "BLOCKHASH asks for the hash of block 9997, which is not known: expected --block-hashes FILE",
        );
    }
    let hashes = folder.file("hashes.json", json!({"9997": B256::with_last_byte(5).to_string()}).to_string());
    let ran = run(&[&files[..], &["--block-hashes", &hashes]].concat());
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    assert!(ran.out.contains("slot    0x0 = 0x5\n") && ran.out.contains("fork Frontier\n"), "{}", ran.out);
    let save = ["--block-hashes", &hashes, "--save-test", "unwritten.json"];
    assert!(
        run(&[&files[..], &save].concat()).err.contains("--save-test: it asks for the hash of block 9997")
    );
}
