//! Steps and depths have one number in every output: from 1, as in traces (EIP-3155).

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod support;

use std::{fs, path::PathBuf};

use serde_json::Value;
use support::{fixture, run};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("parallax-numbering-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The first line as JSON, of a command that finds a difference.
#[track_caller]
fn found(arguments: &[&str]) -> Value {
    let (status, out, err) = run(arguments);
    assert_eq!(status, Some(1), "{out}{err}");
    serde_json::from_str(out.lines().next().unwrap()).unwrap()
}

/// A trace, and the same with another gas at one step, held against each other and one against the run: each output has the number of
/// the line.
#[test]
fn every_output_numbers_steps_and_depths_alike() {
    let folder = Folder::new("traces");
    let (ours, theirs) = (folder.path("ours.jsonl"), folder.path("theirs.jsonl"));
    let file = fixture("calls.json");
    let case = [&*file, "--only-fork", "Osaka", "--filter", "/static_violation_comes_before_gas$"];
    let traced = [&["statetest"], &case[..], &["--trace", "eip3155", "--trace-out", &ours]].concat();
    assert_eq!(run(&traced).0, Some(0));
    let lines = fs::read_to_string(&ours).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    // The first one of a frame below another's.
    let at = lines.iter().position(|line| line.contains("\"depth\":3")).unwrap();
    let line: Value = serde_json::from_str(lines[at]).unwrap();
    let other = lines[at].replace(line["gas"].as_str().unwrap(), "0x7");
    let mut wrong = lines.clone();
    wrong[at] = &other;
    fs::write(&theirs, wrong.join("\n") + "\n").unwrap();
    // One step a line, and nothing before the first.
    let (step, depth) = (at as u64 + 1, line["depth"].as_u64().unwrap());

    let compared = found(&["compare", &ours, &theirs, "--json"]);
    let report = folder.path("report.json");
    let beside = [&["diff"], &case[..], &["--right-trace", &theirs, "--json"]].concat();
    let beside = found(&[&beside[..], &["--report", &format!("json={report}")]].concat());
    let report: Value = serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(
        (&compared["step"], &compared["leftStep"]["depth"]),
        (&step.into(), &depth.into()),
        "{compared}"
    );
    for told in [&beside["divergence"], &report["cases"][0]["divergence"]] {
        assert_eq!((&told["step"], &told["depth"]), (&step.into(), &depth.into()), "{told}");
        let last = told["recent"].as_array().unwrap().last().unwrap().as_str().unwrap();
        assert!(last.starts_with(&format!("{at} depth {} ", depth - 1)), "{last}");
    }
    let (_, text, _) = run(&["compare", &ours, &theirs]);
    assert!(text.contains(&format!("first difference at step {step}: gas\n")), "{text}");
    let (_, text, _) = run(&[&["diff"], &case[..], &["--right-trace", &theirs]].concat());
    assert!(text.contains(&format!("diverge before step {step} at depth {depth}, ")), "{text}");
}

/// Two engines that part at a step: in a line of JSON, in the file of both sides' steps, and on the page.
#[test]
fn engines_that_part_are_numbered_as_traces_are() {
    let folder = Folder::new("engines");
    let (steps, page) = (folder.path("steps.jsonl"), folder.path("page.html"));
    let code =
        ["diff", "--asm", "--code", "PUSH 1 PUSH 2 ADD PUSH 0 SSTORE", "--right", "mini+flip-result@ADD"];
    let html = format!("html={page}");
    let told = found(&[&code[..], &["--json", "--steps", &steps, "--report", &html]].concat());
    assert_eq!((&told["divergence"]["step"], &told["divergence"]["depth"]), (&3.into(), &1.into()));
    let steps = fs::read_to_string(steps).unwrap();
    let steps: Vec<Value> = steps.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<_> = steps.iter().filter_map(|line| line["step"].as_u64()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let apart = steps.iter().find(|line| line["step"] == 3).unwrap();
    assert_eq!((&apart["mismatch"]["field"], &apart["primary"]["depth"]), (&"stack".into(), &1.into()));
    assert_eq!(steps.last().unwrap()["divergedAt"], 3);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("after step 3 at depth 1, pc 4, ADD"), "{page}");
    let earlier =
        "<td class=\"number\">2</td><td class=\"number\">1</td><td class=\"number\">2</td><td>PUSH1</td>";
    assert!(page.contains(earlier), "{page}");
}
