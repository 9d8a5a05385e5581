//! Two engines side by side: a header, a line for each step, an end.

use std::{borrow::Cow, io, io::Write};

use parallax_shadow_diff::{SideBySideRun, SideBySideStep, Verdict};
use serde::{Deserialize, Serialize};

use crate::{
    VERSION,
    divergence::Divergence,
    number::{self, from_one},
    outcome::Outcome,
    step::Step,
};

pub(crate) const RUN: &str = "parallax-run";

/// Which case it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseId {
    /// The file; empty where there is none.
    pub file: String,
    /// The test's key in the file; empty where there is none.
    pub name: String,
    /// The rules.
    pub fork: String,
    /// Index of its data; `None` of a program.
    pub d: Option<u64>,
    /// Index of its gas limit; `None` of a program.
    pub g: Option<u64>,
    /// Index of its value; `None` of a program.
    pub v: Option<u64>,
}

/// What stands before the steps of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHeader {
    /// `parallax-run`.
    pub format: Cow<'static, str>,
    /// [`VERSION`].
    pub version: u32,
    /// Which case it is.
    pub case: CaseId,
    /// How often the engines were compared, as users type it.
    pub mode: Cow<'static, str>,
    /// Their names: what `primary` and `mini` of the steps stand for.
    pub engines: [String; 2],
}

/// What stands behind the steps of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunEnd {
    /// `agree`, `diverge` and so on.
    pub verdict: Cow<'static, str>,
    /// Why, where the verdict has a reason.
    pub reason: Option<String>,
    /// The first difference.
    pub divergence: Option<Divergence>,
    /// The first step in which they differ, from 1.
    #[serde(with = "number::known")]
    pub diverged_at: Option<u64>,
    /// Steps of each side, all of them; messages in the mode per-call.
    #[serde(with = "number::pair")]
    pub steps: [u64; 2],
    /// Steps that were compared and that a limit kept out of the file.
    #[serde(with = "number")]
    pub steps_dropped: u64,
    /// What the transaction came to on each side; `None` where it was rejected, aborted or the world failed.
    pub outcomes: [Option<Outcome>; 2],
    /// Gas used on the right less gas used on the left, where both are known.
    #[serde(with = "number::known")]
    pub gas_delta: Option<i128>,
    /// Time of each engine apart, in nanoseconds; 0 where it was not measured.
    #[serde(with = "number::pair")]
    pub times_ns: [u64; 2],
}

impl RunHeader {
    /// That of a run.
    pub fn new(case: CaseId, run: &SideBySideRun) -> Self {
        let SideBySideRun { mode, engines, .. } = run;
        let mode = Cow::Borrowed(mode.name());
        Self { format: Cow::Borrowed(RUN), version: VERSION, case, mode, engines: engines.clone() }
    }
}

impl From<&SideBySideRun> for RunEnd {
    fn from(run: &SideBySideRun) -> Self {
        let divergence = match &run.verdict {
            Verdict::Diverge(divergence) => Some(Divergence::from(&**divergence)),
            _ => None,
        };
        Self {
            verdict: Cow::Borrowed(run.verdict.name()),
            reason: run.verdict.reason().map(str::to_owned),
            divergence,
            diverged_at: run.diverged_at.map(from_one),
            steps: run.total_steps,
            steps_dropped: run.steps_dropped,
            outcomes: run.outcomes.each_ref().map(|outcome| outcome.as_ref().map(Outcome::from)),
            gas_delta: run.gas_delta,
            times_ns: run.times.map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)),
        }
    }
}

/// Writes a run: its header, a line for each step that was kept, its end.
///
/// Fails if `out` does.
pub fn write_run(out: &mut impl Write, case: CaseId, run: &SideBySideRun) -> io::Result<()> {
    line(out, &RunHeader::new(case, run))?;
    run.steps.iter().try_for_each(|step: &SideBySideStep| line(out, &Step::from(step)))?;
    line(out, &RunEnd::from(run))
}

/// Writes one line.
pub(crate) fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
