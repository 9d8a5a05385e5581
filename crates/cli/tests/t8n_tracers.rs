//! `parallax t8n --trace.tracer`: one file for each transaction that is in the block, by a tracer of go-ethereum's name; and
//! `--trace.callframes`, lines of call frames among those of opcodes.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

/// A folder of one test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("parallax-t8n-tracers-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The traces in it, by their index, as JSON.
    fn traces(&self) -> Vec<Value> {
        let mut files: Vec<_> = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with("trace-"));
        files.sort();
        assert!(files.iter().all(|path| path.extension().unwrap() == "json"), "{files:?}");
        files.iter().map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Exit status and standard error.
fn t8n(words: &[&str], folder: &Folder, options: &[&str]) -> (Option<i32>, String) {
    t8n_of(&request(), words, folder, options)
}

fn t8n_of(request: &Value, words: &[&str], folder: &Folder, options: &[&str]) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_parallax"))
        .args(words)
        .args(["--input.alloc=stdin", "--input.env=stdin", "--input.txs=stdin", "--state.fork=Shanghai"])
        .args(["--output.basedir", folder.0.to_str().unwrap()])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end without reading.
    let _ = child.stdin.take().unwrap().write_all(request.to_string().as_bytes());
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// The account of the secret key 1, and a contract that logs. The second of three transactions has a nonce that is too high.
fn request() -> Value {
    let transaction = |nonce: &str| {
        json!({
            "nonce": nonce, "gasPrice": "0x64", "gas": "0x186a0", "value": "0x0", "input": "0x01020304",
            "to": "0x00000000000000000000000000000000000000c0", "v": "0x0", "r": "0x0", "s": "0x0",
            "secretKey": format!("0x{:064x}", 1),
        })
    };
    json!({
        "alloc": {
            "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf": { "balance": "1000000000000000000" },
            // PUSH0 PUSH0 LOG0 STOP
            "0x00000000000000000000000000000000000000c0": { "code": "0x5f5fa000" },
        },
        "env": {
            "currentCoinbase": "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba", "currentGasLimit": "0x989680",
            "currentNumber": "0x1", "currentTimestamp": "0x3e8", "currentRandom": "0x0", "currentBaseFee": "0x7",
            "withdrawals": [],
        },
        "txs": [transaction("0x0"), transaction("0x5"), transaction("0x1")],
    })
}

#[test]
fn each_transaction_in_the_block_has_a_tree_and_logs_are_numbered_through() {
    for (words, engine, tracer) in [
        (&["t8n"][..], "primary", ["--trace.tracer", "callTracer"]),
        (&["t8n"], "mini", ["--trace", "call"]),
        (&["evm", "t8n"], "primary", ["--trace.tracer", "call"]),
    ] {
        let folder = Folder::new("calls");
        let options =
            ["--engine", engine, tracer[0], tracer[1], "--trace.jsonconfig", r#"{"withLog": true}"#];
        assert_eq!(t8n(words, &folder, &options), (Some(0), String::new()));
        let traces = folder.traces();
        assert_eq!(traces.len(), 2);
        for (index, trace) in traces.iter().enumerate() {
            // 21000, four bytes of data, three opcodes.
            let used = 21_000 + 4 * 16 + 2 * 2 + 375;
            let expected = json!({
                "from": "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf", "gas": "0x186a0", "gasUsed": format!("{used:#x}"),
                "to": "0x00000000000000000000000000000000000000c0", "input": "0x01020304", "value": "0x0", "type": "CALL",
                "logs": [{
                    "address": "0x00000000000000000000000000000000000000c0", "topics": [], "data": "0x",
                    "index": format!("{index:#x}"), "position": "0x0",
                }],
            });
            assert_eq!(*trace, expected, "{engine}");
        }
    }
}

#[test]
fn a_state_is_that_before_its_own_transaction() {
    let folder = Folder::new("states");
    let options = ["--trace.tracer=prestateTracer", "--trace", "--opcode.count=counts.json"];
    assert_eq!(t8n(&["t8n"], &folder, &options), (Some(0), String::new()));
    let nonces = folder
        .traces()
        .into_iter()
        .map(|state| state["0x7e5f4552091a69125d5dfcb7b8c2659029395bdf"]["nonce"].clone());
    assert_eq!(nonces.collect::<Vec<_>>(), [Value::Null, json!(1)]);
    let counts: Value = serde_json::from_slice(&fs::read(folder.0.join("counts.json")).unwrap()).unwrap();
    assert_eq!(counts["LOG0"], json!(2));
}

#[test]
fn what_is_no_tracer_or_no_option_is_told_before_anything_is_written() {
    let folder = Folder::new("wrong");
    for (options, told) in [
        (
            &["--trace.tracer", "nothing"][..],
            "ERROR(3): --trace.tracer: unknown tracer \"nothing\", expected one of call (callTracer), ",
        ),
        (
            &["--trace", "nothing"],
            "ERROR(3): --trace: unknown tracer \"nothing\", expected one of call (callTracer), ",
        ),
        (
            &["--trace", "call", "--trace.tracer", "flat"],
            "ERROR(3): --trace call and --trace.tracer flat: expected one tracer",
        ),
        (&["--trace.jsonconfig", "{}"], "ERROR(3): --trace.jsonconfig: expected --trace.tracer NAME as well"),
        (
            &["--trace.tracer", "callTracer", "--trace.jsonconfig", "{"],
            "ERROR(3): --trace.jsonconfig: expected JSON: ",
        ),
        (
            &["--trace.tracer", "callTracer", "--trace.jsonconfig", r#"{"a": 1}"#],
            "ERROR(3): --trace.tracer: options of callTracer: unknown option \"a\"",
        ),
    ] {
        let (status, err) = t8n(&["t8n"], &folder, options);
        assert_eq!((status, err.lines().count()), (Some(3), 1), "{err}");
        assert!(err.starts_with(told), "{err}");
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
    }
}

#[test]
fn frames_are_told_where_they_begin() {
    let address = |last: &str| format!("0x{last:0>40}");
    let mut request = request();
    let alloc = &mut request["alloc"];
    // Messages of every kind, without input: CALL of d0 with a value of 7, DELEGATECALL of d0, STATICCALL of d1, CREATE.
    let zeros = "5f5f5f5f";
    let code = format!("0x{zeros}600760d05af150{zeros}60d05af450{zeros}60d15afa505f5f5ff0");
    alloc[address("c0")] = json!({ "code": code, "balance": "0x64" });
    // PUSH1 e0 SELFDESTRUCT, and INVALID.
    alloc[address("d0")] = json!({ "code": "0x60e0ff" });
    alloc[address("d1")] = json!({ "code": "0xfe" });
    let transactions = request["txs"].as_array_mut().unwrap();
    transactions.truncate(1);
    transactions[0]["gas"] = "0x989680".into();
    for (engine, memory) in [("primary", true), ("mini", true), ("primary", false)] {
        let folder = Folder::new("frames");
        let options = ["--trace", "--trace.callframes", "--engine", engine, "--trace.memory"];
        let options = if memory { &options[..] } else { &options[..4] };
        assert_eq!(t8n_of(&request, &["t8n"], &folder, options), (Some(0), String::new()));
        let paths = fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().path());
        let path = paths.into_iter().find(|path| path.extension().unwrap() == "jsonl").unwrap();
        let text = fs::read_to_string(path).unwrap();
        let input = if memory { r#""input":"0x01020304","# } else { "" };
        let first = format!(
            r#"{{"from":"0x7e5f4552091a69125d5dfcb7b8c2659029395bdf","to":"0x00000000000000000000000000000000000000c0",{input}"gas":"0x"#
        );
        assert!(text.starts_with(&first), "{text}");
        // Of other lines what is told of frames, not of opcodes: how, by whom, to whom, with which value; or how it ended.
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let told = lines.filter(|line| line.get("pc").is_none()).map(|line| {
            let last = |key: &str| line[key].as_str().map_or("", |address| &address[40..]).to_owned();
            let value = line["value"].as_str().unwrap_or("none").to_owned();
            match line["type"].as_str() {
                Some("CREATE") => format!("CREATE {} {value}", last("from")),
                Some(kind) => format!("{kind} {} {} {value}", last("from"), last("to")),
                None => line["error"].as_str().unwrap_or("end").to_owned(),
            }
        });
        let expected = [
            "CALL df c0 0x0",
            "CALL c0 d0 0x7",
            "SELFDESTRUCT d0 e0 0x7",
            "end",
            "end",
            "DELEGATECALL c0 d0 0x0",
            "SELFDESTRUCT c0 e0 0x5d",
            "end",
            "end",
            "STATICCALL c0 d1 none",
            "invalid opcode: INVALID",
            "CREATE c0 0x0",
            "end",
            "end",
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected, "{engine}");
        // An opcode has its line before what it sends.
        let has_line = |opcode: &str, behind: &str| {
            let lines: Vec<_> = text.lines().collect();
            lines.windows(2).any(|pair| pair[0].contains(opcode) && pair[1].contains(behind))
        };
        assert!(has_line(r#""opName":"STATICCALL""#, r#""type":"STATICCALL""#), "{text}");
        assert!(has_line(r#""opName":"SELFDESTRUCT""#, r#""type":"SELFDESTRUCT""#), "{text}");
    }
}
