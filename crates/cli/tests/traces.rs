//! Traces as users have them written: whole, several at once, behind one another, and told of where they are not whole.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

/// A folder of one test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("parallax-traces-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn parallax(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
    command.args(arguments).stdin(Stdio::null()).env_remove("COLUMNS").env("RUST_BACKTRACE", "0");
    command
}

/// Exit status and standard error.
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let output = parallax(arguments).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Forty items on the stack.
fn forty() -> String {
    format!("0x{}00", "6001".repeat(40))
}

/// 1 at 0x1000, and 1 at 0.
const FAR_MEMORY: &str = "0x600161100052600160005200";

/// The struct logs of a run, one document.
#[track_caller]
fn struct_logs(arguments: &[&str]) -> Value {
    let (status, err) = run(&[&["run"], arguments, &["--trace", "struct"]].concat());
    assert_eq!(status, Some(0), "{err}");
    serde_json::from_str(&err).unwrap()
}

/// A field of the last step.
fn last<'a>(document: &'a Value, field: &str) -> &'a Value {
    &document["structLogs"].as_array().unwrap().last().unwrap()[field]
}

/// Nobody can say how long; but how often it is said, and that the run is in it.
#[test]
fn the_time_of_a_run_is_told_where_it_is_asked_for() {
    let folder = Folder::new("time");
    let path = folder.path("t");
    let traced = |arguments: &[&str]| {
        let fixed = ["run", "0x6001600201", "--trace", "eip3155", "--trace-out", &path];
        let (status, err) = run(&[&fixed, arguments].concat());
        assert_eq!(status, Some(0), "{err}");
        let text = folder.read("t");
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter_map(|line| line["time"].as_u64()).collect::<Vec<_>>()
    };
    assert!(matches!(traced(&["--trace-time"])[..], [time] if time > 0));
    assert!(traced(&[]).is_empty());
    let out = |arguments: &[&str]| {
        let output = parallax(&[&["run", "0x6001600201"], arguments].concat()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let json: Value = serde_json::from_str(&out(&["--json", "--time"])).unwrap();
    assert!(json["timeNs"].as_u64() > Some(0));
    let last = out(&["--time"]).lines().last().unwrap().to_owned();
    let time = last.strip_prefix("time ").unwrap().trim().strip_suffix(" ns").unwrap();
    assert!(time.parse::<u64>().unwrap() > 0);
    assert!(!out(&["--json"]).contains("time") && !out(&[]).contains("time"));
}

#[test]
fn struct_logs_are_whole_unless_bounds_are_asked_for() {
    let forty = forty();
    let stack = |arguments: &[&str]| {
        let document = struct_logs(&[&[&*forty], arguments].concat());
        (last(&document, "stack").as_array().unwrap().len(), last(&document, "stackSize").as_u64())
    };
    assert_eq!(stack(&[]), (40, None));
    assert_eq!(stack(&["--bounded"]), (32, Some(40)));
    assert_eq!(stack(&["--stack-items", "7"]), (7, Some(40)));
    assert_eq!(stack(&["--bounded", "--stack-items", "33"]), (33, Some(40)));

    let memory = |arguments: &[&str]| {
        let document = struct_logs(&[&[FAR_MEMORY, "--trace-memory"], arguments].concat());
        let words = last(&document, "memory").as_array().unwrap().clone();
        let ones = words.iter().filter(|word| word.as_str().unwrap().ends_with('1')).count();
        (words.len(), ones, last(&document, "memorySize").as_u64())
    };
    assert_eq!(memory(&[]), (129, 2, None), "the word at 0x1000 is on a line");
    assert_eq!(memory(&["--bounded"]), (32, 1, Some(4128)));
    assert_eq!(memory(&["--memory-bytes", "64"]), (2, 1, Some(4128)));

    let log = |arguments: &[&str]| {
        let document = struct_logs(&[&["0x60206000a0"], arguments].concat());
        document["structLogs"][2]["logs"][0].clone()
    };
    assert_eq!(log(&[]), Value::Null, "clients do not write them");
    assert_eq!(log(&["--log-bytes", "2"])["data"], "0x0000");
    assert_eq!(
        (&log(&["--log-bytes", "2"])["dataSize"], &log(&["--bounded"])["dataSize"]),
        (&32.into(), &Value::Null)
    );

    let cut = struct_logs(&[&forty, "--trace-bytes", "500"]);
    let steps = cut["structLogs"].as_array().unwrap().len() as u64;
    assert!(steps < 41 && cut["stepsDropped"] == 41 - steps, "{cut}");
}

#[test]
fn struct_logs_show_what_geth_shows_unless_told_otherwise() {
    // Sets a slot, grows the memory, calls the identity with 32 bytes of it.
    let code = "0x6007600155 6020600060206000600060045af1 50 00".replace(' ', "");
    let shown = |arguments: &[&str]| {
        let document = struct_logs(&[&[&*code], arguments].concat());
        let text = document.to_string();
        let fields = ["storage", "stack", "memory", "returnData"];
        fields.into_iter().filter(|field| text.contains(&format!("\"{field}\""))).collect::<Vec<_>>()
    };
    assert_eq!(shown(&[]), ["storage", "stack"]);
    assert_eq!(shown(&["--no-storage", "--no-stack"]), [""; 0]);
    assert_eq!(shown(&["--trace-memory"]), ["storage", "stack", "memory"]);
    assert_eq!(shown(&["--trace-return-data", "--no-storage"]), ["stack", "returnData"]);
    let three = struct_logs(&[&code, "--trace-limit", "3"]);
    assert_eq!((three["structLogs"].as_array().unwrap().len(), &three["stepsDropped"]), (3, &10.into()));
    assert_eq!(three["structLogs"][2]["op"], "SSTORE");
    assert_eq!(struct_logs(&[&code, "--trace-limit", "0"])["stepsDropped"], Value::Null);
    // Lines of geth have return data where that is asked for.
    let lines = |arguments: &[&str]| {
        let (_, text) =
            run(&[&["run", &*code, "--trace", "eip3155", "--dialect", "geth"], arguments].concat());
        text.contains("\"returnData\":\"0x00")
    };
    assert!(!lines(&[]) && lines(&["--trace-return-data"]));
}

/// Long enough for more than one piece of text, and for much of what the seeds call a bound.
#[test]
fn official_struct_logs_are_whole() {
    let shared = std::env::var_os("PARALLAX_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let tests = shared.join("eest/static/state_tests/stMemoryTest");
    if !tests.is_dir() {
        eprintln!("left out: no official tests beside the repository or in PARALLAX_SHARED");
        return;
    }
    let folder = Folder::new("official");
    let out = folder.path("out");
    let case = ["statetest", tests.to_str().unwrap(), "--only-fork", "Cancun"];
    let traced = ["--trace", "struct", "--trace-memory", "--trace-out", &out];
    let cut = |arguments: &[&str]| {
        assert_eq!(run(&[&case[..], &traced, arguments].concat()).0, Some(0));
        let text = folder.read("out");
        let with = |field: &str| text.lines().filter(|line| line.contains(field)).count();
        (text.lines().count(), with("\"memorySize\""), with("\"stackSize\""))
    };
    assert_eq!(cut(&[]), (43, 0, 0));
    assert_eq!(cut(&["--bounded"]), (43, 23, 3));
}

#[test]
fn several_traces_are_written_at_once() {
    let folder = Folder::new("several");
    let forty = forty();
    let alone = |name: &str, arguments: &[&str]| {
        assert_eq!(
            run(&[&["run", &forty, "--trace-out", &folder.path(name)], arguments].concat()).0,
            Some(0)
        );
        folder.read(name)
    };
    let expected = [
        alone("geth", &["--trace", "eip3155", "--dialect", "geth"]),
        alone("struct", &["--trace", "struct"]),
        alone("revm", &["--trace", "eip3155", "--dialect", "revm"]),
    ];
    let all = ["eip3155", "struct", "eip3155"].map(|format| ["--trace", format]).concat();
    let outs = ["a", "b", "c"].map(|name| folder.path(name));
    let outs: Vec<&str> = outs.iter().flat_map(|out| ["--trace-out", out]).collect();
    let dialects = ["--dialect", "geth", "--dialect", "revm"];
    assert_eq!(run(&[&["run", &forty][..], &all, &outs, &dialects].concat()), (Some(0), String::new()));
    assert_eq!(["a", "b", "c"].map(|name| folder.read(name)), expected);

    let behind = ["--trace-append", "--dialect", "geth"];
    assert_eq!(run(&[&["run", &forty][..], &all, &outs, &behind].concat()).0, Some(0));
    assert_eq!(folder.read("b"), expected[1].repeat(2));
    assert_eq!(folder.read("c"), [&*expected[2], &*expected[0]].concat());
    assert_eq!(run(&[&["run", &forty][..], &all, &outs].concat()).0, Some(0));
    assert_eq!(folder.read("b"), expected[1], "written over");

    fs::write(folder.0.join("a"), "{\"pc\":").unwrap();
    assert_eq!(run(&[&["run", &forty][..], &all, &outs, &behind].concat()).0, Some(0));
    assert_eq!(folder.read("a"), format!("{{\"pc\":\n{}", expected[0]), "behind a line without an end");
}

#[test]
fn wrong_traces_are_refused_in_a_line() {
    let folder = Folder::new("wrong");
    let (a, b) = (folder.path("a"), folder.path("b"));
    for (arguments, part) in [
        (&["--trace", "struct", "--trace", "eip3155", "--trace-out", &a][..], "2 --trace and 1 --trace-out"),
        (&["--trace", "struct", "--trace", "eip3155"], "2 --trace and 0 --trace-out"),
        (&["--trace", "struct", "--trace-out", &a, "--trace-out", &b], "1 --trace and 2 --trace-out"),
        (
            &["--trace", "struct", "--trace", "struct", "--trace-out", &a, "--trace-out", &a],
            "would be written over another output",
        ),
        (&["--trace", "eip3155", "--stack-items", "1"], "expected --trace struct"),
        (&["--bounded"], "expected --trace struct"),
        (
            &["--trace", "eip3155", "--dialect", "geth", "--dialect", "eels"],
            "2 --dialect and 1 --trace eip3155",
        ),
        (&["--trace", "struct", "--trace-out", "/nowhere/at/all"], "/nowhere/at/all: cannot write the trace"),
    ] {
        let (status, err) = run(&[&["run", "00"], arguments].concat());
        assert_eq!((status, err.lines().count()), (Some(2), 1), "{arguments:?}: {err}");
        assert!(err.contains(part), "{part:?} is not in {err:?}");
    }
    assert_eq!(run(&["run", "00", "--trace-append"]).0, Some(2));
}

#[test]
fn what_a_trace_lost_is_said() {
    if !Path::new("/dev/full").exists() {
        eprintln!("left out: no /dev/full here");
        return;
    }
    let folder = Folder::new("lost");
    let beside = folder.path("beside");
    // Forty-one steps and the summary.
    for drop in [&[][..], &["--trace-drop"]] {
        let outs =
            ["--trace", "eip3155", "--trace-out", "/dev/full", "--trace", "struct", "--trace-out", &beside];
        let (status, err) = run(&[&["run", &forty()], &outs[..], drop].concat());
        assert_eq!(status, Some(2));
        let expected =
            "parallax: /dev/full: cannot write the trace, 42 lines of it are lost: No space left on device";
        assert!(err.starts_with(expected) && err.lines().count() == 1, "{err}");
        assert!(folder.read("beside").ends_with("}\n"), "the other one is whole");
    }
}

/// The reader looks only when the run is over: what does not fit into the pipe and the queue is dropped, whole, and counted.
#[test]
#[cfg(unix)]
fn a_reader_that_stands_still_stops_no_run_that_may_drop_lines() {
    const ROUNDS: usize = 20_000;
    let folder = Folder::new("pipe");
    let pipe = folder.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let code = format!("PUSH3 {ROUNDS} again: PUSH 1 SWAP1 SUB DUP1 @again JUMPI");
    let arguments = ["run", "--asm", &code, "--trace", "eip3155", "--trace-drop", "--trace-out", &pipe];
    let mut child = parallax(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut reader = fs::File::open(&pipe).unwrap();
    // The result is printed when the run is over, and nothing of the trace has been read by then.
    let mut result = [0; 6];
    child.stdout.as_mut().unwrap().read_exact(&mut result).unwrap();
    assert_eq!(&result, b"status");
    let (mut trace, mut err) = (String::new(), String::new());
    reader.read_to_string(&mut trace).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{err}");
    let lost = err.split(' ').find_map(|word| word.parse::<usize>().ok()).unwrap();
    let arrived = trace.lines().filter(|line| line.ends_with('}')).count();
    // Seven opcodes a round, one before and one behind them, and the summary.
    assert_eq!((arrived, arrived + lost), (trace.lines().count(), 7 * ROUNDS + 2 + 1), "{err}");
    assert!(lost > 0, "{err}");
}
