//! What `parallax fuzz` takes.

use std::time::Duration;

use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use parallax_campaign::engines::EngineName;
use parallax_generator::{BLOCK, EDGES, KINDS, Kind, SCENARIO};

use crate::{
    case_arguments::Mode,
    diff_reports::ReportOption,
    engine_parser::EngineParser,
    number::{jobs, number, positive},
    rules_argument::{self, RulesArgument},
    store_arguments::StoreArguments,
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  parallax fuzz --time 10m
  parallax fuzz --seed 7 --programs 100000 --also revm
  parallax fuzz --rules Amsterdam --mode per-block --left primary-always --time 60
  parallax fuzz --until-coverage --coverage coverage.tsv
  parallax fuzz --metamorphic primary-always --time 60
  parallax fuzz --seed 7 --case 4711 --write case.json
  parallax fuzz --store night.store --time 8h
  parallax fuzz --store night.store --resume

Cases are numbered from 0. Case N of a seed is the same on every machine under the same --rules, --kind and --max-gas, and a run finds the same \
on any number of threads. A third of the cases are one opcode on a constructed state, a third are transactions of every type into a world \
of contracts, the others programs in a transaction. They run in threads of this process: a panic of an engine is a finding, what ends the process (an abort, a signal) ends the \
run, and the findings told until then are on standard error.

With --json each sort of finding is a line with the fields: case kind rules count, and those of a case of diff (file and name are empty); \
the last line is the sum: seed programs steps seconds processorSeconds ended pairs findings sorts coverage (reached possible missing).

With --store what is found is told once it is on the disk, together with the number below which all cases are done; --resume goes on from that number. parallax store list, show, rerun, export, merge and gc do the rest.

Exit status: 0 if nothing was found; 1 if something was; 2 if the command is wrong; 130 after an interrupt (INT, TERM, HUP), with what \
was done until then.")]
pub(crate) struct FuzzArguments {
    /// What all cases are made from [default: drawn, and printed]
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    pub(super) seed: Option<u64>,
    /// How many cases [default: until the time is over, or it is interrupted]
    #[arg(long, value_name = "N", value_parser = positive::<u64>)]
    pub(super) programs: Option<u64>,
    /// How long: seconds, or a number with s, m or h behind it
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) time: Option<Duration>,
    /// The number of the first case
    #[arg(long, value_name = "N", value_parser = number::<u64>, default_value_t = 0, conflicts_with = "case")]
    pub(super) first: u64,
    /// Run this case alone, and tell what came of it
    #[arg(long, value_name = "N", value_parser = number::<u64>, requires = "seed", conflicts_with_all = ["programs", "time", "jobs", "coverage", "until_coverage", "fail_fast", "store"])]
    pub(super) case: Option<u64>,
    /// Write the case as an official state test, which expects what --right comes to; - is standard output
    #[arg(long, value_name = "FILE", requires = "case")]
    pub(super) write: Option<String>,
    /// Threads [default: all cores, at most: 1024]
    #[arg(short, long, value_name = "N", value_parser = jobs)]
    pub(super) jobs: Option<usize>,
    /// Rules that are drawn for each case: forks, with EIPs switched on and off, or files of rules; those named twice are drawn twice as
    /// often [default: every fork that is no blob schedule, the newer ones more often, Amsterdam most of all]
    #[arg(long = "rules", visible_alias = "fork", value_name = "RULES", value_delimiter = ',', value_parser = rules_argument::argument)]
    pub(super) rules: Vec<RulesArgument>,
    /// Kinds that are drawn for each case: of programs; edges, which is one opcode on a constructed state; or scenario, which is a
    /// transaction of any type into a world of contracts [default: a third each, long programs less often]
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = PossibleValuesParser::new(kinds()).map(|name| kind(&name)))]
    pub(super) kind: Vec<&'static str>,
    /// How often the sides are compared
    #[arg(long, value_enum, default_value_t = Mode::All)]
    pub(super) mode: Mode,
    /// One side
    #[arg(long, value_parser = EngineParser, value_name = "ENGINE", default_value_t = EngineName::Primary)]
    pub(super) left: EngineName,
    /// The other side
    #[arg(long, value_parser = EngineParser, value_name = "ENGINE", default_value_t = EngineName::Mini)]
    pub(super) right: EngineName,
    /// One more side, which is compared with the right one as often as it can be. May be repeated
    #[arg(long, value_parser = EngineParser, value_name = "ENGINE")]
    pub(super) also: Vec<EngineName>,
    /// Compare this engine with itself: each program with no-ops in it, and with as many JUMPDESTs in their places, which cost the same
    #[arg(long, value_parser = EngineParser, value_name = "ENGINE", conflicts_with_all = ["mode", "left", "right", "also", "coverage", "until_coverage", "write", "report", "store", "resume"])]
    pub(super) metamorphic: Option<EngineName>,
    /// Stop at the first finding
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// Most gas of a transaction; one that would have more has so much
    #[arg(long, value_name = "N", value_parser = positive::<u64>, default_value_t = 1 << 40, help_heading = "Limits")]
    pub(super) max_gas: u64,
    /// Most steps of a case, or block entries
    #[arg(long, value_name = "N", value_parser = positive::<u64>, default_value_t = 10_000_000, help_heading = "Limits")]
    pub(super) max_steps: u64,
    /// Most memory of one frame, in MiB; it is looked at where steps or blocks are compared
    #[arg(long, value_name = "MIB", value_parser = positive::<u32>, default_value_t = 64, help_heading = "Limits")]
    pub(super) max_memory: u32,
    /// Print one JSON object a line
    #[arg(long)]
    pub(super) json: bool,
    /// Write the first finding of each sort and the sum to a file as well; may be repeated
    #[arg(long, value_name = "html|json|junit=FILE", value_parser = ReportOption::parse)]
    pub(super) report: Vec<ReportOption>,
    /// Write what was reached to a file, and what is possible and was not: a table of tabs, by rules and opcode
    #[arg(long, value_name = "FILE")]
    pub(super) coverage: Option<String>,
    /// End when all that is possible was reached
    #[arg(long)]
    pub(super) until_coverage: bool,
    #[command(flatten)]
    pub(super) store: StoreArguments,
    /// Go on with this campaign of the store, or the last one, from the first case that is not in it, with its seed, its sides and what it
    /// draws from
    #[arg(long, value_name = "ID", value_parser = number::<u64>, requires = "store", conflicts_with = "case", help_heading = "Store")]
    pub(super) resume: Option<Option<u64>>,
    /// Go on with a campaign of another build: a number may be another case there
    #[arg(long, requires = "resume", help_heading = "Store")]
    pub(super) other_build: bool,
}

fn kinds() -> impl Iterator<Item = PossibleValue> {
    let edges = PossibleValue::new(EDGES).help("one opcode on a constructed state");
    let scenario = PossibleValue::new(SCENARIO).help("transactions into a world of contracts");
    let block = PossibleValue::new(BLOCK)
        .help("blocks: up to eight transactions over one state, system calls, rewards and withdrawals");
    let programs = KINDS.iter().map(|kind| PossibleValue::new(kind.name).help(kind.about));
    [edges, scenario, block].into_iter().chain(programs)
}

/// The kind of a name that is one.
fn kind(name: &str) -> &'static str {
    let others = [EDGES, SCENARIO, BLOCK];
    let other = others.into_iter().find(|other| *other == name).unwrap_or(SCENARIO);
    Kind::named(name).map_or(other, |kind| kind.name)
}

/// Reads `90`, `90s`, `1.5m` or `2h`.
fn duration(text: &str) -> Result<Duration, String> {
    let units = [("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let unit = units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)));
    let (digits, seconds) = unit.unwrap_or((text, 1.0));
    let number: Option<f64> = digits.parse().ok();
    let duration = number.and_then(|number| Duration::try_from_secs_f64(number * seconds).ok());
    let duration =
        duration.filter(|duration| !duration.is_zero() && duration.as_secs() <= u64::from(u32::MAX));
    duration.ok_or_else(|| "expected a time above 0 such as 90, 90s, 10m or 1.5h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "0", "-1", "m", "1d", "1e99h", "nan", "inf"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
