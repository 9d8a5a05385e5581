//! The log of the command: where it goes, how it is written, and what is no level.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Standard output, the lines of standard error, and the exit status.
fn run(arguments: &[&str], levels: Option<&str>) -> (String, Vec<String>, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
    command.args(arguments).stdin(Stdio::null()).env_remove("RUST_LOG");
    if let Some(levels) = levels {
        command.env("RUST_LOG", levels);
    }
    let ran = command.output().unwrap();
    let [out, err] = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (out, err.lines().map(str::to_owned).collect(), ran.status.code())
}

fn fixture() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests/deposits.json");
    path.canonicalize().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn worker_processes_log_through_their_campaign() {
    let path = fixture();
    for isolation in [&[][..], &["--in-process"]] {
        let diff = [&["diff", &path, "--fork", "Osaka"], isolation].concat();
        let (out, quiet, status) = run(&diff, None);
        assert_eq!((quiet.len(), status), (0, Some(0)), "{quiet:?}");
        let (logged_out, lines, status) = run(&[&diff[..], &["--log", "debug"]].concat(), None);
        assert_eq!((logged_out, status), (out, Some(0)), "the results are the same");
        assert!(!lines.is_empty());
        for line in &lines {
            let parts = ["case{file=", "name=deposits/", "shadow{mode=\"all\"", "verdict=\"agree\""];
            assert!(parts.iter().all(|part| line.contains(part)), "{line}");
        }
        let (_, json, _) = run(&[&diff[..], &["--log", "debug", "--log-format", "json"]].concat(), None);
        assert_eq!(json.len(), lines.len());
        for line in json {
            let event: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!(event["fields"]["verdict"], "agree");
            assert_eq!(
                event["spans"][0]["name"].as_str().map(|name| name != "shadow"),
                Some(true),
                "{event}"
            );
        }
    }
}

#[test]
fn levels_are_options_or_of_the_environment() {
    let (_, lines, _) = run(&["run", "0x6001"], Some("debug"));
    assert!(lines.len() == 1 && lines[0].contains("run{engine=\"primary\""), "{lines:?}");
    let (_, lines, _) = run(&["run", "0x6001", "--log", "off"], Some("debug"));
    assert!(lines.is_empty(), "the option counts: {lines:?}");
    let (_, lines, _) =
        run(&["diff", "--code", "0x6001", "--log", "off,parallax_primary_interpreter=trace"], None);
    assert!(!lines.is_empty() && lines.iter().all(|line| line.contains("translated")), "{lines:?}");
    let (_, lines, status) = run(&["run", "0x", "--log", "loud=x"], Some("debug"));
    assert!(lines.len() == 1 && lines[0].contains("--log loud=x: expected error, warn,"), "{lines:?}");
    assert_eq!(status, Some(2));
}

#[test]
fn a_warning_says_what_it_is_of() {
    let path = fixture();
    for isolation in [&[][..], &["--in-process"]] {
        let limited = ["diff", &path, "--fork", "Osaka", "--max-steps", "1", "--log", "warn"];
        let (_, lines, status) = run(&[&limited, isolation].concat(), None);
        assert_eq!(status, Some(1), "{lines:?}");
        assert!(!lines.is_empty());
        for line in lines {
            let parts = ["WARN ", "case{file=", "shadow{mode=\"all\" left=\"primary\"", "verdict=\"limit\""];
            assert!(parts.iter().all(|part| line.contains(part)), "{line}");
        }
    }
}

/// It may be meant for another program, as a form with spans is: the command says so, once, and runs.
#[test]
fn levels_of_the_environment_that_are_none_end_no_command() {
    let path = fixture();
    for arguments in [&["run", "0x6001"][..], &["diff", &path, "--fork", "Osaka"]] {
        let (out, quiet, status) = run(arguments, None);
        assert_eq!((quiet.len(), status), (0, Some(0)), "{quiet:?}");
        for levels in ["loud=x", "hyper[conn{id=1}]=debug,info"] {
            let (same, lines, status) = run(arguments, Some(levels));
            assert_eq!((same, status), (out.clone(), Some(0)));
            let said = format!("parallax: RUST_LOG {levels}: expected error, warn,");
            assert!(
                matches!(&lines[..], [line] if line.starts_with(&said) && line.ends_with("; nothing is logged"))
            );
        }
    }
    let (_, lines, _) = run(&["run", "0x6001", "--log", "debug"], Some("loud=x"));
    assert!(matches!(&lines[..], [line] if line.contains("run{engine")), "the option counts: {lines:?}");
}

#[test]
fn the_version_is_answered() {
    let (out, _, status) = run(&["-V"], None);
    assert_eq!((out.trim(), status), (concat!("parallax ", env!("CARGO_PKG_VERSION")), Some(0)));
    let (out, _, status) = run(&["--version"], None);
    assert_eq!(status, Some(0));
    let [first, revm, forks] = out.lines().collect::<Vec<_>>()[..] else { panic!("{out}") };
    assert!(first.starts_with(concat!("parallax ", env!("CARGO_PKG_VERSION"))), "{out}");
    assert!(revm.starts_with("revm ") && forks.starts_with("forks Frontier "), "{out}");
}
