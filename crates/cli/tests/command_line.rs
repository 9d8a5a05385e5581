//! What the command does with what people type: files that it reads and writes, code in any form, numbers, options without effect.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;

use support::{fixture, run};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }
}

/// The command ends with status 2, prints nothing, and one line of complaint that has all of these.
#[track_caller]
fn refused(arguments: &[&str], parts: &[&str]) {
    let (status, out, err) = run(arguments);
    assert_eq!((status, &*out), (Some(2), ""), "{arguments:?}: {err}");
    for part in parts {
        assert!(err.contains(part), "{arguments:?}: {err}");
    }
    let lines = err.lines().filter(|line| line.starts_with("parallax: ") || line.starts_with("error: "));
    assert_eq!(lines.count(), 1, "{arguments:?}: {err}");
}

#[test]
fn nothing_is_written_over_what_is_read() {
    let folder = Folder::new();
    let test = folder.file("test.json", fs::read(fixture("arithmetic.json")).unwrap());
    let code = folder.file("code.hex", "6001");
    let accounts = folder.file("accounts.json", r#"{"0x00000000000000000000000000000000000000aa": {"balance": "1", "nonce": "0", "code": "0x", "storage": {}}}"#);
    let (hard, soft) = (folder.path("hard.json"), folder.path("soft.json"));
    fs::hard_link(&test, &hard).unwrap();
    std::os::unix::fs::symlink(&test, &soft).unwrap();
    let whole = folder.path(".");
    let before: Vec<_> = [&test, &code, &accounts].map(|file| fs::read(file).unwrap()).into();
    let trace =
        |out: &str| ["--trace".to_owned(), "eip3155".to_owned(), "--trace-out".to_owned(), out.to_owned()];
    let over = "the trace would be written over what is read";
    for out in [&test, &hard, &soft] {
        let trace = trace(out);
        let trace: Vec<&str> = trace.iter().map(String::as_str).collect();
        refused(&[&["statetest", &test][..], &trace].concat(), &[out, over]);
        refused(&[&["statetest", &whole][..], &trace].concat(), &[out, over]);
        refused(&["diff", &test, "--steps", out], &[out, "the steps would be written over what is read"]);
        let report = format!("json={out}");
        refused(
            &["diff", &test, "--report", &report],
            &[out, "the report would be written over what is read"],
        );
        // What is to be read is not known yet.
        refused(
            &[&["statetest", "-"][..], &trace].concat(),
            &[out, "expected a new file, or --trace-append"],
        );
    }
    for (out, what) in [(&code, &code), (&accounts, &accounts)] {
        let trace = trace(out);
        let trace: Vec<&str> = trace.iter().map(String::as_str).collect();
        refused(&[&["run", &code, "--prestate", &accounts][..], &trace].concat(), &[what, over]);
    }
    let report = format!("json={code}");
    refused(
        &["diff", "--code", &code, "--report", &report],
        &["the report would be written over what is read"],
    );
    let report = format!("json={}", folder.path("out"));
    refused(
        &["diff", &test, "--steps", &folder.path("out"), "--report", &report],
        &["the report would be written over another output"],
    );
    let after: Vec<_> = [&test, &code, &accounts].map(|file| fs::read(file).unwrap()).into();
    assert_eq!(before, after);
}

#[test]
fn code_is_hex_or_a_file_or_refused_as_neither() {
    let folder = Folder::new();
    refused(&["run", "nosuch.hex"], &["nosuch.hex: no file of this name, and not hex: line 1, column 1"]);
    refused(&["disasm", "nosuch.hex"], &["nosuch.hex: no file of this name, and not hex"]);
    refused(&["diff", "--code", "nosuch.hex"], &["nosuch.hex: no file of this name, and not hex"]);
    refused(&["asm", "nosuch.asm"], &["nosuch.asm: no file of this name, and no assembly"]);
    refused(&["run", "0x60zz"], &["the code given: line 1, column 5: expected a hex digit, found 'z'"]);
    refused(&["run", &folder.path(".")], &["expected a file, found a folder"]);
    // No code is none, and the empty code is written.
    let empty = folder.file("empty", " \n");
    for nothing in ["", &empty, "-"] {
        for command in [&["run"][..], &["disasm"], &["asm"], &["diff", "--code"]] {
            refused(&[command, &[nothing]].concat(), &["expected code, found nothing: the empty code is 0x"]);
        }
    }
    assert_eq!(run(&["run", "0x"]).0, Some(0));
    let library = format!("0x6001__${}$__6002", "1".repeat(34));
    refused(
        &["run", &folder.file("unlinked.hex", &library)],
        &["is not linked: expected its address at byte 2"],
    );
}

#[test]
fn code_is_read_out_of_whatever_holds_it() {
    let folder = Folder::new();
    let gas = |code: &str, more: &[&str]| {
        let (status, out, err) = run(&[&["run", code, "--json"], more].concat());
        assert_eq!(status, Some(0), "{code}: {err}");
        serde_json::from_str::<serde_json::Value>(&out).unwrap()["gasUsed"].as_u64().unwrap()
    };
    // Three for each PUSH1.
    assert_eq!(gas(&folder.file("raw.bin", [0x60, 0x80, 0x60, 0x40]), &[]), 6);
    let foundry = r#"{"abi": [], "bytecode": {"object": "0x60016001600155"}, "deployedBytecode": {"object": "0x6001"}}"#;
    let foundry = folder.file("foundry.json", foundry);
    assert_eq!(gas(&foundry, &[]), 3);
    assert!(gas(&foundry, &["--message", "create"]) > 20_000);
    let hardhat = folder.file("hardhat.json", r#"{"bytecode": "0x60016001", "deployedBytecode": "0x6001"}"#);
    assert_eq!(gas(&hardhat, &[]), 3);
    let solc = folder.file("solc.json", r#"{"evm": {"deployedBytecode": {"object": "6001"}}}"#);
    assert_eq!(gas(&solc, &[]), 3);
    assert_eq!(gas(&folder.file("object.json", r#"{"object": "6001", "opcodes": ""}"#), &[]), 3);
    refused(&["run", &folder.file("other.json", "{}")], &["what a compiler writes of one contract"]);
    // A pipe is a file as well.
    let pipe = folder.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let writer = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::write(pipe, "6001").unwrap())
    };
    assert_eq!(gas(&pipe, &[]), 3);
    writer.join().unwrap();
}

#[test]
fn hex_that_also_names_a_file_is_refused() {
    let folder = Folder::new();
    folder.file("6001", "600160016001");
    let run = |code: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_parallax"));
        let output = command.args(["run", code]).current_dir(folder.path(".")).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (status, text) = run("6001");
    assert!(
        status == Some(2) && text.contains("expected 0x6001 for the code, ./6001 for the file"),
        "{text}"
    );
    assert!(run("0x6001").1.contains("gas used  3\n"));
    assert!(run("./6001").1.contains("gas used  9\n"));
}

#[test]
fn numbers_are_read_in_every_form_by_every_option() {
    for gas in ["50000", "50_000", "0xc350", "5e4"] {
        let (status, out, err) = run(&["run", "6001", "--gas", gas, "--value", "1.5ether"]);
        assert_eq!(status, Some(0), "{err}");
        assert!(out.contains("gas left  49997\n") && out.contains("balance 1500000000000000000"), "{out}");
    }
    for (arguments, expected) in [
        (&["run", "6001", "--gas", "x"][..], "expected a number such as 10000, 10_000, 0x2710 or 1e4"),
        (&["run", "6001", "--gas", "1e20"], "expected a number below 2^64, found 100000000000000000000"),
        (&["run", "6001", "--value", "1finney"], "expected an amount of wei below 2^256 such as"),
        (&["run", "6001", "--depth", "65536"], "expected a number below 2^16, found 65536"),
        (&["statetest", "x", "--jobs", "0"], "expected a number above 0"),
        (&["statetest", "x", "-j", "100000"], "expected at most 1024"),
        (&["statetest", "x", "--max-steps", "many"], "expected a number such as"),
    ] {
        refused(arguments, &[expected]);
    }
}

#[test]
fn an_option_without_effect_is_refused() {
    let test = fixture("arithmetic.json");
    for option in ["--trace-memory", "--trace-storage", "--no-stack", "--no-return-data", "--dialect=geth"] {
        let name = option.split('=').next().unwrap();
        let expected = format!("{name}: nothing is traced, expected --trace as well");
        refused(&["run", "6001", option], &[&expected]);
        refused(&["statetest", &test, option], &[&expected]);
    }
    for (arguments, expected) in [
        (&["run", "6001", "--trace", "struct", "--dialect", "geth"][..], "--dialect is of EIP-3155 lines"),
        (&["statetest", &test, "--trace", "eip3155", "--jobs", "8"], "--trace runs one case after the other"),
        (&["diff", "--code", "6001", "--jobs", "2"], "cannot be used with"),
        (&["diff", "--code", "6001", "--fail-fast"], "cannot be used with"),
        (&["diff", "--code", "6001", "--client-output", "2"], "cannot be used with"),
    ] {
        refused(arguments, &[expected]);
    }
}
