//! Bare messages on the command line: every kind, run and compared, and what cannot be one.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::{Command, Stdio};

/// What a command prints, on standard output or as its one line of complaint, and how it ends.
#[track_caller]
fn says(arguments: &[&str], status: i32, part: &str) {
    let ran =
        Command::new(env!("CARGO_BIN_EXE_parallax")).args(arguments).stdin(Stdio::null()).output().unwrap();
    let [out, err] = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(ran.status.code(), Some(status), "{arguments:?}: {out}{err}");
    let text = if status == 2 { &err } else { &out };
    assert!(text.contains(part), "{arguments:?}: {text}");
    assert!(status != 2 || err.lines().count() == 1, "{arguments:?}: {err}");
}

fn printed(arguments: &[&str]) -> String {
    let ran =
        Command::new(env!("CARGO_BIN_EXE_parallax")).args(arguments).stdin(Stdio::null()).output().unwrap();
    assert_eq!(ran.status.code(), Some(0), "{arguments:?}");
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn both_gases_are_printed_where_there_are_two() {
    let code = "60015f55600160015500";
    for engine in ["primary", "mini"] {
        let arguments = ["run", code, "--engine", engine, "--fork", "Amsterdam", "--gas", "300000"];
        let expected =
            "status    success\ngas used  220051\nexecution 24211\nstate gas 195840\ngas left  79949\n";
        let ran = printed(&arguments);
        assert!(ran.starts_with(expected), "{}", ran);
        let ran = printed(&[&arguments[..], &["--json"]].concat());
        let object: serde_json::Value = serde_json::from_str(&ran).unwrap();
        let [used, execution, state] =
            ["gasUsed", "executionGas", "stateGas"].map(|name| object[name].as_u64());
        assert_eq!([used, execution, state], [Some(220_051), Some(24_211), Some(195_840)]);
    }
    // There it is zero, and told; where there is one gas, nothing of it is.
    let ran = printed(&["run", "00", "--fork", "Amsterdam"]);
    assert!(ran.contains("\nexecution 0\nstate gas 0\n"), "{}", ran);
    for form in [&[][..], &["--json"]] {
        let ran = printed(&[&["run", code, "--fork", "Osaka"], form].concat());
        assert!(!ran.contains("execution") && !ran.to_lowercase().replace(' ', "").contains("stategas"));
    }
}

#[test]
fn bare_messages_of_every_kind_are_run_and_compared() {
    const STORE: &str = "PUSH 5 PUSH 0 SSTORE";
    let both = |options: &[&str], status: i32, ran: &str, compared: &str| {
        for engine in ["primary", "mini"] {
            says(&[&["run", "--asm", STORE, "--engine", engine], options].concat(), status, ran);
        }
        says(&[&["diff", "--asm", "--code", STORE], options].concat(), 0, compared);
    };
    both(&["--message", "call"], 0, "gas used  22105\n", "agree: success, gas used 22105, 4 steps");
    // The sender has no more than that, and is gone behind it (EIP-161).
    both(&["--message", "call", "--value", "1"], 0, "gas used  22105\n", "agree: success");
    both(&["--message", "delegatecall", "--depth", "1024"], 0, "gas used  22105\n", "agree: success");
    both(
        &["--message", "callcode", "--value", "3"],
        0,
        "00ca11 nonce 0 balance 3\n  slot    0x0 = 0x5",
        "agree",
    );
    both(&["--message", "staticcall"], 1, "status    StaticViolation", "agree: StaticViolation");
    both(&["--message", "call", "--static"], 1, "status    StaticViolation", "agree: StaticViolation");
    both(
        &["--message", "create", "--depth", "3"],
        0,
        "6fb1a2dee3e106113f85d408d80b69afe447b26e nonce 1",
        "agree",
    );
    both(&["--message", "create2", "--salt", "7"], 0, "nonce 1 balance 0\n  slot    0x0 = 0x5", "agree");
    both(
        &["--message", "call", "--depth", "1025"],
        1,
        "status    CallDepth\ngas used  0",
        "agree: CallDepth",
    );

    says(&["run", "0x00", "--engine", "revm"], 2, "--engine revm: it runs no bare messages");
    says(
        &["run", "0x00", "--message", "staticcall", "--value", "7"],
        2,
        "--value 7: a STATICCALL sends nothing",
    );
    says(&["run", "0x00", "--salt", "7"], 2, "--salt 0x7: only a CREATE2 has a salt");
    says(&["run", "0x00", "--message", "create", "--static"], 2, "nothing is created");
    says(&["diff", "--code", "0x00", "--depth", "9"], 2, "expected --message");
    says(
        &["diff", "--code", "0x00", "--message", "call", "--right", "revm"],
        2,
        "revm runs no bare messages",
    );
}
