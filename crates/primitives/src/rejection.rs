use crate::U256;

/// Why a transaction cannot be in a block at all (Yellow Paper, section 6.2, and the EIPs named). It changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// EIP-2930, EIP-1559, EIP-4844, EIP-7702.
    #[error("transaction type {0} is not supported in this fork")]
    TypeNotSupported(u8),
    /// EIP-155.
    #[error("transaction is for chain {transaction}, this is chain {chain}")]
    WrongChainId {
        /// What the transaction says.
        transaction: u64,
        /// Where it would run.
        chain: u64,
    },
    /// EIP-2681.
    #[error("nonce is 2^64 - 1")]
    NonceIsMax,
    /// Below the sender's.
    #[error("nonce {transaction} is below the sender's {sender}")]
    NonceTooLow {
        /// What the transaction says.
        transaction: u64,
        /// What the state says.
        sender: u64,
    },
    /// Above the sender's.
    #[error("nonce {transaction} is above the sender's {sender}")]
    NonceTooHigh {
        /// What the transaction says.
        transaction: u64,
        /// What the state says.
        sender: u64,
    },
    /// EIP-3607.
    #[error("sender has code that is no delegation")]
    SenderHasCode,
    /// Gas, value and blobs together.
    #[error("sender has {balance} wei and needs {needed}")]
    InsufficientFunds {
        /// The sender's balance, in wei.
        balance: U256,
        /// The most the transaction may cost, in wei; saturated at 2^256 - 1.
        needed: U256,
    },
    /// Yellow Paper, section 6.2.
    #[error("gas limit {limit} is below the intrinsic gas {intrinsic}")]
    IntrinsicGas {
        /// Gas bought.
        limit: u64,
        /// Gas needed before the first opcode.
        intrinsic: u64,
    },
    /// EIP-7623.
    #[error("gas limit {limit} is below the calldata floor {floor}")]
    CalldataFloor {
        /// Gas bought.
        limit: u64,
        /// The floor.
        floor: u64,
    },
    /// Above the block's limit.
    #[error("gas limit {transaction} is above the block's {block}")]
    GasAboveBlock {
        /// Gas bought.
        transaction: u64,
        /// The block's limit.
        block: u64,
    },
    /// EIP-7825.
    #[error("gas limit {limit} is above the cap of {cap}")]
    GasAboveCap {
        /// Gas bought.
        limit: u64,
        /// The most a transaction may buy.
        cap: u64,
    },
    /// EIP-7825 with EIP-8037: the limit may be above the cap, what is taken before the first opcode may not.
    #[error("intrinsic gas or calldata floor of {needed} is above the cap of {cap}")]
    IntrinsicGasAboveCap {
        /// The greater of intrinsic gas and calldata floor.
        needed: u64,
        /// The most execution gas a transaction may have.
        cap: u64,
    },
    /// EIP-1559; types 0 and 1 too.
    #[error("fee of {max_fee} wei a gas is below the base fee of {base_fee}")]
    FeeBelowBaseFee {
        /// The most the sender pays.
        max_fee: U256,
        /// What the block asks.
        base_fee: u64,
    },
    /// EIP-1559.
    #[error("priority fee of {priority} wei a gas is above the fee of {max_fee}")]
    PriorityAboveFee {
        /// The tip.
        priority: U256,
        /// The most the sender pays in all.
        max_fee: U256,
    },
    /// EIP-3860.
    #[error("init code of {size} bytes is above the limit of {limit}")]
    InitcodeTooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// EIP-4844.
    #[error("blob transaction without a blob")]
    NoBlobs,
    /// EIP-4844, EIP-7594.
    #[error("{count} blobs are above the limit of {limit}")]
    TooManyBlobs {
        /// Blobs carried.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// EIP-4844.
    #[error("blob hash {0} has a version other than 1")]
    BlobVersion(usize),
    /// EIP-4844.
    #[error("blob transaction without a target")]
    BlobCreate,
    /// EIP-4844.
    #[error("fee of {max_fee} wei a blob gas is below the base fee of {base_fee}")]
    BlobFeeBelowBaseFee {
        /// The most the sender pays.
        max_fee: U256,
        /// What the block asks.
        base_fee: U256,
    },
    /// EIP-7702.
    #[error("set-code transaction without an authorization")]
    NoAuthorizations,
    /// EIP-7702.
    #[error("set-code transaction without a target")]
    SetCodeCreate,
    /// A rule of the chain's own, in its words.
    #[error("{0}")]
    OfChain(&'static str),
}
