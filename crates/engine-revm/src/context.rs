//! What revm runs in, and its words in Parallax's.

use parallax_engine_interface::Job;
use parallax_host_interface::{Database, HostError};
use parallax_primitives::Log;
use revm::{
    context::TxEnv,
    context_interface::result::{EVMError, InvalidTransaction},
    handler::{MainnetContext, MainnetEvm},
    primitives::hardfork::SpecId,
};

use crate::{
    database::{Adapter, DatabaseError},
    environment,
};

/// revm with everything it runs on.
pub(crate) type Context<'a> = MainnetContext<Adapter<'a>>;
pub(crate) type Evm<'a, I> = MainnetEvm<Context<'a>, I>;
pub(crate) type RunError = EVMError<DatabaseError, InvalidTransaction>;

pub(crate) fn context<'a>(database: &'a dyn Database, job: &Job<'_>, spec: SpecId, tx: TxEnv) -> Context<'a> {
    Context::new(Adapter::new(database, job.rules), spec)
        .with_cfg(environment::configuration(job, spec))
        .with_block(environment::block(job))
        .with_tx(tx)
}

/// What is no rejection.
pub(crate) fn host_error(error: RunError) -> HostError {
    match error {
        EVMError::Database(DatabaseError(error)) => error,
        other => HostError::with_source("revm failed", other),
    }
}

pub(crate) fn log(log: revm::primitives::Log) -> Log {
    let (topics, data) = log.data.split();
    Log { address: log.address, topics, data }
}
