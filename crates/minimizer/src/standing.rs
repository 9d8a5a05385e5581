//! What who asks may know of a run, and a minimiser may make use of: hints, which are tried as everything else is.

use parallax_primitives::{Address, Bytes, Message, Opcode, U256};

/// What ran until the finding. All of it may be missing.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The messages that were sent, the transaction's own first.
    pub messages: Vec<Message>,
    /// What the opcode that the finding is at found.
    pub standing: Option<Standing>,
    /// The opcodes of the frame that it ran in, that frame alone, up to itself.
    pub executed: Vec<Executed>,
}

/// What an opcode finds.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The message that its frame was started by.
    pub message: Message,
    /// The account whose code it is in; zero in init code.
    pub code_address: Address,
    /// The opcode.
    pub opcode: Opcode,
    /// Its immediate byte, if it has one.
    pub immediate: Option<u8>,
    /// How many items it takes.
    pub inputs: usize,
    /// The whole stack, the top first.
    pub stack: Vec<U256>,
    /// The memory.
    pub memory: Bytes,
}

/// An opcode that ran.
#[derive(Clone, Debug)]
pub struct Executed {
    /// Which.
    pub opcode: Opcode,
    /// Its bytes: the opcode and what is behind it.
    pub bytes: Bytes,
    /// Where it stood.
    pub pc: usize,
}
