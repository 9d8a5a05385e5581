//! `parallax tx`: one transaction of a chain.

pub(crate) mod arguments;
mod comparison;
mod files;
#[cfg(feature = "rpc")]
mod node;
mod outcome;
mod recorded;
mod run;
mod served;
mod state_test;
mod subject;
mod watched;

use anyhow::Result;

use self::arguments::TxArguments;
use crate::{
    libraries::{load, needs_steps},
    report::Status,
    serve::end_on_interrupt,
    watch::{end_early, watch_interrupts},
};

pub(crate) fn run(arguments: &TxArguments) -> Result<Status> {
    arguments.trace.check_use()?;
    if !arguments.trace.trace.is_empty() {
        needs_steps("--trace", arguments.engine)?;
    }
    let outputs = arguments.outputs();
    arguments.save_test.iter().try_for_each(|path| outputs.check(path, "test"))?;
    arguments.trace.trace_out.iter().try_for_each(|path| outputs.check(path, "trace"))?;
    load(arguments.engine)?;
    arguments.diff.map_or(Ok(()), load)?;
    if arguments.served.serve {
        arguments.sides().into_iter().try_for_each(|side| needs_steps("--serve", side))?;
    }
    match arguments.diff {
        _ if arguments.served.serve => end_on_interrupt()?,
        Some(_) => end_early(arguments.limits.timeout())?,
        None => watch_interrupts()?,
    }
    #[cfg(feature = "rpc")]
    if arguments.node.rpc.is_some() || arguments.node.cache.is_some() {
        return node::run(arguments);
    }
    files::on_files(arguments)
}
