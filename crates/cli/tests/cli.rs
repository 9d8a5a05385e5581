//! The `parallax` binary as users meet it: what it prints where, and how it ends.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A folder of one test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("parallax-cli-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
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

/// A state test of the repository.
fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests");
    folder.join(name).canonicalize().unwrap().to_str().unwrap().to_owned()
}

fn parallax(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
    command.args(arguments).stdin(Stdio::null()).env_remove("COLUMNS").env("RUST_BACKTRACE", "0");
    command
}

/// What a run came to.
struct Ran {
    status: Option<i32>,
    out: String,
    err: String,
}

fn run(arguments: &[&str]) -> Ran {
    finish(parallax(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(), "")
}

fn run_with(arguments: &[&str], stdin: &str) -> Ran {
    let mut command = parallax(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    finish(command.spawn().unwrap(), stdin)
}

fn finish(mut child: Child, stdin: &str) -> Ran {
    if let Some(mut input) = child.stdin.take() {
        input.write_all(stdin.as_bytes()).unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

#[track_caller]
fn check(arguments: &[&str], status: i32, out: &str) {
    let ran = run(arguments);
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(status), out, ""));
}

/// One line of complaint that has all of `parts`, and the status for wrong input.
#[track_caller]
fn check_wrong(ran: &Ran, parts: &[&str]) {
    assert_eq!(ran.status, Some(2), "{}", ran.err);
    for part in parts {
        assert!(ran.err.contains(part), "{part:?} is not in {:?}", ran.err);
    }
    assert_eq!(ran.err.lines().count(), 1, "one line: {:?}", ran.err);
    assert!(ran.err.len() < 1000, "a short one: {:?}", ran.err);
}

#[test]
fn help_texts() {
    for command in
        ["", "run", "statetest", "blocktest", "diff", "fuzz", "compare", "serve", "asm", "disasm", "t8n"]
    {
        let arguments = if command.is_empty() { vec!["--help"] } else { vec![command, "--help"] };
        let ran = run(&arguments);
        assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
        let name = if command.is_empty() { "parallax" } else { command };
        insta::assert_snapshot!(name, ran.out);
    }
}

#[test]
fn code_runs() {
    check(
        &["run", "0x6001600201"],
        0,
        "status    success\ngas used  9\ngas left  9999991\noutput    0x\nstack     0x3\n",
    );
    for engine in ["primary", "mini"] {
        let ran =
            run(&["run", "--engine", engine, "--asm", "PUSH 7 PUSH 2 SSTORE PUSH 9 PUSH 0 PUSH 0 LOG1"]);
        insta::allow_duplicates! {
            insta::assert_snapshot!(ran.out, @r"
            status    success
            gas used  22863
            gas left  9977137
            output    0x
            log       0x000000000000000000000000000000000000c0de 0x0000000000000000000000000000000000000000000000000000000000000009 0x
            account   0x000000000000000000000000000000000000c0de nonce 0 balance 0
              slot    0x2 = 0x7
            ");
        }
        assert_eq!(ran.status, Some(0));
    }
    let ended = "status    revert\nplace     depth 1, pc 4, REVERT\ngas used  6\ngas left  9999994\noutput    0x\nstack     0x0 0x0\n";
    check(&["run", "0x60006000fd"], 1, ended);
    let ended = "status    InvalidOpcode\nplace     depth 1, pc 0, INVALID\ngas used  50\ngas left  0\noutput    0x\n";
    check(&["run", "fe", "--gas", "50"], 1, ended);
    // PUSH0 is no opcode in London.
    let ended = "status    UndefinedOpcode\nplace     depth 1, pc 0, PUSH0\ngas used  50\ngas left  0\noutput    0x\n";
    check(&["run", "5f", "--fork", "london", "--gas", "50"], 1, ended);
}

#[test]
fn input_value_and_prestate() {
    let folder = Folder::new("prestate");
    let account = |storage| {
        format!(
            r#"{{"0x000000000000000000000000000000000000c0de":
                 {{"nonce":"0x0","balance":"0x5","code":"0x","storage":{{{storage}}}}}}}"#
        )
    };
    let accounts = folder.file("accounts.json", account(r#""0x03":"0x2a""#));
    // CALLDATALOAD of 0, plus CALLVALUE, plus SELFBALANCE, plus SLOAD of 3.
    let source = "PUSH 0 CALLDATALOAD CALLVALUE ADD SELFBALANCE ADD PUSH 3 SLOAD ADD
                  PUSH 0 MSTORE PUSH 32 PUSH 0 RETURN";
    let source = folder.file("code.asm", source);
    let input = format!("0x{:064x}", 1000);
    let ran =
        run(&["run", "--asm", &source, "--input", &input, "--value", "7", "--prestate", &accounts, "--json"]);
    let sum = 1000 + 7 + (5 + 7) + 0x2a;
    assert!(ran.out.contains(&format!(r#""output":"0x{sum:064x}""#)), "{}", ran.out);
    assert_eq!((ran.status, ran.out.lines().count()), (Some(0), 1));
    let wrong = folder.file("wrong.json", account(r#""0x03":"0xzz""#));
    check_wrong(
        &run(&["run", "00", "--prestate", &wrong]),
        &["wrong.json", "at 0x000000000000000000000000000000000000c0de.storage.0x03", "zz"],
    );
}

#[test]
fn code_comes_from_files_and_standard_input() {
    let folder = Folder::new("code");
    let hex = folder.file("code.hex", "0x6001\n 6002 01\n");
    let expected = run(&["run", "6001600201"]).out;
    check(&["run", &hex], 0, &expected);
    assert_eq!(run_with(&["run"], "6001600201\n").out, expected);
    assert_eq!(run_with(&["run", "-", "--asm"], "PUSH 1 PUSH 2 ADD").out, expected);
}

#[test]
fn assembly_and_back() {
    check(&["asm", "PUSH 1 loop: PUSH @loop JUMP"], 0, "0x60015b600256\n");
    check(&["asm", "PUSH 0", "--fork", "London", "--json"], 0, "{\"code\":\"0x6000\",\"size\":2}\n");
    let listing = run(&["disasm", "0x60015b6002560c61ff"]);
    insta::assert_snapshot!(listing.out, @r"
    block 0: 1 instructions, 3 static gas
      000000  6001        PUSH1 0x01
    block 1: 3 instructions, 12 static gas
    > 000002  5b          JUMPDEST
      000003  6002        PUSH1 0x02
      000005  56          JUMP
    block 2: 1 instructions, 0 static gas
    ? 000006  0c          DB 0x0c  ; undefined
    block 3: 1 instructions, 3 static gas
      000007  61ff        DB 0x61ff  ; PUSH2, cut off by the end of the code
    ");
    let source = run(&["disasm", "0x60015b6002560c61ff", "--source"]).out;
    assert_eq!(run_with(&["asm"], &source).out, "0x60015b6002560c61ff\n");
    let lines = run(&["disasm", "0x5b61ff", "--json"]).out;
    insta::assert_snapshot!(lines, @r#"
    {"cutOff":false,"data":"0x","defined":true,"gas":1,"op":91,"opName":"JUMPDEST","pc":0,"startsBlock":true}
    {"cutOff":true,"data":"0xff","defined":true,"gas":3,"op":97,"opName":"PUSH2","pc":1,"startsBlock":false}
    "#);
}

#[test]
fn state_tests() {
    let stack = fixture("stack.json");
    for engine in ["primary", "mini", "revm"] {
        let ran = run(&["statetest", &stack, "--engine", engine]);
        assert!(ran.out.starts_with(&format!("{engine}: ")) && ran.out.contains(" passed"), "{}", ran.out);
        assert_eq!((ran.status, ran.out.lines().count(), ran.err.as_str()), (Some(0), 1, ""));
    }
    let ran = run(&["statetest", &stack, "--json", "--fork", "Osaka", "--jobs", "1"]);
    assert_eq!(ran.status, Some(0));
    assert!(ran.out.lines().count() > 1);
    let first = ran.out.lines().next().unwrap();
    let mut at = 0;
    for field in [
        "file",
        "name",
        "fork",
        "d",
        "g",
        "v",
        "pass",
        "stateRoot",
        "expectedRoot",
        "logsHash",
        "gasUsed",
        "output",
        "exception",
        "error",
    ] {
        let found = first[at..].find(&format!("\"{field}\":"));
        at += found.unwrap_or_else(|| panic!("{field} comes in its place: {first}"));
    }
    assert!(ran.out.lines().all(|line| line.contains(r#""fork":"Osaka""#)));
    assert!(ran.err.contains(" passed") && ran.err.lines().count() == 1, "the sum is not among the objects");
}

#[test]
fn a_failing_test_ends_with_1() {
    let folder = Folder::new("failing");
    let failing = folder.file("failing.json", failing_test());
    let good = fixture("stack.json");
    let ran = run(&["statetest", &good, &failing]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(1), ""));
    assert!(ran.out.contains("FAIL") && ran.out.contains("failing.json"), "{}", ran.out);
    assert!(ran.out.contains("logs hash is 0x1dcc"), "{}", ran.out);
    assert!(
        ran.out.contains("parallax statetest --engine primary"),
        "it says how to run it again: {}",
        ran.out
    );
}

/// The repository's fixture, expecting other logs.
fn failing_test() -> String {
    let no_logs = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";
    fs::read_to_string(fixture("stack.json")).unwrap().replace(no_logs, &no_logs.replace("1d", "2d"))
}

#[test]
fn comparisons() {
    let stack = fixture("stack.json");
    for right in ["mini", "revm"] {
        let ran = run(&["diff", &stack, "--right", right]);
        assert!(ran.out.starts_with(&format!("primary and {right}: ")), "{}", ran.out);
        assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
        let mut others = ran.out.lines().skip(1);
        assert!(others.next().is_some_and(|line| line.starts_with("  fast form: ")), "{}", ran.out);
        assert!(others.all(|line| right == "revm" && line.starts_with("  not compared: ")), "{}", ran.out);
    }
    let ran = run(&["diff", &stack, "--json", "--right", "revm"]);
    assert!(ran.err.contains("\nparallax: not compared: the reason of a rejection: "), "{}", ran.err);
    let ran = run(&["diff", &stack, "--json", "--filter", "stack"]);
    let first = ran.out.lines().next().unwrap();
    for field in ["file", "name", "fork", "d", "g", "v", "verdict", "steps", "divergence"] {
        assert!(first.contains(&format!("\"{field}\":")), "{field}: {first}");
    }
    assert!(ran.out.lines().all(|line| line.contains(r#""verdict":"agree""#)));
    let ran = run(&["diff", "--code", "0x600160020160005500", "--fork", "London"]);
    let told = "primary and mini agree: success, gas used 43112, 6 steps\n  fast form: ";
    assert!(ran.status == Some(0) && ran.out.starts_with(told), "{}", ran.out);
    let ran = run(&["diff", "--code", "5b5f56", "--gas", "16777217", "--json"]);
    assert!(ran.status == Some(2) && ran.out.contains(r#""verdict":"rejected","steps":0"#), "{}", ran.out);
    check_wrong(&ran, &["primary and mini refuse the transaction: gas limit 16777217 is above the cap"]);
    let ran = run(&["diff", "--code", "6001", "--json"]);
    assert!(ran.out.contains(r#""verdict":"agree","steps":2"#), "{}", ran.out);
}

#[test]
fn a_divergence_is_explained() {
    // revm charges before the static-call check, which is a divergence if no other name is let through.
    let calls = fixture("calls.json");
    let only = [
        "diff",
        &calls,
        "--right",
        "revm",
        "--fork",
        "Osaka",
        "--filter",
        "static_violation_comes_before_gas",
    ];
    assert_eq!(run(&only).status, Some(0));
    let exact = [&only[..], &["--halts", "exact"]].concat();
    let ran = run(&exact);
    assert_eq!((ran.status, ran.err.as_str()), (Some(1), ""));
    insta::assert_snapshot!("divergence", ran.out.replace(&calls, "calls.json"));
    let ran = run(&[&exact[..], &["--json"]].concat());
    assert_eq!(ran.status, Some(1));
    insta::assert_snapshot!("divergence_json", ran.out.replace(&calls, "calls.json"));
    let fast = run(&["diff", &calls, &calls, "--right", "revm", "--halts", "exact", "--fail-fast"]);
    assert_eq!((fast.status, fast.out.matches("DIVERGE").count()), (Some(1), 1));
    let all = run(&["diff", &calls, &calls, "--right", "revm", "--halts", "exact"]);
    assert!(all.out.matches("DIVERGE").count() > 1);
}

#[test]
fn a_divergence_on_code_says_how_to_run_it_again() {
    // revm charges before it looks at the stack.
    for (code, stdin) in [(&["0x01"][..], ""), (&["ADD", "--asm"], ""), (&["-"], "01")] {
        let mut command = vec!["diff", "--right", "revm", "--halts", "exact", "--gas", "21001", "--code"];
        command.extend(code);
        let ran = run_with(&command, stdin);
        assert_eq!(ran.status, Some(1), "{}{}", ran.out, ran.err);
        let again = ran.out.lines().find_map(|line| line.strip_prefix("  again: parallax ")).unwrap();
        let shell = format!("{} {again}", env!("CARGO_BIN_EXE_parallax"));
        let second = Command::new("sh").args(["-c", &shell]).output().unwrap();
        assert_eq!(second.status.code(), Some(1));
        let report =
            |text: &str| text.lines().filter(|line| !line.starts_with("  again")).collect::<String>();
        assert_eq!(report(&String::from_utf8(second.stdout).unwrap()), report(&ran.out));
    }
}

/// A folder's reports: as options of the command, and their contents.
fn reports(folder: &Folder) -> (Vec<String>, impl Fn() -> [String; 3]) {
    let paths = ["page.html", "report.json", "junit.xml"].map(|name| folder.0.join(name));
    let option =
        |(kind, path): (&str, &PathBuf)| ["--report".to_owned(), format!("{kind}={}", path.display())];
    let options = ["html", "json", "junit"].into_iter().zip(&paths).flat_map(option).collect();
    (options, move || paths.each_ref().map(|path| fs::read_to_string(path).unwrap()))
}

/// Each is whole.
#[track_caller]
fn check_complete([html, json, junit]: &[String; 3]) {
    assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>\n"));
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert!(json["cases"].is_array() && json["summary"].is_object() && json["setup"].is_object());
    let cases = junit.matches("<testcase ").count();
    assert!(junit.starts_with("<?xml") && junit.ends_with("</testsuite>\n</testsuites>\n"));
    assert_eq!(junit.matches(&format!(" tests=\"{cases}\" ")).count(), 2, "the counts stand at the start");
}

#[test]
fn a_comparison_writes_reports() {
    let folder = Folder::new("report");
    let (options, read) = reports(&folder);
    let calls = fixture("calls.json");
    let mut command = vec!["diff", &calls, "--right", "revm", "--halts", "exact", "--fork", "Osaka"];
    command.extend(options.iter().map(String::as_str));
    let ran = run(&command);
    assert_eq!((ran.status, ran.err.as_str()), (Some(1), ""));
    let written = read();
    check_complete(&written);
    for text in &written {
        assert!(text.contains("calls/static_violation_comes_before_gas") && text.contains("--halts exact"));
    }
    // The command that a report names runs that case again.
    let again = written[2].lines().find_map(|line| line.strip_prefix("again: parallax ")).unwrap();
    let again = again.split("</failure>").next().unwrap().replace("&#39;", "'").replace("&quot;", "\"");
    let shell = format!("{} {again}", env!("CARGO_BIN_EXE_parallax"));
    let ran = Command::new("sh").args(["-c", &shell]).output().unwrap();
    assert_eq!(ran.status.code(), Some(1), "{shell}");
    assert_eq!(String::from_utf8(ran.stdout).unwrap().matches("DIVERGE ").count(), 1, "{shell}");
}

#[test]
fn a_program_and_a_trace_have_reports_too() {
    let folder = Folder::new("report-of-one");
    let (options, read) = reports(&folder);
    let with_reports = |command: &[&str]| {
        let ran = run(&[command, &options.iter().map(String::as_str).collect::<Vec<_>>()].concat());
        check_complete(&read());
        (ran.status, ran.out, read())
    };
    let code = ["diff", "--code", "01", "--right", "revm", "--halts", "exact", "--gas", "21001"];
    let (status, out, written) = with_reports(&code);
    assert_eq!(status, Some(1), "{out}");
    for text in &written {
        assert!(text.contains("StackUnderflow") && text.contains("--halts exact"), "{text}");
    }
    assert!(
        written[2].contains(r#"name="a program fork Osaka""#) && written[2].contains("--gas 21001"),
        "{}",
        written[2]
    );
    let (status, _, written) = with_reports(&["diff", "--code", "5f"]);
    assert_eq!(status, Some(0));
    assert!(written[0].contains("a program, fork Osaka") && !written[0].contains("<h3"), "{}", written[0]);
    assert!(written[1].contains(r#""verdict":"agree","steps":2"#) && written[2].contains("failures=\"0\""));

    let calls = fixture("calls.json");
    let one = ["diff", &calls, "--fork", "Osaka", "--filter", "^calls/nested_reverts$"];
    let trace = folder.file("trace", "");
    let traced = ["--trace", "eip3155", "--dialect", "geth", "--trace-out", &trace];
    assert_eq!(run(&[&["statetest"], &one[1..], &traced].concat()).status, Some(0));
    let (status, out, written) = with_reports(&[&one[..], &["--right-trace", &trace]].concat());
    assert_eq!(status, Some(0));
    assert!(
        out.contains("steps agree; not compared: memory, returnData") && out.lines().count() == 1,
        "{out}"
    );
    assert!(written.iter().all(|text| text.contains("returnData") && text.contains("--right-trace")));
    let cut: String = fs::read_to_string(&trace).unwrap().split_inclusive('\n').take(9).collect();
    let cut = folder.file("cut", cut);
    let (status, _, written) = with_reports(&[&one[..], &["--right-trace", &cut]].concat());
    assert_eq!(status, Some(1));
    assert!(written.iter().all(|text| text.contains("the end of the trace, after line 9")));
    let (status, _, written) =
        with_reports(&[&one[..], &["--right-trace", &cut, "--left", "mini", "--json"]].concat());
    assert_eq!(status, Some(1));
    assert!(written[1].contains(r#""rightAt":"the end of the trace, after line 9""#), "{}", written[1]);
    // What is wrong with a report hides nothing.
    if Path::new("/dev/full").exists() {
        let ran = run(&[&code[..], &["--report", "html=/dev/full"]].concat());
        assert!(
            ran.status == Some(2) && ran.out.starts_with("DIVERGE a program, fork Osaka\n"),
            "{}",
            ran.out
        );
    }
}

#[test]
fn a_report_that_cannot_be_written_is_said() {
    let folder = Folder::new("unwritable");
    let stack = fixture("stack.json");
    let nowhere = format!("{}/none/r.html", folder.path());
    check_wrong(
        &run(&["diff", &stack, "--report", &format!("html={nowhere}")]),
        &[&nowhere, "cannot write the report"],
    );
    let same = format!("{}/r", folder.path());
    let [html, junit] = ["html", "junit"].map(|kind| format!("{kind}={same}"));
    check_wrong(
        &run(&["diff", &stack, "--report", &html, "--report", &junit]),
        &[&same, "over another output"],
    );
    let other_name = format!("junit={}/./r", folder.path());
    check_wrong(
        &run(&["diff", &stack, "--report", &html, "--report", &other_name]),
        &["/./r: the report would be written over another output"],
    );
    if Path::new("/dev/full").exists() {
        for kind in ["html", "json", "junit"] {
            let ran = run(&["diff", &stack, "--report", &format!("{kind}=/dev/full")]);
            assert_eq!(ran.status, Some(2));
            assert!(ran.err.contains("/dev/full: cannot write the report"), "{}", ran.err);
        }
    }
}

#[test]
fn what_an_engine_lacks_is_no_agreement() {
    let folder = Folder::new("lacking");
    let text = fs::read_to_string(fixture("stack.json")).unwrap().replace("\"Osaka\"", "\"Constantinople\"");
    let file = folder.file("constantinople.json", text);
    let ran = run(&["diff", &file, "--right", "revm", "--fork", "Constantinople"]);
    check_wrong(&ran, &["nothing was compared: "]);
    for part in ["UNSUPPORTED ", "revm has no Constantinople", "\nprimary and revm: 0 agree, "] {
        assert!(ran.out.contains(part), "{}", ran.out);
    }
}

#[test]
fn wrong_code() {
    let folder = Folder::new("wrong-code");
    let bytes = folder.file("bytes", [0x60, 0x01, 0xff]);
    let source = folder.file("source.asm", "PUSH 1\n  ADDD\n");
    let (bytes, source) = (bytes.as_str(), source.as_str());
    for (arguments, parts) in [
        (&["run", "0x600"][..], &["even number of hex digits, found 3"][..]),
        (&["run", "0x60zz"], &["line 1, column 5", "hex digit", "'z'"]),
        (&["disasm", "60 0x"], &["line 1, column 5", "'x'"]),
        (&["run", "00", "--input", "0x1"], &["--input", "even number"]),
        (&["asm", bytes], &["bytes: expected text", "offset 2"]),
        (&["run", folder.path()], &["expected a file, found a folder"]),
        (&["asm", source], &["source.asm: line 2, column 3: unknown mnemonic \"ADDD\""]),
        (&["diff", "--code", "0x6"], &["even number of hex digits, found 1"]),
        (&["run", "00", "--prestate", "absent.json"], &["absent.json"]),
    ] {
        let ran = run(arguments);
        check_wrong(&ran, parts);
        assert_eq!(ran.out, "");
    }
}

#[test]
fn wrong_files_do_not_hide_the_others() {
    let folder = Folder::new("wrong-files");
    let good = fixture("stack.json");
    let text = fs::read_to_string(&good).unwrap();
    let empty = folder.0.join("empty");
    fs::create_dir(&empty).unwrap();
    let edited = |from: &str, to: &str| {
        assert!(text.contains(from), "the fixture has {from}");
        text.replace(from, to)
    };
    let rows = [
        (folder.file("truncated.json", &text[..text.len() / 2]), "line "),
        (folder.file("digit.json", edited("\"currentNumber\"", "\"currentNumber\":\"0xg1\",\"x\"")), "0xg1"),
        (folder.file("missing.json", edited("\"currentCoinbase\"", "\"otherCoinbase\"")), "currentCoinbase"),
        (folder.file("brackets.json", [&b"{\"a\":"[..], &vec![b'['; 100 << 20]].concat()), "nested deeper"),
        (folder.file("latin.json", b"{\"\xe9\": 1}"), "UTF-8"),
        (folder.file("list.json", "[]"), "expected an object"),
        (empty.to_str().unwrap().to_owned(), "no .json file"),
        (folder.0.join("absent.json").to_str().unwrap().to_owned(), "No such file"),
    ];
    let lines = |ran: &Ran| ran.out.lines().filter(|line| line.contains("\"pass\":true")).count();
    let alone = lines(&run(&["statetest", &good, "--json"]));
    assert!(alone > 0);
    for (path, part) in &rows {
        for command in ["statetest", "diff"] {
            let ran = run(&[command, path, &good, "--json"]);
            let complaints: Vec<_> = ran.err.lines().filter(|line| line.contains(path.as_str())).collect();
            assert!(!complaints.is_empty(), "{command} {path}: {}", ran.err);
            assert!(complaints.iter().all(|line| line.contains(part)), "{command} {path}: {}", ran.err);
            assert_eq!(ran.status, Some(2), "{command} {path}");
            if command == "statetest" {
                assert!(lines(&ran) >= alone, "the good file was run: {path}");
            }
        }
    }
}

#[test]
fn wrong_commands() {
    let stack = fixture("stack.json");
    for (arguments, part) in [
        (
            &["statetest", &stack, "--fork", "Atlantis"][..],
            "unknown fork \"Atlantis\", expected one of Frontier",
        ),
        (&["statetest", &stack, "--filter", "("], "--filter"),
        (&["statetest", &stack, "--jobs", "0"], "--jobs"),
        (&["statetest", &stack, "--engine", "geth"], "primary, primary-always"),
        (&["statetest"], "PATH"),
        (&["statetest", &stack, "--engine", "revm", "--trace", "eip3155"], "expected primary or mini"),
        (&["statetest", &stack, "--engine", "revm", "--trace-digest"], "expected primary or mini"),
        (&["diff", &stack, "--mode", "per-year"], "per-call"),
        (&["diff", &stack, "--code", "00"], "cannot be used with"),
        (&["diff", &stack, "--report", "pdf=x"], "expected html=FILE, json=FILE or junit=FILE"),
        (&["diff", &stack, "--report", "json=-"], "expected html=FILE, json=FILE or junit=FILE"),
        (&["diff", &stack, "--index", "0,1"], "expected three numbers such as 0,0,0"),
        (&["diff", &stack, "--left", "revm", "--right", "revm"], "expected primary or mini on one side"),
        (&["run", "00", "--gas=-1"], "--gas"),
        (&["dance"], "dance"),
        (&[], "Usage"),
        (&["statetest", &stack, "--filter", "no test has this name"], "no case selected"),
    ] {
        let ran = run(arguments);
        assert_eq!(ran.status, Some(2), "{arguments:?}");
        assert!(ran.err.contains(part), "{arguments:?}: {part:?} is not in {:?}", ran.err);
        assert!(!ran.out.contains("FAIL"), "{arguments:?}: {}", ran.out);
    }
}

#[test]
fn traces_are_written_and_compared() {
    let folder = Folder::new("traces");
    let stack = fixture("stack.json");
    let written = |name: &str, extra: &[&str]| {
        let path = folder.file(name, "");
        let common = ["statetest", &stack, "--fork", "Osaka", "--trace", "eip3155", "--trace-out", &path];
        assert_eq!(run(&[&common, extra].concat()).status, Some(0));
        path
    };
    let geth = written("geth", &["--dialect", "geth"]);
    let revm = written("revm", &["--dialect", "revm", "--engine", "mini"]);
    let agrees = run(&["compare", &geth, &revm]);
    assert_eq!((agrees.status, agrees.err.as_str()), (Some(0), ""));
    let told = " steps agree (geth and revm); not compared: memory, returnData, ";
    assert!(agrees.out.contains(told) && agrees.out.lines().count() == 1, "{}", agrees.out);
    let json = run(&["compare", &geth, &revm, "--json"]).out;
    assert!(json.contains(r#""notCompared":["memory","returnData","#), "{json}");
    // Of many transactions in one file, each one's state counts.
    let text = fs::read_to_string(&geth).unwrap();
    let root = text.lines().find_map(|line| line.strip_prefix("{\"stateRoot\": \"0x")).unwrap();
    let spoiled = folder.file("spoiled", text.replacen(root, &format!("{}\"}}", "1".repeat(64)), 1));
    let differs = run(&["compare", &geth, &spoiled]);
    assert!(differs.status == Some(1) && differs.out.contains(": stateRoot\n  left  0x"), "{}", differs.out);

    let text = fs::read_to_string(&revm).unwrap();
    let wrong = folder.file("wrong", text.replacen("\"stack\":[\"0x", "\"stack\":[\"0x1", 1));
    let differs = run(&["compare", &geth, &wrong, "--json"]);
    assert_eq!(differs.status, Some(1));
    assert!(differs.out.contains("\"field\":\"stack\""), "{}", differs.out);
    assert!(run(&["compare", &geth, &wrong]).out.contains("first difference at step"), "the text says where");

    let cut = folder.file("cut", "{\"pc\":0,");
    check_wrong(&run(&["compare", &geth, &cut]), &[&cut, "line 1", "EOF"]);
    check_wrong(&run(&["compare", &geth, &stack]), &[&stack, "no EIP-3155 line"]);
    check_wrong(&run(&["compare", "-", &geth]), &["LEFT is -"]);
    check_wrong(&run(&["compare", &geth, "/nowhere/at/all"]), &["/nowhere/at/all", "cannot read the trace"]);
}

#[test]
fn a_clients_trace_is_a_side() {
    let folder = Folder::new("right-trace");
    let calls = fixture("calls.json");
    let trace = folder.file("geth", "");
    let one = [&calls, "--fork", "Osaka", "--filter", "^calls/nested_reverts$"];
    let geth = ["--trace", "eip3155", "--dialect", "geth", "--trace-out", &trace];
    assert_eq!(run(&[&["statetest"], &one[..], &geth].concat()).status, Some(0));
    let text = fs::read_to_string(&trace).unwrap();
    let diff = |extra: &[&str]| run(&[&["diff"], &one[..], extra].concat());

    for left in ["primary", "mini", "revm"] {
        let ran = diff(&["--left", left, "--right-trace", &trace]);
        assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
        assert!(ran.out.starts_with(&format!("{left} and geth's trace: ")), "{}", ran.out);
    }
    // Each of ours is recognised, whatever it leaves out.
    for dialect in ["eip3155", "eip3155 --no-return-data", "eels", "revm", "evmone"] {
        let traced: Vec<_> = "--trace eip3155 --dialect".split(' ').chain(dialect.split(' ')).collect();
        let ours = folder.file("ours", "");
        let _ = run(&[&["statetest"], &one[..], &traced, &["--trace-out", &ours]].concat());
        let ran = diff(&["--right-trace", &ours]);
        let side = format!("primary and {}'s trace: ", traced[3]);
        assert!(ran.status == Some(0) && ran.out.starts_with(&side), "{dialect}: {}{}", ran.out, ran.err);
    }
    let ran = diff(&["--right-trace", &trace, "--json"]);
    assert!(ran.status == Some(0) && ran.out.contains(r#""verdict":"agree""#), "{}", ran.out);
    assert!(
        ran.out.contains(r#""silence":"not compared: memory, returnData"#) && ran.err.is_empty(),
        "{}",
        ran.out
    );
    let stdin = ["--right-trace", "-", "--right-client", "geth"];
    let mut child = parallax(&[&["diff"], &one[..], &stdin].concat());
    child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    assert_eq!(finish(child.spawn().unwrap(), &text).status, Some(0));

    let step = text.lines().nth(9).unwrap();
    let wrong =
        folder.file("wrong", text.replacen(step, &step.replace("\"stack\":[\"0x", "\"stack\":[\"0x1"), 1));
    let ran = diff(&["--right-trace", &wrong]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(1), ""));
    for part in
        ["DIVERGE ", "  at stack on line 10 of the trace\n", "geth's trace diverge before step 10 ", "stack "]
    {
        assert!(ran.out.contains(part), "{part:?} is not in {}", ran.out);
    }
    let ran = diff(&["--right-trace", &wrong, "--json"]);
    assert_eq!((ran.status, ran.out.lines().count()), (Some(1), 1));
    assert!(ran.out.contains(r#""verdict":"diverge""#) && ran.out.contains(r#""step":10"#), "{}", ran.out);
    let cut = folder.file("cut", text.split_inclusive('\n').take(9).collect::<String>());
    let ran = diff(&["--right-trace", &cut]);
    assert!(ran.status == Some(1) && ran.out.contains("diverge before step 10 "), "{}", ran.out);

    let broken = folder.file("broken", text.replacen(step, &step[..30], 1));
    check_wrong(&diff(&["--right-trace", &broken]), &[&broken, "line 10"]);
    let empty = folder.file("empty", "");
    check_wrong(&diff(&["--right-trace", &empty]), &[&empty, "no EIP-3155 line in 0 lines"]);
    let named = ["--right-trace", &empty, "--right-client", "geth"];
    check_wrong(&diff(&named), &[&empty, "no EIP-3155 line in 0 lines"]);
    check_wrong(&diff(&["--right-trace", "/nowhere/at/all"]), &["/nowhere/at/all"]);
    check_wrong(&diff(&["--right-trace", folder.path()]), &["expected a file, found a folder"]);
    let twice = folder.file("twice", text.repeat(2));
    check_wrong(&diff(&["--right-trace", &twice]), &[&twice, "expected the trace of one transaction"]);
    check_wrong(&diff(&["--right-trace", &trace, "--mode", "per-call"]), &["--mode per-step"]);
    let many = run(&["diff", &calls, "--fork", "Osaka", "--right-trace", &trace]);
    check_wrong(&many, &["expected exactly one", "--fork, --only-fork, --index and --filter"]);
    let none = run(&["diff", &calls, "--filter", "no test has this name", "--right-trace", &trace]);
    check_wrong(&none, &["no case selected, expected exactly one"]);
    let ran = diff(&["--right-trace", &trace, "--right", "mini"]);
    assert!(ran.status == Some(2) && ran.err.contains("cannot be used with"), "{}", ran.err);
}

#[test]
fn a_run_is_traced_to_standard_error() {
    let ran = run(&["run", "--asm", "PUSH 2 PUSH 3 ADD", "--trace", "eip3155", "--no-return-data"]);
    assert_eq!(ran.status, Some(0));
    insta::assert_snapshot!(ran.err, @r#"
    {"pc":0,"op":96,"gas":"0x989680","gasCost":"0x3","memSize":0,"stack":[],"depth":1,"refund":0,"opName":"PUSH1"}
    {"pc":2,"op":96,"gas":"0x98967d","gasCost":"0x3","memSize":0,"stack":["0x2"],"depth":1,"refund":0,"opName":"PUSH1"}
    {"pc":4,"op":1,"gas":"0x98967a","gasCost":"0x3","memSize":0,"stack":["0x2","0x3"],"depth":1,"refund":0,"opName":"ADD"}
    {"pc":5,"op":0,"gas":"0x989677","gasCost":"0x0","memSize":0,"stack":["0x5"],"depth":1,"refund":0,"opName":"STOP"}
    {"output":"0x","gasUsed":"0x9","pass":true,"fork":"Osaka"}
    "#);
    let logs = run(&["run", "--asm", "PUSH 2 PUSH 3 ADD", "--trace", "struct", "--no-stack"]);
    assert!(logs.err.ends_with("],\"gas\":9,\"failed\":false,\"returnValue\":\"0x\"}\n"), "{}", logs.err);
    assert!(!logs.err.contains("\"stack\":["), "{}", logs.err);
}

#[test]
fn a_full_disk_ends_the_trace_and_not_the_run() {
    if !Path::new("/dev/full").exists() {
        eprintln!("left out: no /dev/full here");
        return;
    }
    let ran = run(&["run", "0x6001600201", "--trace", "eip3155", "--trace-out", "/dev/full"]);
    check_wrong(&ran, &["/dev/full: cannot write the trace"]);
    assert_eq!(ran.out, run(&["run", "0x6001600201"]).out);
}

#[test]
fn digests_are_of_the_step_lines() {
    let stack = fixture("stack.json");
    let digests = run(&["statetest", &stack, "--trace-digest", "--dialect", "eels", "--json"]);
    assert_eq!(digests.status, Some(0));
    let on_mini =
        run(&["statetest", &stack, "--trace-digest", "--dialect", "eels", "--json", "--engine", "mini"]);
    assert_eq!(digests.out, on_mini.out);
    assert!(
        digests.out.lines().all(|line| line.contains("\"steps\":") && line.contains("\"traceSha256\":\""))
    );
}

#[test]
fn paths_come_from_standard_input() {
    let stack = fixture("stack.json");
    let twice = run_with(&["statetest", "-", "--json"], &format!("{stack}\r\n\n{stack}\n"));
    assert_eq!(twice.status, Some(0));
    assert_eq!(twice.out.lines().count(), 2 * run(&["statetest", &stack, "--json"]).out.lines().count());
    check_wrong(&run_with(&["statetest", "-"], "\n"), &["standard input: expected a list of paths"]);
}

/// A run that is too long to end before its output is read: the pipe is full long before.
fn long_run(arguments: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut command = parallax(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let list = format!("{}\n", fixture("stack.json")).repeat(2000);
    child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    assert!(first.starts_with("{\"file\":"), "{first}");
    (child, out)
}

#[test]
#[cfg(unix)]
fn an_interrupt_leaves_reports_complete() {
    let folder = Folder::new("interrupted");
    let (options, read) = reports(&folder);
    let (mut child, mut out) = long_run(
        &[&["diff", "-", "--json"], &*options.iter().map(String::as_str).collect::<Vec<_>>()].concat(),
    );
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    out.read_to_string(&mut String::new()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let written = read();
    check_complete(&written);
    assert!(written[0].contains("Stopped before the end") && written[1].contains("\"complete\":false"));
}

#[test]
#[cfg(unix)]
fn an_interrupt_prints_what_was_done() {
    let (mut child, mut out) = long_run(&["statetest", "-", "--json"]);
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let (mut rest, mut err) = (String::new(), String::new());
    out.read_to_string(&mut rest).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{err}");
    assert!(rest.ends_with("}\n"), "whole lines only");
    assert!(err.contains(" passed") && err.contains("interrupted"), "the sum so far: {err}");
}

#[test]
fn a_reader_that_leaves_is_no_panic() {
    let (mut child, out) = long_run(&["statetest", "-", "--json"]);
    drop(out);
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

#[test]
fn nothing_but_text_in_a_pipe() {
    for arguments in [&["statetest", &fixture("stack.json")][..], &["--help"], &["run", "fe"]] {
        let ran = run(arguments);
        assert!(
            !ran.out.contains('\x1b') && !ran.err.contains('\x1b'),
            "no colour, no progress: {arguments:?}"
        );
    }
}
