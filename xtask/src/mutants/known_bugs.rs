//! `cargo xtask known-bugs`: bugs that clients had, planted in one build and turned on one after the other. Of each: whether the fuzzer
//! finds it, after how many programs and how long, whether what is told is the step and the field where the faulty engine first does
//! something else than itself without the fault, and how small the minimiser makes the case.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{
    catalogue::{self, Catalogue, Fault},
    known_table::{Right, Row, update},
    planted::{number, rank, told},
    scratch::{self, Scratch, VARIABLE},
};
use crate::workspace;

/// What `cargo xtask known-bugs` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only faults of these layers, with these names, or that stand for these bugs; the table's lines of them are written anew.
    #[arg(value_name = "LAYER|FAULT|BUG")]
    names: Vec<String>,
    /// Every fault of the catalogue, not only those that stand for a bug that a client had or that nothing saw at first.
    #[arg(long)]
    all: bool,
    /// Rows of a file, in the form of the catalogue, in place of the catalogue's; the table stays as it is.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["names", "all"])]
    rows: Vec<PathBuf>,
    /// Only so many of them, drawn by the seed; the table stays as it is.
    #[arg(long, value_name = "N")]
    drawn: Option<usize>,
    /// How long the fuzzer looks for each, on all cores.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    seconds: u64,
    /// Seed of the draw and of the fuzz runs; each has one of its own that is made from it [default: another one each time]
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
}

/// How much longer than it was given a fuzz run may take: it finishes its cases.
const GRACE: Duration = Duration::from_secs(60);
/// How long any other command may take.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long the minimiser looks, in seconds.
const MINIMIZE: &str = "60";
/// Cases that are run with no fault on before anything is measured.
const SOUND: &str = "3000";

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let catalogue = match &arguments.rows[..] {
        [] => catalogue::read()?,
        files => catalogue::of_files(files)?,
    };
    let seed = arguments.seed.unwrap_or_else(|| u64::from(std::process::id()) ^ now());
    println!("seed {seed}");
    let chosen = choose(&catalogue, arguments, seed)?;
    let bench = Bench { scratch: scratch::build(&catalogue, &[])?, seconds: arguments.seconds };
    bench.is_sound(seed)?;
    println!("{}", Row::HEAD);
    let mut rows = Vec::new();
    for fault in chosen {
        let row = bench.row(fault, rank(seed, &fault.name) >> 1)?;
        println!("{}", row.text());
        rows.push(row);
    }
    println!("\n{}", Row::sum(&rows));
    if arguments.rows.is_empty() && arguments.drawn.is_none() {
        update(&catalogue, rows)?;
    }
    Ok(())
}

/// Seconds and nanoseconds of the clock, mixed: no two runs draw alike.
fn now() -> u64 {
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    time.as_secs().wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(time.subsec_nanos())
}

fn choose<'c>(catalogue: &'c Catalogue, arguments: &Arguments, seed: u64) -> Result<Vec<&'c Fault>> {
    let effective = catalogue.faults.iter().filter(|fault| fault.equivalent.is_empty());
    let mut chosen: Vec<_> = match &arguments.names[..] {
        [] if arguments.all || !arguments.rows.is_empty() => effective.collect(),
        [] => effective.filter(|fault| fault.is_of_the_benchmark()).collect(),
        names => {
            let is_called = |fault: &Fault, name: &str| {
                fault.layer == name || fault.name == name || fault.bugs().any(|bug| bug == name)
            };
            for name in names {
                let is_known = catalogue.faults.iter().any(|fault| is_called(fault, name));
                ensure!(is_known, "no fault, no layer and no bug is called {name}");
            }
            effective.filter(|fault| names.iter().any(|name| is_called(fault, name))).collect()
        }
    };
    if let Some(count) = arguments.drawn {
        chosen.sort_by_key(|fault| rank(seed, &fault.name));
        chosen.truncate(count);
    }
    Ok(chosen)
}

/// What is measured with, and how long.
struct Bench {
    scratch: Scratch,
    seconds: u64,
}

/// What a fuzz run came to.
struct Fuzzed {
    programs: u64,
    seconds: f64,
    /// The line of what it found.
    finding: Option<Value>,
    /// How the process ended, where it did not come to its end.
    lost: Option<String>,
}

impl Bench {
    /// With no fault on there is nothing to be found.
    fn is_sound(&self, seed: u64) -> Result<()> {
        let fuzzed = self.fuzz(0, seed >> 1, &["--programs", SOUND])?;
        let found = fuzzed.finding.map(|finding| told(&finding)).or(fuzzed.lost);
        ensure!(found.is_none(), "with no fault on: {}", found.unwrap_or_default());
        Ok(())
    }

    fn row(&self, fault: &Fault, seed: u64) -> Result<Row> {
        let seconds = self.seconds.to_string();
        let fuzzed = self.fuzz(fault.number, seed, &["--time", &seconds])?;
        let mut row = Row::new(fault, fuzzed.programs, fuzzed.seconds);
        if let Some(lost) = fuzzed.lost {
            row.found = Some(lost);
        }
        let Some(finding) = fuzzed.finding else { return Ok(row) };
        let kind = finding["kind"].as_str().unwrap_or_default();
        row.found = Some(told(&finding).replacen("``", kind, 1));
        let folder = tempfile::tempdir()?;
        let case = folder.path().join("case.json");
        if !self.write(&finding, &case)? {
            return Ok(row);
        }
        row.is_right = self.is_right(fault, &finding, folder.path())?;
        row.minimized = self.minimize(fault, &finding, folder.path())?;
        Ok(row)
    }

    fn fuzz(&self, fault: usize, seed: u64, how_long: &[&str]) -> Result<Fuzzed> {
        let seed = seed.to_string();
        let words =
            ["fuzz", "--json", "--fail-fast", "--left", "primary", "--right", "mini", "--also", "revm"];
        let words = [&words, &["--seed", &seed][..], how_long].concat();
        let limit = Duration::from_secs(self.seconds) + GRACE;
        let start = Instant::now();
        let (status, text) = self.parallax(fault, &words, limit)?;
        let mut lines: Vec<Value> =
            text.lines().map(serde_json::from_str).collect::<Result<_, _>>().unwrap_or_default();
        let Some(sum) = lines.pop() else {
            let lost = status.map_or_else(|| "no end".to_owned(), |status| status.to_string());
            let seconds = start.elapsed().as_secs_f64();
            return Ok(Fuzzed {
                programs: 0,
                seconds,
                finding: None,
                lost: Some(format!("process: {lost}")),
            });
        };
        let seconds = sum["seconds"].as_f64().unwrap_or_default();
        Ok(Fuzzed {
            programs: number(&sum["programs"]),
            seconds,
            finding: (!lines.is_empty()).then(|| lines.swap_remove(0)),
            lost: None,
        })
    }

    /// Writes the case as a state test, as it is without the fault; false where that form has no place for it.
    fn write(&self, finding: &Value, case: &Path) -> Result<bool> {
        let (seed, number) = (finding["seed"].to_string(), finding["case"].to_string());
        let path = case.to_string_lossy();
        let words = ["fuzz", "--seed", &seed, "--case", &number, "--write", &path];
        self.parallax(0, &words, PATIENCE)?;
        Ok(case.is_file())
    }

    /// Whether what was told is where the engine with the fault first does something else than without it, by two traces of that engine.
    fn is_right(&self, fault: &Fault, finding: &Value, folder: &Path) -> Result<Right> {
        let engine = match fault.layer {
            "fast-form" | "translator" => return self.is_of_a_form(fault, folder),
            "mini-machine" | "mini-precompiles" | "mini-interpreter" | "facts" => "mini",
            _ => "primary",
        };
        let case = folder.join("case.json");
        let traces = ["off", "on"].map(|name| folder.join(name));
        for (number, trace) in [0, fault.number].into_iter().zip(&traces) {
            let (case, trace) = (case.to_string_lossy(), trace.to_string_lossy());
            let words = ["statetest", &case, "--engine", engine, "--in-process"];
            let trace = ["--trace", "eip3155", "--trace-memory", "--trace-out", &trace];
            self.parallax(number, &[&words[..], &trace].concat(), PATIENCE)?;
        }
        let [off, on] = traces.each_ref().map(|trace| trace.to_string_lossy());
        let (_, text) = self.parallax(0, &["compare", &off, &on, "--json"], PATIENCE)?;
        let compared: Value = serde_json::from_str(&text).unwrap_or_default();
        Ok(judge(&finding["divergence"], &compared))
    }

    /// Of a fault of the translated form alone: whether the same case agrees step by step with the fault on.
    fn is_of_a_form(&self, fault: &Fault, folder: &Path) -> Result<Right> {
        let case = folder.join("case.json");
        let words = ["diff", &case.to_string_lossy(), "--mode", "per-step", "--in-process"];
        let (status, _) = self.parallax(fault.number, &words, PATIENCE)?;
        Ok(if status.is_some_and(|status| status.success()) { Right::Form } else { Right::No })
    }

    /// Bytes of code of the smallest case, and the seconds it took to find; `None` if there is none.
    fn minimize(&self, fault: &Fault, finding: &Value, folder: &Path) -> Result<Option<(u64, f64)>> {
        let (case, small) = (folder.join("case.json"), folder.join("small.json"));
        let (case, small) = (case.to_string_lossy(), small.to_string_lossy());
        let words = ["minimize", &case, "--json", "--time", MINIMIZE, "--out", &small];
        let [left, right] = [0, 1].map(|side| finding["sides"][side].as_str().unwrap_or_default());
        let sides = ["--left", left, "--right", right];
        let (_, text) = self.parallax(fault.number, &[&words[..], &sides].concat(), PATIENCE)?;
        let Ok(answer) = serde_json::from_str::<Value>(&text) else { return Ok(None) };
        let seconds = answer["seconds"].as_f64().unwrap_or_default();
        Ok(answer["after"]["code"].as_u64().map(|bytes| (bytes, seconds)))
    }

    /// Runs the planted binary with one fault on, or none: how it ended, `None` if it was killed as it came to no end, and what it printed.
    fn parallax(
        &self,
        fault: usize,
        words: &[&str],
        limit: Duration,
    ) -> Result<(Option<ExitStatus>, String)> {
        let out = tempfile::NamedTempFile::new()?;
        let mut command = Command::new(&self.scratch.parallax);
        command.args(words).env(VARIABLE, fault.to_string()).current_dir(workspace::root());
        command.stdin(Stdio::null()).stdout(File::create(out.path())?).stderr(Stdio::null());
        let mut child = command.spawn().context("cannot run the planted binary")?;
        let start = Instant::now();
        let status = loop {
            match child.try_wait()? {
                Some(status) => break Some(status),
                None if start.elapsed() > limit => {
                    child.kill()?;
                    child.wait()?;
                    break None;
                }
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        Ok((status, fs::read_to_string(out.path())?))
    }
}

/// Holds what the fuzzer told of a divergence against where two traces of the faulty engine part.
fn judge(told: &Value, compared: &Value) -> Right {
    let recent = told["recent"].as_array().and_then(|recent| recent.last()).and_then(Value::as_str);
    let recent = recent.and_then(|line| line.split(' ').next()?.parse::<u64>().ok()).unwrap_or(0);
    let step = told["step"].as_u64();
    let before = step.unwrap_or(recent);
    // Where the traces are alike, nothing that they show was told.
    let Some(parted) = compared["step"].as_u64().filter(|_| compared["verdict"] == "diverge") else {
        return match compared["verdict"].as_str() {
            Some("agree") => Right::Earlier,
            _ => Right::Unknown,
        };
    };
    let plain = |value: &Value| value.as_str().unwrap_or_default().replace(' ', "").to_lowercase();
    let (field, other) = (plain(&told["field"]), plain(&compared["field"]));
    let is_field = other.starts_with(&field) || field.starts_with(&other);
    match step {
        // What a step leaves is shown by the next line, what it costs by its own.
        Some(step) if is_field && (parted == step || parted == step + 1) => Right::StepAndField,
        _ if parted >= before => Right::Earlier,
        _ => Right::No,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_told_is_held_against_the_traces() {
        let told =
            |step: Option<u64>, field: &str| json!({ "step": step, "field": field, "recent": ["7 depth 1"] });
        let parted = |step: u64, field: &str| json!({ "verdict": "diverge", "step": step, "field": field });
        assert_eq!(judge(&told(Some(8), "gas cost"), &parted(8, "gasCost")), Right::StepAndField);
        assert_eq!(judge(&told(Some(8), "stack"), &parted(9, "stack[0]")), Right::StepAndField);
        // What a trace does not show it shows later.
        assert_eq!(judge(&told(Some(8), "log 0"), &parted(20, "gas")), Right::Earlier);
        assert_eq!(judge(&told(None, "gas"), &parted(7, "gasCost")), Right::Earlier);
        assert_eq!(judge(&told(Some(8), "log 0"), &json!({ "verdict": "agree" })), Right::Earlier);
        // It was there before.
        assert_eq!(judge(&told(Some(8), "stack"), &parted(6, "stack")), Right::No);
        assert_eq!(judge(&told(Some(8), "stack"), &Value::Null), Right::Unknown);
    }
}
