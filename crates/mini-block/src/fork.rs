//! What a block must be behind its ancestors, and what its header must say of it, as EELS's `fork.py` has it.

use parallax_block_data::{
    AccessDifference, AccessListError, Block, BlockAccessList, BlockError, BodyResult, ChainPlace, Header,
    NO_OMMERS_HASH, OmmerError, RootName, receipts_root,
};
use parallax_primitives::{B256, BlockRules, DifficultyRule, Eip, GasSchedule, U256, WorkRules};

use crate::{gas::calculate_excess_blob_gas, requests::compute_requests_hash};

/// The extra data of the blocks with which the DAO fork began (EIP-779), and how many they are.
const DAO_EXTRA_DATA: (&[u8], u64) = (b"dao-hard-fork", 10);

/// The largest gas limit.
const GAS_LIMIT_MAXIMUM: u64 = i64::MAX as u64;

/// All that can be said of a block before anything in it is executed.
///
/// EELS: `fork.py`, `state_transition`, up to its body.
pub(crate) fn validate(place: &ChainPlace<'_>, block: &Block) -> Result<(), BlockError> {
    let rules = place.rules;
    // In the specification bytes with other fields are of no block at all: that comes first.
    check_fields(rules, &block.header, has_base_fee(rules))?;
    check_field("withdrawals", block.withdrawals.is_some(), rules.withdrawals)?;

    let (size, limit) = (block.size, rules.max_size.unwrap_or(usize::MAX));
    if size > limit {
        // EIP-7934
        return Err(BlockError::SizeAboveLimit { size, limit });
    }
    let Some(parent) = place.ancestors.first() else {
        return Err(BlockError::UnknownParent(block.header.parent_hash));
    };
    let valid = validate_header(place, &parent.header, &block.header, has_base_fee(rules));
    if rules.work.is_some() {
        valid?;
        return validate_ommers(place, block);
    }
    match valid {
        // Where there are ommers it is they that are wrong, and not their hash.
        Ok(()) | Err(BlockError::OmmersHash { .. }) if !block.ommers.is_empty() => {
            Err(BlockError::OmmersAfterParis)
        }
        valid => valid,
    }
}

/// Whether the header says what the block came to.
///
/// EELS: `fork.py`, `state_transition`, behind its body.
pub(crate) fn check(rules: &BlockRules, block: &Block, result: &BodyResult) -> Result<(), BlockError> {
    let header = &block.header;
    let root = |name, found: B256, expected: B256| {
        if found == expected { Ok(()) } else { Err(BlockError::Root { name, found, expected }) }
    };
    if result.gas_used != header.gas_used {
        return Err(BlockError::GasUsed { found: header.gas_used, expected: result.gas_used });
    }
    root(RootName::Transactions, header.transactions_root, block.transactions_root())?;
    root(RootName::State, header.state_root, result.state.state_root())?;
    root(RootName::Receipts, header.receipts_root, receipts_root(&result.receipts))?;
    if result.logs_bloom != header.logs_bloom {
        return Err(BlockError::LogsBloom);
    }
    if rules.withdrawals {
        let withdrawals_root = header.withdrawals_root.unwrap_or_default();
        root(RootName::Withdrawals, withdrawals_root, block.withdrawals_root())?;
    }
    if has_blobs(rules) {
        let (found, expected) = (header.blob_gas_used.unwrap_or_default(), result.blob_gas_used);
        // What transactions have was held against the limit as they came, so more than that is another number than theirs.
        let limit = rules.blobs.max.saturating_mul(GasSchedule::GAS_PER_BLOB);
        if found != expected {
            return Err(if found > limit {
                BlockError::BlobGasAboveLimit { used: found, limit }
            } else {
                BlockError::BlobGasUsed { found, expected }
            });
        }
    }
    if rules.requests {
        let requests_hash = header.requests_hash.unwrap_or_default();
        root(RootName::Requests, requests_hash, compute_requests_hash(&result.requests))?;
    }
    if let Some(computed) = &result.access_list {
        check_given_access_list(block, computed)?;
        let block_access_list_hash = header.access_list_hash.unwrap_or_default();
        root(RootName::AccessList, block_access_list_hash, computed.hash())?;
    }
    Ok(())
}

/// The specification compares hashes; a list that came with the block shows more.
fn check_given_access_list(block: &Block, computed: &BlockAccessList) -> Result<(), BlockError> {
    let Some(given) = &block.access_list else { return Ok(()) };
    let given = BlockAccessList::decode(given).map_err(AccessListError::from)?;
    given.validate(block.transactions.len())?;
    match AccessDifference::between(&given, computed) {
        Some(difference) => Err(BlockError::AccessList(Box::new(difference))),
        None => Ok(()),
    }
}

/// The base fee that follows from the parent, in wei (EIP-1559); 2^64 - 1 where it is more.
///
/// EELS: `fork.py`, `calculate_base_fee_per_gas`.
///
/// # Errors
///
/// The gas limit is too far from the parent's ([`BlockError::GasLimit`]).
pub fn calculate_base_fee_per_gas(
    block_gas_limit: u64,
    parent_gas_limit: u64,
    parent_gas_used: u64,
    parent_base_fee_per_gas: u64,
) -> Result<u64, BlockError> {
    validate_gas_limit(block_gas_limit, parent_gas_limit)?;
    let parent_gas_target = parent_gas_limit / BlockRules::BASE_FEE_ELASTICITY;

    // Parts of the base fee, by which it may move. A gas limit that was let through has a target that is not zero.
    let base_fee_per_gas_delta = |gas_used_delta: u64| {
        let parent_fee_gas_delta = u128::from(parent_base_fee_per_gas) * u128::from(gas_used_delta);
        let target_fee_gas_delta = parent_fee_gas_delta / u128::from(parent_gas_target.max(1));
        target_fee_gas_delta / u128::from(BlockRules::BASE_FEE_CHANGE_DENOMINATOR)
    };
    let expected_base_fee_per_gas = if parent_gas_used == parent_gas_target {
        u128::from(parent_base_fee_per_gas)
    } else if parent_gas_used > parent_gas_target {
        let delta = base_fee_per_gas_delta(parent_gas_used - parent_gas_target).max(1);
        u128::from(parent_base_fee_per_gas) + delta
    } else {
        let delta = base_fee_per_gas_delta(parent_gas_target - parent_gas_used);
        u128::from(parent_base_fee_per_gas) - delta
    };
    Ok(u64::try_from(expected_base_fee_per_gas).unwrap_or(u64::MAX))
}

/// Whether a header is valid behind its parent's. Whether it has a base fee is told, as an ommer may be from before the fork that brought
/// it.
///
/// EELS: `fork.py`, `validate_header`. The proof of work is not looked at.
fn validate_header(
    place: &ChainPlace<'_>,
    parent_header: &Header,
    header: &Header,
    has_base_fee: bool,
) -> Result<(), BlockError> {
    let rules = place.rules;
    // Until Paris the parent is found by its number there, so that this is the first thing that is seen; none has the number 0.
    if header.number < 1 || rules.work.is_some() {
        validate_number(parent_header, header)?;
    }
    if has_blobs(rules) {
        let expected = calculate_excess_blob_gas(rules, parent_header);
        let found = header.excess_blob_gas.unwrap_or_default();
        if found != expected {
            return Err(BlockError::ExcessBlobGas { found, expected });
        }
    }
    if header.gas_used > header.gas_limit {
        return Err(BlockError::GasUsedAboveLimit { used: header.gas_used, limit: header.gas_limit });
    }
    if has_base_fee {
        validate_base_fee(parent_header, header)?;
    }
    if header.timestamp <= parent_header.timestamp {
        return Err(BlockError::Timestamp { found: header.timestamp, parent: parent_header.timestamp });
    }
    validate_number(parent_header, header)?;
    if !has_base_fee {
        validate_gas_limit(header.gas_limit, parent_header.gas_limit)?;
    }
    if header.extra_data.len() > BlockRules::MAX_EXTRA_DATA {
        return Err(BlockError::ExtraData(header.extra_data.len()));
    }
    match &rules.work {
        Some(work) => {
            let expected = calculate_block_difficulty(
                work,
                header.number,
                header.timestamp,
                parent_header.timestamp,
                parent_header.difficulty,
                parent_header.ommers_hash != NO_OMMERS_HASH,
            );
            if header.difficulty != expected {
                return Err(BlockError::Difficulty { found: header.difficulty, expected });
            }
        }
        None => validate_no_work(header)?,
    }
    if header.parent_hash != parent_header.hash() {
        return Err(BlockError::UnknownParent(header.parent_hash));
    }
    validate_dao_extra_data(place, header)
}

fn validate_number(parent_header: &Header, header: &Header) -> Result<(), BlockError> {
    let expected = parent_header.number.saturating_add(1);
    if header.number == expected {
        Ok(())
    } else {
        Err(BlockError::Number { found: header.number, expected })
    }
}

/// EIP-1559. The first block that has a base fee is one whose parent has none.
fn validate_base_fee(parent_header: &Header, header: &Header) -> Result<(), BlockError> {
    let found = header.base_fee.unwrap_or_default();
    let expected = match parent_header.base_fee {
        None => {
            // The specification looks at no gas limit here, and the EIP does.
            let parent_gas_limit = parent_header.gas_limit.saturating_mul(BlockRules::BASE_FEE_ELASTICITY);
            validate_gas_limit(header.gas_limit, parent_gas_limit)?;
            BlockRules::INITIAL_BASE_FEE
        }
        Some(parent_base_fee_per_gas) => calculate_base_fee_per_gas(
            header.gas_limit,
            parent_header.gas_limit,
            parent_header.gas_used,
            parent_base_fee_per_gas,
        )?,
    };
    if found == expected { Ok(()) } else { Err(BlockError::BaseFee { found, expected }) }
}

fn validate_gas_limit(gas_limit: u64, parent_gas_limit: u64) -> Result<(), BlockError> {
    if gas_limit > GAS_LIMIT_MAXIMUM {
        // The specification's numbers have no end. Clients' do.
        return Err(BlockError::GasLimitTooBig(gas_limit));
    }
    if !check_gas_limit(gas_limit, parent_gas_limit) {
        return Err(BlockError::GasLimit { found: gas_limit, parent: parent_gas_limit });
    }
    Ok(())
}

/// EIP-3675.
fn validate_no_work(header: &Header) -> Result<(), BlockError> {
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

/// EIP-779.
fn validate_dao_extra_data(place: &ChainPlace<'_>, header: &Header) -> Result<(), BlockError> {
    let (extra_data, blocks) = DAO_EXTRA_DATA;
    let since_fork = place.dao_fork.and_then(|fork| header.number.checked_sub(fork));
    if since_fork.is_some_and(|since| since < blocks) && *header.extra_data != *extra_data {
        return Err(BlockError::DaoExtraData);
    }
    Ok(())
}

/// Whether the ommers may be in the block (Yellow Paper, section 11.1).
///
/// EELS: `fork.py`, `validate_ommers`.
fn validate_ommers(place: &ChainPlace<'_>, block: &Block) -> Result<(), BlockError> {
    let (ommers, block_header) = (&block.ommers, &block.header);
    let expected = block.ommers_hash();
    if block_header.ommers_hash != expected {
        return Err(BlockError::OmmersHash { found: block_header.ommers_hash, expected });
    }
    let recent_canonical_block_hashes: Vec<B256> =
        recent_canonical_blocks(place, block_header).map(|block| block.header.hash()).collect();
    for (index, ommer) in ommers.iter().enumerate() {
        // Looked at last in the specification, where the first block of all is no valid header either: it has no parent.
        if recent_canonical_block_hashes.contains(&ommer.hash()) {
            return Err(BlockError::Ommer(index, OmmerError::IsAncestor));
        }
        validate_ommer_header(place, block_header, ommer)
            .map_err(|reason| BlockError::Ommer(index, reason))?;
    }
    if ommers.len() > BlockRules::MAX_OMMERS {
        return Err(BlockError::TooManyOmmers(ommers.len()));
    }

    let ommers_hashes: Vec<B256> = ommers.iter().map(Header::hash).collect();
    for (index, hash) in ommers_hashes.iter().enumerate() {
        if ommers_hashes[..index].contains(hash) {
            return Err(BlockError::Ommer(index, OmmerError::Known));
        }
    }
    let recent_ommers_hashes: Vec<B256> = recent_canonical_blocks(place, block_header)
        .flat_map(|block| &block.ommers)
        .map(Header::hash)
        .collect();
    for (index, hash) in ommers_hashes.iter().enumerate() {
        if recent_ommers_hashes.contains(hash) {
            return Err(BlockError::Ommer(index, OmmerError::Known));
        }
    }
    Ok(())
}

/// The blocks that an ommer's parent may be one of.
fn recent_canonical_blocks<'a>(
    place: &ChainPlace<'a>,
    block_header: &Header,
) -> impl Iterator<Item = &'a Block> {
    let oldest = block_header.number.saturating_sub(BlockRules::MAX_OMMER_DEPTH + 1);
    place.ancestors.iter().copied().filter(move |block| block.header.number >= oldest)
}

/// Whether an ommer is a valid header behind a block of the chain, which is old enough and not too old.
///
/// The specification looks for that block by the ommer's number and holds its hash against the ommer's last, and its age apart. By its
/// hash it is the same one, and what is wrong with the number is told from what is wrong with the parent.
///
/// EELS: `fork.py`, `validate_ommers` and `validate_header`.
fn validate_ommer_header(
    place: &ChainPlace<'_>,
    block_header: &Header,
    ommer: &Header,
) -> Result<(), OmmerError> {
    if ommer.parent_hash == block_header.parent_hash {
        return Err(OmmerError::IsBrother);
    }
    let recent_headers = || recent_canonical_blocks(place, block_header).map(|block| &block.header);
    let Some(parent_header) = recent_headers().find(|header| header.hash() == ommer.parent_hash) else {
        return Err(OmmerError::UnknownParent);
    };
    // An ommer from before London has no base fee, as the block in its place has none.
    let beside = recent_headers().find(|header| header.number == ommer.number);
    let has_base_fee = has_base_fee(place.rules) && beside.is_none_or(|header| header.base_fee.is_some());
    check_fields(place.rules, ommer, has_base_fee)
        .and_then(|()| validate_header(place, parent_header, ommer, has_base_fee))
        .map_err(|error| OmmerError::Header(Box::new(error)))
}

/// Whether a gas limit may stand behind the parent's.
///
/// EELS: `fork.py`, `check_gas_limit`.
pub fn check_gas_limit(gas_limit: u64, parent_gas_limit: u64) -> bool {
    let max_adjustment_delta = parent_gas_limit / BlockRules::GAS_LIMIT_DIVISOR;
    if u128::from(gas_limit) >= u128::from(parent_gas_limit) + u128::from(max_adjustment_delta) {
        return false;
    }
    if gas_limit <= parent_gas_limit - max_adjustment_delta {
        return false;
    }
    gas_limit >= BlockRules::GAS_LIMIT_MINIMUM
}

/// The difficulty of a block that is mined; 2^256 - 1 where it is more.
///
/// EELS: `fork.py`, `calculate_block_difficulty`.
pub fn calculate_block_difficulty(
    work: &WorkRules,
    block_number: u64,
    block_timestamp: u64,
    parent_timestamp: u64,
    parent_difficulty: U256,
    parent_has_ommers: bool,
) -> U256 {
    let max_adjustment_delta = parent_difficulty / U256::from(BlockRules::DIFFICULTY_DIVISOR);
    let seconds = block_timestamp.saturating_sub(parent_timestamp);
    // How many of those parts it goes up, and down. It cannot go down below zero: 99 is the most, of 2,048.
    let (up, down) = match work.difficulty {
        DifficultyRule::Frontier => (u64::from(seconds < 13), u64::from(seconds >= 13)),
        DifficultyRule::Homestead => (1, seconds / 10),
        DifficultyRule::Byzantium => (if parent_has_ommers { 2 } else { 1 }, seconds / 9),
    };
    let mut difficulty = if up >= down {
        parent_difficulty.saturating_add(max_adjustment_delta * U256::from(up - down))
    } else {
        parent_difficulty - max_adjustment_delta * U256::from((down - up).min(99))
    };
    let num_bomb_periods = block_number
        .checked_sub(work.bomb_delay)
        .and_then(|number| (number / BlockRules::BOMB_PERIOD).checked_sub(2));
    if let Some(num_bomb_periods) = num_bomb_periods {
        let bomb = U256::from(2).checked_pow(U256::from(num_bomb_periods)).unwrap_or(U256::MAX);
        difficulty = difficulty.saturating_add(bomb);
    }
    // As the specification has it, the least is taken behind the bomb.
    difficulty.max(U256::from(BlockRules::DIFFICULTY_MINIMUM))
}

/// Whether blocks of these rules have a base fee: their transactions ask for it.
fn has_base_fee(rules: &BlockRules) -> bool {
    rules.rules.has(Eip::DynamicFee1559)
}

/// Whether blocks of these rules have blobs.
pub(crate) fn has_blobs(rules: &BlockRules) -> bool {
    rules.rules.has(Eip::Blobs4844)
}

/// Whether a header has the fields of its rules and no other ones.
///
/// EELS: `blocks.py`, `Header` of each fork.
fn check_fields(rules: &BlockRules, header: &Header, has_base_fee: bool) -> Result<(), BlockError> {
    let blobs = has_blobs(rules);
    check_field("baseFeePerGas", header.base_fee.is_some(), has_base_fee)?;
    check_field("withdrawalsRoot", header.withdrawals_root.is_some(), rules.withdrawals)?;
    check_field("blobGasUsed", header.blob_gas_used.is_some(), blobs)?;
    check_field("excessBlobGas", header.excess_blob_gas.is_some(), blobs)?;
    check_field("parentBeaconBlockRoot", header.parent_beacon_root.is_some(), rules.beacon_roots)?;
    check_field("requestsHash", header.requests_hash.is_some(), rules.requests)?;
    check_field("blockAccessListHash", header.access_list_hash.is_some(), rules.access_list)?;
    // It stands behind the one before it, so there is none without that.
    check_field("slotNumber", header.slot_number.is_some(), rules.rules.has(Eip::SlotNumber7843))
}

fn check_field(name: &'static str, is_there: bool, must_be: bool) -> Result<(), BlockError> {
    if is_there == must_be { Ok(()) } else { Err(BlockError::Field { name, is_there }) }
}
