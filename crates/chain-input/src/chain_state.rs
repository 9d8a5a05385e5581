//! What was asked of a node, kept: our own file.

use std::collections::{BTreeMap, BTreeSet};

use parallax_memory_database::Account;
use parallax_primitives::{Address, B256};
use parallax_state_tests::{FixtureError, Node, accounts_with_zeros};
use serde_json::{Map, Value, json};

use crate::{fields::address, hashes_of_blocks};

/// What is known of a chain at one block: enough to run a transaction of it again without a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChainState {
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// Host of the node that answered, without what may be a secret of its address.
    pub host: String,
    /// The block of the transaction as the node answered it, with its transactions.
    pub block: Value,
    /// Receipts by hash of their transaction, as the node answered them.
    pub receipts: BTreeMap<B256, Value>,
    /// The state behind the block before it, as far as it was asked for: `None` for accounts without anything. Slots that are zero
    /// were asked for, too.
    pub accounts: BTreeMap<Address, Option<Account>>,
    /// Hashes of blocks before it.
    pub block_hashes: BTreeMap<u64, B256>,
}

impl ChainState {
    /// The field that marks such a file: its value is the version.
    pub(crate) const MARK: &str = "parallaxChainState";
    const VERSION: u64 = 1;

    /// Reads one.
    ///
    /// # Errors
    ///
    /// The place that is not as it should be.
    pub fn of(node: &Node<'_>) -> Result<Self, FixtureError> {
        let version = node.get(Self::MARK);
        if version.u64()? != Self::VERSION {
            return Err(version.wrong("version 1"));
        }
        let known = accounts_with_zeros(&node.get("accounts"))?.accounts;
        let absent = node.get("absent").map(address)?;
        let mut receipts = BTreeMap::new();
        let listed = node.get("receipts");
        for (hash, receipt) in listed.object()? {
            let hash =
                hash.parse().map_err(|_| listed.unexpected("a hash as the key", format!("{hash:?}")))?;
            receipts.insert(hash, receipt.clone());
        }
        Ok(Self {
            chain_id: node.get("chainId").u64()?,
            host: node.get("host").text("the name of a host")?.to_owned(),
            block: node.get("block").value().clone(),
            receipts,
            accounts: known
                .into_iter()
                .map(|(address, account)| (address, Some(account)))
                .chain(absent.into_iter().map(|address| (address, None)))
                .collect(),
            block_hashes: hashes_of_blocks(&node.get("blockHashes"))?,
        })
    }

    /// It as JSON, which [`ChainState::of`] reads.
    pub fn json(&self) -> Value {
        let known = self.accounts.iter().filter_map(|(address, account)| Some((address, account.as_ref()?)));
        let accounts: Map<_, _> = known
            .map(|(address, Account { nonce, balance, code, storage })| {
                let storage: Map<_, _> = storage
                    .iter()
                    .map(|(key, value)| (format!("{key:#x}"), format!("{value:#x}").into()))
                    .collect();
                let account = json!({
                    "nonce": nonce,
                    "balance": format!("{balance:#x}"),
                    "code": code.bytes().to_string(),
                    "storage": storage,
                });
                (format!("{address:#x}"), account)
            })
            .collect();
        let absent: BTreeSet<_> = self
            .accounts
            .iter()
            .filter(|(_, account)| account.is_none())
            .map(|(address, _)| address)
            .collect();
        let hashes: Map<_, _> = self
            .block_hashes
            .iter()
            .map(|(number, hash)| (number.to_string(), hash.to_string().into()))
            .collect();
        let receipts: Map<_, _> =
            self.receipts.iter().map(|(hash, receipt)| (hash.to_string(), receipt.clone())).collect();
        json!({
            Self::MARK: Self::VERSION,
            "chainId": self.chain_id,
            "host": self.host,
            "block": self.block,
            "receipts": receipts,
            "accounts": accounts,
            "absent": absent.into_iter().map(|address| format!("{address:#x}")).collect::<Vec<_>>(),
            "blockHashes": hashes,
        })
    }
}
