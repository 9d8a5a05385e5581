//! What is made smaller: one transaction on one state.

use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{Address, BlockEnv, Bytecode, Rules, Transaction};

/// One transaction on one state, in one block, by rules.
#[derive(Clone, Debug)]
pub struct Case {
    /// The rules.
    pub rules: Rules,
    /// The chain.
    pub chain_id: u64,
    /// The block.
    pub block: BlockEnv,
    /// The transaction.
    pub transaction: Transaction,
    /// The state before.
    pub pre: MemoryDatabase,
}

impl Case {
    /// With other code of an account.
    pub(crate) fn with_code(&self, address: Address, code: Vec<u8>) -> Self {
        let mut case = self.clone();
        case.pre.accounts.entry(address).or_default().code = Bytecode::new(code.into());
        case
    }

    /// Addresses of all accounts, ascending.
    pub(crate) fn addresses(&self) -> Vec<Address> {
        self.pre.accounts.keys().copied().collect()
    }
}
