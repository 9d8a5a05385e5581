//! revm shows hooks what `mini` shows them, step by step, but for what its tolerances name.
#![allow(clippy::unwrap_used, reason = "a test: its helpers may panic as it may")]

mod cases;

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
};

use parallax_engine_interface::{Engine, Job, Progress, Stepper};
use parallax_engine_revm::Revm;
use parallax_hooks::{Hooks, MessagePhase, NoHooks, StepControl, StepEnd, StepView};
use parallax_machine::{Machine, validate};
use parallax_mini_interpreter::Mini;
use parallax_primitives::{Fork, FrameOutcome, FrameStatus, Halt, Message, Opcode, U256};
use parallax_state::State;
use parallax_state_tests::Case;

/// How often each class of difference was met, and where first.
type Differences = BTreeMap<String, (u64, String)>;

/// Watches revm and takes `mini` along.
struct Watch<'a> {
    mini: Box<dyn Stepper + 'a>,
    /// Messages that mini has shown and revm has not.
    messages: VecDeque<(Message, Option<FrameOutcome>)>,
    differences: Vec<String>,
    steps: u64,
}

impl<'a> Watch<'a> {
    fn new(job: &Job<'a>) -> Option<Self> {
        let validated = validate(job).ok()?;
        let state = State::new(job.database, job.rules, job.block.clone(), validated.transaction.clone());
        let mini = Box::new(
            Machine::new(&Mini, &parallax_precompiles::Contracts, job, validated, Box::new(state)).unwrap(),
        );
        let mut watch = Self { mini, messages: VecDeque::new(), differences: Vec::new(), steps: 0 };
        watch.advance(None);
        Some(watch)
    }

    /// Lets mini go on to just before its next opcode, comparing the end of the one that it stands before.
    fn advance(&mut self, revm: Option<(&StepView<'_>, &StepEnd<'_>)>) {
        let mut probe = Probe { revm, messages: &mut self.messages, differences: &mut self.differences };
        let progress = self.mini.run(&mut probe).unwrap();
        let was_compared = probe.revm.is_none();
        assert!(was_compared || progress == Progress::Done);
        if !was_compared {
            self.differences.push("mini was over already".to_owned());
        }
    }
}

impl Hooks for Watch<'_> {
    fn on_step(&mut self, revm: &StepView<'_>) -> StepControl {
        self.steps += 1;
        match self.mini.view() {
            Some(mini) => compare_views("step", &mini, revm, &mut self.differences),
            None => self.differences.push("a step that mini does not have".to_owned()),
        }
        StepControl::Continue
    }
    fn on_step_end(&mut self, revm: &StepView<'_>, end: &StepEnd<'_>) {
        self.advance(Some((revm, end)));
    }
    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        let outcome = match phase {
            MessagePhase::Before => None,
            MessagePhase::After(outcome) => Some(outcome),
        };
        match self.messages.pop_front() {
            None => self.differences.push("a message that mini does not have".to_owned()),
            Some((expected, expected_outcome)) => {
                if expected != *message {
                    self.differences.push(format!("message: {expected:?} {message:?}"));
                }
                if !outcomes_agree(expected_outcome.as_ref(), outcome) {
                    self.differences.push(format!(
                        "outcome: {:?} {:?}",
                        expected_outcome.map(|outcome| outcome.status),
                        outcome.map(|outcome| outcome.status)
                    ));
                }
            }
        }
        StepControl::Continue
    }
}

/// Watches mini for one opcode and what is between it and the next one.
struct Probe<'p, 'v> {
    revm: Option<(&'p StepView<'v>, &'p StepEnd<'v>)>,
    messages: &'p mut VecDeque<(Message, Option<FrameOutcome>)>,
    differences: &'p mut Vec<String>,
}

impl Hooks for Probe<'_, '_> {
    fn on_step(&mut self, _: &StepView<'_>) -> StepControl {
        StepControl::Pause
    }
    fn on_step_end(&mut self, mini: &StepView<'_>, end: &StepEnd<'_>) {
        let Some((revm, revm_end)) = self.revm.take() else {
            self.differences.push("a step that revm does not have".to_owned());
            return;
        };
        compare_views("end", mini, revm, self.differences);
        if !halts_agree(end.halt, revm_end.halt) {
            self.differences.push(format!("halt: {:?} {:?}", end.halt, revm_end.halt));
        }
        let is_tolerated = |halt| Revm.tolerances().costs.iter().any(|tolerance| tolerance.halt == halt);
        if end.gas_cost != revm_end.gas_cost && !end.halt.is_some_and(is_tolerated) {
            self.differences.push(format!("gas cost of {}", mini.opcode));
        }
        if end.state_gas_cost != revm_end.state_gas_cost && !end.halt.is_some_and(is_tolerated) {
            self.differences.push(format!("state gas cost of {}", mini.opcode));
        }
        if end.gas_left != revm_end.gas_left {
            self.differences.push(format!("gas left after {}", mini.opcode));
        }
        if end.effect != revm_end.effect {
            self.differences.push(format!("effect: {:?} {:?}", end.effect, revm_end.effect));
        }
    }
    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        let outcome = match phase {
            MessagePhase::Before => None,
            MessagePhase::After(outcome) => Some(outcome.clone()),
        };
        self.messages.push_back((message.clone(), outcome));
        StepControl::Continue
    }
}

/// Whether revm may have `revm` where the specification has `specified`.
fn halts_agree(specified: Option<Halt>, revm: Option<Halt>) -> bool {
    let is_named =
        |(specified, revm)| Revm.tolerances().halts.iter().any(|pair| (pair.0, pair.1) == (specified, revm));
    specified == revm || specified.zip(revm).is_some_and(is_named)
}

fn outcomes_agree(mini: Option<&FrameOutcome>, revm: Option<&FrameOutcome>) -> bool {
    match mini.zip(revm) {
        Some((
            FrameOutcome { status: FrameStatus::Halt(specified), .. },
            FrameOutcome { status: FrameStatus::Halt(halt), gas_left: 0, .. },
        )) => halts_agree(Some(*specified), Some(*halt)),
        _ => mini == revm,
    }
}

fn compare_views(when: &str, mini: &StepView<'_>, revm: &StepView<'_>, differences: &mut Vec<String>) {
    let same = [
        ("index", mini.index == revm.index),
        ("depth", mini.depth == revm.depth),
        ("pc", mini.pc == revm.pc),
        ("opcode", mini.opcode == revm.opcode),
        ("gas", mini.gas == revm.gas),
        ("state gas", mini.state_gas == revm.state_gas),
        ("refund", mini.refund == revm.refund),
        ("stack", mini.stack == revm.stack),
        ("memory", mini.memory == revm.memory),
        ("return data", mini.return_data == revm.return_data),
        // A frame's first step has what all its steps have.
        ("message", mini.pc > 0 || mini.message == revm.message),
        ("code", mini.pc > 0 || mini.code == revm.code),
        ("journal's refund", mini.journal.refund() == revm.journal.refund()),
        ("logs", mini.journal.logs() == revm.journal.logs()),
        ("slots", !names_a_slot(mini) || slots_agree(mini, revm)),
    ];
    for (what, _) in same.iter().filter(|(_, same)| !same) {
        differences.push(format!("{when}: {what} at {}", mini.opcode));
    }
}

/// Whether the top of the stack is a slot that the opcode reads or writes.
fn names_a_slot(view: &StepView<'_>) -> bool {
    matches!(view.opcode, Opcode::SLOAD | Opcode::SSTORE | Opcode::TLOAD | Opcode::TSTORE)
}

fn slots_agree(mini: &StepView<'_>, revm: &StepView<'_>) -> bool {
    let address = mini.message.address;
    let key = mini.stack.last().copied().unwrap_or_default();
    known(mini, revm, |view| view.journal.storage(address, key))
        && known(mini, revm, |view| view.journal.original_storage(address, key))
        && mini.journal.transient_storage(address, key) == revm.journal.transient_storage(address, key)
}

/// What only one of the two has loaded is no difference: what has been loaded by a frame that failed, revm keeps.
fn known(mini: &StepView<'_>, revm: &StepView<'_>, value: impl Fn(&StepView<'_>) -> Option<U256>) -> bool {
    value(mini).zip(value(revm)).is_none_or(|(mini, revm)| mini == revm)
}

#[derive(Default)]
struct Count {
    cases: u64,
    steps: u64,
    differences: Differences,
}

fn check(case: &Case, count: &mut Count) {
    let Ok(job) = case.job() else { return };
    if Revm.unsupported(case.rules, &case.block).is_some() {
        return;
    }
    let Some(mut watch) = Watch::new(&job) else { return };
    Revm.execute(&job, &mut watch).unwrap();
    assert!(watch.mini.view().is_none());
    assert!(watch.messages.is_empty());
    count.cases += 1;
    count.steps += watch.steps;
    let Case { file, name, rules, d, g, v, .. } = case;
    for difference in watch.differences {
        let seen = count
            .differences
            .entry(difference)
            .or_insert_with(|| (0, format!("{file} {name} {rules} {d} {g} {v}")));
        seen.0 += 1;
    }
}

fn add(total: &mut Count, count: Count) {
    total.cases += count.cases;
    total.steps += count.steps;
    for (difference, (times, place)) in count.differences {
        total.differences.entry(difference).or_insert((0, place)).0 += times;
    }
}

#[track_caller]
fn check_folder(folder: &Path, least: u64) {
    let total = cases::count(folder, check, add);
    eprintln!("{} cases, {} steps", total.cases, total.steps);
    assert!(total.cases >= least && total.steps > 100 * least, "not much to compare");
    let differences = total.differences.iter().take(20);
    let shown: Vec<_> =
        differences.map(|(difference, (times, place))| format!("{times} {difference}: {place}")).collect();
    assert!(shown.is_empty(), "{} kinds of difference:\n{}", total.differences.len(), shown.join("\n"));
}

#[test]
fn the_steps_of_the_fixtures_are_the_same() {
    check_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests"), 500);
}

#[test]
fn the_steps_of_every_official_test_are_the_same() {
    if let Some(folder) = cases::official_tests() {
        check_folder(&folder, 10_000);
    }
}

/// Answers the same at every step from one on, and counts what it is shown from there.
struct From {
    step: u64,
    answer: StepControl,
    shown: u64,
}

impl Hooks for From {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        if step.index < self.step {
            return StepControl::Continue;
        }
        self.shown += 1;
        self.answer
    }
    fn on_step_end(&mut self, step: &StepView<'_>, _: &StepEnd<'_>) {
        self.shown += u64::from(step.index >= self.step);
    }
    fn on_message(&mut self, _: &Message, _: MessagePhase<'_>) -> StepControl {
        self.shown += u64::from(self.shown > 0);
        StepControl::Continue
    }
}

#[test]
fn aborting_ends_the_run_at_any_depth_and_pausing_does_not() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests/calls.json");
    let mut aborted = 0;
    for case in parallax_state_tests::cases(&file).unwrap() {
        let case = case.unwrap();
        let Ok(job) = case.job() else { continue };
        if case.rules != Fork::Osaka {
            continue;
        }
        let plain = Revm.execute(&job, &mut NoHooks).unwrap();
        let mut pausing = From { step: 0, answer: StepControl::Pause, shown: 0 };
        assert_eq!(Revm.execute(&job, &mut pausing).unwrap(), plain);
        for step in 0..(pausing.shown / 2).min(60) {
            let mut hooks = From { step, answer: StepControl::Abort, shown: 0 };
            let execution = Revm.execute(&job, &mut hooks).unwrap();
            if hooks.shown == 0 {
                assert_eq!(execution, plain, "the run was over before step {step}");
                continue;
            }
            assert_eq!(hooks.shown, 1, "shown after the abort at step {step}");
            assert_eq!((execution.outcome, execution.changes.accounts.len()), (None, 0), "step {step}");
            aborted += 1;
        }
    }
    assert!(aborted > 200, "only {aborted} aborts");
}
