#![forbid(unsafe_code)]
//! Developer tasks: `cargo xtask <task>`. Each is a thin layer over the libraries.

mod bench;
mod blocks;
mod checks;
mod diff;
mod fixtures;
mod mutants;
mod parts;
mod regress;
mod release;
mod soak;
mod test;
mod tidy;
mod ui;
mod validate;
mod workspace;

use std::process::ExitCode;

use clap::Parser;
use parallax_campaign::{engines, worker_main};

/// Developer tasks of Parallax.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Run both engines over the fixtures, each on its own state, and compare them.
    Diff(diff::Arguments),
    /// Fill the programs of fixtures/programs into state tests.
    Fixtures(fixtures::Arguments),
    /// Run every test of the project, and the official ones if they are there.
    Test(test::Arguments),
    /// Make a fixture of a finding: minimised, with where it comes from and what the right result is.
    Regress(regress::Arguments),
    /// Test the tests: faults that the comparator and the tests must find.
    Mutants(mutants::Arguments),
    /// Plant bugs that clients had, and measure how soon the fuzzer finds each.
    KnownBugs(mutants::known_bugs::Arguments),
    /// Prove that translations mean what their code means.
    Validate(validate::Arguments),
    /// Run generated programs on every engine in every form, or generated transactions on both sides.
    Soak(soak::Arguments),
    /// Measure.
    Bench(bench::Arguments),
    /// Build the devtool's page, check its build, test and measure it.
    Ui(ui::Arguments),
    /// Look for advisories against what we depend on.
    Audit,
    /// Print which share of each crate's lines the project's own tests run, or of its public items they name.
    Coverage(checks::coverage::Arguments),
    /// Pack every crate for the registry, and upload nothing.
    Package(checks::package::Arguments),
    /// Check the rules that no other tool checks.
    Tidy,
    /// Run cases for a campaign of this program, which starts it.
    #[command(hide = true)]
    Worker,
}

/// The exit status of a task that needs what cannot be had here.
const UNAVAILABLE: u8 = 3;
/// The exit status of a command line, or a file that it names, that is wrong.
const BAD_INPUT: u8 = 2;

fn main() -> ExitCode {
    let result = match Task::parse() {
        Task::Diff(arguments) => diff::run(&arguments),
        Task::Fixtures(arguments) => fixtures::run(&arguments),
        Task::Test(arguments) => test::run(&arguments),
        Task::Regress(arguments) => regress::run(&arguments),
        Task::Mutants(arguments) => mutants::run(&arguments),
        Task::KnownBugs(arguments) => mutants::known_bugs::run(&arguments),
        Task::Validate(arguments) => validate::run(&arguments),
        Task::Soak(arguments) => soak::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Ui(arguments) => ui::run(&arguments),
        Task::Audit => checks::audit::run(),
        Task::Coverage(arguments) => checks::coverage::run(&arguments),
        Task::Package(arguments) => checks::package::run(&arguments),
        Task::Tidy => tidy::run(),
        Task::Worker => return worker_main(engines::source),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<checks::Unavailable>() => {
            eprintln!("left out: {error:#}");
            ExitCode::from(UNAVAILABLE)
        }
        Err(error) if error.is::<bench::BadBaseline>() => {
            eprintln!("error: {error}");
            ExitCode::from(BAD_INPUT)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
