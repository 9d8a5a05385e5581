//! What `cargo xtask soak` takes.

use std::path::PathBuf;

use parallax_generator::{KINDS, Kind, Program, Scenario};
use parallax_primitives::Fork;

use super::{
    check::{self, Counts},
    transaction,
};

/// What `cargo xtask soak` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many programs, or transactions.
    #[arg(long, default_value_t = 10_000)]
    pub(super) programs: u64,
    /// The first one's seed; each one's is one more.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// End after so many seconds, if all programs are not run by then.
    #[arg(long, value_name = "T")]
    pub(super) seconds: Option<u64>,
    /// Child processes at once; all cores if zero.
    #[arg(long, default_value_t = 0)]
    pub(super) jobs: usize,
    /// Only programs of this kind.
    #[arg(long, value_name = "KIND", value_parser = kind)]
    pub(super) kind: Option<&'static Kind>,
    /// Transactions in place of programs: of every type and fork, in worlds of accounts that call, create, delegate and
    /// destroy one another; the default comparison of `primary` and `mini`, and `mini` beside revm.
    #[arg(long, conflicts_with_all = ["kind", "program"])]
    pub(super) transactions: bool,
    /// With --transactions: only of this fork.
    #[arg(long, requires = "transactions")]
    pub(super) fork: Option<Fork>,
    /// End after so many findings.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(super) findings: usize,
    /// Run one program, as a finding has written it, from a file or, if -, from standard input.
    #[arg(long, value_name = "FILE")]
    pub(super) program: Option<PathBuf>,
    /// Run as a child: one batch, told in lines that the parent reads.
    #[arg(long, hide = true)]
    pub(super) child: bool,
}

fn kind(name: &str) -> Result<&'static Kind, String> {
    let names = || KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
    Kind::named(name).ok_or_else(|| format!("expected one of {}", names()))
}

impl Arguments {
    /// Makes what the seed stands for, runs and compares it.
    ///
    /// # Errors
    ///
    /// The first difference.
    pub(super) fn check(&self, seed: u64, counts: &mut Counts) -> Result<(), String> {
        if self.transactions {
            let scenario = self.fork.map_or_else(|| Scenario::new(seed), |fork| Scenario::of(seed, fork));
            transaction::check(&scenario, counts)
        } else {
            check::check(&self.make(seed), counts)
        }
    }

    /// What a child makes the same with.
    pub(super) fn what(&self) -> Vec<&'static str> {
        let kind = self.kind.iter().flat_map(|kind| ["--kind", kind.name]);
        let fork = self.fork.iter().flat_map(|fork| ["--fork", fork.name()]);
        self.transactions.then_some("--transactions").into_iter().chain(kind).chain(fork).collect()
    }

    /// The program of a seed.
    pub(super) fn make(&self, seed: u64) -> Program {
        self.kind.map_or_else(|| Program::new(seed), |kind| Program::of(kind, seed))
    }
}
