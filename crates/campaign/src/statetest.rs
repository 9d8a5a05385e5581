//! Official state tests on one engine.

use std::ops::ControlFlow;

use parallax_primitives::B256;
use parallax_state_tests::{Case, CaseResult, FixtureError, run};
use serde::{Deserialize, Serialize};

use crate::{
    Campaign, CaseName, Delivered, Loss, Progress, TestOutcome, TestSummary, TestVerdict, TraceOptions,
    TraceSink, WorkersError, any_case::AnyCase, engines::EngineSource, report, step_limit::StepLimit,
    task::Task, trace::trace_case,
};

/// Runs the cases of `campaign` on `engine` and hands each answer to `deliver`, in order.
pub fn statetest(
    campaign: &Campaign<'_>,
    engine: &(impl EngineSource + ?Sized),
    deliver: impl FnMut(&Delivered<TestOutcome>, Progress) -> ControlFlow<()> + Send,
) -> Result<TestSummary, WorkersError> {
    statetest_with(campaign, engine, None, deliver)
}

/// As [`statetest`], and traces every case. Into files, one case at a time: the campaign is to have one worker.
pub fn statetest_with(
    campaign: &Campaign<'_>,
    engine: &(impl EngineSource + ?Sized),
    tracing: Option<&TraceSink<'_>>,
    mut deliver: impl FnMut(&Delivered<TestOutcome>, Progress) -> ControlFlow<()> + Send,
) -> Result<TestSummary, WorkersError> {
    let mut summary = TestSummary::default();
    let each = |case: &Case| outcome(case, engine, tracing, None);
    let panicked = |_: &Case, message| TestOutcome::Lost(Loss::panicked(message));
    summary.complete = campaign.run(each, panicked, |delivered, progress| {
        summary.count(match &delivered {
            Delivered::Case(_, outcome) => outcome.verdict(),
            Delivered::Unreadable(error) => TestVerdict::of_error(error),
        });
        deliver(&delivered, progress)
    })?;
    Ok(summary)
}

fn outcome(
    case: &Case,
    engine: &(impl EngineSource + ?Sized),
    tracing: Option<&TraceSink<'_>>,
    max_steps: Option<u64>,
) -> TestOutcome {
    let (name, engine) = (engine.name(), engine.make());
    if let Some(reason) = engine.unsupported(case.rules, &case.block) {
        tracing::info!(engine = name, reason, "passed over");
        return TestOutcome::Unsupported(reason);
    }
    let mut limit = max_steps.map(|steps| StepLimit { left: steps, is_met: false });
    let (result, digest) = match tracing {
        Some(sink) => trace_case(case, &*engine, sink, &mut limit),
        None => (run(case, &*engine, &mut limit), None),
    };
    match (limit, max_steps) {
        (Some(StepLimit { is_met: true, .. }), Some(steps)) => {
            tracing::warn!(engine = name, steps, "the limit of steps is met");
            TestOutcome::Lost(Loss::Limit(format!("not over after {steps} steps")))
        }
        _ => {
            tracing::debug!(
                engine = name,
                passed = result.pass,
                gas_used = result.gas_used,
                error = result.error,
                "ran"
            );
            let result = Box::new(CaseResult { execution: None, ..result });
            match case.not_looked_at() {
                expectations @ 1.. if result.pass => TestOutcome::Unchecked(result, digest, expectations),
                _ => TestOutcome::Ran(result, digest),
            }
        }
    }
}

/// Official tests on an engine that is called by its name, so that worker processes can be told of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TestTask {
    /// The engine's name.
    pub engine: String,
    /// The command and its options, without what selects cases.
    pub command: String,
    /// Whether each case is told as a line of JSON too.
    pub json: bool,
    /// What the digest is made of, where the cases are traced.
    pub digest: Option<TraceOptions>,
    /// Most steps of a case. Counting them, the fast engine does not run its fast form.
    pub max_steps: Option<u64>,
}

/// What came of one case, in words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TestReport {
    /// How it counts.
    pub verdict: TestVerdict,
    /// What it is instead of a state test that can be run, in words that a count may stand before.
    pub passed_over: Option<String>,
    /// What [`test_text`](crate::test_text) says of it, or the error of what could not be read.
    pub text: Option<String>,
    /// What [`test_json`](crate::test_json) says of it, where asked for.
    pub json: Option<String>,
}

impl TestTask {
    /// Runs a case. One of a block test is not run.
    pub(crate) fn case(&self, case: &AnyCase, engine: &dyn EngineSource) -> TestReport {
        let AnyCase::State(case) = case else {
            let kind = "block tests, for parallax blocktest and parallax diff".to_owned();
            return self.outcome(&case.name(), None, &TestOutcome::PassedOver(kind));
        };
        let tracing = self.digest.clone().map(TraceSink::Digests);
        let outcome = outcome(case, engine, tracing.as_ref(), self.max_steps);
        self.outcome(&CaseName::of(case), case.expected_root(), &outcome)
    }

    /// What is told of an answer of [`statetest`].
    pub fn report(&self, delivered: &Delivered<TestOutcome>) -> TestReport {
        match delivered {
            Delivered::Case(case, outcome) => {
                self.outcome(&CaseName::of(case), case.expected_root(), outcome)
            }
            Delivered::Unreadable(error) => self.unreadable(error),
        }
    }

    fn outcome(&self, case: &CaseName<'_>, expected_root: Option<B256>, outcome: &TestOutcome) -> TestReport {
        let text = report::outcome_text(case, outcome, &self.command);
        let json = self.json.then(|| report::outcome_json(case, expected_root, outcome));
        let passed_over = match outcome {
            TestOutcome::PassedOver(kind) => Some(kind.clone()),
            _ => None,
        };
        TestReport { verdict: outcome.verdict(), passed_over, text, json }
    }
}

impl Task for TestTask {
    type Report = TestReport;

    fn lost(&self, case: &CaseName<'_>, loss: Loss) -> TestReport {
        self.outcome(case, None, &TestOutcome::Lost(loss))
    }

    fn unreadable(&self, error: &FixtureError) -> TestReport {
        let json = self.json.then(|| report::unreadable_json(error));
        let passed_over = error.passed_over();
        let text = passed_over.is_none().then(|| report::printable(&error.to_string()).into_owned());
        TestReport { verdict: TestVerdict::of_error(error), passed_over, text, json }
    }
}
