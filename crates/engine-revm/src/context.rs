//! What revm runs in, and its words in Parallax's.

use std::error::Error;

use parallax_host_interface::HostError;
use parallax_primitives::Log;
use revm::{context::ContextTr, context_interface::result::EVMError, inspector::JournalExt};

use crate::database::{DatabaseError, JobDatabase};

/// A revm context over a job's database, whatever its block, transaction, configuration, journal and chain are.
pub trait JobContext<'a>: ContextTr<Db = JobDatabase<'a>, Journal: JournalExt> {}

impl<'a, C: ContextTr<Db = JobDatabase<'a>, Journal: JournalExt>> JobContext<'a> for C {}

/// What is no rejection.
pub(crate) fn host_error<T: Error + Send + Sync + 'static>(error: EVMError<DatabaseError, T>) -> HostError {
    match error {
        EVMError::Database(DatabaseError(error)) => error,
        other => HostError::with_source("revm failed", other),
    }
}

pub(crate) fn log(log: revm::primitives::Log) -> Log {
    let (topics, data) = log.data.split();
    Log { address: log.address, topics, data }
}
