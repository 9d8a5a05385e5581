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
fn words_of_another_program_are_told_where_they_are_known() {
    for (command, word) in [("run", "--nomemory"), ("statetest", "--human"), ("statetest", "--trace.format")]
    {
        let (status, _, err) = run(&[command, "00", word]);
        let said = format!("parallax: {word} is a word of go-ethereum's evm: parallax evm speaks them");
        assert!(status == Some(2) && err.contains(&said), "{err}");
    }
    assert!(!run(&["run", "00", "--nosuch"]).2.contains("go-ethereum"));
    assert_eq!(run(&["run", "--code", "0x6001"]).0, Some(0));
    assert_eq!(run(&["statetest", &fixture("arithmetic.json"), "--run", "add"]).0, Some(0));
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

/// Tests of arithmetic, with something changed.
fn edited(from: &str, to: &str) -> String {
    let text = fs::read_to_string(fixture("arithmetic.json")).unwrap();
    assert!(text.contains(from), "the fixture has {from}");
    text.replace(from, to)
}

#[test]
fn what_is_not_known_is_passed_over_and_told_once() {
    let folder = Folder::new();
    let (_, passed, _) = run(&["statetest", &fixture("arithmetic.json")]);
    let all: u64 = passed.trim_end_matches(" passed\n").rsplit(' ').next().unwrap().parse().unwrap();
    let future = folder.file("future.json", edited("\"Osaka\"", "\"Future\""));
    let (status, out, err) = run(&["statetest", &future]);
    assert_eq!((status, &*err), (Some(0), ""), "{out}");
    let lines: Vec<_> = out.lines().collect();
    let [sum, told] = lines[..] else { panic!("{out}") };
    let (_, told) = told.split_once("passed over: ").unwrap();
    let (count, told) = told.split_once(' ').unwrap();
    assert_eq!(told, "cases of Future, a fork that is not known");
    let count: u64 = count.parse().unwrap();
    assert_eq!(sum, format!("primary: {} passed, {count} passed over", all - count));
    // Selected is another fork: then it is not even read.
    let (status, out, err) = run(&["statetest", &future, "--only-fork", "Berlin"]);
    assert_eq!((status, &*err, out.contains("passed over")), (Some(0), "", false), "{out}");
    let (status, out, _) = run(&["diff", &future]);
    assert!(status == Some(0) && out.contains(&format!("passed over: {count} cases of Future")), "{out}");
    let (_, out, _) = run(&["statetest", &future, "--json"]);
    assert_eq!(out.matches("\"pass\":null,\"verdict\":\"passed_over\"").count() as u64, count);
}

#[test]
fn a_reason_or_a_root_that_is_not_known_leaves_the_rest_checked() {
    let folder = Folder::new();
    let test = |exception: Option<&str>| {
        let text = fs::read(fixture("transactions.json")).unwrap();
        let mut file: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let case = &mut file["transactions/gas_above_cap"]["post"]["Osaka"][0];
        assert_eq!(case["expectException"], "TransactionException.GAS_LIMIT_EXCEEDS_MAXIMUM");
        match exception {
            Some(name) => case["expectException"] = format!("TransactionException.{name}").into(),
            // As a test is that is not filled.
            None => {
                for key in ["hash", "logs"] {
                    case.as_object_mut().unwrap().remove(key);
                }
            }
        }
        folder.file("refused.json", file.to_string())
    };
    let run =
        |path: &str, more: &[&str]| run(&[&["statetest", path, "--filter", "gas_above_cap$"], more].concat());
    let (status, out, err) = run(&test(Some("NEVER_HEARD_OF")), &[]);
    assert_eq!((status, &*err), (Some(0), ""), "{out}");
    assert!(out.starts_with("primary: 0 passed, 1 ran and not checked in full\n"), "{out}");
    assert!(out.contains("not checked in full: 1 cases, as 1 expectations"), "{out}");
    let (status, out, _) = run(&test(Some("NONCE_MISMATCH_TOO_LOW")), &[]);
    assert!(
        status == Some(1) && out.contains("rejected as TransactionException.GAS_LIMIT_EXCEEDS_MAXIMUM"),
        "{out}"
    );
    let (status, out, err) = run(&test(None), &["--json"]);
    assert_eq!(status, Some(0), "{err}");
    assert!(out.contains("\"pass\":null,\"verdict\":\"unchecked\",\"stateRoot\":\"0x"), "{out}");
    assert!(err.contains("as 2 expectations"), "{err}");
}

#[test]
fn a_folder_of_many_kinds_is_run_and_the_others_are_counted() {
    let folder = Folder::new();
    folder.file("state.json", fs::read(fixture("arithmetic.json")).unwrap());
    let blocks = fixture("../block-tests/blocks.json");
    folder.file("blocks.json", fs::read(blocks).unwrap());
    folder.file(
        "transactions.json",
        r#"{"t": {"txbytes": "0x", "result": {}}, "u": {"txbytes": "0x", "result": {}}}"#,
    );
    folder.file("genesis.json", r#"{"config": {}, "alloc": {}}"#);
    folder.file("index.json", r#"{"root_hash": "0x", "test_cases": []}"#);
    folder.file("alloc.json", r#"{"0x00000000000000000000000000000000000000aa": {"balance": "0x1"}}"#);
    for (name, text) in [("A.JSON", "{}"), (".hidden.json", "{}"), ("readme", "")] {
        folder.file(name, text);
    }
    let whole = folder.path(".");
    let (status, out, err) = run(&["statetest", &whole]);
    assert_eq!((status, &*err), (Some(0), ""), "{out}");
    for line in [
        "passed over: 1 files of accounts",
        "passed over: 1 genesis files",
        "passed over: 1 indexes of tests",
        "passed over: 2 transaction tests",
        "passed over: 3 entries of folders: hidden, linked to nothing, or not called .json or .json.gz",
        "block tests, for parallax blocktest and parallax diff",
    ] {
        assert!(out.contains(line), "{line}: {out}");
    }
    let (status, out, err) = run(&["blocktest", &whole]);
    assert_eq!((status, &*err), (Some(0), ""), "{out}");
    assert!(out.contains("state tests, for parallax statetest and parallax diff"), "{out}");
    assert_eq!(run(&["diff", &whole]).0, Some(0));
    // Block tests have rules of their own.
    let (status, out, err) = run(&["diff", &folder.path("blocks.json"), "--fork", "Osaka"]);
    assert_eq!(status, Some(2), "{out}");
    assert!(out.contains("block tests, which run by the rules of their network alone"), "{out}");
    assert!(err.contains("no case that this command runs is selected"), "{err}");
    // A file with nothing for this command.
    refused_with(&["statetest", &folder.path("index.json")], "all are passed over");
}

/// The command ends with status 2 and says this on standard error.
#[track_caller]
fn refused_with(arguments: &[&str], part: &str) {
    let (status, out, err) = run(arguments);
    assert!(status == Some(2) && err.contains(part), "{arguments:?}: {out}{err}");
}

#[test]
fn what_cannot_be_read_is_told_by_test_and_place() {
    let folder = Folder::new();
    let broken =
        folder.file("broken.json", r#"{"t.x": {"env": {}, "pre": {}, "transaction": {}, "post": {}}}"#);
    let (status, out, err) = run(&["statetest", &broken, "--json"]);
    assert_eq!(status, Some(2), "{err}");
    let line: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&line["name"], &line["place"]), (&"t.x".into(), &"env.currentNumber".into()));
    assert_eq!(line["error"], "missing field, expected an integer below 2^64");
    let bare = folder.file("bare.json", r#"{"t": {"pre": {}, "transaction": {}, "post": {}}}"#);
    refused_with(&["statetest", &bare], "bare.json: at t.env: missing field, expected an object");
    let marked = folder.file("marked.json", [&[0xef, 0xbb, 0xbf][..], b"{}"].concat());
    refused_with(&["statetest", &marked], "found a byte order mark, which JSON does not have");
    let packed = folder.file("packed.json", [0x1f, 0x8b, 8, 0]);
    refused_with(&["statetest", &packed], "found a gzip file, whose name should end in .gz");
    // Sparse: a size, and no bytes.
    let large = folder.path("large.json");
    fs::File::create(&large).unwrap().set_len((1 << 30) + 1).unwrap();
    refused_with(&["statetest", &large], "the file is larger than the limit of 1073741824 bytes");
}

#[test]
fn a_name_that_is_no_utf8_is_a_name() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new();
    let path = folder.0.path().join(std::ffi::OsStr::from_bytes(b"\xff.json"));
    fs::write(&path, fs::read(fixture("arithmetic.json")).unwrap()).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_parallax"));
    let output = command.arg("statetest").arg(&path).output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

/// The last line of a step in geth's words, of a call with this value that has so much gas.
fn geth_line(fork: &str, call: &str, value: u8, gas: u64) -> serde_json::Value {
    let sends = matches!(call, "CALL" | "CALLCODE");
    let value = if sends { format!("PUSH {value} ") } else { String::new() };
    let code = format!("PUSH 0 PUSH 0 PUSH 0 PUSH 0 {value}PUSH 0xff00 PUSH 0 {call}");
    // Each PUSH0 takes two, the others three.
    let before = 4 * 2
        + 3
        + 2
        + if value.is_empty() {
            0
        } else if value == "PUSH 0 " {
            2
        } else {
            3
        };
    let gas = (gas + before).to_string();
    let trace = ["--trace", "eip3155", "--dialect", "geth", "--fork", fork];
    let (status, _, err) = run(&[&["run", "--asm", &code, "--gas", &gas][..], &trace].concat());
    assert_eq!(status, Some(1), "{err}");
    let line = err.lines().rfind(|line| line.contains(call)).unwrap();
    serde_json::from_str(line).unwrap()
}

#[test]
fn geth_takes_the_cold_account_of_a_call_first() {
    for (fork, call) in ["Cancun", "Osaka"]
        .iter()
        .flat_map(|fork| ["CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"].map(|call| (*fork, call)))
    {
        // 100 is charged, and 2,500 is not there.
        for gas in [100, 985, 2599] {
            let line = geth_line(fork, call, 0, gas);
            assert_eq!(
                (&line["gasCost"], &line["error"]),
                (&"0x64".into(), &"out of gas: out of gas".into()),
                "{line}"
            );
        }
        let line = geth_line(fork, call, 0, 99);
        assert_eq!(line["error"], "out of gas", "{line}");
    }
    // The account is paid for, and the value is not: from EIP-7702 on that is found out inside as well.
    let line = geth_line("Osaka", "CALLCODE", 1, 2600);
    assert_eq!(
        (&line["gasCost"], &line["error"]),
        (&"0x64".into(), &"out of gas: out of gas".into()),
        "{line}"
    );
    let line = geth_line("Cancun", "CALLCODE", 1, 2600);
    assert_eq!((&line["gasCost"], &line["error"]), (&"0x2d50".into(), &"out of gas".into()), "{line}");
    let line = geth_line("Cancun", "CALLCODE", 1, 2599);
    assert_eq!(
        (&line["gasCost"], &line["error"]),
        (&"0x64".into(), &"out of gas: out of gas".into()),
        "{line}"
    );
}

#[test]
fn shells_and_readers_of_manuals_are_served() {
    for (shell, part) in
        [("bash", "complete -F"), ("zsh", "#compdef parallax"), ("fish", "complete -c parallax")]
    {
        let (status, out, err) = run(&["completions", shell]);
        assert_eq!((status, &*err), (Some(0), ""));
        assert!(out.contains(part) && out.contains("statetest"), "{shell}");
    }
    let (status, page, _) = run(&["man", "diff"]);
    assert!(
        status == Some(0) && page.contains(".TH parallax-diff 1") && page.contains("\\-\\-mode"),
        "{page}"
    );
    let folder = Folder::new();
    assert_eq!(run(&["man", "--out", &folder.path("man1")]).0, Some(0));
    for page in ["parallax.1", "parallax-run.1", "parallax-t8n.1"] {
        assert!(
            fs::read_to_string(folder.path(&format!("man1/{page}"))).unwrap().starts_with(".ie"),
            "{page}"
        );
    }
    assert!(!std::path::Path::new(&folder.path("man1/parallax-worker.1")).exists());
    refused(&["man", "nosuch"], &["nosuch: expected a command"]);
}
