//! `evm statetest`: state tests, as harnesses ask for them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
use parallax_block_tests::is_block_test;
use parallax_campaign::engines::CaseEngine;
use parallax_hooks::NoHooks;
use parallax_state_tests::{Case, CaseResult, FixtureError, FixtureFile, TestText, run as run_case};

use super::{
    arguments::StatetestWords,
    dump::Dump,
    files::{Roots, each_file},
    results::{BenchStats, TestResult, tell_root},
    watch::watched,
};
use crate::{
    libraries::{load, needs_steps},
    report::one_line,
};

/// For how long a case is run again and again.
const BENCH: Duration = Duration::from_secs(1);

pub(super) fn run(words: &StatetestWords) -> Result<()> {
    let engine = words.tests.engine;
    load(engine)?;
    if words.trace.parts().is_some() {
        needs_steps("--trace", engine)?;
    }
    each_file(words.path.as_deref(), words.tests.human, Roots::Told, |path| file(words, path))
}

fn file(words: &StatetestWords, path: &Path) -> Result<Vec<TestResult>> {
    let mut results = Vec::new();
    for test in FixtureFile::open(path)?.tests() {
        let test = test?;
        if !words.tests.run.finds(test.name()) {
            continue;
        }
        for (fork, case) in selected(words, &test) {
            results.push(match case {
                Ok(case) => of_case(words, &case)?,
                Err(reason) => {
                    tell_root(None)?;
                    TestResult::unread(test.name(), &fork, one_line(&reason))
                }
            });
        }
    }
    Ok(results)
}

/// The cases of a test that are asked for, each with its fork's name.
fn selected(words: &StatetestWords, test: &TestText) -> Vec<(String, Result<Case, String>)> {
    if is_block_test(test) {
        return vec![(String::new(), Err(format!("{}: a block test: blocktest runs it", test.file())))];
    }
    let all = test.cases(None).into_iter().map(|case| match case {
        Ok(case) => (case.fork_name.to_string(), Ok(case)),
        Err(error) => (fork_of(&error), Err(error.to_string())),
    });
    // What cannot be read whole is of every fork.
    let is_asked_for = |fork: &str| words.fork.as_ref().is_none_or(|only| fork.is_empty() || fork == only);
    let of_fork = all.filter(|(fork, _)| is_asked_for(fork)).enumerate();
    let is_index = |index: usize| words.index < 0 || usize::try_from(words.index) == Ok(index);
    of_fork.filter(|(index, _)| is_index(*index)).map(|(_, case)| case).collect()
}

/// The fork in whose part of the test something is wrong, if it is in one.
fn fork_of(error: &FixtureError) -> String {
    let behind = error.path.strip_prefix("post.");
    let end = |place: &str| place.find(['.', '[']).unwrap_or(place.len());
    behind.map_or_else(String::new, |place| place[..end(place)].to_owned())
}

fn of_case(words: &StatetestWords, case: &Case) -> Result<TestResult> {
    let engine = words.tests.engine.engine();
    let result = match engine.unsupported(case.rules, &case.block) {
        Some(reason) => CaseResult::failed(case, reason),
        None => watched(words.trace.parts(), |hooks| {
            // A panic is this case's answer, and no end of the others.
            let ran = catch_unwind(AssertUnwindSafe(|| run_case(case, &*engine, hooks)));
            ran.unwrap_or_else(|_| CaseResult::failed(case, "the engine has panicked".to_owned()))
        })?,
    };
    tell_root(result.state_root)?;
    let state = words.tests.dump.then(|| {
        let mut state = (*case.pre).clone();
        if let Some(execution) = &result.execution {
            state.apply(&execution.changes);
        }
        Dump::of(&state)
    });
    Ok(TestResult {
        name: case.name.to_string(),
        pass: result.pass,
        root: result.state_root.map(|root| root.to_string()),
        fork: case.fork_name.to_string(),
        error: result.error.as_ref().map(|error| one_line(error)),
        state,
        bench: words.bench.then(|| bench(case, &*engine, result.gas_used)),
    })
}

fn bench(case: &Case, engine: &dyn CaseEngine, gas_used: u64) -> BenchStats {
    let (start, mut runs) = (Instant::now(), 0u32);
    while runs == 0 || start.elapsed() < BENCH {
        run_case(case, engine, &mut NoHooks);
        runs += 1;
    }
    let time = (start.elapsed() / runs).as_nanos();
    BenchStats { time: u64::try_from(time).unwrap_or(u64::MAX), gas_used }
}
