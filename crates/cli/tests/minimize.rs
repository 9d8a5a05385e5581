//! `parallax minimize`, as users meet it: what it writes, what it prints, and that the printed command shows the same finding.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{fs, path::Path, process::Command};

use serde_json::Value;
use support::{fixture, run};
use tempfile::TempDir;

const PARALLAX: &str = env!("CARGO_BIN_EXE_parallax");

/// Runs in a folder.
fn in_folder(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(PARALLAX);
    let output =
        command.args(arguments).current_dir(folder.path()).env("RUST_BACKTRACE", "0").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Runs the command that is printed, through a shell.
fn again(folder: &TempDir, command: &str) -> (Option<i32>, String) {
    let command = command.replacen("parallax", PARALLAX, 1);
    let output = Command::new("sh").args(["-c", &command]).current_dir(folder.path()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// Makes a case smaller, and runs what is printed: at most so many bytes of code, the same field, both times the same file.
#[track_caller]
fn check(arguments: &[&str], most: u64, expected: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [&["minimize", "--json", "--out", "small.json"][..], arguments].concat();
    let (status, out, err) = in_folder(&folder, &arguments);
    assert_eq!((status, err.as_str()), (Some(0), ""), "{out}");
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(answer["limit"], Value::Null);
    let bytes = answer["after"]["code"].as_u64().unwrap();
    assert!(bytes <= most, "{bytes} bytes: {answer}");
    let (status, told) = again(&folder, answer["again"].as_str().unwrap());
    assert_eq!(status, Some(1), "{told}");
    assert!(told.contains(expected), "{expected} is not in {told}");
    let first = fs::read(folder.path().join("small.json")).unwrap();
    in_folder(&folder, &arguments);
    assert_eq!(first, fs::read(folder.path().join("small.json")).unwrap(), "the same twice");
    answer
}

#[test]
fn the_printed_command_shows_the_same_finding() {
    let state_gas = fixture("state_gas.json");
    let refill = ["--right", "mini+refill-wrong-gas@SSTORE", "--filter", "both_gases", &state_gas];
    let answer = check(&refill, 8, "spilled state gas");
    assert_eq!(answer["after"]["fork"], "Amsterdam");
    let arithmetic = fixture("arithmetic.json");
    let flip =
        ["--right", "mini+flip-result@EXP", "--filter", "/exp$", "--fork", "Osaka", "--index", "0,0,0"];
    let answer = check(&[&flip[..], &[&arithmetic]].concat(), 5, "after step 3 at depth 1, pc 3, EXP");
    assert_eq!((&answer["after"]["fork"], &answer["after"]["accounts"]), (&"Frontier".into(), &1.into()));
    assert_eq!(answer["code"][0]["assembly"], "PUSH1 0x00\nDUP1\nEXP\n");
    // Where messages alone are compared it shows in one of these.
    check(&[&flip[..], &["--mode", "per-call", &arithmetic]].concat(), 20, "diverge");
}

#[test]
fn sides_may_have_rules_of_their_own() {
    let (folder, file) = (tempfile::tempdir().unwrap(), fixture("arithmetic.json"));
    let rules = ["--left-rules", "Prague", "--right-rules", "Osaka"];
    let clz = ["--filter", "/clz$", "--only-fork", "Osaka", &file];
    let answer = check(&[&rules[..], &clz].concat(), 3, "CLZ");
    assert_eq!(answer["after"]["fork"], "Osaka", "a side's own rules are not the case's");
    // Rules out of a file are named again.
    let (_, text, _) = run(&["rules", "show", "Osaka"]);
    let path = folder.path().join("my rules.toml");
    fs::write(
        &path,
        text.replacen("name = \"Osaka\"", "name = \"mine\"", 1).replacen("CLZ = 5", "CLZ = 6", 1),
    )
    .unwrap();
    let rules = ["--right-rules", path.to_str().unwrap(), "--left", "mini"];
    check(&[&rules[..], &clz].concat(), 3, "CLZ");
}

/// Our own binary as a client, with a mistake: a process for each try.
#[test]
fn a_client_is_asked_again_and_again() {
    let client = format!(
        "odd=batch:{PARALLAX} statetest --trace eip3155 --dialect geth --engine mini+flip-result@CLZ -"
    );
    let file = fixture("arithmetic.json");
    let clz = ["--filter", "/clz$", "--fork", "Osaka", &file];
    let answer = check(
        &[&["--side", "primary", "--side", &client, "--right-client", "geth"][..], &clz].concat(),
        8,
        "odd",
    );
    assert!(answer["finding"].as_str().unwrap().starts_with("primary and odd part behind CLZ, field stack"));
}

#[test]
fn an_interrupt_keeps_the_smallest_case_so_far() {
    let folder = tempfile::tempdir().unwrap();
    // The twentieth case that the client is asked about interrupts who asks.
    let script = format!(
        "echo >> count; if test $(wc -l < count) -eq 20; then kill -INT $PPID; fi; \
         exec {PARALLAX} statetest --trace eip3155 --dialect geth --engine mini+flip-result@CLZ \"$1\""
    );
    fs::write(folder.path().join("client.sh"), script).unwrap();
    let file = fixture("arithmetic.json");
    let arguments =
        ["minimize", "--side", "primary", "--side", "odd=cmd:sh client.sh {}", "--right-client", "geth"];
    let clz = ["--filter", "/clz$", "--fork", "Osaka", "--out", "small.json", &file];
    let (status, out, err) = in_folder(&folder, &[&arguments[..], &clz].concat());
    assert_eq!(status, Some(130), "{out}{err}");
    assert!(out.contains("; interrupted: it may become smaller yet\n"), "{out}");
    assert!(err.contains("interrupted: the smallest case so far is written"), "{err}");
    let command = out.lines().last().unwrap().trim().strip_prefix("again: ").unwrap();
    let (status, told) = again(&folder, command);
    assert_eq!(status, Some(1), "{told}");
}

#[test]
fn limits_are_told_when_they_are_met() {
    let folder = tempfile::tempdir().unwrap();
    let file = fixture("arithmetic.json");
    let flip = [
        "minimize",
        "--right",
        "mini+flip-result@EXP",
        "--filter",
        "/exp$",
        "--fork",
        "Osaka",
        "--index",
        "0,0,0",
    ];
    let limited = |limit: &[&str]| in_folder(&folder, &[&flip[..], limit, &[&file]].concat());
    let (status, out, err) = limited(&["--tries", "3"]);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    assert!(out.contains("\n  3 tries in "), "{out}");
    assert!(out.contains("; the limit of tries is met: it may become smaller yet (--tries)\n"), "{out}");
    assert!(out.contains("\n  written to arithmetic.min.json\n"), "{out}");
    assert!(folder.path().join("arithmetic.min.json").is_file());
}

#[track_caller]
fn refused(arguments: &[&str], expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (status, out, err) = in_folder(&folder, &[&["minimize"][..], arguments].concat());
    assert_eq!((status, out.as_str()), (Some(2), ""), "{err}");
    assert!(err.contains(expected) && err.lines().count() == 1, "{err}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");
}

#[test]
fn what_cannot_be_made_smaller_is_refused_in_a_line() {
    let file = fixture("arithmetic.json");
    let flip = ["--right", "mini+flip-result@EXP"];
    refused(&["--filter", "/add$", &file], "no case of 3 is a finding");
    refused(
        &[&flip[..], &[&file]].concat(),
        "more than one case is a finding, expected exactly one: narrow it with",
    );
    refused(&["--filter", "nosuch", &file], "no case selected");
    refused(&["nosuch.json"], "nosuch.json");
    refused(&["--left", "revm", "--right", "revm", &file], "neither can be stepped");
    refused(&["--side", "mini", &file], "--side: one side, expected two or more");
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.json");
    fs::copy(&file, &copy).unwrap();
    let copy = copy.to_str().unwrap();
    let one = ["--filter", "/exp$", "--fork", "Osaka", "--index", "0,0,0", copy, "--out", copy];
    refused(&[&flip[..], &one].concat(), "the smallest case would be written over what is read");
    assert_eq!(fs::read(copy).unwrap(), fs::read(&file).unwrap());
}

/// The page's example, as it stands: each line that it shows is printed.
#[test]
fn the_page_shows_what_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    std::os::unix::fs::symlink(root.join("fixtures"), folder.path().join("fixtures")).unwrap();
    let page = fs::read_to_string(root.join("docs/minimize.md")).unwrap();
    let shown = page.split("```console\n$ ").nth(1).unwrap().split("\n```").next().unwrap();
    let (command, lines) = shown.split_once('\n').unwrap();
    let (status, printed) = again(&folder, command);
    assert_eq!(status, Some(0), "{printed}");
    let mut printed = printed.lines();
    for line in lines.lines() {
        assert!(printed.any(|found| found == line), "{line:?} is not printed, or not in its place");
    }
}

#[test]
fn the_help_has_examples() {
    let (status, out, _) = run(&["minimize", "--help"]);
    assert_eq!(status, Some(0));
    insta::assert_snapshot!(out);
}
