//! Pausing, resuming, aborting and stepping: the same opcodes in the same order, however the run is cut up.

use std::cell::Cell;

use parallax_engine_interface::{Interpreter, Progress, Stepper};
use parallax_hooks::{Hooks, Interest, MessagePhase, NoHooks, StepControl, StepEnd, StepView};
use parallax_mini_interpreter::Mini;
use parallax_primary_interpreter::Primary;
use parallax_primitives::{Address, Fork};

use crate::world::{OTHER, TARGET, World};

/// Two frames, a precompiled contract and a creation.
fn world() -> World {
    let source = format!(
        "PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH {OTHER} GAS CALL PUSH 0 SSTORE
         PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 2 GAS STATICCALL POP
         PUSH 1 PUSH 0 PUSH 0 CREATE POP"
    );
    World::new(Fork::Osaka).code(TARGET, &source).code(OTHER, "PUSH 7 PUSH 0 SSTORE PUSH 1 POP")
}

/// What is seen of a step, as far as it tells steps apart.
type Seen = (u64, u16, usize, u64);

fn seen(step: &StepView<'_>) -> Seen {
    (step.index, step.depth, step.pc, step.gas)
}

/// Records steps, and answers `control` before every opcode whose index `at` picks.
struct Recorder<'c> {
    steps: Vec<Seen>,
    ends: usize,
    asked: Cell<u32>,
    at: &'c dyn Fn(u64) -> bool,
    control: StepControl,
}

impl<'c> Recorder<'c> {
    fn new(control: StepControl, at: &'c dyn Fn(u64) -> bool) -> Self {
        Self { steps: Vec::new(), ends: 0, asked: Cell::new(0), at, control }
    }
}

impl Hooks for Recorder<'_> {
    fn interest(&self) -> Interest {
        self.asked.set(self.asked.get() + 1);
        Interest::Steps
    }

    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.steps.push(seen(step));
        if (self.at)(step.index) { self.control } else { StepControl::Continue }
    }

    fn on_step_end(&mut self, _: &StepView<'_>, _: &StepEnd<'_>) {
        self.ends += 1;
    }
}

fn whole(interpreter: &impl Interpreter) -> Vec<Seen> {
    let world = world();
    let mut recorder = Recorder::new(StepControl::Continue, &|_| false);
    assert_eq!(world.machine(interpreter).unwrap().run(&mut recorder).unwrap(), Progress::Done);
    assert_eq!(recorder.steps.len(), recorder.ends);
    assert_eq!(recorder.asked.get(), 1, "interest is asked once a run");
    recorder.steps
}

/// Both ends of every message: the sign, depth and target.
fn messages(interpreter: &impl Interpreter) -> Vec<(char, u16, Address)> {
    let world = world();
    let mut machine = world.machine(interpreter).unwrap();
    let mut messages = Vec::new();
    while machine.step(&mut NoHooks).unwrap() == Progress::Paused {
        let stands = machine.message().map(|(message, phase)| {
            let sign = if matches!(phase, MessagePhase::Before) { '+' } else { '-' };
            (sign, message.depth, message.address)
        });
        assert_ne!(machine.view().is_some(), stands.is_some(), "it stands before an opcode or at a message");
        messages.extend(stands);
    }
    assert!(machine.message().is_none() && machine.view().is_none());
    messages
}

#[track_caller]
fn check_stepping(interpreter: &impl Interpreter) {
    let world = world();
    let mut machine = world.machine(interpreter).unwrap();
    let mut recorder = Recorder::new(StepControl::Continue, &|_| false);
    let mut steps = Vec::new();
    assert!(machine.view().is_none(), "nothing to see before the first frame");
    assert!(matches!(machine.message(), Some((_, MessagePhase::Before))));
    while machine.step(&mut recorder).unwrap() == Progress::Paused {
        steps.extend(machine.view().as_ref().map(seen));
        assert_eq!(recorder.steps, steps, "hooks have seen where it stands");
    }
    assert_eq!(recorder.ends, steps.len());
    assert_eq!(steps, whole(interpreter));
}

#[test]
fn stepping_sees_every_opcode_once() {
    assert_eq!(whole(&Mini), whole(&Primary::new()));
    assert_eq!(whole(&Mini).iter().map(|step| step.1).max(), Some(1));
    check_stepping(&Mini);
    check_stepping(&Primary::new());
}

#[test]
fn stepping_stands_at_both_ends_of_every_message() {
    let found = messages(&Mini);
    let created = TARGET.create(0);
    let precompiled = Address::with_last_byte(2);
    let inside = [OTHER, precompiled, created].map(|address| [('+', 1, address), ('-', 1, address)]);
    assert_eq!(found[0], ('+', 0, TARGET));
    assert_eq!(found[1..found.len() - 1], inside.concat());
    assert_eq!(found[found.len() - 1], ('-', 0, TARGET));
    assert_eq!(messages(&Primary::new()), found);
}

#[track_caller]
fn check_pausing(interpreter: &impl Interpreter) {
    let world = world();
    let mut recorder = Recorder::new(StepControl::Pause, &|index| index % 3 == 1);
    let mut machine: Box<dyn Stepper + '_> = Box::new(world.machine(interpreter).unwrap());
    let mut pauses = 0;
    while machine.run(&mut recorder).unwrap() == Progress::Paused {
        let stands = machine.view().as_ref().map(seen);
        assert_eq!(
            stands,
            recorder.steps.last().copied(),
            "it stands before the opcode that was asked about"
        );
        pauses += 1;
    }
    let all = whole(interpreter);
    assert_eq!(recorder.steps, all, "no opcode is asked about twice, none is left out");
    assert_eq!(pauses, all.iter().filter(|step| step.0 % 3 == 1).count());
    assert_eq!(recorder.ends, all.len());
    assert_eq!(machine.finish().unwrap(), world.run().execution);
}

#[test]
fn a_paused_run_goes_on_where_it_was() {
    check_pausing(&Mini);
    check_pausing(&Primary::new());
}

#[track_caller]
fn check_abort(interpreter: &impl Interpreter) {
    let world = world();
    let mut recorder = Recorder::new(StepControl::Abort, &|index| index == 9);
    let mut machine: Box<dyn Stepper + '_> = Box::new(world.machine(interpreter).unwrap());
    for _ in 0..2 {
        assert_eq!(machine.run(&mut recorder).unwrap(), Progress::Aborted);
        assert_eq!((recorder.steps.len(), recorder.ends), (10, 9), "nothing runs after it");
    }
    assert_eq!(machine.step(&mut NoHooks).unwrap(), Progress::Aborted);
    assert!(machine.view().is_none());
    let execution = machine.finish().unwrap();
    assert_eq!(execution.outcome, None);
    assert!(execution.changes.accounts.is_empty());
}

#[test]
fn an_aborted_run_has_changed_nothing() {
    check_abort(&Mini);
    check_abort(&Primary::new());
    let world = world();
    let unfinished: Box<dyn Stepper + '_> = Box::new(world.machine(&Mini).unwrap());
    assert_eq!(unfinished.finish().unwrap().outcome, None, "one that is given up before its end neither");
}
