//! What a measurement takes, and how it tells its figures.

use std::{path::PathBuf, time::Duration};

use serde_json::Value;

/// What `cargo xtask bench` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only programs, or cases, whose name contains this.
    #[arg(long, default_value = "")]
    pub(crate) filter: String,
    /// Rounds; medians over them are reported.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: u32,
    /// The official state tests on primary and revm instead of the programs: one core, whole transactions.
    #[arg(long)]
    pub(crate) official: bool,
    /// Blocks of official block tests instead: Mgas/s by the folder of the test. A file, a folder or an archive; without one the archive
    /// of benchmark blocks beside the repository.
    #[arg(long, value_name = "PATH", num_args = 0..=1, conflicts_with = "official")]
    pub(crate) blocks: Option<Option<PathBuf>>,
    /// Only cases whose blocks use at most so much gas.
    #[arg(long, value_name = "GAS", default_value_t = 10_000_000, requires = "blocks")]
    pub(crate) max_gas: u64,
    /// Tracing against the tracers of revm and revm-inspectors: steps a second and bytes a step. Builds `xtask/peers`.
    #[arg(long, conflicts_with_all = ["official", "blocks", "json"])]
    pub(crate) tracing: bool,
    /// Traces as Parquet beside EIP-3155 lines of the same runs: steps a second and bytes a step.
    #[arg(long, conflicts_with_all = ["official", "blocks", "tracing", "save", "against"])]
    pub(crate) parquet: bool,
    /// Whether tracers and a comparison that are off cost instructions, counted by valgrind. Fails from 0.5 % on. Builds `xtask/peers`.
    #[arg(long, conflicts_with_all = ["official", "blocks", "json", "parquet", "tracing"])]
    pub(crate) free_when_off: bool,
    /// Keep the times under a name, in the target folder; what has a slash or a dot in it is a file's path.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["tracing", "free_when_off"])]
    pub(crate) save: Option<String>,
    /// Hold the times against those that were kept; fails if one of primary or mini is slower than the limit. Times of revm are
    /// shown: what changes there is the machine's doing.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["tracing", "free_when_off"])]
    pub(crate) against: Option<String>,
    /// How much slower a time may be.
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0, requires = "against", value_parser = percent)]
    pub(crate) limit: f64,
    /// One JSON object a line instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

fn percent(text: &str) -> Result<f64, String> {
    let percent = text.parse().ok().filter(|percent: &f64| percent.is_finite() && *percent >= 0.0);
    percent.ok_or_else(|| "expected a number of percent, 0 or more".to_owned())
}

/// The middle one; of an even number, the lower of the two.
pub(crate) fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

pub(crate) fn print_json(line: &Value) {
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
