/// State gas of a frame (EIP-8037), the second of a transaction's two gases. All zero where the rules have none.
///
/// It is charged to the reservoir first and to execution gas for what that lacks; what is given back goes where it came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateGas {
    /// Gas left in the reservoir (EELS: `state_gas_left`).
    pub reservoir: u64,
    /// State gas that was taken from execution gas, in this frame and in those that it has sent and that succeeded, and that was not
    /// given back (EELS: `state_gas_spilled`; the EIP's `state_gas_from_gas_left`).
    pub spilled: u64,
    /// What the reservoir falls back to if the frame fails (EELS: `state_gas_baseline`).
    pub baseline: u64,
}

impl StateGas {
    /// None at all.
    pub const NONE: StateGas = StateGas { reservoir: 0, spilled: 0, baseline: 0 };

    /// What a frame begins with that is handed a reservoir.
    pub const fn of(reservoir: u64) -> Self {
        Self { reservoir, spilled: 0, baseline: reservoir }
    }
}
