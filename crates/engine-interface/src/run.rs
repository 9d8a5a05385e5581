use parallax_hooks::Hooks;
use parallax_host_interface::Database;
use parallax_primitives::{BlockEnv, Message, Rules, Subject, Transaction, TxEnv};

use crate::{Engine, EngineError, Execution, Job};

/// Runs a bare message on `engine`, in a block of which nothing is known, on the chain of the rules: the shortest way from code to what
/// it comes to. For a block or a chain of one's own: [`Job`].
///
/// # Errors
///
/// If the world fails.
pub fn run_message(
    engine: &(impl Engine + ?Sized),
    rules: impl Into<Rules>,
    database: &dyn Database,
    message: &Message,
    hooks: &mut dyn Hooks,
) -> Result<Execution, EngineError> {
    let (rules, block) = (rules.into(), BlockEnv::default());
    let environment = TxEnv { origin: message.caller, chain_id: rules.chain_id(), ..TxEnv::default() };
    let subject = Subject::Message { message, environment: &environment };
    engine.execute(&Job { rules, chain_id: rules.chain_id(), block: &block, subject, database }, hooks)
}

/// Runs a transaction on `engine`, in a block, on the chain of the rules.
///
/// # Errors
///
/// The one rule that it breaks first, or that the world failed.
pub fn run_transaction(
    engine: &(impl Engine + ?Sized),
    rules: impl Into<Rules>,
    block: &BlockEnv,
    database: &dyn Database,
    transaction: &Transaction,
    hooks: &mut dyn Hooks,
) -> Result<Execution, EngineError> {
    let rules = rules.into();
    engine.execute(
        &Job { rules, chain_id: rules.chain_id(), block, subject: transaction.into(), database },
        hooks,
    )
}
