//! The memory an opcode is about to touch, as its operands name it: what clients say about an opcode that fails depends on
//! how far it came with it.

use parallax_hooks::StepView;
use parallax_primitives::U256;

/// Where offset and length stand from the top of the stack; `Err` is a fixed length.
type Region = (usize, Result<usize, u64>);

fn regions(opcode: u8) -> &'static [Region] {
    match opcode {
        0x20 | 0xa0..=0xa4 | 0xf3 | 0xfd => &[(0, Ok(1))],
        0x37 | 0x39 | 0x3e => &[(0, Ok(2))],
        0x3c => &[(1, Ok(3))],
        0x51 | 0x52 => &[(0, Err(32))],
        0x53 => &[(0, Err(1))],
        0x5e => &[(0, Ok(2)), (1, Ok(2))],
        0xf0 | 0xf5 => &[(1, Ok(2))],
        0xf1 | 0xf2 => &[(3, Ok(4)), (5, Ok(6))],
        0xf4 | 0xfa => &[(2, Ok(3)), (4, Ok(5))],
        _ => &[],
    }
}

/// An operand, counted from the top; zero if the stack has no such item.
pub(crate) fn operand(step: &StepView<'_>, place: usize) -> U256 {
    step.stack.iter().nth_back(place).copied().unwrap_or_default()
}

/// Offset and length of every region that is not empty.
fn touched(step: &StepView<'_>) -> impl Iterator<Item = (U256, U256)> {
    regions(step.opcode.0).iter().filter_map(|(offset, length)| {
        let length = length.map_or_else(U256::from, |place| operand(step, place));
        (!length.is_zero()).then(|| (operand(step, *offset), length))
    })
}

/// Whether an offset or a length does not fit 64 bits.
pub(crate) fn is_beyond_64_bits(step: &StepView<'_>) -> bool {
    let limit = U256::from(u64::MAX);
    touched(step).any(|(offset, length)| offset > limit || length > limit)
}

/// Bytes of memory that the opcode needs, in whole words, at least those of now. Saturates.
pub fn needed(step: &StepView<'_>) -> u64 {
    let ends = touched(step).map(|(offset, length)| offset.saturating_add(length).saturating_to::<u64>());
    let end = ends.max().unwrap_or(0);
    end.checked_next_multiple_of(32).unwrap_or(u64::MAX).max(step.memory.len() as u64)
}

/// Gas for growing the memory to what the opcode needs (Yellow Paper, appendix H). Saturates.
pub fn growth_cost(step: &StepView<'_>) -> u64 {
    let cost = |bytes: u64| {
        let words = u128::from(bytes / 32);
        u64::try_from(3 * words + words * words / 512).unwrap_or(u64::MAX)
    };
    cost(needed(step)) - cost(step.memory.len() as u64)
}
