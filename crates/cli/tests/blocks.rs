//! `parallax blocktest`, and block tests given to other commands.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use support::{fixture, run};

/// The block tests of the repository.
fn fixtures() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/block-tests/blocks.json");
    path.canonicalize().unwrap().to_str().unwrap().to_owned()
}

/// Another file with these tests, changed.
fn changed(name: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut tests: Value = serde_json::from_str(&fs::read_to_string(fixtures()).unwrap()).unwrap();
    change(&mut tests);
    let path = std::env::temp_dir().join(format!("parallax-blocks-{}-{name}.json", std::process::id()));
    fs::write(&path, tests.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn block_tests_pass_in_workers_and_in_this_process() {
    for extra in [&[][..], &["--in-process"], &["--engine", "mini"], &["--engine", "revm", "--jobs", "1"]] {
        let engine = extra.get(1).unwrap_or(&"primary");
        let (status, out, err) = run(&[&["blocktest", &fixtures()], extra].concat());
        assert_eq!((status, err.as_str()), (Some(0), ""));
        assert_eq!(out, format!("{engine}: 8 passed; 70 blocks, 573827 gas\n"));
    }
    let (status, out, _) = run(&["blocktest", &fixtures(), "--only-fork", "Prague", "--json"]);
    assert_eq!(status, Some(0));
    let line: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!((line["name"].as_str(), line["pass"].as_bool()), (Some("a_chain_of_two/Prague"), Some(true)));
    let blocks = line["blocks"].as_array().unwrap();
    let refused = blocks.iter().filter(|block| block["refused"].is_string());
    assert_eq!((blocks.len(), refused.count()), (9, 7));
}

/// A fixture with a wrong root is told as failing.
#[test]
fn what_is_wrong_is_told_and_how_to_run_it_again() {
    let file = changed("root", |tests| {
        tests["a_chain_of_two/London"]["lastblockhash"] = format!("0x{}", "77".repeat(32)).into();
    });
    let (status, out, _) = run(&["blocktest", &file]);
    assert_eq!(status, Some(1));
    assert!(out.contains("a_chain_of_two/London network London\n  the chain ends with 0x"), "{out}");
    assert!(out.contains("\n  again: parallax blocktest --engine primary --filter "), "{out}");
    assert!(out.ends_with("primary: 7 passed, 1 failed; 70 blocks, 573827 gas\n"), "{out}");
    // The line behind it runs that one alone.
    let again = out.lines().find_map(|line| line.strip_prefix("  again: parallax ")).unwrap();
    let words: Vec<_> = again.split(' ').map(|word| word.trim_matches('\'')).collect();
    let (status, out, _) = run(&words);
    assert_eq!(status, Some(1));
    assert!(out.ends_with("primary: 0 passed, 1 failed; 9 blocks, 21000 gas\n"), "{out}");
    fs::remove_file(file).unwrap();

    let file = changed("form", |tests| {
        tests["a_chain_of_two/London"]["blocks"][0]["rlp"] = 5.into();
    });
    let (status, out, err) = run(&["blocktest", &file]);
    assert_eq!(status, Some(2));
    assert!(err.ends_with("at a_chain_of_two/London.blocks[0].rlp: expected bytes in hexadecimal, two digits each, found 5\n"), "{err}");
    assert!(out.ends_with("primary: 7 passed, 1 unreadable; 61 blocks, 552827 gas\n"), "{out}");
    fs::remove_file(file).unwrap();
}

#[test]
fn the_kind_of_a_test_is_recognised_by_every_command() {
    let (status, out, err) = run(&["statetest", &fixtures()]);
    let told = "  passed over: 8 block tests, for parallax blocktest and parallax diff\n";
    assert_eq!((status, out), (Some(2), format!("primary: 0 passed, 8 passed over\n{told}")));
    assert_eq!(err, "parallax: no case that this command runs is selected: all are passed over\n");
    let (status, out, _) = run(&["blocktest", &fixture("arithmetic.json")]);
    assert_eq!(status, Some(2));
    assert!(out.starts_with("primary: 0 passed, ") && out.contains(" passed over; 0 blocks"), "{out}");
    let (status, out, _) = run(&["diff", &fixtures(), "--right", "revm"]);
    assert_eq!(status, Some(0));
    assert!(out.contains("8 agree; 70 blocks, "), "{out}");
}

/// Every case has a limit of steps, where one is asked for.
#[test]
fn a_limit_of_steps_is_told() {
    let (status, out, _) = run(&["blocktest", &fixtures(), "--max-steps", "9"]);
    assert_eq!(status, Some(1));
    assert!(out.contains("LIMIT "), "{out}");
    assert!(out.contains("not over after 9 steps"), "{out}");
}

/// The sum of what was done is printed where it waits for more as well.
#[test]
#[cfg(unix)]
fn an_interrupt_prints_what_was_done() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_parallax"))
        .args(["blocktest", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut paths = child.stdin.take().unwrap();
    writeln!(paths, "{}", fixtures()).unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..8 {
        assert!(answers.next().unwrap().unwrap().contains("\"verdict\":\"passed\""));
    }
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let output = child.wait_with_output().unwrap();
    drop(paths);
    assert_eq!(output.status.code(), Some(130));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("primary: 8 passed; 70 blocks, 573827 gas (stopped before the end)\n"), "{err}");
}
