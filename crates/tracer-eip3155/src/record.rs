use parallax_hooks::{StepEnd, StepView};
use parallax_primitives::{B256, Bytes, Effect, FrameStatus, Halt, Opcode, U256};

use crate::{Client, Field, Fields, HaltKind, halt::revm_state_gas};

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
    /// Cost of the opcode: a call's with, a creation's without the gas it forwards. Of two gases (EIP-8037) it is execution gas; of an
    /// opcode that sends a message or ends its frame, revm's may have what was taken from that for state gas.
    pub gas_cost: Option<u64>,
    /// What is left in the reservoir before the opcode (EELS: `stateGas`, revm: `reservoir`).
    pub reservoir: Option<u64>,
    /// State gas that the frame has spent before the opcode, less what it was given back; not below zero (revm: `stateGas`).
    pub state_gas_spent: Option<u64>,
    /// State gas that the opcode was charged or, below zero, given back: what was given back EELS shows as zero.
    pub state_gas_cost: Option<i64>,
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
    /// Slots that the opcode wrote, and their new values.
    pub storage: Option<Vec<(U256, U256)>>,
    /// The opcode's name on the line, if it is no name of the opcode.
    pub odd_name: Option<String>,
    /// A STOP that code implies at its end; `None` if nothing says.
    pub is_implied: Option<bool>,
    /// What its own line says of the refund; `None` if nothing that is known.
    pub own_refund: Option<OwnRefund>,
    /// The second line of an opcode that failed inside, as geth and Nimbus write it.
    pub second_line: Option<SecondLine>,
    /// What its line has.
    pub said: Fields,
    /// What its client writes on every such line, and this one has not.
    pub missing: Fields,
}

/// Which refund counter a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnRefund {
    /// That before the opcode.
    Before,
    /// That behind it.
    After,
    /// A run: both.
    Both,
}

/// Where an opcode that failed inside is written again, with its error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecondLine {
    /// The line.
    pub line: u64,
    /// In what of where it is, and how much gas it has, it is not as the first line.
    pub odd: Option<Field>,
    /// It has no error.
    pub lacks_error: bool,
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
            reservoir: Some(step.state_gas.reservoir),
            state_gas_spent: Some(revm_state_gas(step.message.state_gas, step.state_gas)),
            state_gas_cost: None,
            memory_size: Some(step.memory.len() as u64),
            memory: with_memory.then(|| Bytes::copy_from_slice(step.memory)),
            stack: Some(step.stack.to_vec()),
            return_data: Some(Bytes::copy_from_slice(step.return_data)),
            refund: Some(step.refund),
            refund_after: None,
            halt: None,
            storage: None,
            odd_name: None,
            is_implied: Some(step.pc >= step.code.len()),
            own_refund: Some(OwnRefund::Both),
            second_line: None,
            said: Fields::of(&[Field::OpName]),
            missing: Fields::NONE,
        }
    }

    /// Whether it says anything of state gas but that there is none.
    pub fn has_state_gas(&self) -> bool {
        let numbers = [self.reservoir, self.state_gas_spent];
        numbers.into_iter().flatten().any(|gas| gas != 0) || self.state_gas_cost.is_some_and(|cost| cost != 0)
    }

    /// Adds what is known once the opcode has run. Of one that fails the cost is unknown: clients count it in many ways.
    /// `step` is what it left.
    pub fn finish(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.gas_cost = end.halt.is_none().then_some(end.gas_cost);
        self.state_gas_cost = end.halt.is_none().then_some(end.state_gas_cost);
        self.refund_after = end.halt.is_none().then_some(step.refund);
        self.halt = match end.halt {
            None if self.opcode == Opcode::REVERT => Some(HaltKind::Revert),
            halt => Client::Eip3155.halt(self.opcode, halt.map(Halt::name)),
        };
        self.storage = Some(match end.effect {
            Effect::Storage(change) => vec![(change.key, change.new)],
            _ => Vec::new(),
        });
    }
}

/// What is said of a frame or of the transaction when it is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceEnd {
    /// Root of the post-state.
    pub state_root: Option<B256>,
    /// Output of the frame; of a successful creation the code.
    pub output: Option<Bytes>,
    /// Gas of the transaction, refunds taken off.
    pub gas_used: Option<u64>,
    /// Gas of the frame: without what the transaction costs before it, and without refunds.
    pub frame_gas: Option<u64>,
    /// How it failed, if it did.
    pub halt: Option<HaltKind>,
    /// Whether it succeeded.
    pub success: Option<bool>,
    /// Hash of the transaction's logs (Keccak-256 of their RLP): what is under `logsRoot`, and under `postLogsHash`.
    pub logs: [Option<B256>; 2],
    /// Name of the fork.
    pub fork: Option<String>,
    /// Name of the test.
    pub test: Option<String>,
    /// Its indexes d, g and v.
    pub indexes: [Option<u64>; 3],
    /// What its lines have.
    pub said: Fields,
    /// What its client writes behind every transaction, and this one has not.
    pub missing: Fields,
    /// Line of the file that says the root, and the one that says the rest; 0 for none.
    pub lines: [u64; 2],
}

impl TraceEnd {
    /// Takes what a frame came to.
    pub fn with_status(self, status: FrameStatus) -> Self {
        let halt = match status {
            FrameStatus::Success => HaltKind::None,
            FrameStatus::Revert => HaltKind::Revert,
            FrameStatus::Halt(halt) => HaltKind::of(halt.name()),
        };
        Self { halt: Some(halt), success: Some(status == FrameStatus::Success), ..self }
    }

    /// Adds what a later line says.
    pub(crate) fn add(&mut self, more: TraceEnd) {
        for (line, more) in self.lines.iter_mut().zip(more.lines) {
            *line = if more > 0 { more } else { *line };
        }
        self.state_root = more.state_root.or(self.state_root);
        self.output = more.output.or(self.output.take());
        self.gas_used = more.gas_used.or(self.gas_used);
        self.frame_gas = more.frame_gas.or(self.frame_gas);
        self.halt = more.halt.or(self.halt);
        self.success = more.success.or(self.success);
        for (logs, more) in self.logs.iter_mut().zip(more.logs) {
            *logs = more.or(*logs);
        }
        self.fork = more.fork.or(self.fork.take());
        self.test = more.test.or(self.test.take());
        for (index, more) in self.indexes.iter_mut().zip(more.indexes) {
            *index = more.or(*index);
        }
        self.said = self.said.or(more.said);
    }
}

/// One thing a trace file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An opcode.
    Step(Step),
    /// The end of a frame, as geth writes it; depth and place follow from the steps around it. That of the transaction's own frame
    /// is in [`Record::End`].
    FrameExit(TraceEnd),
    /// The end of a transaction: one for each that the file has, even if nothing is said of it.
    End(TraceEnd),
}
