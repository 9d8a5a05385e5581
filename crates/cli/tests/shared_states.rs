//! Block tests that name a state which many share: in a folder and in an archive, in workers and in this process.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use support::run;
use tar::{Builder, Header};

mod support;

/// The hash of the first block of [`state`], by the executable specification's `Header` of Prague.
const HASH: &str = "0xbcb35e461ccc24fc0192146353ca5651026b804a809bc2f6d9da3b0dd199d7f5";
/// The root of its state, by the executable specification.
const ROOT: &str = "0x64961ee4ba9f860d42bbb6be8a3defbefc479a2c4444b634f203ee2b148da3bf";

fn word(zero_or_last: &str) -> String {
    format!("0x{zero_or_last:0>64}")
}

/// A shared state; `nonce` is that of one of its accounts.
fn state(nonce: &str) -> Value {
    let account = |last: &str| format!("0x{last:0>40}");
    json!({
        "network": "Prague",
        "environment": {
            "currentCoinbase": account("0"), "currentGasLimit": "0x07270e00", "currentNumber": "0x00", "currentTimestamp": "0x00",
            "currentRandom": "0x00", "currentDifficulty": "0x00", "currentBaseFee": "0x07", "currentExcessBlobGas": "0x00",
            "currentBlobGasUsed": "0x00", "parentBeaconBlockRoot": word("0"),
        },
        "pre": {
            account("aa"): { "nonce": nonce, "balance": "0x0a" },
            account("bb"): { "balance": "0x07" },
            account("c0"): { "nonce": "0x01", "code": "0x5f5f", "storage": { "0x01": "0x02" } },
        },
    })
}

/// A test of no block: it passes if its first block is the one that its state makes.
fn test(state: &str) -> Value {
    json!({
        "network": "Prague", "preHash": state, "engineNewPayloads": [], "lastblockhash": HASH, "postStateHash": ROOT,
    })
}

/// A folder of files, and an archive of it, removed at the end.
struct Files {
    root: PathBuf,
}

impl Files {
    fn new(name: &str, files: &[(&str, Value)]) -> Self {
        let root = std::env::temp_dir().join(format!("parallax-shared-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, value) in files {
            let text = value.to_string();
            let path = root.join("it").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &text).unwrap();
            let mut header = Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, Path::new("fixtures").join(name), text.as_bytes()).unwrap();
        }
        let packed = builder.into_inner().unwrap().finish().unwrap();
        fs::write(root.join("it.tar.gz"), packed).unwrap();
        Self { root }
    }

    fn paths(&self) -> [String; 2] {
        ["it", "it.tar.gz"].map(|name| self.root.join(name).to_str().unwrap().to_owned())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[test]
fn tests_run_on_the_state_that_they_name() {
    let tests = json!({ "a": test("0x01"), "b": test("0x02"), "c": test("0x01"), "d": test("0x01") });
    let files = Files::new(
        "named",
        &[
            ("x/pre_alloc/0x01.json", state("0x01")),
            // Another state makes another block.
            ("x/pre_alloc/0x02.json", state("0x02")),
            ("x/a/tests.json", tests.clone()),
            ("x/b/tests.json", tests),
        ],
    );
    for path in files.paths() {
        for options in [&["--jobs", "1"][..], &["--jobs", "2"], &["--in-process", "--jobs", "2"]] {
            let (status, out, err) = run(&[&["blocktest", &path], options].concat());
            assert_eq!((status, err.as_str()), (Some(1), ""), "{out}");
            assert!(out.ends_with("primary: 6 passed, 2 failed; 0 blocks, 0 gas\n"), "{out}");
            let failed: Vec<_> = out.lines().filter(|line| line.starts_with("FAIL ")).collect();
            assert!(failed.iter().all(|line| line.ends_with(" b network Prague")), "{out}");
            assert!(out.contains(&format!("expected {HASH}")), "{out}");
        }
    }
    // Read, and nothing to compare.
    let (status, out, _) = run(&["diff", &files.paths()[0], "--filter", "^[acd]$"]);
    assert!(out.contains("primary and mini: 0 agree, 6 not_compared; 0 blocks"), "{out}");
    assert_eq!(status, Some(2));
}

#[test]
fn a_state_that_cannot_be_read_is_told_with_each_of_its_tests() {
    let mut wrong = state("0x01");
    wrong["pre"]["0x00000000000000000000000000000000000000aa"]["nonce"] = "one".into();
    let tests = json!({ "a": test("0x01"), "b": test("0x02"), "c": test("0x03"), "d": test("0x02") });
    let files = [
        ("x/pre_alloc/0x01.json", state("0x01")),
        ("x/pre_alloc/0x02.json", wrong),
        ("x/a/tests.json", tests),
    ];
    let files = Files::new("wrong", &files);
    for path in files.paths() {
        let (status, out, err) = run(&["blocktest", &path]);
        assert_eq!(status, Some(2), "{err}");
        assert!(out.ends_with("primary: 1 passed, 3 unreadable; 0 blocks, 0 gas\n"), "{out}");
        let place = "pre_alloc/0x02.json: at pre.0x00000000000000000000000000000000000000aa.nonce: ";
        assert_eq!(err.matches(place).count(), 2, "{err}");
        let absent =
            "at c.preHash: expected the state pre_alloc/0x03.json beside the folder of the test, found none";
        assert!(err.contains(absent) && err.lines().count() == 3, "{err}");
    }
}
