//! `docs/campaigns.md`: from a failing devnet block to a minimised state test, as the page has it.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

#[path = "support/page.rs"]
mod page;
mod support;

use std::{fs, path::Path};

use serde_json::{Value, json};
use support::{fixture, run};

/// A block of several transactions.
const TEST: &str = "gases_and_writes/Amsterdam";

/// What a node answers of the block, made by our own tracer.
fn prepare(folder: &Path) {
    let blocks = fixture("../block-tests/blocks.json");
    let test: Value = serde_json::from_slice(&fs::read(&blocks).unwrap()).unwrap();
    fs::write(folder.join("block.rlp"), test[TEST]["blocks"][0]["rlp"].as_str().unwrap()).unwrap();
    let lines = folder.join("lines");
    let filter = format!("^{TEST}$");
    let options = ["--filter", &filter, "--trace", "prestate", "--trace-out", lines.to_str().unwrap()];
    let (status, _, err) = run(&[&["blocktest", &blocks], &options[..]].concat());
    assert_eq!(status, Some(0), "{err}");
    let lines = fs::read_to_string(lines).unwrap();
    let answers = lines.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        json!({ "txHash": line["txHash"], "result": line["result"] })
    });
    fs::write(folder.join("prestates.json"), Value::from_iter(answers).to_string()).unwrap();
}

#[test]
fn the_five_commands_of_the_page_do_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/campaigns.md")).unwrap();
    let (_, section) = text.split_once("## From a failing devnet block").unwrap();
    let commands = page::commands(section);
    assert_eq!(commands.len(), 5);
    for ((command, lines), expected) in commands.into_iter().zip([0, 0, 0, 1, 0]) {
        let (status, printed) = page::shell(&command, folder.path());
        assert_eq!(status, Some(expected), "{command}: {printed}");
        for line in lines {
            assert!(printed.contains(&line), "{command}: no line {line}: {printed}");
        }
    }
}
