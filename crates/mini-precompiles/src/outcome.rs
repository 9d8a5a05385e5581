use std::fmt;

use parallax_primitives::Bytes;

/// What a precompiled contract answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Gas that the contract took; never above what it was given.
    pub gas_used: u64,
    /// What it returns.
    pub bytes: Bytes,
}

/// Why a precompiled contract failed. All gas that it was given is lost in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrecompileHalt {
    /// The contract's price for this input is above the gas that it was given.
    OutOfGas,
    /// The contract refuses the input, for this reason: more gas would change nothing.
    Refused(&'static str),
}

impl fmt::Display for PrecompileHalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PrecompileHalt::OutOfGas => f.write_str("out of gas"),
            PrecompileHalt::Refused(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for PrecompileHalt {}
