use parallax_hooks::{StepEnd, StepView};
use parallax_primitives::{B256, Bytes, Halt, Opcode, U256};

use crate::{Client, HaltKind};

/// One step as a trace file tells it, in canonical terms. What the client did not say, or said in terms that cannot be
/// converted, is `None`: unknown, never a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Line of the file it stands on, from 1.
    pub line: u64,
    /// Offset in the code.
    pub pc: u64,
    /// The opcode.
    pub opcode: Opcode,
    /// 1 is the transaction's own frame.
    pub depth: u64,
    /// Gas left before the opcode.
    pub gas: u64,
    /// Cost of the opcode: a call's with, a creation's without the gas it forwards.
    pub gas_cost: Option<u64>,
    /// Bytes of memory before the opcode.
    pub memory_size: Option<u64>,
    /// Memory before the opcode.
    pub memory: Option<Bytes>,
    /// The whole stack before the opcode, bottom first.
    pub stack: Option<Vec<U256>>,
    /// Return data before the opcode.
    pub return_data: Option<Bytes>,
    /// The transaction's refund counter before the opcode.
    pub refund: Option<i64>,
    /// The same after it, where that is what the client writes and the opcode did not fail.
    pub refund_after: Option<i64>,
    /// How the opcode failed, if it did; `None` if the client does not say on its lines.
    pub halt: Option<HaltKind>,
}

impl Step {
    /// What a trace of a run would tell of an opcode that is about to run; [`Step::finish`] adds the rest. `line` is where
    /// the step would stand if nothing but steps were written.
    pub fn begin(step: &StepView<'_>, with_memory: bool) -> Self {
        Self {
            line: step.index + 1,
            pc: step.pc as u64,
            opcode: step.opcode,
            depth: u64::from(step.depth) + 1,
            gas: step.gas,
            gas_cost: None,
            memory_size: Some(step.memory.len() as u64),
            memory: with_memory.then(|| Bytes::copy_from_slice(step.memory)),
            stack: Some(step.stack.to_vec()),
            return_data: Some(Bytes::copy_from_slice(step.return_data)),
            refund: Some(step.refund),
            refund_after: None,
            halt: None,
        }
    }

    /// Adds what is known once the opcode has run. Of one that fails the cost is unknown: clients count it in many ways.
    /// `step` is what it left.
    pub fn finish(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.gas_cost = end.halt.is_none().then_some(end.gas_cost);
        self.refund_after = end.halt.is_none().then_some(step.refund);
        self.halt = match end.halt {
            None if self.opcode == Opcode::REVERT => Some(HaltKind::Revert),
            halt => Client::Eip3155.halt(self.opcode, halt.map(Halt::name)),
        };
    }
}

/// What follows the steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceEnd {
    /// Root of the post-state.
    pub state_root: Option<B256>,
    /// Output of the transaction's own frame; of a successful creation the code.
    pub output: Option<Bytes>,
    /// Gas of the transaction, refunds taken off.
    pub gas_used: Option<u64>,
    /// Gas of the transaction's own frame: without what the transaction costs before it, and without refunds.
    pub frame_gas: Option<u64>,
    /// Line of the file that says the root, and the one that says the rest; 0 for none.
    pub lines: [u64; 2],
}

impl TraceEnd {
    /// Adds what a later line says.
    pub(crate) fn add(&mut self, more: TraceEnd) {
        for (line, more) in self.lines.iter_mut().zip(more.lines) {
            *line = if more > 0 { more } else { *line };
        }
        self.state_root = more.state_root.or(self.state_root);
        self.output = more.output.or(self.output.take());
        self.gas_used = more.gas_used.or(self.gas_used);
        self.frame_gas = more.frame_gas.or(self.frame_gas);
    }
}

/// One thing a trace file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An opcode.
    Step(Step),
    /// The end of a frame, as geth writes it; depth and place follow from the steps around it. That of the transaction's own
    /// comes behind all steps.
    FrameExit(TraceEnd),
    /// The end of the trace, or a part of it.
    End(TraceEnd),
}
