use crate::U256;

/// What kind of opcode it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Puts a constant, or its immediate bytes, onto the stack.
    Push,
    /// Drops the topmost item.
    Pop,
    /// Puts its deepest operand onto the stack once more.
    Dup,
    /// Exchanges the topmost item and its deepest operand.
    Swap,
    /// Copies or exchanges the items that its immediate byte names ([`Reach`](crate::Reach), EIP-8024).
    Deep,
    /// Arithmetic.
    Arithmetic,
    /// Comparison.
    Compare,
    /// Patterns of bits.
    Bitwise,
    /// Hashing.
    Hash,
    /// Tells something of the frame, the message, the transaction, the block or an account.
    Environment,
    /// Reads, writes or copies memory.
    Memory,
    /// Reads or writes a slot, be it a transient one.
    Storage,
    /// Jumps, and their destinations.
    Flow,
    /// Leaves a log.
    Log,
    /// Sends a message: a call or a creation.
    Message,
    /// Ends the frame.
    Halt,
}

/// What an operand or a result of an opcode is. From roles alone an observer derives what a step reads and writes.
///
/// An offset of a region is ended by the first [`Role::Length`] below it on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A word without a further meaning.
    Value,
    /// Zero or not.
    Flag,
    /// An exponent, which is paid by its bytes.
    Exponent,
    /// A count of bits.
    Shift,
    /// Of a byte in a word, or of a blob in a transaction.
    Index,
    /// Gas.
    Gas,
    /// Wei.
    Amount,
    /// An account.
    Address,
    /// The number of a block.
    BlockNumber,
    /// Where memory is read from.
    ReadOffset,
    /// Where memory is written to.
    WriteOffset,
    /// Where memory has room for what a callee answers.
    OutputOffset,
    /// Where calldata is read from.
    CallDataOffset,
    /// Where code is read from: that of the account in [`Role::Address`], or else the frame's own.
    CodeOffset,
    /// Where return data is read from.
    ReturnDataOffset,
    /// A count of bytes.
    Length,
    /// Where 32 bytes of memory are read from.
    ReadWord,
    /// Where 32 bytes of memory are written to.
    WriteWord,
    /// Where a byte of memory is written to.
    WriteByte,
    /// Where 32 bytes of calldata are read from.
    CallDataWord,
    /// A slot of the storage.
    StorageKey,
    /// A slot of the transient storage.
    TransientKey,
    /// A jump destination.
    JumpDestination,
    /// A topic of a log.
    Topic,
    /// What an address is derived from (EIP-1014).
    Salt,
}

impl Role {
    /// Whether memory is written where it points to.
    pub const fn writes_memory(self) -> bool {
        matches!(self, Role::WriteOffset | Role::WriteWord | Role::WriteByte)
    }

    /// Whether memory is read, written or kept for an answer where it points to.
    pub const fn is_of_memory(self) -> bool {
        self.writes_memory() || matches!(self, Role::ReadOffset | Role::ReadWord | Role::OutputOffset)
    }
}

/// An item that an opcode takes from the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operand {
    /// What the Yellow Paper and the EIPs call it; empty for one without a meaning of its own.
    pub name: &'static str,
    /// What it is.
    pub role: Role,
}

impl Operand {
    /// What DUP and SWAP move.
    pub(crate) const ITEM: Operand = Operand { name: "", role: Role::Value };
}

/// A region of bytes that an opcode reads or writes, by where on the stack its operands are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The role of its offset: what is read or written.
    pub role: Role,
    /// The operand that has its offset, counted from the top.
    pub offset: usize,
    length: Extent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Bytes(u64),
    Operand(usize),
}

impl Region {
    /// Its offset and its length in bytes, on a stack whose last item is the top; `None` where the stack lacks them.
    pub fn on(&self, stack: &[U256]) -> Option<(U256, U256)> {
        let deepest = match self.length {
            Extent::Bytes(_) => self.offset,
            Extent::Operand(place) => place.max(self.offset),
        };
        (deepest < stack.len()).then(|| self.on_or_zero(stack))
    }

    /// The same, where items that the stack lacks are zero.
    pub fn on_or_zero(&self, stack: &[U256]) -> (U256, U256) {
        let operand = |from_top: usize| stack.iter().nth_back(from_top).copied().unwrap_or_default();
        let length = match self.length {
            Extent::Bytes(bytes) => U256::from(bytes),
            Extent::Operand(place) => operand(place),
        };
        (operand(self.offset), length)
    }
}

/// The regions of an opcode, the one with the topmost offset first.
#[derive(Clone, Debug)]
pub struct Regions {
    inputs: &'static [Operand],
    next: usize,
}

impl Regions {
    pub(crate) fn of(inputs: &'static [Operand]) -> Self {
        Self { inputs, next: 0 }
    }
}

impl Iterator for Regions {
    type Item = Region;

    #[inline]
    fn next(&mut self) -> Option<Region> {
        while let Some(operand) = self.inputs.get(self.next) {
            let offset = self.next;
            self.next += 1;
            let length = match operand.role {
                Role::ReadWord | Role::WriteWord | Role::CallDataWord => Extent::Bytes(32),
                Role::WriteByte => Extent::Bytes(1),
                Role::ReadOffset
                | Role::WriteOffset
                | Role::OutputOffset
                | Role::CallDataOffset
                | Role::CodeOffset
                | Role::ReturnDataOffset => {
                    let mut behind = self.inputs.iter().skip(self.next);
                    match behind.position(|operand| operand.role == Role::Length) {
                        Some(further) => Extent::Operand(self.next + further),
                        None => continue,
                    }
                }
                Role::Value
                | Role::Flag
                | Role::Exponent
                | Role::Shift
                | Role::Index
                | Role::Gas
                | Role::Amount
                | Role::Address
                | Role::BlockNumber
                | Role::Length
                | Role::StorageKey
                | Role::TransientKey
                | Role::JumpDestination
                | Role::Topic
                | Role::Salt => continue,
            };
            return Some(Region { role: operand.role, offset, length });
        }
        None
    }
}
