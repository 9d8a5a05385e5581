//! Every official state test on primary and revm: whole transactions, one after the other on one core.
//!
//! Timed is [`Engine::execute`] alone: validation, the run, the changes. Parsing and roots are not. Every round starts
//! with a new primary whose cache of analyses is empty; a case runs once a round, so most code is seen for the first time.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use parallax_campaign::{
    discover,
    engines::{self, LocalEngine, revm},
    shared_folder,
};
use parallax_engine_interface::{Engine, EngineError};
use parallax_hooks::NoHooks;
use parallax_primary_interpreter::Primary;
use parallax_state_tests::{Case, cases, run as check};
use serde_json::json;

use super::{
    baseline::Times,
    measurement::{Arguments, median, print_json},
};

/// What a baseline holds.
pub(super) const WHAT: &str = "official state tests, seconds";

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let shared = shared_folder().context("no ../shared folder (set PARALLAX_SHARED)")?;
    let files = read(&shared.join("eest"), &arguments.filter)?;
    let count: usize = files.iter().map(Vec::len).sum();
    ensure!(count > 0, "no case to run");
    eprintln!("{count} cases parsed; checking both engines");
    let primary = fresh();
    for case in files.iter().flatten() {
        for engine in [&primary as &dyn Engine, revm()] {
            let result = check(case, engine, &mut NoHooks);
            ensure!(result.pass, "{} fails {} {}: {:?}", engine.name(), case.file, case.name, result.error);
        }
    }
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..arguments.rounds {
        let primary = fresh();
        let engines: [&dyn Engine; 2] = [&primary, revm()];
        let mut sums = [Duration::ZERO; 2];
        for (number, file) in files.iter().enumerate() {
            // File by file in turn, and who is first changes.
            let first = (number + round as usize) % 2;
            for engine in [first, 1 - first] {
                sums[engine] += time(file, engines[engine])?;
            }
        }
        times[0].push(sums[0]);
        times[1].push(sums[1]);
        eprintln!("round {round}: primary {:.3?}, revm {:.3?}", sums[0], sums[1]);
    }
    let [primary, revm] = times.map(|times| median(&times).as_secs_f64());
    let ratio = primary / revm;
    if arguments.json {
        print_json(
            &json!({ "cases": count, "seconds": { "primary": primary, "revm": revm }, "ratio": ratio }),
        );
    } else {
        println!("{count} cases: primary {primary:.3} s, revm {revm:.3} s: {ratio:.2} of revm's time");
    }
    // A part of the cases is another measurement.
    let name = format!("{count} cases");
    let times = BTreeMap::from([(name, BTreeMap::from([("primary", primary), ("revm", revm)]))]);
    Times { what: WHAT, times }.settle(arguments)
}

fn fresh() -> LocalEngine<Primary> {
    engines::local("primary", Primary::new())
}

/// The cases of every file that both engines know the rules of.
fn read(folder: &Path, filter: &str) -> Result<Vec<Vec<Case>>> {
    let mut files = Vec::new();
    for path in discover(&[PathBuf::from(folder)], &mut std::io::empty())? {
        let mut of_file = Vec::new();
        for case in cases(&path)? {
            let case = case?;
            let is_wanted =
                case.name.contains(filter) && revm().unsupported(case.rules, &case.block).is_none();
            if is_wanted && case.job().is_ok() {
                of_file.push(case);
            }
        }
        files.push(of_file);
    }
    Ok(files)
}

fn time(cases: &[Case], engine: &dyn Engine) -> Result<Duration> {
    let mut sum = Duration::ZERO;
    for case in cases {
        let Ok(job) = case.job() else { continue };
        let start = Instant::now();
        let result = engine.execute(&job, &mut NoHooks);
        sum += start.elapsed();
        let rejected = matches!(result, Err(EngineError::Rejected(_)));
        ensure!(result.is_ok() || rejected, "{}: {}: {:?}", engine.name(), case.name, result.err());
    }
    Ok(sum)
}
