//! What precedes a transaction in its block: system calls, and the transactions before it.

use parallax_block_data::{BlockError, BlockProcessor, Body, Header, OnRejection, Part};
use parallax_engine_interface::{EngineError, Execution, Job};
use parallax_host_interface::{Database, HostError};
use parallax_memory_database::{Account, BlockHashes, MemoryDatabase};
use parallax_primitives::{BlockEnv, BlockRules, Transaction};

use crate::Overlay;

/// A block up to a transaction.
#[derive(Clone, Copy, Debug)]
pub struct Preceded<'a> {
    /// The rules of the block.
    pub rules: &'a BlockRules,
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// The header of the block.
    pub header: &'a Header,
    /// The facts of the block for its transactions.
    pub env: &'a BlockEnv,
    /// Its transactions up to the one that is meant, which is the last.
    pub transactions: &'a [Transaction],
}

/// Why the state before a transaction is not known.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReplayError {
    /// The block is not valid as far as it was run.
    #[error("what precedes it in the block: {0}")]
    Block(BlockError),
    /// The world or the engine failed.
    #[error("what precedes it in the block: {0}")]
    Host(HostError),
    /// The block moves the balances of the DAO before its transactions (EIP-779), and that is not done here.
    #[error("block 1920000 moves the balances of the DAO before its transactions, which is not replayed")]
    Dao,
}

impl From<BlockError> for ReplayError {
    fn from(error: BlockError) -> Self {
        Self::Block(error)
    }
}

impl From<HostError> for ReplayError {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

/// Runs what precedes the last of the transactions, each part by `execute`, on `base`; answers the state before that one, and the facts
/// of the block for it.
///
/// # Errors
///
/// Why it could not be run.
pub fn preceded<'w>(
    place: &Preceded<'_>,
    base: &'w dyn Database,
    processor: &dyn BlockProcessor,
    execute: &mut dyn FnMut(&Job<'_>) -> Result<Execution, EngineError>,
) -> Result<(Overlay<'w>, BlockEnv), ReplayError> {
    let Preceded { rules, chain_id, header, env, transactions } = *place;
    let mut overlay = Overlay::new(base);
    if chain_id == 1 && header.number == 1_920_000 {
        return Err(ReplayError::Dao);
    }
    let mut run = processor.begin(Body {
        rules: *rules,
        chain_id,
        block: env.clone(),
        parent_hash: header.parent_hash,
        parent_beacon_root: header.parent_beacon_root,
        is_dao_fork: false,
        transactions: transactions.iter().cloned().map(Ok).collect(),
        ommers: Vec::new(),
        withdrawals: Vec::new(),
        reward: Some(None),
        on_rejection: OnRejection::Invalid,
        state: called(rules, base)?,
    });
    let target = transactions.len().saturating_sub(1);
    while let Some(part) = run.advance()? {
        let Some(job) = run.job() else { break };
        if part == Part::Transaction(target) {
            let env = job.block.clone();
            return Ok((overlay, env));
        }
        let answer = match execute(&Job { database: &overlay, ..job }) {
            Ok(execution) => {
                overlay.apply(&execution.changes)?;
                Ok(execution)
            }
            Err(EngineError::Rejected(reason)) => Err(reason),
            Err(EngineError::Host(error)) => return Err(error.into()),
        };
        run.answer(answer)?;
    }
    Ok((overlay, env.clone()))
}

/// The contracts that are called before transactions, whose code decides whether they are.
fn called(rules: &BlockRules, base: &dyn Database) -> Result<MemoryDatabase, HostError> {
    let mut state =
        MemoryDatabase { block_hashes: BlockHashes::Known(Default::default()), ..Default::default() };
    let due = [
        (rules.beacon_roots, BlockRules::BEACON_ROOTS_ADDRESS),
        (rules.history, BlockRules::HISTORY_ADDRESS),
    ];
    for address in due.into_iter().filter_map(|(is_due, address)| is_due.then_some(address)) {
        if let Some(account) = base.account(address)? {
            let code = base.code(account.code_hash)?;
            let account =
                Account { nonce: account.nonce, balance: account.balance, code, ..Account::default() };
            state.accounts.insert(address, account);
        }
    }
    Ok(state)
}
