//! What came of each case of a state test, and the sum.

use parallax_state_tests::{CaseResult, FixtureError};
use serde::{Deserialize, Serialize};

use crate::{Loss, TraceDigest};

/// What came of one case on one engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestOutcome {
    /// It ran; [`CaseResult::pass`] says how it went. Its execution is not kept; the digest of its trace is, where asked for.
    Ran(Box<CaseResult>, Option<TraceDigest>),
    /// It came to its end, and so much was not looked at: what its file expects by other rules, what a test that is not filled does not
    /// have, the reason of an exception that is not known. Not a pass.
    Unchecked(Box<CaseResult>, Option<TraceDigest>, u64),
    /// It came to no end of its own. Not a pass.
    Lost(Loss),
    /// The engine does not know the rules, for this reason. Not a pass.
    Unsupported(String),
    /// It is one of a kind that is not run here, which this says. Not a pass.
    PassedOver(String),
}

impl TestOutcome {
    /// How it counts.
    pub const fn verdict(&self) -> TestVerdict {
        match self {
            TestOutcome::Ran(result, _) if result.pass => TestVerdict::Passed,
            TestOutcome::Ran(..) => TestVerdict::Failed,
            TestOutcome::Unchecked(_, _, expectations) => TestVerdict::Unchecked(*expectations),
            TestOutcome::Lost(Loss::Crashed(_)) => TestVerdict::Crashed,
            TestOutcome::Lost(Loss::TimedOut(_)) => TestVerdict::TimedOut,
            TestOutcome::Lost(Loss::Limit(_)) => TestVerdict::Limit,
            TestOutcome::Unsupported(_) => TestVerdict::Unsupported,
            TestOutcome::PassedOver(_) => TestVerdict::PassedOver,
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
    /// It ran, and so many things that a file expects were not looked at.
    Unchecked(u64),
    /// An engine panicked, or its process aborted or took a signal.
    Crashed,
    /// The limit of time was met.
    TimedOut,
    /// A limit of steps or memory was met.
    Limit,
    /// The engine does not know the rules.
    Unsupported,
    /// It is a test of another kind, or of a fork that is not known.
    PassedOver,
    /// It could not be read.
    Unreadable,
}

impl TestVerdict {
    /// Whether it counts against the campaign.
    pub const fn is_failure(self) -> bool {
        !matches!(
            self,
            TestVerdict::Passed
                | TestVerdict::Unchecked(_)
                | TestVerdict::Unsupported
                | TestVerdict::PassedOver
        )
    }

    /// How something counts that was not read to its end.
    pub(crate) fn of_error(error: &FixtureError) -> Self {
        if error.passed_over().is_some() { Self::PassedOver } else { Self::Unreadable }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
pub(crate) const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// How many cases came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TestSummary {
    /// As the file expects.
    pub passed: u64,
    /// Not as the file expects.
    pub failed: u64,
    /// Run to whatever end, by other rules than their files' or where these do not say what to expect.
    #[serde(skip_serializing_if = "is_zero")]
    pub unchecked: u64,
    /// What their files expect of these, and was not looked at: state roots, hashes of logs, exceptions.
    #[serde(skip_serializing_if = "is_zero")]
    pub expectations_unchecked: u64,
    /// An engine panicked, or its process aborted or took a signal.
    pub crashed: u64,
    /// The limit of time was met.
    pub timed_out: u64,
    /// A limit of steps or memory was met.
    pub limit: u64,
    /// The engine does not know the rules.
    pub unsupported: u64,
    /// Tests of another kind, and cases of forks that are not known.
    #[serde(skip_serializing_if = "is_zero")]
    pub passed_over: u64,
    /// Cases, tests or files that could not be read.
    pub unreadable: u64,
    /// Whether every selected case is counted: false if the campaign was stopped.
    pub complete: bool,
}

impl TestSummary {
    /// Adds the counts of other cases.
    pub fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.unchecked += other.unchecked;
        self.expectations_unchecked += other.expectations_unchecked;
        self.crashed += other.crashed;
        self.timed_out += other.timed_out;
        self.limit += other.limit;
        self.unsupported += other.unsupported;
        self.passed_over += other.passed_over;
        self.unreadable += other.unreadable;
        self.complete &= other.complete;
    }

    pub(crate) fn count(&mut self, verdict: TestVerdict) {
        *match verdict {
            TestVerdict::Passed => &mut self.passed,
            TestVerdict::Failed => &mut self.failed,
            TestVerdict::Unchecked(expectations) => {
                self.expectations_unchecked += expectations;
                &mut self.unchecked
            }
            TestVerdict::Crashed => &mut self.crashed,
            TestVerdict::TimedOut => &mut self.timed_out,
            TestVerdict::Limit => &mut self.limit,
            TestVerdict::Unsupported => &mut self.unsupported,
            TestVerdict::PassedOver => &mut self.passed_over,
            TestVerdict::Unreadable => &mut self.unreadable,
        } += 1;
    }

    /// Everything that came to something, or could not be read.
    pub const fn cases(&self) -> u64 {
        self.passed + self.unchecked + self.unsupported + self.passed_over + self.failures()
    }

    /// What neither passed nor was left out for want of rules.
    pub const fn failures(&self) -> u64 {
        self.failed + self.crashed + self.timed_out + self.limit + self.unreadable
    }

    /// Whether there were cases of this kind, and every one passed or, by other rules than its file's, came to an end.
    pub const fn is_success(&self) -> bool {
        self.complete && self.passed + self.unchecked > 0 && self.failures() + self.unsupported == 0
    }
}
