//! `parallax diff --steps`: the lines that are written, and what is said where they are not all.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{fs, path::PathBuf};

use parallax_record_json::{Line, Reader, RunEnd, RunHeader, Step};
use support::{fixture, run};

/// A folder of one test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("parallax-steps-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
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

/// Every run of a file: its header, its steps, its end.
#[track_caller]
fn runs(text: &str) -> Vec<(RunHeader, Vec<Step>, RunEnd)> {
    let mut runs = Vec::new();
    let mut lines = Reader::new(text.as_bytes()).map(Result::unwrap);
    while let Some(first) = lines.next() {
        let Line::Run(header) = first else { panic!("{first:?}") };
        let mut steps = Vec::new();
        loop {
            match lines.next().unwrap() {
                Line::Step(step) => steps.push(*step),
                Line::End(end) => break runs.push((*header, steps, *end)),
                line => panic!("{line:?}"),
            }
        }
    }
    runs
}

#[test]
fn every_step_of_every_case_is_written() {
    let folder = Folder::new("cases");
    let (path, file) = (folder.path("steps"), fixture("arithmetic.json"));
    let common = ["diff", &*file, "--fork", "Osaka"];
    let (status, report, err) = run(&common);
    assert_eq!(status, Some(0), "{err}");
    for mode in ["all", "per-step"] {
        let (status, out, err) = run(&[&common[..], &["--mode", mode, "--steps", &path]].concat());
        assert_eq!((status, &*err), (Some(0), ""));
        assert!(mode != "all" || out == report, "the report is the same: {out}");
        let runs = runs(&fs::read_to_string(&path).unwrap());
        assert!(runs.len() > 1);
        for (header, steps, end) in runs {
            assert_eq!((&*header.mode, header.engines), (mode, ["primary", "mini"].map(str::to_owned)));
            assert_eq!((header.case.file, &*header.case.fork), (file.clone(), "Osaka"));
            assert_eq!((&*end.verdict, end.steps_dropped, end.gas_delta), ("agree", 0, Some(0)));
            assert_eq!(end.steps, [steps.len() as u64; 2]);
            assert!(steps.iter().all(|step| step.left.is_some() && step.left == step.right));
        }
    }
}

#[test]
fn a_program_s_steps_are_written_beside_its_report() {
    let common = ["diff", "--asm", "--code", "PUSH 1 PUSH 2 ADD PUSH 0 SSTORE"];
    let (status, out, err) =
        run(&[&common[..], &["--left", "mini+flip-result@ADD", "--steps", "-"]].concat());
    assert_eq!(status, Some(1), "{err}");
    assert!(err.starts_with("DIVERGE a program"), "the report goes to standard error: {err}");
    let runs = runs(&out);
    let [(header, steps, end)] = &runs[..] else { panic!("{out}") };
    assert_eq!(header.engines, ["mini+flip-result@ADD", "mini"].map(str::to_owned));
    let marks: Vec<_> = steps
        .iter()
        .filter_map(|step| {
            let mismatch = step.mismatch.as_ref()?;
            Some((step.step, step.carried, &*mismatch.field, &*mismatch.lhs, &*mismatch.rhs))
        })
        .collect();
    let expected = [
        (3, false, "stack", "0x2", "0x3"),
        (4, true, "stack", "0x2", "0x3"),
        (5, false, "storage", "0x2", "0x3"),
    ];
    assert_eq!(marks[..3], expected, "{out}");
    assert_eq!((&*end.verdict, end.diverged_at), ("diverge", Some(3)));
    assert_eq!(end.divergence.as_ref().and_then(|divergence| divergence.step), Some(3));
}

#[test]
fn a_limit_that_is_met_is_said() {
    let folder = Folder::new("limit");
    let path = folder.path("steps");
    let common = ["diff", "--asm", "--code", "PUSH 1 PUSH 2 ADD PUSH 0 SSTORE", "--steps", &path];
    let (status, _, err) = run(&[&common[..], &["--steps-limit", "2"]].concat());
    let expected = format!("parallax: {path}: 4 steps of 1 cases are not in it: --steps-limit 2\n");
    assert_eq!((status, err), (Some(0), expected));
    let runs = runs(&fs::read_to_string(&path).unwrap());
    let (_, steps, end) = &runs[0];
    assert_eq!((steps.len(), end.steps_dropped, end.steps), (2, 4, [6, 6]));
}

#[track_caller]
fn refused(arguments: &[&str], expected: &str) {
    let (status, out, err) = run(arguments);
    assert_eq!((status, &*out), (Some(2), ""));
    assert_eq!(err.lines().next().unwrap().trim_start_matches("parallax: "), expected, "{err}");
}

#[test]
fn what_has_no_steps_is_refused_in_one_line() {
    let folder = Folder::new("refused");
    let case = folder.path("case.json");
    let text = fs::read_to_string(fixture("arithmetic.json")).unwrap();
    fs::write(&case, &text).unwrap();
    for mode in ["per-call", "per-block"] {
        let expected = format!("--mode {mode} compares no steps: --steps expects --mode per-step or all");
        refused(&["diff", &case, "--mode", mode, "--steps", "-"], &expected);
    }
    refused(
        &["diff", &case, "--steps", "-", "--json"],
        "--steps - and --json both write lines to standard output: expected a file for --steps",
    );
    refused(
        &["diff", &case, "--steps", "-", "--case-timeout", "5"],
        "--steps runs the cases in this process, without --case-timeout and --max-memory",
    );
    refused(
        &["diff", &case, "--steps", &case],
        &format!("{case}: the steps would be written over what is read"),
    );
    assert_eq!(fs::read_to_string(&case).unwrap(), text);
    let nowhere = folder.path("no/such/folder");
    let (status, _, err) = run(&["diff", &case, "--steps", &nowhere]);
    assert_eq!(status, Some(2));
    assert!(err.contains(&format!("{nowhere}: cannot write the steps")), "{err}");
}
