//! `parallax run`: who sends what, in which block, on which engines, within which limits, and what is told of it.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use serde_json::Value;
use support::run;

const A: &str = "0x00000000000000000000000000000000000000aa";
const B: &str = "0x00000000000000000000000000000000000000bb";
/// Stores what the opcode before it puts onto the stack.
const STORE: &str = "PUSH 0 SSTORE";

fn json(arguments: &[&str]) -> Value {
    let (_, out, err) = run(&[&["run", "--json"], arguments].concat());
    serde_json::from_str(&out).unwrap_or_else(|_| panic!("{arguments:?}: {out}{err}"))
}

/// What the opcode answers where the world is as the options say.
#[track_caller]
fn answers(opcode: &str, options: &[&str], expected: &str) {
    let code = format!("{opcode} {STORE}");
    let stored = |more: &[&str]| {
        let object = json(&[&["--asm", &code], options, more].concat());
        let changes =
            object["changes"].as_object().unwrap_or_else(|| panic!("{opcode} {options:?}: {object}"));
        changes.values().find_map(|change| change["storage"]["0x0"].as_str().map(str::to_owned))
    };
    let both = ["--engine", "primary", "--engine", "mini"];
    assert_eq!(stored(&both).as_deref(), Some(expected), "{opcode} {options:?}");
    let all = ["--transaction", "--engine", "primary", "--engine", "mini", "--engine", "revm"];
    if !options.contains(&"--blob-hash") && !options.contains(&"Amsterdam") {
        assert_eq!(stored(&all).as_deref(), Some(expected), "{opcode} {options:?} in a transaction");
    }
}

#[test]
fn every_part_of_the_world_is_an_option() {
    let hash = format!("0x{}", "77".repeat(32));
    for (opcode, options, expected) in [
        ("CALLER", &["--sender", A][..], "0xaa"),
        ("ORIGIN", &["--sender", A], "0xaa"),
        ("ADDRESS", &["--receiver", B], "0xbb"),
        ("ADDRESS", &["--to", B], "0xbb"),
        ("GASPRICE", &["--price", "3gwei"], "0xb2d05e00"),
        ("CHAINID", &["--chain-id", "1337"], "0x539"),
        ("NUMBER", &["--number", "0x10"], "0x10"),
        ("TIMESTAMP", &["--timestamp", "1e3"], "0x3e8"),
        ("COINBASE", &["--coinbase", A], "0xaa"),
        ("BASEFEE", &["--base-fee", "7"], "0x7"),
        ("DIFFICULTY", &["--difficulty", "9", "--fork", "London"], "0x9"),
        ("PREVRANDAO", &["--prevrandao", &hash], &hash),
        ("GASLIMIT", &["--block-gas-limit", "30_000_000"], "0x1c9c380"),
        ("BLOBBASEFEE", &["--excess-blob-gas", "10_000_000"], "0x7"),
        ("PUSH 1 BLOBHASH", &["--blob-hash", &hash[..], "--blob-hash", &hash], &hash),
        ("CALLVALUE", &["--value", "1ether"], "0xde0b6b3a7640000"),
        ("PUSH 0 CALLDATALOAD", &["--input", &hash], &hash),
    ] {
        answers(opcode, options, expected);
    }
}

#[test]
fn code_of_the_pre_state_runs_and_what_comes_of_it_is_a_pre_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (before, after, last) = (path("before.json"), path("after.json"), path("last.json"));
    // Counts its calls.
    fs::write(
        &before,
        format!(r#"{{"{B}": {{"code": "0x60015460010160015500", "storage": {{"0x1": "0x5"}}}}}}"#),
    )
    .unwrap();
    let called = |file: &str, dump: &str, inputs: &[&str]| {
        let dump = format!("--dump={dump}");
        let (status, out, err) =
            run(&[&["run", "--prestate", file, "--receiver", B, &dump], inputs].concat());
        assert_eq!((status, &*err), (Some(0), ""), "{out}");
        out
    };
    // Each input is a run of its own, on the state of the one before it.
    let out = called(&before, &after, &["--input", "0x01", "--input", "0x02"]);
    assert!(out.contains("input     1 of 2: 0x01\n") && out.contains("slot    0x1 = 0x7"), "{out}");
    let state: Value = serde_json::from_str(&fs::read_to_string(&after).unwrap()).unwrap();
    assert_eq!(state["stateRoot"].as_str().unwrap().len(), 66);
    let out = called(&after, &last, &[]);
    assert!(out.contains("slot    0x1 = 0x8"), "{out}");
    // To standard output, where it stands alone.
    let (_, out, err) = run(&["run", "--prestate", &before, "--receiver", B, "--dump"]);
    let alone: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(alone["alloc"][B]["storage"].as_object().unwrap().len(), 1);
    assert!(err.starts_with("status    success\n"), "{err}");
    let (status, _, err) = run(&["run", "--receiver", A]);
    assert!(status == Some(2) && err.contains("neither CODE nor an account of --prestate"), "{err}");
    let dump = format!("--dump={before}");
    let (status, _, err) = run(&["run", "--prestate", &before, "--receiver", B, &dump]);
    assert!(status == Some(2) && err.contains("the state would be written over what is read"), "{err}");
}

#[test]
fn a_creation_tells_what_it_made() {
    for how in [&["--create"][..], &["--message", "create"], &["--create", "--transaction"]] {
        // Init code that returns one byte of code: STOP.
        let object = json(&[&["60016000f3"], how].concat());
        let created = object["created"].as_str().unwrap();
        assert_eq!(object["changes"][created]["code"], "0x00", "{how:?}: {object}");
    }
}

#[test]
fn where_it_ended_and_why_is_told() {
    let (status, out, _) = run(&["run", "--asm", "PUSH 7 PUSH 9 INVALID"]);
    assert_eq!(status, Some(1));
    assert!(
        out.contains("place     depth 1, pc 4, INVALID\n") && out.contains("stack     0x9 0x7\n"),
        "{out}"
    );
    // Panic(0x11), as Solidity reverts with it.
    let panic = "PUSH4 0x4e487b71 PUSH 224 SHL PUSH 0 MSTORE PUSH 0x11 PUSH 4 MSTORE PUSH 36 PUSH 0 REVERT";
    let (status, out, _) = run(&["run", "--asm", panic]);
    assert_eq!(status, Some(1));
    assert!(out.contains("reason    Panic(0x11): overflow or underflow\n"), "{out}");
    let object = json(&["--asm", "PUSH 1 PUSH 2 PUSH 3", "--shown", "2"]);
    assert_eq!((&object["steps"], &object["place"]["opName"]), (&4.into(), &"STOP".into()));
    assert_eq!(object["stack"], serde_json::json!(["0x3", "0x2"]));
    let (_, out, _) = run(&["run", "--asm", "PUSH 1 PUSH 2 PUSH 3", "--shown", "2"]);
    assert!(out.contains("stack     0x3 0x2 and 1 more below\n"), "{out}");
    // Nobody made these accounts, and nobody ended them.
    for arguments in [&["run", "0x"][..], &["run", "00", "--value", "0x10"]] {
        assert!(!run(arguments).1.contains("deleted"), "{arguments:?}");
    }
}

#[test]
fn engines_stand_side_by_side() {
    let three = ["--engine", "primary", "--engine", "mini", "--engine", "revm"];
    let (status, out, err) = run(&[&["run", "6001600055", "--transaction"][..], &three].concat());
    assert_eq!((status, &*err), (Some(0), ""), "{out}");
    assert!(out.ends_with("engines   primary, mini, revm: the same\n"), "{out}");
    let (status, out, _) = run(&[
        "run",
        "--asm",
        "PUSH 1 PUSH 0 SSTORE",
        "--engine",
        "mini",
        "--engine",
        "mini+flip-result@PUSH1",
    ]);
    assert_eq!(status, Some(1), "{out}");
    assert!(
        out.contains("engine    mini+flip-result@PUSH1\n") && out.ends_with("engines   not the same\n"),
        "{out}"
    );
    let object = json(&["6001", "--engine", "primary", "--engine", "mini", "--bench=3"]);
    assert_eq!(object["engines"][0]["stateRoot"].as_str().map(str::len), Some(66), "{object}");
    assert_eq!(
        (&object["same"], &object["engines"][1]["bench"]["runs"]),
        (&true.into(), &3.into()),
        "{object}"
    );
    for (arguments, part) in [
        (&["run", "00", "--engine", "revm"][..], "--engine revm: it runs no bare messages"),
        (&["run", "00", "--engine", "mini", "--engine", "mini"], "--engine mini: named twice"),
        (
            &["run", "00", "--engine", "mini", "--engine", "primary", "--trace", "struct"],
            "one engine is traced, 2 are named",
        ),
        (&["run", "00", "--sender", "0x12"], "expected an address: 20 bytes in hexadecimal"),
        (&["run", "00", "--transaction", "--depth", "3"], "cannot be used with"),
        (&["run", "00", "--create", "--receiver", A], "--receiver: a creation has none"),
        (&["diff", "--code", "00", "--create", "--receiver", A], "--receiver: a creation has none"),
    ] {
        let (status, out, err) = run(arguments);
        assert!(status == Some(2) && out.is_empty() && err.contains(part), "{arguments:?}: {out}{err}");
    }
    let (status, out, _) = run(&["run", "00", "--transaction", "--gas", "50"]);
    assert_eq!(
        (status, &*out),
        (Some(2), "status    rejected: gas limit 50 is below the intrinsic gas 21000\n")
    );
}

#[test]
fn a_limit_is_told_with_the_place() {
    let (status, out, err) = run(&["run", "5b600056", "--max-steps", "100"]);
    assert_eq!((status, &*out), (Some(1), ""));
    let said = "parallax: primary: the limit of 100 steps is met: 100 steps have run, the last of them at depth 1, pc 0, JUMPDEST, with";
    assert!(err.starts_with(said), "{err}");
    // Nothing came to its end, so there is nothing to print, and nothing runs behind it.
    let (status, out, err) =
        run(&["run", "5b600056", "--json", "--max-steps", "9", "--input", "0x", "--input", "0x"]);
    assert_eq!((status, &*out, err.lines().count()), (Some(1), "", 1), "{err}");
    let endless = ["5b600056", "--gas", "18446744073709551615"];
    let (status, _, err) = run(&[&["run", "--timeout", "0.05"], &endless[..]].concat());
    assert!(status == Some(1) && err.contains("the limit of 0.05 seconds is met"), "{err}");
    let (status, _, err) =
        run(&["diff", "--code", "5b600056", "--gas", "16777216", "--fork", "Prague", "--max-steps", "9"]);
    assert_eq!(status, Some(1), "{err}");
}

/// Waits until the process has written a line to its trace, interrupts it, and answers its status and what it said.
fn interrupted(signal: &str, arguments: &[&str]) -> (Option<i32>, String, bool) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_parallax"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().starts_with("{\"pc\":"));
    let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let mut is_whole = true;
    let mut said = String::new();
    for line in lines {
        match line.strip_prefix("parallax: ") {
            Some(text) => said = text.to_owned(),
            None => is_whole &= serde_json::from_str::<Value>(&line).is_ok(),
        }
    }
    (child.wait().unwrap().code(), said, is_whole)
}

#[test]
fn an_interrupt_ends_the_run_with_whole_lines_and_the_place() {
    for signal in ["INT", "TERM", "HUP"] {
        let endless = ["run", "5b600056", "--gas", "18446744073709551615", "--trace", "eip3155"];
        let (status, said, is_whole) = interrupted(signal, &endless);
        assert_eq!(status, Some(130), "{said}");
        assert!(
            said.starts_with("primary: interrupted: ") && said.contains(" steps have run, the last"),
            "{said}"
        );
        assert!(is_whole, "every line of the trace is whole");
    }
}
