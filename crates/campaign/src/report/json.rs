//! One JSON object a line with fields in a fixed order; the same objects make the report file.

use std::io::{self, Seek, Write};

use parallax_primitives::{B256, hex};
use parallax_record_json::Divergence;
use parallax_shadow_diff::Verdict;
use parallax_state_tests::{CaseResult, FixtureError, Raised};
use serde::Serialize;

use super::{
    answer::{Answer, DiffSetup, Origin, Program, Subject},
    document::close_for_now,
};
use crate::{CaseName, Delivered, DiffOutcome, Shard, SideGroup, SideGroups, TestOutcome, TraceDigest};

#[derive(Serialize)]
struct SetupRecord<'a> {
    engines: &'a [String; 2],
    mode: &'static str,
    command: &'a str,
    tolerances: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<Shard>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TestLine<'a> {
    #[serde(flatten)]
    origin: Origin<'a>,
    /// Null if nothing was looked at.
    pass: Option<bool>,
    /// Of a case that came to no end of its own: `crashed`, `timed_out` or `limit`; of one that ran by other rules than its own:
    /// `unchecked`.
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
    divergence: Option<Divergence>,
    /// Where in a trace the right side differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    right_at: Option<&'a str>,
    /// Of an agreement with a trace: what was not compared, or not everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    silence: Option<&'a str>,
    /// Where the sides have different rules: EIPs each of which makes the same first difference by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    parted_by: Option<&'a [u32]>,
    /// Why, where the verdict has a reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// Of more than two sides: who stands with whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    sides: Option<SidesRecord<'a>>,
    /// Of a block test that parts: the block and what of it was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    within: Option<&'a str>,
}

/// Who stands with whom, as JSON has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SidesRecord<'a> {
    groups: Vec<GroupRecord<'a>>,
    alone: Option<&'a str>,
    without: Vec<WithoutRecord<'a>>,
}

#[derive(Serialize)]
struct GroupRecord<'a> {
    sides: &'a [String],
    field: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct WithoutRecord<'a> {
    side: &'a str,
    verdict: &'a str,
    reason: &'a str,
}

impl<'a> From<&'a SideGroups> for SidesRecord<'a> {
    fn from(sides: &'a SideGroups) -> Self {
        let group = |group: &'a SideGroup| {
            let SideGroup { sides, field, value } = group;
            GroupRecord { sides, field, value }
        };
        let without = sides.without.iter();
        Self {
            groups: sides.groups.iter().map(group).collect(),
            alone: sides.alone.as_deref(),
            without: without.map(|(side, verdict, reason)| WithoutRecord { side, verdict, reason }).collect(),
        }
    }
}

/// The JSON line of one case of `statetest`: `file name fork d g v pass stateRoot expectedRoot logsHash gasUsed output
/// exception error`; with a digest of the trace also `steps traceSha256`; of a case that came to no end of its own, or ran by other rules
/// than its own, also `verdict`.
/// Gas is in hex; what is not known is null.
pub fn test_json(delivered: &Delivered<TestOutcome>) -> String {
    match delivered {
        Delivered::Case(case, outcome) => outcome_json(&CaseName::of(case), case.expected_root(), outcome),
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
        TestOutcome::Unchecked(result, digest, _) => {
            let (pass, verdict, expected_root) = (None, Some("unchecked"), None);
            TestLine { pass, verdict, expected_root, ..test_line(case, result, digest.as_ref()) }
        }
        TestOutcome::Lost(loss) => failed(Some(loss.name()), loss.reason().to_owned()),
        TestOutcome::Unsupported(reason) => failed(None, reason.clone()),
        TestOutcome::PassedOver(kind) => {
            let verdict = Some("passed_over");
            TestLine { pass: None, verdict, ..failed(None, format!("one of the {kind}")) }
        }
    })
}

pub(crate) fn unreadable_json(error: &FixtureError) -> String {
    let line = failed(Origin::of_error(error), error.problem.to_string());
    json(&match error.passed_over() {
        Some(_) => TestLine { pass: None, verdict: Some("passed_over"), ..line },
        None => line,
    })
}

fn test_line<'a>(case: &CaseName<'a>, result: &CaseResult, digest: Option<&TraceDigest>) -> TestLine<'a> {
    let ran = result.state_root.is_some();
    TestLine {
        origin: Origin::of(case),
        pass: Some(result.pass),
        verdict: None,
        state_root: result.state_root.map(|root| root.to_string()),
        expected_root: result.expected_root.map(|root| root.to_string()),
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
        pass: Some(false),
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
/// one; of a trace that differs also `rightAt`, of rules that differ `partedBy`, of more than two sides `sides`. What cannot be read is poisoned.
pub fn diff_json(delivered: &Delivered<DiffOutcome>) -> String {
    answer(&Answer::of(delivered))
}

/// The same line for a program: its file and name are empty.
pub fn program_json(program: &Program, outcome: &DiffOutcome) -> String {
    answer(&Answer::Outcome(Subject::Program(program), outcome))
}

pub(super) fn answer(answer: &Answer<'_>) -> String {
    match answer {
        Answer::Outcome(
            subject,
            DiffOutcome { verdict, steps, right_at, silence, parting, sides, within, .. },
        ) => {
            let divergence = match verdict {
                Verdict::Diverge(divergence) => Some(Divergence::from(&**divergence)),
                _ => None,
            };
            json(&DiffLine {
                origin: subject.origin(),
                verdict: verdict.name(),
                steps: *steps,
                divergence,
                right_at: right_at.as_deref(),
                silence: silence.as_deref(),
                parted_by: parting.as_ref().map(|parting| &*parting.eips),
                reason: verdict.reason(),
                sides: sides.as_ref().map(SidesRecord::from),
                within: within.as_deref(),
            })
        }
        Answer::Unreadable(error) => json(&DiffLine {
            origin: Origin::of_error(error),
            verdict: "poisoned",
            steps: 0,
            divergence: None,
            right_at: None,
            silence: None,
            parted_by: None,
            reason: Some(&error.to_string()),
            sides: None,
            within: None,
        }),
    }
}

/// How a comparison was asked for.
pub(super) fn setup_json(setup: &DiffSetup) -> String {
    let DiffSetup { engines, mode, command, tolerances, shard } = setup;
    json(&SetupRecord { engines, mode: mode.name(), command, tolerances, shard: *shard })
}

pub(super) fn json(line: &impl Serialize) -> String {
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
        if let Some(setup) = setup {
            write!(self.out, ",\"setup\":{}", setup_json(setup))?;
        }
        self.out.write_all(b"}\n")?;
        self.out.flush()
    }
}
