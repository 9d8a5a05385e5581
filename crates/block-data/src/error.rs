use parallax_primitives::{Address, B256, FrameStatus, Rejection, U256};

use crate::{AccessDifference, AccessListError, RlpError, SignatureError};

/// Why a block is not valid. Each is a rule; what official tests call it is in `parallax-block-tests`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// Its bytes are not the RLP of a block.
    #[error("not the RLP of a block: {0}")]
    Rlp(#[from] RlpError),
    /// EIP-7934.
    #[error("block of {size} bytes is above the limit of {limit}")]
    SizeAboveLimit {
        /// Bytes of its RLP.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// No block with this hash.
    #[error("parent {0} is not known")]
    UnknownParent(B256),
    /// Yellow Paper, section 4.3.4.
    #[error("number is {found}, expected {expected}")]
    Number {
        /// What the header says.
        found: u64,
        /// One above the parent's.
        expected: u64,
    },
    /// Yellow Paper, section 4.3.4.
    #[error("timestamp {found} is not above the parent's {parent}")]
    Timestamp {
        /// What the header says.
        found: u64,
        /// The parent's.
        parent: u64,
    },
    /// Yellow Paper, section 4.3.4.
    #[error("extra data of {0} bytes is above the limit of 32")]
    ExtraData(usize),
    /// EIP-779.
    #[error("extra data is not that of the DAO fork")]
    DaoExtraData,
    /// Yellow Paper, section 4.3.4.
    #[error("gas used {used} is above the gas limit {limit}")]
    GasUsedAboveLimit {
        /// Gas used.
        used: u64,
        /// The limit.
        limit: u64,
    },
    /// Yellow Paper, section 4.3.4; EIP-1559.
    #[error("gas limit {found} is too far from the parent's {parent}, or below 5000")]
    GasLimit {
        /// What the header says.
        found: u64,
        /// The parent's, as it counts here.
        parent: u64,
    },
    /// A gas limit that signed numbers cannot hold.
    #[error("gas limit {0} is above 2^63 - 1")]
    GasLimitTooBig(u64),
    /// EIP-1559.
    #[error("base fee is {found}, expected {expected}")]
    BaseFee {
        /// What the header says.
        found: u64,
        /// What follows from the parent.
        expected: u64,
    },
    /// Yellow Paper, section 4.3.4; EIP-100 and others.
    #[error("difficulty is {found}, expected {expected}")]
    Difficulty {
        /// What the header says.
        found: U256,
        /// What follows from the parent.
        expected: U256,
    },
    /// EIP-3675.
    #[error("difficulty is {0}, expected 0 from Paris on")]
    DifficultyNotZero(U256),
    /// EIP-3675.
    #[error("nonce is not 0, as it must be from Paris on")]
    NonceNotZero,
    /// EIP-3675.
    #[error("there are ommers, and none may be from Paris on")]
    OmmersAfterParis,
    /// A field that the fork has and the block has not, or the reverse.
    #[error("{name} is {}, and must {}be by these rules", if *.is_there { "there" } else { "missing" }, if *.is_there { "not " } else { "" })]
    Field {
        /// Its name in the specification.
        name: &'static str,
        /// Whether it is there.
        is_there: bool,
    },
    /// EIP-4844, EIP-7918.
    #[error("excess blob gas is {found}, expected {expected}")]
    ExcessBlobGas {
        /// What the header says.
        found: u64,
        /// What follows from the parent.
        expected: u64,
    },
    /// EIP-4844.
    #[error("blob gas used {used} is above the limit of {limit}")]
    BlobGasAboveLimit {
        /// What the header says, or what the transactions have.
        used: u64,
        /// The most of a block.
        limit: u64,
    },
    /// Yellow Paper, section 4.3.2.
    #[error("ommers hash is {found}, expected {expected}")]
    OmmersHash {
        /// What the header says.
        found: B256,
        /// Of the block's ommers.
        expected: B256,
    },
    /// Yellow Paper, section 11.1.
    #[error("{0} ommers are above the limit of 2")]
    TooManyOmmers(usize),
    /// Yellow Paper, section 11.1.
    #[error("ommer {0} {1}")]
    Ommer(usize, OmmerError),
    /// A transaction cannot be in it.
    #[error("transaction {index}: {reason}")]
    Transaction {
        /// Its index.
        index: usize,
        /// Why.
        reason: TransactionError,
    },
    /// EIP-7002, EIP-7251.
    #[error("no code at the system contract {0}")]
    SystemContractEmpty(Address),
    /// EIP-7002, EIP-7251.
    #[error("call of the system contract {address} failed: {status}")]
    SystemCallFailed {
        /// The contract.
        address: Address,
        /// How it ended.
        status: FrameStatus,
    },
    /// EIP-6110.
    #[error("a log of the deposit contract has another layout")]
    DepositLayout,
    /// The header has another than the block comes to.
    #[error("gas used is {found}, expected {expected}")]
    GasUsed {
        /// What the header says.
        found: u64,
        /// What the transactions used.
        expected: u64,
    },
    /// The header has another than the block comes to.
    #[error("blob gas used is {found}, expected {expected}")]
    BlobGasUsed {
        /// What the header says.
        found: u64,
        /// What the transactions have.
        expected: u64,
    },
    /// The header has another than the block comes to.
    #[error("logs bloom is not that of the receipts")]
    LogsBloom,
    /// The access list that came with it is none (EIP-7928).
    #[error("block access list: {0}")]
    AccessListForm(#[from] AccessListError),
    /// The access list that came with it is not what it accesses (EIP-7928).
    #[error("block access list: {0}")]
    AccessList(Box<AccessDifference>),
    /// It accesses more than its gas limit allows (EIP-7928).
    #[error("{items} accounts and slots in the block access list are above the {limit} of the gas limit")]
    AccessListTooLarge {
        /// How many there are.
        items: u64,
        /// The most there may be.
        limit: u64,
    },
    /// The header has another than the block comes to.
    #[error("{name} is {found}, expected {expected}")]
    Root {
        /// Of what.
        name: RootName,
        /// What the header says.
        found: B256,
        /// What the block comes to.
        expected: B256,
    },
}

/// What is wrong with an ommer (Yellow Paper, section 11.1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OmmerError {
    /// It stands there twice, or is an ommer of an ancestor.
    #[error("is an ommer already")]
    Known,
    /// It is on the chain itself.
    #[error("is an ancestor")]
    IsAncestor,
    /// Its parent is the block's own.
    #[error("is a brother of the block")]
    IsBrother,
    /// Its parent is none of the last blocks: it is too old, or of another chain.
    #[error("has a parent that is none of the last ancestors")]
    UnknownParent,
    /// It is no valid header of its parent.
    #[error("is no valid header: {0}")]
    Header(Box<BlockError>),
}

/// Why a transaction cannot be in a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// Its bytes are no transaction.
    #[error("malformed: {0}")]
    Malformed(#[from] RlpError),
    /// It has no sender.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Its fields, its sender's account or the block forbid it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Its blobs and those before it are more than a block may have (EIP-4844).
    #[error("{count} blobs are above the {left} that the block has left")]
    BlobsAboveBlock {
        /// Its blobs.
        count: u64,
        /// What is left.
        left: u64,
    },
}

/// Which root or hash of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootName {
    /// Of the transactions.
    Transactions,
    /// Of the state behind it.
    State,
    /// Of the receipts.
    Receipts,
    /// Of the withdrawals (EIP-4895).
    Withdrawals,
    /// Of the requests (EIP-7685).
    Requests,
    /// Of the list of what it accesses (EIP-7928).
    AccessList,
}

impl std::fmt::Display for RootName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Transactions => "transactions root",
            Self::State => "state root",
            Self::Receipts => "receipts root",
            Self::Withdrawals => "withdrawals root",
            Self::Requests => "requests hash",
            Self::AccessList => "block access list hash",
        })
    }
}
