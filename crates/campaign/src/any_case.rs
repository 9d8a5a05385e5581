//! A case of either kind: whatever command a file is given to, what is in it is recognised.

use parallax_block_tests::{BlockCase, is_block_test};
use parallax_state_tests::{Case, FixtureError, Problem};

use crate::{CaseName, Selection, shared_states::Unit};

/// A case of a state test or of a block test.
pub(crate) enum AnyCase {
    State(Box<Case>),
    Block(Box<BlockCase>),
}

impl AnyCase {
    /// Which case it is.
    pub(crate) fn name(&self) -> CaseName<'_> {
        match self {
            Self::State(case) => CaseName::of(case),
            Self::Block(case) => CaseName { file: &case.file, name: &case.name, rules: None, index: [0; 3] },
        }
    }

    /// Runs something about it in a span that names it.
    pub(crate) fn in_span<T>(&self, run: impl FnOnce() -> T) -> T {
        match self {
            Self::State(case) => crate::pipeline::in_span(case, run),
            Self::Block(case) => {
                let BlockCase { file, name, network_name, .. } = &**case;
                tracing::error_span!("case", %file, %name, fork = %network_name).in_scope(run)
            }
        }
    }
}

impl Selection {
    /// The cases of a test of either kind, selected or not: [`Selection::has`].
    pub(crate) fn any_cases(&self, unit: &Unit) -> Vec<Result<AnyCase, FixtureError>> {
        let Unit { test, state } = unit;
        if is_block_test(test) {
            if self.by.is_some() {
                let kind = "block tests, which run by the rules of their network alone";
                let (file, test) = (test.file().clone(), test.name().clone());
                return vec![Err(FixtureError {
                    file,
                    test,
                    path: String::new(),
                    problem: Problem::OtherKind(kind),
                })];
            }
            let shared = match state.as_ref().map(|state| state.get()).transpose() {
                Ok(shared) => shared,
                Err(error) => return vec![Err(error)],
            };
            return match BlockCase::read_with(test, shared) {
                // Where one fork is selected, what is not known is another one.
                Err(FixtureError { problem: Problem::UnknownFork(_), .. }) if self.rules.is_some() => {
                    Vec::new()
                }
                read => vec![read.map(|case| AnyCase::Block(Box::new(case)))],
            };
        }
        let cases = self.cases(test).into_iter();
        cases.map(|case| case.map(|case| AnyCase::State(Box::new(case)))).collect()
    }

    /// Whether a case is selected. Block tests have no cases with numbers.
    pub(crate) fn has(&self, case: &AnyCase) -> bool {
        match case {
            AnyCase::State(case) => self.has_case(case),
            AnyCase::Block(case) => {
                let mut rules = case.network.all().map(|own| own.rules);
                self.index.is_none() && self.rules.is_none_or(|only| rules.any(|rules| rules == only))
            }
        }
    }
}
