//! Which part of the memory an opcode touches, and where what it writes there comes from.
//!
//! Invariant: a [`Write`] that [`Write::explains`] the memory after an opcode makes the same memory with [`Write::apply`].
//! So a recorder that checked need not keep the bytes.

use parallax_hooks::StepView;
use parallax_primitives::{Opcode, OpcodeInfo, Role, U256};

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
    /// From another account's code, or from what an author's own opcode works out.
    Elsewhere,
}

/// What a frame can copy to its memory. Behind their ends they read as zeros.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a> {
    pub(crate) calldata: &'a [u8],
    pub(crate) code: &'a [u8],
    pub(crate) return_data: &'a [u8],
}

impl Source {
    /// Where what an opcode writes comes from; `None` if the stack lacks its operands.
    fn of(info: &OpcodeInfo, stack: &[U256]) -> Option<Self> {
        // A place that no source has reads as zeros, like the end of every source.
        let place = |role| Some(info.value(role, stack)?.saturating_to::<usize>());
        Some(match info.opcode {
            Opcode::MSTORE => Source::Word(info.value(Role::Value, stack)?),
            Opcode::MSTORE8 => Source::Byte(info.value(Role::Value, stack)?.byte(0)),
            Opcode::CALLDATACOPY => Source::Calldata(place(Role::CallDataOffset)?),
            Opcode::CODECOPY => Source::Code(place(Role::CodeOffset)?),
            Opcode::RETURNDATACOPY => Source::ReturnData(place(Role::ReturnDataOffset)?),
            Opcode::MCOPY => Source::Memory(place(Role::ReadOffset)?),
            _ => Source::Elsewhere,
        })
    }
}

impl Write {
    /// What the opcode of a step is about to write.
    pub(crate) fn before(step: &StepView<'_>) -> Option<Self> {
        Self::of(step.rules.info(step.opcode)?, step.stack)
    }

    /// What an opcode writes on this stack, as its operands say; `None` if nothing, or if it cannot succeed.
    pub(crate) fn of(info: &OpcodeInfo, stack: &[U256]) -> Option<Self> {
        let mut written = info.regions().filter(|region| region.role.writes_memory());
        let (offset, length) = short(written.next()?.on(stack)?)?;
        // Of several all that lies between them.
        let (mut offset, mut end) = (offset, offset.saturating_add(length));
        for region in written {
            let (start, length) = short(region.on(stack)?)?;
            if length != 0 {
                (offset, end) = (offset.min(start), end.max(start.saturating_add(length)));
            }
        }
        let length = end - offset;
        (length != 0).then_some(Self { offset, length, source: Source::of(info, stack)? })
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

/// Where the output of the message that a step is about to send goes.
pub(crate) fn output_before(step: &StepView<'_>) -> (usize, usize) {
    step.opcode.info().map_or((0, 0), |info| output_region(info, step.stack))
}

/// Offset and length of the output of a call; nothing for a creation, or for a call that cannot succeed.
fn output_region(info: &OpcodeInfo, stack: &[U256]) -> (usize, usize) {
    info.output().and_then(|region| short(region.on(stack)?)).unwrap_or((0, 0))
}

/// Offset and length of the region that an opcode reads or writes; a call's is its output, or, if it has none, its input.
pub(crate) fn touched(info: &OpcodeInfo, stack: &[U256]) -> Option<(usize, usize)> {
    if let Some(write) = Write::of(info, stack) {
        return Some((write.offset, write.length));
    }
    let output = output_region(info, stack);
    if output.1 != 0 {
        return Some(output);
    }
    let read = info.regions().find(|region| matches!(region.role, Role::ReadOffset | Role::ReadWord))?;
    short(read.on(stack)?).filter(|region| region.1 != 0)
}

/// A region of a memory that there can be.
fn short((offset, length): (U256, U256)) -> Option<(usize, usize)> {
    Some((offset.try_into().ok()?, length.try_into().ok()?))
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
