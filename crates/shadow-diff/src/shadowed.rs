//! An engine that is compared with another one while it is used.
//!
//! Invariant: what is answered, and what hooks see, is the left engine's own run, whatever the right one does.

use std::{
    num::NonZeroU64,
    sync::{Mutex, MutexGuard, PoisonError},
};

use parallax_engine_interface::{Engine, EngineError, Execution, Job, Progress, Stepper};
use parallax_hooks::{Hooks, MessagePhase, StepView};
use parallax_host_interface::HostError;
use parallax_primitives::Message;

use crate::{
    Bounds, Compared, MessageLog, ShadowConfig, ShadowMode, SideRun, Verdict, compare_call_results, outcome,
    run::{compare_unobserved, span, tell},
};

/// The left engine, with the right one in its shadow: in place of the left one, it answers what that answers, and compares.
///
/// In the mode per-call the right engine runs the same once more, and all messages of both are compared. In the finer modes both run
/// once more to be compared, and what was answered is held against what the right one came to: so the form in which the left engine
/// runs for its users is compared too. Runs that hooks have ended are not compared. A right engine that panics panics here.
pub struct Shadowed<L, R> {
    left: L,
    right: R,
    switch: Mutex<Switch>,
}

struct Switch {
    config: ShadowConfig,
    every: NonZeroU64,
    /// Runs before the next one that is compared.
    left_out: u64,
    counts: ShadowCounts,
    mismatch: Option<Verdict>,
}

/// How many runs there were, and what came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShadowCounts {
    /// All of them, compared or not.
    pub runs: u64,
    /// Compared, and the same.
    pub agreed: u64,
    /// Rejected by both for the same reason: nothing ran.
    pub rejected: u64,
    /// Compared, and not the same.
    pub diverged: u64,
    /// To be compared, but there is no answer: a limit was met, a world failed, an engine lacks the rules.
    pub unsaid: u64,
}

impl<L: Engine, R: Engine> Shadowed<L, R> {
    /// Every run is compared, in the mode and under the tolerances of `config`.
    pub fn new(left: L, right: R, config: ShadowConfig) -> Self {
        let (counts, mismatch) = (ShadowCounts::default(), None);
        let switch = Switch { config, every: NonZeroU64::MIN, left_out: 0, counts, mismatch };
        Self { left, right, switch: Mutex::new(switch) }
    }

    /// Compares in another mode from the next run on.
    pub fn set_mode(&self, mode: ShadowMode) {
        self.switch().config.mode = mode;
    }

    /// Compares one run in so many from here on: the next one, and every nth behind it.
    pub fn set_sampling(&self, every: NonZeroU64) {
        let mut switch = self.switch();
        (switch.every, switch.left_out) = (every, 0);
    }

    /// What came of the runs.
    pub fn counts(&self) -> ShadowCounts {
        self.switch().counts
    }

    /// The last verdict that was no agreement, since this was asked last.
    pub fn take_mismatch(&self) -> Option<Verdict> {
        self.switch().mismatch.take()
    }

    // What the lock protects is whole at any time.
    fn switch(&self) -> MutexGuard<'_, Switch> {
        self.switch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the run that is about to begin is compared; `None` if it is not.
    fn draw(&self) -> Option<ShadowConfig> {
        let mut switch = self.switch();
        switch.counts.runs += 1;
        if switch.config.mode == ShadowMode::Off {
            return None;
        }
        let is_drawn = switch.left_out == 0;
        switch.left_out = if is_drawn { switch.every.get() - 1 } else { switch.left_out - 1 };
        is_drawn.then_some(switch.config)
    }

    /// Compares what the left engine has answered; `log` is of its messages, in the mode per-call.
    fn compare(
        &self,
        job: &Job<'_>,
        answered: &Result<Execution, EngineError>,
        (config, log): (ShadowConfig, &MessageLog),
    ) {
        if matches!(answered, Ok(Execution { outcome: None, .. })) {
            return;
        }
        let verdict = span([&self.left, &self.right], job, &config).in_scope(|| {
            let (verdict, steps) = match config.mode {
                ShadowMode::PerCall => self.compare_messages(job, answered, &config, log),
                _ => self.compare_again(job, answered, &config),
            };
            tell(&verdict, steps);
            verdict
        });
        let mut switch = self.switch();
        match verdict {
            Verdict::Agree => switch.counts.agreed += 1,
            Verdict::Rejected(_) => switch.counts.rejected += 1,
            mismatch => {
                let diverges = matches!(mismatch, Verdict::Diverge(_));
                *(if diverges { &mut switch.counts.diverged } else { &mut switch.counts.unsaid }) += 1;
                switch.mismatch = Some(mismatch);
            }
        }
    }

    /// Runs the right engine, and holds its messages and its answer against the left one's.
    fn compare_messages(
        &self,
        job: &Job<'_>,
        answered: &Result<Execution, EngineError>,
        config: &ShadowConfig,
        log: &MessageLog,
    ) -> (Verdict, u64) {
        let mut right_log = MessageLog::new(Bounds::default());
        let right = self.right.execute(job, &mut right_log);
        let side = |engine, result, messages| SideRun { engine, result, messages };
        let verdict = compare_call_results(
            &side(self.left.name(), answered, log),
            &side(self.right.name(), &right, &right_log),
            config,
        );
        (verdict, log.messages().len() as u64)
    }

    /// Runs both once more, compares these runs, and then what was answered.
    fn compare_again(
        &self,
        job: &Job<'_>,
        answered: &Result<Execution, EngineError>,
        config: &ShadowConfig,
    ) -> (Verdict, u64) {
        let Compared { verdict, steps, results: [_, right], .. } =
            compare_unobserved(&self.left, &self.right, job, config);
        if verdict != Verdict::Agree {
            return (verdict, steps);
        }
        let names = [self.left.name(), self.right.name()];
        let answers = outcome::answers(names, [answered, &right], config, || Ok(()));
        (outcome::verdict(answers, names, Vec::new, config), steps)
    }
}

impl<L: Engine, R: Engine> Engine for Shadowed<L, R> {
    /// The left engine's.
    fn name(&self) -> &'static str {
        self.left.name()
    }

    fn start<'a>(&'a self, job: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        let started = self.left.start(job);
        if matches!(started, Ok(None)) {
            return started;
        }
        let Some(config) = self.draw() else { return started };
        let log = MessageLog::new(Bounds::default());
        match started {
            Ok(stepper) => Ok(stepper.map(|stepper| {
                let run: Box<dyn Stepper> =
                    Box::new(ShadowedRun { engine: self, job: *job, stepper, config, log });
                run
            })),
            Err(error) => {
                let answered = Err(error);
                self.compare(job, &answered, (config, &log));
                answered.map(|_| None)
            }
        }
    }

    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        let Some(config) = self.draw() else { return self.left.execute(job, hooks) };
        let mut log = MessageLog::new(Bounds::default());
        let answered = match config.mode {
            ShadowMode::PerCall => self.left.execute(job, &mut (hooks, &mut log)),
            _ => self.left.execute(job, hooks),
        };
        self.compare(job, &answered, (config, &log));
        answered
    }
}

/// A run of the left engine that is compared when it is finished.
struct ShadowedRun<'a, L, R> {
    engine: &'a Shadowed<L, R>,
    job: Job<'a>,
    stepper: Box<dyn Stepper + 'a>,
    config: ShadowConfig,
    log: MessageLog,
}

impl<L: Engine, R: Engine> Stepper for ShadowedRun<'_, L, R> {
    fn run(&mut self, hooks: &mut dyn Hooks) -> Result<Progress, HostError> {
        match self.config.mode {
            ShadowMode::PerCall => self.stepper.run(&mut (hooks, &mut self.log)),
            _ => self.stepper.run(hooks),
        }
    }

    fn view(&self) -> Option<StepView<'_>> {
        self.stepper.view()
    }

    fn message(&self) -> Option<(&Message, MessagePhase<'_>)> {
        self.stepper.message()
    }

    fn finish(self: Box<Self>) -> Result<Execution, HostError> {
        let Self { engine, job, stepper, config, log } = *self;
        let finished = stepper.finish();
        let answered = finished.clone().map_err(EngineError::from);
        engine.compare(&job, &answered, (config, &log));
        finished
    }
}
