//! Fuzz runs: the same findings on any number of threads, panics, limits, coverage, and ends before the end.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

use parallax_campaign::{
    Coverage, Ended, Fuzz, FuzzSummary, FuzzTold, Metamorphic, Pair, Subject, config,
    engines::{CaseEngine, EngineName, EngineSource, MiniEngine, mini},
    is_possible,
};
use parallax_engine_interface::{Engine, EngineError, Execution, Job, Stepper};
use parallax_generator::{BLOCK, Draw, EDGES, SCENARIO, default_rules};
use parallax_hooks::{Hooks, StepControl, StepView};
use parallax_mini_interpreter::{Fault, FaultPlan, FaultyMini};
use parallax_primitives::{Fork, Halt, Opcode, Rules};
use parallax_shadow_diff::{ShadowConfig, ShadowMode, Verdict};

/// `mini` with one mistake in MUL.
struct Planted;

impl EngineSource for Planted {
    fn name(&self) -> &'static str {
        "planted"
    }

    fn make(&self) -> Box<dyn CaseEngine + '_> {
        let plan = FaultPlan::new(Fault::FlipResult(3), Opcode::MUL);
        let contracts = &parallax_mini_precompiles::Contracts;
        Box::new(MiniEngine::new("planted", FaultyMini::new(plan), contracts))
    }
}

/// Panics in some blocks.
struct Panics;

impl Engine for Panics {
    fn name(&self) -> &'static str {
        "panics"
    }

    fn start<'a>(&'a self, job: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        mini().start(job)
    }

    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        assert!(job.block.base_fee != 1000, "a base fee of 1000");
        mini().execute(job, hooks)
    }
}

/// A run of so many cases of seed 1 on two sides.
fn fuzz<'a>(
    left: &'a dyn EngineSource,
    right: &'a dyn EngineSource,
    rules: &'a [Rules],
    programs: u64,
    jobs: usize,
) -> Fuzz<'a> {
    let mode = ShadowMode::PerStep;
    Fuzz {
        seed: 1,
        draw: Draw { rules, kinds: &[] },
        pairs: vec![Pair { left, right, config: config(left, right, mode) }],
        max_gas: 1 << 40,
        max_memory: 64 << 20,
        jobs,
        first: 0,
        programs: Some(programs),
        time: None,
        until_coverage: false,
        fail_fast: false,
    }
}

fn run(fuzz: &Fuzz<'_>) -> FuzzSummary {
    fuzz.run(&AtomicBool::new(false), |_| ()).unwrap()
}

/// What does not depend on time.
fn told(summary: &FuzzSummary) -> Vec<String> {
    let groups = summary.groups.iter();
    let groups = groups.map(|group| format!("{} {:?} {:?}", group.count, group.sort, group.first));
    groups.chain([format!("{:?} {:?} {}", summary.done, summary.pairs, summary.ungrouped)]).collect()
}

#[test]
fn the_same_is_found_on_any_number_of_threads() {
    let rules = default_rules();
    let found = [1, 2, 5].map(|jobs| run(&fuzz(&EngineName::Primary, &Planted, &rules, 1500, jobs)));
    assert!(found[0].groups.len() > 5 && found[0].done.findings > 100, "{}", found[0].done.findings);
    assert!(found[0].groups.iter().all(|group| group.sort.place == "MUL"), "{:?}", found[0].groups[0].sort);
    assert_eq!(told(&found[0]), told(&found[1]));
    assert_eq!(told(&found[0]), told(&found[2]));
    let coverage = found.map(|summary| summary.coverage.unwrap().text());
    assert!(coverage[0] == coverage[1] && coverage[0] == coverage[2]);
}

#[test]
fn what_is_finished_is_told() {
    let rules = default_rules();
    let finished = |jobs| {
        let (mut found, mut last) = (BTreeSet::new(), 100);
        let mut finished = Vec::new();
        let fuzz = Fuzz { first: 100, ..fuzz(&EngineName::Primary, &Planted, &rules, 1500, jobs) };
        let summary = fuzz.run(&AtomicBool::new(false), |told| match told {
            FuzzTold::Finding(finding) | FuzzTold::Again(finding) => assert!(found.insert(finding.number)),
            FuzzTold::Finished(number) => {
                assert!(last <= number, "{last} {number}");
                last = number;
                finished.push((number, found.iter().take_while(|found| **found < number).count()));
            }
            FuzzTold::Progress(_) => {}
        });
        assert_eq!((last, found.len() as u64), (1600, summary.unwrap().done.findings));
        (found, finished)
    };
    let (found, _) = finished(1);
    let (again, finished) = finished(4);
    assert_eq!(found, again);
    for (number, count) in finished {
        assert_eq!(found.iter().filter(|found| **found < number).count(), count, "below {number}");
    }
}

#[test]
fn a_finding_is_found_again_by_its_number() {
    let rules = [Rules::of(Fork::Amsterdam)];
    let whole = fuzz(&EngineName::Primary, &Planted, &rules, 400, 2);
    let summary = run(&whole);
    let first = &summary.groups[0].first;
    assert_eq!(whole.run_case(first.number)[0].verdict, first.outcome.verdict);
    let alone = Fuzz { first: first.number, ..fuzz(&EngineName::Primary, &Planted, &rules, 1, 1) };
    assert_eq!(run(&alone).groups[0].first.outcome.verdict, first.outcome.verdict);
    // The first one ends it, whoever finds another one meanwhile.
    let fast = run(&Fuzz { fail_fast: true, ..fuzz(&EngineName::Primary, &Planted, &rules, 400, 3) });
    assert_eq!((fast.ended, fast.groups.len()), (Ended::Finding, 1));
    assert_eq!(fast.groups[0].first.number, first.number);
}

#[test]
fn a_panic_is_a_finding() {
    let rules = [Rules::of(Fork::Osaka)];
    let summary = run(&fuzz(&Panics, mini(), &rules, 300, 2));
    assert_eq!((summary.ended, summary.done.programs), (Ended::Programs, 300));
    let group = &summary.groups[0];
    assert!(summary.done.findings > 10 && summary.groups.iter().all(|group| group.sort.verdict == "crashed"));
    let Verdict::Crashed(reason) = &group.first.outcome.verdict else { panic!("{:?}", group.first) };
    assert!(reason.contains("a base fee of 1000"), "{reason}");
    // Wherever the other side stood meanwhile.
    assert_eq!(summary.groups.len(), 1, "{:?}", summary.groups);
}

#[test]
fn a_run_that_is_cancelled_says_what_it_did() {
    let rules = default_rules();
    let endless = Fuzz { programs: None, ..fuzz(&EngineName::Primary, &EngineName::Mini, &rules, 1, 2) };
    let cancel = AtomicBool::new(false);
    let summary = endless
        .run(&cancel, |told| {
            if let FuzzTold::Progress(progress) = told
                && progress.programs > 100
            {
                cancel.store(true, Ordering::Relaxed);
            }
        })
        .unwrap();
    assert_eq!(summary.ended, Ended::Interrupted);
    assert!(summary.done.programs > 100);
    assert_eq!(summary.pairs[0].cases(), summary.done.programs);
    assert!(summary.text(&[["primary", "mini"]]).contains("; interrupted"));
}

#[test]
fn limits_of_a_case_are_kept_and_counted() {
    let rules = [Rules::of(Fork::Osaka)];
    let mut limited = fuzz(&EngineName::Primary, &EngineName::Mini, &rules, 400, 2);
    limited.pairs[0].config = ShadowConfig { max_steps: 20, ..limited.pairs[0].config };
    let summary = run(&limited);
    assert!(summary.pairs[0].limit > 100 && summary.is_clean(), "{:?}", summary.pairs);
    let small = Fuzz { max_memory: 64, ..fuzz(&EngineName::Primary, &EngineName::Mini, &rules, 400, 2) };
    let summary = run(&small);
    assert!(summary.pairs[0].limit > 50 && summary.is_clean(), "{:?}", summary.pairs);
    // What is left out of a block is no rejection of it.
    let draw = Draw { rules: &rules, kinds: &[EDGES, SCENARIO] };
    let poor = Fuzz { max_gas: 100, draw, ..fuzz(&EngineName::Primary, &EngineName::Mini, &rules, 400, 2) };
    assert_eq!(run(&poor).pairs[0].rejected, 400);
}

#[test]
fn what_is_reached_is_possible_and_is_counted() {
    let rules = default_rules();
    let summary = run(&fuzz(&EngineName::Primary, &EngineName::Mini, &rules, 6000, 2));
    assert!(summary.is_clean(), "{:?}", summary.groups);
    let coverage: Coverage = summary.coverage.unwrap();
    assert_eq!(coverage.impossible(), []);
    let covered = coverage.covered();
    assert!(covered.reached > 2000 && covered.reached < covered.possible, "{covered:?}");
    let amsterdam = Rules::of(Fork::Amsterdam);
    let reached: BTreeSet<_> = coverage
        .rows()
        .filter(|(rules, .., count)| *rules == amsterdam && *count > 0)
        .map(|(_, subject, halt, _)| (subject, halt))
        .collect();
    for (opcode, halt) in [
        (Opcode::ADD, None),
        (Opcode::ADD, Some(Halt::StackUnderflow)),
        (Opcode::JUMP, Some(Halt::InvalidJump)),
        (Opcode::SSTORE, Some(Halt::StaticViolation)),
        (Opcode::CREATE, Some(Halt::CodeStartsWithEf)),
        (Opcode::CALL, Some(Halt::InsufficientBalance)),
    ] {
        assert!(reached.contains(&(Subject::Opcode(opcode), halt)), "{opcode} {halt:?}");
    }
    let steps: u64 = coverage
        .rows()
        .filter(|(_, _, halt, _)| halt.is_none_or(|halt| !matches!(halt, Halt::InsufficientBalance)))
        .filter(|(_, subject, ..)| matches!(subject, Subject::Opcode(_)))
        .map(|(.., count)| count)
        .sum();
    // Besides opcodes halts of messages are counted.
    assert!(steps >= summary.done.steps, "{steps} {}", summary.done.steps);
}

/// What is missing is what is run: a fork is covered soon, from nothing. What was run is run again by its number.
#[test]
fn a_run_until_all_is_covered_ends() {
    let rules = [Rules::of(Fork::Homestead)];
    let steered =
        Fuzz { until_coverage: true, ..fuzz(&EngineName::Primary, &EngineName::Mini, &rules, 400_000, 2) };
    let summary = run(&steered);
    assert_eq!(summary.ended, Ended::Coverage, "{:?}", summary.coverage.map(|coverage| coverage.covered()));
    assert!(summary.is_clean(), "{:?}", summary.groups);
    let found = run(&Fuzz {
        until_coverage: true,
        fail_fast: true,
        ..fuzz(&EngineName::Primary, &Planted, &rules, 400_000, 2)
    });
    let first = &found.groups[0].first;
    assert_eq!(steered_again(&rules, first.number), first.outcome.verdict);
}

fn steered_again(rules: &[Rules], number: u64) -> Verdict {
    fuzz(&EngineName::Primary, &Planted, rules, 1, 1).run_case(number).remove(0).verdict
}

/// Charges one gas more where many JUMPDESTs ran.
struct TellsNoOps;

#[derive(Default)]
struct JumpDests(u64);

impl Hooks for JumpDests {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.0 += u64::from(step.opcode == Opcode::JUMPDEST);
        StepControl::Continue
    }
}

impl Engine for TellsNoOps {
    fn name(&self) -> &'static str {
        "tells"
    }

    fn start<'a>(&'a self, job: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        mini().start(job)
    }

    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        let mut ran = JumpDests::default();
        mini().execute(job, &mut ran)?;
        let mut execution = mini().execute(job, hooks)?;
        if let Some(outcome) = execution.outcome.as_mut().filter(|_| ran.0 > 40) {
            outcome.gas_used += 1;
        }
        Ok(execution)
    }
}

/// So many twins of seed 1 on one engine.
fn twins<'a>(
    engine: &'a dyn EngineSource,
    rules: &'a [Rules],
    programs: u64,
    fail_fast: bool,
) -> Metamorphic<'a> {
    Metamorphic {
        seed: 1,
        draw: Draw { rules, kinds: &[] },
        engine,
        max_gas: 1 << 40,
        max_entries: 1 << 20,
        jobs: 2,
        first: 0,
        programs: Some(programs),
        time: None,
        fail_fast,
    }
}

#[test]
fn one_engine_parts_from_itself_if_it_sees_no_ops() {
    let rules = default_rules();
    let run = |twins: Metamorphic<'_>| twins.run(&AtomicBool::new(false), |_| ()).unwrap();
    for engine in [EngineName::Primary, EngineName::PrimaryRecover] {
        let summary = run(twins(&engine, &rules, 1500, false));
        assert_eq!(summary.findings, []);
        assert_eq!(summary.programs, 1500);
        // Most are compared to their end.
        assert!(summary.told_apart < 150, "{}", summary.told_apart);
    }
    let found = run(twins(&TellsNoOps, &rules, 200, false));
    assert!(found.count > 20 && found.count == found.findings.len() as u64, "{}", found.count);
    let first = &found.findings[0];
    assert!(first.what.contains("gas used: "), "{}", first.what);
    assert_eq!(twins(&TellsNoOps, &rules, 1, false).one(first.number).as_ref(), Some(first));
    assert!(found.findings.is_sorted_by_key(|finding| finding.number));
    assert!(run(twins(&TellsNoOps, &rules, 200, true)).programs < 200);
}

/// From the specification, and not from a run.
#[test]
fn which_halts_are_possible() {
    let check = |fork, opcode, halt, expected| {
        let is = is_possible(Rules::of(fork), Subject::Opcode(opcode), halt);
        assert_eq!(is, expected, "{fork} {opcode} {halt:?}");
    };
    for (fork, opcode, halt, expected) in [
        (Fork::Frontier, Opcode::STOP, Some(Halt::OutOfGas), false),
        (Fork::Frontier, Opcode::RETURN, Some(Halt::OutOfGas), true),
        // EIP-150.
        (Fork::Homestead, Opcode::SELFDESTRUCT, Some(Halt::OutOfGas), false),
        (Fork::TangerineWhistle, Opcode::SELFDESTRUCT, Some(Halt::OutOfGas), true),
        (Fork::Frontier, Opcode::POP, Some(Halt::StackOverflow), false),
        (Fork::Frontier, Opcode::DUP16, Some(Halt::StackOverflow), true),
        (Fork::Frontier, Opcode::SWAP16, Some(Halt::StackOverflow), false),
        (Fork::Frontier, Opcode::PUSH0, None, false),
        (Fork::Frontier, Opcode::PUSH0, Some(Halt::UndefinedOpcode), true),
        (Fork::Shanghai, Opcode::PUSH0, Some(Halt::UndefinedOpcode), false),
        (Fork::Osaka, Opcode::INVALID, None, false),
        (Fork::Osaka, Opcode::INVALID, Some(Halt::InvalidOpcode), true),
        // EIP-214.
        (Fork::Homestead, Opcode::SSTORE, Some(Halt::StaticViolation), false),
        (Fork::Byzantium, Opcode::SSTORE, Some(Halt::StaticViolation), true),
        (Fork::Osaka, Opcode::CALLCODE, Some(Halt::StaticViolation), false),
        // EIP-2, EIP-170, EIP-3541, EIP-3860.
        (Fork::Frontier, Opcode::CREATE, Some(Halt::DepositOutOfGas), false),
        (Fork::Homestead, Opcode::CREATE, Some(Halt::DepositOutOfGas), true),
        (Fork::Homestead, Opcode::CREATE, Some(Halt::CodeTooLarge), false),
        (Fork::SpuriousDragon, Opcode::CREATE, Some(Halt::CodeTooLarge), true),
        (Fork::London, Opcode::CREATE2, Some(Halt::CodeStartsWithEf), true),
        (Fork::London, Opcode::CREATE2, Some(Halt::InitcodeTooLarge), false),
        (Fork::Shanghai, Opcode::CREATE2, Some(Halt::InitcodeTooLarge), true),
        (Fork::Osaka, Opcode::CALL, Some(Halt::CodeTooLarge), false),
        (Fork::Homestead, Opcode::CALL, Some(Halt::PrecompileFailure), false),
        (Fork::Byzantium, Opcode::CALL, Some(Halt::PrecompileFailure), true),
        (Fork::Byzantium, Opcode::CREATE, Some(Halt::PrecompileFailure), false),
        (Fork::Osaka, Opcode::STATICCALL, Some(Halt::InsufficientBalance), false),
        (Fork::Osaka, Opcode::CREATE, Some(Halt::NonceOverflow), true),
        // EIP-8024.
        (Fork::Amsterdam, Opcode::DUPN, Some(Halt::InvalidImmediate), true),
        (Fork::Amsterdam, Opcode::DUPN, Some(Halt::StackOverflow), true),
        (Fork::Amsterdam, Opcode::SWAPN, Some(Halt::StackOverflow), false),
        (Fork::Amsterdam, Opcode::SWAPN, Some(Halt::StackUnderflow), true),
    ] {
        check(fork, opcode, halt, expected);
    }
}

#[test]
fn blocks_are_compared_part_by_part() {
    let rules = default_rules();
    let blocks = |right| Fuzz {
        draw: Draw { rules: &rules, kinds: &[BLOCK] },
        ..fuzz(&EngineName::Primary, right, &rules, 300, 2)
    };
    let summary = run(&blocks(mini()));
    let counts = summary.pairs[0].blocks.unwrap();
    assert!(summary.is_clean() && summary.pairs[0].agreed > 200, "{:?}", summary.pairs);
    assert!(counts.blocks == 300 && counts.parts > 1000, "{counts:?}");
    let faulty = run(&blocks(&Planted));
    let found: Vec<_> =
        faulty.groups.iter().filter_map(|group| group.first.outcome.within.as_deref()).collect();
    assert!(!found.is_empty() && found.len() == faulty.groups.len());
    // Behind the first transaction, too.
    assert!(found.iter().any(|within| within.ends_with("transaction 0")), "{found:?}");
    assert!(found.iter().any(|within| within.ends_with("transaction 2")), "{found:?}");
}
