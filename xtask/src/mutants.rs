//! `cargo xtask mutants`: what the tests are worth. Faults put into an engine, which the comparator must find; and with
//! `--cargo-mutants` changes of the fast engine's source, which the tests must notice; with `--translator` faults of the
//! translator, which verification and validation must refuse.

mod faults;
mod programs;
mod source;
mod translator;

use anyhow::Result;

/// What `cargo xtask mutants` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: source::Arguments,
    /// Only faults of the translator: each a change of its source, built and tried in a copy of the tree.
    #[arg(long, conflicts_with = "cargo_mutants")]
    translator: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.translator {
        return translator::run();
    }
    // What cannot be done is said at once.
    let drawn = arguments.source.draw()?;
    let table = faults::table()?;
    print!("{}", table.text());
    table.finish()?;
    drawn.map_or(Ok(()), |drawn| drawn.run())
}
