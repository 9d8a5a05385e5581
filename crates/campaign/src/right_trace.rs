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
    Client, HaltKind, ReadError, Step, TraceAgreement, TraceComparison, TraceDifference, TraceEnd,
    TraceReader,
};

use crate::{DiffOutcome, diff::no_transaction};

/// What came of one case and the trace of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceCompared {
    /// As of two engines: the right one is called `geth's trace`, and so on.
    pub outcome: DiffOutcome,
    /// If they agree: what the trace never says, by the names of EIP-3155. Agreement is silent about it.
    pub unknown: Vec<&'static str>,
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
    config: &ShadowConfig,
) -> Result<TraceCompared, ReadError> {
    if let Some(reason) = engine.unsupported(case.rules, &case.block) {
        let outcome = Verdict::Unsupported(reason).into();
        return Ok(TraceCompared { outcome, unknown: Vec::new() });
    }
    let right = format!("{}'s trace", trace.client());
    compare_trace(case, engine, right, trace, config)
}

/// As [`diff_trace`], of an engine that knows the rules; `right` is what the side of the trace is called.
pub(crate) fn compare_trace<R: BufRead>(
    case: &Case,
    engine: &dyn Engine,
    right: String,
    trace: TraceReader<R>,
    config: &ShadowConfig,
) -> Result<TraceCompared, ReadError> {
    let names = [engine.name().to_owned(), right];
    let mut live = Live::new(trace);
    let start = Instant::now();
    let result = run(case, engine, &mut live);
    let times = [start.elapsed(), Duration::ZERO];
    let steps = live.steps;
    let (mut unknown, mut right_at) = (Vec::new(), None);
    let verdict = match live.end(&result)? {
        Found::Agreement(agreement) => {
            unknown = agreement.unknown;
            let is_silent = ENDS.iter().all(|end| unknown.contains(end));
            match &result.exception {
                Some(Raised::Malformed(reason)) => Verdict::NotCompared(no_transaction(reason)),
                _ if agreement.steps == 0 && is_silent => {
                    Verdict::NotCompared("the trace has no step and says nothing of the end".to_owned())
                }
                Some(Raised::Rejected(rejection)) => Verdict::Rejected(rejection.to_string()),
                None => Verdict::Agree,
            }
        }
        Found::Failure(reason) => Verdict::Poisoned(reason),
        Found::Difference(difference, at) => {
            right_at = Some(whereabouts(&difference));
            Verdict::Diverge(divergence(names, &difference, at, result.exception, config))
        }
    };
    Ok(TraceCompared { outcome: DiffOutcome { steps, times, right_at, ..verdict.into() }, unknown })
}

/// Where in the trace the difference is.
fn whereabouts(difference: &TraceDifference) -> String {
    let [_, line] = difference.lines;
    match difference.field {
        "length" if difference.right_step.is_none() && line == 0 => "the trace, which has no step".to_owned(),
        "length" if difference.right_step.is_none() => format!("the end of the trace, after line {line}"),
        _ => format!("line {line} of the trace"),
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
    fn new(trace: TraceReader<R>) -> Self {
        Self {
            client: trace.client(),
            comparison: TraceComparison::new(Client::Eip3155, trace),
            wants_memory: false,
            step: None,
            steps: 0,
            messages: 0,
            path: Vec::new(),
            over: Vec::new(),
            found: None,
        }
    }

    /// Compares the ends, unless something was found before.
    fn end(mut self, result: &CaseResult) -> Result<Found, ReadError> {
        if let Some(found) = self.found.take() {
            return found;
        }
        if result.state_root.is_none() {
            let reason = result.error.clone().unwrap_or_else(|| "the run came to no end".to_owned());
            return Ok(Found::Failure(reason));
        }
        if self.comparison.has_another_transaction()? {
            let line = self.comparison.due()?.map_or(0, |step| step.line);
            let reason = "a step behind the state root, expected the trace of one transaction".to_owned();
            return Err(ReadError::Malformed { line, reason });
        }
        let ran = result.execution.is_some();
        let end = TraceEnd {
            state_root: result.state_root,
            output: ran.then(|| result.output.clone()),
            gas_used: ran.then_some(result.gas_used),
            ..TraceEnd::default()
        };
        Ok(match self.comparison.finish(end)? {
            Ok(agreement) => Found::Agreement(agreement),
            Err(difference) => {
                let at = At { step: None, halt: None, path: Vec::new(), over: self.over };
                Found::Difference(difference, at)
            }
        })
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
        self.step = Some((Step::begin(step, self.wants_memory), StepSide::before(step)));
        StepControl::Continue
    }

    fn on_step_end(&mut self, left: &StepView<'_>, end: &StepEnd<'_>) {
        let Some((mut step, mut side)) = self.step.take() else { return };
        side.gas_after = end.gas_left;
        (side.gas_cost, side.state_gas_cost) =
            if end.halt.is_some() { (0, 0) } else { (end.gas_cost, end.state_gas_cost) };
        step.finish(left, end);
        if self.client.may_find_another_reason(left, end, step.gas) {
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
                self.comparison.say(TraceEnd {
                    frame_gas: Some(message.gas.saturating_sub(outcome.gas_left)),
                    // What a creation gives is its code, which is not told here.
                    output: (!message.kind.is_create()).then(|| outcome.output.clone()),
                    ..TraceEnd::default()
                });
            }
        }
        StepControl::Continue
    }
}

/// What is said behind the steps of a transaction.
const ENDS: [&str; 3] = ["stateRoot", "output", "gasUsed"];

/// Whether it is in what is said behind the steps of a frame or of the transaction.
fn is_of_an_end(difference: &TraceDifference) -> bool {
    ENDS.contains(&difference.field) || difference.field == FRAME_GAS
}

/// What a difference calls the gas of a frame.
const FRAME_GAS: &str = "gasUsed of the frame";

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
        _ if is_of_an_end(difference) && (left.is_some() || difference.field == FRAME_GAS) => {
            let index = at.over.last().map_or(0, |item| item.index);
            Place::Message { index, is_over: true, path: at.over }
        }
        (_, Field::Status | Field::Output | Field::GasUsed) | (None, _) => Place::Transaction,
        (Some(step), field) => {
            let is_over = matches!(field, Field::GasCost | Field::StateGasCost | Field::Halt)
                || difference.field == "refundAfter";
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

/// The values that differ, typed: both steps have the field, or they would not differ in it.
fn step_mismatch(difference: &TraceDifference, left: &Step, right: &Step, halt: Option<Halt>) -> Mismatch {
    let [(field, left), (_, right)] = [(left, right, halt), (right, left, None)]
        .map(|(step, other, halt)| value(difference.field, step, other, halt));
    Mismatch { field, left, right }
}

/// What `step` has in the field of this name, and the field.
fn value(name: &str, step: &Step, other: &Step, halt: Option<Halt>) -> (Field, Value) {
    let count = |value: Option<u64>| value.map_or(Value::Absent, Value::Count);
    let bytes = |value: &Option<Bytes>| value.clone().map_or(Value::Absent, Value::Bytes);
    match name {
        "depth" => (Field::Depth, Value::Count(step.depth.saturating_sub(1))),
        "pc" => (Field::Pc, Value::Count(step.pc)),
        "op" => (Field::Opcode, Value::Opcode(step.opcode)),
        "gas" => (Field::Gas, Value::Count(step.gas)),
        "gasCost" => (Field::GasCost, count(step.gas_cost)),
        "reservoir" => (Field::Reservoir, count(step.reservoir)),
        "stateGas" => (Field::StateGas, count(step.state_gas_spent)),
        "stateGasCost" => (Field::StateGasCost, step.state_gas_cost.map_or(Value::Absent, Value::Signed)),
        "memSize" => (Field::MemorySize, count(step.memory_size)),
        "refund" => (Field::Refund, step.refund.map_or(Value::Absent, Value::Signed)),
        "refundAfter" => (Field::Refund, step.refund_after.map_or(Value::Absent, Value::Signed)),
        "returnData" => (Field::ReturnData, bytes(&step.return_data)),
        "stack" => stack_value(step.stack.as_deref(), other.stack.as_deref()),
        "memory" => memory_value(step.memory.as_ref(), other.memory.as_ref()),
        _ => (Field::Halt, halt_value(step, halt)),
    }
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
    let bytes = |text: &str| text.parse().map_or(Value::Present, Value::Bytes);
    let gas = |text: &str| text.parse().map_or(Value::Present, |gas: U256| Value::Count(gas.saturating_to()));
    let TraceDifference { left, right, .. } = difference;
    let (field, left, right) = match difference.field {
        "stateRoot" => (Field::StateRoot, bytes(left), bytes(right)),
        "output" => (Field::Output, bytes(left), bytes(right)),
        _ => (Field::GasUsed, gas(left), gas(right)),
    };
    Mismatch { field, left, right }
}
