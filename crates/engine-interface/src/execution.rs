use parallax_hooks::End;
use parallax_host_interface::{Accesses, StateChanges};
use parallax_primitives::TxOutcome;

/// What a transaction or a bare message came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Its outcome; `None` if a hook aborted it. Then nothing was changed. A bare message's gas used is what is not left of its gas.
    pub outcome: Option<TxOutcome>,
    /// What it changed, ordered.
    pub changes: StateChanges,
    /// What it looked at, where the rules ask for it (EIP-7928) and the engine tells it.
    pub accesses: Option<Accesses>,
}

impl Execution {
    /// One that a hook has aborted.
    pub fn aborted() -> Self {
        Self { outcome: None, changes: StateChanges::default(), accesses: None }
    }

    /// What hooks are told of it.
    pub fn end(&self) -> End<'_> {
        self.outcome.as_ref().map_or(End::Aborted, End::Outcome)
    }
}
