//! The revm that is run: mainnet's, or another chain's that is built on it.

use std::error::Error;

use parallax_engine_interface::{EngineError, Job, Tolerances};
use parallax_primitives::{BlockEnv as JobBlock, Rules, Transaction};
use revm::{
    Inspector,
    context::{BlockEnv, TxEnv},
    context_interface::result::EVMError,
    handler::EthFrame,
    inspector::{InspectorEvmTr, InspectorHandler},
    interpreter::interpreter::EthInterpreter,
};

use crate::{
    context::JobContext,
    database::{DatabaseError, JobDatabase},
    halt::REVM_TOLERANCES,
    recorded::Recorded,
};

/// The types of a revm, and how a job becomes one: [`Revm`](struct@crate::Revm) runs it behind Parallax's interface. [`Mainnet`](crate::Mainnet)
/// is revm's own; a chain that is built on revm brings its context, its EVM (with instructions and precompiled contracts) and its handler.
///
/// The frame and the interpreter are revm's, as what is shown of a step is read from them.
pub trait RevmTypes: Sync {
    /// What the EVM runs in. Its journal is read through its traits alone, so it may be of any type.
    type Context<'a>: JobContext<'a>;
    /// The EVM, with an inspector.
    type Evm<'a, I: Inspector<Self::Context<'a>>>: InspectorEvmTr<Context = Self::Context<'a>, Inspector = I, Frame = EthFrame<EthInterpreter>>;
    /// Why it refuses a transaction.
    type Invalid: Error + Send + Sync + 'static;
    /// What runs a transaction on it, from validation to the fee's receiver.
    type Handler<'a, I: Inspector<Self::Context<'a>>>: InspectorHandler<
            Evm = Recorded<Self::Evm<'a, I>>,
            Error = EVMError<DatabaseError, Self::Invalid>,
            IT = EthInterpreter,
        > + Default;

    /// What users type and reports show.
    fn name(&self) -> &'static str;

    /// What it has otherwise than the specification by its design. Without a word of its own: what every revm has, as its interpreter
    /// checks in another order.
    fn tolerances(&self) -> Tolerances {
        REVM_TOLERANCES
    }

    /// Why it does not know these rules, or a number of `block` under them, if it does not.
    fn unsupported(&self, rules: Rules, block: &JobBlock) -> Option<String>;

    /// The EVM that stands before a job's transaction. Called for no job that is unsupported.
    ///
    /// # Errors
    ///
    /// Whatever keeps the transaction from being run.
    fn evm<'a, I: Inspector<Self::Context<'a>>>(
        &self,
        parts: RevmParts<'a>,
        inspector: I,
    ) -> Result<Self::Evm<'a, I>, EngineError>;

    /// A refusal in Parallax's words.
    fn rejection(&self, reason: &Self::Invalid, job: &Job<'_>, transaction: &Transaction) -> EngineError;
}

/// A job in revm's words: what an EVM is made of.
pub struct RevmParts<'a> {
    /// As it came: rules, chain.
    pub job: Job<'a>,
    /// The state before it.
    pub database: JobDatabase<'a>,
    /// The block around it.
    pub block: BlockEnv,
    /// The transaction. One that names no chain names the job's.
    pub transaction: TxEnv,
}
