//! The memory an opcode is about to touch, as its operands name it: what clients say about an opcode that fails depends on
//! how far it came with it.

use parallax_hooks::StepView;
use parallax_primitives::{OpcodeInfo, U256};

/// An operand, counted from the top; zero if the stack has no such item.
pub(crate) fn operand(step: &StepView<'_>, place: usize) -> U256 {
    step.stack.iter().nth_back(place).copied().unwrap_or_default()
}

/// Offset and length of every region of memory that is not empty, as far as the stack has them.
fn touched<'a>(step: &StepView<'a>) -> impl Iterator<Item = (U256, U256)> + use<'a> {
    let StepView { stack, rules, opcode, .. } = *step;
    let regions = rules.info(opcode).map(OpcodeInfo::regions).into_iter().flatten();
    regions.filter(|region| region.role.is_of_memory()).filter_map(move |region| {
        let (offset, length) = region.on_or_zero(stack);
        (!length.is_zero()).then_some((offset, length))
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
