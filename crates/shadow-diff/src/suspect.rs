//! Which opcode a difference between two block entries comes from.
//!
//! The transaction is run again, step by step. If a step differs, that is the answer. If none does, it is the fast form that
//! differs, and the opcode that wrote the value last, by the engine that follows, is named.

use std::fmt;

use parallax_engine_interface::{Engine, Job, Progress};
use parallax_hooks::{Hooks, MessagePhase, StepControl, StepView};
use parallax_primitives::Message;

use crate::{
    Compared, Field, Place, ShadowConfig, ShadowMode, Suspect, Value, Verdict,
    lockstep::beside,
    stepped::{Stepped, Until},
};

/// Makes a divergence at a block entry say which opcode.
pub(crate) fn explain(
    left: &dyn Engine,
    right: &dyn Engine,
    job: &Job<'_>,
    config: &ShadowConfig,
    mut compared: Compared,
) -> Compared {
    let Verdict::Diverge(divergence) = &compared.verdict else { return compared };
    let Place::Block { .. } = divergence.place else { return compared };
    let config = ShadowConfig { mode: ShadowMode::PerStep, ..*config };
    let per_step = beside(left, right, job, &config, None, |shadow| shadow);
    if let Verdict::Diverge(_) = per_step.verdict {
        return per_step;
    }
    name(&mut compared.verdict, right, job);
    compared
}

/// Names the opcode in a divergence at a block entry, of an engine that has run no step otherwise: `engine` followed.
pub(crate) fn name(verdict: &mut Verdict, engine: &dyn Engine, job: &Job<'_>) {
    let Verdict::Diverge(divergence) = verdict else { return };
    let Place::Block { index, suspect, .. } = &mut divergence.place else { return };
    *suspect = last_writer(engine, job, *index, divergence.field);
}

/// The last opcode before block entry `entry` that changed `field`, if it did so since the entry before.
fn last_writer(engine: &dyn Engine, job: &Job<'_>, entry: u64, field: Field) -> Option<Suspect> {
    // Twice: a number from the top of the stack is a place only once the stack at the entry is known.
    let (depth, stack_size) = {
        let mut stepped = Stepped::new(engine.start(job).ok()??);
        stand_at(&mut stepped, entry)?;
        let view = stepped.stepper.view()?;
        (view.depth, view.stack.len())
    };
    let mut writer = LastWriter { field, depth, stack_size, seen: None, suspect: None };
    let mut stepped = Stepped::new(engine.start(job).ok()??);
    stand_at(&mut stepped, entry.checked_sub(1)?)?;
    if let Some(view) = stepped.stepper.view() {
        writer.on_step(&view);
    }
    stepped.observer = Some(Box::new(&mut writer));
    let advanced = to_next_entry(&mut stepped);
    drop(stepped);
    advanced?;
    writer.suspect
}

fn stand_at(stepped: &mut Stepped<'_>, entry: u64) -> Option<()> {
    for _ in 0..=entry {
        to_next_entry(stepped)?;
    }
    (stepped.progress == Progress::Paused).then_some(())
}

/// Runs on to the next block entry, past messages, or to the end.
fn to_next_entry(stepped: &mut Stepped<'_>) -> Option<()> {
    loop {
        stepped.advance(Until::NextBlock, |_, _| ()).ok()?;
        if stepped.stepper.message().is_none() {
            return Some(());
        }
    }
}

/// Sees which opcode changes one thing last.
struct LastWriter {
    field: Field,
    depth: u16,
    stack_size: usize,
    /// The last opcode that was seen, and the thing before it.
    seen: Option<(Suspect, Value)>,
    suspect: Option<Suspect>,
}

impl Hooks for LastWriter {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        let is_of_frame =
            matches!(self.field, Field::Stack(_) | Field::StackSize | Field::Memory(_) | Field::MemorySize);
        if is_of_frame && step.depth != self.depth {
            return StepControl::Continue;
        }
        let Some(value) = look(self.field, self.stack_size, step) else { return StepControl::Continue };
        if let Some((suspect, before)) = &self.seen
            && *before != value
        {
            self.suspect = Some(*suspect);
        }
        let suspect = Suspect { index: step.index, pc: step.pc, opcode: step.opcode, rules: step.rules };
        self.seen = Some((suspect, value));
        StepControl::Continue
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        // A new frame has a new stack and a new memory.
        if matches!(phase, MessagePhase::Before) && message.depth == self.depth {
            self.seen = None;
        }
        StepControl::Continue
    }
}

/// What a field is before an opcode; `None` for what no opcode in particular writes.
fn look(field: Field, stack_size: usize, step: &StepView<'_>) -> Option<Value> {
    Some(match field {
        Field::Stack(number) => {
            let place = stack_size.checked_sub(number + 1)?;
            step.stack.get(place).map_or(Value::Absent, |item| Value::Word(*item))
        }
        Field::StackSize => step.stack.len().into(),
        Field::Memory(offset) => {
            step.memory.get(offset).map_or(Value::Absent, |byte| Value::Count((*byte).into()))
        }
        Field::MemorySize => step.memory.len().into(),
        Field::Refund => step.refund.into(),
        Field::Storage(address, key) => step.journal.storage(address, key).map_or(Value::Absent, Value::Word),
        Field::TransientStorage(address, key) => step.journal.transient_storage(address, key).into(),
        Field::Log(number)
        | Field::LogAddress(number)
        | Field::LogTopics(number)
        | Field::LogData(number) => (step.journal.logs().len() > number).into(),
        _ => return None,
    })
}

impl fmt::Display for Suspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}, pc {}, {}", self.index + 1, self.pc, self.rules.show(self.opcode))
    }
}
