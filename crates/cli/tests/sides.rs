//! Clients' commands as sides, and more than two sides.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;

use support::{fixture, run};

const PARALLAX: &str = env!("CARGO_BIN_EXE_parallax");

/// Our own binary as a client that writes one of its dialects, started once.
fn batch(dialect: &str, options: &str) -> String {
    format!("{dialect}=batch:{PARALLAX} statetest --trace eip3155 --dialect {dialect} {options} -")
}

fn shell(name: &str, script: &str) -> String {
    format!("{name}=cmd:sh -c '{script}' -")
}

#[test]
fn four_clients_at_once_agree() {
    let sides = ["geth", "eels", "revm", "evmone"].map(|dialect| batch(dialect, ""));
    let mut arguments = vec!["diff", "--side", "mini"];
    sides.iter().for_each(|side| arguments.extend(["--side", side]));
    let files = ["calls.json", "memory.json", "transactions.json"].map(fixture);
    arguments.extend(files.iter().map(String::as_str));
    let (status, out, err) = run(&arguments);
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(out.contains("mini and geth, eels, revm, evmone: "), "{out}");
    assert!(!out.contains(" 0 agree"), "{out}");
}

#[test]
fn the_side_that_stands_alone_is_named_at_its_step() {
    let faulty = batch("geth", "--engine mini+flip-result@CLZ").replace("geth=", "odd=");
    let eels = batch("eels", "");
    let file = fixture("arithmetic.json");
    let common = ["--filter", "arithmetic/clz$", "--fork", "Osaka", &file];
    let sides = ["--side", "primary", "--side", "mini", "--side", "revm", "--side", &eels, "--side", &faulty];
    let (status, out, err) = run(&[&["diff"][..], &sides, &common].concat());
    assert_eq!(status, Some(1), "{err}");
    assert!(
        out.contains("\n  primary, mini, revm, eels: stack top 0x100\n  odd: stack top 0x101, alone\n"),
        "{out}"
    );
    assert!(out.contains("primary and odd diverge before step 3 at depth 1, pc 2, PUSH0"), "{out}");
    // The other way round: the one that all are compared with is the one that is wrong.
    let sides = ["--side", "mini+flip-result@CLZ", "--side", "mini", "--side", "revm", "--side", &eels];
    let (status, out, _) = run(&[&["diff"][..], &sides, &common].concat());
    assert_eq!(status, Some(1));
    assert!(out.contains("\n  mini+flip-result@CLZ: stack top 0x101, alone\n"), "{out}");
    // As data, and as a page.
    let page = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sides.html");
    let report = format!("html={}", page.display());
    let (_, out, _) = run(&[&["diff", "--json", "--report", &report][..], &sides, &common].concat());
    let line: serde_json::Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(line["sides"]["alone"], "mini+flip-result@CLZ");
    assert_eq!(line["sides"]["groups"][1]["sides"], serde_json::json!(["mini", "revm", "eels"]));
    assert!(fs::read_to_string(page).unwrap().contains("mini+flip-result@CLZ: stack top 0x101, alone"));
}

/// What a command that is given the first case of a file comes to.
#[track_caller]
fn check(side: &str, options: &[&str], expected: &str) {
    let file = fixture("arithmetic.json");
    let common = ["--filter", "arithmetic/add$", "--fork", "Osaka", "--side", "mini", "--side", side, &file];
    let (status, out, err) = run(&[&["diff"][..], options, &common].concat());
    assert_eq!(status, Some(1), "{out}{err}");
    assert!(out.contains(expected), "{out}{err}");
}

#[test]
fn a_client_that_does_not_do_as_it_should_is_a_verdict_of_its_own() {
    let case = ["--case-timeout", "2"];
    let long = ["--case-timeout", "120"];
    check(&shell("sleeper", "sleep 1000"), &case, "TIMED_OUT");
    check(&shell("sleeper", "sleep 1000"), &case, "sleeper: no end after 2s");
    check(&shell("dead", "echo I am ill >&2; exit 3"), &long, "CRASHED");
    check(&shell("dead", "echo I am ill >&2; exit 3"), &long, "dead: exit status: 3: I am ill");
    check(&shell("killed", "kill -9 $$"), &long, "killed: signal: 9 (SIGKILL)");
    check(&shell("talker", "echo no trace at all"), &long, "POISONED");
    check(&shell("rubbish", "echo \"{\\\"pc\\\":zero}\""), &long, "rubbish: line 1: ");
    let small = ["--case-timeout", "120", "--client-output", "1"];
    check(&shell("chatty", "yes"), &small, "chatty: more than 1048576 bytes of output");
    check("cmd:no-such-client", &long, "no-such-client: No such file or directory");
    // One that dies in the middle of a trace that is right so far.
    let cut = format!("{PARALLAX} statetest --trace eip3155 --dialect geth $0 2>&1 | head -n 5; exit 7");
    check(&format!("geth=cmd:sh -c '{cut}'"), &long, "geth: exit status: 7");
}

#[test]
fn sides_that_cannot_be_are_refused_in_a_line() {
    let file = fixture("arithmetic.json");
    let refused = |arguments: &[&str]| {
        let (status, _, err) = run(&[&["diff"][..], arguments, &[&file]].concat());
        assert_eq!(status, Some(2), "{err}");
        err
    };
    assert!(refused(&["--side", "mini"]).contains("one side, expected two or more"));
    assert!(refused(&["--side", "revm", "--side", "cmd:evm"]).contains("none of the sides can be stepped"));
    assert!(
        refused(&["--side", "mini", "--side", "evm"]).contains("--side evm: expected an engine, cmd:COMMAND")
    );
    assert!(refused(&["--right-command", "evm 'x"]).contains("a quote without its end"));
    assert!(refused(&["--right-command", "evm", "--mode", "per-block"]).contains("expected per-step"));
}
