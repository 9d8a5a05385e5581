//! `--trace NAME`: what a tracer answers of each transaction, through every command.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod support;

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use support::{fixture, run};

/// A file that is not there, and goes when the test ends.
struct Out(String);

impl Out {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("parallax-tracers-{}-{name}", std::process::id()));
        Self(path.to_str().unwrap().to_owned())
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.0).unwrap()
    }

    /// What is in it, an object a line.
    fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The answers of a command that ends with this status.
#[track_caller]
fn answers(status: i32, command: &[&str], tracer: &[&str]) -> Vec<Value> {
    traced(status, command, tracer).lines()
}

#[track_caller]
fn traced(status: i32, command: &[&str], tracer: &[&str]) -> Out {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let out = Out::new(&NEXT.fetch_add(1, Ordering::Relaxed).to_string());
    let (ended, _, err) = run(&[command, &["--trace"], tracer, &["--trace-out", &out.0]].concat());
    assert_eq!((ended, err.as_str()), (Some(status), ""));
    out
}

/// Sets a slot, and logs nothing.
const CODE: &str = "0x60016002555f5fa000";

#[test]
fn a_run_is_answered_by_either_name() {
    let long = answers(0, &["run", CODE], &["callTracer", "--trace-config", r#"{"withLog":true}"#]);
    let short = answers(0, &["run", CODE], &["call", "--trace-config", r#"{"withLog":true}"#]);
    assert_eq!(long, short);
    assert_eq!((&short[0]["type"], short[0]["logs"][0]["topics"].clone()), (&json!("CALL"), json!([])));
    assert_eq!(answers(0, &["run", CODE], &["call"])[0].get("logs"), None);
    assert_eq!(answers(0, &["run", CODE], &["noop"]), [json!({})]);
    // Each input is a line.
    let two = answers(0, &["run", CODE, "--input", "0x01020304", "--input", "0x0102030405"], &["4byte"]);
    assert_eq!(two, [json!({"0x01020304-0": 1}), json!({"0x01020304-1": 1})]);
    let mux = answers(0, &["run", CODE], &["mux", "--trace-config", r#"{"noop":null,"4byteTracer":{}}"#]);
    assert_eq!(mux, [json!({"noop": {}, "4byteTracer": {}})]);
}

#[test]
fn several_traces_have_each_its_own_options() {
    let (calls, state, lines) =
        (Out::new("several-calls"), Out::new("several-state"), Out::new("several-lines"));
    let command = [
        "run",
        CODE,
        "--trace",
        "call",
        "--trace",
        "eip3155",
        "--trace",
        "prestate",
        "--trace-config",
        r#"{"withLog":true}"#,
        "--trace-config",
        r#"{"diffMode":true}"#,
        "--trace-out",
        &calls.0,
        "--trace-out",
        &lines.0,
        "--trace-out",
        &state.0,
    ];
    assert_eq!(run(&command).0, Some(0));
    assert!(calls.lines()[0]["logs"].is_array());
    let slots: Vec<_> = state.lines()[0]["post"]
        .as_object()
        .unwrap()
        .values()
        .filter_map(|row| row.get("storage").cloned())
        .collect();
    assert_eq!(slots, [json!({format!("{:#066x}", 2): format!("{:#066x}", 1)})]);
    // Seven opcodes and the line behind them.
    assert_eq!(lines.lines().len(), 8);
}

#[test]
fn a_state_test_has_a_line_for_each_case_and_both_engines_the_same() {
    let path = fixture("calls.json");
    let cases = run(&["statetest", &path, "--json"]).1.lines().count();
    for tracer in ["call", "flat", "prestate", "4byte"] {
        // Some calls are too deep for a reader of JSON that goes by recursion.
        let on = |engine| traced(0, &["statetest", &path, "--engine", engine], &[tracer]).text();
        let primary = on("primary");
        assert_eq!(primary.lines().count(), cases);
        assert_eq!(primary, on("mini"), "{tracer}");
    }
}

#[test]
fn a_transaction_that_is_refused_says_why() {
    let path = fixture("transactions.json");
    let told = run(&["statetest", &path, "--json"]).1;
    let refused: Vec<_> = told
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["exception"].is_string())
        .collect();
    assert!(refused.contains(&true));
    let lines = answers(0, &["statetest", &path], &["call"]);
    let errors: Vec<_> =
        lines.iter().map(|line| line.get("result").is_none() && line["error"].is_string()).collect();
    assert_eq!(errors, refused);
}

/// Of several files, forks and numbers, each line says which case it is of.
#[test]
fn a_line_of_a_state_test_says_of_which_case_it_is() {
    let paths = [fixture("transactions.json"), fixture("state_gas.json")];
    let arguments = ["statetest", &paths[0], &paths[1]];
    let told = run(&[&arguments[..], &["--json"]].concat()).1;
    let which = |line: &Value, test: &str| ["file", test, "fork", "d", "g", "v"].map(|key| line[key].clone());
    let cases: Vec<_> =
        told.lines().map(|line| which(&serde_json::from_str(line).unwrap(), "name")).collect();
    assert!(paths.iter().all(|path| cases.iter().any(|case| case[0] == **path)));
    assert!(cases.iter().any(|case| case[3] != 0) && cases.iter().any(|case| case[4] != 0));
    let lines = answers(0, &arguments, &["4byte"]);
    assert_eq!(lines.iter().map(|line| which(line, "test")).collect::<Vec<_>>(), cases);
    // So does one that is no JSON by itself.
    let folded = answers(0, &arguments, &["folded"]);
    assert_eq!(folded.iter().map(|line| which(line, "test")).collect::<Vec<_>>(), cases);
    let is_told = |line: &Value| line["result"].is_string() || line["error"].is_string();
    assert!(folded.iter().all(is_told), "{folded:?}");
}

#[test]
fn a_chain_has_a_line_for_each_transaction_and_their_gas_is_that_of_its_blocks() {
    let path = fixture("../block-tests/blocks.json");
    let tests: Vec<Value> = run(&["blocktest", &path, "--json"])
        .1
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for engine in ["primary", "mini"] {
        let lines = answers(
            0,
            &["blocktest", &path, "--engine", engine],
            &["call", "--trace-config", r#"{"withLog":true}"#],
        );
        for test in &tests {
            for (index, block) in test["blocks"].as_array().unwrap().iter().enumerate() {
                let of_block: Vec<_> = lines
                    .iter()
                    .filter(|line| line["test"] == test["name"] && line["block"] == index)
                    .collect();
                if block["refused"].is_string() {
                    continue;
                }
                let gas = |line: &&&Value| {
                    u64::from_str_radix(&line["result"]["gasUsed"].as_str().unwrap()[2..], 16).unwrap()
                };
                // Where there are two gases, that of a block is the larger sum of the two.
                let sum: u64 = of_block.iter().map(|line| gas(&line)).sum();
                assert!(test["network"] == "Amsterdam" || block["gasUsed"] == sum, "{sum}, {block}");
                let hashes: BTreeSet<_> =
                    of_block.iter().map(|line| line["txHash"].as_str().unwrap()).collect();
                assert_eq!(Some(hashes.len() as u64), block["transactions"].as_u64());
                let indexes: Vec<_> =
                    of_block.iter().map(|line| line["transaction"].as_u64().unwrap()).collect();
                assert!(indexes.iter().copied().eq(0..hashes.len() as u64), "{indexes:?}");
                assert!(
                    of_block.iter().all(|line| line["number"] == block["number"] && line["file"] == *path)
                );
            }
        }
        assert!(lines.iter().any(|line| line["result"].is_object()));
    }
    // What is no JSON is a string among it.
    for line in answers(0, &["blocktest", &path], &["folded"]).iter().filter(|line| line["error"].is_null()) {
        assert!(line["result"].as_str().unwrap().starts_with("transaction "), "{line}");
    }
    // Lines of opcodes stand one behind the other.
    assert!(answers(0, &["blocktest", &path], &["eip3155"]).len() > tests.len());
}

#[test]
fn what_cannot_be_is_told_in_a_line() {
    for (words, told) in [
        (&["--trace", "call", "--trace-config", "{"][..], "--trace-config \"{\": expected JSON: "),
        (
            &["--trace", "call", "--trace-config", r#"{"a":1}"#],
            "--trace call: options of callTracer: unknown option \"a\"",
        ),
        (
            &["--trace", "struct", "--trace-config", "{}"],
            "--trace-config is of tracers: expected --trace call or another one",
        ),
        (
            &["--trace", "call", "--dialect", "geth"],
            "--dialect: a tracer shows no steps, expected --trace eip3155 or --trace struct as well",
        ),
        (
            &["--trace", "call", "--trace-memory"],
            "--trace-memory: a tracer shows no steps, expected --trace eip3155 or --trace struct as well",
        ),
        (
            &[
                "--trace",
                "call",
                "--trace",
                "flat",
                "--trace",
                "4byte",
                "--trace-config",
                "{}",
                "--trace-config",
                "{}",
            ],
            "2 --trace-config and 3 --trace of a tracer: expected one of each, or one --trace-config",
        ),
        (
            &["--trace", "prestate", "--trace-config", r#"{"diffMode":true,"includeEmpty":true}"#],
            "--trace prestate: options of prestateTracer: ",
        ),
    ] {
        let (status, _, err) = run(&[&["run", CODE], words].concat());
        assert_eq!((status, err.lines().count()), (Some(2), 1), "{err}");
        assert!(err.contains(told), "{err}");
    }
    let (status, _, err) =
        run(&["blocktest", &fixture("../block-tests/blocks.json"), "--trace", "call", "--jobs", "2"]);
    assert_eq!(status, Some(2));
    assert!(err.contains("--trace runs one case after the other: expected no --jobs"), "{err}");
}

/// The page of tracers, as it stands.
#[test]
fn every_command_of_the_page_prints_what_it_says() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tracers.md")).unwrap();
    let blocks = |kind: &str| {
        let opening = format!("```{kind}\n");
        let blocks = page.split(&opening).skip(1).map(|block| block.split("```").next().unwrap().to_owned());
        blocks.collect::<Vec<_>>()
    };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("counter.asm"), &blocks("asm")[0]).unwrap();
    fs::copy(fixture("../block-tests/blocks.json"), folder.path().join("blocks.json")).unwrap();
    fs::copy(fixture("state_gas.json"), folder.path().join("state_gas.json")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_parallax")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let commands = blocks("console");
    assert_eq!(commands.len(), 17);
    for block in commands {
        let (command, told) = block.strip_prefix("$ ").unwrap().split_once('\n').unwrap();
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir(&folder)
            .env("PATH", &path)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{command}");
        let printed = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        let mut printed = printed.lines();
        for line in told.lines() {
            let here = if line == "..." { Some("") } else { printed.next() };
            let is_told = match line.strip_suffix("...") {
                Some("") => true,
                Some(start) => here.is_some_and(|here| here.starts_with(start.trim_end())),
                None => here == Some(line),
            };
            assert!(is_told, "{command}: {here:?} instead of {line}");
        }
        assert!(told.ends_with("...\n") || printed.next().is_none(), "{command}: more lines");
    }
}
