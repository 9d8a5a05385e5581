//! A comparison as items of work: lines in, an answer each, one report of them.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use support::run;
use tempfile::TempDir;

/// What the sides part in here and there.
const OPTIONS: [&str; 7] =
    ["--left-rules", "Prague", "--right-rules", "Osaka", "--filter", "[ck]a", "--in-process"];

fn fixtures(folder: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(folder);
    path.canonicalize().unwrap().to_str().unwrap().to_owned()
}

fn diff(words: &[&str], options: &[&str]) -> (Option<i32>, String, String) {
    run(&[&["diff"], words, options].concat())
}

/// What `parallax diff --pipe` answers to these lines.
fn answers(options: &[&str], lines: &str) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
    command.args(["diff", "--pipe"]).args(options);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // It answers while it reads.
    let text = lines.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// An archive with some state tests, and what is no test.
fn archive(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("tests.tar.gz");
    let file = fs::File::create(&path).unwrap();
    let mut builder = tar::Builder::new(GzEncoder::new(file, Compression::fast()));
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, bytes).unwrap();
    };
    for name in ["stack", "calls", "flow", "blobs"] {
        add(&format!("a/{name}.json"), &fs::read(support::fixture(&format!("{name}.json"))).unwrap());
    }
    add("a/notes.txt", b"notes");
    add("b/list.json", b"[]");
    add("b/touches.json", &fs::read(support::fixture("touches.json")).unwrap());
    builder.into_inner().unwrap().finish().unwrap();
    path
}

#[test]
fn answers_in_any_order_make_the_report_of_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let name = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let archive = archive(&folder);
    let (blocks, tests) = (fixtures("block-tests"), fixtures("state-tests"));
    let paths = [archive.to_str().unwrap(), &blocks, &tests];
    let plain = name("plain.json");
    let (status, told, _) = diff(&paths, &[&OPTIONS[..], &["--report", &format!("json={plain}")]].concat());
    assert_eq!(status, Some(2), "b/list.json cannot be read: {told}");
    let (status, list, _) = diff(&[&paths[..], &["--list"]].concat(), &[]);
    assert_eq!(status, Some(0));
    let lines: Vec<&str> = list.lines().collect();
    assert!(lines[0].ends_with("tests.tar.gz:a/stack.json") && lines[0].starts_with("1/33 "), "{}", lines[0]);
    // Two processes, one of which is given the archive backwards, and what both are given is the same.
    let (one, two): (Vec<_>, Vec<_>) = lines.iter().enumerate().partition(|(at, _)| at % 2 == 0);
    let joined =
        |lines: Vec<(usize, &&str)>| lines.iter().map(|(_, line)| format!("{line}\n")).collect::<String>();
    let mut two = two;
    two.reverse();
    two.push((0, &lines[0]));
    let mut all = answers(&OPTIONS, &joined(one));
    all.extend(answers(&OPTIONS, &joined(two)));
    assert_eq!(all.len(), lines.len() + 1);
    all.reverse();
    let (half, rest) = all.split_at(7);
    fs::write(name("one.jsonl"), half.join("\n") + "\n").unwrap();
    fs::write(name("two.jsonl"), rest.join("\n") + "\n").unwrap();
    let (status, out, err) =
        run(&["report", "merge", &name("one.jsonl"), &name("two.jsonl"), "--out", &name("all.json")]);
    assert_eq!((status, err.as_str()), (Some(1), ""), "{out}");
    assert_eq!(fs::read_to_string(name("all.json")).unwrap(), fs::read_to_string(&plain).unwrap());
    assert!(told.contains(&out), "{out} is not in {told}");
}

#[test]
fn an_item_is_answered_before_the_next_one_is_asked() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
    let mut child = command
        .args(["diff", "--pipe", "--in-process"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    for name in ["stack.json", "blobs.json", "stack.json"] {
        let path = support::fixture(name);
        writeln!(input, "{path}").unwrap();
        let answer: Value = serde_json::from_str(&output.next().unwrap().unwrap()).unwrap();
        assert_eq!((&answer["item"], answer["path"].as_str()), (&Value::Null, Some(&*path)));
        assert!(answer["summary"]["agreed"].as_u64() > Some(0), "{answer}");
    }
    drop(input);
    assert!(output.next().is_none());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_line_that_is_no_item_is_answered_as_that() {
    let stack = support::fixture("stack.json");
    let long = "x".repeat(1 << 17);
    let lines = format!("1/2 absent.json\n\n{{\"a\": 1}}\n{long}\n2/2 {stack}\n3/2 {stack}\nlast");
    let told: Vec<Value> =
        answers(&[], &lines).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.len(), 6);
    let error = |at: usize| told[at]["error"].as_str().unwrap_or_default();
    assert!(told[0]["item"] == "1/2" && error(0).starts_with("absent.json: "), "{}", told[0]);
    assert!(error(1).contains("looks like JSON"), "{}", told[1]);
    assert!(error(2).contains("longer than 65536 bytes"), "{}", told[2]);
    assert!(told[3]["item"] == "2/2" && told[3]["cases"].is_array(), "{}", told[3]);
    // No place of two is the third: it is a path, and there is none.
    assert!(told[4]["item"].is_null() && error(4).starts_with("3/2 "), "{}", told[4]);
    assert!(error(5).starts_with("last: "), "{}", told[5]);
}

#[test]
fn answers_that_make_no_whole_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let name = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (stack, blobs) = (support::fixture("stack.json"), support::fixture("blobs.json"));
    let lines = format!("1/3 {stack}\n2/3 absent.json\n3/3 {blobs}\n{blobs}\n");
    let all = answers(&["--in-process"], &lines);
    let [one, absent, three, nowhere] = &all[..] else { panic!("{all:?}") };
    let two = &answers(&["--in-process"], &format!("2/3 {blobs}"))[0];
    let other = &answers(&["--in-process", "--mode", "per-step"], &format!("2/3 {blobs}"))[0];
    let file = name("answers.jsonl");
    let wrong = |lines: &[&str], expected: &str| {
        fs::write(&file, lines.join("\n")).unwrap();
        let (status, _, err) = run(&["report", "merge", &file, "--out", &name("all.json")]);
        assert_eq!((status, err.lines().count()), (Some(2), 1), "{err}");
        assert!(err.contains(expected), "{err}");
        assert!(!folder.path().join("all.json").exists());
    };
    wrong(&[one, three], "2 of 3 items are answered: the first that is not is 2/3");
    wrong(&[one, two], "the first that is not is 3/3");
    wrong(&[one, absent, three], "answers.jsonl: line 2: item 2/3 was not run: absent.json: ");
    wrong(&[one, other, three], "line 1 and ");
    wrong(&[one, other, three], "answers.jsonl: line 2: not asked for alike");
    wrong(&[one, two, nowhere], "line 3: expected an answer to an item of parallax diff --list");
    wrong(&[one, two, &three.replace("3/3", "3/4")], "line 3: items of different lists");
    wrong(
        &[one, two, &three.replace("3/3", "2/3").replace("blobs", "b")],
        "different answers to the same item",
    );
    wrong(&[one, &two[..two.len() / 2]], "line 2: expected an answer");
    // One that could not be run is run again, elsewhere.
    fs::write(&file, [one.as_str(), absent, two, three].join("\n")).unwrap();
    let (status, _, err) = run(&["report", "merge", &file, "--out", &name("all.json")]);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    // What cannot be cut is no list of items.
    fs::write(folder.path().join("cut.tar"), b"cut").unwrap();
    for (path, expected) in [(name("cut.tar"), "cut off after 3"), (name("none"), "none: ")] {
        let (status, out, err) = diff(&[&path, "--list"], &[]);
        assert_eq!((status, out.as_str()), (Some(2), ""));
        assert!(err.contains(expected), "{err}");
    }
}
