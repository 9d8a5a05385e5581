//! A recorder that is not shown every step: it says which, numbers the others as the run does, and what it has of them is true.
//! And one that is drained while messages are going on.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod programs;

use std::ops::Range;

use parallax_generator::Scenario;
use parallax_hooks::{MessagePhase, StepEnd, StepView};
use parallax_primitives::Message;
use parallax_tracer_core::{StepResult, Traced, Tracer};
use parallax_tracer_standard::{Recorder, Trace, TracerConfig};

use programs::execute;

/// What is hidden from a recorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hidden {
    /// The steps alone.
    Steps,
    /// Messages, too.
    All,
    /// All, but the first step is shown before it runs: as to a run that pauses there and goes on with other hooks.
    AllBehindOne,
    /// All, but one in the middle is shown before it runs.
    AllRoundOne,
    /// All, but the first step is shown before it runs, and the last one after: as where other hooks had paused before it.
    AllToAnEnd,
}

/// A recorder that sees everything, and beside it one from which the steps of a range are hidden.
struct Both {
    whole: Recorder,
    blind: Recorder,
    range: Range<u64>,
    hidden: Hidden,
    at: u64,
}

impl Tracer for Both {
    fn step(&mut self, step: &StepView<'_>) {
        self.at = step.index;
        self.whole.step(step);
        let is_shown_before = match self.hidden {
            Hidden::Steps | Hidden::All => false,
            Hidden::AllBehindOne => step.index == self.range.start,
            Hidden::AllToAnEnd => step.index == self.range.start && self.shows_an_end(),
            Hidden::AllRoundOne => step.index == self.range.start.midpoint(self.range.end),
        };
        if is_shown_before || !self.range.contains(&step.index) {
            self.blind.step(step);
        }
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.whole.step_end(step, end);
        let is_shown = self.shows_an_end() && step.index + 1 == self.range.end;
        if is_shown || !self.range.contains(&step.index) {
            self.blind.step_end(step, end);
        }
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        self.whole.message(message, phase);
        if self.hidden == Hidden::Steps || !self.range.contains(&self.at) {
            self.blind.message(message, phase);
        }
    }
}

impl Both {
    fn shows_an_end(&self) -> bool {
        self.hidden == Hidden::AllToAnEnd && self.range.end - self.range.start > 1
    }
}

fn record(scenario: &Scenario, range: Range<u64>, hidden: Hidden) -> (Trace, Trace) {
    let (whole, blind) = (Recorder::new(TracerConfig::full()), Recorder::new(TracerConfig::full()));
    // Before the first step no number tells that something is hidden.
    let mut both = Both { whole, blind, range, hidden, at: u64::MAX };
    // A transaction that is refused has no step.
    let _ = execute(&scenario.job(), &mut Traced(&mut both));
    (both.whole.into_trace(), both.blind.into_trace())
}

/// Numbers that seem to come from nowhere.
fn noise(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below.max(1)
}

/// What is known of a step but for what its frame went on with is the same.
#[track_caller]
fn check_result(blind: &StepResult, whole: &StepResult, range: &Range<u64>, step: u64) {
    if blind.is_open && !whole.is_open {
        // The frame was not seen to go on, or a gap was seen before it did.
        assert!(step < range.end, "step {step} before {range:?}");
        assert_eq!((blind.gas_cost, blind.error_info), (whole.gas_cost, whole.error_info));
    } else {
        assert_eq!(blind, whole, "step {step}, without {range:?}");
    }
}

#[track_caller]
fn check(whole: &Trace, blind: &Trace, range: &Range<u64>) {
    let (total, gap) = (whole.len(), range.start..range.end.min(whole.len()));
    // What is hidden at the end is not missed: nothing tells that it ran, but for a step that was shown before it did.
    let has_end = range.end < total;
    let missing: Vec<u64> = blind.gaps().iter().cloned().flatten().collect();
    if has_end {
        assert!(missing.iter().copied().eq(gap.clone()), "{:?} for {range:?}", blind.gaps());
        assert_eq!(blind.len(), total);
    } else {
        assert!(missing.iter().copied().eq(gap.start..blind.len()), "{:?} for {range:?}", blind.gaps());
    }
    let hidden = gap.end - gap.start;
    let header = blind.header();
    assert_eq!((header.steps, header.missing), (total - hidden, missing.len() as u64));
    assert_eq!(blind.opcode_counts().iter().map(|count| count.count).sum::<u64>(), total - hidden);

    let mut replay = blind.replay();
    let mut depths = Vec::new();
    for step in 0..total {
        depths.push(blind.step_info(step).map(|info| info.depth));
        let (known, expected) = (blind.state_before(step), whole.state_before(step).unwrap());
        if gap.contains(&step) {
            assert_eq!(known, None, "step {step} of {range:?}");
            continue;
        }
        let known = known.unwrap();
        let fields = |state: &parallax_tracer_standard::State| {
            (state.depth, state.pc, state.gas, state.refund, state.stack.clone(), state.memory.clone())
        };
        assert_eq!(fields(&known), fields(&expected), "before step {step}, without {range:?}");
        assert_eq!(known.return_data, expected.return_data, "before step {step}, without {range:?}");
        let (info, whole_info) = (blind.step_info(step).unwrap(), whole.step_info(step).unwrap());
        assert_eq!(info, whole_info, "without {range:?}");
        let result = whole.step_result(step).unwrap();
        check_result(&blind.step_result(step).unwrap(), &result, range, step);
        let shown = replay.advance().unwrap();
        assert_eq!((shown.index, shown.state), (step, &known), "without {range:?}");
        check_result(&replay.result().unwrap(), &result, range, step);
    }
    assert!(replay.advance().is_none());
    for step in [gap.start, gap.start + hidden / 2] {
        let next = blind.replay_from(step).advance().map(|step| step.index);
        assert_eq!(next, has_end.then_some(gap.end), "behind a gap from {step} on");
    }
    let outside = |step: u64| !gap.contains(&step);
    let changes = whole.storage_changes_since(0).filter(|change| outside(change.step));
    assert!(blind.storage_changes_since(0).eq(changes), "without {range:?}");
    let logs = whole.logs_since(0).iter().filter(|log| outside(log.0));
    assert!(blind.logs_since(0).iter().eq(logs), "without {range:?}");
    let mut senders: Vec<_> = blind.calls().iter().filter_map(|call| call.sent_by).collect();
    senders.dedup();
    assert_eq!(senders.len(), blind.calls().iter().filter(|call| call.sent_by.is_some()).count());
    for call in blind.calls() {
        let sender = call.sent_by.map(|step| blind.step_info(step).unwrap());
        let deeper = (0..).zip(&depths).all(|(step, depth)| {
            !blind.steps_of(call).contains(&step) || depth.is_none_or(|depth| depth >= call.message.depth)
        });
        assert!(deeper, "{:?} are steps of a message, without {range:?}", blind.steps_of(call));
        assert!(sender.is_none_or(|sender| sender.depth + 1 == call.message.depth), "without {range:?}");
    }
}

#[test]
fn what_was_not_shown_is_said_and_nothing_else_is_lost() {
    let (mut seed, mut compared) = (1, 0);
    for (number, of) in (0..300).zip([0, 1, 2].into_iter().cycle()) {
        let scenario = Scenario::new(number);
        let total = record(&scenario, 0..0, Hidden::All).0.len();
        if !(2..3000).contains(&total) {
            continue;
        }
        compared += 1;
        let start = noise(&mut seed, total);
        let length = 1 + noise(&mut seed, [2, 20, total][of]);
        for range in [start..start + length, 0..1 + start / 2] {
            for hidden in
                [Hidden::AllToAnEnd, Hidden::Steps, Hidden::All, Hidden::AllBehindOne, Hidden::AllRoundOne]
            {
                let (whole, blind) = record(&scenario, range.clone(), hidden);
                check(&whole, &blind, &range);
            }
        }
    }
    assert!(compared > 100, "{compared}");
}

/// A recorder that is drained every so many steps.
struct Drained {
    recorder: Recorder,
    every: u64,
    /// What was given, by step: once as it was new, and once more if it was open then.
    given: Vec<(u64, StepResult)>,
}

impl Drained {
    fn drain(&mut self) {
        let mut replay = self.recorder.drain_new();
        while let Some(step) = replay.advance() {
            let index = step.index;
            self.given.push((index, replay.result().unwrap()));
        }
    }
}

impl Tracer for Drained {
    fn step(&mut self, step: &StepView<'_>) {
        self.recorder.step(step);
        if step.index.is_multiple_of(self.every) {
            self.drain();
        }
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.recorder.step_end(step, end);
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        self.recorder.message(message, phase);
    }
}

#[test]
fn a_step_that_was_open_is_given_again_when_it_is_over() {
    let mut open = 0;
    for (number, every) in (0..200).zip([1, 2, 3, 7].into_iter().cycle()) {
        let recorder = Recorder::new(TracerConfig::full());
        let mut drained = Drained { recorder, every, given: Vec::new() };
        let _ = execute(&Scenario::new(number).job(), &mut Traced(&mut drained));
        drained.drain();
        let (given, trace) = (drained.given, drained.recorder.into_trace());
        if trace.len() > 5000 {
            continue;
        }
        for step in 0..trace.len() {
            let of_step: Vec<_> =
                given.iter().filter(|given| given.0 == step).map(|given| &given.1).collect();
            let at_end = trace.step_result(step).unwrap();
            assert_eq!(of_step.last(), Some(&&at_end), "scenario {number}, step {step}: its last word");
            let (last, before) = of_step.split_last().unwrap();
            assert!(before.iter().all(|given| given.is_open), "scenario {number}, step {step}");
            assert!(
                before.len() <= 1 && (before.is_empty() || !last.is_open),
                "scenario {number}, step {step}"
            );
            open += before.len();
        }
    }
    assert!(open > 200, "{open} steps were given open");
}
