//! What opcodes out of the loops' line are paid from.

use parallax_primitives::Halt;

use crate::fault::Fault;

/// What an opcode is paid from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purse {
    /// Gas left.
    pub(crate) gas: u64,
    /// Static gas that is not charged yet.
    pub(crate) base: u64,
    /// The fast form asks for it: it goes on after a fault, in the exact one, so an opcode that could not pay for the worst is refused
    /// before it warms anything.
    pub(crate) careful: bool,
    /// Whether the opcode changes state and the frame is static: it is refused at its charge (EIP-214), and the fault says
    /// what it would have cost.
    pub(crate) refuses: bool,
}

impl Purse {
    /// A careful opcode is refused if it could not pay this much.
    pub(crate) fn must_have(&self, worst: u64) -> Result<(), Fault> {
        if self.careful && self.gas < worst {
            return Err(Fault::Halt(Halt::OutOfGas, worst));
        }
        Ok(())
    }

    pub(crate) fn pay(&self, dynamic: u64) -> Result<u64, Fault> {
        let cost = self.base.saturating_add(dynamic);
        if self.refuses {
            return Err(Fault::Halt(Halt::StaticViolation, cost));
        }
        self.gas.checked_sub(cost).ok_or(Fault::Halt(Halt::OutOfGas, cost))
    }
}
