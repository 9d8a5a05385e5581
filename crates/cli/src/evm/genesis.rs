//! A genesis file: the rules, the first block and its state.

use anyhow::{Context, Result};
use parallax_chain_input::PreState;
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{B256, BlockEnv, Eip, Fork, Rules};
use parallax_state_tests::{FixtureError, FixtureFile, Node};
use serde_json::Value;

use crate::prestate::contents;

/// The chain that is meant if none is said: that of a network of one's own.
const CHAIN: u64 = 1337;
/// The base fee of the first block that has one, in wei.
const BASE_FEE: u64 = 1_000_000_000;

/// Where a run takes place.
pub(super) struct Genesis {
    pub(super) rules: Rules,
    pub(super) chain_id: u64,
    pub(super) block: BlockEnv,
    pub(super) state: MemoryDatabase,
}

impl Genesis {
    /// That of a network of one's own, on which all is on.
    pub(super) fn development(gas: u64) -> Self {
        let rules = Rules::of(Fork::Osaka);
        let block =
            BlockEnv { gas_limit: gas, base_fee: BASE_FEE, blobs: rules.blobs(), ..BlockEnv::default() };
        Self { rules, chain_id: CHAIN, block, state: MemoryDatabase::default() }
    }

    pub(super) fn open(path: &str) -> Result<Self> {
        let text = contents(path)?;
        // The bounds of any file, and no field twice.
        for field in FixtureFile::parse(path, text.clone())?.tests() {
            field?;
        }
        let value: Value =
            serde_json::from_slice(&text).with_context(|| format!("{path}: expected a genesis file"))?;
        Ok(Self::read(&Node::test(&path.into(), "genesis", &value))?)
    }

    fn read(node: &Node<'_>) -> Result<Self, FixtureError> {
        let number = or_zero(node, "number")?;
        let timestamp = or_zero(node, "timestamp")?;
        let config = node.get("config");
        let fork = fork(&config, number, timestamp)?;
        let rules = Rules::of(fork);
        let is_fee = rules.has(Eip::DynamicFee1559);
        let fee = node.get("baseFeePerGas");
        let coinbase = node.get("coinbase");
        let block = BlockEnv {
            number,
            timestamp,
            gas_limit: node.get("gasLimit").u64()?,
            coinbase: if coinbase.is_null() { Default::default() } else { coinbase.address()? },
            difficulty: node.get("difficulty").u256()?,
            prevrandao: B256::ZERO,
            base_fee: match (is_fee, fee.is_null()) {
                (false, _) => 0,
                (true, true) => BASE_FEE,
                (true, false) => fee.u64()?,
            },
            excess_blob_gas: or_zero(node, "excessBlobGas")?,
            blobs: rules.blobs(),
            slot_number: or_zero(node, "slotNumber")?,
        };
        let chain = config.get("chainId");
        let chain_id = if config.is_null() || chain.is_null() { CHAIN } else { chain.u64()? };
        Ok(Self { rules, chain_id, block, state: PreState::of(&node.get("alloc"), None)?.into_state() })
    }
}

fn or_zero(node: &Node<'_>, key: &str) -> Result<u64, FixtureError> {
    let field = node.get(key);
    if field.is_null() { Ok(0) } else { field.u64() }
}

/// Forks by the number of their first block, as a `config` calls it.
const BY_NUMBER: [(&str, Fork); 9] = [
    ("homesteadBlock", Fork::Homestead),
    ("eip150Block", Fork::TangerineWhistle),
    ("eip158Block", Fork::SpuriousDragon),
    ("byzantiumBlock", Fork::Byzantium),
    ("constantinopleBlock", Fork::Constantinople),
    ("petersburgBlock", Fork::Petersburg),
    ("istanbulBlock", Fork::Istanbul),
    ("berlinBlock", Fork::Berlin),
    // A run has a random number, so what is behind London is behind the merge.
    ("londonBlock", Fork::Paris),
];

/// Forks by the time of their first block. They come behind the merge.
const BY_TIME: [(&str, Fork); 7] = [
    ("shanghaiTime", Fork::Shanghai),
    ("cancunTime", Fork::Cancun),
    ("pragueTime", Fork::Prague),
    ("osakaTime", Fork::Osaka),
    ("bpo1Time", Fork::Bpo1),
    ("bpo2Time", Fork::Bpo2),
    ("amsterdamTime", Fork::Amsterdam),
];

/// The fork of a block; all that is mined, and the merge, where there is no `config`.
fn fork(config: &Node<'_>, number: u64, timestamp: u64) -> Result<Fork, FixtureError> {
    if config.is_null() {
        return Ok(Fork::Paris);
    }
    let begins_by = |key, place| {
        let first = config.get(key);
        if first.is_null() { Ok(false) } else { Ok(first.u64()? <= place) }
    };
    let mut fork = Fork::Frontier;
    for (key, begun) in BY_NUMBER {
        if begins_by(key, number)? {
            fork = begun;
        }
    }
    // Petersburg is where Constantinople is, if it is not said.
    if fork == Fork::Constantinople && config.get("petersburgBlock").is_null() {
        fork = Fork::Petersburg;
    }
    if fork == Fork::Paris {
        for (key, begun) in BY_TIME {
            if begins_by(key, timestamp)? {
                fork = begun;
            }
        }
    }
    Ok(fork)
}
