use crate::{Address, Log, U256};

/// What an observer may read of the world while a transaction runs. Reading never loads, warms or changes anything.
pub trait JournalView {
    /// The transaction's refund counter, all frames, reverted frames taken back.
    fn refund(&self) -> i64;
    /// The current value of a storage slot, if the transaction has loaded it.
    fn storage(&self, address: Address, key: U256) -> Option<U256>;
    /// The value of a storage slot at the start of the transaction, if the transaction has loaded it.
    fn original_storage(&self, address: Address, key: U256) -> Option<U256>;
    /// The current value of a transient storage slot (EIP-1153), zero if never written.
    fn transient_storage(&self, address: Address, key: U256) -> U256;
    /// The logs so far, reverted ones taken back.
    fn logs(&self) -> &[Log];
}
