//! Drives two engines over one transaction, in any mode, to a verdict or to a record of both sides.

use std::time::{Duration, Instant};

use parallax_engine_interface::{Engine, EngineError, Execution, Job, Progress, Stepper, UntoldMessage};
use parallax_hooks::{Hooks, MessagePhase, NoHooks, StepControl, StepView};
use parallax_host_interface::HostError;
use parallax_primitives::{Message, TxOutcome};

use crate::{
    Bounds, Compared, Divergence, MessageLog, Place, Shadow, ShadowConfig, ShadowMode, SideBySideStep,
    SideRun, Verdict, compare_call_results, lockstep::beside, record::Record, suspect,
};

/// How far a run may go, and how much of it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunLimits {
    /// Most steps; a run that has more ends there, at its limit unless it has diverged before.
    pub steps: u64,
    /// Most steps that are kept. Comparison goes on past it.
    pub recorded_steps: usize,
}

impl Default for RunLimits {
    /// As many steps as the gas allows, and a million of them kept.
    fn default() -> Self {
        Self { steps: u64::MAX, recorded_steps: 1 << 20 }
    }
}

/// Compares two engines on one transaction in the mode of `config`; in the mode off the left one runs alone, and nothing
/// is compared. An engine that cannot be stepped is the watched one; otherwise the left one is, and is the one whose fast form runs
/// in the mode per-block.
pub fn compare_engines(
    left: &dyn Engine,
    right: &dyn Engine,
    job: &Job<'_>,
    config: &ShadowConfig,
) -> Compared {
    observed([left, right], job, config, || compare_unobserved(left, right, job, config))
}

/// Runs a comparison in a span of its own, and says what came of it.
pub(crate) fn observed(
    engines: [&dyn Engine; 2],
    job: &Job<'_>,
    config: &ShadowConfig,
    run: impl FnOnce() -> Compared,
) -> Compared {
    span(engines, job, config).in_scope(|| {
        let compared = run();
        tell(&compared.verdict, compared.steps);
        compared
    })
}

/// What a comparison is logged in, whatever the level is: an event of any level says what it is of.
pub(crate) fn span([left, right]: [&dyn Engine; 2], job: &Job<'_>, config: &ShadowConfig) -> tracing::Span {
    let (mode, left, right) = (config.mode.name(), left.name(), right.name());
    tracing::error_span!("shadow", mode, left, right, fork = %job.rules)
}

/// Says what came of a comparison.
pub(crate) fn tell(verdict: &Verdict, steps: u64) {
    let name = verdict.name();
    match verdict {
        Verdict::Diverge(divergence) => {
            let step = match divergence.place {
                Place::Step { index, .. } | Place::Block { index, .. } => Some(index + 1),
                _ => None,
            };
            tracing::warn!(verdict = name, steps, step, field = %divergence.field, "the engines part");
        }
        Verdict::Agree | Verdict::Rejected(_) => tracing::debug!(verdict = name, steps, "compared"),
        other => {
            tracing::warn!(verdict = name, steps, reason = other.reason().unwrap_or_default(), "no answer");
        }
    }
}

pub(crate) fn compare_unobserved(
    left: &dyn Engine,
    right: &dyn Engine,
    job: &Job<'_>,
    config: &ShadowConfig,
) -> Compared {
    match config.mode {
        // Where a side leaves messages out, the other cannot be kept beside it.
        ShadowMode::PerBlock | ShadowMode::PerStep | ShadowMode::All
            if config.is_untold(UntoldMessage::Refused) =>
        {
            per_call(left, right, job, config)
        }
        ShadowMode::Off => {
            let off = "the mode is off";
            let results = [left.execute(job, &mut NoHooks), Err(HostError::new(off).into())];
            let verdict = Verdict::NotCompared(off.to_owned());
            Compared { verdict, steps: 0, results, times: [Duration::ZERO; 2], record: None }
        }
        ShadowMode::PerCall => per_call(left, right, job, config),
        ShadowMode::PerStep | ShadowMode::All => beside(left, right, job, config, None, |shadow| shadow),
        ShadowMode::PerBlock => suspect::explain(
            left,
            right,
            job,
            config,
            beside(left, right, job, config, None, |shadow| shadow),
        ),
    }
}

/// Runs one engine after the other. Each has its own journal over the job's read-only database, so nothing that one does can be
/// seen by the other.
fn per_call(left: &dyn Engine, right: &dyn Engine, job: &Job<'_>, config: &ShadowConfig) -> Compared {
    let mut logs = [Bounds::default(); 2].map(MessageLog::new);
    if config.is_untold(UntoldMessage::Refused) {
        logs = logs.map(MessageLog::without_refused);
    }
    let [left_log, right_log] = &mut logs;
    let start = Instant::now();
    let left_result = left.execute(job, left_log);
    let between = Instant::now();
    let right_result = right.execute(job, right_log);
    let times = [between - start, between.elapsed()];
    let side = |engine, result, messages| SideRun { engine, result, messages };
    // Equal changes over the same accounts are equal post-states, their root included.
    let verdict = compare_call_results(
        &side(left.name(), &left_result, left_log),
        &side(right.name(), &right_result, right_log),
        config,
    );
    let totals = logs.each_ref().map(|log| log.messages().len() as u64);
    let record = Some(Record::only_totals(totals));
    Compared { verdict, steps: totals[0], results: [left_result, right_result], times, record }
}

/// Two engines on one transaction, side by side: a value for reports and user interfaces.
#[derive(Clone, Debug)]
pub struct SideBySideRun {
    /// How often they were compared.
    pub mode: ShadowMode,
    /// Their names, left and right.
    pub engines: [String; 2],
    /// The steps of both; empty in the mode per-call.
    pub steps: Vec<SideBySideStep>,
    /// Steps that were compared and not kept, as the bound was met.
    pub steps_dropped: u64,
    /// Steps of each side, all of them; messages in the mode per-call.
    pub total_steps: [u64; 2],
    /// What the transaction came to; `None` where it was rejected, aborted or the world failed.
    pub outcomes: [Option<TxOutcome>; 2],
    /// Gas used, if there is an outcome.
    pub gas_used: [Option<u64>; 2],
    /// Gas used on the right less gas used on the left.
    pub gas_delta: Option<i128>,
    /// Time of each engine apart, callbacks and comparison left out.
    pub times: [Duration; 2],
    /// The first step in which they differ, if it is a step in which they do.
    pub diverged_at: Option<u64>,
    /// Whether they agree, and if not, in what.
    pub verdict: Verdict,
}

impl SideBySideRun {
    fn new(mode: ShadowMode, names: [&str; 2], compared: Compared) -> Self {
        let Compared { verdict, steps, results, times, record } = compared;
        let outcomes = results.map(|result| result.ok().and_then(|execution| execution.outcome));
        let gas_used = [0, 1].map(|side: usize| outcomes[side].as_ref().map(|outcome| outcome.gas_used));
        let gas_delta = match gas_used {
            [Some(left), Some(right)] => Some(i128::from(right) - i128::from(left)),
            _ => None,
        };
        let record = record.unwrap_or_else(|| Record::only_totals([steps; 2]));
        let diverged_at = match &verdict {
            Verdict::Diverge(divergence) => match divergence.place {
                Place::Step { index, .. } => Some(index),
                _ => record.diverged_at,
            },
            _ => None,
        };
        Self {
            mode,
            engines: names.map(str::to_owned),
            steps: record.steps,
            steps_dropped: record.dropped,
            total_steps: record.totals,
            outcomes,
            gas_used,
            gas_delta,
            times,
            diverged_at,
            verdict,
        }
    }
}

/// Runs two engines to their end and compares every message.
pub fn run_both_per_call(
    left: &dyn Engine,
    right: &dyn Engine,
    job: &Job<'_>,
    config: &ShadowConfig,
) -> SideBySideRun {
    let mode = ShadowMode::PerCall;
    let compared = per_call(left, right, job, &ShadowConfig { mode, ..*config });
    SideBySideRun::new(mode, [left.name(), right.name()], compared)
}

/// Runs two engines to their end, compares every step and keeps both sides of each; past a divergence both run on.
pub fn run_both_per_step(
    left: &dyn Engine,
    right: &dyn Engine,
    job: &Job<'_>,
    config: &ShadowConfig,
    limits: RunLimits,
) -> SideBySideRun {
    let mode = ShadowMode::PerStep;
    let config = ShadowConfig { mode, measure_time: true, ..*config };
    let compared = beside(left, right, job, &config, None, |shadow| {
        recording(shadow, &config, limits).on_divergence(StepControl::Continue)
    });
    SideBySideRun::new(mode, [left.name(), right.name()], compared)
}

fn recording<'a>(mut shadow: Shadow<'a>, config: &ShadowConfig, limits: RunLimits) -> Shadow<'a> {
    shadow.record = Some(Record::new(limits.recorded_steps, config.skip_identical_steps));
    shadow.limited_to(limits.steps)
}

/// Two engines on one transaction that can be paused, both always at the same step or message.
pub struct SideBySide<'a> {
    names: [&'static str; 2],
    left: Box<dyn Stepper + 'a>,
    shadow: Shadow<'a>,
}

impl<'a> SideBySide<'a> {
    /// Neither has begun. `Ok(None)` if one of the engines cannot be stepped.
    pub fn start(
        left: &'a dyn Engine,
        right: &'a dyn Engine,
        job: &Job<'a>,
        config: &ShadowConfig,
        limits: RunLimits,
    ) -> Result<Option<Self>, EngineError> {
        let names = [left.name(), right.name()];
        let config = ShadowConfig { mode: ShadowMode::PerStep, measure_time: true, ..*config };
        let (Some(left), Some(right)) = (left.start(job)?, right.start(job)?) else { return Ok(None) };
        let shadow = recording(Shadow::new(names, right, &config), &config, limits);
        Ok(Some(Self { names, left, shadow: shadow.on_divergence(StepControl::Pause) }))
    }

    /// Lets hooks see the right side of all that runs from here on. Where they pause or abort, both sides stop; the run's own
    /// hooks see the left side.
    pub fn watch_right(&mut self, hooks: Box<dyn Hooks + 'a>) {
        self.shadow.watch_stepped(hooks);
    }

    /// What both sides stand before; `None` before the first run, at messages, and where a side is over.
    pub fn views(&self) -> [Option<StepView<'_>>; 2] {
        [self.left.view(), self.shadow.stepped_view()]
    }

    /// The message that both sides stand before or behind; `None` before an opcode, and where a side is over.
    pub fn messages(&self) -> [Option<(&Message, MessagePhase<'_>)>; 2] {
        [self.left.message(), self.shadow.stepped_message()]
    }

    /// The first difference so far. A run pauses at it until [`SideBySide::go_on`].
    pub fn divergence(&self) -> Option<&Divergence> {
        self.shadow.divergence()
    }

    /// Lets the next run go on past the divergence, if there is one.
    pub fn go_on(&mut self) {
        self.shadow.go_on();
    }

    /// Ends both, wherever they are, and answers what there is.
    pub fn finish(self) -> SideBySideRun {
        let result = self.left.finish().map_err(EngineError::from);
        SideBySideRun::new(ShadowMode::PerStep, self.names, self.shadow.finish(result))
    }
}

/// The left side, with the right one beside it wherever it is.
impl Stepper for SideBySide<'_> {
    /// Stops at a divergence as well, and stays there until [`SideBySide::go_on`].
    fn run(&mut self, hooks: &mut dyn Hooks) -> Result<Progress, HostError> {
        if self.shadow.stands_at_divergence() && (self.left.view().is_some() || self.left.message().is_some())
        {
            return Ok(Progress::Paused);
        }
        self.left.run(&mut (hooks, &mut self.shadow))
    }

    fn view(&self) -> Option<StepView<'_>> {
        self.left.view()
    }

    fn message(&self) -> Option<(&Message, MessagePhase<'_>)> {
        self.left.message()
    }

    /// What the left side came to. What was compared is lost: the method of the same name that takes no box answers it.
    fn finish(self: Box<Self>) -> Result<Execution, HostError> {
        self.left.finish()
    }
}
