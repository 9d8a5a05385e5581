use thiserror::Error;

/// Bytes that a tracer keeps of one run, at most.
pub(crate) const LIMIT: usize = 512 << 20;

/// Why there is no tracer, or nothing that it can answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TracerError {
    /// The run was not shown to it from its start to its end.
    #[error("no run was traced to its end")]
    NotTraced,
    /// What it would have had to keep.
    #[error("the trace would take more than {LIMIT} bytes")]
    TooLarge,
}
