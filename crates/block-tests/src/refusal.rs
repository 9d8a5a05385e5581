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

/// What is wrong with a block where it is the proof of work.
const PROOF_OF_WORK: &[&str] = &["InvalidBlockNonce", "InvalidPoW", "INVALID_POW"];

/// Why a block must be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedRefusal {
    /// Names of rules, of which it breaks one; none if the file names none.
    pub names: Vec<String>,
    /// The JSON-RPC error that the call is answered with.
    pub code: Option<i64>,
}

impl ExpectedRefusal {
    /// Whether nothing but the proof of work is wrong with the block: that is not checked.
    pub fn is_proof_of_work(&self) -> bool {
        !self.names.is_empty() && self.names.iter().all(|name| PROOF_OF_WORK.contains(&name.as_str()))
    }
}

impl fmt::Display for ExpectedRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.names.is_empty() { f.write_str("any") } else { f.write_str(&self.names.join("|")) }
    }
}
