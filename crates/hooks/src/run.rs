use std::error::Error;

use parallax_primitives::{BlockEnv, Rejection, Rules, Subject, TxOutcome};

/// What is about to run.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The rules.
    pub rules: Rules,
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// The block around it.
    pub block: &'a BlockEnv,
    /// The transaction, or the bare message.
    pub subject: Subject<'a>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub enum End<'a> {
    /// It is over, and came to this. A bare message paid for its gas alone.
    Outcome(&'a TxOutcome),
    /// A hook has ended it: it has changed nothing.
    Aborted,
    /// The transaction cannot be in a block: nothing ran.
    Rejected(&'a Rejection),
    /// The world failed.
    Failed(&'a (dyn Error + 'static)),
}
