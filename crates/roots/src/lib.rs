#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]
//!
//! Keys are hashed and sorted here; the trie and the encoding are alloy's.

mod state_trie;

use alloy_rlp::{BufMut, Encodable, Header};
use alloy_trie::{
    TrieAccount,
    root::{ordered_trie_root_encoded, state_root_unhashed, storage_root_unhashed},
};
use parallax_primitives::{Address, B256, Log, U256, keccak256};
pub use state_trie::StateTrie;

/// What the state trie says of one account (Yellow Paper, section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountLeaf {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// In wei.
    pub balance: U256,
    /// Of its storage: [`storage_root`].
    pub storage_root: B256,
    /// Keccak-256 of its code.
    pub code_hash: B256,
}

/// Root of the state trie of these accounts, in any order (Yellow Paper, section 4.1). Accounts that are empty are in it.
pub fn state_root(accounts: impl IntoIterator<Item = (Address, AccountLeaf)>) -> B256 {
    state_root_unhashed(accounts.into_iter().map(|(address, account)| {
        let AccountLeaf { nonce, balance, storage_root, code_hash } = account;
        (address, TrieAccount::new(nonce, balance, storage_root, code_hash))
    }))
}

/// Root of the storage trie of these slots, in any order (Yellow Paper, section 4.1). Slots that are zero are not in it.
pub fn storage_root(slots: impl IntoIterator<Item = (U256, U256)>) -> B256 {
    let slots = slots.into_iter().filter(|(_, value)| !value.is_zero());
    storage_root_unhashed(slots.map(|(key, value)| (B256::from(key), value)))
}

/// Root of the trie of `items` by the RLP of their index, each as it is encoded: a block's transactions, receipts or withdrawals.
pub fn ordered_root(items: &[impl AsRef<[u8]>]) -> B256 {
    ordered_trie_root_encoded(items)
}

/// Keccak-256 of the RLP list of `logs`, each a list of address, topics and data: what official state tests call `logs`.
pub fn logs_hash(logs: &[Log]) -> B256 {
    keccak256(encode_logs(logs))
}

/// The RLP list of `logs`, each a list of address, topics and data: as receipts have them.
pub fn encode_logs(logs: &[Log]) -> Vec<u8> {
    let mut encoded = Vec::new();
    alloy_rlp::encode_list::<_, EncodedLog<'_>>(
        &logs.iter().map(EncodedLog).collect::<Vec<_>>(),
        &mut encoded,
    );
    encoded
}

/// A log as receipts have it.
struct EncodedLog<'a>(&'a Log);

impl EncodedLog<'_> {
    fn header(&self) -> Header {
        let Log { address, topics, data } = self.0;
        Header { list: true, payload_length: address.length() + topics.length() + data.length() }
    }
}

impl Encodable for EncodedLog<'_> {
    fn encode(&self, out: &mut dyn BufMut) {
        self.header().encode(out);
        self.0.address.encode(out);
        self.0.topics.encode(out);
        self.0.data.encode(out);
    }

    fn length(&self) -> usize {
        self.header().length_with_payload()
    }
}
