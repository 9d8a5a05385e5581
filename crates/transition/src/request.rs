use parallax_block_data::TransactionError;
use parallax_chain_input::PreState;
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{BlockRules, Bytes, Transaction};
use parallax_state_tests::Node;
use serde_json::Value;

use crate::{Environment, RequestError, transactions};

/// What a transition is made from.
#[derive(Clone, Debug)]
pub struct Request {
    /// The rules of the block.
    pub rules: BlockRules,
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// Wei for the miner; `None` for none, which touches no account.
    pub reward: Option<u64>,
    /// The facts of the block.
    pub environment: Environment,
    /// The state before it; it answers BLOCKHASH as well.
    pub state: MemoryDatabase,
    /// Its transactions, each with its bytes, or why it is none.
    pub transactions: Vec<(Bytes, Result<Transaction, TransactionError>)>,
}

impl Request {
    /// Reads the three parts of an input. `rules` have the blob parameters that are meant.
    ///
    /// # Errors
    ///
    /// The place in the input that is not as it should be, or the field of `env` that is missing.
    pub fn read(
        rules: BlockRules,
        chain_id: u64,
        reward: Option<u64>,
        [alloc, env, txs]: [&Value; 3],
    ) -> Result<Self, RequestError> {
        let file = "t8n".into();
        let mut state = PreState::of(&Node::test(&file, "alloc", alloc), None)?.into_state();
        let environment = Environment::read(&rules, &Node::test(&file, "env", env))?;
        state.block_hashes = environment.block_hashes.clone();
        let transactions = transactions::read(&rules, chain_id, &Node::test(&file, "txs", txs))?;
        Ok(Self { rules, chain_id, reward, environment, state, transactions })
    }
}
