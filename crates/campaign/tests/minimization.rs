//! Findings made smaller: they stay the same finding, become as small as they should, and always the same case.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{path::Path, time::Duration};

use parallax_campaign::{
    FindingSides, Identity, MinimizeError, MinimizedCase, compare_case, config,
    engines::{self, EngineName, EngineSource, Ruled},
};
use parallax_engine_interface::{Engine, EngineError, Execution, Job, Stepper};
use parallax_hooks::{Hooks, Interest, MessagePhase, StepControl, StepEnd, StepView};
use parallax_minimizer::Budget;
use parallax_primitives::{Fork, Message, Opcode, Rules};
use parallax_shadow_diff::{ShadowMode, Verdict};
use parallax_state_tests::{Case, cases, run};

/// What is shown of an opcode, changed.
type Change = fn(&mut StepEnd<'_>);

/// `mini`, that shows one opcode otherwise than it is, or panics at it.
struct Tampered {
    opcode: Opcode,
    end: Change,
}

impl Engine for Tampered {
    fn name(&self) -> &'static str {
        "tampered"
    }
    fn start<'a>(&'a self, _: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        Ok(None)
    }
    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        engines::mini().execute(job, &mut Tampering { tampered: self, hooks })
    }
}

struct Tampering<'t> {
    tampered: &'t Tampered,
    hooks: &'t mut dyn Hooks,
}

impl Hooks for Tampering<'_> {
    fn interest(&self) -> Interest {
        self.hooks.interest()
    }
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.hooks.on_step(step)
    }
    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        let mut end = *end;
        if step.opcode == self.tampered.opcode {
            (self.tampered.end)(&mut end);
        }
        self.hooks.on_step_end(step, &end);
    }
    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        self.hooks.on_block(entry)
    }
    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        self.hooks.on_message(message, phase)
    }
}

fn fixtures(file: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests");
    cases(&folder.join(file)).unwrap().map(Result::unwrap).collect()
}

const BUDGET: Budget<'static> =
    Budget { tries: 200_000, time: Duration::from_secs(10_000), is_stopped: &|| false };

/// The case, smaller: the same finding, by what is written and read again, the same twice.
#[track_caller]
fn minimized(
    case: &Case,
    left: &dyn EngineSource,
    right: &dyn EngineSource,
    mode: ShadowMode,
) -> MinimizedCase {
    let config = config(left, right, mode);
    let sides = FindingSides::Engines { left, right, config };
    let smallest = sides.minimize(case, "minimized", &BUDGET).unwrap();
    assert!(smallest.limit.is_none());
    assert!(smallest.sizes[1] <= smallest.sizes[0], "{:?}", smallest.sizes);
    let again = sides.minimize(case, "minimized", &BUDGET).unwrap();
    assert_eq!((&again.test, again.tries), (&smallest.test, smallest.tries));
    assert_eq!(again.identity, smallest.identity);
    // As `parallax diff` finds it.
    let outcome = compare_case(&smallest.case, left, right, &config);
    assert_eq!(outcome.verdict, smallest.outcome.verdict);
    assert!(matches!(outcome.verdict, Verdict::Diverge(_)));
    // It is minimized already.
    let once_more = sides.minimize(&smallest.case, "minimized", &BUDGET).unwrap();
    assert_eq!(once_more.test, smallest.test);
    smallest
}

fn parted(smallest: &MinimizedCase) -> (&'static str, Option<Opcode>, &'static str) {
    let Identity::Parting(parted) = &smallest.identity else { panic!("{}", smallest.identity) };
    (parted.place.0, parted.opcode, parted.field)
}

#[test]
fn an_engine_that_shows_an_opcode_otherwise_is_shown_by_that_opcode_alone() {
    let files = ["memory.json", "storage.json", "accesses.json", "operands.json", "arithmetic.json"];
    let rows: [(Opcode, Change, &str, usize); 4] = [
        (Opcode::KECCAK256, |end| end.gas_cost += 1, "gas cost", 5),
        (Opcode::SSTORE, |end| end.gas_left -= 1, "gas", 5),
        (Opcode::MLOAD, |end| end.gas_cost += 1, "gas cost", 3),
        (Opcode::EXTCODECOPY, |end| end.gas_left -= 1, "gas", 9),
    ];
    for (opcode, end, field, most) in rows {
        let tampered = Tampered { opcode, end };
        let case = files.into_iter().flat_map(fixtures).find(|case| {
            let outcome = compare_case(
                case,
                engines::mini(),
                &tampered,
                &config(engines::mini(), &tampered, ShadowMode::PerStep),
            );
            case.rules.base() > Fork::Frontier && matches!(outcome.verdict, Verdict::Diverge(_))
        });
        let case = case.unwrap_or_else(|| panic!("no case shows {opcode}"));
        let smallest = minimized(&case, engines::mini(), &tampered, ShadowMode::PerStep);
        assert_eq!(parted(&smallest), ("step", Some(opcode), field));
        assert!(smallest.sizes[1].code <= most, "{opcode}: {}", smallest.test);
        assert_eq!(smallest.case.rules.base(), Fork::Frontier, "the oldest fork shows it");
    }
}

/// What is filled is what the left side says.
#[test]
fn the_test_that_is_written_holds_on_the_left_side() {
    let tampered = Tampered { opcode: Opcode::SSTORE, end: |end| end.gas_left -= 1 };
    let case =
        fixtures("storage.json").into_iter().find(|case| &*case.name == "storage/sload_sstore").unwrap();
    let smallest = minimized(&case, engines::mini(), &tampered, ShadowMode::PerStep);
    assert_eq!(smallest.case.not_looked_at(), 0);
    for engine in [EngineName::Mini, EngineName::Primary, EngineName::Revm] {
        let result = run(&smallest.case, &*engine.engine(), &mut parallax_hooks::NoHooks);
        assert!(result.pass, "{engine}: {:?}", result.error);
    }
}

#[test]
fn two_sets_of_rules_part_in_a_few_bytes_and_the_rules_stay() {
    let [prague, osaka] = [Fork::Prague, Fork::Osaka].map(Rules::of);
    let left = Ruled { source: &EngineName::Primary, rules: Some(prague) };
    let right = Ruled { source: &EngineName::Mini, rules: Some(osaka) };
    let config = config(&left, &right, ShadowMode::All);
    let mut count = 0;
    for file in ["arithmetic.json", "precompiles.json", "near_misses.json"] {
        let diverges = |case: &Case| {
            let is_own = case.rules == osaka;
            is_own && matches!(compare_case(case, &left, &right, &config).verdict, Verdict::Diverge(_))
        };
        for case in fixtures(file).into_iter().filter(diverges).take(4) {
            let smallest = minimized(&case, &left, &right, ShadowMode::All);
            assert!(smallest.sizes[1].code <= 20, "{}: {}", case.name, smallest.test);
            assert_eq!(smallest.case.rules, osaka);
            count += 1;
        }
    }
    assert!(count >= 3, "{count}");
}

#[test]
fn a_panic_is_a_finding_by_its_place() {
    let panics = Tampered { opcode: Opcode::MULMOD, end: |_| panic!("it cannot be") };
    let others = Tampered { opcode: Opcode::MULMOD, end: |_| panic!("nor can this") };
    let case =
        fixtures("arithmetic.json").into_iter().find(|case| &*case.name == "arithmetic/mulmod").unwrap();
    let mini: &dyn EngineSource = engines::mini();
    let config = config(mini, &panics, ShadowMode::PerStep);
    let smallest = |right: &Tampered| {
        FindingSides::Engines { left: mini, right, config }.minimize(&case, "minimized", &BUDGET).unwrap()
    };
    let [first, second] = [smallest(&panics), smallest(&others)];
    assert!(matches!(first.outcome.verdict, Verdict::Crashed(_)));
    assert_ne!(first.identity, second.identity, "two places");
    assert!(first.identity.to_string().contains("minimization.rs:"), "{}", first.identity);
    assert!(first.sizes[1].code <= 7, "{}", first.test);
    // The side that did not panic has filled it.
    assert_eq!(first.case.not_looked_at(), 0);
}

#[test]
fn what_is_no_finding_is_not_made_smaller() {
    let case = fixtures("arithmetic.json").into_iter().next().unwrap();
    let (left, right): (&dyn EngineSource, &dyn EngineSource) = (&EngineName::Primary, &EngineName::Mini);
    let config = config(left, right, ShadowMode::All);
    let error =
        FindingSides::Engines { left, right, config }.minimize(&case, "minimized", &BUDGET).unwrap_err();
    assert_eq!(error, MinimizeError::NoFinding("agree".to_owned()));
    assert_eq!(error.to_string(), "the case is no finding: agree");
}
