//! Cases of one opcode on a constructed state: what a number stands for, how long they are, what they reach.

use std::collections::{BTreeMap, BTreeSet};

use parallax_engine_interface::{Engine, EngineError};
use parallax_generator::{Case, Draw, EDGES, default_rules};
use parallax_hooks::{Hooks, StepControl, StepEnd, StepView};
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniEngine;
use parallax_primitives::{Fork, Halt, Opcode, Rules};

/// What a run did: its steps, and the halts of each opcode, all without gas left that was met with none.
#[derive(Default)]
struct Seen {
    steps: u64,
    ends: BTreeSet<(Opcode, Option<Halt>)>,
    without_gas: bool,
    full_stack: bool,
    deepest: u16,
}

impl Hooks for Seen {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.steps += 1;
        self.without_gas |= step.gas == 0;
        self.full_stack |= step.stack.len() == 1024;
        self.deepest = self.deepest.max(step.depth);
        StepControl::Continue
    }

    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.ends.insert((step.opcode, end.halt));
    }
}

fn run(case: &Case) -> Option<Seen> {
    let mut seen = Seen::default();
    let engine = MiniEngine::new("mini", Mini, &parallax_mini_precompiles::Contracts);
    match engine.execute(&case.job(), &mut seen) {
        Ok(_) => Some(seen),
        Err(EngineError::Rejected(_)) => None,
        Err(EngineError::Host(error)) => panic!("{error}"),
    }
}

#[test]
fn the_number_says_the_opcode_and_the_rules() {
    let rules = default_rules();
    let (seed, cancun) = (3, Rules::of(Fork::Cancun));
    for kinds in [&[][..], &[EDGES]] {
        let draw = Draw { rules: &rules, kinds };
        let (mut numbers, mut runs) = (BTreeSet::new(), 0);
        for round in 0..40 {
            let number = draw.number_of(seed, cancun, Some(Opcode::MCOPY), round).unwrap();
            let case = Case::new(seed, number, draw);
            assert_eq!((case.kind, case.rules), (EDGES, cancun));
            assert_eq!(case, Case::new(seed, number, draw));
            assert!(numbers.insert(number));
            let seen = run(&case);
            runs += u32::from(seen.is_some_and(|seen| seen.ends.iter().any(|(of, _)| *of == Opcode::MCOPY)));
        }
        // Now and then gas is over before, or the transaction is refused.
        assert!(runs > 30, "{runs}");
        // Of the transaction itself as well; of rules that are not drawn there are none.
        let number = draw.number_of(seed, cancun, None, 0).unwrap();
        assert_eq!(Case::new(seed, number, draw).kind, EDGES);
        assert_eq!(draw.number_of(seed, Rules::of(Fork::Bpo1), None, 0), None);
    }
    let scenarios = Draw { rules: &rules, kinds: &["scenario"] };
    assert_eq!(scenarios.number_of(seed, cancun, None, 0), None);
}

/// A few dozen steps mostly, and nearly everything that some opcodes can come to.
#[test]
fn edges_are_short_and_have_an_end_of_every_kind() {
    let rules = [Rules::of(Fork::Prague)];
    let draw = Draw { rules: &rules, kinds: &[EDGES] };
    let (mut ends, mut steps) = (BTreeMap::new(), Vec::new());
    let (mut without_gas, mut full, mut deepest) = (0, 0, 0);
    for opcode in [Opcode::SSTORE, Opcode::CALL, Opcode::JUMP, Opcode::DUP1, Opcode::CREATE2, Opcode::EXP] {
        for round in 0..700 {
            let number = draw.number_of(1, rules[0], Some(opcode), round).unwrap();
            let Some(seen) = run(&Case::new(1, number, draw)) else { continue };
            steps.push(seen.steps);
            without_gas += u32::from(seen.without_gas);
            full += u32::from(seen.full_stack);
            deepest = deepest.max(seen.deepest);
            for (of, halt) in seen.ends {
                *ends.entry((of, halt)).or_insert(0) += u32::from(of == opcode);
            }
        }
    }
    steps.sort_unstable();
    let median = steps[steps.len() / 2];
    println!("median {median}, longest {}, {without_gas} without gas, {full} full", steps[steps.len() - 1]);
    assert!(median <= 40, "{median}");
    assert!(without_gas > 20 && full > 20 && deepest == 1024, "{without_gas} {full} {deepest}");
    for (opcode, halt) in [
        (Opcode::SSTORE, None),
        (Opcode::SSTORE, Some(Halt::OutOfGas)),
        (Opcode::SSTORE, Some(Halt::StaticViolation)),
        (Opcode::SSTORE, Some(Halt::StackUnderflow)),
        (Opcode::CALL, None),
        (Opcode::CALL, Some(Halt::OutOfGas)),
        (Opcode::CALL, Some(Halt::StaticViolation)),
        (Opcode::JUMP, None),
        (Opcode::JUMP, Some(Halt::InvalidJump)),
        (Opcode::DUP1, None),
        (Opcode::DUP1, Some(Halt::StackOverflow)),
        (Opcode::DUP1, Some(Halt::StackUnderflow)),
        (Opcode::CREATE2, None),
        (Opcode::CREATE2, Some(Halt::InitcodeTooLarge)),
        (Opcode::EXP, Some(Halt::OutOfGas)),
    ] {
        let count = ends.get(&(opcode, halt)).copied().unwrap_or(0);
        assert!(count >= 5, "{opcode} {halt:?}: {count}");
    }
}
