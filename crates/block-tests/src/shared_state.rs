//! A state before tests that many of them share: it stands in a file of its own, and a test names it by its `preHash`.

use std::sync::Arc;

use parallax_block_data::{Block, BlockAccessList, Header, NO_OMMERS_HASH, receipts_root, requests_hash};
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{B256, Bytes, Eip, U256};
use parallax_state_tests::{FixtureError, Node, Problem, accounts};
use serde_json::Value;

use crate::Network;

/// A state, and what the first block of each of its tests is made of.
#[derive(Clone, Debug)]
pub struct SharedState {
    file: Arc<str>,
    /// Facts of the first block.
    environment: Value,
    pre: Arc<MemoryDatabase>,
    root: B256,
}

impl SharedState {
    /// Reads the text of a file; `file` is what errors call it.
    ///
    /// # Errors
    ///
    /// The place in the file that is not as it should be.
    pub fn read(file: &Arc<str>, json: &str) -> Result<Self, FixtureError> {
        let mut value: Value = serde_json::from_str(json).map_err(|error| {
            let problem =
                Problem::Syntax { expected: "a state that tests share", message: error.to_string() };
            FixtureError::of_file(file, problem)
        })?;
        let root = Node::test(file, "", &value);
        root.get("environment").object()?;
        let mut pre = accounts(&root.get("pre"))?;
        pre.accounts.share();
        Ok(Self {
            file: file.clone(),
            root: pre.state_root(),
            pre: Arc::new(pre),
            environment: value["environment"].take(),
        })
    }

    /// The first block of a test, and the state behind it.
    pub(crate) fn genesis(&self, network: &Network) -> Result<(Block, Arc<MemoryDatabase>), FixtureError> {
        let env = Node::test(&self.file, "environment", &self.environment);
        let (number, timestamp) = (env.get("currentNumber").u64()?, env.get("currentTimestamp").u64()?);
        let rules = network.rules(number, timestamp, U256::ZERO);
        let has = |eip| rules.rules.has(eip);
        let none = receipts_root(&[]);
        let if_there = |is_there: bool, key| if is_there { env.get(key).u64().map(Some) } else { Ok(None) };
        let header = Header {
            ommers_hash: NO_OMMERS_HASH,
            coinbase: env.get("currentCoinbase").address()?,
            state_root: self.root,
            transactions_root: none,
            receipts_root: none,
            difficulty: env.get("currentDifficulty").u256()?,
            number,
            gas_limit: env.get("currentGasLimit").u64()?,
            timestamp,
            // The specification's test framework gives every first block this byte.
            extra_data: Bytes::from_static(&[0]),
            prev_randao: B256::from(env.get("currentRandom").u256()?),
            base_fee: if_there(has(Eip::DynamicFee1559), "currentBaseFee")?,
            withdrawals_root: rules.withdrawals.then_some(none),
            blob_gas_used: if_there(has(Eip::Blobs4844), "currentBlobGasUsed")?,
            excess_blob_gas: if_there(has(Eip::Blobs4844), "currentExcessBlobGas")?,
            parent_beacon_root: match rules.beacon_roots {
                true => Some(env.get("parentBeaconBlockRoot").b256()?),
                false => None,
            },
            requests_hash: rules.requests.then(|| requests_hash(&[])),
            access_list_hash: rules.access_list.then(|| BlockAccessList::default().hash()),
            slot_number: if has(Eip::SlotNumber7843) {
                Some(env.get("slotNumber").u64().unwrap_or(0))
            } else {
                None
            },
            ..Header::default()
        };
        Ok((Block { header, ..Block::default() }, self.pre.clone()))
    }
}
