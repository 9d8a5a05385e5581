//! One JSON object a line with fields in a fixed order; the same objects make the report file.

use std::io::{self, Seek, Write};

use parallax_primitives::{B256, Opcode, hex};
use parallax_shadow_diff::{Detail, Divergence, GasSplit, Place, Row, Verdict};
use parallax_state_tests::{CaseResult, FixtureError, Raised};
use serde::Serialize;

use super::{
    answer::{Answer, DiffSetup, Origin, Program, Subject},
    document::close_for_now,
};
use crate::{CaseName, Delivered, DiffOutcome, TestOutcome, TraceDigest};

#[derive(Serialize)]
struct SetupRecord<'a> {
    engines: &'a [String; 2],
    mode: &'static str,
    command: &'a str,
    tolerances: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TestLine<'a> {
    #[serde(flatten)]
    origin: Origin<'a>,
    pass: bool,
    /// Of a case that came to no end of its own: `crashed`, `timed_out` or `limit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
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
#[serde(rename_all = "camelCase")]
struct DiffLine<'a> {
    #[serde(flatten)]
    origin: Origin<'a>,
    verdict: &'static str,
    steps: u64,
    divergence: Option<DivergenceRecord>,
    /// Where in a trace the right side differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    right_at: Option<&'a str>,
    /// Why, where the verdict has a reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
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
    /// The EIPs that touch the rule that may be wrong.
    #[serde(skip_serializing_if = "<[u16]>::is_empty")]
    eips: &'static [u16],
    /// `step`, `block`, `message`, `transaction` or `post-state`.
    place: &'static str,
    /// At a step or a message: whether what it found differs (`before`) or what it left (`after`).
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<&'static str>,
    /// Its number, of a block entry: `step` is that of the suspect there.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspect: Option<Suspect>,
    /// What the opcode took from the stack, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inputs: Vec<Input>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<DetailRecord>,
}

/// What wrote the value that differs at a block entry.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Suspect {
    step: u64,
    pc: usize,
    opcode: u8,
    op_name: Option<&'static str>,
}

#[derive(Serialize)]
struct Input {
    name: &'static str,
    value: String,
}

/// The state of both sides, cut to what is kept of it. Pairs are left and right.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DetailRecord {
    gas: Option<[GasRecord; 2]>,
    stack_size: [usize; 2],
    stack: Vec<RowRecord>,
    memory_size: [usize; 2],
    memory: Vec<RowRecord>,
    slots: Vec<RowRecord>,
}

#[derive(Serialize)]
struct GasRecord {
    #[serde(rename = "static")]
    static_gas: u64,
    memory: u64,
    access: u64,
    forwarded: u64,
    total: u64,
}

/// One place on both sides: null where a side has none.
#[derive(Serialize)]
struct RowRecord {
    at: String,
    left: Option<String>,
    right: Option<String>,
    differs: bool,
}

/// The JSON line of one case of `statetest`: `file name fork d g v pass stateRoot expectedRoot logsHash gasUsed output
/// exception error`; with a digest of the trace also `steps traceSha256`; of a case that came to no end of its own also `verdict`.
/// Gas is in hex; what is not known is null.
pub fn test_json(delivered: &Delivered<TestOutcome>) -> String {
    match delivered {
        Delivered::Case(case, outcome) => {
            outcome_json(&CaseName::of(case), Some(case.expected.state_root), outcome)
        }
        Delivered::Unreadable(error) => unreadable_json(error),
    }
}

/// `expected_root` is told of what did not run, where it is known.
pub(crate) fn outcome_json(
    case: &CaseName<'_>,
    expected_root: Option<B256>,
    outcome: &TestOutcome,
) -> String {
    let failed = |verdict, error| {
        let expected_root = expected_root.map(|root| root.to_string());
        TestLine { expected_root, verdict, ..failed(Origin::of(case), error) }
    };
    json(&match outcome {
        TestOutcome::Ran(result, digest) => test_line(case, result, digest.as_ref()),
        TestOutcome::Lost(loss) => failed(Some(loss.name()), loss.reason().to_owned()),
        TestOutcome::Unsupported(reason) => failed(None, (*reason).to_owned()),
    })
}

pub(crate) fn unreadable_json(error: &FixtureError) -> String {
    json(&failed(Origin::of_error(error), error.to_string()))
}

fn test_line<'a>(case: &CaseName<'a>, result: &CaseResult, digest: Option<&TraceDigest>) -> TestLine<'a> {
    let ran = result.state_root.is_some();
    TestLine {
        origin: Origin::of(case),
        pass: result.pass,
        verdict: None,
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
        verdict: None,
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

/// The JSON line of one case of `diff`: `file name fork d g v verdict steps divergence`, and `reason` where the verdict has
/// one; of a trace that differs also `rightAt`. What cannot be read is poisoned.
pub fn diff_json(delivered: &Delivered<DiffOutcome>) -> String {
    answer(&Answer::of(delivered))
}

/// The same line for a program: its file and name are empty.
pub fn program_json(program: &Program, outcome: &DiffOutcome) -> String {
    answer(&Answer::Outcome(Subject::Program(program), outcome))
}

pub(super) fn answer(answer: &Answer<'_>) -> String {
    match answer {
        Answer::Outcome(subject, DiffOutcome { verdict, steps, right_at, .. }) => {
            let divergence = match verdict {
                Verdict::Diverge(divergence) => Some(record(divergence)),
                _ => None,
            };
            json(&DiffLine {
                origin: subject.origin(),
                verdict: verdict.name(),
                steps: *steps,
                divergence,
                right_at: right_at.as_deref(),
                reason: verdict.reason(),
            })
        }
        Answer::Unreadable(error) => json(&DiffLine {
            origin: Origin::of_error(error),
            verdict: "poisoned",
            steps: 0,
            divergence: None,
            right_at: None,
            reason: Some(&error.to_string()),
        }),
    }
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
    let (place, phase, entry, suspect) = whereabouts(&divergence.place);
    let inputs = divergence.inputs().into_iter();
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
        eips: divergence.eips,
        place,
        phase,
        entry,
        suspect,
        inputs: inputs.map(|(name, value)| Input { name, value: value.to_string() }).collect(),
        detail: divergence.detail.as_deref().map(detail),
    }
}

/// What place it is, on which side of it, and of a block entry its number and the suspect.
fn whereabouts(place: &Place) -> (&'static str, Option<&'static str>, Option<u64>, Option<Suspect>) {
    let phase = |is_over| Some(if is_over { "after" } else { "before" });
    match place {
        Place::Step { is_over, .. } => ("step", phase(*is_over), None, None),
        Place::Message { is_over, .. } => ("message", phase(*is_over), None, None),
        Place::Block { index, suspect, .. } => {
            let suspect = suspect.map(|suspect| Suspect {
                step: suspect.index,
                pc: suspect.pc,
                opcode: suspect.opcode.0,
                op_name: suspect.opcode.name(),
            });
            ("block", None, Some(*index), suspect)
        }
        Place::PostState => ("post-state", None, None, None),
        _ => ("transaction", None, None, None),
    }
}

fn detail(detail: &Detail) -> DetailRecord {
    let gas = |split: GasSplit| GasRecord {
        static_gas: split.static_gas,
        memory: split.memory,
        access: split.access,
        forwarded: split.forwarded,
        total: split.total(),
    };
    let rows = |rows: Vec<Row>| {
        let record = |row: Row| {
            let differs = row.differs();
            let [left, right] = row.values.map(|value| value.map(|value| value.to_string()));
            RowRecord { at: row.label, left, right, differs }
        };
        rows.into_iter().map(record).collect()
    };
    let [left, right] = &detail.sides;
    DetailRecord {
        gas: left.gas.zip(right.gas).map(|(left, right)| [gas(left), gas(right)]),
        stack_size: [left.stack_size, right.stack_size],
        stack: rows(detail.stack_rows()),
        memory_size: [left.memory_size, right.memory_size],
        memory: rows(detail.memory_rows()),
        slots: rows(detail.slot_rows()),
    }
}

fn json(line: &impl Serialize) -> String {
    // Strings, numbers and lists of them always serialise.
    serde_json::to_string(line).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
}

/// A report file: `{"cases":[...],"summary":{...},"setup":{...}}`, written as the campaign goes, one case a line. One without a sum
/// was not finished.
pub struct JsonReport<W: Write + Seek> {
    out: W,
    cases: u64,
}

impl<W: Write + Seek> JsonReport<W> {
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
        self.out.write_all(line.as_bytes())?;
        close_for_now(&mut self.out, b"\n]}\n")
    }

    /// Ends it with the sum, [`TestSummary`](crate::TestSummary) or [`DiffSummary`](crate::DiffSummary), and, of a
    /// comparison, with how it was asked for.
    pub fn finish(mut self, summary: &impl Serialize, setup: Option<&DiffSetup>) -> io::Result<()> {
        write!(self.out, "\n],\"summary\":{}", json(summary))?;
        if let Some(DiffSetup { engines, mode, command, tolerances }) = setup {
            let setup = SetupRecord { engines, mode: mode.name(), command, tolerances };
            write!(self.out, ",\"setup\":{}", json(&setup))?;
        }
        self.out.write_all(b"}\n")?;
        self.out.flush()
    }
}
