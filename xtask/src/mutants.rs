//! `cargo xtask mutants`: what the tests are worth. Faults put into an engine, which the comparator must find; and with
//! `--cargo-mutants` changes of the fast engine's source, which the tests must notice.

mod faults;
mod programs;
mod source;

use anyhow::Result;

/// What `cargo xtask mutants` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: source::Arguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    // What cannot be done is said at once.
    let drawn = arguments.source.draw()?;
    let table = faults::table()?;
    print!("{}", table.text());
    table.finish()?;
    drawn.map_or(Ok(()), |drawn| drawn.run())
}
