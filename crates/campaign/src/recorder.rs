//! What ran until a finding, for a minimiser.

use parallax_hooks::{Hooks, MessagePhase, StepControl, StepView};
use parallax_minimizer::{Executed, Record, Standing};
use parallax_primitives::{Bytes, Class, Message};

/// Most messages, and opcodes of a frame, that are kept.
const MOST: usize = 4_200;

/// Records a run up to one of its steps, and ends it there.
pub(crate) struct Recorder {
    /// The number of the step; without one, all messages are recorded.
    until: Option<u64>,
    record: Record,
    /// The opcodes of the frames that are open.
    frames: Vec<Vec<Executed>>,
}

impl Recorder {
    pub(crate) fn new(until: Option<u64>) -> Self {
        Self { until, record: Record::default(), frames: Vec::new() }
    }

    pub(crate) fn end(self) -> Record {
        self.record
    }

    fn note(&mut self, step: &StepView<'_>) -> usize {
        let info = step.rules.info(step.opcode);
        let length = 1 + info.map_or(0, |info| usize::from(info.immediate));
        let end = step.code.len().min(step.pc.saturating_add(length));
        let bytes = step.code.get(step.pc..end).unwrap_or_default();
        let depth = usize::from(step.depth);
        if self.frames.len() <= depth {
            self.frames.resize_with(depth + 1, Vec::new);
        }
        if let Some(frame) = self.frames.get_mut(depth).filter(|frame| frame.len() <= MOST) {
            frame.push(Executed { opcode: step.opcode, bytes: Bytes::copy_from_slice(bytes), pc: step.pc });
        }
        info.map_or(0, |info| info.inputs.len())
    }
}

impl Hooks for Recorder {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        let inputs = self.note(step);
        if self.until != Some(step.index) {
            return StepControl::Continue;
        }
        let is_deep = step.rules.info(step.opcode).is_some_and(|info| info.class == Class::Deep);
        self.record.standing = Some(Standing {
            message: step.message.clone(),
            code_address: step.message.code_address,
            opcode: step.opcode,
            immediate: is_deep.then(|| step.immediate()),
            inputs,
            stack: step.stack.iter().rev().copied().collect(),
            memory: Bytes::copy_from_slice(step.memory),
        });
        let frame = self.frames.get_mut(usize::from(step.depth));
        self.record.executed = frame.map(std::mem::take).unwrap_or_default();
        // What it does to a message is part of the finding: that is still recorded.
        if step.opcode.info().is_some_and(|info| info.class == Class::Message) {
            return StepControl::Continue;
        }
        StepControl::Abort
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        if matches!(phase, MessagePhase::Before) {
            self.frames.truncate(usize::from(message.depth));
            if self.record.messages.len() < MOST {
                self.record.messages.push(message.clone());
            }
        }
        match &self.record.standing {
            Some(_) => StepControl::Abort,
            None => StepControl::Continue,
        }
    }
}
