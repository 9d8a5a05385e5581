//! What several commands have in common: which cases, where they run, and how two sides are compared.

use std::{io, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum, value_parser};
#[cfg(unix)]
use parallax_campaign::engines::{EngineName, EvmcName};
use parallax_campaign::{Limits, Shard, Workers};
use parallax_primitives::Rules;
use regex::Regex;

use crate::{
    logging::worker_options,
    number::{jobs, number},
    rules_argument::{self, RulesArgument},
    seconds::seconds,
};

/// Which cases, and how they are run and printed.
#[derive(Args, Debug)]
pub(crate) struct SelectionArguments {
    /// Files or folders of state tests, archives of them (.tar, .tar.gz, .tgz) or ARCHIVE:MEMBER, packed files (.json.gz), or -
    /// for a list of paths on standard input, one a line
    #[arg(value_name = "PATH", required_unless_present_any = ["code", "pipe"])]
    pub(crate) paths: Vec<PathBuf>,
    /// Run every case by these rules: a fork, a fork with EIPs switched on and off (Cancun+7939-5656), or a file of rules (.toml). Where
    /// a test has cases for them, those alone; otherwise each of its transactions once, and what is expected of it is not looked at.
    /// Of a program (--code), its rules
    #[arg(long = "fork", visible_alias = "rules", value_name = "RULES", value_parser = rules_argument::argument)]
    pub(crate) by: Option<RulesArgument>,
    /// Only what the files have for this fork
    #[arg(long, value_name = "FORK")]
    pub(crate) only_fork: Option<Rules>,
    /// Only the case with these numbers of its test's data, gas and value
    #[arg(long, value_name = "D,G,V", value_parser = case_index)]
    pub(crate) index: Option<[usize; 3]>,
    /// Only cases whose file or name matches
    #[arg(long, alias = "run", value_name = "REGEX")]
    pub(crate) filter: Option<Regex>,
    /// Only the I-th of N parts of the tests, so that N processes share them: each counts alike. The reports of parallax diff
    /// --report json=FILE are put together by parallax report merge
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    /// Cases at a time [default: all cores, at most: 1024]
    #[arg(short, long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<usize>,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

impl SelectionArguments {
    /// What the command that runs one case again needs of them besides the case.
    pub(crate) fn again(&self) -> String {
        // A case that is run by its own rules is named by them.
        let only = self.only_fork.filter(|_| self.by.is_some());
        only.map_or(String::new(), |only| format!(" --only-fork {only}"))
    }
}

/// Where cases run, and what each may take.
#[derive(Args, Debug)]
#[command(next_help_heading = "Isolation")]
pub(crate) struct IsolationArguments {
    /// Run the cases in this process instead of in worker processes: what ends a case for good (an abort, a signal) ends all,
    /// there is no limit of time or memory, and an interrupt waits for the cases that run; a second one does not
    #[arg(long, conflicts_with_all = ["case_timeout", "max_memory"])]
    pub(crate) in_process: bool,
    /// Most seconds that a case may take [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) case_timeout: Option<Duration>,
    /// Most steps of a case [default: what its gas pays for]. Where statetest counts them, no fast form runs
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    pub(crate) max_steps: Option<u64>,
    /// Most memory of a worker process, in MiB of its address space [default: 4096]
    #[arg(long, value_name = "MIB", value_parser = value_parser!(u64).range(256..))]
    pub(crate) max_memory: Option<u64>,
}

impl IsolationArguments {
    /// Whether a limit is asked for that is kept in worker processes alone.
    pub(crate) const fn needs_workers(&self) -> bool {
        self.case_timeout.is_some() || self.max_memory.is_some()
    }

    /// How worker processes are started; `None` if there are to be none.
    pub(crate) fn workers(&self) -> io::Result<Option<Workers>> {
        let default = Limits::default();
        let limits = Limits {
            case_timeout: self.case_timeout.unwrap_or(default.case_timeout),
            max_memory: self.max_memory.unwrap_or(default.max_memory),
        };
        (!self.in_process)
            .then(|| {
                let arguments = [vec!["worker".to_owned()], worker_options()].concat();
                Workers::of_this_program(arguments, limits)
            })
            .transpose()
    }

    /// The options again, as a command has them.
    pub(crate) fn options(&self) -> String {
        let options = [
            self.in_process.then(|| " --in-process".to_owned()),
            self.case_timeout.map(|limit| format!(" --case-timeout {}", limit.as_secs_f64())),
            self.max_steps.map(|steps| format!(" --max-steps {steps}")),
            self.max_memory.map(|memory| format!(" --max-memory {memory}")),
        ];
        options.into_iter().flatten().collect()
    }
}

/// Reads `0,1,0`.
fn case_index(text: &str) -> Result<[usize; 3], String> {
    let numbers: Result<Vec<usize>, _> = text.split(',').map(str::parse).collect();
    let index = numbers.ok().and_then(|numbers| <[usize; 3]>::try_from(numbers).ok());
    index.ok_or_else(|| "expected three numbers such as 0,0,0".to_owned())
}

#[cfg(unix)]
pub(crate) fn evmc(text: &str) -> Result<EngineName, String> {
    EvmcName::new(text).map(EngineName::Evmc).map_err(|error| error.to_string())
}

/// How often two engines are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(clippy::enum_variant_names, reason = "users type them so")]
pub(crate) enum Mode {
    /// After every message, and the state after the transaction
    PerCall,
    /// At every entry of a basic block too: the left engine's fast form against the right engine, stepped there
    PerBlock,
    /// Before and after every opcode too
    PerStep,
    /// As per-step, and the fast form at every entry of a basic block: one verdict
    All,
}

/// Whether a foreign engine may call a halt by another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HaltNames {
    /// Only equal names agree
    Exact,
    /// The listed pairs agree too, each with its reason
    Mapped,
}
