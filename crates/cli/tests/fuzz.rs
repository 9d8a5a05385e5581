//! `parallax fuzz` as users meet it: findings and the commands that find them again, files, interrupts, wrong arguments.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{fs, path::PathBuf};

use serde_json::Value;
use support::run;

const PLANTED: [&str; 4] = ["fuzz", "--right", "mini+flip-result@MUL", "--mode=per-step"];

fn planted(more: &[&str]) -> (Option<i32>, String, String) {
    run(&[&PLANTED, more].concat())
}

/// A file of one test's own.
fn file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("parallax-fuzz-{}-{name}", std::process::id()))
}

#[test]
fn a_run_without_findings_says_what_it_did() {
    let (status, out, error) = run(&["fuzz", "--seed", "7", "--programs", "300"]);
    assert_eq!((status, error.as_str()), (Some(0), ""));
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[0], "seed 7");
    assert!(lines[1].starts_with("300 programs, "), "{out}");
    assert!(out.contains("\nprimary and mini: ") && out.contains(" agree, "), "{out}");
    assert!(out.contains("\ncoverage: ") && out.ends_with("findings: none\n"), "{out}");
    // A seed that is drawn is told.
    let (status, out, _) = run(&["fuzz", "--programs", "1", "--jobs", "1", "--mode", "per-call"]);
    assert_eq!(status, Some(0));
    let seed = out.lines().next().and_then(|line| line.strip_prefix("seed "));
    assert!(seed.is_some_and(|seed| seed.parse::<u64>().is_ok()), "{out}");
    assert!(!out.contains("coverage"), "{out}");
}

#[test]
fn a_finding_has_a_command_that_finds_it_again() {
    let (status, out, error) = planted(&["--seed", "3", "--programs", "300", "--rules", "Osaka,Amsterdam"]);
    assert_eq!(status, Some(1), "{out}");
    assert!(error.starts_with("parallax: found in case "), "{error}");
    let again = out.lines().find_map(|line| line.trim().strip_prefix("again: parallax ")).unwrap();
    assert!(again.contains("--rules 'Osaka' --rules 'Amsterdam' --seed 3 --case "), "{again}");
    let words = again.replace('\'', "");
    let (status, alone, _) = run(&words.split(' ').collect::<Vec<_>>());
    assert_eq!(status, Some(1));
    assert!(out.contains(&alone) && alone.contains(", MUL\n"), "{alone}");
}

#[test]
fn json_has_a_line_for_each_sort_and_the_sum() {
    let (status, out, _) = planted(&["--seed", "3", "--programs", "300", "--rules", "Osaka", "--json"]);
    assert_eq!(status, Some(1));
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (sum, findings) = lines.split_last().unwrap();
    assert!(!findings.is_empty());
    let total: u64 = findings.iter().map(|finding| finding["count"].as_u64().unwrap()).sum();
    assert_eq!((sum["findings"].as_u64(), sum["programs"].as_u64()), (Some(total), Some(300)));
    assert_eq!(sum["pairs"][0]["verdicts"]["diverge"].as_u64(), Some(total));
    let finding = &findings[0];
    assert_eq!((&finding["verdict"], &finding["fork"]), (&"diverge".into(), &"Osaka".into()));
    assert!(finding["again"].as_str().unwrap().starts_with("parallax fuzz --mode per-step --left primary"));
    let missing = sum["coverage"]["missing"].as_array().unwrap();
    let covered = [&sum["coverage"]["possible"], &sum["coverage"]["reached"]].map(|n| n.as_u64().unwrap());
    assert_eq!(covered[0] - covered[1], missing.len() as u64);
}

/// What was found is there as a test that any client reads, with the same difference in it.
#[test]
fn a_case_is_written_as_a_state_test() {
    let (_, out, _) = planted(&["--seed", "3", "--programs", "300", "--rules", "Osaka", "--json"]);
    let finding: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    let path = file("case.json");
    let written = path.to_str().unwrap();
    let case = finding["case"].to_string();
    let one = ["--seed", "3", "--rules", "Osaka", "--case", &case];
    let (status, ..) = planted(&[&one[..], &["--write", written]].concat());
    assert_eq!(status, Some(1));
    let (status, out, error) =
        run(&["diff", written, "--right", "mini+flip-result@MUL", "--mode", "per-step", "--json"]);
    assert_eq!(status, Some(1), "{error}");
    let diff: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(diff["divergence"], finding["divergence"]);
    fs::remove_file(&path).unwrap();
    // Cases of every kind, rejected ones and signed ones among them, are what their tests expect.
    let mut passed = 0;
    for case in 0..60_u32 {
        let case = case.to_string();
        let (_, out, _) =
            run(&["fuzz", "--seed", "1", "--case", &case, "--mode", "per-call", "--write", written]);
        if path.exists() {
            let (status, out, error) = run(&["statetest", written, "--engine", "primary"]);
            assert_eq!(status, Some(0), "case {case}: {out}{error}");
            fs::remove_file(&path).unwrap();
            passed += 1;
        } else {
            // Another chain's transaction is one that the format has no place for.
            assert_eq!(out, "", "case {case}");
        }
    }
    assert!(passed > 50, "{passed}");
}

#[test]
fn reports_and_the_table_of_coverage_are_files() {
    let [page, table] = ["report.html", "coverage.tsv"].map(file);
    let report = format!("html={}", page.display());
    let coverage = table.to_str().unwrap();
    let (status, ..) =
        planted(&["--seed", "3", "--programs", "100", "--report", &report, "--coverage", coverage]);
    assert_eq!(status, Some(1));
    assert!(fs::read_to_string(&page).unwrap().contains("of seed 3"));
    let text = fs::read_to_string(&table).unwrap();
    assert!(text.lines().any(|line| line.starts_with("Amsterdam\tADD\tnone ")), "{text}");
    [page, table].iter().for_each(|path| fs::remove_file(path).unwrap());
}

#[test]
fn what_is_wrong_is_told_in_a_line() {
    for (arguments, expected) in [
        (&["--case", "1"][..], "--seed"),
        (&["--seed", "1", "--case", "1", "--programs", "2"], "--programs"),
        (&["--write", "x.json"], "--case"),
        (&["--mode", "per-block", "--until-coverage"], "expected --mode per-step or all"),
        (&["--mode", "per-block", "--right", "revm"], "revm shows no blocks"),
        (&["--left", "revm", "--right", "revm"], "neither can be stepped"),
        (&["--rules", "Nowhere"], "Nowhere"),
        (&["--kind", "nosuch"], "scenario"),
        (&["--kind", "deep", "--rules", "Osaka"], "Osaka lacks"),
        (&["--time", "1d"], "10m"),
        (&["--first", "0xffffffffffffffff", "--programs", "2"], "numbers end"),
        (&["--coverage", "/nonexistent/x"], "/nonexistent/x"),
    ] {
        let (status, out, error) = run(&[&["fuzz"], arguments].concat());
        assert_eq!((status, out.as_str()), (Some(2), ""), "{arguments:?}: {error}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_it_with_what_was_done() {
    use std::{
        io::{BufRead, BufReader, Read},
        process::{Command, Stdio},
    };
    for signal in ["-INT", "-TERM", "-HUP"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_parallax"))
            .args([
                "fuzz",
                "--seed",
                "3",
                "--jobs",
                "2",
                "--right",
                "mini+flip-result@MUL",
                "--mode",
                "per-step",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A finding is told when it is there; from then on it runs, and watches.
        let mut error = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        error.read_line(&mut line).unwrap();
        assert!(line.starts_with("parallax: found in case "), "{line}");
        let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        // Read on, or it waits.
        let rest = std::thread::spawn(move || error.read_to_string(&mut line).map(|_| line));
        let output = child.wait_with_output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(130), "{signal}: {out}");
        assert!(out.contains("; interrupted\n") && out.contains("DIVERGE case "), "{signal}: {out}");
        assert!(rest.join().unwrap().unwrap().contains("interrupted: the results so far are above"));
    }
}
