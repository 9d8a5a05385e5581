//! A transaction of which files say everything.

use anyhow::{Context, Result};
use parallax_campaign::processor_of;
use parallax_chain_input::{ChainBlock, ChainReceipt, Pick, PreState, hashes_of_blocks, parse};
use parallax_memory_database::{BlockHashes, MemoryDatabase};
use parallax_state_tests::Node;

use super::{
    arguments::TxArguments,
    run::{OR_NODE, TxRun},
    subject::{Named, TxSubject},
    watched::Watched,
};
use crate::{prestate::contents, report::Status};

pub(crate) fn on_files(arguments: &TxArguments) -> Result<Status> {
    let named = Named::read(&arguments.transaction)?;
    let path = arguments
        .block
        .as_deref()
        .context(format!("expected --block FILE, the block that it is in{OR_NODE}"))?;
    let block = ChainBlock::read(path, &contents(path)?)?;
    let transaction = named.within(&block, path)?;
    let processor = processor_of(arguments.engine.name());
    let subject = TxSubject::new(arguments, &transaction, &block, path, None, processor)?;
    let before = arguments.prestate.read(Some(Pick::Hash(subject.hash)))?;
    let before = before.context(format!("expected --prestate FILE, the accounts before it{OR_NODE}"))?;
    let world = Watched::new(database(arguments, &subject, before)?);
    let receipt = receipt(arguments)?;
    TxRun { arguments, subject: &subject, env: &subject.env, world: &world, given: Some(&world), receipt }
        .go()?
        .finish(arguments)
}

/// The accounts, and the hashes of blocks that are known.
fn database(arguments: &TxArguments, subject: &TxSubject, before: PreState) -> Result<MemoryDatabase> {
    let mut database = before.database();
    let BlockHashes::Known(hashes) = &mut database.block_hashes else { return Ok(database) };
    if let Some(path) = &arguments.block_hashes {
        let (file, value) = (path.as_str().into(), parse(path, &contents(path)?)?);
        hashes.extend(hashes_of_blocks(&Node::test(&file, "", &value))?);
    }
    let header = &subject.block.header;
    if let (Some(parent), false) = (header.number.checked_sub(1), header.parent_hash.is_zero()) {
        hashes.insert(parent, header.parent_hash);
    }
    Ok(database)
}

/// The receipt, if one is named.
pub(crate) fn receipt(arguments: &TxArguments) -> Result<Option<ChainReceipt>> {
    let Some(path) = &arguments.receipt else { return Ok(None) };
    Ok(Some(ChainReceipt::read(path, &contents(path)?)?))
}
