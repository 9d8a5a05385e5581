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

    /// State gas that it and its callees were charged and were not given back, in gas: what the reservoir paid, and what was spilled. Below
    /// zero where they gave back more, as of what its caller had paid (EIP-8037). `None` while it runs.
    pub fn state_gas_used(&self) -> Option<i64> {
        let (begun, left) = (self.message.state_gas, self.outcome.as_ref()?.state_gas);
        let reserved = begun.reservoir.wrapping_sub(left.reservoir);
        let spilled = left.spilled.wrapping_sub(begun.spilled);
        Some(reserved.wrapping_add(spilled).cast_signed())
    }
}
