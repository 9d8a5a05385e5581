//! What is written behind DUPN, SWAPN and EXCHANGE: the `n` and `m` of EIP-8024, not the byte that stands for them.

use parallax_primitives::{Opcode, Reach};

/// The numbers that a byte stands for; `None` if it is no immediate of the opcode.
pub(crate) fn numbers(opcode: Opcode, immediate: u8) -> Option<(u8, Option<u8>)> {
    Some(match (opcode, Reach::of(opcode, immediate)?) {
        (_, Reach::Copy(item)) => (item, None),
        (Opcode::SWAPN, Reach::Exchange(_, lower)) => (lower - 1, None),
        (_, Reach::Exchange(upper, lower)) => (upper - 1, Some(lower - 1)),
    })
}

/// The byte that stands for them, if there is one.
pub(crate) fn immediate(opcode: Opcode, wanted: (u8, Option<u8>)) -> Option<u8> {
    (0..=u8::MAX).find(|byte| numbers(opcode, *byte) == Some(wanted))
}
