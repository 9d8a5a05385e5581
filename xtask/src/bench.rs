//! `cargo xtask bench`: how fast the engines are, in one process, in interleaved rounds, against revm. A measurement whose
//! answer is wrong is an error, and a build with assertions is never measured: the task starts itself again, optimised.

mod baseline;
mod blocks;
mod measurement;
mod official;
mod parquet;
mod peers;
mod programs;

use anyhow::Result;

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
    if arguments.parquet {
        return match cfg!(debug_assertions) {
            true => workspace::run_optimised(),
            false => parquet::run(arguments),
        };
    }
    let (what, measure): (_, fn(&Arguments) -> Result<()>) = match arguments {
        Arguments { blocks: Some(_), .. } => (blocks::WHAT, blocks::run),
        Arguments { official: true, .. } => (official::WHAT, official::run),
        _ => (programs::WHAT, programs::run),
    };
    baseline::look_at(arguments, what)?;
    if cfg!(debug_assertions) {
        return workspace::run_optimised();
    }
    measure(arguments)
}
