//! Campaigns in worker processes: what ends a case in any way is a finding, and every other case has its verdict.
//!
//! This is a program of its own, as it is the worker too, with an engine that does harm where a case asks for it.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{
    env, fs, hint,
    io::{self, Write},
    ops::ControlFlow,
    panic,
    path::{Path, PathBuf},
    process::{self, Command, ExitCode, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use parallax_campaign::{
    Campaign, DiffTask, Form, Isolation, Limits, Report, ReportFormat, Selection, TestReport, TestSummary,
    TestTask, TestVerdict, Workers, diff_isolated, discover,
    engines::{self, EngineSource, UnknownEngine},
    statetest_isolated, worker_main,
};
use parallax_engine_interface::{Engine, EngineError, Execution, Job, Stepper};
use parallax_hooks::Hooks;
use parallax_primitives::{Bytes, Transaction};
use parallax_shadow_diff::{ShadowConfig, ShadowMode};

/// Where a case that never ends tells its process.
const PID_FILE: &str = "PARALLAX_TEST_PID_FILE";

/// A call that stores and returns. Its data is for [`Hostile`]; what runs has none.
const TEST: &str = r#"{"env": {"currentCoinbase": "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba", "currentDifficulty": "0x020000",
    "currentGasLimit": "0x05f5e100", "currentNumber": "0x01", "currentTimestamp": "0x03e8", "currentBaseFee": "0x07"},
  "pre": {
    "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b": {"nonce": "0x00", "balance": "0x0de0b6b3a7640000", "code": "0x", "storage": {}},
    "0x000000000000000000000000000000000000c0de":
      {"nonce": "0x01", "balance": "0x00", "code": "0x600160005560ff60005260206000f3", "storage": {}}},
  "transaction": {"data": [DATA], "gasLimit": ["0x0186a0"], "value": ["0x00"], "gasPrice": "0x0a", "nonce": "0x00",
    "to": "0x000000000000000000000000000000000000c0de", "sender": "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b"},
  "post": {"London": [POST]}}"#;

/// What a case does to its process before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Harm {
    None,
    Abort,
    Endless,
    AllMemory,
    MuchMemory,
    Panic,
    Nonsense,
    Exit,
    Overflow,
    Kill,
}

use Harm::{Abort, AllMemory, Endless, Exit, Kill, MuchMemory, None as Good, Nonsense, Overflow, Panic};

const HARMS: [Harm; 10] =
    [Good, Abort, Endless, AllMemory, MuchMemory, Panic, Nonsense, Exit, Overflow, Kill];

/// `mini`, which a case may make do harm.
struct Hostile;

impl Engine for Hostile {
    fn name(&self) -> &'static str {
        "hostile"
    }

    fn start<'a>(&'a self, _: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        Ok(None)
    }

    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        let asked = job.transaction().unwrap().input.first().copied().unwrap_or(0);
        do_harm(HARMS[usize::from(asked)]);
        let transaction = &Transaction { input: Bytes::new(), ..job.transaction().unwrap().clone() };
        engines::mini().execute(&Job { subject: transaction.into(), ..*job }, hooks)
    }
}

fn do_harm(harm: Harm) {
    match harm {
        Good => {}
        Abort => process::abort(),
        Endless => {
            if let Some(path) = env::var_os(PID_FILE) {
                fs::write(path, process::id().to_string()).unwrap();
            }
            loop {
                hint::spin_loop();
            }
        }
        AllMemory => {
            let mut taken = Vec::new();
            loop {
                taken.push(hint::black_box(vec![1_u8; 16 << 20]));
            }
        }
        // What two of them leave behind is more than a worker of these tests may take.
        MuchMemory => std::mem::forget(hint::black_box(vec![1_u8; 100 << 20])),
        Panic => panic!("no idea\nof this"),
        Nonsense => {
            let mut out = io::stdout();
            out.write_all(&[0xff; 64]).unwrap();
            out.flush().unwrap();
        }
        Exit => process::exit(7),
        Overflow => {
            hint::black_box(deeper(1));
        }
        Kill => {
            let _ = Command::new("kill").args(["-KILL", &process::id().to_string()]).status();
            loop {
                thread::park();
            }
        }
    }
}

fn deeper(depth: u64) -> u64 {
    let block = hint::black_box([depth; 512]);
    if depth == 0 { 0 } else { deeper(depth + 1) + block[usize::from(depth.is_multiple_of(2))] }
}

fn engine(name: &str) -> Result<Box<dyn EngineSource>, UnknownEngine> {
    if name == "hostile" { Ok(Box::new(Hostile)) } else { engines::source(name) }
}

/// Files of one test's own; they go when it is over.
struct Files {
    folder: PathBuf,
    paths: Vec<PathBuf>,
}

impl Files {
    /// One file for each list, with one test for each list in it, with one case for each harm.
    fn new(name: &str, files: &[&[&[Harm]]]) -> Self {
        let folder = env::temp_dir().join(format!("parallax-workers-{}-{name}", process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let mut paths = Vec::new();
        for (number, tests) in files.iter().enumerate() {
            let tests: Vec<_> = tests
                .iter()
                .enumerate()
                .map(|(test, harms)| format!("\"t{test}\": {}", text(harms)))
                .collect();
            let path = folder.join(format!("{number:04}.json"));
            fs::write(&path, format!("{{{}}}", tests.join(","))).unwrap();
            paths.push(path);
        }
        Self { folder, paths }
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.join("pid")
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn text(harms: &[Harm]) -> String {
    let data: Vec<_> = harms.iter().map(|harm| format!("\"0x{:02x}\"", *harm as u8)).collect();
    let post: Vec<_> = (0..harms.len())
        .map(|number| {
            format!(
                r#"{{"indexes": {{"data": {number}, "gas": 0, "value": 0}},
                 "hash": "0xe30ecc2834e0a9c61ae15ec2480cfe9160e6997479428dba20bf981d0427708a",
                 "logs": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"}}"#
            )
        })
        .collect();
    TEST.replace("DATA", &data.join(",")).replace("POST", &post.join(","))
}

const PATIENT: Limits = Limits { case_timeout: Duration::from_secs(600), max_memory: 384 };

fn workers(limits: Limits) -> Workers {
    Workers::of_this_program(["worker"], limits).unwrap()
}

fn task(engine: &str) -> TestTask {
    TestTask {
        engine: engine.to_owned(),
        command: "again".to_owned(),
        json: true,
        digest: None,
        max_steps: None,
    }
}

/// Runs the files on `hostile` in workers.
fn reports(
    paths: &[PathBuf],
    jobs: usize,
    limits: Limits,
    cancel: &AtomicBool,
) -> (Vec<TestReport>, TestSummary) {
    let selection = Selection::default();
    let campaign = Campaign { files: paths, selection: &selection, jobs, cancel };
    let mut reports = Vec::new();
    let workers = workers(limits);
    let summary =
        statetest_isolated(&campaign, &task("hostile"), Isolation::Workers(&workers), |report, _| {
            reports.push(report.clone());
            ControlFlow::Continue(())
        });
    (reports, summary.unwrap())
}

/// Where in its file a report says its case is: test and data.
fn place(report: &TestReport) -> String {
    let json: serde_json::Value = serde_json::from_str(report.json.as_ref().unwrap()).unwrap();
    format!("{} {}", json["name"].as_str().unwrap(), json["d"])
}

/// The case that does `harm`, among good ones of its test and others, is the only one without its own end.
#[track_caller]
fn check_finding(harm: Harm, limits: Limits, verdict: TestVerdict, parts: &[&str]) {
    let files = Files::new("finding", &[&[&[Good], &[Good, harm, Good], &[harm], &[Good, Good]], &[&[Good]]]);
    for jobs in [1, 3] {
        let (reports, summary) = reports(&files.paths, jobs, limits, &AtomicBool::new(false));
        let found: Vec<_> = reports.iter().map(|report| (place(report), report.verdict)).collect();
        let passed = TestVerdict::Passed;
        let expected = [
            ("t0 0", passed),
            ("t1 0", passed),
            ("t1 1", verdict),
            ("t1 2", passed),
            ("t2 0", verdict),
            ("t3 0", passed),
            ("t3 1", passed),
            ("t0 0", passed),
        ];
        assert_eq!(found, expected.map(|(place, verdict)| (place.to_owned(), verdict)), "{harm:?}");
        let text = reports[2].text.as_ref().unwrap();
        for part in
            ["0000.json t1 fork London d1 g0 v0\n", "--index 1,0,0 --filter '^t1$'"].iter().chain(parts)
        {
            assert!(text.contains(part), "{part:?} is not in {text:?}");
        }
        assert!(summary.complete && summary.passed == 6 && summary.failures() == 2, "{summary:?}");
    }
}

fn what_ends_a_case_is_a_finding_and_the_others_have_their_verdicts() {
    let crashed = TestVerdict::Crashed;
    check_finding(Abort, PATIENT, crashed, &["CRASHED", "SIGABRT"]);
    check_finding(Panic, PATIENT, crashed, &["CRASHED", "tests/workers.rs:", "no idea of this"]);
    check_finding(Exit, PATIENT, crashed, &["CRASHED", "exit status: 7"]);
    check_finding(Overflow, PATIENT, crashed, &["CRASHED", "SIGABRT", "stack overflow"]);
    check_finding(Kill, PATIENT, crashed, &["CRASHED", "SIGKILL"]);
    check_finding(Nonsense, PATIENT, crashed, &["CRASHED", "makes no sense"]);
    check_finding(AllMemory, PATIENT, TestVerdict::Limit, &["LIMIT", "memory allocation of", "384 MiB"]);
    let hasty = Limits { case_timeout: Duration::from_secs(2), ..PATIENT };
    check_finding(Endless, hasty, TestVerdict::TimedOut, &["TIMED_OUT", "not over after 2 s"]);
}

fn what_cases_leave_behind_counts_for_no_other() {
    let files = Files::new("leftovers", &[&[&[MuchMemory; 8]]]);
    let (_, summary) = reports(&files.paths, 1, PATIENT, &AtomicBool::new(false));
    assert_eq!((summary.passed, summary.cases()), (8, 8), "{summary:?}");
}

fn a_comparison_tells_what_ends_a_case_in_every_form() {
    let files = Files::new("compared", &[&[&[Good], &[Good, Abort, Good]], &[&[Good]]]);
    let (selection, cancel) = (Selection::default(), AtomicBool::new(false));
    let campaign = Campaign { files: &files.paths, selection: &selection, jobs: 2, cancel: &cancel };
    let formats = [ReportFormat::Json, ReportFormat::Junit, ReportFormat::Html];
    // Both take the data out of the transaction before they run it.
    let task = DiffTask { left: "hostile".to_owned(), ..comparison("hostile", ShadowMode::PerCall) };
    let mut reports = formats.map(|format| (Vec::new(), format));
    let mut texts = Vec::new();
    let mut written: Vec<_> = reports
        .iter_mut()
        .map(|(out, format)| {
            Report::new(
                *format,
                io::Cursor::new(out),
                &task.setup(&ShadowConfig { mode: task.mode, ..ShadowConfig::default() }),
            )
            .unwrap()
        })
        .collect();
    let isolation = workers(PATIENT);
    let summary = diff_isolated(&campaign, &task, Isolation::Workers(&isolation), |report, _| {
        texts.extend(report.told.text.clone());
        written.iter_mut().for_each(|written| written.told(&report.told, 0).unwrap());
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!((summary.agreed, summary.crashed, summary.cases()), (4, 1, 5), "{summary:?}");
    let [text] = &texts[..] else { panic!("{texts:?}") };
    for part in
        ["CRASHED ", "0000.json t1 fork London d1 g0 v0\n  signal: 6 (SIGABRT)", "again: again --fork London"]
    {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
    written.into_iter().for_each(|written| written.finish(&summary, None).unwrap());
    let [json, junit, html] = reports.map(|(out, _)| String::from_utf8(out).unwrap());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (json["cases"][2]["verdict"].as_str(), json["summary"]["crashed"].as_u64()),
        (Some("crashed"), Some(1))
    );
    assert!(
        junit.contains("tests=\"5\" failures=\"0\" errors=\"1\"") && junit.ends_with("</testsuites>\n"),
        "{junit}"
    );
    assert!(junit.contains("<error type=\"crashed\" message=\"signal: 6 (SIGABRT)"), "{junit}");
    assert!(html.contains(">crashed</th>") && html.ends_with("</html>\n"), "{html}");
}

/// What a person, a program, continuous integration and the page are told is the same, divergences included.
fn workers_compare_as_threads_do() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests");
    let mut paths = discover(&[folder], &mut io::empty()).unwrap();
    let broken = Files::new("broken-comparison", &[&[&[Good]]]);
    fs::write(&broken.paths[0], "{").unwrap();
    paths.insert(1, broken.paths[0].clone());
    let (selection, cancel) = (Selection::default(), AtomicBool::new(false));
    let campaign = Campaign { files: &paths, selection: &selection, jobs: 2, cancel: &cancel };
    // Names of halts that differ are divergences, and there is a limit.
    for (exact_halts, max_steps) in [(true, None), (false, Some(20))] {
        let task = DiffTask { exact_halts, max_steps, ..comparison("revm", ShadowMode::PerStep) };
        let isolation = workers(Limits::default());
        let [threads, processes] = [Isolation::InProcess, Isolation::Workers(&isolation)].map(|isolation| {
            let mut told = Vec::new();
            let summary = diff_isolated(&campaign, &task, isolation, |report, progress| {
                told.push(format!("{report:?} {progress:?}"));
                ControlFlow::Continue(())
            });
            (told, summary.unwrap())
        });
        let found = if exact_halts { threads.1.diverged } else { threads.1.limit };
        assert!(found > 3 && threads.1.agreed > 50 && threads.1.unreadable == 1, "{:?}", threads.1);
        assert_eq!(threads, processes);
    }
}

fn comparison(right: &str, mode: ShadowMode) -> DiffTask {
    DiffTask {
        left: "mini".to_owned(),
        right: right.to_owned(),
        rules: [None; 2],
        mode,
        exact_halts: false,
        measure_time: false,
        max_steps: None,
        command: "again".to_owned(),
        forms: vec![Form::Text, Form::Json, Form::Junit, Form::Html],
    }
}

fn workers_say_what_threads_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests");
    let mut paths = discover(&[folder], &mut io::empty()).unwrap();
    let broken = Files::new("broken", &[&[&[Good]]]);
    let text = fs::read_to_string(&broken.paths[0]).unwrap();
    for (name, text) in [
        ("a", "{"),
        ("b", &text.replace("0x600160005560ff", "0xx")),
        ("c", &text.replace("\"gas\": 0", "\"gas\": 9")),
    ] {
        let path = broken.folder.join(format!("{name}.json"));
        fs::write(&path, text).unwrap();
        paths.insert(1, path);
    }
    let filter = Some(regex::Regex::new("o|json").unwrap());
    let selections = [
        Selection::default(),
        Selection {
            filter,
            rules: Some(parallax_primitives::Fork::Cancun.into()),
            index: Some([0; 3]),
            ..Selection::default()
        },
    ];
    let steps = [None, Some(20)];
    for (selection, max_steps) in selections.iter().zip(steps) {
        let cancel = AtomicBool::new(false);
        let campaign = Campaign { files: &paths, selection, jobs: 2, cancel: &cancel };
        let task = TestTask { max_steps, ..task("mini") };
        let workers = workers(Limits::default());
        let [threads, processes] = [Isolation::InProcess, Isolation::Workers(&workers)].map(|isolation| {
            let mut told = Vec::new();
            let summary = statetest_isolated(&campaign, &task, isolation, |report, progress| {
                told.push(format!("{report:?} {progress:?}"));
                ControlFlow::Continue(())
            });
            (told, summary.unwrap())
        });
        assert!(threads.1.cases() > 20 && threads.1.unreadable > 0, "{:?}", threads.1);
        assert_eq!(threads.1.limit > 0, max_steps.is_some());
        assert_eq!(threads, processes);
    }
}

/// What is in the file, once something is.
fn wait_for(path: &Path) -> String {
    loop {
        match fs::read_to_string(path) {
            Ok(text) if !text.is_empty() => return text,
            _ => thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Returns once the process is no more, or waits for a parent that never asks.
fn wait_for_end(pid: &str) {
    while fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap().trim_start().starts_with(['Z', 'X']))
    {
        thread::sleep(Duration::from_millis(5));
    }
}

fn kill(signal: &str, pid: &str) {
    assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
}

/// A campaign in a process of its own, in which a case without an end has begun, and the process of that case.
fn endless_campaign(files: &Files, output: Stdio) -> (process::Child, String) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.arg("campaign").args(&files.paths).env(PID_FILE, files.pid_file()).stdout(output);
    let campaign = command.spawn().unwrap();
    (campaign, wait_for(&files.pid_file()))
}

fn no_worker_outlives_a_campaign_that_is_killed() {
    let files = Files::new("orphan", &[&[&[Good, Endless]]]);
    let (mut campaign, worker) = endless_campaign(&files, Stdio::null());
    campaign.kill().unwrap();
    campaign.wait().unwrap();
    wait_for_end(&worker);
}

fn a_worker_that_is_killed_from_outside_is_a_finding() {
    let files = Files::new("outside", &[&[&[Good, Endless, Good], &[Good]]]);
    let (campaign, worker) = endless_campaign(&files, Stdio::piped());
    kill("-TERM", &worker);
    let output = campaign.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("SIGTERM") && text.ends_with("3 passed, 1 crashed\n"), "{text}");
}

fn a_cancelled_campaign_ends_what_runs_and_tells_what_is_done() {
    let files = Files::new("cancelled", &[&[&[Good], &[Good, Endless, Good], &[Good]]]);
    let (campaign, worker) = endless_campaign(&files, Stdio::piped());
    fs::write(files.folder.join("cancel"), "").unwrap();
    let output = campaign.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.ends_with("2 passed (stopped before the end)\n"), "{text}");
    wait_for_end(&worker);
}

/// The other process of these tests: cancels when there is a file that says so.
fn campaign(paths: &[PathBuf]) {
    let cancel = &AtomicBool::new(false);
    let sign = paths[0].with_file_name("cancel");
    thread::scope(|scope| {
        scope.spawn(move || {
            let (reports, summary) = reports(paths, 1, PATIENT, cancel);
            reports.iter().filter_map(|report| report.text.as_ref()).for_each(|text| println!("{text}"));
            println!("{}", summary.text("hostile"));
            process::exit(0);
        });
        while !sign.exists() {
            thread::sleep(Duration::from_millis(5));
        }
        cancel.store(true, Ordering::Relaxed);
    });
}

fn a_worker_that_does_not_begin_is_said() {
    let files = Files::new("stillborn", &[&[&[Good]]]);
    let (selection, cancel) = (Selection::default(), AtomicBool::new(false));
    let campaign = Campaign { files: &files.paths, selection: &selection, jobs: 2, cancel: &cancel };
    let run = |workers: &Workers, engine: &str| {
        let isolation = Isolation::Workers(workers);
        statetest_isolated(&campaign, &task(engine), isolation, |_, _| ControlFlow::Continue(())).unwrap_err()
    };
    let error = run(&workers(PATIENT), "evmone").to_string();
    assert!(error.contains("exit status: 1") && error.contains("unknown engine \"evmone\""), "{error}");
}

fn who_takes_delivery_may_stop() {
    let files = Files::new("stop", &[&[&[Good, Good, Endless], &[Endless]]]);
    let (selection, cancel) = (Selection::default(), AtomicBool::new(false));
    let campaign = Campaign { files: &files.paths, selection: &selection, jobs: 2, cancel: &cancel };
    let workers = workers(Limits { case_timeout: Duration::from_secs(1), ..PATIENT });
    let mut count = 0;
    let summary = statetest_isolated(&campaign, &task("hostile"), Isolation::Workers(&workers), |_, _| {
        count += 1;
        ControlFlow::Break(())
    });
    assert_eq!((count, summary.unwrap().complete), (1, false));
}

type Test = (&'static str, fn());

const TESTS: &[Test] = &[
    (
        "what_ends_a_case_is_a_finding_and_the_others_have_their_verdicts",
        what_ends_a_case_is_a_finding_and_the_others_have_their_verdicts,
    ),
    ("what_cases_leave_behind_counts_for_no_other", what_cases_leave_behind_counts_for_no_other),
    ("workers_say_what_threads_say", workers_say_what_threads_say),
    ("a_comparison_tells_what_ends_a_case_in_every_form", a_comparison_tells_what_ends_a_case_in_every_form),
    ("workers_compare_as_threads_do", workers_compare_as_threads_do),
    ("no_worker_outlives_a_campaign_that_is_killed", no_worker_outlives_a_campaign_that_is_killed),
    ("a_worker_that_is_killed_from_outside_is_a_finding", a_worker_that_is_killed_from_outside_is_a_finding),
    (
        "a_cancelled_campaign_ends_what_runs_and_tells_what_is_done",
        a_cancelled_campaign_ends_what_runs_and_tells_what_is_done,
    ),
    ("a_worker_that_does_not_begin_is_said", a_worker_that_does_not_begin_is_said),
    ("who_takes_delivery_may_stop", who_takes_delivery_may_stop),
];

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    match arguments.first().and_then(|first| first.to_str()) {
        Some("worker") => return worker_main(engine),
        Some("campaign") => {
            campaign(&arguments[1..].iter().map(PathBuf::from).collect::<Vec<_>>());
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    // Only the names matter of what `cargo test` may be given.
    let names: Vec<_> =
        arguments.iter().filter_map(|name| name.to_str()).filter(|name| !name.starts_with('-')).collect();
    let mut failed = 0;
    for (name, test) in
        TESTS.iter().filter(|(test, _)| names.is_empty() || names.iter().any(|name| test.contains(name)))
    {
        let is_well = panic::catch_unwind(test).is_ok();
        println!("test {name} ... {}", if is_well { "ok" } else { "FAILED" });
        failed += usize::from(!is_well);
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
