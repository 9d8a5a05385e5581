//! Live runs beside the traces that eight clients wrote of the same cases, and beside traces with a fault in them.
#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{fs, path::Path};

use parallax_campaign::{DiffOutcome, diff_trace, engines, shared_folder};

use parallax_shadow_diff::{Cause, Divergence, Field, Place, ShadowConfig, ShadowMode, Value, Verdict};
use parallax_state_tests::{Case, cases, run};
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{
    Client, CompareOptions, Dialect, Eip3155Tracer, Options, Summary, TraceReader, compare_traces, recognise,
};
use serde_json::{Value as Json, json};

const CONFIG: fn() -> ShadowConfig = || ShadowConfig { mode: ShadowMode::PerStep, ..ShadowConfig::default() };

const CLIENTS: [&str; 8] = ["besu", "eels", "erigon", "evmone", "geth", "nethermind", "nimbus", "revm"];

#[test]
fn every_engine_agrees_with_every_clients_trace() {
    let Some(folder) = shared_folder().map(|folder| folder.join("client-traces")) else {
        eprintln!("left out: no client traces beside the repository, nor in PARALLAX_SHARED");
        return;
    };
    let mut compared = 0;
    for file in fs::read_dir(folder.join("cases")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        for case in cases(&path).unwrap() {
            let case = case.unwrap();
            for client in CLIENTS {
                let streams = ["stdout", "stderr"];
                let read =
                    |stream| fs::read(folder.join(format!("traces/{name}.{client}.{stream}.txt"))).ok();
                let is_trace = |text: &Vec<u8>| text.windows(6).any(|window| window == b"{\"pc\":");
                let trace = streams.into_iter().filter_map(read).find(is_trace).unwrap();
                for engine in ["primary", "mini", "revm"] {
                    let reader = TraceReader::new(&trace[..], recognise(&trace[..]).unwrap().client);
                    let engine = engines::by_name(engine).unwrap();
                    let found =
                        diff_trace(&case, &*engine, reader, CompareOptions::default(), &CONFIG()).unwrap();
                    let DiffOutcome { verdict, steps, .. } = found.outcome;
                    assert_eq!(verdict, Verdict::Agree, "{name} on {} and {client}", engine.name());
                    assert!(steps > 0);
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(compared, 96);
}

/// A case's trace in any dialect, as `mini` runs it, with its closing lines.
fn trace_of(case: &Case, options: Options) -> Vec<u8> {
    let mut tracer = Eip3155Tracer::new(Vec::new(), options);
    let result = run(case, engines::mini(), &mut Traced(&mut tracer));
    let summary = Summary {
        state_root: result.state_root,
        time: None,
        test: Some((case.name.to_string(), case.d, case.g, case.v)),
    };
    tracer.finish(Some(&summary)).out.unwrap()
}

#[test]
fn every_fixture_agrees_with_its_trace_in_one_dialect_after_the_other() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let (mut compared, mut others) = (0, Vec::new());
    for case in files.iter().flat_map(|file| cases(file).unwrap()).map(Result::unwrap) {
        if case.job().is_err() {
            continue;
        }
        let dialect = Dialect::ALL[compared % Dialect::ALL.len()];
        let trace = trace_of(&case, Options::new(dialect));
        let client = dialect.name().parse().unwrap();
        // Without a failure nothing tells the specification's lines from geth's, and without a step little tells any.
        let alike = |client| if client == Client::Eels { Client::Geth } else { client };
        if trace.starts_with(b"{\"pc\"") {
            assert_eq!(alike(recognise(&trace[..]).unwrap().client), alike(client), "{}", case.name);
        }
        let reader = TraceReader::new(&trace[..], client);
        let found =
            diff_trace(&case, &engines::primary(), reader, CompareOptions::default(), &CONFIG()).unwrap();
        compared += 1;
        let verdict = found.outcome.verdict;
        if let Verdict::Diverge(divergence) = verdict {
            others.push((case.name.to_string(), divergence.field, divergence.cause));
        } else {
            assert!(matches!(verdict, Verdict::Agree | Verdict::Rejected(_)), "{verdict:?}");
        }
    }
    assert!(compared > 600, "{compared}");
    // These two charge before they look whether the call is static, and say so.
    others.retain(|found| {
        found != &("calls/static_violation_comes_before_gas".to_owned(), Field::Halt, Cause::HaltPrecedence)
    });
    assert_eq!(others, []);
}

/// The specification and revm tell state gas each in its own words: a run agrees with both, they with one another, and what is changed in
/// either is found.
#[test]
fn both_gases_are_compared_with_the_traces_that_tell_them() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests/state_gas.json");
    let (mut compared, mut made) = (0, [0; 4]);
    for case in cases(&path).unwrap().map(Result::unwrap) {
        let traces =
            [(Dialect::Eels, Client::Eels), (Dialect::Revm, Client::Revm)].map(|(dialect, client)| {
                let text = String::from_utf8(trace_of(&case, Options::new(dialect))).unwrap();
                (client, text.lines().map(str::to_owned).collect::<Vec<_>>())
            });
        for (client, lines) in &traces {
            let reader = TraceReader::new(lines.join("\n").leak().as_bytes(), *client);
            let found =
                diff_trace(&case, &engines::primary(), reader, CompareOptions::default(), &CONFIG()).unwrap();
            assert_eq!(found.outcome.verdict, Verdict::Agree, "{} {client}", case.name);
            assert!(!found.agreement.unwrap().unknown().contains(&"reservoir"), "{} {client}", case.name);
        }
        let [left, right] = traces
            .each_ref()
            .map(|(client, lines)| TraceReader::new(lines.join("\n").leak().as_bytes(), *client));
        let agreed = compare_traces(left, right, CompareOptions::default()).unwrap().outcome;
        assert!(agreed.is_ok(), "{}: {}", case.name, agreed.unwrap_err());
        compared += 1;
        let fields = [
            (0, "stateGas", Field::Reservoir),
            (0, "stateGasCost", Field::StateGasCost),
            (1, "reservoir", Field::Reservoir),
            (1, "stateGas", Field::StateGas),
        ];
        for ((side, key, field), made) in fields.into_iter().zip(&mut made) {
            let (client, lines) = &traces[side];
            let says = |line: &String| line.starts_with("{\"pc\"") && line.contains(&format!("\"{key}\":"));
            for at in (0..lines.len()).filter(|at| says(&lines[*at]) && !lines[*at].contains("\"error\"")) {
                let wrong = changed(lines, at, |line| assert!(add_one(line, key)));
                let Verdict::Diverge(found) = compared_as(&case, &wrong, *client) else {
                    panic!("{key} {at}")
                };
                // What revm's cost has of state gas is told from these two.
                let is_told =
                    found.field == field || *client == Client::Revm && found.field == Field::GasCost;
                assert!(is_told, "{} {key} {at}: {found}", case.name);
                *made += 1;
            }
        }
    }
    assert!(compared > 12 && made.iter().all(|made| *made > 10), "{compared} {made:?}");
}

fn compared_as(case: &Case, lines: &[String], client: Client) -> Verdict {
    compared(case, lines, client).unwrap().0
}

/// The first case of that name in the fixtures, and its trace with memory.
fn case_and_trace(name: &str) -> (Case, Vec<String>) {
    case_and_trace_in(Dialect::Eip3155, name)
}

fn case_and_trace_in(dialect: Dialect, name: &str) -> (Case, Vec<String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests/calls.json");
    let mut found = None;
    for case in cases(&path).unwrap() {
        let case = case.unwrap();
        if found.is_none() && &*case.name == name && case.job().is_ok() {
            found = Some(case);
        }
    }
    let case = found.unwrap();
    let trace = trace_of(&case, Options { memory: true, ..Options::new(dialect) });
    (case, String::from_utf8(trace).unwrap().lines().map(str::to_owned).collect())
}

fn compare(case: &Case, lines: &[String]) -> Result<Verdict, String> {
    compared(case, lines, Client::Eip3155).map(|(verdict, _)| verdict)
}

/// The verdict, and where the trace differs.
fn compared(case: &Case, lines: &[String], client: Client) -> Result<(Verdict, Option<String>), String> {
    let text = lines.join("\n");
    let reader = TraceReader::new(text.as_bytes(), client);
    let found = diff_trace(case, &engines::primary(), reader, CompareOptions::default(), &CONFIG())
        .map_err(|error| error.to_string())?;
    Ok((found.outcome.verdict, found.outcome.right_at))
}

#[track_caller]
fn divergence(case: &Case, lines: &[String]) -> Box<Divergence> {
    match compare(case, lines) {
        Ok(Verdict::Diverge(divergence)) => divergence,
        other => panic!("expected a divergence, got {other:?}"),
    }
}

/// The trace with one line changed.
fn changed(lines: &[String], at: usize, change: impl Fn(&mut Json)) -> Vec<String> {
    let mut line: Json = serde_json::from_str(&lines[at]).unwrap();
    change(&mut line);
    let mut lines = lines.to_vec();
    lines[at] = line.to_string();
    lines
}

/// Changes a field of a step; false where the step has nothing to change there.
type Change = fn(&mut Json) -> bool;

fn add_one(line: &mut Json, key: &str) -> bool {
    let number = match &line[key] {
        Json::String(text) => u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap(),
        number => number.as_u64().unwrap(),
    };
    line[key] = json!(number + 1);
    true
}

const CHANGES: &[(&str, Change)] = &[
    ("depth", |line| add_one(line, "depth")),
    ("pc", |line| add_one(line, "pc")),
    ("opcode", |line| add_one(line, "op")),
    ("gas", |line| add_one(line, "gas")),
    ("memory size", |line| add_one(line, "memSize")),
    ("refund", |line| add_one(line, "refund")),
    ("gas cost", |line| line.get("error").is_none() && add_one(line, "gasCost")),
    ("halt", |line| {
        let kind = if line.get("error").is_some() { "InvalidJump" } else { "OutOfGas" };
        line["error"] = json!(kind);
        true
    }),
    ("return data", |line| {
        let text = line["returnData"].as_str().unwrap_or("0x").to_owned();
        line["returnData"] = json!(format!("{text}00"));
        true
    }),
    ("stack size", |line| {
        line["stack"].as_array_mut().unwrap().push(json!("0x0"));
        true
    }),
    ("stack top", |line| match line["stack"].as_array_mut().unwrap().last_mut() {
        Some(top) => {
            let word: parallax_primitives::U256 = top.as_str().unwrap().parse().unwrap();
            *top = json!(format!("{:#x}", word ^ parallax_primitives::U256::ONE));
            true
        }
        None => false,
    }),
    ("memory at", |line| match line["memory"].as_str().map(str::to_owned) {
        Some(text) if text.len() > 2 => {
            let last = if text.ends_with('1') { '0' } else { '1' };
            line["memory"] = json!(format!("{}{last}", &text[..text.len() - 1]));
            true
        }
        _ => false,
    }),
];

#[test]
fn a_change_of_any_field_of_any_step_is_found_there() {
    let mut made = [0; CHANGES.len()];
    for name in ["calls/nested_reverts", "calls/input_and_output", "calls/callee_runs_out_of_gas"] {
        let (case, lines) = case_and_trace(name);
        assert_eq!(compare(&case, &lines), Ok(Verdict::Agree));
        // Of a long trace every so many steps: each change is a run.
        for at in (0..lines.len() - 1).step_by(lines.len() / 60 + 1) {
            for ((field, change), made) in CHANGES.iter().zip(&mut made) {
                let mut line: Json = serde_json::from_str(&lines[at]).unwrap();
                if change(&mut line) {
                    *made += 1;
                    check_found(&case, &changed(&lines, at, |line| assert!(change(line))), at, field);
                }
            }
        }
    }
    assert!(made.iter().all(|made| *made > 20), "{made:?}");
}

#[track_caller]
fn check_found(case: &Case, lines: &[String], at: usize, field: &str) {
    let divergence = divergence(case, lines);
    let Place::Step { index, step, path, .. } = &divergence.place else {
        panic!("{field} at {at}: {divergence}");
    };
    assert_eq!(*index, at as u64, "{field}: {divergence}");
    assert!(divergence.field.to_string().starts_with(field), "{field} at {at}: {divergence}");
    assert_eq!(path.len(), usize::from(step.depth) + 1);
    assert_ne!(divergence.left, divergence.right);
}

/// What a client writes behind an opcode is found at that opcode, not at the next.
#[test]
fn a_refund_that_is_told_after_the_opcode_is_compared_there() {
    for (dialect, client) in [(Dialect::Geth, Client::Geth), (Dialect::Eels, Client::Eels)] {
        let (case, lines) = case_and_trace_in(dialect, "calls/nested_reverts");
        // Of an opcode that fails, geth may write two lines; what it has refunded is undone.
        let fails = |at: usize| lines[at].contains("\"error\"");
        let is_said_again =
            |at: usize| lines[at].split("gasCost").next() == lines[at + 1].split("gasCost").next();
        let steps = (0..lines.len()).filter(|at| lines[*at].starts_with("{\"pc\"") && !is_said_again(*at));
        for (index, at) in steps.enumerate().filter(|(_, at)| !fails(*at)) {
            let wrong = changed(&lines, at, |line| assert!(add_one(line, "refund")));
            let (verdict, right_at) = compared(&case, &wrong, client).unwrap();
            let Verdict::Diverge(divergence) = verdict else { panic!("{dialect} {at}: {verdict:?}") };
            assert_eq!(right_at, Some(format!("refund on line {} of the trace", at + 1)));
            assert_eq!(divergence.field, Field::Refund);
            let Place::Step { index: found, is_over, .. } = divergence.place else { panic!("{divergence}") };
            assert_eq!((found, is_over), (index as u64, true));
        }
    }
}

#[test]
fn a_trace_that_ends_early_or_late_differs_there() {
    let (case, lines) = case_and_trace("calls/nested_reverts");
    let steps = lines.iter().filter(|line| line.starts_with("{\"pc\"")).count();
    for end in [1, steps / 2, steps - 1] {
        let divergence = divergence(&case, &lines[..end]);
        let (_, right_at) = compared(&case, &lines[..end], Client::Eip3155).unwrap();
        assert_eq!(right_at, Some(format!("the end of the trace, after line {end}")));
        assert!(matches!(divergence.place, Place::Step { index, .. } if index == end as u64), "{divergence}");
        assert_eq!(
            (divergence.field, divergence.left, divergence.right),
            (Field::Step, Value::Present, Value::Absent)
        );
    }
    // Without its last lines, a trace says nothing of the end, and that is said.
    let unknown = |lines: &[String]| {
        let text = lines.join("\n");
        let reader = TraceReader::new(text.as_bytes(), Client::Eip3155);
        diff_trace(&case, &engines::primary(), reader, CompareOptions::default(), &CONFIG()).unwrap()
    };
    let whole = unknown(&lines);
    assert_eq!(whole.outcome.verdict, Verdict::Agree);
    assert_eq!(whole.agreement.unwrap().unknown(), [""; 0]);
    let cut = unknown(&lines[..steps]);
    assert_eq!(cut.outcome.verdict, Verdict::Agree);
    assert_eq!(
        cut.agreement.unwrap().unknown(),
        ["stateRoot", "output", "gasUsed", "pass", "fork", "test", "d", "g", "v"]
    );
    let mut longer = lines[..steps].to_vec();
    longer.push(lines[0].clone());
    let divergence = divergence(&case, &longer);
    assert!(matches!(divergence.place, Place::Step { index, .. } if index == steps as u64));
    assert_eq!((divergence.left, divergence.right), (Value::Absent, Value::Present));
}

#[test]
fn what_follows_the_steps_is_compared() {
    let (case, lines) = case_and_trace("calls/nested_reverts");
    let end = lines.len() - 1;
    let root = changed(&lines, end, |line| line["stateRoot"] = json!(format!("0x{}", "11".repeat(32))));
    let found = divergence(&case, &root);
    assert_eq!((found.place, found.field), (Place::PostState, Field::StateRoot));
    let output = changed(&lines, end, |line| line["output"] = json!("0x123456"));
    let found = divergence(&case, &output);
    assert_eq!((found.place, found.field), (Place::Transaction, Field::Output));
    assert_eq!(found.right, Value::Bytes([0x12, 0x34, 0x56].into()));
    let gas = divergence(&case, &changed(&lines, end, |line| assert!(add_one(line, "gasUsed"))));
    assert_eq!((gas.place, gas.field), (Place::Transaction, Field::GasUsed));
}

/// geth writes a line for every frame, and the root on another.
#[test]
fn what_geth_says_of_every_frame_is_compared() {
    let (case, lines) = case_and_trace_in(Dialect::Geth, "calls/nested_reverts");
    let ends: Vec<_> = (0..lines.len()).filter(|at| lines[*at].starts_with("{\"output\"")).collect();
    assert!(ends.len() > 2);
    for (number, at) in ends.iter().enumerate() {
        for (key, field) in [("gasUsed", Field::GasUsed), ("output", Field::Output)] {
            let wrong = changed(&lines, *at, |line| match key {
                "output" => line["output"] = json!("123456"),
                _ => assert!(add_one(line, key)),
            });
            let (verdict, right_at) = compared(&case, &wrong, Client::Geth).unwrap();
            // Of a frame that fails the output is the client's own affair.
            if key == "output"
                && lines[*at].contains("\"error\"")
                && !lines[*at].contains("execution reverted")
            {
                assert_eq!(verdict, Verdict::Agree);
                continue;
            }
            let Verdict::Diverge(found) = verdict else { panic!("{verdict:?}") };
            let is_outermost = number + 1 == ends.len();
            let of_frame = if is_outermost { "" } else { " of the frame" };
            let expected = format!("{key}{of_frame} on line {} of the trace", at + 1);
            assert_eq!((found.field, right_at), (field, Some(expected)));
            match found.place {
                Place::Message { index, is_over: true, ref path } => {
                    assert_eq!(path.last().unwrap().index, index);
                    assert_eq!(index == 0, is_outermost);
                }
                Place::Transaction => assert!(is_outermost),
                _ => panic!("{found}"),
            }
        }
    }
    let root = lines.len() - 1;
    let wrong = changed(&lines, root, |line| line["stateRoot"] = json!(format!("0x{}", "11".repeat(32))));
    let (_, right_at) = compared(&case, &wrong, Client::Geth).unwrap();
    assert_eq!(right_at, Some(format!("stateRoot on line {} of the trace", root + 1)));
}

#[test]
fn a_trace_of_two_transactions_is_none_of_one() {
    let (case, lines) = case_and_trace("calls/nested_reverts");
    let error = compare(&case, &[&lines[..], &lines[..]].concat()).unwrap_err();
    let expected = format!(
        "line {}: more behind the end of the transaction, expected the trace of one transaction",
        lines.len() + 1
    );
    assert!(error.starts_with(&expected), "{error}");
}

#[test]
fn marks_of_windows_are_no_difference() {
    let (case, mut lines) = case_and_trace("calls/nested_reverts");
    lines[0].insert(0, '\u{feff}');
    lines.iter_mut().for_each(|line| line.push('\r'));
    lines[3].insert_str(0, " \t");
    lines[4].insert(1, ' ');
    assert_eq!(compare(&case, &lines), Ok(Verdict::Agree));
}

#[test]
fn what_cannot_be_read_is_an_error_and_never_an_answer() {
    let (case, lines) = case_and_trace("calls/nested_reverts");
    let error = compare(&case, &[]).unwrap_err();
    assert!(error.starts_with("no EIP-3155 line in 0 lines"), "{error}");
    let error = compare(&case, &["# a comment".to_owned()]).unwrap_err();
    assert!(error.starts_with("no EIP-3155 line in 1 lines"), "{error}");
    for (at, broken) in
        [(0, "{\"pc\":"), (7, "{\"pc\":0,\"op\":300,\"gas\":\"0x1\",\"depth\":1}"), (20, "{\"pc\"")]
    {
        let mut lines = lines.clone();
        lines[at] = broken.to_owned();
        let error = compare(&case, &lines).unwrap_err();
        assert!(error.starts_with(&format!("line {}: ", at + 1)), "{error}");
        // What differs before it is found before it.
        if at > 5 {
            let divergence = divergence(&case, &changed(&lines, 4, |line| assert!(add_one(line, "gas"))));
            assert!(matches!(divergence.place, Place::Step { index: 4, .. }), "{divergence}");
        }
    }
}

#[test]
fn a_rejected_transaction_has_no_steps() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests/transactions.json");
    let rejected = |case: &Case| case.expected.exception.is_some() && case.job().is_ok();
    let case = cases(&path).unwrap().map(Result::unwrap).find(rejected).unwrap();
    let root =
        |root: &dyn std::fmt::Display| json!({ "stateRoot": root.to_string(), "pass": false }).to_string();
    let refused = compare(&case, &[root(&case.expected.state_root.unwrap())]).unwrap();
    assert!(matches!(refused, Verdict::Rejected(_)), "{refused:?}");
    let silent = compare(&case, &[json!({ "pass": false }).to_string()]);
    let nothing = "the trace has no step and says nothing of the end".to_owned();
    assert_eq!(silent, Ok(Verdict::NotCompared(nothing)));
    let other = divergence(&case, &[root(&format!("0x{}", "11".repeat(32)))]);
    assert_eq!((other.place, other.field), (Place::PostState, Field::StateRoot));
    let (_, lines) = case_and_trace("calls/nested_reverts");
    let ran = divergence(&case, &lines);
    assert_eq!((ran.place, ran.field, ran.right), (Place::Transaction, Field::Status, Value::Present));
    assert!(matches!(ran.left, Value::Rejection(_)));
}
