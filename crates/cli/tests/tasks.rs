//! The page of ten tasks, run as it stands: `docs/tasks.md`.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

#[path = "support/page.rs"]
mod page;
mod support;

use std::{fs, path::Path};

use parallax_block_data::sign;
use parallax_primitives::{Transaction, TransactionType, U256, address, hex};
use serde_json::{Value, json};
use support::fixture;
use tempfile::TempDir;

/// The files that the page speaks of.
fn prepare(folder: &TempDir) {
    let write = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).unwrap();
    write("contract.hex", b"6001600055");
    write("loop.hex", b"60105b6001900380600257");
    let mut test: Value = serde_json::from_slice(&fs::read(fixture("arithmetic.json")).unwrap()).unwrap();
    test["arithmetic/add"]["post"]["Osaka"][0]["hash"] = format!("0x{}", "77".repeat(32)).into();
    write("failing.json", test.to_string().as_bytes());
    let archive = fs::File::create(folder.path().join("fixtures_stable.tar.gz")).unwrap();
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(archive, flate2::Compression::fast()));
    for (name, path) in
        [("state_tests", "arithmetic.json"), ("blockchain_tests", "../block-tests/blocks.json")]
    {
        archive.append_path_with_name(fixture(path), format!("fixtures/{name}/{name}.json")).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap();
    transaction(&write);
}

/// A transaction as a node tells it, its block, and what `prestateTracer` answers.
fn transaction(write: &impl Fn(&str, &[u8])) {
    let contract = address!("00000000000000000000000000000000000000cc");
    let transaction = Transaction {
        kind: TransactionType::Legacy,
        to: Some(contract),
        gas_limit: 100_000,
        max_fee_per_gas: U256::from(10),
        max_priority_fee_per_gas: U256::from(10),
        chain_id: Some(1),
        ..Transaction::default()
    };
    // The key of this account, which official tests use.
    let sender = address!("a94f5374fce5edbc8e2a8697c15331677e6ebf0b");
    let secret = "0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8".parse().unwrap();
    let signed = sign(&transaction, &[], secret).unwrap();
    write("tx.json", hex::encode_prefixed(signed).as_bytes());
    let zero = format!("0x{}", "00".repeat(32));
    let block = json!({
        "parentHash": zero, "sha3Uncles": zero, "miner": contract.to_string(), "stateRoot": zero, "transactionsRoot": zero,
        "receiptsRoot": zero, "logsBloom": format!("0x{}", "00".repeat(256)), "difficulty": "0x0", "number": "0x1",
        "gasLimit": "0x1c9c380", "gasUsed": "0x0", "timestamp": "0x1", "extraData": "0x", "mixHash": zero,
        "nonce": "0x0000000000000000", "baseFeePerGas": "0x7", "withdrawalsRoot": zero, "blobGasUsed": "0x0",
        "excessBlobGas": "0x0", "parentBeaconBlockRoot": zero, "requestsHash": zero,
    });
    write("block.json", block.to_string().as_bytes());
    let state = json!({ sender.to_string(): { "balance": "0xffffffff" }, contract.to_string(): { "code": "0x600160005500" } });
    write("prestate.json", json!({ "jsonrpc": "2.0", "id": 1, "result": state }).to_string().as_bytes());
}

#[test]
fn every_command_of_the_page_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    prepare(&folder);
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tasks.md")).unwrap();
    let commands = page::commands(&page);
    assert_eq!(commands.len(), 11, "nine tasks, two of them with two commands");
    for (command, lines) in commands {
        let (status, printed) = page::shell(&command, folder.path());
        let differs = lines.iter().any(|line| line.starts_with("DIVERGE") || line.starts_with("FAIL"));
        let expected = if command.contains("failing.json") || differs { 1 } else { 0 };
        assert_eq!(status, Some(expected), "{command}: {printed}");
        for line in lines {
            assert!(printed.contains(&line), "{command}: no line {line}: {printed}");
        }
    }
}
