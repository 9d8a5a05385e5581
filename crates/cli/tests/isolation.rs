//! Cases that end their process, or never end, as users of the `parallax` binary meet them; and what an interrupt leaves.

#![allow(clippy::unwrap_used, reason = "tests")]
#![cfg(unix)]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::Duration,
};

/// What a call stores and returns.
const GOOD: &str = "600160005560ff60005260206000f3";
/// JUMPDEST PUSH1 0 JUMP.
const ENDLESS: &str = "5b600056";

/// A test of one case, with gas for ages.
fn test(code: &str) -> String {
    let (account, sender) =
        ("0x000000000000000000000000000000000000c0de", "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b");
    let (gas, balance) = ("0x7fffffffffffffff", format!("0x{}", "ff".repeat(30)));
    // The roots are not these: what matters here is whether the case comes to its end.
    let zero = format!("0x{}", "00".repeat(32));
    format!(
        r#"{{"env": {{"currentCoinbase": "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba", "currentDifficulty": "0x020000",
            "currentGasLimit": "{gas}", "currentNumber": "0x01", "currentTimestamp": "0x03e8", "currentBaseFee": "0x07"}},
          "pre": {{
            "{sender}": {{"nonce": "0x00", "balance": "{balance}", "code": "0x", "storage": {{}}}},
            "{account}": {{"nonce": "0x01", "balance": "0x00", "code": "0x{code}", "storage": {{}}}}}},
          "transaction": {{"data": ["0x"], "gasLimit": ["{gas}"], "value": ["0x00"], "gasPrice": "0x0a", "nonce": "0x00",
            "to": "{account}", "sender": "{sender}"}},
          "post": {{"London": [{{"indexes": {{"data": 0, "gas": 0, "value": 0}}, "hash": "{zero}", "logs": "{zero}"}}]}}}}"#
    )
}

/// A folder of one test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    /// With one file for each list of tests, by name.
    fn new(name: &str, files: &[&[(&str, &str)]]) -> Self {
        let path = std::env::temp_dir().join(format!("parallax-isolation-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        for (number, tests) in files.iter().enumerate() {
            let tests: Vec<_> =
                tests.iter().map(|(name, code)| format!("\"{name}\": {}", test(code))).collect();
            fs::write(path.join(format!("{number}.json")), format!("{{{}}}", tests.join(","))).unwrap();
        }
        Self(path)
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

fn parallax(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Status, standard output and standard error.
fn finish(mut child: Child, mut out: BufReader<ChildStdout>) -> (Option<i32>, String, String) {
    let (mut rest, mut err) = (String::new(), String::new());
    out.read_to_string(&mut rest).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    (child.wait().unwrap().code(), rest, err)
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut child = parallax(arguments).spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    finish(child, out)
}

/// A campaign that is going on, once it has printed one line.
fn begin(arguments: &[&str]) -> (Child, BufReader<ChildStdout>, String) {
    let mut child = parallax(arguments).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    (child, out, first)
}

fn kill(signal: &str, process: u32) {
    assert!(Command::new("kill").args([signal, &process.to_string()]).status().unwrap().success());
}

/// The one child of a process, once it has used so many hundredths of a second of a core: it is past its start.
fn busy_child(of: u32, at_least: u64) -> u32 {
    loop {
        for entry in fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
            let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
            // Behind the name, which may hold anything: state, parent, and so on.
            let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
            let number = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
            if number(1) == Some(of.into()) && number(11).is_some_and(|time| time >= at_least) {
                return entry.file_name().to_str().unwrap().parse().unwrap();
            }
        }
        thread::sleep(Duration::from_millis(5));
    }
}

const MIXED: &[&[(&str, &str)]] =
    &[&[("a", GOOD), ("b", GOOD)], &[("c", GOOD), ("d", ENDLESS), ("e", GOOD)], &[("f", GOOD)]];

#[test]
fn a_case_without_an_end_is_timed_out_and_the_others_come_to_theirs() {
    let folder = Folder::new("endless", MIXED);
    let (status, out, err) = run(&["statetest", folder.path(), "--case-timeout", "2"]);
    assert_eq!((status, err.as_str()), (Some(1), ""), "{out}");
    let found: Vec<_> = out.lines().filter(|line| line.starts_with("TIMED_OUT")).collect();
    assert!(matches!(found[..], [line] if line.ends_with("1.json d fork London d0 g0 v0")), "{out}");
    assert!(out.ends_with("primary: 0 passed, 5 failed, 1 timed out\n"), "{out}");
    assert!(
        out.contains("again: parallax statetest --engine primary --case-timeout 2 --fork London"),
        "{out}"
    );
    for engine in ["primary", "mini", "revm"] {
        for in_process in [&[][..], &["--in-process"]] {
            let arguments = ["statetest", folder.path(), "--engine", engine, "--max-steps", "1000"];
            let (status, out, _) = run(&[&arguments[..], in_process].concat());
            assert_eq!(status, Some(1));
            assert!(out.ends_with(": 0 passed, 5 failed, 1 met a limit\n"), "{out}");
            assert!(out.contains("LIMIT") && out.contains("not over after 1000 steps"), "{out}");
        }
    }
}

#[test]
fn a_case_that_is_lost_is_named_by_the_rules_it_ran_by() {
    let folder = Folder::new("by", &[&[("d", ENDLESS)]]);
    let rules = folder.0.join("by.toml");
    fs::write(&rules, "base = \"Osaka\"\nname = \"cheap\"\nwithout = [7825]\n").unwrap();
    let rules = rules.to_str().unwrap();
    let (status, out, _) = run(&["statetest", folder.path(), "--rules", rules, "--case-timeout", "2"]);
    assert_eq!(status, Some(1));
    assert!(out.contains(&format!("0.json d fork {rules} d0 g0 v0\n")), "{out}");
    assert!(out.contains(&format!(" --fork '{rules}' --index 0,0,0 ")), "{out}");
    assert!(out.contains("\nprimary: 0 passed, 1 timed out\n"), "{out}");
}

#[test]
fn a_worker_that_is_killed_is_a_crash_of_its_case() {
    let folder = Folder::new("killed", MIXED);
    let (child, out, _) = begin(&["statetest", folder.path(), "--jobs", "1"]);
    kill("-KILL", busy_child(child.id(), 100));
    let (status, out, _) = finish(child, out);
    assert_eq!(status, Some(1));
    assert!(out.contains("CRASHED ") && out.contains("(SIGKILL)"), "{out}");
    assert!(out.ends_with("primary: 0 passed, 5 failed, 1 crashed\n"), "{out}");
}

#[test]
fn every_interrupt_ends_what_runs_and_prints_what_was_done() {
    let folder = Folder::new("interrupted", MIXED);
    for signal in ["-INT", "-TERM", "-HUP"] {
        let (child, out, first) = begin(&["statetest", folder.path(), "--json", "--jobs", "2"]);
        assert!(first.contains("\"name\":\"a\""), "{first}");
        kill(signal, child.id());
        let (status, rest, err) = finish(child, out);
        assert_eq!(status, Some(130), "{signal}: {err}");
        assert!(rest.is_empty() || rest.ends_with("}\n"), "whole lines: {rest}");
        assert!(!rest.contains("\"name\":\"d\"") && !rest.contains("verdict"), "no finding: {rest}");
        assert!(err.contains("(stopped before the end)"), "{err}");
    }
}

/// The page, JSON and JUnit of a comparison, and whether they are whole documents.
#[track_caller]
fn check_reports(folder: &Folder, is_html_there: bool) -> [String; 3] {
    let written = ["html", "json", "xml"]
        .map(|name| fs::read_to_string(folder.0.join("reports").join(name)).unwrap_or_default());
    let [html, json, junit] = &written;
    assert_eq!(html.ends_with("</html>\n"), is_html_there, "{html}");
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert!(junit.ends_with("</testsuite>\n</testsuites>\n"), "{junit}");
    let count = json["cases"].as_array().unwrap().len();
    assert_eq!(junit.matches("<testcase ").count(), count);
    written
}

fn report_options(folder: &Folder) -> Vec<String> {
    fs::create_dir(folder.0.join("reports")).unwrap();
    ["html=html", "json=json", "junit=xml"]
        .into_iter()
        .flat_map(|option| {
            let (form, name) = option.split_once('=').unwrap();
            ["--report".to_owned(), format!("{form}={}/reports/{name}", folder.path())]
        })
        .collect()
}

#[test]
fn a_comparison_goes_on_behind_a_case_without_an_end() {
    let folder = Folder::new("compared", MIXED);
    let options = report_options(&folder);
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let files = folder.path().to_owned() + "/1.json";
    let (status, out, err) = run(&[&["diff", &files, "--case-timeout", "2"], &options[..]].concat());
    assert_eq!((status, err.as_str()), (Some(1), ""), "{out}");
    let found: Vec<_> = out.lines().filter(|line| line.starts_with("TIMED_OUT")).collect();
    assert!(matches!(found[..], [line] if line.ends_with("1.json d fork London d0 g0 v0")), "{out}");
    let [html, json, junit] = check_reports(&folder, true);
    assert!(html.contains(">timed_out</th>") && json.contains("\"timed_out\":1"), "{html}");
    assert!(junit.contains("errors=\"1\"") && junit.contains("<error type=\"timed_out\""), "{junit}");
    assert!(json.contains("--case-timeout 2") && json.contains("\"complete\":true"), "{json}");
}

#[test]
fn reports_are_whole_whatever_ends_a_comparison() {
    for signal in ["-TERM", "-KILL"] {
        let folder = Folder::new(signal, MIXED);
        let options = report_options(&folder);
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        let arguments = ["diff", folder.path(), "--json", "--jobs", "1"];
        let (child, out, _) = begin(&[&arguments[..], &options].concat());
        // The next case is not over yet, nor will it ever be.
        let worker = busy_child(child.id(), 100);
        kill(signal, child.id());
        let (status, _, err) = finish(child, out);
        assert_eq!(status, if signal == "-TERM" { Some(130) } else { None }, "{err}");
        let [html, json, _] = check_reports(&folder, signal == "-TERM");
        assert_eq!(json.matches("\"name\":").count(), 3, "a, b and c: {json}");
        assert_eq!(json.contains("\"complete\":false"), signal == "-TERM", "{json}");
        assert_eq!(html.contains("Stopped before the end"), signal == "-TERM");
        while fs::read_to_string(format!("/proc/{worker}/stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn limits_that_make_no_sense_are_said() {
    for (arguments, part) in [
        (&["--case-timeout", "0"][..], "above 0"),
        (&["--case-timeout", "inf"], "above 0"),
        (&["--case-timeout=-1"], "above 0"),
        (&["--max-memory", "255"], "256.."),
        (&["--in-process", "--max-memory", "256"], "--in-process"),
        (&["--trace", "eip3155", "--max-steps", "1"], "--trace runs the cases in this process"),
    ] {
        let (status, _, err) = run(&[&["statetest", "."], arguments].concat());
        assert!(status == Some(2) && err.contains(part), "{arguments:?}: {err}");
    }
}
