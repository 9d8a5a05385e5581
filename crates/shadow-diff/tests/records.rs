//! The record of two sides behind their first difference: every step whose views differ is marked, with what differs, and no other.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::collections::BTreeSet;

use parallax_assembly::assemble;
use parallax_campaign::engines;
use parallax_engine_interface::{Engine, Job};
use parallax_generator::Scenario;
use parallax_hooks::{Hooks, StepControl, StepEnd, StepView};
use parallax_memory_database::MemoryDatabase;
use parallax_mini_interpreter::{Fault, FaultPlan, FaultyMini};
use parallax_primitives::{Address, BlockEnv, Bytecode, Effect, Fork, Opcode, Transaction, U256};
use parallax_shadow_diff::{
    Field, Mismatch, RunLimits, ShadowConfig, ShadowMode, SideBySideRun, Value, Verdict, run_both_per_step,
};

const PROGRAMS: usize = 300;
const CONTRACT: Address = Address::repeat_byte(0x11);

fn record(faulty: &dyn Engine, job: &Job<'_>, skip_identical_steps: bool) -> SideBySideRun {
    let config = ShadowConfig { mode: ShadowMode::PerStep, skip_identical_steps, ..ShadowConfig::default() };
    run_both_per_step(engines::mini(), faulty, job, &config, RunLimits::default())
}

/// All that is shown of a step, before and behind it.
#[derive(Default)]
struct Recorder(Vec<[String; 2]>, Vec<Opcode>);

fn view(step: &StepView<'_>) -> String {
    let StepView { index, depth, pc, opcode, gas, state_gas, refund, stack, memory, return_data, .. } = step;
    let marks: BTreeSet<_> = step.journal.marks().into_iter().collect();
    let logs = step.journal.logs();
    let logs = (logs.len(), logs.last());
    let address = step.message.address;
    format!(
        "{index} {depth} {pc} {opcode} {gas} {state_gas:?} {refund} {stack:?} {memory:?} {return_data:?} {address} {marks:?} {logs:?}"
    )
}

impl Hooks for Recorder {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.0.push([view(step), String::new()]);
        self.1.push(step.opcode);
        StepControl::Continue
    }

    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        let kept = match end.effect {
            Effect::Storage(change) => step.journal.storage(change.address, change.key),
            Effect::Log(_) => Some(U256::from(step.journal.logs().len())),
            Effect::Transient(change) => Some(step.journal.transient_storage(change.address, change.key)),
            Effect::None => None,
        };
        // What is forwarded is compared where the message begins.
        let end = StepEnd { forwarded: 0, ..*end };
        self.0.last_mut().unwrap()[1] = format!("{} {end:?} {kept:?}", view(step));
    }
}

fn recorded(engine: &dyn Engine, job: &Job<'_>) -> Recorder {
    let mut recorder = Recorder::default();
    engine.execute(job, &mut recorder).unwrap();
    recorder
}

#[test]
fn every_step_that_differs_is_marked_and_no_other() {
    let (mut diverged, mut marked, mut carried, mut seed) = (0, 0, 0, 0);
    while diverged < PROGRAMS {
        seed += 1;
        let scenario = Scenario::new(seed);
        let job = scenario.job();
        if engines::mini().execute(&job, &mut parallax_hooks::NoHooks).is_err() {
            continue;
        }
        let right = recorded(engines::mini(), &job);
        // Not the deepest ones: a record of each step as text is large.
        if right.0.is_empty() || right.0.len() > 1_000 {
            continue;
        }
        let at = usize::try_from((seed * 0x9e37_79b9) >> 7).unwrap() % right.0.len();
        let fault = Fault::ALL[usize::try_from(seed).unwrap() % Fault::ALL.len()];
        let plan = FaultPlan::new(fault, right.1[at]).from_step(at as u64);
        let faulty = engines::local("faulty", FaultyMini::new(plan));
        let wrong = recorded(&faulty, &job);
        let run = record(&faulty, &job, false);
        let differ = |index: usize| right.0.get(index) != wrong.0.get(index);
        let total = right.0.len().max(wrong.0.len());
        assert_eq!(run.steps.len(), total, "seed {seed}");
        for (index, step) in run.steps.iter().enumerate() {
            assert_eq!(
                step.mismatch.is_some(),
                differ(index),
                "seed {seed}, {plan:?}, step {index} of {total}: {step:?}\n{:?}\n{:?}",
                right.0.get(index),
                wrong.0.get(index)
            );
            assert!(step.mismatch.is_some() || !step.is_carried, "seed {seed}, step {index}");
            carried += usize::from(step.is_carried);
        }
        let differing = (0..total).filter(|index| differ(*index)).count();
        diverged += usize::from(differing > 0);
        marked += differing;
        let first = (0..total).find(|index| differ(*index));
        if let (Verdict::Diverge(_), Some(first)) = (&run.verdict, first) {
            assert_eq!(run.steps.iter().position(|step| step.mismatch.is_some()), Some(first));
            assert!(!run.steps[first].is_carried, "seed {seed}");
        }
        let kept = record(&faulty, &job, true).steps;
        let differing: Vec<_> = run.steps.into_iter().filter(|step| step.mismatch.is_some()).collect();
        assert_eq!(kept, differing, "seed {seed}: what is left out is what is the same");
    }
    assert!(marked > 10 * PROGRAMS && carried > PROGRAMS, "{marked} marked, {carried} of them carried");
}

/// One flipped bit: where it is new, where it is only carried on, and where it becomes other values.
#[test]
fn what_is_carried_on_is_told_from_what_is_new() {
    let source = "PUSH 1 PUSH 2 PUSH 0 MLOAD PUSH 9 POP ADD PUSH 7 SWAP1 SSTORE PUSH 3 POP STOP";
    let mut database = MemoryDatabase::default();
    database.accounts.entry(CONTRACT).or_default().code = Bytecode::new(assemble(source).unwrap());
    let block = BlockEnv { number: 1, gas_limit: u64::MAX, ..BlockEnv::default() };
    let transaction = Transaction { to: Some(CONTRACT), gas_limit: 1_000_000, ..Transaction::default() };
    let job = Job {
        rules: Fork::Prague.into(),
        chain_id: 1,
        block: &block,
        subject: (&transaction).into(),
        database: &database,
    };
    let faulty =
        engines::local("faulty", FaultyMini::new(FaultPlan::new(Fault::FlipResult(0), Opcode::MLOAD)));
    let run = record(&faulty, &job, false);
    let word = |number: u64| Value::Word(U256::from(number));
    let stack = |item, left, right| (Field::Stack(item), word(left), word(right));
    let slot = |key: u64| Field::Storage(CONTRACT, U256::from(key));
    let found: Vec<_> = run
        .steps
        .iter()
        .filter_map(|step| {
            let Mismatch { field, left, right } = &**step.mismatch.as_ref()?;
            Some((step.index, step.is_carried, (*field, left.clone(), right.clone())))
        })
        .collect();
    let expected = [
        (3, false, stack(0, 0, 1)),
        (4, true, stack(0, 0, 1)),
        (5, true, stack(1, 0, 1)),
        (6, false, stack(0, 2, 3)),
        (7, true, stack(0, 2, 3)),
        (8, true, stack(1, 2, 3)),
        (9, false, (slot(2), word(7), Value::Absent)),
    ];
    assert_eq!(found[..expected.len()], expected);
    // The stores left other marks, which stay.
    assert!(found[expected.len()..].iter().all(|(_, is_carried, _)| *is_carried), "{found:?}");
    assert_eq!(run.diverged_at, Some(3));
}
