use crate::{Address, B256, Message, Transaction, U256};

/// What is run: a transaction, or one message with no transaction around it.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A transaction: it is validated, pays for its gas, and is refunded.
    Transaction(&'a Transaction),
    /// A bare message, as an opcode of its caller would have sent it: nobody pays for its gas, and nothing is refunded. A creation's
    /// address is worked out, and its creator's nonce bumped. It may stand at any depth.
    Message {
        /// The message.
        message: &'a Message,
        /// What the transaction around it would answer to opcodes. The chain is the one of the run.
        environment: &'a TxEnv,
    },
    /// A call that the block itself sends (EIP-4788): a bare message, before which nothing at all is warm, not even its target or a
    /// precompiled contract.
    SystemCall {
        /// The message.
        message: &'a Message,
        /// What the transaction around it would answer to opcodes.
        environment: &'a TxEnv,
    },
}

impl Subject<'_> {
    /// Gas that it was given.
    pub const fn gas(&self) -> u64 {
        match self {
            Self::Transaction(transaction) => transaction.gas_limit,
            Self::Message { message, .. } | Self::SystemCall { message, .. } => message.gas,
        }
    }

    /// Depth of its outermost frame: 0 for a transaction.
    pub const fn depth(&self) -> u16 {
        match self {
            Self::Transaction(_) => 0,
            Self::Message { message, .. } | Self::SystemCall { message, .. } => message.depth,
        }
    }
}

impl<'a> From<&'a Transaction> for Subject<'a> {
    fn from(transaction: &'a Transaction) -> Self {
        Self::Transaction(transaction)
    }
}

/// What a transaction answers to opcodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxEnv {
    /// ORIGIN.
    pub origin: Address,
    /// GASPRICE, the effective price in wei (EIP-1559).
    pub gas_price: U256,
    /// BLOBHASH (EIP-4844).
    pub blob_hashes: Vec<B256>,
    /// CHAINID (EIP-1344).
    pub chain_id: u64,
}
