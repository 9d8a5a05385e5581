//! State roots against values stated elsewhere.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{Address, B256, Bytecode, Bytes, U256, address, b256, hex, keccak256};
use serde_json::Value;

fn account(nonce: u64, balance: u64, code: &[u8], storage: &[(u64, u64)]) -> Account {
    Account {
        nonce,
        balance: U256::from(balance),
        code: Bytecode::new(Bytes::copy_from_slice(code)),
        storage: storage.iter().map(|&(key, value)| (U256::from(key), U256::from(value))).collect(),
    }
}

#[track_caller]
fn check_root(accounts: impl IntoIterator<Item = (Address, Account)>, expected: B256) {
    let world = MemoryDatabase { accounts: accounts.into_iter().collect(), ..MemoryDatabase::default() };
    assert_eq!(world.state_root(), expected);
}

#[test]
fn no_account_is_the_empty_trie() {
    check_root([], b256!("0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"));
}

#[test]
fn one_account_is_one_leaf() {
    // Written out by hand: RLP of (path of an even length that ends in a leaf, RLP of the account).
    let empty_trie = hex!("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
    let empty_code = hex!("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    let body = [&[0xf8, 0x44, 0x07, 0x09, 0xa0][..], &empty_trie, &[0xa0], &empty_code].concat();
    let path = [&[0xa1, 0x20][..], keccak256([0x11; 20]).as_slice()].concat();
    let leaf = [&[0xf8, 0x6a][..], &path, &[0xb8, 0x46], &body].concat();
    check_root([(Address::repeat_byte(0x11), account(7, 9, &[], &[]))], keccak256(leaf));
}

#[test]
fn an_official_post_state() {
    // prague/eip7702_set_code_tx/test_delegate_call_targets, fork_Osaka, call_from_initcode_True, delegate_False,
    // LEGACY_CONTRACT_INVALID (execution-spec-tests v5.4.0).
    let sender = Account { balance: U256::from(0x36_35c9_adc5_dc43_573a_u128), ..account(1, 0, &[], &[]) };
    let with = |storage| {
        [
            (address!("0x8fc97e1e2f3f5756884e4d0257b79ca0f6250e10"), account(1, 0, &[0xfe], &[])),
            (address!("0xe3899ba06f7e94c50c4c1b259ff77eba43a02c53"), sender.clone()),
            (address!("0x3954b4c8826c95c9d54059070e9a8c3a7d3a5e0f"), account(1, 0, &[], storage)),
            (address!("0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba"), account(0, 0xb5_65d5, &[], &[])),
        ]
    };
    let root = b256!("0xa7e45ed6df973c67b722e93a22fa2fff94b901f6a89ff401c434815f4b8ea488");
    check_root(with(&[(1, 0x2015)]), root);
    // A slot that is zero is as if it were not there.
    check_root(with(&[(0, 0), (1, 0x2015)]), root);
}

/// Every post-state of the official tests has the root that its file states.
#[test]
fn every_official_post_state() {
    let shared = std::env::var_os("PARALLAX_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let mut files = Vec::new();
    find_json(&shared.join("eest"), &mut files);
    if files.is_empty() {
        eprintln!("left out every_official_post_state: no official tests in {}", shared.display());
    }
    for file in files {
        let cases: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        for (name, case) in cases.as_object().unwrap() {
            for post in case["post"].as_object().unwrap().values().flat_map(|posts| posts.as_array().unwrap())
            {
                let root: B256 = post["hash"].as_str().unwrap().parse().unwrap();
                let accounts = post["state"].as_object().unwrap().iter().map(official_account).collect();
                let world = MemoryDatabase { accounts, ..MemoryDatabase::default() };
                assert_eq!(world.state_root(), root, "{name}");
            }
        }
    }
}

fn find_json(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            find_json(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}

fn official_account((address, account): (&String, &Value)) -> (Address, Account) {
    let number = |value: &Value| value.as_str().unwrap().parse::<U256>().unwrap();
    let storage: BTreeMap<U256, U256> = account["storage"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, value)| (key.parse().unwrap(), number(value)))
        .collect();
    let account = Account {
        nonce: number(&account["nonce"]).to(),
        balance: number(&account["balance"]),
        code: Bytecode::new(account["code"].as_str().unwrap().parse().unwrap()),
        storage,
    };
    (address.parse().unwrap(), account)
}
