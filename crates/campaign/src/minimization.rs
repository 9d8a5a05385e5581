//! Makes a case that is a finding smaller: the sides of a comparison, asked by the minimiser whether a case is still the same finding.

use std::{
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::{Arc, Once},
    time::Duration,
};

use parallax_engine_interface::{Engine, Job};
use parallax_hooks::NoHooks;
use parallax_minimizer::{self as minimizer, Budget, Limit, Question, Record, Size};
use parallax_primitives::{B256, Bytes, Eip, Transaction, U256};
use parallax_shadow_diff::{ShadowConfig, ShadowMode, Verdict, compare_engines, place_of_panic};
use parallax_state_tests::{Case, CaseResult, run};
use serde_json::Value;

use crate::{
    DiffOutcome, Loss, Sides, compare_case,
    engines::EngineSource,
    identity::{Identity, step_of},
    pipeline::message,
    recorder::Recorder,
    sides::Side,
};

/// What a case is compared on.
#[derive(Clone, Copy)]
pub enum FindingSides<'s> {
    /// Two engines.
    Engines {
        /// The left one, which fills the test that is written.
        left: &'s dyn EngineSource,
        /// The right one.
        right: &'s dyn EngineSource,
        /// How, and what they may differ in.
        config: ShadowConfig,
    },
    /// Any sides, clients' commands among them.
    Sides(&'s Sides),
}

/// The smallest case that was found.
#[derive(Clone, Debug)]
pub struct MinimizedCase {
    /// It, as it is read from `test`.
    pub case: Case,
    /// An official state test that has it alone, filled with what the left side says.
    pub test: Value,
    /// What the two have in common.
    pub identity: Identity,
    /// What came of it, as `parallax diff` has it.
    pub outcome: DiffOutcome,
    /// The size before, and after.
    pub sizes: [Size; 2],
    /// Cases that were tried.
    pub tries: u64,
    /// How often all passes went over it.
    pub rounds: u32,
    /// The limit that was met, if one was.
    pub limit: Option<Limit>,
    /// Time taken.
    pub time: Duration,
}

/// Why there is nothing to be made smaller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MinimizeError {
    /// It is no finding, or none that can be found again in this process.
    #[error("the case is no finding: {0}")]
    NoFinding(String),
    /// The finding is in what no test has besides fields: the signed bytes of a transaction, a chain of its own.
    #[error(
        "the finding is not there any more without what a written test does not have (txbytes, older block hashes): {0}"
    )]
    NotWritten(String),
}

impl FindingSides<'_> {
    /// Makes `case` smaller, for as long as it is the same finding ([`Identity`]), and writes it as the test `name`. Two runs come to the
    /// same, unless a limit of time or an interrupt ends them.
    ///
    /// # Errors
    ///
    /// If the case is no finding, or none once it is written.
    pub fn minimize(
        &self,
        case: &Case,
        name: &str,
        budget: &Budget<'_>,
    ) -> Result<MinimizedCase, MinimizeError> {
        let mut tries = Tries::new(*self, case)?;
        let begun =
            plain(case).ok_or_else(|| MinimizeError::NoFinding("there is no transaction".to_owned()))?;
        tries.written(&begun, name, None)?;
        let keeps_rules = self.has_own_rules();
        let minimized = minimizer::minimize(begun.clone(), &mut tries, budget, keeps_rules);
        let filled = tries.filled(&minimized.case);
        let (case, test, outcome) = tries.written(&minimized.case, name, filled.as_ref())?;
        Ok(MinimizedCase {
            case,
            test,
            identity: tries.identity,
            outcome,
            sizes: [begun.size(), minimized.case.size()],
            tries: minimized.tries,
            rounds: minimized.rounds,
            limit: minimized.limit,
            time: minimized.time,
        })
    }

    /// Whether a case is a finding that can be made smaller.
    pub fn is_finding(&self, case: &Case) -> bool {
        let (outcome, panicked_at) = guarded(|| self.outcome(case));
        let outcome = outcome.unwrap_or_else(DiffOutcome::from);
        Identity::of(&outcome.verdict, panicked_at.as_deref()).is_some()
    }

    /// Whether a side runs by rules of its own: then a case's are not what is compared.
    fn has_own_rules(&self) -> bool {
        match self {
            FindingSides::Engines { left, right, .. } => left.rules().or(right.rules()).is_some(),
            FindingSides::Sides(_) => false,
        }
    }

    /// As `parallax diff` compares.
    fn outcome(&self, case: &Case) -> DiffOutcome {
        match self {
            FindingSides::Engines { left, right, config } => compare_case(case, *left, *right, config),
            FindingSides::Sides(sides) => sides.compare(case),
        }
    }

    fn left(&self) -> &dyn EngineSource {
        match self {
            FindingSides::Engines { left, .. } => *left,
            FindingSides::Sides(sides) => &*sides.pivot,
        }
    }
}

fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Diverge(divergence) => format!("it diverges in {}", divergence.field),
        other => [Some(other.name()), other.reason()].into_iter().flatten().collect::<Vec<_>>().join(": "),
    }
}

/// The case without the bytes that its transaction came in: they say nothing of a transaction that is changed.
fn plain(case: &Case) -> Option<minimizer::Case> {
    let transaction = case.transaction.as_ref().ok()?;
    let mut block = case.block.clone();
    match case.rules.has(Eip::PrevRandao4399) {
        true => block.difficulty = U256::ZERO,
        false => block.prevrandao = B256::ZERO,
    }
    Some(minimizer::Case {
        rules: case.rules,
        chain_id: case.chain_id,
        block,
        transaction: Transaction {
            envelope: Bytes::new(),
            chain_id: Some(case.chain_id),
            ..transaction.clone()
        },
        pre: (*case.pre).clone(),
    })
}

/// The sides, asked again and again.
struct Tries<'s, 'c> {
    sides: FindingSides<'s>,
    original: &'c Case,
    identity: Identity,
    /// How two engines are compared in a try: as coarsely as still shows the finding.
    quick: Option<ShadowConfig>,
    /// Steps of the last case that was the same finding.
    steps: u64,
}

impl<'s, 'c> Tries<'s, 'c> {
    fn new(sides: FindingSides<'s>, original: &'c Case) -> Result<Self, MinimizeError> {
        let (outcome, panicked_at) = guarded(|| sides.outcome(original));
        let outcome = outcome.unwrap_or_else(DiffOutcome::from);
        let identity = Identity::of(&outcome.verdict, panicked_at.as_deref())
            .ok_or_else(|| MinimizeError::NoFinding(told(&outcome.verdict)))?;
        let mut tries = Self { sides, original, identity, quick: None, steps: outcome.steps };
        if let (FindingSides::Engines { config, .. }, Some(case)) = (sides, plain(original)) {
            let mut quick = ShadowConfig { enable_detailed_diffs: false, measure_time: false, ..config };
            if quick.mode == ShadowMode::All {
                quick.mode = ShadowMode::PerStep;
            }
            tries.quick = Some(quick);
            if tries.try_one(&case).0.as_ref() != Some(&tries.identity) {
                tries.quick = None;
            }
        }
        Ok(tries)
    }

    /// What a case is, and the number of its steps.
    fn try_one(&self, case: &minimizer::Case) -> (Option<Identity>, u64, Option<Verdict>) {
        let (compared, panicked_at) = guarded(|| self.compare(case));
        let (verdict, steps) = compared.unwrap_or_else(|loss| (DiffOutcome::from(loss).verdict, self.steps));
        (Identity::of(&verdict, panicked_at.as_deref()), steps, Some(verdict))
    }

    fn compare(&self, case: &minimizer::Case) -> (Verdict, u64) {
        let (FindingSides::Engines { left, right, .. }, Some(config)) = (self.sides, self.quick) else {
            let outcome = self.case(case).map(|case| self.sides.outcome(&case));
            return outcome.map_or((Verdict::Agree, 0), |outcome| (outcome.verdict, outcome.steps));
        };
        let engines = [left.make(), right.make()];
        let job = job(case);
        if let Some(reason) = engines.iter().find_map(|engine| engine.unsupported(job.rules, job.block)) {
            return (Verdict::Unsupported(reason), 0);
        }
        // A smaller case needs no more steps; one that never ends is soon given up.
        let config = ShadowConfig { max_steps: config.max_steps.min(2 * self.steps + 1_000), ..config };
        let compared = compare_engines(&*engines[0], &*engines[1], &job, &config);
        (compared.verdict, compared.steps)
    }

    /// A case as those of files are; `None` if it cannot be read once it is written.
    fn case(&self, case: &minimizer::Case) -> Option<Case> {
        let changed = self.changed(case);
        let has_clients = match self.sides {
            FindingSides::Sides(sides) => sides.others.iter().any(|side| matches!(side, Side::Client(..))),
            FindingSides::Engines { .. } => false,
        };
        if has_clients {
            return changed.reread(&changed.written("minimized", "", None)).ok().flatten();
        }
        Some(changed)
    }

    fn changed(&self, case: &minimizer::Case) -> Case {
        let mut changed = self.original.clone();
        if case.rules != changed.rules {
            (changed.rules, changed.fork_name, changed.in_place_of) =
                (case.rules, case.rules.name().into(), None);
        }
        changed.chain_id = case.chain_id;
        changed.block = case.block.clone();
        changed.transaction = Ok(case.transaction.clone());
        changed.pre = Arc::new(case.pre.clone());
        changed
    }

    /// What the left side, or, if that panics, the right one, comes to.
    fn filled(&self, case: &minimizer::Case) -> Option<CaseResult> {
        let case = self.changed(case);
        let right = match self.sides {
            FindingSides::Engines { right, .. } => Some(right),
            FindingSides::Sides(_) => None,
        };
        let sources = [Some(self.sides.left()), right];
        sources
            .into_iter()
            .flatten()
            .find_map(|source| guarded(|| run(&case, &*source.make(), &mut NoHooks)).0.ok())
    }

    /// A case as it is written, as it is read again, and what comes of it: the same finding.
    fn written(
        &self,
        case: &minimizer::Case,
        name: &str,
        result: Option<&CaseResult>,
    ) -> Result<(Case, Value, DiffOutcome), MinimizeError> {
        let test = self.changed(case).written(name, &format!("minimized: {}", self.identity), result);
        let read =
            self.changed(case).reread(&test).map_err(|error| MinimizeError::NotWritten(error.to_string()))?;
        let read = read.ok_or_else(|| MinimizeError::NotWritten("there is no case".to_owned()))?;
        let (outcome, panicked_at) = guarded(|| self.sides.outcome(&read));
        let outcome = outcome.unwrap_or_else(DiffOutcome::from);
        if Identity::of(&outcome.verdict, panicked_at.as_deref()).as_ref() != Some(&self.identity) {
            return Err(MinimizeError::NotWritten(told(&outcome.verdict)));
        }
        Ok((read, test, outcome))
    }
}

impl Question for Tries<'_, '_> {
    fn is_same(&mut self, case: &minimizer::Case) -> bool {
        let (identity, steps, _) = self.try_one(case);
        let is_same = identity.as_ref() == Some(&self.identity);
        if is_same {
            self.steps = steps;
        }
        is_same
    }

    fn record(&mut self, case: &minimizer::Case) -> Record {
        let (_, _, verdict) = self.try_one(case);
        let until = match verdict {
            Some(Verdict::Diverge(divergence)) => step_of(&divergence),
            _ => None,
        };
        let mut recorder = Recorder::new(until);
        let engine = self.sides.left().make();
        let job = job(case);
        if engine.capabilities().steps {
            // What it comes to is not looked at; where it panics, what it did before is known.
            let _ = guarded(|| engine.execute(&job, &mut recorder).is_ok());
        }
        recorder.end()
    }
}

fn job(case: &minimizer::Case) -> Job<'_> {
    let minimizer::Case { rules, chain_id, ref block, ref transaction, ref pre } = *case;
    Job { rules, chain_id, block, subject: transaction.into(), database: pre }
}

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
    static PANICKED_AT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Does something that may panic, without a word; and, if it does, where.
fn guarded<T>(what: impl FnOnce() -> T) -> (Result<T, Loss>, Option<String>) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if IS_GUARDED.get() {
                PANICKED_AT.set(info.location().map(ToString::to_string));
            } else {
                before(info);
            }
        }));
    });
    IS_GUARDED.set(true);
    let done = catch_unwind(AssertUnwindSafe(what));
    IS_GUARDED.set(false);
    match done {
        Ok(done) => (Ok(done), None),
        Err(panic) => {
            let place = place_of_panic();
            let words = format!("an engine panicked: {}", message(&*panic));
            let told = place.as_ref().map_or(words.clone(), |place| format!("{words} ({place})"));
            let engine = place.as_deref().and_then(|place| place.split(',').next()).unwrap_or("an engine");
            let at = PANICKED_AT.take().unwrap_or_default();
            (Err(Loss::Crashed(told)), Some(format!("{engine} at {at}")))
        }
    }
}
