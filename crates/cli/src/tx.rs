//! `parallax tx`: one transaction of a chain.

pub(crate) mod arguments;
mod comparison;
mod files;
#[cfg(feature = "rpc")]
mod node;
mod outcome;
mod recorded;
mod revert_reason;
mod run;
mod state_test;
mod subject;
mod watched;

use std::fs;

use anyhow::{Result, ensure};

use self::arguments::TxArguments;
use crate::{
    libraries::{load, needs_steps},
    report::Status,
};

pub(crate) fn run(arguments: &TxArguments) -> Result<Status> {
    if !arguments.trace.trace.is_empty() {
        needs_steps("--trace", arguments.engine)?;
    }
    keep_inputs(arguments)?;
    load(arguments.engine)?;
    arguments.diff.map_or(Ok(()), load)?;
    #[cfg(feature = "rpc")]
    if arguments.node.rpc.is_some() || arguments.node.cache.is_some() {
        return node::run(arguments);
    }
    files::on_files(arguments)
}

/// Refuses to write over what is read.
fn keep_inputs(arguments: &TxArguments) -> Result<()> {
    let TxArguments { transaction, block, prestate, block_hashes, receipt, save_test, trace, .. } = arguments;
    let inputs =
        [block, &prestate.prestate, block_hashes, receipt].into_iter().flatten().chain([transaction]);
    #[cfg(feature = "rpc")]
    let inputs = inputs.chain(&arguments.node.cache);
    let inputs: Vec<_> = inputs.filter_map(|input| fs::canonicalize(input).ok()).collect();
    for output in save_test.iter().chain(&trace.trace_out) {
        let is_input = fs::canonicalize(output).is_ok_and(|real| inputs.contains(&real));
        ensure!(!is_input, "{output}: it is read, and would be written over");
    }
    Ok(())
}
