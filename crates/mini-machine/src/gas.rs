//! Prices that no opcode has, as EELS's `vm/gas.py` has them.

use parallax_primitives::{
    BlobSchedule, GasSchedule, Halt, StateGas, Transaction, TransactionType, U256, alloy_primitives::U512,
};

/// Gas of the init code of a creating transaction (EIP-3860); nothing before Shanghai, where a word costs nothing.
///
/// EELS: `vm/gas.py`, `init_code_cost`.
pub(crate) fn init_code_cost(gas: &GasSchedule, length: usize) -> u64 {
    gas.initcode_word * (length as u64).div_ceil(32)
}

/// Gas of both kinds that a message has left where no interpreter counts it.
///
/// EELS: `vm/gas.py`, `GasMeter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GasMeter {
    /// Execution gas.
    pub(crate) gas_left: u64,
    /// State gas (EIP-8037).
    pub(crate) state_gas: StateGas,
}

impl GasMeter {
    /// EELS: `vm/gas.py`, `charge_gas`.
    pub(crate) fn charge_gas(&mut self, amount: u64) -> Result<(), Halt> {
        self.gas_left = self.gas_left.checked_sub(amount).ok_or(Halt::OutOfGas)?;
        Ok(())
    }

    /// Charges state gas: what the reservoir lacks is taken from execution gas. Out of gas, nothing is charged.
    ///
    /// EELS: `vm/gas.py`, `charge_state_gas`.
    pub(crate) fn charge_state_gas(&mut self, amount: u64) -> Result<(), Halt> {
        let from_reservoir = amount.min(self.state_gas.reservoir);
        let from_gas_left = amount - from_reservoir;
        self.charge_gas(from_gas_left)?;
        self.state_gas.reservoir -= from_reservoir;
        self.state_gas.spilled += from_gas_left;
        Ok(())
    }

    /// Puts what was charged so far beyond what a failure gives back. Answers what of it was taken from execution gas.
    ///
    /// EELS: `vm/gas.py`, `commit_state_gas`.
    pub(crate) fn commit_state_gas(&mut self) -> u64 {
        let spilled = self.state_gas.spilled;
        self.state_gas = StateGas::of(self.state_gas.reservoir);
        spilled
    }

    /// Charges a creation for its code of `length` bytes.
    ///
    /// EELS: `vm/interpreter.py`, the end of `process_create_message`.
    pub(crate) fn charge_code_deposit(&mut self, gas: &GasSchedule, length: usize) -> Result<(), Halt> {
        let length = length as u64;
        let code_hash_gas = gas.code_deposit_word.saturating_mul(length.div_ceil(32));
        let contract_code_gas = gas.code_deposit_byte.saturating_mul(length);
        self.charge_gas(contract_code_gas.saturating_add(code_hash_gas))?;
        self.charge_state_gas(gas.state_code_byte.saturating_mul(length))
    }
}

/// Blob gas that the transaction buys (EIP-4844).
///
/// EELS: `vm/gas.py`, `calculate_total_blob_gas`.
pub(crate) fn calculate_total_blob_gas(transaction: &Transaction) -> u64 {
    if transaction.kind == TransactionType::Blob {
        GasSchedule::GAS_PER_BLOB * transaction.blob_hashes.len() as u64
    } else {
        0
    }
}

/// Price of one blob gas in wei (EIP-4844, EIP-7840). The specification's number has no bound; from 2^256 on it is 2^256 - 1
/// here, which no transaction is taken to pay.
///
/// EELS: `vm/gas.py`, `calculate_blob_gas_price`.
pub(crate) fn calculate_blob_gas_price(excess_blob_gas: u64, blobs: &BlobSchedule) -> U256 {
    taylor_exponential(GasSchedule::MIN_BLOB_BASE_FEE, excess_blob_gas, blobs.update_fraction)
}

/// What the transaction pays for its blobs, in wei; saturating, once it is checked that the sender has it.
///
/// EELS: `vm/gas.py`, `calculate_data_fee`.
pub(crate) fn calculate_data_fee(blob_gas_price: U256, transaction: &Transaction) -> U256 {
    U256::from(calculate_total_blob_gas(transaction)).saturating_mul(blob_gas_price)
}

/// `factor * e ** (numerator / denominator)` by its series, rounded as the specification rounds it; 2^256 - 1 where it is more.
///
/// No number in it is above 2^448: a sum that is above 2^256 times the denominator ends it, no term is above the sum, and a
/// term is multiplied by 64 bits before it is divided.
///
/// EELS: `utils/numeric.py`, `taylor_exponential`.
fn taylor_exponential(factor: u64, numerator: u64, denominator: u64) -> U256 {
    // A fraction of zero is no schedule of any fork.
    let (numerator, denominator) = (U512::from(numerator), U512::from(denominator.max(1)));
    let bound = U512::from(U256::MAX) * denominator;
    let mut i = U512::from(1);
    let mut output = U512::ZERO;
    let mut numerator_accumulated = U512::from(factor) * denominator;
    while !numerator_accumulated.is_zero() {
        output += numerator_accumulated;
        if output > bound {
            return U256::MAX;
        }
        numerator_accumulated = numerator_accumulated * numerator / (denominator * i);
        i += U512::from(1);
    }
    (output / denominator).saturating_to()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(excess: u64, update_fraction: u64, expected: &str) {
        let blobs = BlobSchedule { target: 3, max: 6, update_fraction };
        let price = calculate_blob_gas_price(excess, &blobs);
        assert_eq!(format!("{price:#x}"), expected, "excess {excess} over {update_fraction}");
    }

    #[test]
    fn the_price_of_blobs_has_all_its_bits() {
        // By EELS's `taylor_exponential`.
        check(0, 3_338_477, "0x1");
        check(2_314_057, 3_338_477, "0x1");
        check(2_314_058, 3_338_477, "0x2");
        check(10 << 20, 3_338_477, "0x17");
        check(296_199_157, 3_338_477, "0xfffffc3c3275618d59e11339fc50bae5");
        check(296_199_158, 3_338_477, "0x100000142caba9eb0bb6827e721254804");
        check(0x12c0_0000, 3_338_477, "0xf5930db52b6358f8ef9c53a6f3452be41e");
        check(0x12c0_0000, 5_007_716, "0x62d0d2e65fc3380130bcfb3");
        check(592_398_315, 3_338_477, "0xfffffd7f37d871923e777c8e1698f4a355b593742cb7f676ce08cf31f51e8874");
        // Above 2^256.
        let most = format!("{:#x}", U256::MAX);
        for (excess, update_fraction) in
            [(592_398_316, 3_338_477), (700_000_000, 3_338_477), (u64::MAX, 1), (u64::MAX, 0)]
        {
            check(excess, update_fraction, &most);
        }
        check(u64::MAX, u64::MAX, "0x2");
    }
}
