//! `cargo xtask bench`: how fast the engines are, in one process, in interleaved rounds, against revm. A measurement whose
//! answer is wrong is an error, and a build with assertions is never measured: the task starts itself again, optimised.

mod official;
mod peers;
mod programs;

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::workspace;

/// What `cargo xtask bench` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only programs whose name contains this.
    #[arg(long, default_value = "")]
    filter: String,
    /// Rounds; medians over them are reported.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// The official state tests on primary and revm instead of the programs: one core, whole transactions.
    #[arg(long)]
    official: bool,
    /// Tracing against the tracers of revm and revm-inspectors: steps a second and bytes a step. Builds `xtask/peers`.
    #[arg(long, conflicts_with_all = ["official", "json"])]
    tracing: bool,
    /// Whether tracers and a comparison that are off cost instructions, counted by valgrind. Fails from 0.5 % on. Builds `xtask/peers`.
    #[arg(long, conflicts_with_all = ["official", "json", "tracing"])]
    free_when_off: bool,
    /// One JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    // What is measured here is built on its own, whatever this build is.
    if arguments.tracing {
        return peers::tracing(arguments.rounds);
    }
    if arguments.free_when_off {
        return peers::free_when_off();
    }
    if cfg!(debug_assertions) {
        return run_optimised();
    }
    if arguments.official { official::run(arguments) } else { programs::run(arguments) }
}

/// The same command in the profile that users measure.
fn run_optimised() -> Result<()> {
    eprintln!("this build has assertions: building and measuring with --release");
    let mut command = workspace::cargo();
    command
        .args(["run", "--quiet", "--release", "--package", "xtask", "--"])
        .args(std::env::args_os().skip(1));
    let status = command.status()?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}

/// The middle one; of an even number, the lower of the two.
fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

fn print_json(line: &Value) {
    println!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_a_time_that_was_measured() {
        let times = [5, 1, 9, 3].map(Duration::from_secs);
        assert_eq!(median(&times), Duration::from_secs(3));
        assert_eq!(median(&times[..3]), Duration::from_secs(5));
    }
}
