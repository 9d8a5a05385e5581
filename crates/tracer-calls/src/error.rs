use thiserror::Error;

/// Bytes that a tracer keeps of one run, at most.
pub(crate) const LIMIT: usize = 512 << 20;

/// Why there is no tracer, or nothing that it can answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TracerError {
    /// There is no tracer of that name.
    #[error("unknown tracer {name:?}, expected one of {names}")]
    Name {
        /// What was asked for.
        name: String,
        /// What there is.
        names: String,
    },
    /// A tracer's options are not as they should be.
    #[error("options of {tracer}: {problem}")]
    Config {
        /// Its name.
        tracer: String,
        /// What is wrong.
        problem: String,
    },
    /// The run was not shown to it from its start to its end.
    #[error("no run was traced to its end")]
    NotTraced,
    /// What it would have had to keep.
    #[error("the trace would take more than {LIMIT} bytes")]
    TooLarge,
    /// The state before the run failed.
    #[error("the state before the run: {0}")]
    State(String),
}
