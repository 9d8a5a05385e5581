//! Official state tests on one engine: what came of each case, and the sum.

use std::ops::ControlFlow;

use parallax_hooks::NoHooks;
use parallax_state_tests::{Case, CaseResult, run};

use crate::{
    Campaign, Delivered, Progress, TraceDigest, TraceOptions, TraceSink, WorkersError,
    engines::{self, EngineSource},
    trace::trace_case,
};

/// What came of one case on one engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestOutcome {
    /// It ran; [`CaseResult::pass`] says how it went. Its execution is not kept; the digest of its trace is, where asked for.
    Ran(Box<CaseResult>, Option<TraceDigest>),
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
    engine: &(impl EngineSource + ?Sized),
    deliver: impl FnMut(&Delivered<TestOutcome>, Progress) -> ControlFlow<()> + Send,
) -> Result<TestSummary, WorkersError> {
    statetest_with(campaign, engine, None, deliver)
}

/// As [`statetest`], and traces every case. Into a writer, one case at a time: the campaign is to have one worker.
pub fn statetest_with(
    campaign: &Campaign<'_>,
    engine: &(impl EngineSource + ?Sized),
    tracing: Option<(&TraceOptions, &TraceSink<'_>)>,
    mut deliver: impl FnMut(&Delivered<TestOutcome>, Progress) -> ControlFlow<()> + Send,
) -> Result<TestSummary, WorkersError> {
    let mut summary = TestSummary::default();
    let each = |case: &Case| match engines::unsupported(engine.name(), case.fork) {
        Some(reason) => TestOutcome::Unsupported(reason),
        None => {
            let engine = engine.make();
            let (result, digest) = match tracing {
                Some((options, sink)) => trace_case(case, &*engine, options, sink),
                None => (run(case, &*engine, &mut NoHooks), None),
            };
            TestOutcome::Ran(Box::new(CaseResult { execution: None, ..result }), digest)
        }
    };
    let panicked = |case: &Case, message: String| {
        let error = format!("the engine {} panicked: {message}", engine.name());
        TestOutcome::Ran(Box::new(CaseResult::failed(case, error)), None)
    };
    summary.complete = campaign.run(each, panicked, |delivered, progress| {
        match &delivered {
            Delivered::Case(_, TestOutcome::Ran(result, _)) if result.pass => summary.passed += 1,
            Delivered::Case(_, TestOutcome::Ran(..)) => summary.failed += 1,
            Delivered::Case(_, TestOutcome::Unsupported(_)) => summary.unsupported += 1,
            Delivered::Unreadable(_) => summary.unreadable += 1,
        }
        deliver(&delivered, progress)
    })?;
    Ok(summary)
}
