//! Official state tests on one engine: what came of each case, and the sum.

use std::ops::ControlFlow;

use parallax_hooks::{Hooks, Interest, StepControl, StepView};
use parallax_primitives::B256;
use parallax_state_tests::{Case, CaseResult, FixtureError, run};
use serde::{Deserialize, Serialize};

use crate::{
    Campaign, CaseName, Delivered, Isolation, Loss, Progress, TraceDigest, TraceOptions, TraceSink,
    WorkersError,
    engines::{self, EngineSource},
    report,
    task::Task,
    trace::trace_case,
    wire::TaskSetup,
};

/// What came of one case on one engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestOutcome {
    /// It ran; [`CaseResult::pass`] says how it went. Its execution is not kept; the digest of its trace is, where asked for.
    Ran(Box<CaseResult>, Option<TraceDigest>),
    /// It came to no end of its own. Not a pass.
    Lost(Loss),
    /// The engine does not know the fork's rules, for this reason. Not a pass.
    Unsupported(&'static str),
}

impl TestOutcome {
    /// How it counts.
    pub const fn verdict(&self) -> TestVerdict {
        match self {
            TestOutcome::Ran(result, _) if result.pass => TestVerdict::Passed,
            TestOutcome::Ran(..) => TestVerdict::Failed,
            TestOutcome::Lost(Loss::Crashed(_)) => TestVerdict::Crashed,
            TestOutcome::Lost(Loss::TimedOut(_)) => TestVerdict::TimedOut,
            TestOutcome::Lost(Loss::Limit(_)) => TestVerdict::Limit,
            TestOutcome::Unsupported(_) => TestVerdict::Unsupported,
        }
    }
}

/// How a case counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TestVerdict {
    /// As the file expects.
    Passed,
    /// Not as the file expects.
    Failed,
    /// An engine panicked, or its process aborted or took a signal.
    Crashed,
    /// The limit of time was met.
    TimedOut,
    /// A limit of steps or memory was met.
    Limit,
    /// The engine does not know the rules.
    Unsupported,
    /// It could not be read.
    Unreadable,
}

/// How many cases came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct TestSummary {
    /// As the file expects.
    pub passed: u64,
    /// Not as the file expects.
    pub failed: u64,
    /// An engine panicked, or its process aborted or took a signal.
    pub crashed: u64,
    /// The limit of time was met.
    pub timed_out: u64,
    /// A limit of steps or memory was met.
    pub limit: u64,
    /// The engine does not know the rules.
    pub unsupported: u64,
    /// Cases, tests or files that could not be read.
    pub unreadable: u64,
    /// Whether every selected case is counted: false if the campaign was stopped.
    pub complete: bool,
}

impl TestSummary {
    fn count(&mut self, verdict: TestVerdict) {
        *match verdict {
            TestVerdict::Passed => &mut self.passed,
            TestVerdict::Failed => &mut self.failed,
            TestVerdict::Crashed => &mut self.crashed,
            TestVerdict::TimedOut => &mut self.timed_out,
            TestVerdict::Limit => &mut self.limit,
            TestVerdict::Unsupported => &mut self.unsupported,
            TestVerdict::Unreadable => &mut self.unreadable,
        } += 1;
    }

    /// Everything that came to something, or could not be read.
    pub const fn cases(&self) -> u64 {
        self.passed + self.unsupported + self.failures()
    }

    /// What neither passed nor was left out for want of rules.
    pub const fn failures(&self) -> u64 {
        self.failed + self.crashed + self.timed_out + self.limit + self.unreadable
    }

    /// Whether there were cases and every one passed.
    pub const fn is_success(&self) -> bool {
        self.complete && self.passed > 0 && self.failures() + self.unsupported == 0
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
    let each = |case: &Case| outcome(case, engine, tracing, None);
    let panicked = |_: &Case, message| TestOutcome::Lost(Loss::panicked(message));
    summary.complete = campaign.run(each, panicked, |delivered, progress| {
        summary.count(match &delivered {
            Delivered::Case(_, outcome) => outcome.verdict(),
            Delivered::Unreadable(_) => TestVerdict::Unreadable,
        });
        deliver(&delivered, progress)
    })?;
    Ok(summary)
}

fn outcome(
    case: &Case,
    engine: &(impl EngineSource + ?Sized),
    tracing: Option<(&TraceOptions, &TraceSink<'_>)>,
    max_steps: Option<u64>,
) -> TestOutcome {
    if let Some(reason) = engines::unsupported(engine.name(), case.fork) {
        return TestOutcome::Unsupported(reason);
    }
    let engine = engine.make();
    let mut limit = max_steps.map(|steps| StepLimit { left: steps, is_met: false });
    let (result, digest) = match tracing {
        Some((options, sink)) => trace_case(case, &*engine, options, sink, &mut limit),
        None => (run(case, &*engine, &mut limit), None),
    };
    match (limit, max_steps) {
        (Some(StepLimit { is_met: true, .. }), Some(steps)) => {
            TestOutcome::Lost(Loss::Limit(format!("not over after {steps} steps")))
        }
        _ => TestOutcome::Ran(Box::new(CaseResult { execution: None, ..result }), digest),
    }
}

/// Ends a run before the step that would be one too many.
pub(crate) struct StepLimit {
    left: u64,
    is_met: bool,
}

impl Hooks for StepLimit {
    fn interest(&self) -> Interest {
        Interest::Steps
    }

    fn on_step(&mut self, _: &StepView<'_>) -> StepControl {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                StepControl::Continue
            }
            None => {
                self.is_met = true;
                StepControl::Abort
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
    /// What [`test_text`](crate::test_text) says of it, or the error of what could not be read.
    pub text: Option<String>,
    /// What [`test_json`](crate::test_json) says of it, where asked for.
    pub json: Option<String>,
}

impl TestTask {
    /// Runs a case.
    pub(crate) fn case(&self, case: &Case, engine: &dyn EngineSource) -> TestReport {
        let tracing = self.digest.as_ref().map(|options| (options, &TraceSink::Digests));
        let outcome = outcome(case, engine, tracing, self.max_steps);
        self.outcome(&CaseName::of(case), Some(case.expected.state_root), &outcome)
    }

    /// What is told of an answer of [`statetest`].
    pub fn report(&self, delivered: &Delivered<TestOutcome>) -> TestReport {
        match delivered {
            Delivered::Case(case, outcome) => {
                self.outcome(&CaseName::of(case), Some(case.expected.state_root), outcome)
            }
            Delivered::Unreadable(error) => self.unreadable(error),
        }
    }

    fn outcome(&self, case: &CaseName<'_>, expected_root: Option<B256>, outcome: &TestOutcome) -> TestReport {
        let text = report::outcome_text(case, outcome, &self.command);
        let json = self.json.then(|| report::outcome_json(case, expected_root, outcome));
        TestReport { verdict: outcome.verdict(), text, json }
    }
}

impl Task for TestTask {
    type Report = TestReport;

    fn lost(&self, case: &CaseName<'_>, loss: Loss) -> TestReport {
        self.outcome(case, None, &TestOutcome::Lost(loss))
    }

    fn unreadable(&self, error: &FixtureError) -> TestReport {
        let json = self.json.then(|| report::unreadable_json(error));
        TestReport { verdict: TestVerdict::Unreadable, text: Some(error.to_string()), json }
    }
}

/// Does `task` with the cases of `campaign`, in threads or in worker processes, and hands each report to `deliver`, in order.
pub fn statetest_isolated(
    campaign: &Campaign<'_>,
    task: &TestTask,
    isolation: Isolation<'_>,
    mut deliver: impl FnMut(&TestReport, Progress) -> ControlFlow<()> + Send,
) -> Result<TestSummary, WorkersError> {
    let mut summary = TestSummary::default();
    let deliver = |report: TestReport, progress| {
        summary.count(report.verdict);
        deliver(&report, progress)
    };
    let complete = match isolation {
        Isolation::Workers(workers) => {
            workers.perform(campaign, task, TaskSetup::Statetest(task.clone()), deliver)
        }
        Isolation::InProcess => {
            let engine = engines::source(&task.engine)?;
            campaign.perform(task, |case| task.case(case, &*engine), deliver)
        }
    };
    summary.complete = complete?;
    Ok(summary)
}
