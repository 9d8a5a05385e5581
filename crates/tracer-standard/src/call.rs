use parallax_primitives::{FrameOutcome, Message};

/// One message: a node of the call tree. Precompiled contracts, accounts without code and messages that never had a frame
/// are in it too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The message.
    pub message: Message,
    /// What it came to; `None` while it runs, or if the run was aborted.
    pub outcome: Option<FrameOutcome>,
    /// The message whose frame sent it; `None` for the transaction's own.
    pub parent: Option<usize>,
    /// The step that sent it.
    pub sent_by: Option<u64>,
    /// The first step at or after its start.
    pub(crate) first_step: u64,
    /// The step at which it ended.
    pub(crate) end_step: Option<u64>,
    /// Number of its code in the trace.
    pub(crate) code: Option<usize>,
}

impl Call {
    /// Gas it took, in gas, its callees included; `None` while it runs. Of two gases it is execution gas, what was spilled for state gas
    /// included.
    pub fn gas_used(&self) -> Option<u64> {
        Some(self.message.gas.saturating_sub(self.outcome.as_ref()?.gas_left))
    }

    /// What of [`Call::state_gas_used`] was taken from execution gas or, below zero, given back to it; the reservoir paid the rest. What a
    /// halt has burnt is in neither: it is execution gas. `None` while it runs.
    pub fn state_gas_spilled(&self) -> Option<i64> {
        let left = self.outcome.as_ref()?.state_gas.spilled;
        Some(left.wrapping_sub(self.message.state_gas.spilled).cast_signed())
    }

    /// State gas that it and its callees were charged and were not given back, in gas: what the reservoir paid, and what was spilled. Below
    /// zero where they gave back more, as of what its caller had paid (EIP-8037). `None` while it runs.
    pub fn state_gas_used(&self) -> Option<i64> {
        let left = self.outcome.as_ref()?.state_gas.reservoir;
        let reserved = self.message.state_gas.reservoir.wrapping_sub(left);
        Some(reserved.cast_signed().wrapping_add(self.state_gas_spilled()?))
    }
}
