//! A transaction as an official state test: what was read of its world is the state before it.

use std::fs;

use anyhow::{Context, Result, bail};
use parallax_primitives::TxOutcome;
use parallax_state_tests::CaseResult;

use super::{recorded::Recorded, run::TxRun};
use crate::state_test::StateTest;

/// Writes it to `path`, with what came of it as what is expected.
pub(crate) fn save(tx: &TxRun<'_>, path: &str, recorded: &Recorded<'_>, outcome: &TxOutcome) -> Result<()> {
    let parent = tx.env.number.checked_sub(1);
    if let Some(oldest) = recorded.oldest_block_hash().filter(|oldest| Some(*oldest) != parent) {
        bail!(
            "--save-test: it asks for the hash of block {oldest}, and a state test has that of the parent alone"
        );
    }
    let test = StateTest {
        name: format!("tx_{}", tx.subject.hash),
        rules: tx.subject.rules.rules,
        chain_id: tx.subject.chain_id,
        block: tx.env,
        previous_hash: Some(tx.subject.block.header.parent_hash),
        transaction: &tx.subject.transaction,
        authorizations: &tx.subject.authorizations,
        envelope: Some(&tx.subject.transaction.envelope),
        before: &recorded.read(),
    };
    let filled = test.fill(path, &*tx.arguments.engine.engine()).context("--save-test")?;
    let is_same =
        |result: &CaseResult| result.gas_used == outcome.gas_used && result.output == outcome.output;
    let Some(filled) = filled.filter(|filled| filled.result.exception.is_none() && is_same(&filled.result))
    else {
        bail!("--save-test: as a state test it would come to something else");
    };
    fs::write(path, filled.text).with_context(|| format!("{path}: cannot write the test"))
}
