//! `evm blocktest`: block tests, as harnesses ask for them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use anyhow::{Error, Result};
use parallax_block_tests::{BlockCase, CaseEnd, Order, is_block_test, run as run_case};
use parallax_campaign::processor_of;
use parallax_engine_interface::EngineError;
use parallax_hooks::NoHooks;
use parallax_host_interface::HostError;
use parallax_state_tests::{FixtureFile, TestText};

use super::{
    arguments::BlocktestWords,
    dump::Dump,
    files::{Roots, each_file},
    results::TestResult,
    watch::watched,
};
use crate::{
    libraries::{load, needs_steps},
    report::one_line,
};

pub(super) fn run(words: &BlocktestWords) -> Result<()> {
    let engine = words.tests.engine;
    load(engine)?;
    if words.trace.parts().is_some() {
        needs_steps("--trace", engine)?;
    }
    each_file(words.path.as_deref(), words.tests.human, Roots::Untold, |path| file(words, path))
}

fn file(words: &BlocktestWords, path: &Path) -> Result<Vec<TestResult>> {
    let mut results = Vec::new();
    for test in FixtureFile::open(path)?.tests() {
        let test = test?;
        if words.tests.run.finds(test.name()) {
            results.push(of_test(words, &test)?);
        }
    }
    Ok(results)
}

fn of_test(words: &BlocktestWords, test: &TestText) -> Result<TestResult> {
    if !is_block_test(test) {
        let reason = format!("{}: a test of another kind: statetest runs state tests", test.file());
        return Ok(TestResult::unread(test.name(), "", reason));
    }
    match BlockCase::read(test) {
        Ok(case) => of_case(words, &case),
        Err(error) => Ok(TestResult::unread(test.name(), "", one_line(&error))),
    }
}

fn of_case(words: &BlocktestWords, case: &BlockCase) -> Result<TestResult> {
    let engine = words.tests.engine.engine();
    let order = if engine.tolerances().rejections.is_some() { Order::Other } else { Order::Specified };
    let mut unwritten: Option<Error> = None;
    let ran = catch_unwind(AssertUnwindSafe(|| {
        run_case(case, processor_of(words.tests.engine.name()), order, &mut |at, job| {
            if let Some(reason) = engine.unsupported(job.rules, job.block) {
                return Err(EngineError::Host(HostError::new(reason)));
            }
            if !at.is_transaction() {
                return engine.execute(job, &mut NoHooks);
            }
            watched(words.trace.parts(), |hooks| engine.execute(job, hooks)).unwrap_or_else(|error| {
                let failed = HostError::new(format!("{error:#}"));
                unwritten = Some(error);
                Err(EngineError::Host(failed))
            })
        })
    }));
    if let Some(error) = unwritten {
        return Err(error);
    }
    let (name, fork) = (&*case.name, &*case.network_name);
    let Ok(ran) = ran else {
        return Ok(TestResult::unread(name, fork, "the engine has panicked".to_owned()));
    };
    let error = match ran.end {
        CaseEnd::Passed => None,
        CaseEnd::ProofOfWork(count) => {
            Some(format!("{count} blocks are to be refused for their proof of work, which is not checked"))
        }
        CaseEnd::Failed(reason) | CaseEnd::Host(reason) => Some(one_line(&reason)),
    };
    let pass = error.is_none();
    Ok(TestResult {
        name: name.to_owned(),
        pass,
        root: pass.then(|| ran.head.block.header.state_root.to_string()),
        fork: fork.to_owned(),
        error,
        state: words.tests.dump.then(|| Dump::of(&ran.head.state)),
        bench: None,
    })
}
