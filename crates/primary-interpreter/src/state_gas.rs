//! The second gas (EIP-8037): out of the reservoir first, out of execution gas for what that lacks.

use parallax_primitives::{FrameOutcome, StateGas};

/// Charges `amount` to a frame that has `gas` left; answers what is left of that, or nothing, and has charged nothing, if it is not
/// enough.
pub(crate) fn charge(state_gas: &mut StateGas, gas: u64, amount: u64) -> Option<u64> {
    let from_gas = amount.saturating_sub(state_gas.reservoir);
    let left = gas.checked_sub(from_gas)?;
    state_gas.reservoir -= amount - from_gas;
    state_gas.spilled += from_gas;
    Some(left)
}

/// Gives `amount` back to where it came from, the spilled part first: what was paid for was not done. Answers the gas then left.
pub(crate) fn refill(state_gas: &mut StateGas, gas: u64, amount: u64) -> u64 {
    let to_gas = amount.min(state_gas.spilled);
    state_gas.spilled -= to_gas;
    state_gas.reservoir += amount - to_gas;
    gas + to_gas
}

/// Takes over what a message left, for which `paid` was charged besides; answers the gas then left.
pub(crate) fn take_back(state_gas: &mut StateGas, gas: u64, child: &FrameOutcome, paid: u64) -> u64 {
    state_gas.reservoir += child.state_gas.reservoir;
    state_gas.spilled += child.state_gas.spilled;
    if !child.status.is_success() {
        return refill(state_gas, gas, paid);
    }
    // What a callee has given back repays what its caller had spilled.
    let repaid = state_gas.reservoir.min(state_gas.spilled);
    state_gas.reservoir -= repaid;
    state_gas.spilled -= repaid;
    gas + repaid
}

/// State gas that an opcode was charged, or, below zero, given back, that found `before` and left `after`, having handed `handed_over`
/// to a message.
pub(crate) fn cost(before: StateGas, after: StateGas, handed_over: u64) -> i64 {
    let spilled = after.spilled.cast_signed() - before.spilled.cast_signed();
    let reserved = before.reservoir.cast_signed() - (after.reservoir + handed_over).cast_signed();
    spilled + reserved
}
