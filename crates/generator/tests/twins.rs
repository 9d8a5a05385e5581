//! Programs with no-ops in them: that they are of one length and one gas, and come to the same where no translator is.

use std::collections::BTreeSet;

use parallax_engine_interface::Engine;
use parallax_generator::{Draw, Twins, default_rules};
use parallax_hooks::{Hooks, MessagePhase, StepControl, StepView};
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniEngine;
use parallax_primitives::{FrameStatus, Halt, Message, Opcode};

/// The jumps of a run, with gas and the stack, and whether a no-op may have changed how a frame ended.
#[derive(Default)]
struct Jumps {
    jumps: Vec<(u16, usize, u64, usize)>,
    steps: u64,
    tells_no_ops: bool,
}

impl Hooks for Jumps {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.steps += 1;
        if matches!(step.opcode, Opcode::JUMP | Opcode::JUMPI) {
            self.jumps.push((step.depth, step.pc, step.gas, step.stack.len()));
        }
        StepControl::Continue
    }

    fn on_message(&mut self, _: &Message, phase: MessagePhase<'_>) -> StepControl {
        if let MessagePhase::After(outcome) = phase
            && let FrameStatus::Halt(halt) = outcome.status
        {
            self.tells_no_ops |= matches!(
                halt,
                Halt::StackOverflow | Halt::StackUnderflow | Halt::InvalidJump | Halt::InvalidImmediate
            );
        }
        StepControl::Continue
    }
}

#[test]
fn twins_come_to_the_same() {
    let rules = default_rules();
    let draw = Draw { rules: &rules, kinds: &[] };
    let (mut kinds, mut compared, mut steps) = (BTreeSet::new(), 0, [0; 3]);
    for number in 0..1500 {
        let twins = Twins::new(5, number, draw);
        assert_eq!(twins, Twins::new(5, number, draw));
        let runs = twins.cases.each_ref().map(|case| {
            let mut jumps = Jumps::default();
            let engine = MiniEngine::new("mini", Mini, &parallax_mini_precompiles::Contracts);
            (engine.execute(&case.job(), &mut jumps).unwrap(), jumps)
        });
        let [(end, jumps), others @ ..] = &runs;
        for (sum, (_, jumps)) in steps.iter_mut().zip(&runs) {
            *sum += jumps.steps;
        }
        if runs.iter().any(|(_, jumps)| jumps.tells_no_ops) {
            continue;
        }
        for (other, others_jumps) in others {
            assert_eq!(jumps.jumps, others_jumps.jumps, "twins {number}, {}", twins.cases[0].kind);
            assert_eq!(end, other, "twins {number}, {}", twins.cases[0].kind);
        }
        kinds.insert(twins.cases[0].kind);
        compared += 1;
    }
    println!("{compared} compared, {steps:?} steps, {kinds:?}");
    assert!(compared > 900 && kinds.len() >= 12, "{compared} {kinds:?}");
    // JUMPDESTs are more steps for the same gas.
    assert!(steps[1] > steps[0] + steps[0] / 4, "{steps:?}");
}

#[test]
fn kinds_that_see_their_code_have_none() {
    assert!(Twins::are_of("mixed") && !Twins::are_of("creates") && !Twins::are_of("large"));
    assert!(!Twins::are_of("scenario") && !Twins::are_of("edges"));
    let draw = Draw { rules: &[], kinds: &["creates", "folds"] };
    assert!((0..50).all(|number| Twins::new(1, number, draw).cases[0].kind == "folds"));
}
