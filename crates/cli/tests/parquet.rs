//! `--trace parquet`: what DuckDB reads of it is what the recorder has, the page's questions have the answers that it shows, and what a
//! Parquet file cannot be is refused.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/python.rs"]
mod python;

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

use parallax_campaign::engines;
use parallax_tracer_core::Traced;
use parallax_tracer_standard::{Recorder, TracerConfig};
use serde_json::{Value, json};

/// What the page was written with. Its answers are no other ones.
const DUCKDB: &str = "duckdb==2.0.1";
const ASK: &str = include_str!("parquet/ask.py");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Exit status and standard error.
fn run(arguments: &[&str], folder: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).env_remove("COLUMNS");
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// A Python that has DuckDB, if there is one to be had.
fn python() -> Option<&'static Path> {
    static PYTHON: LazyLock<Option<PathBuf>> = LazyLock::new(|| python::python(DUCKDB, &[]));
    PYTHON.as_deref()
}

/// The answers of queries that are asked in `folder`: rows, the names of the columns first.
fn ask(python: &Path, folder: &Path, queries: &[&str]) -> Vec<Vec<Vec<Value>>> {
    let mut child = Command::new(python)
        .args(["-c", ASK])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(json!(queries).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{queries:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Steps, their gas costs as far as these have 63 bits, and state gas, refunds, sizes.
type Sums = [i128; 6];

/// What the recorder has of all cases of files, by opcode.
fn recorded(files: &[PathBuf]) -> BTreeMap<String, Sums> {
    let mut all = BTreeMap::new();
    for case in files.iter().flat_map(|file| parallax_state_tests::cases(file).unwrap()) {
        let mut recorder = Recorder::new(TracerConfig::full());
        // A transaction that is refused has no steps.
        let _ = parallax_state_tests::run(&case.unwrap(), engines::mini(), &mut Traced(&mut recorder));
        let trace = recorder.into_trace();
        let mut replay = trace.replay();
        while let Some(step) = replay.advance() {
            let info = step.info().unwrap();
            let gas = |gas: u64| i64::try_from(gas).map_or(0, i128::from);
            let own = [
                1,
                gas(step.gas_cost()),
                gas(info.gas_before),
                step.state_gas_cost().into(),
                info.stack_size as i128,
                info.memory_size as i128,
            ];
            let sums: &mut Sums = all.entry(info.op_name.to_owned()).or_default();
            sums.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        }
    }
    all
}

#[test]
fn sums_of_duckdb_are_those_of_the_recorder() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let tests = root().join("fixtures/state-tests");
    let names = ["arithmetic", "calls", "creations", "state_gas", "storage", "two_gases"];
    let files = names.map(|name| tests.join(name).with_extension("json"));
    let mut arguments = vec!["statetest", "--trace", "parquet", "--trace-out", "steps.parquet"];
    arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
    assert_eq!(run(&arguments, folder.path()), (Some(0), String::new()));
    let sums = "SELECT op_name, count(*), coalesce(sum(gas_cost), 0), sum(gas), sum(state_gas_cost), sum(stack_size), sum(memory_size)
        FROM 'steps.parquet' GROUP BY op_name";
    let cases =
        "SELECT count(DISTINCT (file, test, rules)), count(DISTINCT transaction) FROM 'steps.parquet'";
    let answers = ask(python, folder.path(), &[sums, cases]);
    let number = |value: &Value| value.to_string().parse::<i128>().unwrap();
    let read: BTreeMap<String, Sums> = answers[0][1..]
        .iter()
        .map(|row| (row[0].as_str().unwrap().to_owned(), std::array::from_fn(|at| number(&row[at + 1]))))
        .collect();
    assert_eq!(read, recorded(&files));
    assert!(read.len() > 80, "{} opcodes", read.len());
    let [named, transactions] = [0, 1].map(|at| number(&answers[1][1][at]));
    assert!(named == transactions && named > 300, "{named} places of {transactions} transactions");
}

/// A page's queries, and the answers that it shows behind them.
fn questions(page: &str) -> Vec<(&str, &str)> {
    let blocks = page.split("```sql\n").skip(1);
    blocks
        .map(|block| {
            let (query, rest) = block.split_once("\n```\n").unwrap();
            let answer = rest.strip_prefix("\n```text\n").and_then(|rest| rest.split_once("```\n"));
            (query, answer.map_or("", |(answer, _)| answer))
        })
        .collect()
}

/// Rows as a page shows them: numbers on the right.
fn table(rows: &[Vec<Value>]) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let width = |column: usize| rows.iter().map(|row| text(&row[column]).len()).max().unwrap_or(0);
    let widths: Vec<_> = (0..rows[0].len()).map(width).collect();
    let is_number = |column: usize| rows.iter().skip(1).all(|row| row[column].is_number());
    let line = |row: &Vec<Value>| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let (cell, width) = (text(cell), widths[column]);
            if is_number(column) { format!("{cell:>width$}") } else { format!("{cell:width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[test]
fn the_page_shows_what_duckdb_answers() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = root().join("docs/parquet.md");
    let page = fs::read_to_string(&path).unwrap();
    let commands = page.lines().filter_map(|line| line.strip_prefix("parallax "));
    let world = root().join("docs/parquet");
    for command in commands {
        let command = command.replace("docs/parquet", world.to_str().unwrap());
        let arguments: Vec<_> = command.split_whitespace().collect();
        assert_eq!(run(&arguments, folder.path()), (Some(0), String::new()), "{command}");
    }
    let questions = questions(&page);
    assert_eq!(questions.len(), 5);
    let queries: Vec<_> = questions.iter().map(|(query, _)| *query).collect();
    let answers = ask(python, folder.path(), &queries);
    let mut fresh = page.clone();
    for ((query, shown), rows) in questions.iter().zip(&answers) {
        let behind = format!("{query}\n```\n");
        let [old, new] = [*shown, &table(rows)].map(|answer| format!("{behind}\n```text\n{answer}```\n"));
        let old = if shown.is_empty() { behind } else { old };
        fresh = fresh.replace(&old, &new);
    }
    if env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        return fs::write(&path, &fresh).unwrap();
    }
    assert!(fresh == page, "docs/parquet.md shows other answers: INSTA_UPDATE=always writes them");
}

#[test]
fn the_code_of_the_page_is_its_assembly() {
    let folder = root().join("docs/parquet");
    let world: Value = serde_json::from_slice(&fs::read(folder.join("airdrop.json")).unwrap()).unwrap();
    let codes = world.as_object().unwrap().values().map(|account| account["code"].as_str().unwrap());
    let mut codes: Vec<_> = codes.map(str::to_owned).collect();
    let mut assembled = ["airdrop", "proxy", "token"].map(|name| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
        let source = folder.join(name).with_extension("evm");
        let output = command.args(["asm", "--fork", "Istanbul"]).arg(source).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    });
    codes.sort();
    assembled.sort();
    assert_eq!(codes, assembled);
}

#[test]
fn what_a_file_cannot_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (options, why) in [
        ("", "nobody reads it on standard error, expected --trace-out FILE"),
        ("--trace-out f --trace-append", "--trace-append: a Parquet file ends with its table of contents"),
        ("--trace-out f --trace-drop", "--trace-drop drops lines, and a Parquet file has none"),
        ("--trace-out f --trace-memory", "--trace-memory: a Parquet file has no such column"),
        ("--trace-out f --dialect geth", "--dialect is of EIP-3155 lines"),
    ] {
        let arguments: Vec<_> =
            "run 0x00 --trace parquet".split(' ').chain(options.split_whitespace()).collect();
        let (status, text) = run(&arguments, folder.path());
        assert!(status == Some(2) && text.lines().count() == 1 && text.contains(why), "{options}: {text}");
        assert!(!folder.path().join("f").exists());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told() {
    let arguments = ["run", "0x6001600101", "--trace", "parquet", "--trace-out", "/dev/full"];
    let (status, text) = run(&arguments, &env::temp_dir());
    assert_eq!(status, Some(2));
    let expected = "parallax: /dev/full: cannot write the trace, 4 lines of it are lost: No space left on device (os error 28)\n";
    assert_eq!(text, expected);
}

#[test]
fn a_trace_may_stand_beside_lines() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        "run 0x6001600101 --trace parquet --trace-out a --trace eip3155 --trace-out b --trace-memory";
    let arguments: Vec<_> = options.split(' ').collect();
    assert_eq!(run(&arguments, folder.path()), (Some(0), String::new()));
    let [rows, lines] = ["a", "b"].map(|name| fs::read(folder.path().join(name)).unwrap());
    assert!(rows.starts_with(b"PAR1") && rows.ends_with(b"PAR1"));
    assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), 5);
}
