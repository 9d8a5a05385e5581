//! revm's own types: Ethereum's mainnet.

use parallax_engine_interface::{EngineError, Job};
use parallax_primitives::{BlockEnv as JobBlock, Rules, Transaction};
use revm::{
    Inspector, MainBuilder,
    context::{BlockEnv, CfgEnv, TxEnv},
    context_interface::result::{EVMError, InvalidTransaction},
    handler::{EthFrame, MainnetContext, MainnetEvm, MainnetHandler},
    interpreter::interpreter::EthInterpreter,
};

use crate::{
    database::{DatabaseError, JobDatabase},
    environment,
    recorded::Recorded,
    rejection::rejection,
    types::{RevmParts, RevmTypes},
};

/// revm 43, unmodified, every check on.
///
/// It has no Constantinople (EIP-1283), no rules but mainnet's, and no price of a blob gas that takes more than 128 bits to work out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mainnet;

pub(crate) type Context<'a> = MainnetContext<JobDatabase<'a>>;
pub(crate) type RunError = EVMError<DatabaseError, InvalidTransaction>;

impl RevmTypes for Mainnet {
    type Context<'a> = Context<'a>;
    type Evm<'a, I: Inspector<Context<'a>>> = MainnetEvm<Context<'a>, I>;
    type Invalid = InvalidTransaction;
    type Handler<'a, I: Inspector<Context<'a>>> =
        MainnetHandler<Recorded<MainnetEvm<Context<'a>, I>>, RunError, EthFrame<EthInterpreter>>;

    fn name(&self) -> &'static str {
        "revm"
    }

    fn unsupported(&self, rules: Rules, block: &JobBlock) -> Option<String> {
        environment::unsupported(rules, block)
    }

    fn evm<'a, I: Inspector<Context<'a>>>(
        &self,
        parts: RevmParts<'a>,
        inspector: I,
    ) -> Result<Self::Evm<'a, I>, EngineError> {
        let spec = environment::spec_id(parts.job.rules)?;
        let configuration = environment::configuration(&parts.job, spec);
        let context = context(parts.database, configuration, parts.block, parts.transaction);
        Ok(context.build_mainnet_with_inspector(inspector))
    }

    fn rejection(
        &self,
        reason: &InvalidTransaction,
        job: &Job<'_>,
        transaction: &Transaction,
    ) -> EngineError {
        rejection(reason, job, transaction)
    }
}

pub(crate) fn context(
    database: JobDatabase<'_>,
    configuration: CfgEnv,
    block: BlockEnv,
    transaction: TxEnv,
) -> Context<'_> {
    Context::new(database, configuration.spec).with_cfg(configuration).with_block(block).with_tx(transaction)
}
