//! A transaction with all that it runs on.

use anyhow::{Result, bail};
use parallax_chain_input::ChainReceipt;
use parallax_engine_interface::Job;
use parallax_host_interface::Database;
use parallax_primitives::{BlockEnv, Subject};

use super::{arguments::TxArguments, subject::TxSubject, watched::Watched};

/// What may be given instead of a file.
pub(crate) const OR_NODE: &str = if cfg!(feature = "rpc") { "; or --rpc URL" } else { "" };

/// A transaction with all that it runs on.
pub(crate) struct TxRun<'a> {
    pub(crate) arguments: &'a TxArguments,
    pub(crate) subject: &'a TxSubject,
    /// The facts of the block, as they are for this transaction.
    pub(crate) env: &'a BlockEnv,
    pub(crate) world: &'a dyn Database,
    /// The world as it was given, where it is no node's.
    pub(crate) given: Option<&'a Watched>,
    pub(crate) receipt: Option<ChainReceipt>,
}

impl TxRun<'_> {
    /// What an engine is given, on `database`.
    pub(crate) fn job<'j>(&'j self, database: &'j dyn Database) -> Job<'j> {
        let TxSubject { transaction, rules, chain_id, .. } = self.subject;
        let subject = Subject::Transaction(transaction);
        Job { rules: rules.rules, chain_id: *chain_id, block: self.env, subject, database }
    }

    /// That no hash of a block was asked for that is not known.
    pub(crate) fn check_block_hashes(&self) -> Result<()> {
        let asked = self.given.map(Watched::absent).and_then(|absent| absent.block_hashes.first().copied());
        match asked {
            None => Ok(()),
            Some(number) => bail!(
                "BLOCKHASH asks for the hash of block {number}, which is not known: expected --block-hashes FILE{OR_NODE}"
            ),
        }
    }
}
