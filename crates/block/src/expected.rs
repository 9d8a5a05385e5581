//! What a header must say by its parent's.

use parallax_block_data::{Header, NO_OMMERS_HASH};
use parallax_primitives::{BlockEnv, BlockRules, DifficultyRule, GasSchedule, U256, WorkRules};

/// The base fee behind `parent` in wei (EIP-1559): the first one where the parent has none.
pub fn base_fee(parent: &Header) -> u64 {
    let Some(fee) = parent.base_fee else { return BlockRules::INITIAL_BASE_FEE };
    let target = parent.gas_limit / BlockRules::BASE_FEE_ELASTICITY;
    let change = |gas: u64| {
        let of_target = u128::from(fee) * u128::from(gas) / u128::from(target.max(1));
        of_target / u128::from(BlockRules::BASE_FEE_CHANGE_DENOMINATOR)
    };
    let next = match parent.gas_used.checked_sub(target) {
        Some(0) => u128::from(fee),
        Some(above) => u128::from(fee) + change(above).max(1),
        None => u128::from(fee).saturating_sub(change(target - parent.gas_used)),
    };
    u64::try_from(next).unwrap_or(u64::MAX)
}

/// The excess blob gas behind `parent` (EIP-4844), by the parameters of the block itself; where the price follows the base fee, by
/// EIP-7918.
pub fn excess_blob_gas(rules: &BlockRules, parent: &Header) -> u64 {
    let blobs = rules.blobs;
    let gas = |blobs: u64| u128::from(blobs) * u128::from(GasSchedule::GAS_PER_BLOB);
    let (excess, used) =
        (parent.excess_blob_gas.unwrap_or_default(), parent.blob_gas_used.unwrap_or_default());
    let sum = u128::from(excess) + u128::from(used);
    let Some(beyond) = sum.checked_sub(gas(blobs.target)) else { return 0 };
    let next = if rules.blob_reserve_price && is_below_reserve(rules, parent, excess) {
        let share = blobs.max.saturating_sub(blobs.target);
        u128::from(excess) + u128::from(used) * u128::from(share) / u128::from(blobs.max.max(1))
    } else {
        beyond
    };
    u64::try_from(next).unwrap_or(u64::MAX)
}

/// Whether a blob costs less than execution gas of [`BlockRules::BLOB_BASE_COST`] (EIP-7918).
fn is_below_reserve(rules: &BlockRules, parent: &Header, excess: u64) -> bool {
    let price =
        BlockEnv { excess_blob_gas: excess, blobs: rules.blobs, ..BlockEnv::default() }.blob_base_fee();
    let reserve = U256::from(BlockRules::BLOB_BASE_COST) * U256::from(parent.base_fee.unwrap_or_default());
    reserve > price.saturating_mul(U256::from(GasSchedule::GAS_PER_BLOB))
}

/// The difficulty of the block `number` at `timestamp` behind `parent` (Yellow Paper, section 4.3.4; EIP-2, EIP-100); `None` if it
/// is beyond 256 bits.
pub fn difficulty(work: &WorkRules, parent: &Header, number: u64, timestamp: u64) -> Option<U256> {
    let seconds = timestamp.saturating_sub(parent.timestamp);
    let step = parent.difficulty / U256::from(BlockRules::DIFFICULTY_DIVISOR);
    let follow = |most: u64, period: u64| {
        let late = seconds / period;
        match most.checked_sub(late) {
            Some(up) => parent.difficulty.checked_add(step * U256::from(up)),
            None => Some(parent.difficulty.saturating_sub(step * U256::from((late - most).min(99)))),
        }
    };
    let plain = match work.difficulty {
        DifficultyRule::Frontier if seconds < 13 => parent.difficulty.checked_add(step),
        DifficultyRule::Frontier => Some(parent.difficulty.saturating_sub(step)),
        DifficultyRule::Homestead => follow(1, 10),
        DifficultyRule::Byzantium => follow(if parent.ommers_hash == NO_OMMERS_HASH { 1 } else { 2 }, 9),
    }?;
    let bomb = match (number.saturating_sub(work.bomb_delay) / BlockRules::BOMB_PERIOD).checked_sub(2) {
        None => U256::ZERO,
        Some(exponent) => U256::ONE.checked_shl(usize::try_from(exponent).ok()?)?,
    };
    Some(plain.checked_add(bomb)?.max(U256::from(BlockRules::DIFFICULTY_MINIMUM)))
}
