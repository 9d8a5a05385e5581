use alloy_primitives::U512;

use crate::{Address, B256, BlobSchedule, Fork, GasSchedule, Rules, U256};

/// The facts of the block that a transaction runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockEnv {
    /// NUMBER.
    pub number: u64,
    /// TIMESTAMP, in seconds.
    pub timestamp: u64,
    /// GASLIMIT.
    pub gas_limit: u64,
    /// COINBASE, the account that takes the fees.
    pub coinbase: Address,
    /// DIFFICULTY, before Paris.
    pub difficulty: U256,
    /// PREVRANDAO, from Paris on (EIP-4399).
    pub prevrandao: B256,
    /// BASEFEE in wei, from London on (EIP-1559).
    pub base_fee: u64,
    /// Excess blob gas of the block, from Cancun on (EIP-4844).
    pub excess_blob_gas: u64,
    /// The blob parameters in force, from Cancun on (EIP-7840).
    pub blobs: BlobSchedule,
    /// The slot of the beacon chain that the block is for (EIP-7843).
    pub slot_number: u64,
}

impl BlockEnv {
    /// Price of one unit of blob gas in wei (EIP-4844, `fake_exponential`). The specification's number has no bound; from
    /// 2^256 on it is `U256::MAX` here, and no transaction can offer that much.
    pub fn blob_base_fee(&self) -> U256 {
        fake_exponential(self.excess_blob_gas, self.blobs.update_fraction)
    }
}

impl Default for BlockEnv {
    fn default() -> Self {
        Self {
            number: 0,
            timestamp: 0,
            gas_limit: 30_000_000,
            coinbase: Address::ZERO,
            difficulty: U256::ZERO,
            prevrandao: B256::ZERO,
            base_fee: 0,
            excess_blob_gas: 0,
            blobs: Rules::of(Fork::LATEST).blobs(),
            slot_number: 0,
        }
    }
}

/// Approximates `MIN_BLOB_BASE_FEE * e ** (numerator / denominator)` (EIP-4844), `U256::MAX` at most. A sum of the series is
/// below 2^320 when the next term is worked out, and no term is above the sum: 512 bits hold all of it.
fn fake_exponential(numerator: u64, denominator: u64) -> U256 {
    let (numerator, denominator) = (U512::from(numerator), U512::from(denominator.max(1)));
    let most = U512::from(U256::MAX) * denominator;
    let mut output = U512::ZERO;
    let mut term = U512::from(GasSchedule::MIN_BLOB_BASE_FEE) * denominator;
    let mut i = 1u64;
    while !term.is_zero() {
        output += term;
        if output > most {
            return U256::MAX;
        }
        term = term * numerator / (denominator * U512::from(i));
        i += 1;
    }
    (output / denominator).saturating_to()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blob_base_fee_follows_the_eip() {
        // go-ethereum's vectors with a factor of 1 (consensus/misc/eip4844).
        for (numerator, denominator, expected) in [
            (0, 1, 1),
            (38, 1000, 1),
            (2, 1, 6),
            (4, 2, 6),
            (3, 1, 16),
            (8, 2, 50),
            (5, 1, 136),
            (50_000_000, 2_225_652, 5_709_098_764_u64),
        ] {
            let price = fake_exponential(numerator, denominator);
            assert_eq!(price, U256::from(expected), "e^({numerator}/{denominator})");
        }
        assert_eq!(fake_exponential(u64::MAX, 1), U256::MAX);
    }

    #[test]
    fn blob_base_fee_has_all_its_bits() {
        // By the executable specification's `calculate_blob_gas_price`, in the fork Cancun.
        for (excess_blob_gas, expected) in [
            (0, "0x1"),
            (296_199_157, "0xfffffc3c3275618d59e11339fc50bae5"),
            (296_199_158, "0x100000142caba9eb0bb6827e721254804"),
            (0x12c0_0000, "0xf5930db52b6358f8ef9c53a6f3452be41e"),
            (592_398_315, "0xfffffd7f37d871923e777c8e1698f4a355b593742cb7f676ce08cf31f51e8874"),
        ] {
            let blobs = Rules::of(Fork::Cancun).blobs();
            let block = BlockEnv { excess_blob_gas, blobs, ..BlockEnv::default() };
            assert_eq!(format!("{:#x}", block.blob_base_fee()), expected, "excess {excess_blob_gas}");
        }
    }
}
