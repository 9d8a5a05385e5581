//! `cargo xtask mutants`: what the tests are worth. Faults put into an engine, which the comparator must find at their place;
//! faults of the catalogue, planted in the source of everything that can be wrong, which the default comparison must see; and with
//! `--cargo-mutants` changes of the fast engine's source, which the tests must notice.

mod catalogue;
mod faults;
pub(crate) mod known_bugs;
mod known_table;
mod metamorphic;
mod planted;
mod programs;
mod scratch;
mod source;
mod survey;

use std::process::Command;

use anyhow::{Result, ensure};

use crate::workspace;
use planted::Choice;

/// What `cargo xtask mutants` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: source::Arguments,
    /// Only the faults of the catalogue that are of these layers or have these names.
    #[arg(long, value_name = "LAYER|FAULT", num_args = 1.., conflicts_with_all = ["cargo_mutants", "drawn"])]
    planted: Vec<String>,
    /// Only those of which the table says that nothing sees them.
    #[arg(long, conflicts_with_all = ["cargo_mutants", "drawn", "planted"])]
    unseen: bool,
    /// Only 20 faults of the catalogue, drawn by this number; the table stays as it is.
    #[arg(long, value_name = "SEED", conflicts_with = "cargo_mutants")]
    drawn: Option<u64>,
    /// Only the faults of the translation, each compared by twins on one engine alone; 10 of them are drawn by this number and told apart.
    #[arg(long, value_name = "SEED", conflicts_with_all = ["cargo_mutants", "drawn", "planted", "unseen"])]
    metamorphic: Option<u64>,
}

/// How many faults CI turns on.
const SAMPLE: usize = 20;

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if let Some(seed) = arguments.drawn {
        return turn_on(&catalogue::read()?, Choice::Drawn(SAMPLE, seed)).map(|_| ());
    }
    if let Some(seed) = arguments.metamorphic {
        return metamorphic::run(&catalogue::read()?, seed);
    }
    let mut names = arguments.planted.clone();
    if arguments.unseen {
        let table = survey::read(&catalogue::read()?)?;
        names.extend(table.into_iter().filter(survey::Row::is_missed).map(|row| row.name));
        if names.is_empty() {
            println!("docs/faults.md has none that nothing sees");
            return Ok(());
        }
    }
    if names.is_empty() {
        // What cannot be done is said at once.
        let drawn = arguments.source.draw()?;
        let table = faults::table()?;
        print!("{}", table.text());
        table.finish()?;
        if let Some(drawn) = drawn {
            return drawn.run();
        }
    }
    let catalogue = catalogue::read()?;
    let rows = turn_on(&catalogue, if names.is_empty() { Choice::All } else { Choice::Only(&names) })?;
    match survey::update(&catalogue, rows)? {
        0 => println!("docs/faults.md is written"),
        missing => println!("docs/faults.md is not written: {missing} faults have no line in it"),
    }
    Ok(())
}

/// Turns faults on and prints what was found.
fn turn_on(catalogue: &catalogue::Catalogue, choice: Choice<'_>) -> Result<Vec<survey::Row>> {
    let rows = planted::run(catalogue, choice)?;
    println!("| fault | where | what it does | known | seen on | first case that differs | witness |");
    for row in &rows {
        println!("{}", row.text());
    }
    let unseen: Vec<_> = rows.iter().filter(|row| row.is_missed()).map(|row| row.name.as_str()).collect();
    println!(
        "{} faults, not seen: {}",
        rows.len(),
        if unseen.is_empty() { "none".to_owned() } else { unseen.join(", ") }
    );
    Ok(rows)
}

/// Turns on a sample, which each commit draws anew and always alike: what the table says is seen must be seen.
pub(crate) fn sample() -> Result<()> {
    let mut git = Command::new("git");
    let head = workspace::output(git.current_dir(workspace::root()).args(["rev-parse", "HEAD"]))?;
    let seed = u64::from_str_radix(head.get(..15).unwrap_or_default(), 16)?;
    println!("drawn by {seed}");
    let catalogue = catalogue::read()?;
    let table = survey::read(&catalogue)?;
    let is_seen = |name: &str| table.iter().any(|row| row.name == name && row.is_seen());
    let rows = turn_on(&catalogue, Choice::Drawn(SAMPLE, seed))?;
    let missed: Vec<_> = rows.iter().filter(|row| !row.is_seen() && is_seen(&row.name)).collect();
    ensure!(missed.is_empty(), "{} that are seen by docs/faults.md are not seen", missed.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_changes_one_place() {
        catalogue::read().and_then(|catalogue| catalogue.planted()).unwrap();
    }

    #[test]
    fn the_table_is_that_of_the_catalogue() {
        survey::read(&catalogue::read().unwrap()).unwrap();
    }
}
