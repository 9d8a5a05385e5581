use std::fmt;

use parallax_block_data::BlockError;
use parallax_primitives::B256;

/// Why a block of a test is not taken into the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not valid.
    Block(BlockError),
    /// Its parts have another hash than it is called by (Engine API, `INVALID_BLOCK_HASH`).
    Hash {
        /// What it is called by.
        named: B256,
        /// Of its parts.
        found: B256,
    },
    /// The versioned hashes that come with it are not those of its transactions (Engine API).
    VersionedHashes,
    /// The call that brings it is not one of the Engine API, which answers with this code.
    Call {
        /// A JSON-RPC error code.
        code: i64,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl From<BlockError> for Refusal {
    fn from(error: BlockError) -> Self {
        Self::Block(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(error) => error.fmt(f),
            Self::Hash { named, found } => write!(f, "block hash is {found}, expected {named}"),
            Self::VersionedHashes => f.write_str("versioned hashes are not those of its transactions"),
            Self::Call { code, reason } => write!(f, "call refused with {code}: {reason}"),
        }
    }
}
