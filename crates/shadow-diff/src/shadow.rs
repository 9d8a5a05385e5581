//! Hooks that run another engine beside the one that is watched, and compare.
//!
//! Order at each opcode: both stand before it and what they find is compared; the watched engine runs it; the stepped one runs
//! it; what they left is compared. Messages are compared when the watched engine shows them.
//!
//! Invariant: nothing is called agreement that was not compared. The first difference is kept, whoever pauses when.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use parallax_engine_interface::{EngineError, Execution, Progress, Stepper};
use parallax_hooks::{Hooks, Interest, MessagePhase, StepControl, StepEnd, StepView};
use parallax_host_interface::HostError;
use parallax_primitives::{Message, MessageKind, StateGas, U256};

use crate::{
    Detail, Divergence, Field, Mismatch, PathItem, Place, ShadowConfig, ShadowMode, Side, StepSide, Value,
    Verdict,
    detail::{GasSplit, LastTouched, Touched},
    history::Recent,
    outcome::{self, differs},
    record::Record,
    standing::Standing,
    step::{ALL, compare_state, compare_state_end},
    step_side::EndGas,
    stepped::{Stepped, Until},
};

/// Most items that any opcode takes from the stack and a report shows: CALL's.
const INPUTS: usize = 7;

/// No part of a memory.
const NONE: Range<usize> = 0..0;

/// Why nothing is compared where no callback came.
const NOTHING_SHOWN: &str = "no step, block entry or message was shown";

/// Watches one engine and steps another beside it. Give it to the watched engine as its hooks, then ask it to
/// [`Shadow::finish`].
///
/// Both engines have their own state. In the mode per-step the watched engine shows steps, in the mode per-block block
/// entries; any engine that calls [`Hooks`] so can be watched, one that cannot be stepped included.
pub struct Shadow<'a> {
    names: [String; 2],
    watched: Side,
    config: ShadowConfig,
    stepped: Stepped<'a>,
    /// Open messages of the watched side.
    frames: Vec<PathItem>,
    /// Messages that have begun.
    messages: usize,
    /// Steps, or block entries, that the watched engine has shown.
    steps: u64,
    max_steps: u64,
    begun: Begun,
    /// A frame was entered or left since the last opcode: all of the next one's state is compared.
    is_fresh: bool,
    /// The part of the memory that may have changed since then: all of it where a callee's output was copied there, else the
    /// room for it.
    fresh_memory: Range<usize>,
    /// For each open message, the room for its output in its caller's memory.
    rooms: Vec<Range<usize>>,
    /// Both sides stand at the same block entry.
    at_entry: bool,
    /// Both sides stand at the same end of the same message, and it was compared.
    at_message: bool,
    recent: Recent,
    touched: LastTouched,
    /// What the opcode that has begun takes from the stack, the top first.
    inputs: [U256; INPUTS],
    found: Option<Box<Divergence>>,
    /// Why nothing more is compared, if not for a difference: the verdict.
    fault: Option<Verdict>,
    on_divergence: StepControl,
    pub(crate) record: Option<Record>,
    clock: Option<Clock>,
    standing: Standing,
}

/// The opcode that the watched engine is in.
#[derive(Default)]
struct Begun {
    is_open: bool,
    gas: u64,
    state_gas: StateGas,
    stack_size: usize,
    memory: usize,
    /// Items that it takes.
    inputs: usize,
    /// Whether the stepped side is in one too.
    has_stepped: bool,
    /// In which, if steps are recorded.
    stepped: Option<StepSide>,
}

/// Time that each side took, watched and stepped, told by when control changes hands.
struct Clock {
    since: Instant,
    times: [Duration; 2],
}

/// What came of a run beside another.
#[derive(Debug)]
pub struct Compared {
    /// The answer.
    pub verdict: Verdict,
    /// Opcodes that the watched side has shown; block entries in the mode per-block; the left side's messages in the mode
    /// per-call.
    pub steps: u64,
    /// What the engines answered, left and right.
    pub results: [Result<Execution, EngineError>; 2],
    /// Time of each engine apart, left and right; zero if it was not asked for, but in the mode per-call.
    pub times: [Duration; 2],
    pub(crate) record: Option<Record>,
}

impl<'a> Shadow<'a> {
    /// Runs `stepper`, which has not begun, beside a watched engine that has not either. `names` are the left side's and the
    /// right side's; the watched engine is the left side. The stepped engine can be paused at opcodes alone: in the mode per-call
    /// steps are compared as well.
    pub fn new(names: [&str; 2], stepper: Box<dyn Stepper + 'a>, config: &ShadowConfig) -> Self {
        Self {
            names: names.map(str::to_owned),
            watched: Side::Left,
            config: *config,
            stepped: Stepped::new(stepper),
            frames: Vec::new(),
            messages: 0,
            steps: 0,
            max_steps: config.max_steps,
            begun: Begun::default(),
            is_fresh: true,
            fresh_memory: ALL,
            rooms: Vec::new(),
            at_entry: false,
            at_message: false,
            recent: Recent::default(),
            touched: LastTouched::new(config.storage_key_limit),
            inputs: [U256::ZERO; INPUTS],
            found: None,
            fault: None,
            on_divergence: StepControl::Abort,
            record: None,
            standing: Standing::new(
                names,
                if config.mode == ShadowMode::PerBlock { "block entry" } else { "step" },
            ),
            clock: config.measure_time.then(|| Clock { since: Instant::now(), times: [Duration::ZERO; 2] }),
        }
    }

    /// Which side the watched engine is.
    #[must_use]
    pub fn watching(self, watched: Side) -> Self {
        Self { watched, ..self }
    }

    /// Lets hooks see what the stepped engine shows. Where they ask to pause or to abort, the watched one is asked to.
    #[must_use]
    pub fn observed_by(mut self, observer: &'a mut dyn Hooks) -> Self {
        self.watch_stepped(Box::new(observer));
        self
    }

    pub(crate) fn watch_stepped(&mut self, observer: Box<dyn Hooks + 'a>) {
        self.stepped.observer = Some(observer);
    }

    /// What to ask for where a divergence is found, or at the first opcode behind it: to abort, if nothing else is said.
    #[must_use]
    pub fn on_divergence(self, control: StepControl) -> Self {
        Self { on_divergence: control, ..self }
    }

    /// Ends the run after so many steps, or block entries. The limit is the verdict then, unless it has diverged before.
    #[must_use]
    pub fn limited_to(self, max_steps: u64) -> Self {
        Self { max_steps, ..self }
    }

    /// The first difference so far.
    pub fn divergence(&self) -> Option<&Divergence> {
        self.found.as_deref()
    }

    /// Goes on past the divergence, if there is one: both sides run on, step by step, and [`Shadow::divergence`] stays.
    pub fn go_on(&mut self) {
        if self.found.is_some() {
            self.on_divergence = StepControl::Continue;
        }
    }

    /// Whether the run is to stay where it differs.
    pub(crate) fn stands_at_divergence(&self) -> bool {
        self.found.is_some() && self.on_divergence == StepControl::Pause
    }

    /// What the stepped side stands before.
    pub(crate) fn stepped_view(&self) -> Option<StepView<'_>> {
        self.stepped.stepper.view()
    }

    /// The message that the stepped side stands before or behind.
    pub(crate) fn stepped_message(&self) -> Option<(&Message, MessagePhase<'_>)> {
        self.stepped.stepper.message()
    }

    /// Ends both runs and compares what is left: what the stepped side has shown and the watched one has not, both outcomes,
    /// both states.
    pub fn finish(mut self, watched: Result<Execution, EngineError>) -> Compared {
        self.take_over();
        if self.is_running() {
            self.leave();
        }
        // A watched side that was ended where it stands says nothing of what would have followed.
        if matches!(&watched, Ok(Execution { outcome: Some(_), .. })) {
            if self.steps == 0 && self.messages == 0 && self.is_running() {
                self.fault = Some(Verdict::NotCompared(NOTHING_SHOWN.to_owned()));
            }
            if self.is_running() {
                self.left_over();
            }
            // Past a divergence both sides run to their end.
            if self.on_divergence == StepControl::Continue && self.found.is_some() {
                self.run_out();
            }
        }
        // It took nothing, so the other one was not begun: what that makes of the transaction is the other half of the answer.
        if matches!(&watched, Err(EngineError::Rejected(_))) && !self.stepped.is_started {
            let ended = aside(&mut self.standing, &mut self.clock, || self.stepped.run_alone());
            self.note(ended);
        }
        let Self { names, watched: side, config, stepped, steps, recent, .. } = self;
        let Self { found, fault, record, clock, .. } = self;
        let mut results = [watched, stepped.stepper.finish().map_err(EngineError::from)];
        let mut times = clock.map_or([Duration::ZERO; 2], |clock| clock.times);
        if side == Side::Right {
            results.reverse();
            times.reverse();
        }
        let verdict = match (found, fault) {
            (Some(found), _) => Verdict::Diverge(found),
            (None, Some(fault)) => fault,
            (None, None) => {
                let engines = [names[0].as_str(), names[1].as_str()];
                let compared = outcome::answers(engines, [&results[0], &results[1]], &config, || Ok(()));
                outcome::verdict(compared, engines, || recent.items(), &config)
            }
        };
        Compared { verdict, steps, results, times, record }
    }

    /// Whether there is still something to compare.
    fn is_running(&self) -> bool {
        self.found.is_none() && self.fault.is_none()
    }

    fn control(&mut self) -> StepControl {
        let asked = std::mem::replace(&mut self.stepped.asked, StepControl::Continue);
        if self.fault.is_some() {
            StepControl::Abort
        } else if self.found.is_some() {
            self.on_divergence.max(asked)
        } else {
            asked
        }
    }

    /// Left and right out of watched and stepped.
    fn sides<T>(&self, watched: T, stepped: T) -> [T; 2] {
        match self.watched {
            Side::Left => [watched, stepped],
            Side::Right => [stepped, watched],
        }
    }

    /// Names of the watched side and the stepped one.
    fn names(&self) -> [&str; 2] {
        let [left, right] = &self.names;
        self.sides(left, right).map(String::as_str)
    }

    fn diverge(&mut self, place: Place, mismatch: Mismatch, detail: Option<Box<Detail>>) {
        let mut found =
            Divergence::new(self.names.clone(), place, mismatch, self.recent.items(), &self.config);
        found.detail = detail;
        self.found = Some(Box::new(found));
    }

    /// What the watched engine has and the other one has not, or the other way round.
    fn one_sided(&self, field: Field, has_watched: bool) -> Mismatch {
        let value = |is_there| if is_there { Value::Present } else { Value::Absent };
        let [left, right] = self.sides(value(has_watched), value(!has_watched));
        Mismatch { field, left, right }
    }

    /// The watched engine's time ends.
    fn take_over(&mut self) {
        if let Some(clock) = &mut self.clock {
            clock.times[0] += clock.since.elapsed();
        }
    }

    /// The watched engine's time begins.
    fn hand_back(&mut self) {
        if let Some(clock) = &mut self.clock {
            clock.since = Instant::now();
        }
    }

    /// Runs the stepped side on; its time is counted.
    fn advance(&mut self, until: Until, end: impl FnMut(&StepView<'_>, &StepEnd<'_>)) {
        let advanced = aside(&mut self.standing, &mut self.clock, || self.stepped.advance(until, end));
        self.note(advanced);
    }

    #[inline]
    fn note(&mut self, advanced: Result<(), Box<HostError>>) {
        if let Err(error) = advanced {
            self.fault = Some(outcome::failed(self.names()[1], &error));
        }
    }

    /// The stepped side stands before its first opcode from the first callback on.
    #[inline]
    fn start_stepped(&mut self) {
        if !self.stepped.is_started {
            self.start_stepped_now();
        }
    }

    /// Apart from the check, which is made at every callback.
    #[cold]
    fn start_stepped_now(&mut self) {
        self.advance(self.until(), |_, _| ());
    }

    /// Lets the stepped side leave the block entry or the message at which both stand.
    #[inline]
    fn leave(&mut self) {
        if self.at_message || self.at_entry {
            self.leave_now();
        }
    }

    #[cold]
    fn leave_now(&mut self) {
        self.at_message = false;
        if std::mem::take(&mut self.at_entry) {
            let log_count = self.stepped.stepper.view().map_or(0, |view| view.journal.logs().len());
            self.stepped.block.begin(log_count);
        }
        self.advance(self.until(), |_, _| ());
    }

    /// Where the stepped side pauses.
    fn until(&self) -> Until {
        if self.config.mode == ShadowMode::PerBlock { Until::NextBlock } else { Until::NextStep }
    }

    /// The watched side stands before an opcode and the stepped one does not: messages of its that the watched one does not have
    /// are a difference, and are left behind.
    #[cold]
    fn catch_up(&mut self, step: &StepView<'_>) {
        while self.stepped.stepper.message().is_some() && self.fault.is_none() {
            if self.is_running() {
                let mismatch = self.one_sided(Field::Message, false);
                self.diverge_at_step(step, mismatch, None);
            }
            let asked = self.stepped.asked;
            self.advance(Until::NextStep, |_, _| ());
            self.stepped.asked = self.stepped.asked.max(asked);
        }
    }

    /// Compares where both sides stand, before an opcode.
    fn before(&mut self, step: &StepView<'_>) {
        if !self.stepped.stands {
            let mismatch = self.one_sided(Field::Step, true);
            if let Some(record) = &mut self.record {
                record.differ(mismatch.clone());
            }
            if self.is_running() {
                self.diverge_at_step(step, mismatch, None);
            }
            return;
        }
        // In a frame that was not left since the last opcode, the rest was compared behind that.
        let stand = &self.stepped.stand;
        let is_settled = !self.is_fresh
            && stand.pc == step.pc
            && stand.gas_before == step.gas
            && stand.state_gas == step.state_gas
            && stand.opcode == step.opcode
            && stand.depth == step.depth;
        if !is_settled && self.found.is_none() {
            self.compare_stand(step);
        }
        if self.found.is_some() && self.record.is_some() {
            self.record_stand(step);
        }
    }

    /// Notes all that differs in what both sides stand before.
    #[cold]
    fn record_stand(&mut self, step: &StepView<'_>) {
        let (Some(other), Some(record)) = (self.stepped.stepper.view(), &mut self.record) else { return };
        let (left, right) = match self.watched {
            Side::Left => (step, &other),
            Side::Right => (&other, step),
        };
        compare_state(left, right, ALL, &self.config, Some(record.differences()));
    }

    /// Compares all of what both sides stand before.
    fn compare_stand(&mut self, step: &StepView<'_>) {
        let Some(other) = self.stepped.stepper.view() else { return };
        let [left, right] = self.sides(step, &other);
        let mismatch = compare_state(left, right, self.fresh_memory.clone(), &self.config, None);
        if let Some(mismatch) = mismatch {
            let detail = self.config.enable_detailed_diffs.then(|| {
                let touched = self.touched.newest_first();
                Box::new(Detail::new(&mismatch, &[], [left, right], [None; 2], touched, &self.config))
            });
            self.diverge_at_step(step, *mismatch, detail);
        }
    }

    fn diverge_at_step(&mut self, step: &StepView<'_>, mismatch: Mismatch, detail: Option<Box<Detail>>) {
        let (index, step) = (self.steps, StepSide::before(step));
        let place = Place::Step { index, step, is_over: false, path: self.frames.clone() };
        self.diverge(place, mismatch, detail);
    }

    /// A message of the watched side against the next one that the stepped side has shown.
    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        let other = self.stepped.stepper.message();
        if self.config.mode == ShadowMode::PerBlock && self.steps == 0 && other.is_none() {
            // The stepped side waits at the first entry of all, which every frame with code has.
            self.fault = Some(Verdict::Poisoned(format!("{}: it shows no block entries", self.names()[0])));
            return;
        }
        let (is_over, mismatch) = match (phase, other) {
            (MessagePhase::Before, Some((other, MessagePhase::Before))) => {
                let [left, right] = self.sides(message, other);
                let mismatch = outcome::message(left, right, &self.config)
                    .or_else(|| outcome::bytes_differ(Field::Input, &left.input, &right.input))
                    .or_else(|| differs(Field::Gas, left.gas, right.gas))
                    .or_else(|| outcome::state_gas(left.state_gas, right.state_gas));
                (false, mismatch)
            }
            (MessagePhase::After(outcome), Some((_, MessagePhase::After(other)))) => {
                let [left, right] = self.sides(outcome, other);
                (true, outcome::frame(left, right, &self.config))
            }
            (MessagePhase::Before, _) => (false, Some(self.one_sided(Field::Message, true))),
            // The stepped side has sent one that the watched one has not, or goes on where the watched one is over.
            (MessagePhase::After(_), Some((_, MessagePhase::Before))) => {
                (true, Some(self.one_sided(Field::Message, false)))
            }
            (MessagePhase::After(_), None) => (true, Some(self.one_sided(Field::Step, false))),
        };
        match mismatch {
            Some(mismatch) => {
                let index = self.frames.last().map_or(0, |frame| frame.index);
                self.diverge(Place::Message { index, is_over, path: self.frames.clone() }, mismatch, None);
            }
            None => self.at_message = true,
        }
    }

    /// Where a message that the last opcode has sent wants its output: of a call its last two operands say it.
    fn room(&self, message: &Message) -> Range<usize> {
        let [offset, size] = match message.kind {
            _ if message.depth == 0 => return NONE,
            MessageKind::Create | MessageKind::Create2 => return NONE,
            MessageKind::Call | MessageKind::CallCode => [5, 6],
            MessageKind::DelegateCall | MessageKind::StaticCall => [4, 5],
        }
        .map(|number: usize| self.inputs[number].saturating_to::<usize>());
        if size == 0 { NONE } else { offset..offset.saturating_add(size) }
    }

    /// The stepped side has shown more than the watched one, which is over.
    fn left_over(&mut self) {
        let place = Place::Transaction;
        if self.stepped.stepper.message().is_some() {
            let mismatch = self.one_sided(Field::Message, false);
            self.diverge(place, mismatch, None);
        } else if self.stepped.progress == Progress::Paused && self.steps > 0 {
            let mismatch = self.one_sided(Field::Step, false);
            self.diverge(place, mismatch, None);
        }
    }

    /// Runs the stepped side to its end, alone.
    fn run_out(&mut self) {
        while self.stepped.progress == Progress::Paused && self.fault.is_none() && self.steps < self.max_steps
        {
            let before = self.stepped.stepper.view().map(|view| StepSide::before(&view));
            let mut ended = None;
            self.advance(Until::NextStep, |_, end| ended = Some(EndGas::of(end)));
            if let (Some(before), Some(ended)) = (before, ended) {
                let other = ended.behind(before);
                let sides = self.sides(None, Some(other));
                let missing = self.one_sided(Field::Step, false);
                if let Some(record) = &mut self.record {
                    record.differ(missing);
                    record.push(self.steps, sides);
                }
                self.steps += 1;
            }
        }
    }

    /// Compares all of the state at a block entry, and what was written and logged since the one before.
    fn compare_entry(&mut self, entry: &StepView<'_>) {
        let Some(other) = self.stepped.stepper.view() else {
            let mismatch = match self.stepped.stepper.message() {
                Some(_) => self.one_sided(Field::Message, false),
                None => self.one_sided(Field::Step, true),
            };
            return self.diverge_at_entry(entry, mismatch, None);
        };
        let [left, right] = self.sides(entry, &other);
        let block = &self.stepped.block;
        let mismatch = compare_state(left, right, ALL, &self.config, None)
            .map(|mismatch| *mismatch)
            .or_else(|| written(left, right, &block.written))
            .or_else(|| {
                let [l, r] = [left.journal.logs(), right.journal.logs()];
                let first = block.fewest_logs.min(l.len()).min(r.len());
                outcome::logs(&l[first..], &r[first..], first)
            });
        if let Some(mismatch) = mismatch {
            let detail = self.config.enable_detailed_diffs.then(|| {
                let mut touched = LastTouched::new(self.config.storage_key_limit);
                block.written.iter().for_each(|slot| touched.push(*slot));
                let touched = touched.newest_first();
                Box::new(Detail::new(&mismatch, &[], [left, right], [None; 2], touched, &self.config))
            });
            self.diverge_at_entry(entry, mismatch, detail);
        }
    }

    fn diverge_at_entry(&mut self, entry: &StepView<'_>, mismatch: Mismatch, detail: Option<Box<Detail>>) {
        let (index, pc, path) = (entry.index, entry.pc, self.frames.clone());
        self.diverge(Place::Block { index, pc, path, suspect: None }, mismatch, detail);
    }
}

/// Runs the stepped side: a panic is its, and what it takes is counted as its time.
fn aside<T>(standing: &mut Standing, clock: &mut Option<Clock>, run: impl FnOnce() -> T) -> T {
    let start = clock.is_some().then(Instant::now);
    standing.is_stepped = true;
    let answer = run();
    standing.is_stepped = false;
    if let (Some(clock), Some(start)) = (clock, start) {
        clock.times[1] += start.elapsed();
    }
    answer
}

impl Hooks for Shadow<'_> {
    fn interest(&self) -> Interest {
        match self.config.mode {
            ShadowMode::PerCall | ShadowMode::PerStep | ShadowMode::All => Interest::Steps,
            ShadowMode::PerBlock => Interest::Blocks,
            ShadowMode::Off => Interest::Nothing,
        }
    }

    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.take_over();
        self.standing.shows(step);
        // What diverged was no call.
        self.start_stepped();
        self.leave();
        // Past a divergence as well, which stays the verdict.
        if self.steps >= self.max_steps && self.fault.is_none() {
            self.fault = Some(Verdict::Limit(format!("more than {} steps", self.max_steps)));
        }
        if !self.stepped.stands {
            self.catch_up(step);
        }
        self.before(step);
        self.is_fresh = false;
        self.fresh_memory = NONE;
        let input_count = input_count(step);
        for (input, item) in self.inputs.iter_mut().zip(step.stack.iter().rev().take(input_count)) {
            *input = *item;
        }
        if let Some(slot) = Touched::before(step) {
            self.touched.push(slot);
        }
        let begun = &mut self.begun;
        begun.is_open = true;
        begun.gas = step.gas;
        begun.state_gas = step.state_gas;
        begun.stack_size = step.stack.len();
        begun.memory = step.memory.len();
        begun.inputs = input_count.min(INPUTS);
        begun.has_stepped = self.stepped.stands;
        if self.record.is_some() {
            begun.stepped = self.stepped.stands.then_some(self.stepped.stand);
        }
        let control = self.control();
        self.hand_back();
        control
    }

    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        if !std::mem::take(&mut self.begun.is_open) {
            return;
        }
        self.take_over();
        let index = self.steps;
        self.steps += 1;
        let mut other_gas: Option<EndGas> = None;
        let mut found: Option<(Box<Mismatch>, Option<Box<Detail>>)> = None;
        if self.fault.is_none() && self.begun.has_stepped {
            let compares = self.found.is_none();
            let Self { begun, stepped, standing, clock, config, watched, touched, inputs, record, .. } = self;
            let compare = |other: &StepView<'_>, other_end: &StepEnd<'_>| {
                other_gas = Some(EndGas::of(other_end));
                let mut sides = [(step, end), (other, other_end)];
                if *watched == Side::Right {
                    sides.reverse();
                }
                if let (true, Some(mismatch)) =
                    (compares, compare_state_end(sides[0], sides[1], begun.memory, config, None))
                {
                    let detail = config.enable_detailed_diffs.then(|| {
                        let gas = sides.map(|(step, end)| Some(GasSplit::new(begun.memory, step, end)));
                        let inputs = &inputs[..begun.inputs];
                        let views = sides.map(|(step, _)| step);
                        Box::new(Detail::new(&mismatch, inputs, views, gas, touched.newest_first(), config))
                    });
                    found = Some((mismatch, detail));
                }
                if let (true, Some(record)) = (!compares || found.is_some(), record.as_mut()) {
                    let every = Some(record.differences());
                    compare_state_end(sides[0], sides[1], begun.memory, config, every);
                }
            };
            let advanced = aside(standing, clock, || stepped.advance(Until::NextStep, compare));
            self.note(advanced);
        }
        let Begun { gas: gas_before, state_gas, stack_size, .. } = self.begun;
        let ended = EndGas::of(end);
        let side = || ended.behind(StepSide { gas_before, state_gas, stack_size, ..StepSide::before(step) });
        if let Some((difference, detail)) = found {
            let place = Place::Step { index, step: side(), is_over: true, path: self.frames.clone() };
            self.diverge(place, *difference, detail);
        }
        if self.record.is_some() {
            let behind = |other| other_gas.map_or(other, |ended| ended.behind(other));
            let other = self.begun.stepped.map(behind);
            let sides = self.sides(Some(side()), other);
            if let Some(record) = &mut self.record {
                record.push(index, sides);
            }
        }
        let recent = self.recent.next(index);
        recent.set(step);
        (recent.gas_before, recent.state_gas, recent.stack_size) = (gas_before, state_gas, stack_size);
        *recent = ended.behind(*recent);
        self.hand_back();
    }

    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        self.take_over();
        self.standing.shows(entry);
        self.start_stepped();
        self.leave();
        if self.is_running() {
            self.compare_entry(entry);
        }
        self.steps += 1;
        self.at_entry = true;
        if self.steps > self.max_steps && self.fault.is_none() {
            self.fault = Some(Verdict::Limit(format!("more than {} block entries", self.max_steps)));
        }
        self.recent.next(entry.index).set(entry);
        let control = self.control();
        self.hand_back();
        control
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        self.take_over();
        self.start_stepped();
        if self.fault.is_none() {
            self.leave();
        }
        if matches!(phase, MessagePhase::Before) {
            self.frames.push(PathItem::new(self.messages, message));
            self.rooms.push(self.room(message));
            self.messages += 1;
        }
        if self.is_running() {
            self.message(message, phase);
        } else if let Some((_, other)) = self.stepped.stepper.message() {
            // Behind a divergence both pass it together if they can.
            self.at_message = matches!(phase, MessagePhase::Before) == matches!(other, MessagePhase::Before);
        }
        if let MessagePhase::After(outcome) = phase {
            self.frames.pop();
            let room = self.rooms.pop().unwrap_or(NONE);
            self.fresh_memory = if outcome.output.is_empty() { room } else { ALL };
        }
        self.is_fresh = true;
        let control = self.control();
        self.hand_back();
        control
    }
}

/// The first of the slots whose value is not the same on both sides.
fn written(left: &StepView<'_>, right: &StepView<'_>, slots: &[Touched]) -> Option<Mismatch> {
    slots.iter().find_map(|slot| {
        let Touched { address, key, is_transient } = *slot;
        if is_transient {
            let value = |view: &StepView<'_>| view.journal.transient_storage(address, key);
            return differs(Field::TransientStorage(address, key), value(left), value(right));
        }
        let value = |view: &StepView<'_>| view.journal.storage(address, key);
        let (l, r) = (value(left), value(right));
        let value = |value: Option<U256>| value.map_or(Value::Absent, Value::Word);
        (l != r).then(|| Mismatch { field: Field::Storage(address, key), left: value(l), right: value(r) })
    })
}

/// Items that the opcode is about to take and has.
fn input_count(step: &StepView<'_>) -> usize {
    step.rules.info(step.opcode).map_or(0, |info| info.inputs.len()).min(step.stack.len())
}
