//! The undo log: one record per change, each holding what it takes to put the value back. Walking it backwards to a mark
//! restores exactly the state at that mark; what was only read from the database stays, since reading changes nothing.

use parallax_primitives::{B256, Bytecode, U256};

/// One change. Accounts and slots are named by their places in the journal's lists, which only grow.
#[derive(Clone, Debug)]
pub(crate) enum Undo {
    Balance { account: usize, previous: U256 },
    Nonce { account: usize, previous: u64 },
    Code { account: usize, previous: Box<(B256, Option<Bytecode>)> },
    WarmedAccount { account: usize },
    Touched { account: usize },
    Created { account: usize },
    Destroyed { account: usize },
    WarmedSlot { slot: usize },
    Stored { slot: usize, previous: U256 },
    StoredTransient { slot: usize, previous: U256 },
}

/// What a checkpoint remembers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checkpoint {
    /// Length of the undo log.
    pub(crate) undo: usize,
    /// Number of logs.
    pub(crate) logs: usize,
    /// The refund counter.
    pub(crate) refund: i64,
}
