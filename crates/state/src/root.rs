//! The two hashes that official tests state: of the state and of the logs. Keys are hashed and sorted here; the trie and
//! the encoding are alloy's.

use std::collections::BTreeMap;

use alloy_rlp::{BufMut, Encodable, Header};
use alloy_trie::{
    TrieAccount,
    root::{state_root_unhashed, storage_root_unhashed},
};
use parallax_primitives::{Address, B256, Log, keccak256};

use crate::Account;

/// Root of the state trie of these accounts (Yellow Paper, section 4.1). Slots that are zero are not in it; accounts that
/// are empty are.
pub fn state_root(accounts: &BTreeMap<Address, Account>) -> B256 {
    state_root_unhashed(accounts.iter().map(|(&address, account)| {
        let slots = account.nonzero_slots().map(|(&key, &value)| (B256::from(key), value));
        let storage_root = storage_root_unhashed(slots);
        (address, TrieAccount::new(account.nonce, account.balance, storage_root, account.code.hash()))
    }))
}

/// Keccak-256 of the RLP list of `logs`, each a list of address, topics and data: what official state tests call `logs`.
pub fn logs_hash(logs: &[Log]) -> B256 {
    let mut encoded = Vec::new();
    alloy_rlp::encode_list::<_, EncodedLog<'_>>(
        &logs.iter().map(EncodedLog).collect::<Vec<_>>(),
        &mut encoded,
    );
    keccak256(encoded)
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
