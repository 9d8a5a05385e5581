//! Two engines on each case, each on its own state over the same accounts, compared as often as the mode says, then the
//! outcome, then the whole post-state.

use std::{ops::ControlFlow, time::Duration};

use parallax_engine_interface::Engine;
use parallax_engine_revm::{REVM_HALTS, REVM_STEPS, StepTolerance};
use parallax_shadow_diff::{
    Compared, Field, Halts, Rejections, ShadowConfig, ShadowMode, StepMismatch, Tolerance, Verdict, Which,
    compare_engines,
};
use parallax_state_tests::Case;

use crate::{Campaign, Delivered, Progress, WorkersError, engines};

/// What came of one case on two engines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiffOutcome {
    /// They were compared.
    Compared {
        /// The answer.
        verdict: Verdict,
        /// What the comparison counted: opcodes in the mode per-step, block entries per-block, messages per-call.
        steps: u64,
        /// Time of each engine apart, left and right, if it was measured.
        times: [Duration; 2],
        /// Where the right side is a trace and differs: the place in it.
        right_at: Option<String>,
    },
    /// An engine does not know the fork's rules, for this reason. Not an agreement.
    Unsupported(&'static str),
}

/// How many cases came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct DiffSummary {
    /// The same in everything that is compared.
    pub agreed: u64,
    /// Not the same.
    pub diverged: u64,
    /// It cannot be said. Never counted as agreement.
    pub poisoned: u64,
    /// An engine does not know the rules.
    pub unsupported: u64,
    /// Cases, tests or files that could not be read, or whose transaction is none.
    pub unreadable: u64,
    /// Whether every selected case is counted: false if the campaign was stopped.
    pub complete: bool,
}

impl DiffSummary {
    /// That of one comparison.
    pub fn of(outcome: &DiffOutcome) -> Self {
        let mut summary = Self { complete: true, ..Self::default() };
        summary.count(outcome);
        summary
    }

    fn count(&mut self, outcome: &DiffOutcome) {
        let count = match outcome {
            DiffOutcome::Compared { verdict: Verdict::Agree, .. } => &mut self.agreed,
            DiffOutcome::Compared { verdict: Verdict::Diverge(_), .. } => &mut self.diverged,
            DiffOutcome::Compared { verdict: Verdict::Poisoned(_), .. } => &mut self.poisoned,
            DiffOutcome::Unsupported(_) => &mut self.unsupported,
        };
        *count += 1;
    }

    /// Whether there were cases and the engines agree on every one.
    pub fn is_success(&self) -> bool {
        let others = self.diverged + self.poisoned + self.unsupported + self.unreadable;
        self.complete && self.agreed > 0 && others == 0
    }
}

/// Runs the cases of `campaign` on both engines, compares as often as `mode` says, and hands each answer to `deliver`, in
/// order.
pub fn diff(
    campaign: &Campaign<'_>,
    left: &dyn Engine,
    right: &dyn Engine,
    mode: ShadowMode,
    deliver: impl FnMut(&Delivered<DiffOutcome>, Progress) -> ControlFlow<()> + Send,
) -> Result<DiffSummary, WorkersError> {
    diff_with(campaign, left, right, &config(left.name(), right.name(), mode), deliver)
}

/// As [`diff`], with the mode and what the engines may differ in given.
pub fn diff_with(
    campaign: &Campaign<'_>,
    left: &dyn Engine,
    right: &dyn Engine,
    config: &ShadowConfig,
    mut deliver: impl FnMut(&Delivered<DiffOutcome>, Progress) -> ControlFlow<()> + Send,
) -> Result<DiffSummary, WorkersError> {
    let mut summary = DiffSummary::default();
    let each = |case: &Case| {
        let unsupported =
            [left, right].into_iter().find_map(|engine| engines::unsupported(engine.name(), case.fork));
        match unsupported {
            Some(reason) => DiffOutcome::Unsupported(reason),
            None => compare_case(case, left, right, config),
        }
    };
    let panicked = |_: &Case, message: String| DiffOutcome::Compared {
        verdict: Verdict::Poisoned(format!("an engine panicked: {message}")),
        steps: 0,
        times: [Duration::ZERO; 2],
        right_at: None,
    };
    summary.complete = campaign.run(each, panicked, |delivered, progress| {
        match &delivered {
            Delivered::Case(_, outcome) => summary.count(outcome),
            Delivered::Unreadable(_) => summary.unreadable += 1,
        }
        deliver(&delivered, progress)
    })?;
    Ok(summary)
}

/// What two engines may differ in: nothing, but for the names that revm's order of checks gives to failures, and the cost
/// of opcodes that fail, where revm does not know it. [`tolerated`] lists it.
pub fn config(left: &str, right: &str, mode: ShadowMode) -> ShadowConfig {
    let foreign = match (left, right) {
        ("revm", "revm") => None,
        ("revm", _) => Some(Which::Left),
        (_, "revm") => Some(Which::Right),
        _ => None,
    };
    match foreign {
        None => ShadowConfig { mode, ..ShadowConfig::default() },
        Some(foreign) => ShadowConfig {
            mode,
            halts: Halts::Mapped { table: REVM_HALTS, foreign },
            rejections: Rejections::Any,
            tolerances: REVM_TOLERANCES,
            ..ShadowConfig::default()
        },
    }
}

const REVM_TOLERANCES: &[Tolerance] =
    &[revm_tolerance::<0>(), revm_tolerance::<1>(), revm_tolerance::<2>(), revm_tolerance::<3>()];

/// Every entry of the table is used.
const _: () = assert!(REVM_TOLERANCES.len() == REVM_STEPS.len());

const fn revm_tolerance<const ENTRY: usize>() -> Tolerance {
    fn covers<const ENTRY: usize>(step: &StepMismatch<'_>) -> bool {
        let is_failure = step.halts.iter().all(Option::is_some);
        let halt = Some(REVM_STEPS[ENTRY].halt);
        step.mismatch.field == Field::GasCost && is_failure && step.halts.contains(&halt)
    }
    let StepTolerance { name, reason, .. } = REVM_STEPS[ENTRY];
    Tolerance { name, reason, covers: covers::<ENTRY> }
}

/// One line for each difference that is none under `config`: its name, and its reason.
pub fn tolerated(config: &ShadowConfig) -> Vec<String> {
    let mut lines = Vec::new();
    if let Halts::Mapped { table, .. } = config.halts {
        lines.extend(
            table
                .iter()
                .map(|(specified, other, reason)| format!("the halt {other} for {specified}: {reason}")),
        );
    }
    if config.rejections == Rejections::Any {
        lines.push("the reason of a rejection: the engines check in different orders".to_owned());
    }
    if config.mode == ShadowMode::PerStep {
        lines.extend(
            config.tolerances.iter().map(|Tolerance { name, reason, .. }| format!("the {name}: {reason}")),
        );
    }
    lines
}

/// Compares two engines on one case.
pub fn compare_case(
    case: &Case,
    left: &dyn Engine,
    right: &dyn Engine,
    config: &ShadowConfig,
) -> DiffOutcome {
    let Ok(job) = case.job() else {
        // No engine is asked about what is no transaction, so there is nothing they could differ in.
        let times = [Duration::ZERO; 2];
        return DiffOutcome::Compared { verdict: Verdict::Agree, steps: 0, times, right_at: None };
    };
    let Compared { verdict, steps, times, .. } = compare_engines(left, right, &job, config);
    DiffOutcome::Compared { verdict, steps, times, right_at: None }
}
