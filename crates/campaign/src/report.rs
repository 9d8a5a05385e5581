//! Answers as people read them and as programs do. One JSON object a line with fields in a fixed order; the same objects
//! make the report file.

use std::io::{self, Write};

use parallax_primitives::{Fork, Opcode, hex};
use parallax_shadow_diff::{Divergence, Place, Verdict};
use parallax_state_tests::{Case, CaseResult, FixtureError, Raised};
use serde::Serialize;

use crate::{Delivered, DiffOutcome, DiffSummary, TestOutcome, TestSummary, TraceDigest};

/// Where a case is from. What could not be read has only a place in its file.
#[derive(Serialize)]
struct Origin<'a> {
    file: &'a str,
    name: &'a str,
    fork: Option<&'a str>,
    d: Option<usize>,
    g: Option<usize>,
    v: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TestLine<'a> {
    #[serde(flatten)]
    origin: Origin<'a>,
    pass: bool,
    state_root: Option<String>,
    expected_root: Option<String>,
    logs_hash: Option<String>,
    gas_used: Option<String>,
    output: Option<String>,
    exception: Option<String>,
    error: Option<String>,
    /// Step lines, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<u64>,
    /// SHA-256 over them, without 0x, as digests of files are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_sha256: Option<String>,
}

#[derive(Serialize)]
struct DiffLine<'a> {
    #[serde(flatten)]
    origin: Origin<'a>,
    verdict: &'static str,
    steps: u64,
    divergence: Option<DivergenceRecord>,
    /// Why it is poisoned.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DivergenceRecord {
    /// The number of the opcode; of the message, in the mode per-call.
    step: Option<u64>,
    depth: Option<usize>,
    pc: Option<usize>,
    opcode: Option<u8>,
    op_name: Option<&'static str>,
    field: String,
    left: String,
    right: String,
    frames: Vec<String>,
    recent: Vec<String>,
    cause: &'static str,
}

/// The JSON line of one case of `statetest`: `file name fork d g v pass stateRoot expectedRoot logsHash gasUsed output
/// exception error`; with a digest of the trace also `steps traceSha256`. Gas is in hex; what is not known is null.
pub fn test_json(delivered: &Delivered<TestOutcome>) -> String {
    let line = match delivered {
        Delivered::Case(case, TestOutcome::Ran(result, digest)) => test_line(case, result, digest.as_ref()),
        Delivered::Case(case, TestOutcome::Unsupported(reason)) => {
            let expected_root = Some(case.expected.state_root.to_string());
            TestLine { expected_root, ..failed(Origin::of(case), (*reason).to_owned()) }
        }
        Delivered::Unreadable(error) => failed(Origin::of_error(error), error.to_string()),
    };
    json(&line)
}

fn test_line<'a>(case: &'a Case, result: &CaseResult, digest: Option<&TraceDigest>) -> TestLine<'a> {
    let ran = result.state_root.is_some();
    TestLine {
        origin: Origin::of(case),
        pass: result.pass,
        state_root: result.state_root.map(|root| root.to_string()),
        expected_root: Some(result.expected_root.to_string()),
        logs_hash: result.logs_hash.map(|hash| hash.to_string()),
        gas_used: ran.then(|| format!("{:#x}", result.gas_used)),
        output: ran.then(|| result.output.to_string()),
        exception: result.exception.as_ref().map(Raised::official_name),
        error: result.error.clone(),
        steps: digest.map(|digest| digest.steps),
        trace_sha256: digest.map(|digest| hex::encode(digest.sha256)),
    }
}

fn failed(origin: Origin<'_>, error: String) -> TestLine<'_> {
    TestLine {
        origin,
        pass: false,
        state_root: None,
        expected_root: None,
        logs_hash: None,
        gas_used: None,
        output: None,
        exception: None,
        error: Some(error),
        steps: None,
        trace_sha256: None,
    }
}

/// The JSON line of one case of `diff`: `file name fork d g v verdict steps divergence`, and `reason` if it is poisoned.
pub fn diff_json(delivered: &Delivered<DiffOutcome>) -> String {
    let (origin, verdict, steps) = match delivered {
        Delivered::Case(case, DiffOutcome::Compared { verdict, steps, .. }) => {
            (Origin::of(case), verdict.clone(), *steps)
        }
        Delivered::Case(case, DiffOutcome::Unsupported(reason)) => {
            (Origin::of(case), Verdict::Poisoned((*reason).to_owned()), 0)
        }
        Delivered::Unreadable(error) => (Origin::of_error(error), Verdict::Poisoned(error.to_string()), 0),
    };
    verdict_json(origin, &verdict, steps)
}

/// The same line for a program that no file holds: its file and name are empty.
pub fn code_json(fork: Fork, verdict: &Verdict, steps: u64) -> String {
    let origin = Origin { file: "", name: "", fork: Some(fork.name()), d: None, g: None, v: None };
    verdict_json(origin, verdict, steps)
}

fn verdict_json(origin: Origin<'_>, verdict: &Verdict, steps: u64) -> String {
    let (name, divergence, reason) = match verdict {
        Verdict::Agree => ("agree", None, None),
        Verdict::Diverge(divergence) => ("diverge", Some(record(divergence)), None),
        Verdict::Poisoned(reason) => ("poisoned", None, Some(reason.clone())),
    };
    json(&DiffLine { origin, verdict: name, steps, divergence, reason })
}

fn record(divergence: &Divergence) -> DivergenceRecord {
    let path = divergence.place.path();
    let (step, pc, opcode) = match &divergence.place {
        Place::Step { index, step, .. } => (Some(*index), Some(step.pc), Some(step.opcode)),
        Place::Block { suspect: Some(suspect), .. } => {
            (Some(suspect.index), Some(suspect.pc), Some(suspect.opcode))
        }
        Place::Block { pc, .. } => (None, Some(*pc), None),
        Place::Message { index, .. } => (Some(*index as u64), None, None),
        _ => (None, None, None),
    };
    DivergenceRecord {
        step,
        depth: path.len().checked_sub(1),
        pc,
        opcode: opcode.map(|opcode| opcode.0),
        op_name: opcode.and_then(Opcode::name),
        field: divergence.field.to_string(),
        left: divergence.left.to_string(),
        right: divergence.right.to_string(),
        frames: path.iter().map(ToString::to_string).collect(),
        recent: divergence.recent.iter().map(ToString::to_string).collect(),
        cause: divergence.cause.name(),
    }
}

impl<'a> Origin<'a> {
    fn of(case: &'a Case) -> Self {
        let Case { file, name, fork_name, d, g, v, .. } = case;
        Self { file, name, fork: Some(fork_name), d: Some(*d), g: Some(*g), v: Some(*v) }
    }

    fn of_error(error: &'a FixtureError) -> Self {
        Self { file: &error.file, name: &error.path, fork: None, d: None, g: None, v: None }
    }
}

fn json(line: &impl Serialize) -> String {
    // Strings, numbers and lists of them always serialise.
    serde_json::to_string(line).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
}

/// What a person reads of one case of `statetest`: nothing if it passed, otherwise why it did not and how to run it again.
pub fn test_text(delivered: &Delivered<TestOutcome>, engine: &str) -> Option<String> {
    match delivered {
        Delivered::Case(case, TestOutcome::Ran(result, digest)) if result.pass => {
            digest.map(|TraceDigest { steps, sha256 }| {
                format!("{} {steps} steps {}", hex::encode(sha256), title(case))
            })
        }
        Delivered::Case(case, TestOutcome::Ran(result, _)) => {
            let error = result.error.as_deref().unwrap_or("no reason known");
            let again = again(case, &format!("statetest --engine {engine}"));
            Some(format!("FAIL {}\n  {error}\n  {again}", title(case)))
        }
        Delivered::Case(case, TestOutcome::Unsupported(reason)) => {
            Some(format!("NOT RUN {}\n  {reason}", title(case)))
        }
        Delivered::Unreadable(error) => Some(format!("UNREADABLE {error}")),
    }
}

/// What a person reads of one case of `diff`: nothing if the engines agree.
pub fn diff_text(delivered: &Delivered<DiffOutcome>, left: &str, right: &str) -> Option<String> {
    let (case, verdict) = match delivered {
        Delivered::Case(case, DiffOutcome::Compared { verdict, .. }) => (case, verdict),
        Delivered::Case(case, DiffOutcome::Unsupported(reason)) => {
            return Some(format!("NOT RUN {}\n  {reason}", title(case)));
        }
        Delivered::Unreadable(error) => return Some(format!("UNREADABLE {error}")),
    };
    let again = again(case, &format!("diff --left {left} --right {right}"));
    match verdict {
        Verdict::Agree => None,
        Verdict::Diverge(divergence) => {
            let lines = divergence.summary().join("\n  ");
            Some(format!("DIVERGE {}\n  {lines}\n  {again}", title(case)))
        }
        Verdict::Poisoned(reason) => Some(format!("POISONED {}\n  {reason}\n  {again}", title(case))),
    }
}

fn title(case: &Case) -> String {
    let Case { file, name, fork_name, d, g, v, .. } = case;
    format!("{file} {name} fork {fork_name} d{d} g{g} v{v}")
}

/// The command that runs this test again.
fn again(case: &Case, command: &str) -> String {
    let quote = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let filter = quote(&format!("^{}$", regex::escape(&case.name)));
    format!("again: parallax {command} --fork {} --filter {filter} {}", case.fork, quote(&case.file))
}

impl TestSummary {
    /// One line: how many passed, and, where there are any, what else came.
    pub fn text(&self, engine: &str) -> String {
        let parts = [
            (self.failed, "failed"),
            (self.unsupported, "not run: the engine does not know the fork"),
            (self.unreadable, "unreadable"),
        ];
        sum(engine, self.passed, "passed", &parts, self.complete)
    }
}

impl DiffSummary {
    /// One line: on how many the engines agree, and, where there are any, what else came.
    pub fn text(&self, left: &str, right: &str) -> String {
        let parts = [
            (self.diverged, "diverge"),
            (self.poisoned, "poisoned"),
            (self.unsupported, "not run: an engine does not know the fork"),
            (self.unreadable, "unreadable"),
        ];
        sum(&format!("{left} and {right}"), self.agreed, "agree", &parts, self.complete)
    }
}

fn sum(who: &str, good: u64, verb: &str, parts: &[(u64, &str)], complete: bool) -> String {
    let mut text = format!("{who}: {good} {verb}");
    for (count, what) in parts.iter().filter(|(count, _)| *count > 0) {
        text.push_str(&format!(", {count} {what}"));
    }
    if !complete {
        text.push_str(" (stopped before the end)");
    }
    text
}

/// A report file: `{"cases":[...],"summary":{...}}`, written as the campaign goes, one case a line.
pub struct JsonReport<W: Write> {
    out: W,
    cases: u64,
}

impl<W: Write> JsonReport<W> {
    /// Begins the report.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(b"{\"cases\":[")?;
        Ok(Self { out, cases: 0 })
    }

    /// Adds one case: a line of [`test_json`] or [`diff_json`].
    pub fn case(&mut self, line: &str) -> io::Result<()> {
        let separator = if self.cases == 0 { "\n" } else { ",\n" };
        self.cases += 1;
        self.out.write_all(separator.as_bytes())?;
        self.out.write_all(line.as_bytes())
    }

    /// Ends it with the sum: [`TestSummary`] or [`DiffSummary`].
    pub fn finish(mut self, summary: &impl Serialize) -> io::Result<()> {
        write!(self.out, "\n],\"summary\":{}}}\n", json(summary))?;
        self.out.flush()
    }
}
