//! `parallax t8n`: streams, files, traces, counts, and how it ends.

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
        let path = std::env::temp_dir().join(format!("parallax-t8n-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path(name)).unwrap()).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Exit status, standard output, standard error.
fn t8n(arguments: &[&str], stdin: &str) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_parallax"))
        .arg("t8n")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end without reading.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

const STDIN: [&str; 3] = ["--input.alloc=stdin", "--input.env=stdin", "--input.txs=stdin"];
const STDOUT: [&str; 3] = ["--output.result=stdout", "--output.alloc=stdout", "--output.body=stdout"];

/// The account of the secret key 1, and a contract that stores 1 and ends.
fn request() -> Value {
    let transaction = |nonce: &str| {
        json!({
            "nonce": nonce, "gasPrice": "0x64", "gas": "0x186a0", "value": "0x0", "input": "0x",
            "to": "0x00000000000000000000000000000000000000c0", "v": "0x0", "r": "0x0", "s": "0x0",
            "secretKey": format!("0x{:064x}", 1),
        })
    };
    json!({
        "alloc": {
            "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf": { "balance": "1000000000000000000" },
            "0x00000000000000000000000000000000000000c0": { "code": "0x600160005500" },
        },
        "env": {
            "currentCoinbase": "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba", "currentGasLimit": "0x989680",
            "currentNumber": "0x1", "currentTimestamp": "0x3e8", "currentRandom": "0x0", "currentBaseFee": "0x7",
            "withdrawals": [],
        },
        // The second one has a nonce that is too high.
        "txs": [transaction("0x0"), transaction("0x5"), transaction("0x1")],
    })
}

#[test]
fn streams_give_one_object_and_a_rejected_transaction_is_left_out() {
    for engine in ["primary", "mini", "revm"] {
        let options = [&STDIN[..], &STDOUT, &["--state.fork=Shanghai", "--engine", engine]].concat();
        let (status, out, err) = t8n(&options, &request().to_string());
        assert_eq!((status, err.as_str()), (Some(0), ""), "{engine}");
        let answer: Value = serde_json::from_str(&out).unwrap();
        let result = &answer["result"];
        assert_eq!(result["receipts"].as_array().unwrap().len(), 2, "{engine}");
        assert_eq!(result["rejected"][0]["index"], 1);
        let error = result["rejected"][0]["error"].as_str().unwrap();
        assert!(error.starts_with("nonce too high: nonce 5 is above the sender's 1"), "{error}");
        let slot = format!("0x{:064x}", 0);
        assert_eq!(answer["alloc"]["0x00000000000000000000000000000000000000c0"]["storage"][slot], "0x1");
        assert_eq!(answer["alloc"]["0x7e5f4552091a69125d5dfcb7b8c2659029395bdf"]["nonce"], "0x2");
        // The body comes back as it went.
        let mut again = request();
        again["txs"] = answer["body"].clone();
        let (_, out, _) = t8n(&options, &again.to_string());
        let second: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(second["result"]["txRoot"], result["txRoot"]);
        assert_eq!(second["alloc"], answer["alloc"]);
        assert_eq!(second["result"]["rejected"], json!([]));
    }
}

#[test]
fn files_are_read_and_written_with_traces_and_counts() {
    let folder = Folder::new("files");
    for part in ["alloc", "env", "txs"] {
        fs::write(folder.path(&format!("{part}.json")), request()[part].to_string()).unwrap();
    }
    let inputs = ["alloc", "env", "txs"]
        .map(|part| format!("--input.{part}={}", folder.path(&format!("{part}.json"))));
    let basedir = format!("--output.basedir={}", folder.path("out"));
    let mut options: Vec<&str> = inputs.iter().map(String::as_str).collect();
    options.extend([
        &basedir,
        "--state.fork",
        "Shanghai",
        "--output.body",
        "txs.rlp",
        "--trace",
        "--opcode.count",
        "opcodes.json",
    ]);
    let (status, out, err) = t8n(&options, "");
    assert_eq!((status, out.as_str(), err.as_str()), (Some(0), "", ""));
    assert_eq!(folder.json("out/result.json")["receipts"].as_array().unwrap().len(), 2);
    assert!(folder.json("out/alloc.json").is_object());
    assert!(folder.json("out/txs.rlp").as_str().unwrap().starts_with("0xf8"));
    assert_eq!(folder.json("out/opcodes.json"), json!({ "PUSH1": 4, "SSTORE": 2, "STOP": 2 }));
    // Traces count the transactions that are in the block, and are named by their hashes.
    let receipts = folder.json("out/result.json")["receipts"].clone();
    for (index, receipt) in receipts.as_array().unwrap().iter().enumerate() {
        let hash = receipt["transactionHash"].as_str().unwrap();
        let lines = fs::read_to_string(folder.path(&format!("out/trace-{index}-{hash}.jsonl"))).unwrap();
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.iter().filter(|line| line["pc"].is_number()).count(), 4);
        assert!(lines.last().unwrap()["gasUsed"].is_string());
    }
    // It does not write over what it reads.
    let before = fs::read(folder.path("alloc.json")).unwrap();
    let basedir = format!("--output.basedir={}", folder.path("."));
    let options: Vec<&str> =
        inputs.iter().map(String::as_str).chain([&*basedir, "--state.fork=Shanghai"]).collect();
    fs::hard_link(folder.path("alloc.json"), folder.path("other.json")).unwrap();
    // Under another name, too.
    for output in ["alloc.json", "other.json"] {
        let output = format!("--output.alloc={output}");
        let (status, out, err) = t8n(&[&options[..], &[&output]].concat(), "");
        assert_eq!((status, out.as_str()), (Some(11), ""));
        let said = "json: the alloc would be written over what is read: give another --output.basedir\n";
        assert!(err.ends_with(said), "{err}");
    }
    assert_eq!(fs::read(folder.path("alloc.json")).unwrap(), before);
    assert!(!PathBuf::from(folder.path("result.json")).exists());
    let files = fs::read_dir(folder.path("out")).unwrap().count();
    assert_eq!(files, 6, "two traces and four outputs");
}

#[test]
fn it_ends_with_the_statuses_of_the_tool_it_stands_for() {
    let options = |fork: &'static str| [&STDIN[..], &STDOUT, &["--state.fork", fork]].concat();
    let check = |fork, request: String, status, said: &str| {
        let (found, out, err) = t8n(&options(fork), &request);
        assert_eq!((found, out.as_str()), (Some(status), ""), "{err}");
        assert!(err.starts_with(&format!("ERROR({status}): {said}")), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    };
    let without = |field: &str| {
        let mut request = request();
        request["env"].as_object_mut().unwrap().remove(field);
        request.to_string()
    };
    let unknown = "unknown fork \"Nowhere\", expected one of Frontier Homestead DAOFork TangerineWhistle";
    check("Nowhere", request().to_string(), 3, unknown);
    check("Shanghai", without("withdrawals"), 3, "env: these rules need withdrawals");
    check("Shanghai", without("currentBaseFee"), 3, "env: these rules need currentBaseFee");
    check("Cancun", request().to_string(), 3, "env: these rules need parentBeaconBlockRoot");
    check("Shanghai", "{".to_owned(), 10, "standard input: EOF");
    let mut wrong = request();
    wrong["txs"][2]["gas"] = json!("0xzz");
    check("Shanghai", wrong.to_string(), 10, "t8n: at txs[2].gas: expected an integer below 2^64");
    // BLOCKHASH of the block before, which is not told.
    let mut hash = request();
    hash["alloc"]["0x00000000000000000000000000000000000000c0"]["code"] = json!("0x60004000");
    check("Shanghai", hash.to_string(), 4, "the hash of block 0 is not known");
    let reward = [&options("Shanghai")[..], &["--state.reward=0x80", "--state.chainid", "0x1"]].concat();
    assert_eq!(t8n(&reward, &request().to_string()).0, Some(0));
    let (status, _, err) = t8n(&["--input.alloc=/nowhere/a.json"], "");
    assert_eq!(status, Some(11));
    assert!(err.starts_with("ERROR(11): /nowhere/a.json: "), "{err}");
}

/// The framework cannot sort what has no name, and the specification does not count it.
#[test]
fn what_is_no_opcode_of_the_code_is_not_counted() {
    for (code, counted) in [
        ("0x5f00", json!({})),
        ("0xe600", json!({})),
        ("0xfe", json!({})),
        ("0x4400", json!({ "PREVRANDAO": 2, "STOP": 2 })),
        ("0x44", json!({ "PREVRANDAO": 2 })),
    ] {
        let folder = Folder::new("undefined");
        let mut request = request();
        request["alloc"]["0x00000000000000000000000000000000000000c0"]["code"] = json!(code);
        request["env"]["currentDifficulty"] = json!("0x20000");
        let basedir = folder.path("");
        let options =
            ["--output.basedir", &basedir, "--opcode.count", "opcodes.json", "--state.fork", "London"];
        let (status, _, err) = t8n(&[&STDIN[..], &STDOUT, &options].concat(), &request.to_string());
        assert_eq!(status, Some(0), "{err}");
        assert_eq!(folder.json("opcodes.json"), counted, "{code}");
    }
}

/// The framework takes a fork for supported if its name is in this text.
#[test]
fn the_help_names_every_fork_as_the_framework_does() {
    let (status, out, _) = t8n(&["--help"], "");
    assert_eq!(status, Some(0));
    let forks = "Frontier Homestead DAOFork TangerineWhistle SpuriousDragon Byzantium Constantinople \
        ConstantinopleFix Istanbul MuirGlacier Berlin London ArrowGlacier GrayGlacier Merge Shanghai Cancun Prague Osaka \
        BPO1 BPO2 BPO3 BPO4 BPO5 Amsterdam";
    for fork in forks.split_whitespace() {
        assert!(out.contains(fork), "{fork}");
        let options = [&STDIN[..], &STDOUT, &["--state.fork", fork]].concat();
        let (_, _, err) = t8n(&options, r#"{"alloc": {}, "env": {}, "txs": []}"#);
        assert!(err.starts_with("ERROR(10): t8n: at env.currentNumber"), "{fork}: {err}");
    }
}
