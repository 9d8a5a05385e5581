use crate::{Address, B256, Bytes, U256};

/// A transaction as the state transition takes it: its sender recovered, every fee field present (Yellow Paper, 4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// Which envelope it came in.
    pub kind: TransactionType,
    /// The recovered sender.
    pub sender: Address,
    /// The target, or `None` to create.
    pub to: Option<Address>,
    /// The sender's nonce.
    pub nonce: u64,
    /// The chain it was signed for, if it says so.
    pub chain_id: Option<u64>,
    /// Gas bought.
    pub gas_limit: u64,
    /// Price of one gas in wei (types 0 and 1), or the most the sender pays (EIP-1559).
    pub max_fee_per_gas: U256,
    /// The most that goes to the coinbase (EIP-1559); equal to `max_fee_per_gas` for types 0 and 1.
    pub max_priority_fee_per_gas: U256,
    /// Wei sent.
    pub value: U256,
    /// Calldata or init code.
    pub input: Bytes,
    /// Warm from the start (EIP-2930).
    pub access_list: Vec<AccessListEntry>,
    /// Versioned hashes of its blobs (EIP-4844).
    pub blob_hashes: Vec<B256>,
    /// The most the sender pays for one blob gas, in wei (EIP-4844).
    pub max_fee_per_blob_gas: U256,
    /// Delegations to set (EIP-7702).
    pub authorizations: Vec<Authorization>,
    /// The bytes that it came in (EIP-2718): what is in none of the fields above is read from here, by rules of other chains. Empty
    /// where nobody knows them; Ethereum's own rules never look at them.
    pub envelope: Bytes,
}

/// The envelope of a transaction (EIP-2718).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum TransactionType {
    /// Type 0.
    #[default]
    Legacy = 0,
    /// Type 1 (EIP-2930).
    AccessList = 1,
    /// Type 2 (EIP-1559).
    DynamicFee = 2,
    /// Type 3 (EIP-4844).
    Blob = 3,
    /// Type 4 (EIP-7702).
    SetCode = 4,
    /// A type of a chain's own, by its byte, 5 to 127: see [`TransactionDefinition`](crate::TransactionDefinition). Its
    /// access list, priority fee and authorizations count as a set-code transaction's; it has no blobs.
    Custom(u8) = 5,
}

impl TransactionType {
    /// The first byte of an envelope of this type; 0 for a legacy transaction, which has none.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Legacy => 0,
            Self::AccessList => 1,
            Self::DynamicFee => 2,
            Self::Blob => 3,
            Self::SetCode => 4,
            Self::Custom(byte) => byte,
        }
    }
}

/// One account of an access list (EIP-2930).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessListEntry {
    /// The account.
    pub address: Address,
    /// Its slots.
    pub storage_keys: Vec<B256>,
}

/// One delegation of a set-code transaction (EIP-7702).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// The chain it is for; zero for any.
    pub chain_id: U256,
    /// What to delegate to; zero to clear.
    pub address: Address,
    /// The authority's nonce.
    pub nonce: u64,
    /// The signer, or `None` if the signature is not valid (then the tuple is skipped).
    pub authority: Option<Address>,
}
