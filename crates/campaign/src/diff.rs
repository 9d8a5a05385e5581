//! Two engines on each case, each on its own state over the same accounts, compared as often as the mode says, then the
//! outcome, then the whole post-state.

use std::{ops::ControlFlow, time::Duration};

use parallax_engine_interface::{EngineError, Execution, Job};
use parallax_shadow_diff::{
    Compared, Halts, Rejections, ShadowConfig, ShadowMode, Tolerance, Verdict, compare_engines_in_forms,
};
use parallax_state_tests::{Case, FixtureError};
use serde::{Deserialize, Serialize};

use crate::{
    Campaign, CountedTests, Delivered, Loss, Parting, Progress, SideGroups, WorkersError,
    engines::{EngineSource, FastCounts},
    forms::{FastForms, sum},
    pipeline::Ran,
};

/// What came of one case on two engines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffOutcome {
    /// The answer.
    pub verdict: Verdict,
    /// What the comparison counted: opcodes in the mode per-step, block entries per-block, messages per-call.
    pub steps: u64,
    /// Time of each engine apart, left and right, if it was measured.
    pub times: [Duration; 2],
    /// Where the right side is a trace and differs: the place in it.
    pub right_at: Option<String>,
    /// Where the right side is a trace and agrees: what was not compared, or not everywhere, in words.
    pub silence: Option<String>,
    /// Where the sides have different rules and part: why.
    pub parting: Option<Parting>,
    /// What ran in the fast forms, all runs together; `None` if neither side has one, or they were not compared.
    pub fast: Option<FastCounts>,
    /// Where more than two sides were compared: who stands with whom.
    pub sides: Option<SideGroups>,
    /// Of a block test: how much of it was run.
    pub blocks: Option<BlockCounts>,
    /// Of a block test that parts: the block and what of it was run.
    pub within: Option<String>,
}

/// How much of a block test was run on both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockCounts {
    /// Blocks that both took or both refused, and those that neither is asked about: what is no block, or has no parent.
    pub blocks: u64,
    /// Transactions and system calls that both were asked to run.
    pub parts: u64,
}

impl DiffOutcome {
    /// What reports say of a divergence besides: the place in a trace, or the rules that part.
    pub(crate) fn aside(&self) -> Option<String> {
        let at = self.right_at.as_ref().map(|at| format!("at {at}"));
        let at = at.or_else(|| self.parting.as_ref().map(Parting::text));
        let at = at.or_else(|| self.within.as_ref().map(|within| format!("in {within}")));
        self.sides.as_ref().map(SideGroups::text).or(at)
    }
}

impl From<Verdict> for DiffOutcome {
    /// That of a case of which nothing else is known.
    fn from(verdict: Verdict) -> Self {
        Self {
            verdict,
            steps: 0,
            times: [Duration::ZERO; 2],
            right_at: None,
            silence: None,
            parting: None,
            fast: None,
            sides: None,
            blocks: None,
            within: None,
        }
    }
}

/// How many cases came to what: one count for each [`Verdict`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffSummary {
    /// [`Verdict::Agree`].
    pub agreed: u64,
    /// [`Verdict::Rejected`].
    pub rejected: u64,
    /// [`Verdict::Diverge`].
    pub diverged: u64,
    /// [`Verdict::Crashed`].
    pub crashed: u64,
    /// [`Verdict::TimedOut`].
    pub timed_out: u64,
    /// [`Verdict::Limit`].
    pub limit: u64,
    /// [`Verdict::Poisoned`].
    pub poisoned: u64,
    /// [`Verdict::Unsupported`].
    pub unsupported: u64,
    /// [`Verdict::NotCompared`].
    pub not_compared: u64,
    /// Files and tests that are no state tests and no block tests, and cases of forks that are not known.
    #[serde(default, skip_serializing_if = "crate::test_outcome::is_zero")]
    pub passed_over: u64,
    /// Cases, tests or files that could not be read.
    pub unreadable: u64,
    /// Cases that came to something by other rules than their files'.
    #[serde(default, skip_serializing_if = "crate::test_outcome::is_zero")]
    pub by_other_rules: u64,
    /// Of block tests: how much of them was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<BlockCounts>,
    /// Of a shard: the tests that all shards were cut from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<CountedTests>,
    /// Whether every selected case is counted: false if the campaign was stopped.
    pub complete: bool,
    /// How much of it ran in the fast form; `None` if neither side has one, or it was not compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fast: Option<FastSummary>,
}

/// How much ran in the fast form of an engine, all its runs together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FastSummary {
    /// Cases in which a block ran in it.
    pub cases: u64,
    /// Cases that agree, and no code ran at all: transfers, precompiled contracts.
    pub without_code: u64,
    /// Cases that agree, and no block of the code was entered in it: the first one does not run to its end, or, where only what is
    /// hot is translated, nothing was.
    pub without_block: u64,
    /// Basic blocks entered.
    pub blocks: u64,
    /// Instructions run.
    pub instructions: u64,
    /// Translations that were refused, as they were not as they must be.
    pub refused: u64,
}

impl DiffSummary {
    /// That of one comparison.
    pub fn of(outcome: &DiffOutcome) -> Self {
        let mut summary = Self { complete: true, ..Self::default() };
        summary.count(outcome);
        summary
    }

    pub(crate) fn count(&mut self, outcome: &DiffOutcome) {
        let count = match outcome.verdict {
            Verdict::Agree => &mut self.agreed,
            Verdict::Rejected(_) => &mut self.rejected,
            Verdict::Diverge(_) => &mut self.diverged,
            Verdict::Crashed(_) => &mut self.crashed,
            Verdict::TimedOut(_) => &mut self.timed_out,
            Verdict::Limit(_) => &mut self.limit,
            Verdict::Poisoned(_) => &mut self.poisoned,
            Verdict::Unsupported(_) => &mut self.unsupported,
            Verdict::NotCompared(_) => &mut self.not_compared,
        };
        *count += 1;
        self.add_blocks(outcome.blocks);
        let Some(counts) = outcome.fast else { return };
        let fast = self.fast.get_or_insert_default();
        fast.blocks += counts.blocks;
        fast.instructions += counts.instructions;
        fast.refused += counts.refused;
        match outcome.verdict {
            _ if counts.blocks > 0 => fast.cases += 1,
            Verdict::Agree if outcome.steps == 0 => fast.without_code += 1,
            Verdict::Agree => fast.without_block += 1,
            _ => {}
        }
    }

    /// Says how the campaign ended whose cases were counted.
    pub(crate) fn ended(&mut self, campaign: &Campaign<'_>, ran: &Ran) {
        self.complete = ran.is_complete;
        self.tests = campaign.selection.shard.map(|_| ran.tests);
    }

    fn add_blocks(&mut self, counts: Option<BlockCounts>) {
        if let Some(BlockCounts { blocks, parts }) = counts {
            let sum = self.blocks.get_or_insert_default();
            sum.blocks += blocks;
            sum.parts += parts;
        }
    }

    /// As [`DiffSummary::count`], and by whose rules the case ran.
    pub(crate) fn count_case(&mut self, case: &Case, outcome: &DiffOutcome) {
        self.count(outcome);
        self.by_other_rules += u64::from(case.in_place_of.is_some());
    }

    /// Counts something that was not read to its end.
    pub(crate) fn count_error(&mut self, error: &FixtureError) {
        *if error.passed_over().is_some() { &mut self.passed_over } else { &mut self.unreadable } += 1;
    }

    /// Adds the counts of other cases.
    pub fn add(&mut self, other: &Self) {
        self.complete &= other.complete;
        self.tests = self.tests.or(other.tests);
        self.agreed += other.agreed;
        self.rejected += other.rejected;
        self.diverged += other.diverged;
        self.crashed += other.crashed;
        self.timed_out += other.timed_out;
        self.limit += other.limit;
        self.poisoned += other.poisoned;
        self.unsupported += other.unsupported;
        self.not_compared += other.not_compared;
        self.passed_over += other.passed_over;
        self.unreadable += other.unreadable;
        self.by_other_rules += other.by_other_rules;
        self.add_blocks(other.blocks);
        let Some(other) = other.fast else { return };
        let fast = self.fast.get_or_insert_default();
        fast.cases += other.cases;
        fast.without_code += other.without_code;
        fast.without_block += other.without_block;
        fast.blocks += other.blocks;
        fast.instructions += other.instructions;
        fast.refused += other.refused;
    }

    /// Each count that is a verdict's, by its name, the good ones first.
    pub const fn counts(&self) -> [(&'static str, u64); 9] {
        [
            ("agree", self.agreed),
            ("rejected", self.rejected),
            ("diverge", self.diverged),
            ("crashed", self.crashed),
            ("timed_out", self.timed_out),
            ("limit", self.limit),
            ("poisoned", self.poisoned),
            ("unsupported", self.unsupported),
            ("not_compared", self.not_compared),
        ]
    }

    /// Everything that came to something, was passed over, or could not be read.
    pub fn cases(&self) -> u64 {
        self.counts().iter().map(|(_, count)| count).sum::<u64>() + self.passed_over + self.unreadable
    }

    /// Comparisons that came to no end: neither a divergence nor well.
    pub const fn errors(&self) -> u64 {
        self.crashed + self.timed_out + self.limit + self.poisoned + self.unreadable
    }

    /// Whether there were cases, all of them are counted, no verdict is a failure ([`Verdict::is_failure`]), and the fast form,
    /// where it was to be compared, ran.
    pub fn is_success(&self) -> bool {
        self.complete && self.cases() > 0 && self.diverged + self.errors() == 0 && self.is_fast_compared()
    }

    /// Whether there were cases to be compared, and nothing was: every one is one of which a side does not have the rules, or tells
    /// nothing that the other tells, too.
    pub fn is_about_nothing(&self) -> bool {
        let uncompared = self.unsupported + self.not_compared;
        uncompared > 0 && uncompared + self.passed_over == self.cases()
    }

    /// Whether nothing keeps the agreements from being those of the fast form too: some of it ran, and all that was to run.
    pub(crate) fn is_fast_compared(&self) -> bool {
        self.fast.is_none_or(|fast| fast.refused == 0 && (fast.blocks > 0 || self.agreed == 0))
    }
}

/// Runs the cases of `campaign` on both engines, compares as often as `mode` says, and hands each answer to `deliver`, in
/// order.
pub fn diff(
    campaign: &Campaign<'_>,
    left: &(impl EngineSource + ?Sized),
    right: &(impl EngineSource + ?Sized),
    mode: ShadowMode,
    deliver: impl FnMut(&Delivered<DiffOutcome>, Progress) -> ControlFlow<()> + Send,
) -> Result<DiffSummary, WorkersError> {
    diff_with(campaign, left, right, &config(left, right, mode), deliver)
}

/// As [`diff`], with the mode and what the engines may differ in given.
pub fn diff_with(
    campaign: &Campaign<'_>,
    left: &(impl EngineSource + ?Sized),
    right: &(impl EngineSource + ?Sized),
    config: &ShadowConfig,
    mut deliver: impl FnMut(&Delivered<DiffOutcome>, Progress) -> ControlFlow<()> + Send,
) -> Result<DiffSummary, WorkersError> {
    let mut summary = DiffSummary::default();
    let each = |case: &Case| compare_case(case, left, right, config);
    let panicked = |_: &Case, message: String| Loss::panicked(message).into();
    summary.complete = campaign.run(each, panicked, |delivered, progress| {
        match &delivered {
            Delivered::Case(case, outcome) => summary.count_case(case, outcome),
            Delivered::Unreadable(error) => summary.count_error(error),
        }
        deliver(&delivered, progress)
    })?;
    Ok(summary)
}

impl From<Loss> for DiffOutcome {
    fn from(loss: Loss) -> Self {
        let verdict = match loss {
            Loss::Crashed(reason) => Verdict::Crashed(reason),
            Loss::TimedOut(reason) => Verdict::TimedOut(reason),
            Loss::Limit(reason) => Verdict::Limit(reason),
        };
        verdict.into()
    }
}

/// What two engines may differ in: what one of them has otherwise by its design, and [`tolerated`] lists.
pub fn config(
    left: &(impl EngineSource + ?Sized),
    right: &(impl EngineSource + ?Sized),
    mode: ShadowMode,
) -> ShadowConfig {
    ShadowConfig::between(&*left.make(), &*right.make(), mode)
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
    if let Rejections::Any { reason } = config.rejections {
        lines.push(format!("the reason of a rejection: {reason}"));
    }
    let untold = config.messages.iter().copied().flatten();
    lines.extend(untold.map(|message| format!("{}: {}", message.untold.name(), message.reason)));
    if matches!(config.mode, ShadowMode::PerStep | ShadowMode::All) {
        lines.extend(config.costs.iter().map(|cost| format!("the {}: {}", cost.name, cost.reason)));
        lines.extend(
            config.tolerances.iter().map(|Tolerance { name, reason, .. }| format!("the {name}: {reason}")),
        );
    }
    lines
}

/// Compares two engines, made for it, on one case.
pub fn compare_case(
    case: &Case,
    left: &(impl EngineSource + ?Sized),
    right: &(impl EngineSource + ?Sized),
    config: &ShadowConfig,
) -> DiffOutcome {
    match case.job() {
        Ok(job) => compare_job(&job, left, right, config).0,
        // No engine is asked about what is no transaction: neither side refuses it.
        Err(reason) => Verdict::NotCompared(no_transaction(reason)).into(),
    }
}

/// As [`compare_case`], on any transaction; also what the left side came to when it was compared with the right one.
pub fn compare_job(
    job: &Job<'_>,
    left: &(impl EngineSource + ?Sized),
    right: &(impl EngineSource + ?Sized),
    config: &ShadowConfig,
) -> (DiffOutcome, Option<Execution>) {
    let (outcome, results) = compare_results(job, left, right, config);
    (outcome, results.and_then(|[left, _]| left.ok()))
}

/// As [`compare_job`], and what both sides came to; `None` if they were not asked, as one of them does not know the rules.
pub(crate) fn compare_results(
    job: &Job<'_>,
    left: &(impl EngineSource + ?Sized),
    right: &(impl EngineSource + ?Sized),
    config: &ShadowConfig,
) -> (DiffOutcome, Option<[Result<Execution, EngineError>; 2]>) {
    let engines = [left.make(), right.make()];
    if let Some(reason) = engines.iter().find_map(|engine| engine.unsupported(job.rules, job.block)) {
        tracing::info!(left = left.name(), right = right.name(), reason, "passed over");
        return (Verdict::Unsupported(reason).into(), None);
    }
    let rules = [left.rules(), right.rules()].map(|own| own.unwrap_or(job.rules));
    let mut config = *config;
    // It is rules that are compared then, not forms.
    if rules[0] != rules[1] && config.mode == ShadowMode::All {
        config.mode = ShadowMode::PerStep;
    }
    let config = &config;
    let mut forms = FastForms::default();
    if config.mode == ShadowMode::All {
        forms = FastForms::of(left, right);
    }
    let Compared { verdict, steps, results, times, .. } =
        compare_engines_in_forms(&*engines[0], &*engines[1], job, config, &forms.runs(job));
    let fast = match config.mode {
        ShadowMode::PerBlock => engines.iter().filter_map(|engine| engine.fast()).reduce(sum),
        _ => forms.fast(),
    };
    let parting = match &verdict {
        Verdict::Diverge(divergence) if rules[0] != rules[1] => {
            Some(Parting::of(divergence, job, (left, right), rules, config))
        }
        _ => None,
    };
    (DiffOutcome { steps, times, parting, fast, ..verdict.into() }, Some(results))
}

pub(crate) fn no_transaction(reason: &str) -> String {
    format!("there is no transaction: {reason}")
}
