//! Whatever is changed in a trace is told: at its line and by its field, or the line cannot be read, or the field is named as one that was
//! not compared. Of every client's trace and of our own dialects every key of every line is changed, dropped and set to null, and every
//! line dropped, doubled, swapped and moved.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test, both are assertions")]

use std::{collections::BTreeMap, fmt, fs, path::Path};

use parallax_campaign::{diff_trace, engines, shared_folder};
use parallax_shadow_diff::{ShadowConfig, ShadowMode, Verdict};
use parallax_state_tests::{Case, cases, run};
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{
    Client, CompareOptions, Dialect, Eip3155Tracer, Options, Summary, TraceReader, compare_traces, recognise,
};
use serde_json::{Map, Value, json};

/// A trace, and whose it is.
struct Sample {
    name: String,
    case: Case,
    client: Client,
    lines: Vec<String>,
}

const CLIENTS: [&str; 8] = ["besu", "eels", "erigon", "evmone", "geth", "nethermind", "nimbus", "revm"];

fn of_clients() -> Option<Vec<Sample>> {
    let folder = shared_folder().map(|folder| folder.join("client-traces")).filter(|folder| folder.is_dir());
    let Some(folder) = folder else {
        eprintln!("left out: no client traces beside the repository, nor in PARALLAX_SHARED");
        return None;
    };
    let mut files: Vec<_> =
        fs::read_dir(folder.join("cases")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut samples = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let case = cases(&path).unwrap().next().unwrap().unwrap();
        for client in CLIENTS {
            let text = ["stdout", "stderr"]
                .iter()
                .filter_map(|stream| {
                    fs::read_to_string(folder.join(format!("traces/{name}.{client}.{stream}.txt"))).ok()
                })
                .find(|text| text.contains("{\"pc\":"))
                .unwrap();
            // A client's talk is passed over.
            let lines = text.lines().filter(|line| line.starts_with("{\"")).map(str::to_owned).collect();
            samples.push(Sample {
                name: format!("{name} {client}"),
                case: case.clone(),
                client: client.parse().unwrap(),
                lines,
            });
        }
    }
    Some(samples)
}

/// Our own: cases with calls, creations, return data, refunds and failures, in every dialect, and strict lines with every switch.
fn of_ours() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests");
    let wanted = [
        "calls/nested_reverts",
        "contexts/return_data_of_a_callee",
        "calls/static_violation_comes_before_gas",
        "creations/init_code_reverts",
    ];
    let mut samples = Vec::new();
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let all = files.iter().flat_map(|file| cases(file).unwrap()).map(Result::unwrap);
    let mut left = wanted.to_vec();
    for case in all {
        if !left.iter().any(|name| *name == &*case.name) || case.job().is_err() {
            continue;
        }
        left.retain(|name| *name != &*case.name);
        for dialect in Dialect::ALL {
            samples.push(sample(&case, Options::new(dialect), ""));
        }
        let strict = Options::new(Dialect::Eip3155);
        samples.push(sample(&case, Options { memory: true, ..strict }, "memory"));
        samples.push(sample(&case, Options { storage: true, ..strict }, "storage"));
        samples.push(sample(&case, Options { stack: false, ..strict }, "no stack"));
        samples.push(sample(&case, Options { return_data: false, ..strict }, "no return data"));
        samples.push(sample(
            &case,
            Options { return_data: true, memory: true, ..Options::new(Dialect::Geth) },
            "all",
        ));
    }
    assert_eq!(left, [""; 0]);
    samples
}

fn sample(case: &Case, options: Options, name: &str) -> Sample {
    let mut tracer = Eip3155Tracer::new(Vec::new(), options);
    let result = run(case, &engines::primary(), &mut Traced(&mut tracer));
    let test = (case.name.to_string(), case.d, case.g, case.v);
    let summary = Summary { state_root: result.state_root, test: Some(test), ..Summary::default() };
    let text = String::from_utf8(tracer.finish(Some(&summary)).out.unwrap()).unwrap();
    let Options { dialect, .. } = options;
    Sample {
        name: format!("{} {dialect} {name}", case.name),
        case: case.clone(),
        client: dialect.name().parse().unwrap(),
        lines: text.lines().map(str::to_owned).collect(),
    }
}

/// What was done to a trace.
struct Change {
    /// `gas change`, `line doubled`.
    what: String,
    /// The field, if it is one.
    field: Option<String>,
    /// The index of the line.
    at: usize,
    /// The line, from 1.
    line: u64,
    lines: Vec<String>,
}

/// Every change of one line.
fn changes(sample: &Sample, at: usize) -> Vec<Change> {
    let mut made = Vec::new();
    let line: Map<String, Value> = serde_json::from_str(&sample.lines[at]).unwrap();
    let kind = if line.contains_key("pc") { "" } else { "end " };
    for (key, value) in &line {
        let mut with = |way: &str, value: Option<Value>| {
            let text = rewritten(&sample.lines[at], key, value.as_ref());
            let mut lines = sample.lines.clone();
            lines[at] = text;
            made.push(Change {
                what: format!("{kind}{key} {way}"),
                field: Some(key.clone()),
                at,
                line: at as u64 + 1,
                lines,
            });
        };
        for other in others(value) {
            with("changed", Some(other));
        }
        with("dropped", None);
        with("null", Some(Value::Null));
    }
    let mut with = |way: &str, line: usize, lines: Vec<String>| {
        made.push(Change {
            what: format!("{kind}line {way}"),
            field: None,
            at: line,
            line: line as u64 + 1,
            lines,
        });
    };
    let lines = || sample.lines.clone();
    let mut dropped = lines();
    dropped.remove(at);
    with("dropped", at, dropped);
    let mut doubled = lines();
    doubled.insert(at, sample.lines[at].clone());
    with("doubled", at, doubled);
    if at + 1 < sample.lines.len() && sample.lines[at] != sample.lines[at + 1] {
        let mut swapped = lines();
        swapped.swap(at, at + 1);
        with("swapped", at, swapped);
        let mut moved = lines();
        let line = moved.remove(at);
        moved.push(line);
        with("moved", at, moved);
    }
    made
}

/// The line with another value, or without the key; all else as it stands.
fn rewritten(line: &str, key: &str, value: Option<&Value>) -> String {
    let name = format!("\"{key}\":");
    let start = line.find(&name).unwrap();
    let from = start + name.len() + usize::from(line[start + name.len()..].starts_with(' '));
    let rest = &line[from..];
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
    values.next().unwrap().unwrap();
    let end = from + values.byte_offset();
    match value {
        Some(value) => format!("{}{value}{}", &line[..from], &line[end..]),
        None => {
            let before = line[..start].trim_end_matches(',');
            let after = line[end..].trim_start_matches(',');
            let comma = if before.ends_with('{') || after.starts_with('}') { "" } else { "," };
            format!("{before}{comma}{after}")
        }
    }
}

/// Other values of the same form.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(truth) => vec![json!(!truth)],
        Value::Number(number) => number.as_i64().map_or_else(Vec::new, |number| vec![json!(number + 1)]),
        Value::String(text) => vec![json!(other_text(text))],
        Value::Array(items) => {
            let mut made = vec![json!([&items[..], &[json!("0x1")]].concat())];
            if let Some(last) = items.last().and_then(Value::as_str) {
                let mut changed = items.clone();
                *changed.last_mut().unwrap() = json!(other_text(last));
                made.push(json!(changed));
                made.push(json!(items[1..]));
            }
            made
        }
        Value::Object(slots) => {
            let mut changed = slots.clone();
            changed.insert("0x77".to_owned(), json!("0x1"));
            vec![json!(changed)]
        }
        Value::Null => Vec::new(),
    }
}

fn other_text(text: &str) -> String {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let last = digits.chars().last().unwrap();
        let other = if last == '1' { '2' } else { '1' };
        return format!("{}{other}", &text[..text.len() - 1]);
    }
    match text {
        "" => "01".to_owned(),
        "0x" => "0x01".to_owned(),
        _ => format!("{text}x"),
    }
}

/// What came of comparing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    /// There, by its name.
    There,
    /// There, by another name.
    AsAnother,
    /// Elsewhere.
    Elsewhere,
    /// The line cannot be read.
    Refused,
    /// It is named as not compared, or not everywhere.
    Named,
    Silent,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// What is told at a line: of a line that is gone, at what stands there now.
fn told(change: &Change, field: &str, line: u64) -> Told {
    let near = match &change.field {
        Some(_) => line == change.line,
        // One up for what is left, one down for what comes too early.
        None => (change.line.saturating_sub(1)..=change.line + 1).contains(&line),
    };
    match &change.field {
        _ if !near => Told::Elsewhere,
        Some(changed) if changed != field => Told::AsAnother,
        _ => Told::There,
    }
}

fn of_error(change: &Change, error: &str) -> Told {
    let named = |line: u64| error.contains(&format!("line {line}:"));
    let lines = change.line.saturating_sub(1)..=change.lines.len() as u64;
    let is_there = named(change.line) || change.field.is_none() && lines.into_iter().any(named);
    if is_there { Told::Refused } else { Told::Elsewhere }
}

fn is_named(change: &Change, silence: &str) -> bool {
    match &change.field {
        Some(field) => {
            let mut words = silence.split([',', ';', ':', ' ']);
            let is_error = matches!(&**field, "error" | "evmResult") && change.what.ends_with("changed");
            words.any(|word| word == field)
                || is_error && silence.contains("by its kind")
                || is_error && silence.contains("by their kind")
                || silence.contains("second lines") && is_second_line(change)
                || silence.contains("passed over") && change.lines[change.at].contains("\"op\":0,")
        }
        None => silence.contains("not compared") || silence.contains("passed over"),
    }
}

/// Whether the line is there for the second time, with the error.
fn is_second_line(change: &Change) -> bool {
    let at = change.at;
    let place = |line: &str| line.split(",\"gasCost").next().unwrap_or_default().to_owned();
    at > 0
        && change.lines[at].contains("\"error\"")
        && place(&change.lines[at]) == place(&change.lines[at - 1])
}

/// Through `parallax compare`.
fn compared(sample: &Sample, change: &Change) -> Told {
    let texts = [sample.lines.join("\n"), change.lines.join("\n")];
    let [left, right] = texts.each_ref().map(|text| match recognise(text.as_bytes()) {
        Ok(found) => Ok(TraceReader::new(text.as_bytes(), found.client).with_profile(found.profile)),
        Err(error) => Err(error),
    });
    let right = match right {
        Ok(right) => right,
        Err(error) => return of_error(change, &error.to_string()),
    };
    match compare_traces(left.unwrap(), right, CompareOptions::default()) {
        Err((_, error)) => of_error(change, &error.to_string()),
        Ok(answer) => match answer.outcome {
            Ok(agreement) if is_named(change, &agreement.silence()) => Told::Named,
            Ok(_) => Told::Silent,
            Err(difference) => told(change, difference.what.name(), difference.lines[1]),
        },
    }
}

/// Through `parallax diff --right-trace`.
fn beside_a_run(sample: &Sample, change: &Change) -> Told {
    let text = change.lines.join("\n");
    let profile = recognise(text.as_bytes()).map(|found| found.profile).unwrap_or_default();
    let reader = TraceReader::new(text.as_bytes(), sample.client).with_profile(profile);
    let config = ShadowConfig { mode: ShadowMode::PerStep, ..ShadowConfig::default() };
    match diff_trace(&sample.case, &engines::primary(), reader, CompareOptions::default(), &config) {
        Err(error) => of_error(change, &error.to_string()),
        Ok(found) => match found.outcome.verdict {
            Verdict::Diverge(_) => {
                let at = found.outcome.right_at.unwrap();
                let words: Vec<_> = at.split(' ').collect();
                let line = words.iter().filter_map(|word| word.parse().ok()).next_back().unwrap_or(0);
                told(change, words[0], line)
            }
            _ if is_named(change, &found.outcome.silence.unwrap_or_default()) => Told::Named,
            _ => Told::Silent,
        },
    }
}

type Table = BTreeMap<(Client, String), BTreeMap<Told, u64>>;

/// Makes every change of the samples and counts what is told of it; prints what is told elsewhere and what not at all.
fn table(
    samples: &[Sample],
    door: fn(&Sample, &Change) -> Told,
    every: usize,
    is_explained: fn(&Sample, &Change) -> bool,
) -> Table {
    let mut table = Table::new();
    let mut explained = 0;
    let mut shown = BTreeMap::<(Client, String, Told), u64>::new();
    for sample in samples {
        let ends = sample.lines.iter().take_while(|line| line.starts_with("{\"pc\"")).count();
        for at in (0..sample.lines.len()).filter(|at| at % every == 0 || at + 8 > ends) {
            for change in changes(sample, at) {
                let told = door(sample, &change);
                if matches!(told, Told::Elsewhere | Told::AsAnother) && is_explained(sample, &change) {
                    explained += 1;
                    continue;
                }
                *table.entry((sample.client, change.what.clone())).or_default().entry(told).or_default() += 1;
                let is_odd = matches!(told, Told::Silent | Told::Elsewhere | Told::AsAnother);
                let times = shown.entry((sample.client, change.what.clone(), told)).or_default();
                *times += 1;
                if is_odd && *times <= 2 {
                    eprintln!("{told}: {} line {}: {}", sample.name, change.line, change.what);
                    eprintln!(
                        "    {}\n    {}",
                        cut(&sample.lines[at]),
                        cut(&change.lines[at.min(change.lines.len() - 1)])
                    );
                }
            }
        }
    }
    for ((client, what), counts) in &table {
        let counts: Vec<_> = counts.iter().map(|(told, count)| format!("{told} {count}")).collect();
        println!("{client:<12}{what:<24}{}", counts.join(", "));
    }
    println!("{explained} told nearby, for a reason");
    table
}

fn cut(text: &str) -> String {
    text.chars().take(240).collect()
}

fn count(table: &Table, told: Told) -> u64 {
    table.values().filter_map(|counts| counts.get(&told)).sum()
}

/// Every dialect with every switch, with its closing line and without: taken for what it is, or whatever else it may be is named; and
/// what it is taken for, it agrees with.
#[test]
fn whatever_we_write_is_recognised() {
    let (mut sure, mut named) = (0, 0);
    for sample in of_ours() {
        let ends = sample.lines.iter().rposition(|line| line.starts_with("{\"pc\"")).unwrap() + 1;
        for lines in [&sample.lines[..], &sample.lines[..ends]] {
            let text = lines.join("\n");
            let found = recognise(text.as_bytes()).unwrap();
            assert_eq!(found.fitting, found.lines, "{}: {found:?}", sample.name);
            match found.client == sample.client {
                true if found.read_otherwise().is_empty() => sure += 1,
                true => named += 1,
                false => {
                    assert!(found.others.contains(&sample.client), "{}: {found:?}", sample.name);
                    named += 1;
                }
            }
        }
    }
    println!("{sure} sure, {named} that may be others' as well");
    assert!(sure > 5 * named, "{sure} {named}");
}

#[test]
fn nothing_that_is_changed_in_a_clients_trace_is_passed_over_in_silence() {
    let Some(samples) = of_clients() else { return };
    let table = table(&samples, compared, 1, |_, _| false);
    assert_eq!(count(&table, Told::Silent), 0);
    assert_eq!(count(&table, Told::Elsewhere) + count(&table, Told::AsAnother), 0);
}

#[test]
fn nothing_that_is_changed_in_our_own_traces_is_passed_over_in_silence() {
    let table = table(&of_ours(), compared, 1, |_, _| false);
    assert_eq!(count(&table, Told::Silent), 0);
    assert_eq!(count(&table, Told::Elsewhere) + count(&table, Told::AsAnother), 0);
}

/// How much of an SSTORE's cost was state gas, only the line behind it tells: a change of that is told as the cost. And revm has a STOP of
/// init code without a byte, which a run has not: changed to anything else it is a step too many.
fn is_revms(sample: &Sample, change: &Change) -> bool {
    let at = change.at;
    let is_behind_a_store = at > 0 && change.lines[at - 1].contains("\"SSTORE\"");
    let is_of_state_gas = matches!(change.field.as_deref(), Some("reservoir" | "stateGas"));
    let is_empty_code = sample.lines[at].contains("\"pc\":0,") && sample.lines[at].contains("\"op\":0,");
    sample.client == Client::Revm && (is_behind_a_store && is_of_state_gas || is_empty_code)
}

#[test]
fn nothing_that_is_changed_in_a_trace_beside_a_run_is_passed_over_in_silence() {
    let mut samples = of_ours();
    samples.extend(of_clients().unwrap_or_default());
    let table = table(&samples, beside_a_run, 3, is_revms);
    assert_eq!(count(&table, Told::Silent), 0);
    assert_eq!(count(&table, Told::Elsewhere) + count(&table, Told::AsAnother), 0);
}
