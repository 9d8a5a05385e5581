//! What is done with each case of a campaign and what is kept of it, whether a thread does it or a worker process.

use std::{
    fmt,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
};

use parallax_shadow_diff::place_of_panic;
use parallax_state_tests::FixtureError;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Campaign, CaseName, Progress, WorkersError,
    any_case::AnyCase,
    pipeline::{Ran, log_error, message},
    shared_states::Unit,
};

/// Why a case came to no end of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// An engine panicked, or its process aborted or took a signal: what is known of it.
    Crashed(String),
    /// The limit of time was met.
    TimedOut(String),
    /// A limit of steps or memory was met.
    Limit(String),
}

impl Loss {
    /// Of a panic that was caught and said `message`. Asked for on the thread where it was.
    pub(crate) fn panicked(message: impl fmt::Display) -> Self {
        Self::crashed(format!("an engine panicked: {message}"))
    }

    /// Of a panic that was caught: `words` are its own. Asked for on the thread where it was.
    pub(crate) fn crashed(words: String) -> Self {
        Loss::Crashed(match place_of_panic() {
            Some(place) => format!("{words} ({place})"),
            None => words,
        })
    }

    /// The verdict's name.
    pub const fn name(&self) -> &'static str {
        match self {
            Loss::Crashed(_) => "crashed",
            Loss::TimedOut(_) => "timed_out",
            Loss::Limit(_) => "limit",
        }
    }

    /// What is known of it.
    pub fn reason(&self) -> &str {
        let (Loss::Crashed(reason) | Loss::TimedOut(reason) | Loss::Limit(reason)) = self;
        reason
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), self.reason())
    }
}

/// What is done with each case of a campaign: what is kept of it.
pub(crate) trait Task: Sync {
    /// It passes through a pipe.
    type Report: Serialize + DeserializeOwned + Send;

    /// Of a case that came to no end of its own.
    fn lost(&self, case: &CaseName<'_>, loss: Loss) -> Self::Report;

    /// Of what could not be read.
    fn unreadable(&self, error: &FixtureError) -> Self::Report;
}

impl Campaign<'_> {
    /// Does `each` with every selected case of either kind, in threads, and hands the reports to `deliver` in order, which may stop the campaign.
    pub(crate) fn perform<T: Task>(
        &self,
        task: &T,
        each: impl Fn(&AnyCase) -> T::Report + Sync,
        deliver: impl FnMut(T::Report, Progress) -> ControlFlow<()> + Send,
    ) -> Result<Ran, WorkersError> {
        let one = |case: Result<AnyCase, FixtureError>| match case {
            Err(error) => {
                log_error(&error);
                Some(task.unreadable(&error))
            }
            Ok(case) if !self.selection.has(&case) => None,
            Ok(case) => {
                let ran = case.in_span(|| catch_unwind(AssertUnwindSafe(|| each(&case))));
                Some(ran.unwrap_or_else(|panic| task.lost(&case.name(), Loss::panicked(message(&*panic)))))
            }
        };
        let each = |unit: Result<Unit, FixtureError>, is_stopped: &dyn Fn() -> bool| {
            let cases = match unit {
                Ok(unit) => self.selection.any_cases(&unit),
                Err(error) => vec![Err(error)],
            };
            cases.into_iter().take_while(|_| !is_stopped()).filter_map(one).collect()
        };
        self.run_tests(each, deliver)
    }
}
