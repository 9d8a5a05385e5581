use parallax_primitives::{B256, Bytes, Opcode, U256};

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
    /// How the opcode failed, if it did; `None` if the client does not say on its lines.
    pub failure: Option<Failure>,
}

/// Whether and how an opcode failed, as far as clients agree on kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// It did not.
    None,
    /// REVERT did its work.
    Revert,
    /// Out of gas, the kinds of memory and offset overflow included.
    OutOfGas,
    /// Too few items, or too many: some clients tell one as the other.
    Stack,
    /// A bad jump.
    InvalidJump,
    /// A byte that is no opcode, or 0xfe.
    InvalidOpcode,
    /// A change of state in a static call.
    StaticViolation,
    /// A read beyond the return data.
    OutOfBounds,
    /// It failed, in words nobody else uses.
    Other,
}

/// What follows the steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceEnd {
    /// Root of the post-state.
    pub state_root: Option<B256>,
    /// Output of the transaction's own frame.
    pub output: Option<Bytes>,
}

/// One thing a trace file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An opcode.
    Step(Step),
    /// The end of a frame, as geth writes it; depth and place follow from the steps around it.
    FrameExit,
    /// The end of the trace, or a part of it.
    End(TraceEnd),
}
