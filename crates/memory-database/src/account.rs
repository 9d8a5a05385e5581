use std::collections::BTreeMap;

use parallax_primitives::{Bytecode, U256};

/// One account of a [`crate::MemoryDatabase`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// In wei.
    pub balance: U256,
    /// Its code, empty if it has none.
    pub code: Bytecode,
    /// Its storage.
    pub storage: BTreeMap<U256, U256>,
}

impl Account {
    /// Whether a slot is not zero.
    pub(crate) fn has_storage(&self) -> bool {
        self.storage.values().any(|value| !value.is_zero())
    }
}
