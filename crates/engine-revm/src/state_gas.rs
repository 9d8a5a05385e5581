//! revm's counters of state gas (EIP-8037) in Parallax's words. Without state gas all of them are zero.
//!
//! revm keeps what a frame has spilled and what it has spent in all; what its reservoir falls back to follows from both, and is what
//! the message was handed. What the transaction pays before its first frame is the frame's own by the specification, and in revm the
//! transaction's: it is added here.

use parallax_primitives::{Message, StateGas};
use revm::interpreter::Gas;

/// State gas of the frame of `message`, as it stands in the middle of it or at an end that is no failure.
pub(crate) fn standing(message: &Message, gas: &Gas) -> StateGas {
    let own = message.state_gas;
    StateGas {
        reservoir: gas.reservoir(),
        spilled: own.spilled.saturating_add(gas.state_gas_spilled()),
        baseline: own.baseline,
    }
}

/// Gas and state gas that `message` leaves whose frame has failed: by revm's own rule for its counters, and what was paid before
/// the frame besides. Of the gas a halt leaves nothing.
pub(crate) fn fallen_back(message: &Message, gas: &Gas) -> (u64, StateGas) {
    let own = message.state_gas;
    let mut gas = *gas;
    gas.rollback_state_gas();
    let paid_before = own.baseline.saturating_sub(own.reservoir);
    let reservoir = gas.reservoir().saturating_add(paid_before);
    (gas.remaining().saturating_add(own.spilled), StateGas::of(reservoir))
}

/// The gas with which a transaction begins, and what its own message has of its state gas.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    /// Execution gas behind the intrinsic gas.
    pub(crate) gas: u64,
    /// The reservoir.
    pub(crate) reservoir: u64,
    /// What its message begins with; `None` if what is to be paid before it cannot be paid.
    pub(crate) message: Option<StateGas>,
}
