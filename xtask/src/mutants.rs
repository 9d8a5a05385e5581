//! `cargo xtask mutants`: what tests are worth. Faults put into an engine, which the comparator must find; and with
//! `--cargo-mutants` faults put into the source of the fast engine, which the tests must find.

mod faults;
mod programs;

use anyhow::Result;

/// What `cargo xtask mutants` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments) -> Result<()> {
    let table = faults::table()?;
    print!("{}", table.text());
    table.finish()
}
