use std::fmt;

use parallax_primitives::{Address, Bytes, PrecompileId, Rules};

/// The precompiled contracts that Ethereum's rules have, as a machine calls them. Those of an author's own are not in it: they are in
/// the rules ([`CustomContract`](crate::CustomContract)).
pub trait PrecompileSet: Sync {
    /// Runs the contract at an address with so much gas; `None` if the rules have none there.
    fn run(
        &self,
        rules: Rules,
        address: Address,
        input: &[u8],
        gas: u64,
    ) -> Option<Result<PrecompileOutput, PrecompileError>>;
}

/// No contract at all, for whoever wants none of their libraries. A call of one that the rules have is no halt: the run fails with an
/// error that names it.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPrecompiles;

impl PrecompileSet for NoPrecompiles {
    fn run(
        &self,
        rules: Rules,
        address: Address,
        _: &[u8],
        _: u64,
    ) -> Option<Result<PrecompileOutput, PrecompileError>> {
        let id = PrecompileId::at(&address).filter(|id| rules.has_precompile(*id))?;
        Some(Err(PrecompileError::Missing(id)))
    }
}

/// What a contract that ran answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrecompileOutput {
    /// Gas it took, at most what it was given.
    pub gas_used: u64,
    /// Its return data. A recovery or verification that does not succeed is an empty one, not an error.
    pub output: Bytes,
}

/// Why a contract failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrecompileError {
    /// It costs more than it was given.
    OutOfGas,
    /// It refuses its input, for this reason.
    Failed(String),
    /// The rules have it, and the set does not: no halt, but an error of the world.
    Missing(PrecompileId),
}

impl fmt::Display for PrecompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PrecompileError::OutOfGas => f.write_str("out of gas"),
            PrecompileError::Failed(reason) => f.write_str(reason),
            PrecompileError::Missing(id) => {
                write!(f, "{} is called, and there are no precompiled contracts here", id.name())
            }
        }
    }
}

impl std::error::Error for PrecompileError {}
