//! A transaction of which a node, or what was kept of its answers, knows everything.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use parallax_campaign::{engines::EngineName, processor_of};
use parallax_chain_input::{ChainBlock, ChainReceipt, ChainState, InBlock, parse};
use parallax_chain_node::{ChainWorld, ClientOptions, NodeClient, Overlay, Preceded, preceded};
use parallax_engine_interface::{Engine, Job};
use parallax_hooks::NoHooks;
use parallax_primitives::{B256, BlockEnv, Subject, Transaction};
use parallax_state_tests::Node;

use super::{
    arguments::TxArguments,
    files::receipt,
    run::TxRun,
    served::Ended,
    subject::{Named, TxSubject},
};
use crate::{
    prestate::contents,
    report::{Status, complain},
};

pub(crate) fn run(arguments: &TxArguments) -> Result<Status> {
    let named = Named::read(&arguments.transaction)?;
    let hash = match &named {
        Named::Hash(hash) => *hash,
        Named::Itself(transaction) => transaction.hash,
    };
    let world = world(arguments, hash)?;
    let ran = on_world(arguments, hash, &world);
    if let Some(path) = &arguments.node.cache {
        keep(Path::new(path), &world.state())?;
    }
    ran?.finish(arguments)
}

/// What is kept, if there is a file of it, and the node behind it.
fn world(arguments: &TxArguments, hash: B256) -> Result<ChainWorld> {
    let told = |error: &_| complain(&format!("{error}; asking again"));
    let asked = &arguments.node;
    let (timeout, retries) = (asked.rpc_timeout, asked.rpc_retries);
    let options = ClientOptions { timeout, retries, told, ..ClientOptions::default() };
    let node = asked.rpc.as_ref().map(|url| NodeClient::new(url, options));
    let node = node.transpose().context("--rpc")?;
    let file = asked.cache.as_ref().filter(|path| node.is_none() || Path::new(path).exists());
    let Some(path) = file else {
        let node = node.context("expected --rpc URL")?;
        return Ok(ChainWorld::ask(node, hash, !arguments.no_hash_check)?);
    };
    let (file, value) = (Arc::from(path.as_str()), parse(path, &contents(path)?)?);
    let kept = ChainState::of(&Node::test(&file, "", &value))?;
    let block = ChainBlock::of(&Node::test(&file, "block", &kept.block))?;
    let InBlock::Whole(list) = &block.transactions else {
        bail!("{path}: its block has no whole transactions")
    };
    if !list.iter().flatten().any(|transaction| transaction.hash == hash) {
        bail!(
            "{path}: it is of block {} of chain {}, which does not have transaction {hash}: name another file",
            block.header.number,
            kept.chain_id
        );
    }
    ChainWorld::kept(node, kept, path).map_err(anyhow::Error::msg)
}

fn on_world(arguments: &TxArguments, hash: B256, world: &ChainWorld) -> Result<Ended> {
    let block = world.block()?;
    let host = world.state().host;
    let chain_id = world.chain_id();
    if let Some(given) = arguments.chain_id.filter(|given| *given != chain_id) {
        bail!("--chain-id {given}: {host} is of chain {chain_id}");
    }
    let InBlock::Whole(list) = &block.transactions else {
        bail!("{host}: the block has no whole transactions")
    };
    let place = list.iter().position(|read| read.as_ref().is_ok_and(|read| read.hash == hash));
    let place = place.with_context(|| format!("{host}: the block does not have transaction {hash}"))?;
    let processor = processor_of(arguments.engine.name());
    let read = |index: usize| {
        let transaction = list[index].clone()?;
        TxSubject::new(arguments, &transaction, &block, &host, Some(chain_id), processor)
    };
    let subject = read(place)?;
    let receipt = match receipt(arguments)? {
        Some(given) => Some(given),
        None if arguments.node.quick || arguments.served.serve => None,
        None => known_receipt(world, hash),
    };
    if arguments.node.quick && place > 0 {
        complain(&format!(
            "--quick: {place} earlier transactions of the block were left out, so what comes of it may be wrong"
        ));
    }
    let first = if arguments.node.quick { place } else { 0 };
    let transactions = (first..=place).map(|index| read(index).map(|subject| subject.transaction));
    let transactions: Vec<Transaction> = transactions.collect::<Result<_>>()?;
    let (overlay, env) = before(arguments.engine, &subject, &transactions, world)?;
    let ended =
        TxRun { arguments, subject: &subject, env: &env, world: &overlay, given: None, receipt }.go()?;
    if arguments.node.rpc.is_some() && arguments.node.cache.is_some() {
        read_by_all(&subject, &transactions, world);
    }
    Ok(ended)
}

/// The receipt, which is not needed to run: where there is none that is told.
fn known_receipt(world: &ChainWorld, hash: B256) -> Option<ChainReceipt> {
    match world.receipt(hash) {
        Ok(receipt) => Some(receipt),
        Err(error) => {
            complain(&format!("not held against a receipt: {error}"));
            None
        }
    }
}

/// The state before the last of the transactions, and the block as that one sees it.
fn before<'w>(
    engine: EngineName,
    subject: &TxSubject,
    transactions: &[Transaction],
    world: &'w ChainWorld,
) -> Result<(Overlay<'w>, BlockEnv)> {
    let place = Preceded {
        rules: &subject.rules,
        chain_id: subject.chain_id,
        header: &subject.block.header,
        env: &subject.env,
        transactions,
    };
    let (engine, processor) = (engine.engine(), processor_of(engine.name()));
    Ok(preceded(&place, world, processor, &mut |job| engine.execute(job, &mut NoHooks))?)
}

/// Asks for what any of the engines looks at, as one may look at more than another: so the cache is enough for all.
fn read_by_all(subject: &TxSubject, transactions: &[Transaction], world: &ChainWorld) {
    for name in [EngineName::Primary, EngineName::Mini, EngineName::Revm] {
        let engine = name.engine();
        if engine.unsupported(subject.rules.rules, &subject.env).is_some() {
            continue;
        }
        // What it comes to is not the question here.
        let Ok((overlay, env)) = before(name, subject, transactions, world) else { continue };
        let TxSubject { transaction, rules, chain_id, .. } = subject;
        let subject = Subject::Transaction(transaction);
        let job = Job { rules: rules.rules, chain_id: *chain_id, block: &env, subject, database: &overlay };
        let _ = engine.execute(&job, &mut NoHooks);
    }
}

/// Writes what was asked for, whole or not at all.
fn keep(path: &Path, state: &ChainState) -> Result<()> {
    let mut beside = PathBuf::from(path).into_os_string();
    beside.push(format!(".{}.new", std::process::id()));
    let written = fs::write(&beside, format!("{}\n", state.json())).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // Whatever of it was written is of no use.
        let _ = fs::remove_file(&beside);
    }
    written.with_context(|| format!("{}: cannot write the cache", path.display()))
}
