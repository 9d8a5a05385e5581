use std::collections::{BTreeMap, BTreeSet};

use parallax_primitives::{Address, Bytecode, U256};

/// What a transaction changed, as its engine saw it, ordered: two engines agree on the post-state exactly if these are
/// equal over the same database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateChanges {
    /// Accounts that are not as they were. An account that was touched and is the same is not in it.
    pub accounts: BTreeMap<Address, AccountChange>,
}

/// What became of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountChange {
    /// It existed and does no longer.
    Deleted,
    /// It exists.
    Changed {
        /// Its nonce.
        nonce: u64,
        /// Its balance in wei.
        balance: U256,
        /// Its code, if it is new or other than before.
        code: Option<Bytecode>,
        /// Slots that are not as they were.
        storage: BTreeMap<U256, U256>,
        /// Whether it had storage, and all of that is gone: it has destroyed itself and keeps its balance (EIP-8246). Nothing else clears
        /// storage but deletion: what an account is created over stays, and a deleted one does not come back in its transaction.
        clears_storage: bool,
    },
}

/// What a transaction has looked at, whether it changed anything there or not, and whatever became of the frame that did (EIP-7928).
///
/// Not in it is what was only warmed, or could not be paid for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accesses {
    /// Accounts, each with those of its slots that were read or written.
    pub accounts: BTreeMap<Address, BTreeSet<U256>>,
}
