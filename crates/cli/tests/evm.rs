//! go-ethereum's words: `parallax evm`, and the program under the name `evm`, as test frameworks and harnesses ask it.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc::channel,
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use support::{fixture, run};

/// A folder of one test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("parallax-evm-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// As [`run`], behind `parallax evm`.
fn evm(words: &[&str]) -> (Option<i32>, String, String) {
    run(&[&["evm"], words].concat())
}

fn evm_with(words: &[&str], stdin: &str) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_parallax"))
        .arg("evm")
        .args(words)
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

fn array(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

/// Two tests of one file: one passes, of the other the root is wrong.
fn two_tests() -> String {
    let file: Value = serde_json::from_str(&fs::read_to_string(fixture("arithmetic.json")).unwrap()).unwrap();
    let (_, test) = file.as_object().unwrap().iter().next().unwrap();
    let mut test = test.clone();
    let forks = test["post"].as_object().unwrap().clone();
    let (fork, entries) = forks.iter().next().unwrap();
    test["post"] = json!({ fork.as_str(): [entries[0]] });
    let mut wrong = test.clone();
    wrong["post"][fork.as_str()][0]["hash"] = json!(format!("0x{}", "11".repeat(32)));
    json!({ "tests/a.py::test_a[fork_x-state_test-b c]": test, "tests/a.py::test_wrong[d]": wrong })
        .to_string()
}

#[test]
fn the_version_is_what_the_framework_looks_for() {
    let said = (Some(0), format!("evm version {}-parallax\n", env!("CARGO_PKG_VERSION")), String::new());
    for words in [&["-v"][..], &["evm", "-v"], &["evm", "--version"]] {
        assert_eq!(run(words), said, "{words:?}");
    }
    assert_eq!(run(&["-v", "run"]).0, Some(2));
}

#[test]
fn a_program_called_evm_knows_these_words_alone() {
    let folder = Folder::new("name");
    let program = folder.0.join("evm");
    if fs::hard_link(env!("CARGO_BIN_EXE_parallax"), &program).is_err() {
        fs::copy(env!("CARGO_BIN_EXE_parallax"), &program).unwrap();
    }
    let out = |word: &str| Command::new(&program).arg(word).output().unwrap();
    assert!(out("-v").stdout.starts_with(b"evm version "));
    assert_eq!(out("disasm").status.code(), Some(1));
    let help = out("--help");
    assert!(help.status.success());
    for word in ["statetest", "blocktest", "t8n"] {
        assert!(String::from_utf8_lossy(&help.stdout).contains(word), "{word}");
    }
}

#[test]
fn the_results_are_one_array_and_a_failing_test_is_no_error() {
    let folder = Folder::new("results");
    folder.file("tests/b.json", &two_tests());
    folder.file("tests/c.json.gz", "of a folder, what is packed is not looked at");
    let (status, out, err) = evm(&["--verbosity", "100", "statetest", &format!("{}/tests", folder.path())]);
    assert_eq!(status, Some(0), "{err}");
    let results = array(&out);
    assert!(out.starts_with("[\n  {\n    \"name\": \"tests/a.py"), "{out}");
    assert_eq!(results.len(), 2);
    assert_eq!(results[0]["pass"], true);
    assert_eq!(results[0].get("error"), None);
    assert_eq!(results[1]["pass"], false);
    assert!(results[1]["error"].as_str().unwrap().contains("state root is 0x"));
    let roots: Vec<_> =
        results.iter().map(|result| format!("{{\"stateRoot\": {}}}", result["stateRoot"])).collect();
    assert_eq!(err.lines().collect::<Vec<_>>(), roots, "a blank behind the colon, one a case");
}

#[test]
fn a_test_is_chosen_by_name_fork_and_number() {
    let folder = Folder::new("chosen");
    let file = folder.file("a.json", &two_tests());
    // As Python's re.escape writes the first name.
    let escaped = r"tests/a\.py::test_a\[fork_x\-state_test\-b\ c\]";
    let count = |words: &[&str]| array(&evm(&[&["statetest"], words, &[&file]].concat()).1).len();
    assert_eq!(count(&["--run", escaped]), 1);
    assert_eq!(count(&["--run", "nothing has this name"]), 0);
    assert_eq!(count(&["-run=test_"]), 2, "one dash is as good as two");
    let many = fixture("arithmetic.json");
    let all = array(&evm(&["statetest", &many]).1);
    let fork = all[0]["fork"].as_str().unwrap();
    let of_fork = array(&evm(&["statetest", "--statetest.fork", fork, &many]).1);
    assert!(!of_fork.is_empty() && of_fork.iter().all(|result| result["fork"] == fork));
    let first = array(&evm(&["statetest", "--statetest.index", "0", &many]).1);
    assert!(!first.is_empty() && first.len() < all.len());
    assert_eq!(count(&["--statetest.index", "7"]), 0);
}

#[test]
fn people_get_lines_and_a_sum() {
    let folder = Folder::new("human");
    let file = folder.file("a.json", &two_tests());
    let (_, out, _) = evm(&["statetest", "--human", &file]);
    assert!(
        out.starts_with(
            "[PASS] tests/a.py::test_a[fork_x-state_test-b c]\n[FAIL] tests/a.py::test_wrong[d], err="
        ),
        "{out}"
    );
    assert!(out.ends_with("--\n1 tests passed, 1 tests failed.\n"), "{out}");
    let (_, out, _) = evm(&["statetest", "--dump", &file]);
    for result in array(&out) {
        let root = result["stateRoot"].as_str().unwrap().strip_prefix("0x").unwrap();
        assert_eq!(result["state"]["root"], root);
        assert!(result["state"]["accounts"].as_object().unwrap().iter().all(|(address, account)| {
            account["address"] == address.to_lowercase() && account["balance"].is_string()
        }));
    }
}

#[test]
fn what_cannot_be_read_is_one_line_and_status_1() {
    for words in [
        &["statetest", "absent.json"][..],
        &["blocktest", "absent.json"],
        &["statetest", "--frob"],
        &["statetest", "--run", "("],
        &["frob"],
        &["t8n", "--frob"],
    ] {
        let (status, out, err) = evm(words);
        assert_eq!((status, out.as_str()), (Some(1), ""), "{words:?} {err}");
        assert_ne!(err, "");
    }
    let (_, _, err) = evm(&["statetest", "absent.json"]);
    assert_eq!(err.lines().count(), 1, "{err}");
}

#[test]
fn old_and_new_words_write_the_same_trace() {
    let folder = Folder::new("trace");
    let file = folder.file("a.json", &two_tests());
    let new = [
        "statetest",
        "--trace",
        "--trace.format=json",
        "--trace.nomemory=true",
        "--trace.noreturndata=true",
        &file,
    ];
    let new = evm(&new).2;
    assert!(new.starts_with("{\"pc\":0,\"op\":"), "{new}");
    let closing = new.lines().filter(|line| line.starts_with("{\"stateRoot\": \"0x")).count();
    assert_eq!(closing, 2);
    assert_eq!(evm(&["--json", "--nomemory", "--noreturndata", "statetest", &file]).2, new);
    let ours = run(&[
        "statetest",
        &file,
        "--in-process",
        "--trace",
        "eip3155",
        "--dialect",
        "geth",
        "--no-return-data",
    ])
    .2;
    let steps = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with("{\"pc\"")).map(str::to_owned).collect()
    };
    assert_eq!(steps(&new), steps(&ours));
    let memory = evm(&["statetest", "--trace", "--trace.nomemory=false", "--trace.nostack", &file]).2;
    assert!(!memory.contains("\"stack\""));
    let count = steps(&new).len();
    let text = evm(&["statetest", "--trace", "--trace.format", "struct", &file]).2;
    assert_eq!(text.lines().filter(|line| line.contains(" pc=")).count(), count, "{text}");
    assert_eq!(evm(&["statetest", "--debug", &file]).2, text);
    let table = evm(&["statetest", "--trace", "--trace.format", "md", &file]).2;
    assert_eq!(table.matches("Pre-execution info:").count(), 2);
    assert_eq!(
        table.lines().filter(|line| line.starts_with("| ") && !line.contains("Pc")).count(),
        count,
        "{table}"
    );
}

#[test]
fn a_bad_line_is_answered_and_the_next_runs() {
    let folder = Folder::new("bad");
    let file = folder.file("a.json", &two_tests());
    let list = format!("absent.json\n{}\n{file}\n\nnever.json\n", "x".repeat(1 << 17));
    let (status, out, err) = evm_with(&["statetest"], &list);
    assert_eq!(status, Some(0), "{err}");
    assert!(!out.contains("never"), "an empty line is the end");
    let answers: Vec<Vec<Value>> =
        serde_json::Deserializer::from_str(&out).into_iter().collect::<Result<_, _>>().unwrap();
    assert_eq!(answers.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 2]);
    assert_eq!((&answers[0][0]["name"], &answers[0][0]["pass"]), (&json!("absent.json"), &json!(false)));
    assert!(answers[1][0]["error"].as_str().unwrap().contains("longer than"), "{out}");
    let zeros = format!("{{\"stateRoot\": \"0x{}\"}}", "0".repeat(64));
    let roots: Vec<_> = err.lines().collect();
    assert_eq!(roots.len(), 4);
    assert_eq!((roots[0], roots[1]), (zeros.as_str(), zeros.as_str()), "whoever waits for a root gets one");
    let (status, _, err) = evm_with(&["statetest"], &two_tests());
    assert_eq!(status, Some(1));
    assert!(err.contains("found what looks like JSON"), "{err}");
    let (_, out, _) = evm_with(&["blocktest"], &format!("{file}\n"));
    assert!(out.contains("a test of another kind"), "{out}");
}

/// Lines as they come. Waiting for one has an end, so that a program that does not answer is a failure and no standstill.
fn lines_of(source: impl Read + Send + 'static) -> impl FnMut() -> String {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(source).lines() {
            if sender.send(line.unwrap()).is_err() {
                return;
            }
        }
    });
    move || lines.recv_timeout(Duration::from_secs(60)).expect("an answer, before the next path is written")
}

/// Writes one path, has `answered` read its answer from standard output and standard error, and writes the next.
#[track_caller]
fn asks_and_waits(
    words: &[&str],
    times: usize,
    mut answered: impl FnMut(&mut dyn FnMut() -> String, &mut dyn FnMut() -> String),
) {
    let folder = Folder::new(&format!("wait-{}", words.join("").replace('-', "")));
    let test: Value = serde_json::from_str(&two_tests()).unwrap();
    let (name, test) = test.as_object().unwrap().iter().next().unwrap();
    let file = folder.file("a.json", &json!({ name.as_str(): test }).to_string());
    let mut child = Command::new(env!("CARGO_BIN_EXE_parallax"))
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut out = lines_of(child.stdout.take().unwrap());
    let mut err = lines_of(child.stderr.take().unwrap());
    for _ in 0..times {
        writeln!(input, "{file}").unwrap();
        answered(&mut out, &mut err);
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

/// As goevmlab reads what geth says: the root on standard error, behind the steps, and, as others do, the array.
fn as_geth(words: &[&str], is_traced: bool) {
    asks_and_waits(&[&["evm", "statetest"], words].concat(), 1000, |out, err| {
        let mut steps = 0;
        while !err().starts_with("{\"stateRoot\": \"0x") {
            steps += 1;
        }
        assert_eq!(steps > 0, is_traced, "{steps} lines of a trace");
        let mut answer = String::new();
        while !answer.ends_with("\n]") {
            answer = format!("{answer}\n{}", out());
        }
        assert_eq!(array(&answer)[0]["pass"], true);
    });
}

#[test]
fn each_line_is_answered_when_it_comes() {
    as_geth(&[], false);
    as_geth(&["--trace", "--trace.format=json", "--trace.nomemory=true", "--trace.noreturndata=true"], true);
}

#[test]
fn so_it_is_by_our_own_commands() {
    let passes = |out: &mut dyn FnMut() -> String, _: &mut dyn FnMut() -> String| {
        let line: Value = serde_json::from_str(&out()).unwrap();
        assert!(line["pass"] == true || line["verdict"] == "agree", "{line}");
    };
    asks_and_waits(&["statetest", "-", "--json", "--in-process"], 200, passes);
    asks_and_waits(&["statetest", "-", "--json", "--jobs", "2"], 20, passes);
    asks_and_waits(&["diff", "-", "--json", "--in-process"], 200, passes);
    asks_and_waits(&["diff", "-", "--json"], 20, passes);
    let traced = ["statetest", "-", "--json", "--trace", "eip3155", "--dialect", "geth"];
    asks_and_waits(&traced, 200, |out, err| {
        while !err().starts_with("{\"stateRoot\": \"0x") {}
        passes(out, err);
    });
}

/// A bad line of a list is told, and the next runs; JSON instead of a list is told once.
#[test]
fn a_list_of_paths_is_one() {
    let stack = fixture("stack.json");
    let list = format!("absent.json\n{}\n{stack}\n", "x".repeat(1 << 17));
    let answer = |words: &[&str], list: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_parallax"))
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    for command in ["statetest", "diff"] {
        let (status, out, err) = answer(&[command, "-", "--json"], &list);
        assert_eq!(status, Some(2));
        assert!(out.starts_with("{\"file\":\"absent.json\""), "{out}");
        assert!(out.lines().count() > 5, "{out}");
        assert!(err.contains("a line is longer than 65536 bytes") && err.len() < 2000, "{err}");
        let (status, out, err) = answer(&[command, "-"], &two_tests());
        assert_eq!((status, out.as_str(), err.lines().count()), (Some(2), "", 1), "{err}");
        assert!(err.contains("found what looks like JSON"), "{err}");
    }
}

#[test]
fn a_block_test_is_told_by_its_name_and_root() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/block-tests/blocks.json");
    let path = path.to_str().unwrap();
    let (status, out, err) = evm(&["blocktest", "--dump", path]);
    assert_eq!((status, err.as_str()), (Some(0), ""), "{out}");
    let results = array(&out);
    assert_eq!(results.len(), 8);
    for result in &results {
        assert_eq!((&result["pass"], result.get("error")), (&json!(true), None), "{result}");
        let root = result["stateRoot"].as_str().unwrap();
        assert_eq!(result["state"]["root"], root[2..], "the state is that of the root");
    }
    let one = array(&evm(&["blocktest", "--run", r"a_chain_of_two/Prague", path]).1);
    assert_eq!((one.len(), &one[0]["fork"]), (1, &json!("Prague")));

    let folder = Folder::new("blocks");
    let mut tests: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    tests["a_chain_of_two/London"]["lastblockhash"] = json!(format!("0x{}", "77".repeat(32)));
    let file = folder.file("wrong.json", &tests.to_string());
    let (status, out, _) = evm_with(&["blocktest"], &format!("{file}\nabsent.json\n"));
    assert_eq!(status, Some(0));
    let mut answers = serde_json::Deserializer::from_str(&out).into_iter::<Vec<Value>>();
    let failed: Vec<_> =
        answers.next().unwrap().unwrap().into_iter().filter(|result| result["pass"] == false).collect();
    assert_eq!((failed.len(), &failed[0]["name"]), (1, &json!("a_chain_of_two/London")));
    assert_eq!(answers.next().unwrap().unwrap()[0]["name"], "absent.json");
}

/// Standard output and standard error of a run that ends with status 0.
fn ran(words: &[&str]) -> (String, String) {
    let (status, out, err) = evm(&[&["run"], words].concat());
    assert_eq!(status, Some(0), "{err}");
    (out, err)
}

#[test]
fn code_runs_by_the_defaults_of_the_tool_it_stands_for() {
    // Chain 1337, base fee 1 gwei, the gas of the run as the block's limit, sender and receiver by their names.
    let word = |code: &str| {
        ran(&[&format!("{code}60005260206000f3")])
            .0
            .trim()
            .trim_start_matches("0x0")
            .trim_start_matches('0')
            .to_owned()
    };
    for (code, answer) in [
        ("46", "539"),
        ("48", "3b9aca00"),
        ("45", "2540be400"),
        ("33", "73656e646572"),
        ("30", "7265636569766572"),
        ("44", ""),
        ("3a", ""),
    ] {
        assert_eq!(word(code), answer, "{code}");
    }
    assert_eq!(ran(&["0x6040"]), ("\n".to_owned(), String::new()));
    assert_eq!(ran(&["--gas", "100", "5b600056"]).0, "\n error: out of gas\n");
    assert_eq!(
        ran(&["60aa60005260206000fd"]).0,
        format!("0x{}aa\n error: execution reverted\n", "0".repeat(62))
    );
    assert_eq!(ran(&["01"]).0, "\n error: stack underflow (0 <=> 2)\n");
    assert_eq!(ran(&["--value", "1", "00"]).0, "\n error: insufficient balance for transfer\n");
    assert_eq!(ran(&["--create", "--input", "00", "600d380380600d6000396000f3"]).0, "0x00\n");
    let (out, err) = ran(&["--json", "6040"]);
    assert_eq!((out.as_str(), err.lines().count()), ("", 3), "{err}");
    assert!(err.ends_with("{\"output\":\"\",\"gasUsed\":\"0x3\"}\n"), "{err}");
    assert!(ran(&["--statdump", "6040"]).1.starts_with("EVM gas used:    3\nexecution time:  "));
    let (_, err) = ran(&["--debug", "60aa60005260206000a0"]);
    assert!(
        err.contains("### LOGS\nLOG0: 0000000000000000000000007265636569766572 bn=0 txi=0\n00000000  00 00"),
        "{err}"
    );
    for (words, said) in [
        (&["zz"][..], "CODE: expected hex digits"),
        (&["600"], "CODE: expected two hex digits a byte, found 3 digits"),
        (&["--codefile", "absent"], "absent: No such file"),
        (&["--prestate", "absent"], "absent: cannot read the file"),
    ] {
        let (status, out, err) = evm(&[&["run"], words].concat());
        assert_eq!((status, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
        assert!(err.contains(said), "{err}");
    }
}

#[test]
fn a_genesis_file_is_the_state_the_block_and_the_rules() {
    let folder = Folder::new("genesis");
    let genesis = |config: Value| {
        let alloc = json!({
            "7265636569766572000000000000000000000000": { "balance": "5" },
            "0x00000000000000000000000000000000000000c0": { "balance": "0x0", "code": "0x46600055", "storage": { "0x01": "0x02" } },
        });
        let genesis = json!({
            "config": config, "alloc": alloc, "gasLimit": "0x186a0", "difficulty": "1", "timestamp": "10", "number": 7,
        });
        folder.file("genesis.json", &genesis.to_string())
    };
    let by_number = json!({ "homesteadBlock": 0, "eip150Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0 });
    let mut config = by_number;
    config["chainId"] = json!(5);
    let receiver = ["--receiver", "0xc0", "--dump", "--prestate"];
    // CHAINID is of Istanbul.
    let file = genesis(config.clone());
    let (out, _) = ran(&[&receiver[..], &[file.as_str()]].concat());
    assert!(out.contains(" error: invalid opcode: CHAINID"), "{out}");
    config["istanbulBlock"] = json!("0x7");
    let file = genesis(config.clone());
    let (out, _) = ran(&[&receiver[..], &[file.as_str()]].concat());
    let state: Value = serde_json::from_str(out.trim_end()).unwrap();
    let account = &state["accounts"]["0x00000000000000000000000000000000000000C0"];
    assert_eq!(
        account["storage"],
        json!({ format!("0x{:064x}", 0): "05", format!("0x{:064x}", 1): "02" }),
        "{out}"
    );
    // PUSH0 is of Shanghai, which comes behind London and by time.
    for (time, error) in [("shanghaiTime", "\n"), ("cancunTime", "\n error: invalid opcode: PUSH0\n")] {
        let mut config = config.clone();
        config["berlinBlock"] = json!(0);
        config["londonBlock"] = json!(0);
        config[time] = json!(if time == "cancunTime" { 11 } else { 10 });
        assert_eq!(ran(&["5f00", "--prestate", &genesis(config)]).0, error, "{time}");
    }
    assert_eq!(
        ran(&["--prestate", &genesis(json!({})), "45600052602060 00f3".replace(' ', "").as_str()]).0,
        format!("0x{:064x}\n", 100_000)
    );
}

/// geth pays for a cold account before it adds up what else a call costs, and says so when it cannot.
#[test]
fn a_cold_account_that_cannot_be_paid_for_is_told_as_geth_does() {
    let call = |fork: &str, address: &str, gas: &str| {
        let code = format!("PUSH 0xffff PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH {address} GAS CALL");
        let words =
            ["run", "--asm", &code, "--fork", fork, "--gas", gas, "--trace", "eip3155", "--dialect", "geth"];
        let err = run(&words).2;
        err.lines().rfind(|line| line.starts_with("{\"pc\"")).unwrap().to_owned()
    };
    for (fork, static_gas) in [("Berlin", "0x64"), ("Shanghai", "0x64"), ("Prague", "0x64")] {
        let cold = call(fork, "0xff00", "1000");
        assert!(
            cold.contains(&format!("\"gasCost\":\"{static_gas}\""))
                && cold.ends_with("\"error\":\"out of gas: out of gas\"}"),
            "{cold}"
        );
    }
    // The caller itself is warm: what cannot be paid for is the memory. So it is of a cold account that can be paid for.
    for (address, gas) in [("0xc0de", "1000"), ("0xff00", "4000")] {
        assert!(call("Shanghai", address, gas).ends_with("\"error\":\"out of gas\"}"), "{address}");
    }
    let before = call("Istanbul", "0xff00", "1000");
    assert!(before.ends_with("\"error\":\"out of gas\"}"), "{before}");
}

#[test]
fn the_help_of_each_word() {
    for word in ["", "run", "statetest", "blocktest", "t8n-server"] {
        let words = if word.is_empty() { vec!["--help"] } else { vec![word, "--help"] };
        let (status, out, err) = evm(&words);
        assert_eq!((status, err.as_str()), (Some(0), ""));
        insta::assert_snapshot!(if word.is_empty() { "evm".to_owned() } else { format!("evm {word}") }, out);
    }
}
