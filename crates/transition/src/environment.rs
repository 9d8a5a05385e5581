//! The facts of the block, of which some follow from its parent's.

use parallax_block::{base_fee, difficulty, excess_blob_gas};
use parallax_block_data::{Header, NO_OMMERS_HASH, Withdrawal};
use parallax_chain_input::hashes_of_blocks;
use parallax_memory_database::BlockHashes;
use parallax_primitives::{Address, B256, BlockEnv, BlockRules, Eip, U256};
use parallax_state_tests::{FixtureError, Node};

use crate::RequestError;

/// What an input says of a block.
#[derive(Clone, Debug)]
pub struct Environment {
    /// As its transactions see it.
    pub block: BlockEnv,
    /// What comes from the beacon chain (EIP-4895).
    pub withdrawals: Vec<Withdrawal>,
    /// Miners of its ommers, and how many blocks before it each would have been.
    pub ommers: Vec<(u64, Address)>,
    /// Root of the beacon chain's parent block (EIP-4788).
    pub parent_beacon_root: Option<B256>,
    /// Hashes of the blocks before it.
    pub block_hashes: BlockHashes,
    /// Hash of its parent; zero where it is not known.
    pub parent_hash: B256,
}

impl Environment {
    /// Reads `env`. What says `current...` outranks what follows from `parent...`.
    pub(crate) fn read(rules: &BlockRules, node: &Node<'_>) -> Result<Self, RequestError> {
        node.object()?;
        let has = |eip| rules.rules.has(eip);
        let number = node.get("currentNumber").u64()?;
        let timestamp = node.get("currentTimestamp").u64()?;
        let parent = parent(node)?;
        let is_mined = rules.work.is_some();
        let hashes = hashes_of_blocks(&node.get("blockHashes"))?;
        let parent_hash = number.checked_sub(1).and_then(|parent| hashes.get(&parent)).copied();
        let withdrawals = node.get("withdrawals");
        if rules.withdrawals && withdrawals.is_null() {
            return Err(RequestError::Missing("withdrawals"));
        }
        let beacon_root = or_none(node, "parentBeaconBlockRoot", hash)?;
        if rules.beacon_roots && beacon_root.is_none() {
            return Err(RequestError::Missing("parentBeaconBlockRoot"));
        }
        Ok(Self {
            block: BlockEnv {
                number,
                timestamp,
                gas_limit: node.get("currentGasLimit").u64()?,
                coinbase: node.get("currentCoinbase").address()?,
                difficulty: if is_mined {
                    mined(rules, node, &parent, (number, timestamp))?
                } else {
                    U256::ZERO
                },
                prevrandao: if is_mined { B256::ZERO } else { randomness(node)? },
                base_fee: if has(Eip::DynamicFee1559) { fee(node, &parent)? } else { 0 },
                excess_blob_gas: if has(Eip::Blobs4844) {
                    let given = or_none(node, "currentExcessBlobGas", integer)?;
                    given.unwrap_or_else(|| excess_blob_gas(rules, &parent))
                } else {
                    0
                },
                blobs: rules.blobs,
                slot_number: or_none(node, "slotNumber", integer)?.unwrap_or_default(),
            },
            withdrawals: if rules.withdrawals { withdrawals.map(withdrawal)? } else { Vec::new() },
            ommers: or_none(node, "ommers", |node| node.map(ommer))?.unwrap_or_default(),
            parent_beacon_root: beacon_root,
            block_hashes: BlockHashes::Known(hashes),
            parent_hash: parent_hash.unwrap_or_default(),
        })
    }
}

/// What is known of the block before it.
fn parent(node: &Node<'_>) -> Result<Header, FixtureError> {
    let number = |key| or_none(node, key, integer);
    Ok(Header {
        ommers_hash: or_none(node, "parentUncleHash", hash)?.unwrap_or(NO_OMMERS_HASH),
        difficulty: or_none(node, "parentDifficulty", word)?.unwrap_or_default(),
        timestamp: number("parentTimestamp")?.unwrap_or_default(),
        gas_limit: number("parentGasLimit")?.unwrap_or_default(),
        gas_used: number("parentGasUsed")?.unwrap_or_default(),
        base_fee: number("parentBaseFee")?,
        blob_gas_used: number("parentBlobGasUsed")?,
        excess_blob_gas: number("parentExcessBlobGas")?,
        ..Header::default()
    })
}

fn mined(
    rules: &BlockRules,
    node: &Node<'_>,
    parent: &Header,
    (number, timestamp): (u64, u64),
) -> Result<U256, RequestError> {
    if let Some(given) = or_none(node, "currentDifficulty", word)? {
        return Ok(given);
    }
    let (Some(work), false) = (&rules.work, node.get("parentDifficulty").is_null()) else {
        return Err(RequestError::Missing("currentDifficulty, or parentDifficulty and parentTimestamp"));
    };
    let worked_out = difficulty(work, parent, number, timestamp);
    worked_out
        .ok_or(RequestError::Missing("currentDifficulty: what follows from the parent is above 2^256 - 1"))
}

fn randomness(node: &Node<'_>) -> Result<B256, RequestError> {
    let random = or_none(node, "currentRandom", word)?;
    random.map(B256::from).ok_or(RequestError::Missing("currentRandom"))
}

fn fee(node: &Node<'_>, parent: &Header) -> Result<u64, RequestError> {
    if let Some(given) = or_none(node, "currentBaseFee", integer)? {
        return Ok(given);
    }
    if parent.base_fee.is_none() {
        return Err(RequestError::Missing(
            "currentBaseFee, or parentBaseFee, parentGasUsed and parentGasLimit",
        ));
    }
    Ok(base_fee(parent))
}

fn withdrawal(node: &Node<'_>) -> Result<Withdrawal, FixtureError> {
    Ok(Withdrawal {
        index: node.get("index").u64()?,
        validator_index: node.get("validatorIndex").u64()?,
        address: node.get("address").address()?,
        amount: node.get("amount").u64()?,
    })
}

fn ommer(node: &Node<'_>) -> Result<(u64, Address), FixtureError> {
    Ok((node.get("delta").u64()?, node.get("address").address()?))
}

fn or_none<T>(
    node: &Node<'_>,
    key: &str,
    read: impl FnOnce(&Node<'_>) -> Result<T, FixtureError>,
) -> Result<Option<T>, FixtureError> {
    let field = node.get(key);
    if field.is_null() { Ok(None) } else { read(&field).map(Some) }
}

fn integer(node: &Node<'_>) -> Result<u64, FixtureError> {
    node.u64()
}

fn word(node: &Node<'_>) -> Result<U256, FixtureError> {
    node.u256()
}

fn hash(node: &Node<'_>) -> Result<B256, FixtureError> {
    node.b256()
}
