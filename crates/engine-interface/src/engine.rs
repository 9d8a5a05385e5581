use parallax_hooks::Hooks;
use parallax_host_interface::{Database, HostError};
use parallax_primitives::{BlockEnv, Fork, Rejection, Transaction};

use crate::{Execution, Progress, Stepper};

/// Everything one transaction needs.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The rules.
    pub fork: Fork,
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// The block around it.
    pub block: &'a BlockEnv,
    /// The transaction.
    pub transaction: &'a Transaction,
    /// The state before it.
    pub database: &'a dyn Database,
}

/// Names and starts transactions. Engines are stateless between jobs, caches aside.
pub trait Engine: Sync {
    /// What users type: `primary`, `mini`, `revm`.
    fn name(&self) -> &'static str;

    /// Validates the transaction and stands before its first opcode; `Ok(None)` if this engine cannot pause.
    fn start<'a>(&'a self, job: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError>;

    /// Runs the whole transaction. A hook that pauses is asked on at once.
    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        let Some(mut stepper) = self.start(job)? else {
            return Err(HostError::new(format!(
                "engine {} has no stepper and no way to execute",
                self.name()
            ))
            .into());
        };
        while stepper.run(hooks)? == Progress::Paused {}
        Ok(stepper.finish()?)
    }
}

/// Why a transaction has no outcome.
#[derive(Clone, Debug)]
pub enum EngineError {
    /// It cannot be in a block: part of the protocol, and compared between engines.
    Rejected(Rejection),
    /// The world failed.
    Host(HostError),
}

impl From<Rejection> for EngineError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<HostError> for EngineError {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl std::fmt::Display for EngineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rejected(rejection) => rejection.fmt(f),
            Self::Host(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for EngineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Rejected(_) => None,
            Self::Host(error) => error.source(),
        }
    }
}
