//! Which part of the memory an opcode touches, and where what it writes there comes from.
//!
//! Invariant: a [`Write`] that [`Write::explains`] the memory after an opcode makes the same memory with [`Write::apply`].
//! So a recorder that checked need not keep the bytes.

use parallax_primitives::{Opcode, U256};

/// What an opcode is about to write to memory, told from its operands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    pub(crate) offset: usize,
    /// Never zero.
    pub(crate) length: usize,
    source: Source,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    Word(U256),
    Byte(u8),
    Calldata(usize),
    Code(usize),
    ReturnData(usize),
    Memory(usize),
    /// Another account's code.
    Elsewhere,
}

/// What a frame can copy to its memory. Behind their ends they read as zeros.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a> {
    pub(crate) calldata: &'a [u8],
    pub(crate) code: &'a [u8],
    pub(crate) return_data: &'a [u8],
}

impl Write {
    /// What `opcode` writes on this stack; `None` if nothing, or if it cannot succeed.
    #[inline]
    pub(crate) fn of(opcode: Opcode, stack: &[U256]) -> Option<Self> {
        let size = |at: usize| operand(stack, at)?.try_into().ok();
        // A place that no source has reads as zeros, like the end of every source.
        let place = |at: usize| Some(operand(stack, at)?.saturating_to::<usize>());
        let (offset, length, source) = match opcode {
            Opcode::MSTORE => (size(0)?, 32, Source::Word(operand(stack, 1)?)),
            Opcode::MSTORE8 => (size(0)?, 1, Source::Byte(operand(stack, 1)?.byte(0))),
            Opcode::CALLDATACOPY => (size(0)?, size(2)?, Source::Calldata(place(1)?)),
            Opcode::CODECOPY => (size(0)?, size(2)?, Source::Code(place(1)?)),
            Opcode::RETURNDATACOPY => (size(0)?, size(2)?, Source::ReturnData(place(1)?)),
            Opcode::MCOPY => (size(0)?, size(2)?, Source::Memory(place(1)?)),
            Opcode::EXTCODECOPY => (size(1)?, size(3)?, Source::Elsewhere),
            _ => return None,
        };
        (length != 0).then_some(Self { offset, length, source })
    }

    /// Whether `memory`, as the opcode left it, has at the written region what the source gives.
    pub(crate) fn explains(&self, memory: &[u8], sources: &Sources<'_>) -> bool {
        let end = self.offset.saturating_add(self.length);
        let Some(region) = memory.get(self.offset..end) else {
            return false;
        };
        let (source, from) = match self.source {
            Source::Word(word) => return region == word.to_be_bytes::<32>(),
            Source::Byte(byte) => return region == [byte],
            Source::Calldata(from) => (sources.calldata, from),
            Source::Code(from) => (sources.code, from),
            Source::ReturnData(from) => (sources.return_data, from),
            Source::Memory(from) => {
                let from_end = from.saturating_add(self.length);
                // Where the two overlap, what was copied is no longer there to compare with.
                return (from_end <= self.offset || end <= from)
                    && memory.get(from..from_end) == Some(region);
            }
            Source::Elsewhere => return false,
        };
        let given = part_of(source, from, self.length);
        region.starts_with(given) && region[given.len()..].iter().all(|byte| *byte == 0)
    }

    /// Does it. Writes nothing if the memory has no such region.
    pub(crate) fn apply(&self, memory: &mut [u8], sources: &Sources<'_>) {
        let end = self.offset.saturating_add(self.length);
        if end > memory.len() {
            return;
        }
        let (source, from) = match self.source {
            Source::Word(word) => {
                memory[self.offset..end].copy_from_slice(&word.to_be_bytes::<32>());
                return;
            }
            Source::Byte(byte) => {
                memory[self.offset] = byte;
                return;
            }
            Source::Calldata(from) => (sources.calldata, from),
            Source::Code(from) => (sources.code, from),
            Source::ReturnData(from) => (sources.return_data, from),
            Source::Memory(from) => {
                if from.saturating_add(self.length) <= memory.len() {
                    memory.copy_within(from..from + self.length, self.offset);
                }
                return;
            }
            Source::Elsewhere => return,
        };
        let given = part_of(source, from, self.length);
        let (copied, padding) = memory[self.offset..end].split_at_mut(given.len());
        copied.copy_from_slice(given);
        padding.fill(0);
    }
}

/// Offset and length of the output of a call; nothing for a creation, or for a call that cannot succeed.
pub(crate) fn output_region(opcode: Opcode, stack: &[U256]) -> (usize, usize) {
    let first = match opcode {
        Opcode::CALL | Opcode::CALLCODE => 5,
        Opcode::DELEGATECALL | Opcode::STATICCALL => 4,
        _ => return (0, 0),
    };
    region_at(stack, first, first + 1).unwrap_or((0, 0))
}

/// Offset and length of the region that an opcode reads or writes; a call's is its output, or, if it has none, its input.
pub(crate) fn touched(opcode: Opcode, stack: &[U256]) -> Option<(usize, usize)> {
    if let Some(write) = Write::of(opcode, stack) {
        return Some((write.offset, write.length));
    }
    let (offset, length) = match opcode {
        Opcode::MLOAD => (0, None),
        Opcode::KECCAK256 | Opcode::RETURN | Opcode::REVERT | Opcode(0xa0..=0xa4) => (0, Some(1)),
        Opcode::CREATE | Opcode::CREATE2 => (1, Some(2)),
        Opcode::CALL | Opcode::CALLCODE | Opcode::DELEGATECALL | Opcode::STATICCALL => {
            let output = output_region(opcode, stack);
            if output.1 != 0 {
                return Some(output);
            }
            let first = if matches!(opcode, Opcode::CALL | Opcode::CALLCODE) { 3 } else { 2 };
            (first, Some(first + 1))
        }
        _ => return None,
    };
    let region = match length {
        Some(length) => region_at(stack, offset, length),
        None => Some((operand(stack, offset)?.try_into().ok()?, 32)),
    };
    region.filter(|region| region.1 != 0)
}

fn region_at(stack: &[U256], offset: usize, length: usize) -> Option<(usize, usize)> {
    Some((operand(stack, offset)?.try_into().ok()?, operand(stack, length)?.try_into().ok()?))
}

/// The operand at this distance from the top; 0 is the top.
#[inline]
fn operand(stack: &[U256], at: usize) -> Option<U256> {
    stack.get(stack.len().checked_sub(at + 1)?).copied()
}

/// At most `length` bytes of `source`, as many as it has.
pub(crate) fn part_of(source: &[u8], from: usize, length: usize) -> &[u8] {
    let from = from.min(source.len());
    &source[from..from.saturating_add(length).min(source.len())]
}

/// Where a window of `size` bytes round a region begins, in a memory of `total` bytes: the region in its middle, its start
/// on a word.
pub(crate) fn window_start(total: usize, size: usize, region: Option<(usize, usize)>) -> usize {
    let Some((offset, length)) = region else {
        return 0;
    };
    let margin = size.saturating_sub(length) / 2;
    let start = offset.saturating_sub(margin).min(total.saturating_sub(size));
    if size < 32 { start } else { start / 32 * 32 }
}
