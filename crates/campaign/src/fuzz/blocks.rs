//! Cases that are blocks: what is in one, on two sides, each with its own rules of blocks and its own state.
//!
//! There is no header: what a block comes to on one side is held against what it comes to on the other.

use parallax_block_data::{Body, OnRejection, Withdrawal};
use parallax_block_tests::run_both_bodies;
use parallax_generator::{Case, Rest};
use parallax_primitives::{B256, BlockRules, Subject};
use parallax_shadow_diff::ShadowConfig;

use super::finding::is_finding;
use crate::{
    DiffOutcome,
    block_test::{Chain, compare_blocks, processor_of},
    compare_job,
    diff::compare_results,
    engines::EngineSource,
};

/// Compares on a case, a transaction or a block.
pub(super) fn compare(
    case: &Case,
    left: &dyn EngineSource,
    right: &dyn EngineSource,
    config: &ShadowConfig,
) -> DiffOutcome {
    match &case.rest {
        None => compare_job(&case.job(), left, right, config).0,
        Some(rest) => compare_blocks(Chain::Body(&body(case, rest)), [left, right], config),
    }
}

/// What is in the block of `case`. What cannot be in it is left out, as where a block is built.
/// The first transaction of a block on which two sides part, alone: with the state before it, and what is left of the block's gas. `None` if
/// they part in none, as where it is their rules of blocks that do.
pub(super) fn parting(
    case: &Case,
    rest: &Rest,
    [left, right]: [&dyn EngineSource; 2],
    config: &ShadowConfig,
) -> Option<Case> {
    let mut database = case.database.clone();
    let mut found = None;
    let processors = [left, right].map(|side| processor_of(side.name()));
    run_both_bodies(&body(case, rest), processors, &mut |_, job| {
        let (outcome, results) = compare_results(job, left, right, config);
        if let (true, Subject::Transaction(transaction)) = (is_finding(&outcome.verdict), job.subject) {
            let (block, transaction) = (job.block.clone(), transaction.clone());
            found = Some(Case { block, transaction, database: database.clone(), rest: None, ..case.clone() });
            return None;
        }
        let results = results?;
        if let [Ok(execution), _] = &results {
            database.apply(&execution.changes);
        }
        Some(results)
    });
    found
}

fn body(case: &Case, rest: &Rest) -> Body {
    let Case { rules, chain_id, block, transaction, database, .. } = case;
    let all = [transaction].into_iter().chain(&rest.transactions);
    let withdrawals = (0..).zip(&rest.withdrawals).map(|(index, (address, amount))| Withdrawal {
        index,
        validator_index: index,
        address: *address,
        amount: *amount,
    });
    Body {
        rules: BlockRules { rules: *rules, blobs: block.blobs, ..BlockRules::of(rules.base()) },
        chain_id: *chain_id,
        block: block.clone(),
        parent_hash: B256::repeat_byte(0x29),
        parent_beacon_root: Some(B256::repeat_byte(0x47)),
        is_dao_fork: false,
        transactions: all.cloned().map(Ok).collect(),
        ommers: rest.ommers.clone(),
        withdrawals: withdrawals.collect(),
        reward: None,
        on_rejection: OnRejection::LeaveOut,
        state: database.clone(),
    }
}
