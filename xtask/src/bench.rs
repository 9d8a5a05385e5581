//! `cargo xtask bench`: how fast the engines are, in one process, in interleaved rounds, against revm. A measurement whose
//! answer is wrong is an error, and a build with assertions is never measured: the task starts itself again, optimised.

mod baseline;
mod measurement;
mod official;
mod peers;
mod programs;

use anyhow::{Result, ensure};

use crate::workspace;

pub(crate) use baseline::BadBaseline;
pub(crate) use measurement::Arguments;

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    // What is measured here is built on its own, whatever this build is.
    if arguments.tracing {
        return peers::tracing(arguments.rounds);
    }
    if arguments.free_when_off {
        return peers::free_when_off();
    }
    baseline::look_at(arguments, if arguments.official { official::WHAT } else { programs::WHAT })?;
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
