//! Campaigns over small files: order, faults of engines, selection, stopping, and what reports say.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{
    env, fs,
    ops::ControlFlow,
    path::PathBuf,
    process,
    sync::atomic::{AtomicBool, Ordering},
};

use parallax_campaign::{
    Campaign, Delivered, DiffSetup, JsonReport, RunBy, Selection, TestOutcome, TestSummary, diff, diff_json,
    diff_text, engines, statetest, test_json, test_text,
};
use parallax_engine_interface::{Engine, EngineError, Execution, Job, Stepper};
use parallax_hooks::Hooks;
use parallax_shadow_diff::{ShadowConfig, ShadowMode, Verdict};
use regex::Regex;

/// A call that stores and returns, on three forks' rules; the second London case is refused. revm has no Constantinople.
const TEST: &str = r#"{"env": {"currentCoinbase": "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba", "currentDifficulty": "0x020000",
    "currentGasLimit": "0x05f5e100", "currentNumber": "0x01", "currentTimestamp": "0x03e8", "currentBaseFee": "0x07"},
  "pre": {
    "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b": {"nonce": "0x00", "balance": "0x0de0b6b3a7640000", "code": "0x", "storage": {}},
    "0x000000000000000000000000000000000000c0de":
      {"nonce": "0x01", "balance": "0x00", "code": "0x600160005560ff60005260206000f3", "storage": {}}},
  "transaction": {"data": ["0x"], "gasLimit": ["0x0186a0", "0x5207"], "value": ["0x00"], "gasPrice": "0x0a", "nonce": "0x00",
    "to": "0x000000000000000000000000000000000000c0de", "sender": "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b"},
  "post": {
   "Constantinople": [{"indexes": {"data": 0, "gas": 0, "value": 0},
     "hash": "0x9dfa37c38fada0d9d1654cefff28b20fb00a5396ceb1d18418f5128aa30a9e91",
     "logs": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"}],
   "London": [{"indexes": {"data": 0, "gas": 0, "value": 0},
     "hash": "0xe30ecc2834e0a9c61ae15ec2480cfe9160e6997479428dba20bf981d0427708a",
     "logs": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"},
    {"indexes": {"data": 0, "gas": 1, "value": 0}, "expectException": "TransactionException.INTRINSIC_GAS_TOO_LOW",
     "hash": "0x43fbd8a83027fa7291669e981170d390853324cec7cf492960247a9e3cd9ccba",
     "logs": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"}]
  }}"#;

/// Files of this test's own; they go when it is over.
struct Files {
    folder: PathBuf,
    paths: Vec<PathBuf>,
}

impl Files {
    fn new(name: &str, texts: &[String]) -> Self {
        let folder = env::temp_dir().join(format!("parallax-campaigns-{}-{name}", process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let write = |(number, text): (usize, &String)| {
            let path = folder.join(format!("{number:03}.json"));
            fs::write(&path, text).unwrap();
            path
        };
        let paths = texts.iter().enumerate().map(write).collect();
        Self { folder, paths }
    }

    fn one(name: &str, text: &str) -> Self {
        Self::new(name, &[text.to_owned()])
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn file_of(names: &[&str]) -> String {
    let tests: Vec<_> = names.iter().map(|name| format!("\"{name}\": {TEST}")).collect();
    format!("{{{}}}", tests.join(","))
}

/// What every case came to, without the folder's name.
fn test_with(
    files: &Files,
    engine: &dyn Engine,
    selection: &Selection,
    line: impl Fn(&Delivered<TestOutcome>) -> String + Sync,
) -> (Vec<String>, TestSummary) {
    let mut lines = Vec::new();
    let cancel = AtomicBool::new(false);
    let campaign = Campaign { files: &files.paths, selection, jobs: 4, cancel: &cancel };
    let summary = statetest(&campaign, engine, |delivered, progress| {
        assert_eq!(progress.files, files.paths.len());
        lines.push(line(delivered).replace(&format!("{}/", files.folder.display()), ""));
        ControlFlow::Continue(())
    });
    (lines, summary.unwrap())
}

/// An engine that is wrong where `fault` says: it answers what `mini` does, spoiled.
struct Faulty(fn(&Job<'_>, Execution) -> Execution);

impl Engine for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn start<'a>(&'a self, _: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        Ok(None)
    }

    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        engines::mini().execute(job, hooks).map(|execution| (self.0)(job, execution))
    }
}

const PANICS: Faulty = Faulty(|job, execution| {
    assert!(job.rules.base() < parallax_primitives::Fork::London, "no idea of London");
    execution
});
const OVERCHARGES: Faulty = Faulty(|_, mut execution| {
    execution.outcome.as_mut().unwrap().gas_used += 1;
    execution
});

#[test]
fn answers_come_in_the_order_of_the_files_whatever_the_workers_do() {
    let texts: Vec<_> = (0..40)
        .map(|file| file_of(&[format!("z{file}").as_str(), format!("a{file}").as_str()][..1 + file % 2]))
        .collect();
    let files = Files::new("order", &texts);
    let (lines, summary) = test_with(&files, engines::mini(), &Selection::default(), |delivered| {
        let Delivered::Case(case, _) = delivered else { panic!("unreadable") };
        format!("{} {} {} {}", case.file, case.name, case.fork_name, case.g)
    });
    let mut expected = Vec::new();
    for file in 0..40 {
        for name in &["z", "a"][..1 + file % 2] {
            for rest in ["Constantinople 0", "London 0", "London 1"] {
                expected.push(format!("{file:03}.json {name}{file} {rest}"));
            }
        }
    }
    assert_eq!(lines, expected);
    assert!(summary.is_success());
    assert_eq!(summary.text("mini"), "mini: 180 passed");
}

#[test]
fn a_case_is_one_line_of_json() {
    let files = Files::one("json", &file_of(&["stores"]));
    let (lines, _) = test_with(&files, engines::mini(), &Selection::default(), test_json);
    assert_eq!(
        lines[1..],
        [
            r#"{"file":"000.json","name":"stores","fork":"London","d":0,"g":0,"v":0,"pass":true,"stateRoot":"0xe30ecc2834e0a9c61ae15ec2480cfe9160e6997479428dba20bf981d0427708a","expectedRoot":"0xe30ecc2834e0a9c61ae15ec2480cfe9160e6997479428dba20bf981d0427708a","logsHash":"0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347","gasUsed":"0xa874","output":"0x00000000000000000000000000000000000000000000000000000000000000ff","exception":null,"error":null}"#,
            r#"{"file":"000.json","name":"stores","fork":"London","d":0,"g":1,"v":0,"pass":true,"stateRoot":"0x43fbd8a83027fa7291669e981170d390853324cec7cf492960247a9e3cd9ccba","expectedRoot":"0x43fbd8a83027fa7291669e981170d390853324cec7cf492960247a9e3cd9ccba","logsHash":"0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347","gasUsed":"0x0","output":"0x","exception":"TransactionException.INTRINSIC_GAS_TOO_LOW","error":null}"#,
        ]
    );
    let mut report = Vec::new();
    let mut json = JsonReport::new(std::io::Cursor::new(&mut report)).unwrap();
    lines.iter().for_each(|line| json.case(line).unwrap());
    json.finish(&TestSummary { passed: 3, complete: true, ..TestSummary::default() }, None).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["cases"].as_array().unwrap().len(), 3);
    assert_eq!(report["cases"][2]["g"], 1);
    assert_eq!(report["summary"]["passed"], 3);
}

/// Runs the test with `from` replaced by `to`: this is what a person reads.
#[track_caller]
fn check_text(name: &str, from: &str, to: &str, engine: &dyn Engine, expected: &[&str]) {
    let text = file_of(&["stores"]);
    assert!(text.contains(from));
    let files = Files::one(name, &text.replacen(from, to, 1));
    let (lines, summary) = test_with(&files, engine, &Selection::default(), |delivered| {
        test_text(delivered, engine.name()).unwrap_or_default()
    });
    let said: Vec<_> = lines.iter().filter(|line| !line.is_empty()).collect();
    assert_eq!(said, expected);
    assert!(!summary.is_success());
}

#[test]
fn what_does_not_pass_says_why_and_how_to_run_it_again() {
    check_text(
        "root",
        "0xe30ecc28",
        "0xe30ecc29",
        engines::mini(),
        &["FAIL 000.json stores fork London d0 g0 v0\n  state root is \
           0xe30ecc2834e0a9c61ae15ec2480cfe9160e6997479428dba20bf981d0427708a, expected \
           0xe30ecc2934e0a9c61ae15ec2480cfe9160e6997479428dba20bf981d0427708a\n  again: parallax statetest --engine mini \
           --fork London --index 0,0,0 --filter '^stores$' '000.json'"],
    );
    check_text(
        "logs",
        "0x1dcc4de8",
        "0x1dcc4de9",
        engines::mini(),
        &["FAIL 000.json stores fork Constantinople d0 g0 v0\n  logs hash is \
           0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347, expected \
           0x1dcc4de9dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347\n  again: parallax statetest --engine mini \
           --fork Constantinople --index 0,0,0 --filter '^stores$' '000.json'"],
    );
    check_text(
        "exception",
        "INTRINSIC_GAS_TOO_LOW",
        "NONCE_IS_MAX",
        engines::mini(),
        &[
            "FAIL 000.json stores fork London d0 g1 v0\n  rejected as TransactionException.INTRINSIC_GAS_TOO_LOW (gas limit \
           20999 is below the intrinsic gas 21000), expected TransactionException.NONCE_IS_MAX\n  again: parallax statetest \
           --engine mini --fork London --index 0,1,0 --filter '^stores$' '000.json'",
        ],
    );
    check_text(
        "unreadable",
        "\"TransactionException.INTRINSIC_GAS_TOO_LOW\"",
        "7",
        engines::mini(),
        &[
            "UNREADABLE 000.json: at stores.post.London[1].expectException: expected the names of exceptions, separated by |, \
           found 7",
        ],
    );
    check_text(
        "unsupported",
        "London",
        "London",
        engines::revm(),
        &[
            "NOT RUN 000.json stores fork Constantinople d0 g0 v0\n  revm has no Constantinople before Petersburg (EIP-1283)",
        ],
    );
}

#[test]
fn an_expected_state_tells_what_differs() {
    let from = r#""hash": "0xe30ecc28"#;
    let state = r#""state": {"0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b": {"nonce": "0x01", "balance":
        "0x0de0b6b3a75d6b78", "code": "0x", "storage": {}}, "0x000000000000000000000000000000000000c0de": {"nonce": "0x01",
        "balance": "0x00", "code": "0x600160005560ff60005260206000f3", "storage": {"0x00": "0x02"}}}, "hash": "0xe30ecc29"#;
    let files = Files::one("state", &file_of(&["stores"]).replacen(from, state, 1));
    let (lines, _) = test_with(&files, engines::mini(), &Selection::default(), test_json);
    assert!(
        lines[1]
            .contains("; account 0x000000000000000000000000000000000000c0DE: slot 0x0 0x1 (expected 0x2)\"}"),
        "{}",
        lines[1]
    );
}

#[test]
fn old_fillers_paid_a_reward_of_zero_which_shows_before_eip_161() {
    let refused = |info: &str, fork: &str| {
        let text =
            file_of(&["stores"]).replace("London", fork).replacen("{\"env\"", &format!("{{{info}\"env\""), 1);
        let files = Files::one("reward", &text);
        let (lines, _) =
            test_with(&files, engines::mini(), &Selection::default(), |delivered| match delivered {
                Delivered::Case(case, TestOutcome::Ran(result, _)) if case.g == 1 => {
                    result.state_root.unwrap().to_string()
                }
                _ => String::new(),
            });
        lines.concat()
    };
    let old = r#""_info": {"filledwith": "testeth"}, "#;
    let new = r#""_info": {"fixture-format": "state_test"}, "#;
    assert_eq!(
        refused(new, "Homestead"),
        "0x43fbd8a83027fa7291669e981170d390853324cec7cf492960247a9e3cd9ccba"
    );
    assert_eq!(refused(old, "EIP158"), refused(new, "Homestead"));
    assert_ne!(refused(old, "EIP150"), refused(new, "Homestead"));
    assert_eq!(refused(old, "EIP150"), refused(old, "Frontier"));
}

#[test]
fn a_panic_fails_its_case_alone() {
    let files = Files::one("panic", &file_of(&["stores"]));
    let (lines, summary) = test_with(&files, &PANICS, &Selection::default(), test_json);
    assert_eq!((summary.passed, summary.failed, summary.crashed), (2, 0, 1));
    assert!(lines[0].contains(r#""pass":true"#) && lines[2].contains(r#""pass":true"#));
    assert!(lines[1].ends_with(
        r#""verdict":"crashed","stateRoot":null,"expectedRoot":"0xe30ecc2834e0a9c61ae15ec2480cfe9160e6997479428dba20bf981d0427708a","logsHash":null,"gasUsed":null,"output":null,"exception":null,"error":"an engine panicked: no idea of London"}"#
    ), "{}", lines[1]);
}

/// The verdicts of two engines on the test.
fn verdicts(name: &str, left: &dyn Engine, right: &dyn Engine) -> (Vec<Verdict>, Vec<String>, Vec<String>) {
    let files = Files::one(name, &file_of(&["stores"]));
    let (selection, cancel) = (Selection::default(), AtomicBool::new(false));
    let campaign = Campaign { files: &files.paths, selection: &selection, jobs: 2, cancel: &cancel };
    let setup = DiffSetup::new(
        left.name(),
        right.name(),
        &ShadowConfig { mode: ShadowMode::PerCall, ..ShadowConfig::default() },
    );
    let (mut verdicts, mut lines, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    let summary = diff(&campaign, left, right, ShadowMode::PerCall, |delivered, _| {
        if let Delivered::Case(_, outcome) = delivered {
            verdicts.push(outcome.verdict.clone());
        }
        let plain = |text: String| text.replace(&format!("{}/", files.folder.display()), "");
        lines.push(plain(diff_json(delivered)));
        texts.push(plain(diff_text(delivered, &setup).unwrap_or_default()));
        ControlFlow::Continue(())
    });
    assert_eq!(summary.unwrap().is_success(), !verdicts.iter().any(Verdict::is_failure));
    (verdicts, lines, texts)
}

#[test]
fn engines_that_agree_are_said_to() {
    let (verdicts, lines, _) = verdicts("agree", &engines::primary(), engines::mini());
    let refused = "gas limit 20999 is below the intrinsic gas 21000".to_owned();
    assert_eq!(verdicts, [Verdict::Agree, Verdict::Agree, Verdict::Rejected(refused)]);
    assert_eq!(
        lines[1],
        r#"{"file":"000.json","name":"stores","fork":"London","d":0,"g":0,"v":0,"verdict":"agree","steps":1,"divergence":null}"#
    );
}

#[test]
fn an_engine_that_is_wrong_diverges_and_one_that_panics_has_crashed() {
    let (_, lines, texts) = verdicts("diverge", engines::mini(), &OVERCHARGES);
    assert_eq!(
        lines[1],
        r##"{"file":"000.json","name":"stores","fork":"London","d":0,"g":0,"v":0,"verdict":"diverge","steps":1,"divergence":{"step":null,"depth":null,"pc":null,"opcode":null,"opName":null,"field":"gas used","left":"43124 (0xa874)","right":"43125 (0xa875)","frames":[],"recent":["#0 begins: CALL 0x000000000000000000000000000000000000c0de, gas 79000, 0 bytes of input","#0 ends: success, gas left 56876, 32 bytes of output"],"cause":"gas","place":"transaction"}}"##
    );
    assert!(texts[1].starts_with("DIVERGE 000.json stores fork London d0 g0 v0\n"), "{}", texts[1]);
    assert!(texts[1].ends_with(
        "\n  again: parallax diff --mode per-call --left mini --right faulty --fork London --index 0,0,0 --filter '^stores$' '000.json'"
    ));
    let (verdicts, lines, _) = verdicts("crash", &PANICS, engines::mini());
    assert_eq!(verdicts[1], Verdict::Crashed("an engine panicked: no idea of London".to_owned()));
    assert!(lines[1].ends_with(
        r#""verdict":"crashed","steps":0,"divergence":null,"reason":"an engine panicked: no idea of London"}"#
    ));
}

#[test]
fn a_crash_says_which_engine_stood_where() {
    let files = Files::one("place", &file_of(&["stores"]));
    let selection = Selection { rules: Some("London".parse().unwrap()), ..Selection::default() };
    let cancel = AtomicBool::new(false);
    let campaign = Campaign { files: &files.paths, selection: &selection, jobs: 1, cancel: &cancel };
    let mut verdicts = Vec::new();
    let summary = diff(&campaign, &PANICS, engines::mini(), ShadowMode::PerStep, |delivered, _| {
        if let Delivered::Case(_, outcome) = delivered {
            verdicts.push(outcome.verdict.clone());
        }
        ControlFlow::Continue(())
    });
    assert!(!summary.unwrap().is_success());
    let place = "faulty, at or behind step 9, depth 1, pc 14, RETURN";
    assert_eq!(verdicts[0], Verdict::Crashed(format!("an engine panicked: no idea of London ({place})")));
}

#[test]
fn a_selection_takes_what_it_names() {
    let files = Files::new("selection", &[file_of(&["first", "second"]), file_of(&["third"])]);
    let count_of = |index: Option<[usize; 3]>, filter: Option<&str>, fork: Option<&str>| {
        let selection = Selection {
            filter: filter.map(|filter| Regex::new(filter).unwrap()),
            rules: fork.map(|fork| fork.parse().unwrap()),
            index,
            ..Selection::default()
        };
        test_with(&files, engines::mini(), &selection, test_json).1.passed
    };
    let count = |filter, fork| count_of(None, filter, fork);
    assert_eq!(count(None, None), 9);
    assert_eq!(count(Some("^(second|third)$"), None), 6);
    assert_eq!(count(Some(r"001\.json$"), Some("London")), 2);
    assert_eq!(count(None, Some("Constantinople")), 3);
    assert_eq!(count(None, Some("Osaka")), 0);
    let by_index = |index| count_of(Some(index), None, Some("London"));
    assert_eq!((by_index([0, 0, 0]), by_index([0, 1, 0]), by_index([0, 0, 1])), (3, 3, 0));
}

/// What every case comes to that is run by `by` on `engine`, of what the files have for `only`.
fn run_by(by: &str, only: Option<&str>, engine: &dyn Engine) -> (Vec<String>, TestSummary) {
    let files = Files::one(&format!("by-{by}-{}", only.unwrap_or("")), &file_of(&["stores", "again"]));
    let by = RunBy { rules: by.parse().unwrap(), name: by.to_owned() };
    let only = only.map(|only| only.parse().unwrap());
    test_with(&files, engine, &Selection { by: Some(by), rules: only, ..Selection::default() }, test_json)
}

#[test]
fn cases_by_other_rules_are_run_and_what_is_expected_of_them_is_not_looked_at() {
    let (lines, summary) = run_by("Osaka", None, engines::mini());
    // Of two transactions, one is expected to be refused.
    let expected =
        TestSummary { unchecked: 4, expectations_unchecked: 10, complete: true, ..TestSummary::default() };
    assert_eq!(summary, expected);
    assert!(summary.is_success() && summary.cases() == 4);
    assert_eq!(summary.text("mini"), "mini: 0 passed, 4 ran and not checked in full");
    let said = "by Osaka in place of their own rules: 4 cases, so 10 expectations (state roots, hashes of logs, exceptions) were not \
                looked at";
    assert_eq!(summary.unchecked_text(Some("Osaka")).as_deref(), Some(said));
    let start = r#"{"file":"000.json","name":"stores","fork":"Osaka","d":0,"g":0,"v":0,"pass":null,"verdict":"unchecked","stateRoot":"0x"#;
    let end = r#"","gasUsed":"0xa874","output":"0x00000000000000000000000000000000000000000000000000000000000000ff","exception":null,"error":null}"#;
    assert!(lines[0].starts_with(start) && lines[0].ends_with(end), "{}", lines[0]);
    assert!(
        lines[0].contains(r#""expectedRoot":null"#) && lines[1].contains("INTRINSIC_GAS_TOO_LOW"),
        "{lines:?}"
    );
    // What the file has for the rules is looked at.
    let (_, summary) = run_by("London", None, engines::mini());
    assert_eq!((summary.passed, summary.cases(), summary.unchecked_text(Some("London"))), (4, 4, None));
    let (_, summary) = run_by("London", Some("Constantinople"), engines::mini());
    assert_eq!((summary.unchecked, summary.cases()), (2, 2));
    // What does not come to its end is a finding all the same.
    let (_, summary) = run_by("Osaka", None, &PANICS);
    assert_eq!((summary.crashed, summary.unchecked, summary.is_success()), (2, 2, false));
}

#[test]
fn a_comparison_counts_what_ran_by_other_rules() {
    let files = Files::one("compared-by", &file_of(&["stores"]));
    let count = |by: &str| {
        let by = RunBy { rules: by.parse().unwrap(), name: by.to_owned() };
        let selection = Selection { by: Some(by), ..Selection::default() };
        let cancel = AtomicBool::new(false);
        let campaign = Campaign { files: &files.paths, selection: &selection, jobs: 1, cancel: &cancel };
        let deliver = |_: &Delivered<_>, _| ControlFlow::Continue(());
        diff(&campaign, engines::mini(), engines::mini(), ShadowMode::PerStep, deliver).unwrap()
    };
    let summary = count("Osaka");
    assert_eq!((summary.agreed, summary.rejected, summary.by_other_rules), (1, 1, 2));
    assert_eq!(summary.rules_text("Osaka").as_deref(), Some("by Osaka in place of their own rules: 2 cases"));
    assert_eq!((count("London").by_other_rules, count("London").rules_text("London")), (0, None));
}

#[test]
fn a_campaign_that_is_stopped_says_so() {
    let files = Files::new("stop", &vec![file_of(&["stores"]); 20]);
    let (selection, cancel) = (Selection::default(), AtomicBool::new(false));
    let campaign = Campaign { files: &files.paths, selection: &selection, jobs: 2, cancel: &cancel };
    let mut delivered = 0;
    let summary = statetest(&campaign, engines::mini(), |_, _| {
        delivered += 1;
        if delivered == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let summary = summary.unwrap();
    assert_eq!((summary.passed, summary.complete, delivered), (4, false, 4));
    assert_eq!(summary.text("mini"), "mini: 4 passed (stopped before the end)");
    assert!(!summary.is_success());
    cancel.store(true, Ordering::Relaxed);
    let summary = statetest(&campaign, engines::mini(), |_, _| ControlFlow::Continue(())).unwrap();
    assert_eq!((summary.passed, summary.complete), (0, false));
}

#[test]
fn a_file_that_is_none_hides_no_other() {
    let files = Files::new("broken", &["{".to_owned(), file_of(&["stores"]), "[]".to_owned()]);
    let (lines, summary) = test_with(&files, engines::mini(), &Selection::default(), test_json);
    assert_eq!((summary.passed, summary.unreadable), (3, 2));
    assert!(lines[0].contains("EOF while parsing"), "{}", lines[0]);
}
