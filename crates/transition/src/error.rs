use parallax_state_tests::FixtureError;

/// Why there is nothing to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// Something in the input is not as it should be.
    Input(FixtureError),
    /// A field that these rules need, and that nothing else tells, is missing.
    Missing(&'static str),
}

impl From<FixtureError> for RequestError {
    fn from(error: FixtureError) -> Self {
        Self::Input(error)
    }
}

impl std::fmt::Display for RequestError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Input(error) => error.fmt(f),
            Self::Missing(field) => write!(f, "env: these rules need {field}"),
        }
    }
}

impl std::error::Error for RequestError {}
