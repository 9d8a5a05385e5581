//! The report of a first divergence in its four forms. An engine that makes one mistake on purpose is on the right.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::io::Cursor;

use parallax_assembly::assemble;
use parallax_campaign::{
    Delivered, DiffOutcome, DiffSetup, DiffSummary, PageLimits, Report, ReportFormat, compare_case, config,
    diff_json, diff_text, engines, html_of_run,
};
use parallax_engine_interface::{Engine, EngineError, Execution, Job, Stepper};
use parallax_hooks::{Hooks, Interest, MessagePhase, StepControl, StepEnd, StepView};
use parallax_host_interface::{AccountChange, HostError};
use parallax_mini_interpreter::{Fault, FaultPlan, FaultyMini};
use parallax_primitives::{Message, Opcode, U256};
use parallax_shadow_diff::{RunLimits, ShadowConfig, ShadowMode, Verdict, run_both_per_step};
use parallax_state_tests::{Case, FixtureFile};

/// Sends a message to the other account, which reads a slot that is not warm, and twice one that is, adds and writes.
const CALLS: &str = "PUSH 0x20 PUSH 0x40 PUSH 0 PUSH 0 PUSH 0 PUSH 0xca11ee PUSH 50000 CALL
    PUSH 0x1234 PUSH 0x40 MSTORE STOP";
const CALLEE: &str = "PUSH 7 PUSH 5 ADD PUSH 0 KECCAK256 PUSH 7 SLOAD POP PUSH 7 SLOAD POP
    PUSH 0xbeef PUSH 0x290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e563 SSTORE
    PUSH 0x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff PUSH 0x40 MSTORE PUSH 0x60 PUSH 0 RETURN";
const JUMPS: &str = "PUSH 3 JUMP STOP";
/// A loop: block entries.
const LOOPS: &str = "PUSH 3 again: PUSH 1 SWAP1 SUB DUP1 PUSH @again JUMPI STOP";

fn case(name: &str, code: &str) -> Case {
    let [code, callee] = [code, CALLEE].map(|source| assemble(source).unwrap().to_string());
    let text = serde_json::json!({ name: {
        "env": {"currentCoinbase": "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba", "currentDifficulty": "0x00",
            "currentGasLimit": "0x05f5e100", "currentNumber": "0x01", "currentTimestamp": "0x03e8", "currentBaseFee": "0x07",
            "currentRandom": "0x00"},
        "pre": {
            "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b":
                {"nonce": "0x00", "balance": "0x0de0b6b3a7640000", "code": "0x", "storage": {}},
            "0x000000000000000000000000000000000000c0de":
                {"nonce": "0x01", "balance": "0x00", "code": code, "storage": {}},
            "0x0000000000000000000000000000000000ca11ee":
                {"nonce": "0x01", "balance": "0x00", "code": callee, "storage": {"0x07": "0x2a"}}},
        "transaction": {"data": ["0x"], "gasLimit": ["0x0186a0"], "value": ["0x00"], "gasPrice": "0x0a", "nonce": "0x00",
            "to": "0x000000000000000000000000000000000000c0de", "sender": "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b"},
        "post": {"Prague": [{"indexes": {"data": 0, "gas": 0, "value": 0},
            "hash": "0x9dfa37c38fada0d9d1654cefff28b20fb00a5396ceb1d18418f5128aa30a9e91",
            "logs": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"}]}
    }});
    let file = FixtureFile::parse("tests/reports.json", text.to_string().into_bytes()).unwrap();
    file.tests().next().unwrap().unwrap().cases(None).remove(0).unwrap()
}

/// An engine that does what `mini` does, but for its answer, or for what it shows at the second block entry.
struct Spoiled(fn(Execution) -> Result<Execution, EngineError>);

impl Engine for Spoiled {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn start<'a>(&'a self, _: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        Ok(None)
    }

    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        let execution = match hooks.interest() {
            Interest::Blocks => engines::mini().execute(job, &mut SpoiledEntries(hooks, 0)),
            _ => engines::mini().execute(job, hooks),
        };
        execution.and_then(self.0)
    }
}

struct SpoiledEntries<'h>(&'h mut dyn Hooks, u64);

impl Hooks for SpoiledEntries<'_> {
    fn interest(&self) -> Interest {
        self.0.interest()
    }

    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.0.on_step(step)
    }

    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.0.on_step_end(step, end);
    }

    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        self.1 += 1;
        let mut stack = entry.stack.to_vec();
        if let (3, Some(top)) = (self.1, stack.last_mut()) {
            *top ^= U256::ONE << 100;
        }
        self.0.on_block(&StepView { stack: &stack, ..*entry })
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        self.0.on_message(message, phase)
    }
}

/// Answers, the post-state spoiled.
fn other_slot(mut execution: Execution) -> Result<Execution, EngineError> {
    for change in execution.changes.accounts.values_mut() {
        if let AccountChange::Changed { storage, .. } = change {
            storage.values_mut().for_each(|value| *value += U256::from(0x100));
        }
    }
    Ok(execution)
}

fn lost(_: Execution) -> Result<Execution, EngineError> {
    Err(HostError::new("the disk \u{1b}[31mis\u{1b}[0m <gone>\nfor good").into())
}

/// What came of `code` when the right side makes a mistake.
fn mistaken(name: &str, code: &str, fault: Fault, opcode: Opcode) -> Delivered<DiffOutcome> {
    let faulty = engines::local("faulty", FaultyMini::new(FaultPlan::new(fault, opcode)));
    compared(name, code, engines::mini(), &faulty, ShadowMode::PerStep)
}

fn compared(
    name: &str,
    code: &str,
    left: &dyn Engine,
    right: &dyn Engine,
    mode: ShadowMode,
) -> Delivered<DiffOutcome> {
    let case = case(name, code);
    let outcome = compare_case(&case, left, right, &config(left, right, mode));
    Delivered::Case(Box::new(case), outcome)
}

fn of_verdict(name: &str, verdict: Verdict) -> Delivered<DiffOutcome> {
    Delivered::Case(Box::new(case(name, "STOP")), verdict.into())
}

/// One of each kind.
fn everything() -> Vec<Delivered<DiffOutcome>> {
    let mini = engines::mini();
    vec![
        mistaken("gas", CALLS, Fault::GasMore, Opcode::MSTORE),
        mistaken("gas of a call", CALLS, Fault::GasLess, Opcode::CALL),
        mistaken("warm slot", CALLS, Fault::ForgetWarm, Opcode::SLOAD),
        mistaken("stack", CALLS, Fault::FlipResult(200), Opcode::ADD),
        mistaken("memory", CALLS, Fault::WriteOff, Opcode::MSTORE),
        mistaken("storage", CALLS, Fault::ChangeStorageWrite, Opcode::SSTORE),
        mistaken("halt", JUMPS, Fault::SwapHalt, Opcode::JUMP),
        mistaken("message", CALLS, Fault::ForwardWrongGas, Opcode::CALL),
        compared("block entry", LOOPS, &Spoiled(Ok), mini, ShadowMode::PerBlock),
        compared("post-state", CALLS, mini, &Spoiled(other_slot), ShadowMode::PerCall),
        compared("poisoned", CALLS, mini, &Spoiled(lost), ShadowMode::PerCall),
        of_verdict("rejected", Verdict::Rejected("the nonce <is> max".to_owned())),
        of_verdict("crashed", Verdict::Crashed("an engine panicked: no & idea".to_owned())),
        of_verdict("timed out", Verdict::TimedOut("more than 10 s".to_owned())),
        of_verdict("limit", Verdict::Limit("more than 50 steps".to_owned())),
        of_verdict("unsupported", Verdict::Unsupported("revm has no Constantinople".to_owned())),
        of_verdict("not compared", Verdict::NotCompared("there is no transaction: \"type\" 5".to_owned())),
        compared("agree", CALLS, mini, &engines::primary(), ShadowMode::PerStep),
        compared(HOSTILE, JUMPS, mini, &engines::primary(), ShadowMode::PerStep),
        mistaken(HOSTILE, JUMPS, Fault::SwapHalt, Opcode::JUMP),
        Delivered::Unreadable(
            FixtureFile::parse("tests/<broken>.json", b"{\"a\": [\0]}".to_vec()).unwrap_err(),
        ),
    ]
}

/// A name that would break out of every form, if it could.
const HOSTILE: &str =
    "</script><img src=x onerror=alert(1)>]]>\u{1b}[2J\u{0}\u{202e}'\"`$(id)&amp;\n--\u{ffff}";

fn setup() -> DiffSetup {
    let config = ShadowConfig { mode: ShadowMode::PerStep, ..ShadowConfig::default() };
    let mut setup = DiffSetup::new("mini", "faulty", &config);
    setup.tolerances.push("the cost of <nothing>: it is an example".to_owned());
    setup
}

fn sum(delivered: &[Delivered<DiffOutcome>], complete: bool) -> DiffSummary {
    let mut summary = DiffSummary { complete, ..DiffSummary::default() };
    for delivered in delivered {
        match delivered {
            Delivered::Case(_, outcome) => match &outcome.verdict {
                Verdict::Agree => summary.agreed += 1,
                Verdict::Rejected(_) => summary.rejected += 1,
                Verdict::Diverge(_) => summary.diverged += 1,
                Verdict::Crashed(_) => summary.crashed += 1,
                Verdict::TimedOut(_) => summary.timed_out += 1,
                Verdict::Limit(_) => summary.limit += 1,
                Verdict::Poisoned(_) => summary.poisoned += 1,
                Verdict::Unsupported(_) => summary.unsupported += 1,
                Verdict::NotCompared(_) => summary.not_compared += 1,
            },
            Delivered::Unreadable(_) => summary.unreadable += 1,
        }
    }
    summary
}

fn report(format: ReportFormat, delivered: &[Delivered<DiffOutcome>], complete: bool) -> String {
    let mut file = Vec::new();
    let mut report = Report::new(format, Cursor::new(&mut file), &setup()).unwrap();
    for delivered in delivered {
        report.case(delivered, 0).unwrap();
    }
    report.finish(&sum(delivered, complete), None).unwrap();
    String::from_utf8(file).unwrap()
}

#[test]
fn a_person_reads_where_and_in_what_and_how_to_see_it_again() {
    let texts: Vec<_> = everything().iter().filter_map(|delivered| diff_text(delivered, &setup())).collect();
    let text = texts.join("\n\n") + "\n";
    for line in text.lines().filter(|line| line.starts_with("  ") && !line.contains("again: ")) {
        assert!(line.chars().count() <= 100, "{}: {line}", line.chars().count());
    }
    assert!(!text.contains(|character: char| character.is_control() && character != '\n'));
    insta::assert_snapshot!("text", text);
}

#[test]
fn a_program_reads_one_object_a_line() {
    let lines: Vec<_> = everything().iter().map(diff_json).collect();
    for line in &lines {
        let keys = "\"step\" \"depth\" \"pc\" \"opcode\" \"opName\" \"field\" \"left\" \"right\" \"frames\" \"recent\" \"cause\"";
        let divergence = line.find("\"divergence\":{").map(|at| &line[at..]);
        let places = divergence
            .map(|text| keys.split(' ').map(|key| text.find(&format!("{key}:")).unwrap()).collect());
        assert!(
            places.is_none_or(|places: Vec<_>| places.is_sorted()),
            "the fields are in their order: {line}"
        );
        assert!(!line.contains('\n'));
    }
    insta::assert_snapshot!("json_lines", lines.join("\n"));
    let file = report(ReportFormat::Json, &everything(), false);
    let parsed: serde_json::Value = serde_json::from_str(&file).unwrap();
    assert_eq!(parsed["cases"].as_array().unwrap().len(), lines.len());
    assert_eq!(parsed["summary"]["diverged"], 11);
    assert_eq!(parsed["setup"]["command"], "parallax diff --mode per-step --left mini --right faulty");
}

#[test]
fn continuous_integration_reads_junit() {
    let xml = report(ReportFormat::Junit, &everything(), false);
    well_formed(&xml);
    assert!(!xml.contains(|c: char| (c < ' ' && c != '\n') || c == '\u{fffe}' || c == '\u{ffff}'));
    for (element, count) in [("<testcase ", 21), ("<failure ", 11), ("<error ", 5), ("<skipped ", 2)] {
        assert_eq!(xml.matches(element).count(), count, "{element}");
    }
    insta::assert_snapshot!("junit", xml.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"));
    well_formed(&report(ReportFormat::Junit, &[], true));
}

/// Every element that is opened is closed, in order, and no `<` or bare `&` is anywhere else.
#[track_caller]
fn well_formed(xml: &str) {
    let mut open = Vec::new();
    let body = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").unwrap();
    for piece in body.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').unwrap();
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split([' ', '\n']).next().unwrap()),
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
    }
    assert!(open.is_empty(), "{open:?}");
    for entity in body.split('&').skip(1) {
        let (name, _) = entity.split_once(';').unwrap();
        assert!(["amp", "lt", "gt", "quot", "#39"].contains(&name), "{name}");
    }
}

#[test]
fn a_page_is_one_file_in_which_all_data_is_text() {
    let page = report(ReportFormat::Html, &everything(), false);
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    let (body, script) = body.split_once("<script>").unwrap();
    for part in [head, body] {
        assert!(
            !part.contains("http:") && !part.contains("https:") && !part.contains("src=\""),
            "no request"
        );
    }
    assert_eq!(page.matches("<script").count(), 1);
    assert!(!body.contains("<img") && !body.contains("style="));
    assert_eq!(script.matches("</script>").count(), 1);
    assert!(!body.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'));
    insta::assert_snapshot!("html", format!("{head}(style){body}(script)"));
}

#[test]
fn a_page_that_met_a_limit_says_so() {
    let limits = PageLimits { divergences: 2, others: 1, agreeing: 1, steps: 5 };
    let mut page = parallax_campaign::HtmlReport::new(setup()).limited_to(limits);
    let all = everything();
    all.iter().for_each(|delivered| page.case(delivered));
    let html = page.render(&sum(&all, true), None);
    for rest in ["9 more divergences", "6 more cases", "1 more agreeing cases"] {
        assert!(html.contains(&format!("The limit of this page was met: {rest}")), "{rest}");
    }
    assert_eq!(html.matches("<article").count(), 2);
}

#[test]
fn a_page_shows_both_runs_side_by_side() {
    let case = case("side by side", CALLS);
    let job = case.job().unwrap();
    let faulty = engines::local("faulty", FaultyMini::new(FaultPlan::new(Fault::GasMore, Opcode::SLOAD)));
    let shadow =
        ShadowConfig { mode: ShadowMode::PerStep, skip_identical_steps: false, ..ShadowConfig::default() };
    let mut run = run_both_per_step(engines::mini(), &faulty, &job, &shadow, RunLimits::default());
    run.times = Default::default();
    let Verdict::Diverge(divergence) = &run.verdict else { panic!("{:?}", run.verdict) };
    let gas = divergence.detail.as_ref().unwrap().sides.each_ref().map(|side| side.gas.unwrap());
    let split = |access| {
        [("static", 100), ("memory", 0), ("access", access), ("forwarded", 0), ("total", 100 + access)]
    };
    assert_eq!(
        gas.map(|gas| gas.parts()),
        [split(2000), split(2001)],
        "the frame ends later; nothing was forwarded"
    );
    let page = |steps| {
        let limits = PageLimits { steps, ..PageLimits::default() };
        html_of_run(setup(), HOSTILE, "parallax diff", &run, limits)
    };
    let whole = page(1000);
    let (_, body) = whole.split_once("</style>").unwrap();
    let (body, _) = body.split_once("<script>").unwrap();
    assert!(!body.contains("limit") && body.contains("Steps side by side: "));
    insta::assert_snapshot!("html_run", body);
    let cut = page(5);
    assert!(cut.contains(&format!("5 of the {} recorded steps are shown", run.steps.len())));
    let at = format!(
        "<tr class=\"differs\"><th scope=\"row\" class=\"number\">{}</th>",
        run.diverged_at.unwrap() + 1
    );
    assert!(cut.contains(&at), "the divergence is among them");
}
