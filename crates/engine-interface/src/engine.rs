use parallax_hooks::{End, Hooks, Start};
use parallax_host_interface::{Database, HostError};
use parallax_primitives::{BlockEnv, Rejection, Rules, Subject, Transaction};

use crate::{Capabilities, Execution, Progress, Stepper, Tolerances};

/// Everything one run needs.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The rules.
    pub rules: Rules,
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// The block around it.
    pub block: &'a BlockEnv,
    /// What is run.
    pub subject: Subject<'a>,
    /// The state before it.
    pub database: &'a dyn Database,
}

impl<'a> Job<'a> {
    /// The transaction, unless it is a bare message that is run.
    pub const fn transaction(&self) -> Option<&'a Transaction> {
        match self.subject {
            Subject::Transaction(transaction) => Some(transaction),
            Subject::Message { .. } | Subject::SystemCall { .. } => None,
        }
    }

    /// What hooks are told before it runs.
    pub const fn start(&self) -> Start<'a> {
        let Self { rules, chain_id, block, subject, .. } = *self;
        Start { rules, chain_id, block, subject }
    }
}

/// Names and starts runs. Engines are stateless between jobs, caches aside.
pub trait Engine: Sync {
    /// What users type: `primary`, `mini`, `revm`.
    fn name(&self) -> &'static str;

    /// What it can do besides running transactions.
    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    /// What it has otherwise than the specification by its design.
    fn tolerances(&self) -> Tolerances {
        Tolerances::NONE
    }

    /// Why it does not know `rules`, or a number of `block` under them, if it does not. Such a run is not begun: it is no agreement.
    fn unsupported(&self, rules: Rules, block: &BlockEnv) -> Option<String> {
        let _ = (rules, block);
        None
    }

    /// Validates the transaction, if it is one, and stands before its message; `Ok(None)` if this engine cannot pause.
    fn start<'a>(&'a self, job: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError>;

    /// Runs the whole of it. A hook that pauses is asked on at once. A run that cannot begin, as its transaction is rejected or the
    /// world fails, is told to the hooks with a start and an end as well.
    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        let started = self.start(job).and_then(|stepper| {
            let none = || format!("engine {} has no stepper and no way to execute", self.name());
            stepper.ok_or_else(|| HostError::new(none()).into())
        });
        let mut stepper = match started {
            Ok(stepper) => stepper,
            Err(error) => {
                hooks.on_start(&job.start());
                hooks.on_end(&error.end());
                return Err(error);
            }
        };
        while stepper.run(hooks)? == Progress::Paused {}
        Ok(stepper.finish()?)
    }
}

macro_rules! forward {
    ($type:ty) => {
        impl<E: Engine + ?Sized> Engine for $type {
            fn name(&self) -> &'static str {
                (**self).name()
            }
            fn capabilities(&self) -> Capabilities {
                (**self).capabilities()
            }
            fn tolerances(&self) -> Tolerances {
                (**self).tolerances()
            }
            fn unsupported(&self, rules: Rules, block: &BlockEnv) -> Option<String> {
                (**self).unsupported(rules, block)
            }
            fn start<'a>(&'a self, job: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
                (**self).start(job)
            }
            fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
                (**self).execute(job, hooks)
            }
        }
    };
}

forward!(&E);
forward!(Box<E>);

/// Why a transaction has no outcome.
#[derive(Clone, Debug)]
pub enum EngineError {
    /// It cannot be in a block: part of the protocol, and compared between engines.
    Rejected(Rejection),
    /// The world failed.
    Host(HostError),
}

impl EngineError {
    /// What hooks are told of it.
    pub fn end(&self) -> End<'_> {
        match self {
            Self::Rejected(rejection) => End::Rejected(rejection),
            Self::Host(error) => End::Failed(error),
        }
    }
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
