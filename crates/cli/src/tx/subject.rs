//! A transaction in its block, checked: who sent it, by which rules it runs, and what is around it.

use std::{
    io::{self, Read},
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};
use parallax_block_data::{Block, BlockProcessor, ChainPlace, SignedAuthorization};
use parallax_chain_input::{ChainBlock, ChainTransaction, InBlock};
use parallax_primitives::{B256, BlockEnv, BlockRules, Transaction};

use super::arguments::TxArguments;
use crate::prestate::contents;

/// What is run, without the state before it.
pub(crate) struct TxSubject {
    pub(crate) hash: B256,
    pub(crate) transaction: Transaction,
    /// The transaction's authorizations as they were signed.
    pub(crate) authorizations: Vec<SignedAuthorization>,
    pub(crate) rules: BlockRules,
    pub(crate) chain_id: u64,
    /// The header of its block, and nothing else of it.
    pub(crate) block: Block,
    pub(crate) env: BlockEnv,
}

/// A transaction as it was named on the command line.
pub(crate) enum Named {
    /// By its hash.
    Hash(B256),
    /// It itself.
    Itself(Box<ChainTransaction>),
}

impl Named {
    pub(crate) fn read(text: &str) -> Result<Self> {
        let itself = |name, bytes: &[u8]| Ok(Self::Itself(Box::new(ChainTransaction::read(name, bytes)?)));
        if text == "-" {
            let mut bytes = Vec::new();
            let limit = parallax_chain_input::MAX_BYTES;
            io::stdin()
                .lock()
                .take(limit + 1)
                .read_to_end(&mut bytes)
                .context("standard input: cannot read it")?;
            ensure!(bytes.len() as u64 <= limit, "standard input: larger than the limit of {limit} bytes");
            return itself("standard input", &bytes);
        }
        if Path::new(text).exists() {
            return itself(text, &contents(text)?);
        }
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        match digits.len() {
            64 if is_hex => Ok(Self::Hash(text.parse()?)),
            _ if is_hex => itself("the transaction given", format!("0x{digits}").as_bytes()),
            _ => bail!("{text}: no file of this name, and neither a hash nor bytes in hexadecimal"),
        }
    }

    /// The transaction, if need be out of its block.
    pub(crate) fn within(self, block: &ChainBlock, name: &str) -> Result<ChainTransaction> {
        let hash = match self {
            Self::Itself(transaction) => return Ok(*transaction),
            Self::Hash(hash) => hash,
        };
        match &block.transactions {
            InBlock::Unknown => bail!("{name}: it has no transactions, of which one has the hash {hash}"),
            InBlock::Hashes(hashes) if hashes.contains(&hash) => {
                bail!("{name}: it has the hash {hash} and not the transaction: ask for whole transactions")
            }
            InBlock::Hashes(_) => bail!("{name}: it has no transaction with the hash {hash}"),
            InBlock::Whole(list) => {
                let found = list.iter().flatten().find(|transaction| transaction.hash == hash);
                if let (None, Some(Err(error))) = (found, list.iter().find(|read| read.is_err())) {
                    return Err(error.clone().into());
                }
                found.cloned().with_context(|| format!("{name}: it has no transaction with the hash {hash}"))
            }
        }
    }
}

impl TxSubject {
    /// Puts `transaction` into `block`, which errors call `name`; `chain_id` is that of the chain, where it is known.
    pub(crate) fn new(
        arguments: &TxArguments,
        transaction: &ChainTransaction,
        block: &ChainBlock,
        name: &str,
        chain_id: Option<u64>,
        processor: &dyn BlockProcessor,
    ) -> Result<Self> {
        if !arguments.no_hash_check
            && let Err(error) = block.check_hash()
        {
            bail!("{name}: {error}; --no-hash-check goes on");
        }
        let header = &block.header;
        if let Some(number) = transaction.block_number {
            ensure!(
                number == header.number,
                "{name}: block {}, and the transaction is in block {number}",
                header.number
            );
        }
        if let (Some(said), Some(hash)) = (transaction.block_hash, block.hash) {
            ensure!(
                said == hash,
                "{name}: the hash of the block is {hash}, and the transaction is in {said}"
            );
        }
        let own = transaction.signed.transaction.chain_id;
        let chain_id = chain_id.or(arguments.chain_id).or(own).unwrap_or(1);
        let rules = match &arguments.rules {
            Some(given) => BlockRules::from(given.rules),
            None if chain_id == 1 => BlockRules::mainnet(header.number, header.timestamp),
            None => {
                bail!("chain {chain_id}: which fork its block has is known of mainnet alone, expected --fork")
            }
        };
        let sender = transaction.signed.recover(&rules);
        let sender = sender.with_context(|| {
            format!("transaction {}: it has no sender by the rules of {rules}", transaction.hash)
        })?;
        if let Some(from) = transaction.from {
            ensure!(
                from == sender,
                "transaction {}: it is said to be from {from}, and its signature is that of {sender}",
                transaction.hash
            );
        }
        let block = Block { header: header.clone(), ..Block::default() };
        let place = ChainPlace { rules: &rules, ancestors: &[], ancestor_rules: &[], dao_fork: None };
        Ok(Self {
            hash: transaction.hash,
            transaction: Transaction { sender, ..transaction.signed.transaction.clone() },
            authorizations: transaction.signed.authorizations.clone(),
            env: processor.environment(&place, &block),
            rules,
            chain_id,
            block,
        })
    }
}
