//! EELS: `vm/gas.py`, what blocks need of it.

use parallax_block_data::Header;
use parallax_primitives::{BlobSchedule, BlockRules, GasSchedule, U256, alloy_primitives::U512};

/// How much more blob gas than aimed at was used until a block of these rules, by what its parent says (EIP-4844, EIP-7918); 2^64 - 1
/// where it is more.
///
/// EELS: `vm/gas.py`, `calculate_excess_blob_gas`.
pub fn calculate_excess_blob_gas(rules: &BlockRules, parent_header: &Header) -> u64 {
    let BlobSchedule { target, max, update_fraction } = rules.blobs;
    // A parent from before the fork has no blobs, and counts as one whose gas is free.
    let (excess_blob_gas, blob_gas_used, base_fee_per_gas) = match parent_header.excess_blob_gas {
        Some(excess) => {
            let used = parent_header.blob_gas_used.unwrap_or_default();
            (u128::from(excess), u128::from(used), parent_header.base_fee.unwrap_or_default())
        }
        None => (0, 0, 0),
    };

    let parent_blob_gas = excess_blob_gas + blob_gas_used;
    let target_blob_gas = u128::from(target) * u128::from(GasSchedule::GAS_PER_BLOB);
    if parent_blob_gas < target_blob_gas {
        return 0;
    }
    let mut excess = parent_blob_gas - target_blob_gas;
    if rules.blob_reserve_price {
        let blob_gas_price = taylor_exponential(
            GasSchedule::MIN_BLOB_BASE_FEE,
            parent_header.excess_blob_gas.unwrap_or_default(),
            update_fraction,
        );
        let target_blob_gas_price = U256::from(GasSchedule::GAS_PER_BLOB).saturating_mul(blob_gas_price);
        let base_blob_tx_price = U256::from(BlockRules::BLOB_BASE_COST) * U256::from(base_fee_per_gas);
        if base_blob_tx_price > target_blob_gas_price {
            let blob_schedule_delta = u128::from(max.saturating_sub(target));
            excess = excess_blob_gas + blob_gas_used * blob_schedule_delta / u128::from(max.max(1));
        }
    }
    u64::try_from(excess).unwrap_or(u64::MAX)
}

/// `factor * e ** (numerator / denominator)` by its series; 2^256 - 1 where it is more, which no fee of a block reaches.
///
/// A term is at most the sum, and the sum at most 2^256 times the denominator before the next term, so nothing is above 2^448.
///
/// EELS: `utils/numeric.py`, `taylor_exponential`.
fn taylor_exponential(factor: u64, numerator: u64, denominator: u64) -> U256 {
    // No schedule has a fraction of zero.
    let denominator = U512::from(denominator.max(1));
    let most = U512::from(U256::MAX) * denominator;
    let mut output = U512::ZERO;
    let mut numerator_accumulated = U512::from(factor) * denominator;
    let mut i = U512::ONE;
    while !numerator_accumulated.is_zero() {
        output += numerator_accumulated;
        if output > most {
            return U256::MAX;
        }
        numerator_accumulated = numerator_accumulated * U512::from(numerator) / (denominator * i);
        i += U512::ONE;
    }
    (output / denominator).saturating_to()
}

#[cfg(test)]
mod tests {
    use parallax_primitives::Fork;

    use super::*;

    #[test]
    fn the_price_of_blobs_is_that_of_the_specification() {
        // By EELS's `calculate_blob_gas_price` of Osaka.
        for (excess, expected) in [
            (0, "1"),
            (35_054_013, "1096"),
            (100_000_000, "470442149"),
            (296_199_158, "48740549402264802501820219"),
            (500_000_000, "23042581501677666384463971420303578732276622"),
        ] {
            assert_eq!(taylor_exponential(1, excess, 5_007_716).to_string(), expected, "{excess}");
        }
        assert_eq!(taylor_exponential(1, u64::MAX, 0), U256::MAX);
    }

    #[test]
    fn the_reserve_price_is_above_that_of_the_blobs() {
        // A blob of gas at 1 wei costs as much as 8,192 gas at 16.
        let rules = BlockRules::of(Fork::Osaka);
        for (base_fee, expected) in [(16, 0), (17, 2 * 131_072)] {
            let parent_header = Header {
                base_fee: Some(base_fee),
                blob_gas_used: Some(6 * 131_072),
                excess_blob_gas: Some(0),
                ..Header::default()
            };
            assert_eq!(calculate_excess_blob_gas(&rules, &parent_header), expected, "{base_fee}");
        }
    }

    #[test]
    fn a_parent_that_has_no_blobs_or_too_many_is_no_fault() {
        let rules = BlockRules::of(Fork::Osaka);
        let next = |excess, used| {
            let parent_header = Header {
                base_fee: Some(u64::MAX),
                blob_gas_used: used,
                excess_blob_gas: excess,
                ..Header::default()
            };
            calculate_excess_blob_gas(&rules, &parent_header)
        };
        assert_eq!(next(None, None), 0);
        // Above 2^64 - 1 by a third of what was used, where the price is above any base fee: by all but the target.
        assert_eq!(next(Some(u64::MAX), Some(u64::MAX)), u64::MAX);
        let target = 6 * 131_072;
        assert_eq!(next(Some(u64::MAX), Some(target)), u64::MAX);
        assert_eq!(next(Some(0), Some(target)), target / 3);
        assert_eq!(next(Some(0), Some(target - 1)), 0);
    }
}
