//! What is written is read back as it was, over all fixtures; what another wrote is refused in one line.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::path::{Path, PathBuf};

use parallax_campaign::engines;
use parallax_engine_interface::{Engine, Job};
use parallax_mini_interpreter::{Fault, FaultPlan, FaultyMini};
use parallax_primitives::{Eip, Opcode};
use parallax_record_json::{
    CaseId, Line, Reader, RunEnd, RunHeader, Step, StructLogs, TraceHeader, TraceStep, write_run, write_trace,
};
use parallax_shadow_diff::{RunLimits, ShadowConfig, SideBySideRun, run_both_per_call, run_both_per_step};
use parallax_state_tests::{Case, cases};
use parallax_tracer_core::Traced;
use parallax_tracer_standard::{Recorder, StructLogOptions, TracerConfig};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    let mut found: Vec<_> =
        found.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect();
    found.sort();
    found
}

/// Every case of the fixtures that has a transaction.
fn all_cases() -> impl Iterator<Item = Case> {
    let cases = files(&folder()).into_iter().flat_map(|path| cases(&path).unwrap().map(Result::unwrap));
    cases.filter(|case| case.job().is_ok())
}

fn id(case: &Case) -> CaseId {
    let [d, g, v] = [case.d, case.g, case.v].map(|index| Some(index as u64));
    CaseId { file: case.file.to_string(), name: case.name.to_string(), fork: case.rules.to_string(), d, g, v }
}

#[track_caller]
fn read(text: &[u8]) -> Vec<Line> {
    Reader::new(text).map(Result::unwrap).collect()
}

fn run(right: &dyn Engine, job: &Job<'_>) -> SideBySideRun {
    let config = ShadowConfig { skip_identical_steps: false, ..ShadowConfig::default() };
    let limits = RunLimits { recorded_steps: 300, ..RunLimits::default() };
    run_both_per_step(&engines::primary(), right, job, &config, limits)
}

#[test]
fn every_run_is_read_back_as_it_was_written() {
    // Of every kind of field: a word, gas, a write to storage, a log, a halt.
    let plans = [
        FaultPlan::new(Fault::FlipResult(0), Opcode::ADD),
        FaultPlan::new(Fault::GasMore, Opcode::CALL),
        FaultPlan::new(Fault::ChangeStorageWrite, Opcode::SSTORE),
        FaultPlan::new(Fault::DropLog, Opcode::LOG1),
        FaultPlan::new(Fault::SwapHalt, Opcode::JUMP),
        FaultPlan::new(Fault::WriteOff, Opcode::MSTORE),
    ];
    let (mut steps, mut marked, mut diverged, mut text) = (0, 0, 0, Vec::new());
    let mut expected = Vec::new();
    for (number, case) in all_cases().step_by(5).enumerate() {
        let job = case.job().unwrap();
        let faulty = engines::local("faulty", FaultyMini::new(plans[number % plans.len()]));
        let run = match number % 7 {
            6 => run_both_per_call(&engines::primary(), &faulty, &job, &ShadowConfig::default()),
            _ => run(&faulty, &job),
        };
        write_run(&mut text, id(&case), &run).unwrap();
        expected.push(Line::Run(Box::new(RunHeader::new(id(&case), &run))));
        expected.extend(run.steps.iter().map(|step| Line::Step(Box::new(Step::from(step)))));
        expected.push(Line::End(Box::new(RunEnd::from(&run))));
        steps += run.steps.len();
        marked += run.steps.iter().filter(|step| step.mismatch.is_some()).count();
        diverged += usize::from(run.diverged_at.is_some());
    }
    assert!(steps > 10_000 && marked > 200 && diverged > 20, "{steps} {marked} {diverged}");
    // Line by line: a comparison of all would say nothing of where.
    let mut lines = Reader::new(&text[..]);
    for (number, expected) in expected.iter().enumerate() {
        assert_eq!(&lines.next().unwrap().unwrap(), expected, "line {}", number + 1);
    }
    assert!(lines.next().is_none());
}

#[test]
fn every_trace_is_read_back_as_it_was_written() {
    let (mut steps, mut logs, mut charges) = (0, 0, [0, 0]);
    for case in all_cases().step_by(7) {
        let mut recorder = Recorder::new(TracerConfig::bounded());
        let result = engines::mini().execute(&case.job().unwrap(), &mut Traced(&mut recorder));
        if result.is_err() {
            continue;
        }
        let trace = recorder.into_trace();
        let mut text = Vec::new();
        write_trace(&mut text, &trace).unwrap();
        let lines = read(&text);
        assert_eq!(lines[0], Line::Trace(Box::new(TraceHeader::from(&trace))));
        assert_eq!(lines.len() as u64, 1 + trace.len(), "{}", case.name);
        for (index, line) in (0..).zip(&lines[1..]) {
            let step = TraceStep::new(&trace.step_info(index).unwrap(), &trace.step_result(index).unwrap());
            logs += step.logs.len();
            assert_eq!(step.state_gas.is_some(), case.rules.has(Eip::StateGas8037), "{}", case.name);
            let cost = step.state_gas.map_or(0, |state_gas| state_gas.state_gas_cost);
            charges[0] += usize::from(cost > 0);
            charges[1] += usize::from(cost < 0);
            assert_eq!(line, &Line::TraceStep(Box::new(step)), "{} {index}", case.name);
        }
        steps += trace.len();
        let options =
            StructLogOptions { enable_memory: true, enable_logs: true, ..StructLogOptions::default() };
        let document = StructLogs::from(&trace.execution_trace(options));
        let text = serde_json::to_vec(&document).unwrap();
        let written = String::from_utf8(text.clone()).unwrap();
        assert_eq!(written.contains("tateGas"), case.rules.has(Eip::StateGas8037), "{}", case.name);
        assert_eq!(read(&text), [Line::StructLogs(Box::new(document))]);
    }
    assert!(steps > 5_000 && logs > 5, "{steps} {logs}");
    assert!(charges[0] > 5 && charges[1] > 0, "{charges:?}");
}

/// The names and the types of a step are those of the devtool's API, but for what its description here says.
#[test]
fn a_step_is_spelled_as_the_api_spells_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../devtool/openapi.json");
    let api: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let check = |schema: &str, value: &Value, more: &[&str]| {
        let known = &api["components"]["schemas"][schema]["properties"];
        for (key, value) in value.as_object().unwrap() {
            if more.contains(&&**key) {
                continue;
            }
            let known = &known[key];
            assert!(!known.is_null(), "{schema} has no {key}");
            let is_text = value.is_string();
            let says_text = known["type"] == "string" || known.to_string().contains("schemas/Address");
            assert_eq!(is_text, says_text, "{schema}: {key}");
        }
    };
    let case = all_cases().find(|case| run(engines::mini(), &case.job().unwrap()).steps.len() > 3).unwrap();
    let faulty =
        engines::local("faulty", FaultyMini::new(FaultPlan::new(Fault::FlipResult(0), Opcode::PUSH1)));
    let run = run(&faulty, &case.job().unwrap());
    let step = run.steps.iter().find(|step| step.mismatch.is_some()).unwrap();
    let step = serde_json::to_value(Step::from(step)).unwrap();
    check("StepRow", &step, &["carried", "step"]);
    check("StepSide", &step["primary"], &[]);
    check("StepSide", &step["mini"], &[]);
    check("Mismatch", &step["mismatch"], &["fromTop"]);
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let error = Reader::new(text.as_bytes()).find_map(Result::err).unwrap().to_string();
    assert_eq!(error, expected);
}

#[test]
fn what_cannot_be_read_is_told_in_one_line() {
    let header = |version: u32| {
        format!(
            r#"{{"format":"parallax-run","version":{version},"case":{{"file":"","name":"","fork":"Prague","d":0,"g":0,"v":0}},"mode":"per-step","engines":["primary","mini"]}}"#
        )
    };
    refused(&header(1), "line 1: version 1 of parallax-run, expected version 2");
    refused("{\"format\":\"parallax-run\"}", "line 1: a header without a version");
    let formats = "parallax-run, parallax-trace or parallax-struct-logs";
    refused("{\"format\":\"x\",\"version\":2}", &format!("line 1: format \"x\", expected {formats}"));
    refused("{\"step\":1}", &format!("line 1: expected a header: format {formats}"));
    refused(&header(2), "line 2: the file ends, expected a step or the end of the run");
    let twice = format!("{}\n{}", header(2), header(2));
    refused(&twice, "line 2: a header, expected a step or the end of the run");
    refused(&format!("{}\n{{\"step\":1}}", header(2)), "line 2: missing field `carried` at column 10");
    refused("[", "line 1: EOF while parsing a list at column 1");
    // Nothing is read behind an error.
    assert_eq!(Reader::new(format!("x\n{}", header(2)).as_bytes()).count(), 1);
    assert_eq!(Reader::new(&b""[..]).count(), 0);
}
