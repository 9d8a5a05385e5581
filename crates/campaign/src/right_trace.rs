//! One case on one engine beside the trace that a client wrote of it.
//!
//! Invariant: run and trace go on together, step by step; of each only the step at hand and a few before it are held.

use std::{
    io::BufRead,
    time::{Duration, Instant},
};

use parallax_engine_interface::Engine;
use parallax_hooks::{Hooks, MessagePhase, StepControl, StepEnd, StepView};
use parallax_primitives::{Bytes, Class, Fork, FrameStatus, Halt, Message, Opcode, U256};
use parallax_shadow_diff::{
    Divergence, Earlier, Field, Mismatch, PathItem, Place, ShadowConfig, StepSide, Value, Verdict,
};
use parallax_state_tests::{Case, CaseResult, Raised, run};
use parallax_tracer_eip3155::{
    Client, CompareOptions, Field as TraceField, Fields, HaltKind, Key, Presence, ReadError, Step,
    TraceAgreement, TraceComparison, TraceDifference, TraceEnd, TraceReader, What,
};

use crate::{DiffOutcome, diff::no_transaction};

/// What came of one case and the trace of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceCompared {
    /// As of two engines: the right one is called `geth's trace`, and so on.
    pub outcome: DiffOutcome,
    /// If they agree: how far, and what that is silent about.
    pub agreement: Option<TraceAgreement>,
}

/// Runs `case` on `engine` and compares every step with what the trace says of it, then what both say of the end. What a
/// client does not write is unknown, and differs from nothing.
///
/// # Errors
///
/// If the trace cannot be read, up to where it differs. Then nothing is said of the run.
pub fn diff_trace<R: BufRead>(
    case: &Case,
    engine: &dyn Engine,
    trace: TraceReader<R>,
    options: CompareOptions,
    config: &ShadowConfig,
) -> Result<TraceCompared, ReadError> {
    if let Some(reason) = engine.unsupported(case.rules, &case.block) {
        return Ok(TraceCompared { outcome: Verdict::Unsupported(reason).into(), agreement: None });
    }
    let right = format!("{}'s trace", trace.client());
    compare_trace(case, engine, right, trace, options, config)
}

/// As [`diff_trace`], of an engine that knows the rules; `right` is what the side of the trace is called.
pub(crate) fn compare_trace<R: BufRead>(
    case: &Case,
    engine: &dyn Engine,
    right: String,
    trace: TraceReader<R>,
    options: CompareOptions,
    config: &ShadowConfig,
) -> Result<TraceCompared, ReadError> {
    let names = [engine.name().to_owned(), right];
    let mut live = Live::new(trace, options);
    let start = Instant::now();
    let result = run(case, engine, &mut live);
    let times = [start.elapsed(), Duration::ZERO];
    let steps = live.steps;
    let (mut agreed, mut right_at) = (None, None);
    let verdict = match live.end(case, &result)? {
        Found::Agreement(agreement) => {
            let unknown = agreement.unknown();
            let is_silent = ENDS.iter().all(|end| unknown.contains(end));
            let verdict = match &result.exception {
                Some(Raised::Malformed(reason)) => Verdict::NotCompared(no_transaction(reason)),
                _ if agreement.steps == 0 && is_silent => {
                    Verdict::NotCompared("the trace has no step and says nothing of the end".to_owned())
                }
                Some(Raised::Rejected(rejection)) => Verdict::Rejected(rejection.to_string()),
                None => Verdict::Agree,
            };
            agreed = Some(agreement);
            verdict
        }
        Found::Failure(reason) => Verdict::Poisoned(reason),
        Found::Difference(difference, at) => {
            right_at = Some(whereabouts(&difference));
            Verdict::Diverge(divergence(names, &difference, at, result.exception, config))
        }
    };
    let silence = agreed.as_ref().map(TraceAgreement::silence).filter(|silence| !silence.is_empty());
    let outcome = DiffOutcome { steps, times, right_at, silence, ..verdict.into() };
    Ok(TraceCompared { outcome, agreement: agreed })
}

/// Where in the trace the difference is.
fn whereabouts(difference: &TraceDifference) -> String {
    let [_, line] = difference.lines;
    match &difference.what {
        What::Length if difference.right_step.is_none() && line == 0 => {
            "the trace, which has no step".to_owned()
        }
        What::Length if difference.right_step.is_none() => format!("the end of the trace, after line {line}"),
        What::Length => format!("line {line} of the trace"),
        what => format!("{what} on line {line} of the trace"),
    }
}

/// The hooks that compare.
struct Live<R> {
    comparison: TraceComparison<R>,
    /// Whether the trace says the memory.
    wants_memory: bool,
    client: Client,
    /// The opcode that is running.
    step: Option<(Step, StepSide)>,
    steps: u64,
    /// Messages begun.
    messages: usize,
    /// The open ones.
    path: Vec<PathItem>,
    /// The messages around the one that ended last, itself at the end.
    over: Vec<PathItem>,
    /// The trace may name another reason for the failure of the opcode that failed last.
    has_another_reason: bool,
    found: Option<Result<Found, ReadError>>,
}

enum Found {
    Agreement(TraceAgreement),
    Difference(Box<TraceDifference>, At),
    Failure(String),
}

/// Where the run stood.
struct At {
    /// The step of the run; `None` behind its end.
    step: Option<StepSide>,
    /// Why the opcode failed.
    halt: Option<Halt>,
    path: Vec<PathItem>,
    over: Vec<PathItem>,
}

impl<R: BufRead> Live<R> {
    fn new(trace: TraceReader<R>, options: CompareOptions) -> Self {
        Self {
            client: trace.client(),
            comparison: TraceComparison::of_run(trace).with(options),
            wants_memory: false,
            step: None,
            steps: 0,
            messages: 0,
            path: Vec::new(),
            over: Vec::new(),
            has_another_reason: false,
            found: None,
        }
    }

    /// Compares the ends, unless something was found before.
    fn end(mut self, case: &Case, result: &CaseResult) -> Result<Found, ReadError> {
        if let Some(found) = self.found.take() {
            return found;
        }
        if result.state_root.is_none() {
            let reason = result.error.clone().unwrap_or_else(|| "the run came to no end".to_owned());
            return Ok(Found::Failure(reason));
        }
        let index = |index: usize| u64::try_from(index).ok();
        let end = TraceEnd {
            state_root: result.state_root,
            logs: [result.logs_hash; 2],
            fork: Some(case.rules.name().to_owned()),
            test: Some(case.name.to_string()),
            indexes: [index(case.d), index(case.g), index(case.v)],
            // What the client may say, and is to be named if it does not.
            said: may_say(self.client),
            ..TraceEnd::default()
        };
        let end = match result.execution.as_ref().and_then(|execution| execution.outcome.as_ref()) {
            Some(outcome) => TraceEnd {
                output: Some(result.output.clone()),
                gas_used: Some(result.gas_used),
                ..self.with_status(end, outcome.status)
            },
            // Of a transaction that did not run, nobody says what came of it.
            None => TraceEnd { said: end.said.without(OF_A_RUN), ..end },
        };
        let at = |over| At { step: None, halt: None, path: Vec::new(), over };
        if let Some(difference) = self.comparison.end(end)? {
            return Ok(Found::Difference(difference, at(self.over)));
        }
        if let Some(line) = self.comparison.line_behind_the_end()? {
            let reason =
                "more behind the end of the transaction, expected the trace of one transaction".to_owned();
            return Err(ReadError::Malformed { line, reason });
        }
        Ok(match self.comparison.finish()? {
            Ok(agreement) => Found::Agreement(agreement),
            Err(difference) => Found::Difference(difference, at(self.over)),
        })
    }

    /// What a frame came to, as far as the trace must say the same.
    fn with_status(&self, end: TraceEnd, status: FrameStatus) -> TraceEnd {
        let end = end.with_status(status);
        match status {
            FrameStatus::Halt(_) if self.has_another_reason => {
                TraceEnd { halt: Some(HaltKind::Other), ..end }
            }
            _ => end,
        }
    }
}

impl<R: BufRead> Hooks for Live<R> {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        if self.found.is_some() {
            return StepControl::Abort;
        }
        match self.comparison.due() {
            Ok(due) => self.wants_memory |= due.is_some_and(|due| due.memory.is_some()),
            Err(error) => {
                self.found = Some(Err(error));
                return StepControl::Abort;
            }
        }
        self.has_another_reason = false;
        self.step = Some((Step::begin(step, self.wants_memory), StepSide::before(step)));
        StepControl::Continue
    }

    fn on_step_end(&mut self, left: &StepView<'_>, end: &StepEnd<'_>) {
        let Some((mut step, mut side)) = self.step.take() else { return };
        side.gas_after = end.gas_left;
        (side.gas_cost, side.state_gas_cost) =
            if end.halt.is_some() { (0, 0) } else { (end.gas_cost, end.state_gas_cost) };
        step.finish(left, end);
        if end.halt.is_some() {
            self.has_another_reason = self.client.may_find_another_reason(left, end, step.gas);
        }
        if self.has_another_reason && end.halt.is_some() {
            step.halt = None;
        }
        self.steps += 1;
        self.found = match self.comparison.step(step) {
            Ok(None) => return,
            Ok(Some(difference)) => {
                let (path, over) = (self.path.clone(), std::mem::take(&mut self.over));
                let at = At { step: Some(side), halt: end.halt, path, over };
                Some(Ok(Found::Difference(difference, at)))
            }
            Err(error) => Some(Err(error)),
        };
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        match phase {
            MessagePhase::Before => {
                self.path.push(PathItem::new(self.messages, message));
                self.messages += 1;
            }
            MessagePhase::After(outcome) => {
                self.over.clone_from(&self.path);
                self.path.pop();
                let end = TraceEnd {
                    frame_gas: Some(message.gas.saturating_sub(outcome.gas_left)),
                    // What a creation gives is its code, which is not told here.
                    output: (!message.kind.is_create()).then(|| outcome.output.clone()),
                    ..TraceEnd::default()
                };
                self.comparison.say(self.with_status(end, outcome.status));
            }
        }
        StepControl::Continue
    }
}

/// What a client may say behind the steps; of what takes time only where it always does.
fn may_say(client: Client) -> Fields {
    let keys = client.facts().closing.iter().copied().flatten();
    let is_expected = |key: &&Key| key.field != TraceField::Time || key.presence == Presence::Sometimes;
    keys.filter(is_expected).fold(Fields::NONE, |said, key| said.or(Fields::of(&[key.field])))
}

/// What is said of a transaction that ran.
const OF_A_RUN: Fields = Fields::of(&[
    TraceField::Output,
    TraceField::GasUsed,
    TraceField::Error,
    TraceField::Pass,
    TraceField::EvmResult,
]);

/// What is said behind the steps of a transaction.
const ENDS: [&str; 3] = ["stateRoot", "output", "gasUsed"];

/// Whether it is in what is said behind the steps of a frame or of the transaction.
fn is_of_an_end(difference: &TraceDifference) -> bool {
    matches!(difference.what, What::Frame(_) | What::End(_))
}

/// The difference in the words of two engines.
fn divergence(
    names: [String; 2],
    difference: &TraceDifference,
    at: At,
    exception: Option<Raised>,
    config: &ShadowConfig,
) -> Box<Divergence> {
    let (left, right) = (difference.left_step.as_ref(), difference.right_step.as_ref());
    let mismatch = match (left, right, exception) {
        _ if is_of_an_end(difference) => end_mismatch(difference),
        (None, Some(_), Some(Raised::Rejected(rejection))) => {
            Mismatch { field: Field::Status, left: Value::Rejection(rejection), right: Value::Present }
        }
        (Some(left), Some(right), _) => step_mismatch(difference, left, right, at.halt),
        (left, right, _) => {
            let value = |step: Option<&Step>| if step.is_some() { Value::Present } else { Value::Absent };
            Mismatch { field: Field::Step, left: value(left), right: value(right) }
        }
    };
    let index = left.map_or(difference.step, |step| step.line - 1);
    let place = match (at.step.or_else(|| right.map(side)), mismatch.field) {
        (_, Field::StateRoot) => Place::PostState,
        _ if matches!(difference.what, What::Frame(_)) => {
            let index = at.over.last().map_or(0, |item| item.index);
            Place::Message { index, is_over: true, path: at.over }
        }
        _ if is_of_an_end(difference) => Place::Transaction,
        (_, Field::Status) | (None, _) => Place::Transaction,
        (Some(step), field) => {
            // The refund before the opcode, or the one after it.
            let of_before = |step: Option<&Step>| step.and_then(|step| step.refund);
            let is_refund_after =
                field == Field::Refund && (of_before(left) == of_before(right) || of_before(right).is_none());
            let is_over =
                is_refund_after || matches!(field, Field::GasCost | Field::StateGasCost | Field::Halt);
            // Behind the end of the run, no message is open.
            let path = if left.is_some() { at.path } else { Vec::new() };
            Place::Step { index, step, is_over, path }
        }
    };
    let first = difference.step - difference.recent.len() as u64;
    let recent = (first..).zip(&difference.recent).map(|(index, step)| recent(index, step)).collect();
    Box::new(Divergence::new(names, place, mismatch, recent, config))
}

/// A step as a trace has it. It does not say by which rules: opcodes have the names of the newest.
fn side(step: &Step) -> StepSide {
    StepSide {
        depth: u16::try_from(step.depth.saturating_sub(1)).unwrap_or(u16::MAX),
        pc: usize::try_from(step.pc).unwrap_or(usize::MAX),
        opcode: step.opcode,
        rules: Fork::LATEST.into(),
        address: Default::default(),
        gas_before: step.gas,
        gas_after: step.gas,
        gas_cost: 0,
        state_gas: Default::default(),
        state_gas_cost: 0,
        stack_size: step.stack.as_ref().map_or(0, Vec::len),
    }
}

fn recent(index: u64, step: &Step) -> Earlier {
    let gas_cost = step.gas_cost.unwrap_or(0);
    let gas_after = step.gas.saturating_sub(gas_cost);
    Earlier::Step { index, step: StepSide { gas_after, gas_cost, ..side(step) } }
}

/// The values that differ, typed; of what a line lacks that its client always writes, the difference's own words.
fn step_mismatch(difference: &TraceDifference, left: &Step, right: &Step, halt: Option<Halt>) -> Mismatch {
    let What::Step(name) = difference.what else { return text_mismatch(difference) };
    if left.missing.or(right.missing).has(name) {
        return text_mismatch(difference);
    }
    let both =
        [(left, right, halt), (right, left, None)].map(|(step, other, halt)| value(name, step, other, halt));
    match both {
        [Some((field, left)), Some((_, right))] => Mismatch { field, left, right },
        _ => text_mismatch(difference),
    }
}

/// A difference in the words of the trace.
fn text_mismatch(difference: &TraceDifference) -> Mismatch {
    let TraceDifference { what, left, right, .. } = difference;
    let field = match what {
        What::Step(field) | What::Frame(field) | What::End(field) => Field::Trace(field.name()),
        What::Length | What::Key(_) => Field::Step,
    };
    Mismatch { field, left: Value::Text(left.clone()), right: Value::Text(right.clone()) }
}

/// What `step` has in the field of this name, and the field; nothing where a run has no such field.
fn value(name: TraceField, step: &Step, other: &Step, halt: Option<Halt>) -> Option<(Field, Value)> {
    let count = |value: Option<u64>| value.map_or(Value::Absent, Value::Count);
    let signed = |value: Option<i64>| value.map_or(Value::Absent, Value::Signed);
    let bytes = |value: &Option<Bytes>| value.clone().map_or(Value::Absent, Value::Bytes);
    Some(match name {
        TraceField::Depth => (Field::Depth, Value::Count(step.depth)),
        TraceField::Pc => (Field::Pc, Value::Count(step.pc)),
        TraceField::Op => (Field::Opcode, Value::Opcode(step.opcode)),
        TraceField::Gas => (Field::Gas, Value::Count(step.gas)),
        TraceField::GasCost => (Field::GasCost, count(step.gas_cost)),
        TraceField::Reservoir => (Field::Reservoir, count(step.reservoir)),
        TraceField::StateGas => (Field::StateGas, count(step.state_gas_spent)),
        TraceField::StateGasCost => (Field::StateGasCost, signed(step.state_gas_cost)),
        TraceField::MemSize => (Field::MemorySize, count(step.memory_size)),
        TraceField::Refund
            if step.refund.is_some() && other.refund.is_some() && step.refund != other.refund =>
        {
            (Field::Refund, signed(step.refund))
        }
        TraceField::Refund => (Field::Refund, signed(step.refund_after)),
        TraceField::ReturnData => (Field::ReturnData, bytes(&step.return_data)),
        TraceField::Stack => stack_value(step.stack.as_deref(), other.stack.as_deref()),
        TraceField::Memory => memory_value(step.memory.as_ref(), other.memory.as_ref()),
        TraceField::Error => (Field::Halt, halt_value(step, halt)),
        _ => return None,
    })
}

fn stack_value(stack: Option<&[U256]>, other: Option<&[U256]>) -> (Field, Value) {
    let (stack, other) = (stack.unwrap_or_default(), other.unwrap_or_default());
    if stack.len() != other.len() {
        return (Field::StackSize, stack.len().into());
    }
    let both = stack.iter().rev().zip(other.iter().rev());
    let differing = both.enumerate().find(|(_, (item, other))| item != other);
    differing.map_or((Field::StackSize, stack.len().into()), |(number, (item, _))| {
        (Field::Stack(number), Value::Word(*item))
    })
}

/// The word around the first byte that differs.
fn memory_value(memory: Option<&Bytes>, other: Option<&Bytes>) -> (Field, Value) {
    let [memory, other] = [memory, other].map(|bytes| bytes.map_or(&[][..], |bytes| &bytes[..]));
    let differing = memory.iter().zip(other).position(|(byte, other)| byte != other);
    match differing {
        Some(offset) if memory.len() == other.len() => {
            let start = offset / 32 * 32;
            let word = &memory[start..memory.len().min(start + 32)];
            (Field::Memory(offset), Value::Bytes(word.to_vec().into()))
        }
        _ => (Field::MemorySize, memory.len().into()),
    }
}

/// How the opcode failed: a run knows the halt, a trace only its kind.
fn halt_value(step: &Step, halt: Option<Halt>) -> Value {
    let kind = match step.halt {
        None | Some(HaltKind::None) => return Value::Absent,
        Some(HaltKind::Revert) => return Value::Status(FrameStatus::Revert),
        Some(HaltKind::OutOfGas) => Halt::OutOfGas,
        Some(HaltKind::Stack) => Halt::StackUnderflow,
        Some(HaltKind::InvalidJump) => Halt::InvalidJump,
        Some(HaltKind::InvalidOpcode) if step.opcode == Opcode::INVALID => Halt::InvalidOpcode,
        Some(HaltKind::InvalidOpcode) if is_deep(step.opcode) => Halt::InvalidImmediate,
        Some(HaltKind::InvalidOpcode) => Halt::UndefinedOpcode,
        Some(HaltKind::StaticViolation) => Halt::StaticViolation,
        Some(HaltKind::OutOfBounds) => Halt::ReturnDataOutOfBounds,
        Some(HaltKind::Other) => return Value::Present,
    };
    Value::Halt(halt.unwrap_or(kind))
}

/// Whether what is wrong with it may be its immediate (EIP-8024). A client that does not know it at all is told by the side that does.
fn is_deep(opcode: Opcode) -> bool {
    opcode.info().is_some_and(|info| info.class == Class::Deep)
}

/// What both say of the end, parsed back: a difference there holds it as text.
fn end_mismatch(difference: &TraceDifference) -> Mismatch {
    let bytes = |text: &str| text.parse().ok().map(Value::Bytes);
    let gas = |text: &str| text.parse().ok().map(|gas: U256| Value::Count(gas.saturating_to()));
    let TraceDifference { left, right, .. } = difference;
    let (field, both) = match difference.what {
        What::Frame(TraceField::StateRoot) | What::End(TraceField::StateRoot) => {
            (Field::StateRoot, [bytes(left), bytes(right)])
        }
        What::Frame(TraceField::Output) | What::End(TraceField::Output) => {
            (Field::Output, [bytes(left), bytes(right)])
        }
        What::Frame(TraceField::GasUsed) | What::End(TraceField::GasUsed) => {
            (Field::GasUsed, [gas(left), gas(right)])
        }
        _ => return text_mismatch(difference),
    };
    match both {
        [Some(left), Some(right)] => Mismatch { field, left, right },
        _ => text_mismatch(difference),
    }
}
