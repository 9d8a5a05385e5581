//! Whether a header is valid behind the one before it.

use parallax_block_data::{BlockError, ChainPlace, Header, NO_OMMERS_HASH};
use parallax_primitives::{B256, BlockRules, Eip, U256};

use crate::expected;

/// What the header says from the fork block of the DAO on, ten times (EIP-779).
const DAO_EXTRA_DATA: &[u8] = b"dao-hard-fork";
const DAO_BLOCKS: u64 = 10;

/// Whether a header has what its fork has, and nothing else.
pub(crate) fn fields(rules: &BlockRules, header: &Header) -> Result<(), BlockError> {
    let has = |eip| rules.rules.has(eip);
    let fields = [
        ("baseFeePerGas", header.base_fee.is_some(), has(Eip::DynamicFee1559)),
        ("withdrawalsRoot", header.withdrawals_root.is_some(), rules.withdrawals),
        ("blobGasUsed", header.blob_gas_used.is_some(), has(Eip::Blobs4844)),
        ("excessBlobGas", header.excess_blob_gas.is_some(), has(Eip::Blobs4844)),
        ("parentBeaconBlockRoot", header.parent_beacon_root.is_some(), rules.beacon_roots),
        ("requestsHash", header.requests_hash.is_some(), rules.requests),
        ("blockAccessListHash", header.access_list_hash.is_some(), rules.access_list),
        ("slotNumber", header.slot_number.is_some(), has(Eip::SlotNumber7843)),
    ];
    match fields.into_iter().find(|(_, is_there, must)| is_there != must) {
        Some((name, is_there, _)) => Err(BlockError::Field { name, is_there }),
        None => Ok(()),
    }
}

/// Whether a header is valid behind the one of `parent_hash`, which is among the ancestors of the block.
pub(crate) fn behind(place: &ChainPlace<'_>, parent_hash: B256, header: &Header) -> Result<(), BlockError> {
    let found = place.ancestors.iter().find(|block| block.header.hash() == parent_hash);
    let parent = &found.ok_or(BlockError::UnknownParent(parent_hash))?.header;
    let rules = place.rules;
    fields(rules, header)?;
    if Some(header.number) != parent.number.checked_add(1) {
        let expected = parent.number.saturating_add(1);
        return Err(BlockError::Number { found: header.number, expected });
    }
    if header.timestamp <= parent.timestamp {
        return Err(BlockError::Timestamp { found: header.timestamp, parent: parent.timestamp });
    }
    if header.extra_data.len() > BlockRules::MAX_EXTRA_DATA {
        return Err(BlockError::ExtraData(header.extra_data.len()));
    }
    if let Some(fork) = place.dao_fork
        && (fork..fork.saturating_add(DAO_BLOCKS)).contains(&header.number)
        && header.extra_data.as_ref() != DAO_EXTRA_DATA
    {
        return Err(BlockError::DaoExtraData);
    }
    gas(rules, parent, header)?;
    blob_gas(rules, parent, header)?;
    let Some(work) = &rules.work else { return without_work(header) };
    let expected = expected::difficulty(work, parent, header.number, header.timestamp);
    if expected != Some(header.difficulty) {
        let expected = expected.unwrap_or(U256::MAX);
        return Err(BlockError::Difficulty { found: header.difficulty, expected });
    }
    Ok(())
}

/// Gas limit, gas used and base fee.
fn gas(rules: &BlockRules, parent: &Header, header: &Header) -> Result<(), BlockError> {
    let (used, limit) = (header.gas_used, header.gas_limit);
    if used > limit {
        return Err(BlockError::GasUsedAboveLimit { used, limit });
    }
    if i64::try_from(limit).is_err() {
        return Err(BlockError::GasLimitTooBig(limit));
    }
    let is_first_with_fee = header.base_fee.is_some() && parent.base_fee.is_none();
    let times = if is_first_with_fee { BlockRules::BASE_FEE_ELASTICITY } else { 1 };
    let from = parent.gas_limit.saturating_mul(times);
    let is_far = limit.abs_diff(from) >= from / BlockRules::GAS_LIMIT_DIVISOR;
    if is_far || limit < BlockRules::GAS_LIMIT_MINIMUM {
        return Err(BlockError::GasLimit { found: limit, parent: from });
    }
    if rules.rules.has(Eip::DynamicFee1559) {
        let (found, expected) = (header.base_fee.unwrap_or_default(), expected::base_fee(parent));
        if found != expected {
            return Err(BlockError::BaseFee { found, expected });
        }
    }
    Ok(())
}

fn blob_gas(rules: &BlockRules, parent: &Header, header: &Header) -> Result<(), BlockError> {
    if !rules.rules.has(Eip::Blobs4844) {
        return Ok(());
    }
    let (found, expected) =
        (header.excess_blob_gas.unwrap_or_default(), expected::excess_blob_gas(rules, parent));
    if found != expected {
        return Err(BlockError::ExcessBlobGas { found, expected });
    }
    Ok(())
}

/// What a header has no more from Paris on (EIP-3675).
fn without_work(header: &Header) -> Result<(), BlockError> {
    if !header.difficulty.is_zero() {
        return Err(BlockError::DifficultyNotZero(header.difficulty));
    }
    if header.nonce != [0; 8] {
        return Err(BlockError::NonceNotZero);
    }
    if header.ommers_hash != NO_OMMERS_HASH {
        return Err(BlockError::OmmersHash { found: header.ommers_hash, expected: NO_OMMERS_HASH });
    }
    Ok(())
}
