//! A job that owns its parts, and a run that is kept together with what it runs on.

use std::sync::Arc;

use parallax_hooks::{Hooks, MessagePhase, StepView};
use parallax_host_interface::{Database, HostError};
use parallax_primitives::{BlockEnv, Message, Rules, Subject, Transaction, TxEnv};
use self_cell::self_cell;

use crate::{Engine, EngineError, Execution, Job, Progress, Stepper};

/// A [`Job`] that owns what it is of: it can be kept in a session, and sent to a thread.
#[derive(Clone)]
pub struct OwnedJob {
    /// The rules.
    pub rules: Rules,
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// The block around it.
    pub block: BlockEnv,
    /// What is run.
    pub subject: OwnedSubject,
    /// The state before it.
    pub database: Arc<dyn Database + Send + Sync>,
}

/// A [`Subject`] that owns its parts.
#[derive(Clone, Debug)]
pub enum OwnedSubject {
    /// A transaction.
    Transaction(Transaction),
    /// A bare message.
    Message {
        /// The message.
        message: Message,
        /// What the transaction around it would answer to opcodes.
        environment: TxEnv,
    },
    /// A system call.
    SystemCall {
        /// The message.
        message: Message,
        /// What the transaction around it would answer to opcodes.
        environment: TxEnv,
    },
}

impl OwnedJob {
    /// The job, as engines take it.
    pub fn job(&self) -> Job<'_> {
        let Self { rules, chain_id, block, subject, database } = self;
        let subject = match subject {
            OwnedSubject::Transaction(transaction) => Subject::Transaction(transaction),
            OwnedSubject::Message { message, environment } => Subject::Message { message, environment },
            OwnedSubject::SystemCall { message, environment } => Subject::SystemCall { message, environment },
        };
        Job { rules: *rules, chain_id: *chain_id, block, subject, database: &**database }
    }
}

/// A run with its engine and its job: it borrows nothing, so it can be kept wherever a value can.
pub struct OwnedRun(Run);

type Parts = (Arc<dyn Engine + Send>, OwnedJob);
/// Taken out where the run is finished.
type Running<'a> = Option<Box<dyn Stepper + 'a>>;

self_cell!(
    struct Run {
        owner: Parts,
        #[covariant]
        dependent: Running,
    }
);

impl OwnedRun {
    /// As [`Engine::start`]: validates, and stands before the message; `Ok(None)` if this engine cannot pause.
    ///
    /// # Errors
    ///
    /// As [`Engine::start`].
    pub fn start(engine: Arc<dyn Engine + Send>, job: OwnedJob) -> Result<Option<Self>, EngineError> {
        let run = Run::try_new((engine, job), |(engine, job)| engine.start(&job.job()))?;
        Ok(run.borrow_dependent().is_some().then(|| Self(run)))
    }

    /// What is run.
    pub fn job(&self) -> &OwnedJob {
        &self.0.borrow_owner().1
    }
}

impl Stepper for OwnedRun {
    fn run(&mut self, hooks: &mut dyn Hooks) -> Result<Progress, HostError> {
        self.0.with_dependent_mut(|_, run| run.as_mut().map_or(Ok(Progress::Aborted), |run| run.run(hooks)))
    }

    fn view(&self) -> Option<StepView<'_>> {
        self.0.borrow_dependent().as_ref()?.view()
    }

    fn message(&self) -> Option<(&Message, MessagePhase<'_>)> {
        self.0.borrow_dependent().as_ref()?.message()
    }

    fn finish(mut self: Box<Self>) -> Result<Execution, HostError> {
        match self.0.with_dependent_mut(|_, run| run.take().map(Stepper::finish)) {
            Some(finished) => finished,
            None => Ok(Execution::aborted()),
        }
    }
}
