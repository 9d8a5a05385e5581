//! Official state tests on one engine: what came of each case, and the sum.

use std::ops::ControlFlow;

use parallax_engine_interface::Engine;
use parallax_hooks::NoHooks;
use parallax_state_tests::{Case, CaseResult, run};

use crate::{Campaign, Delivered, Progress, WorkersError, engines};

/// What came of one case on one engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestOutcome {
    /// It ran; [`CaseResult::pass`] says how it went. Its execution is not kept.
    Ran(Box<CaseResult>),
    /// The engine does not know the fork's rules, for this reason. Not a pass.
    Unsupported(&'static str),
}

/// How many cases came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct TestSummary {
    /// As the file expects.
    pub passed: u64,
    /// Not as the file expects.
    pub failed: u64,
    /// The engine does not know the rules.
    pub unsupported: u64,
    /// Cases, tests or files that could not be read.
    pub unreadable: u64,
    /// Whether every selected case is counted: false if the campaign was stopped.
    pub complete: bool,
}

impl TestSummary {
    /// Whether there were cases and every one passed.
    pub fn is_success(&self) -> bool {
        self.complete && self.passed > 0 && self.failed + self.unsupported + self.unreadable == 0
    }
}

/// Runs the cases of `campaign` on `engine` and hands each answer to `deliver`, in order.
pub fn statetest(
    campaign: &Campaign<'_>,
    engine: &dyn Engine,
    mut deliver: impl FnMut(&Delivered<TestOutcome>, Progress) -> ControlFlow<()> + Send,
) -> Result<TestSummary, WorkersError> {
    let mut summary = TestSummary::default();
    let each = |case: &Case| match engines::unsupported(engine.name(), case.fork) {
        Some(reason) => TestOutcome::Unsupported(reason),
        None => {
            let result = run(case, engine, &mut NoHooks);
            TestOutcome::Ran(Box::new(CaseResult { execution: None, ..result }))
        }
    };
    let panicked = |case: &Case, message: String| {
        let error = format!("the engine {} panicked: {message}", engine.name());
        TestOutcome::Ran(Box::new(CaseResult::failed(case, error)))
    };
    summary.complete = campaign.run(each, panicked, |delivered, progress| {
        match &delivered {
            Delivered::Case(_, TestOutcome::Ran(result)) if result.pass => summary.passed += 1,
            Delivered::Case(_, TestOutcome::Ran(_)) => summary.failed += 1,
            Delivered::Case(_, TestOutcome::Unsupported(_)) => summary.unsupported += 1,
            Delivered::Unreadable(_) => summary.unreadable += 1,
        }
        deliver(&delivered, progress)
    })?;
    Ok(summary)
}
