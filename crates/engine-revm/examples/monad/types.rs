//! `monad-revm` behind Parallax's interface: all that a chain which is built on revm has to say.

use std::borrow::Cow;

use monad_revm::{
    MonadCfgEnv, MonadEvm, MonadHardfork,
    default_ctx::{MonadContext, monad_context_with_db},
    handler::MonadHandler,
};
use parallax_engine_interface::{EngineError, Job};
use parallax_engine_revm::{DatabaseError, JobDatabase, Recorded, RevmParts, RevmTypes};
use parallax_primitives::{BlockEnv, Rejection, Rules, Transaction};
use revm::{
    Inspector,
    context_interface::result::{EVMError, InvalidTransaction},
    handler::EthFrame,
    interpreter::interpreter::EthInterpreter,
};

/// Monad's revm at one of its forks, for the rules that say the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Monad {
    /// Its fork.
    pub(crate) hardfork: MonadHardfork,
    /// The rules that it runs; others it does not know.
    pub(crate) rules: Rules,
}

type Context<'a> = MonadContext<JobDatabase<'a>>;
type Evm<'a, I> = MonadEvm<Context<'a>, I>;
type Error = EVMError<DatabaseError, InvalidTransaction>;

impl RevmTypes for Monad {
    type Context<'a> = Context<'a>;
    type Evm<'a, I: Inspector<Context<'a>>> = Evm<'a, I>;
    type Invalid = InvalidTransaction;
    type Handler<'a, I: Inspector<Context<'a>>> =
        MonadHandler<Recorded<Evm<'a, I>>, Error, EthFrame<EthInterpreter>>;

    fn name(&self) -> &'static str {
        "monad-revm"
    }

    fn unsupported(&self, rules: Rules, _: &BlockEnv) -> Option<String> {
        (rules != self.rules).then(|| format!("monad-revm runs {} here, and not {rules}", self.rules))
    }

    fn evm<'a, I: Inspector<Context<'a>>>(
        &self,
        parts: RevmParts<'a>,
        inspector: I,
    ) -> Result<Evm<'a, I>, EngineError> {
        let configuration = MonadCfgEnv::new_with_spec(self.hardfork).with_chain_id(parts.job.chain_id);
        let context = monad_context_with_db(parts.database)
            .with_cfg(configuration)
            .with_block(parts.block)
            .with_tx(parts.transaction);
        Ok(MonadEvm::new(context, inspector))
    }

    fn rejection(
        &self,
        reason: &InvalidTransaction,
        job: &Job<'_>,
        transaction: &Transaction,
    ) -> EngineError {
        match reason {
            // Those of Monad's own are texts.
            InvalidTransaction::Str(Cow::Borrowed(text)) => Rejection::OfChain(text).into(),
            other => parallax_engine_revm::rejection(other, job, transaction),
        }
    }
}
