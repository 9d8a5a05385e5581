use parallax_host_interface::StateChanges;
use parallax_primitives::TxOutcome;

/// What a transaction came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Its outcome; `None` if a hook aborted it. Then nothing was changed.
    pub outcome: Option<TxOutcome>,
    /// What it changed, ordered.
    pub changes: StateChanges,
}
