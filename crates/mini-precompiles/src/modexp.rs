//! MODEXP: three rules for its price, [`modexp.py`] of Byzantium (EIP-198), of Berlin (EIP-2565) and of Osaka (EIP-7883, with
//! the limit of EIP-7823). The arithmetic is `num-bigint`'s, for prices as well: their factors have up to 512 bits.
//!
//! [`modexp.py`]: https://github.com/ethereum/execution-specs/blob/master/src/ethereum/forks/osaka/vm/precompiled_contracts/modexp.py

use num_bigint::BigUint;
use parallax_primitives::{Bytes, Eip, MEMORY_LIMIT, U256};

use crate::{
    evm::{Evm, buffer_read},
    outcome::PrecompileHalt,
};

/// The most bytes that a number may have (EIP-7823).
const MAX_LENGTH: U256 = U256::from_limbs([1024, 0, 0, 0]);

/// `base` to the power of `exponent` modulo `modulus`, in as many bytes as the modulus has; zeros if the modulus is zero.
///
/// Input: the three lengths, 32 bytes each, then the three numbers; what is missing is zero, what follows is ignored.
pub(crate) fn modexp(evm: &mut Evm<'_>) -> Result<Bytes, PrecompileHalt> {
    let length = |start| U256::from_be_bytes(buffer_read::<32>(evm.data, start));
    let (base_length, exponent_length, modulus_length) = (length(0), length(32), length(64));
    if evm.rules.has(Eip::ModexpLimit7823)
        && [base_length, exponent_length, modulus_length].iter().any(|length| *length > MAX_LENGTH)
    {
        return Err(PrecompileHalt::Refused("MODEXP: a number of more than 1,024 bytes"));
    }

    // A start that saturates is behind the end of any input, as the true one is.
    let exponent_start = U256::from(96).saturating_add(base_length);
    let modulus_start = exponent_start.saturating_add(exponent_length);
    let exponent_head = number(evm.data, exponent_start, exponent_length.min(U256::from(32)))?;

    let longest = integer(base_length.max(modulus_length));
    let exponent_length_exact = integer(exponent_length);
    let gas_cost = if evm.rules.has(Eip::ModexpPrice7883) {
        gas_cost_osaka(&longest, &exponent_length_exact, &exponent_head)
    } else if evm.rules.has(Eip::ModexpPrice2565) {
        gas_cost_berlin(&longest, &exponent_length_exact, &exponent_head)
    } else {
        gas_cost_byzantium(&longest, &exponent_length_exact, &exponent_head)
    };
    evm.charge_gas(u64::try_from(gas_cost).map_err(|_| PrecompileHalt::OutOfGas)?)?;

    if base_length.is_zero() && modulus_length.is_zero() {
        return Ok(Bytes::new());
    }
    let base = number(evm.data, U256::from(96), base_length)?;
    let exponent = number(evm.data, exponent_start, exponent_length)?;
    let modulus = number(evm.data, modulus_start, modulus_length)?;
    let power = if modulus == BigUint::ZERO { modulus } else { base.modpow(&exponent, &modulus) };

    let mut output = vec![0; held(modulus_length)?];
    let digits = power.to_bytes_be();
    // Zero has one digit, also where the modulus has no byte.
    if power != BigUint::ZERO {
        let start = output.len() - digits.len();
        output[start..].copy_from_slice(&digits);
    }
    Ok(output.into())
}

/// EIP-198.
fn gas_cost_byzantium(longest: &BigUint, exponent_length: &BigUint, head: &BigUint) -> BigUint {
    let square = longest * longest;
    let complexity = if *longest <= 64_u32.into() {
        square
    } else if *longest <= 1024_u32.into() {
        square / 4_u32 + 96_u32 * longest - 3072_u32
    } else {
        square / 16_u32 + 480_u32 * longest - 199_680_u32
    };
    complexity * iterations(8, exponent_length, head) / 20_u32
}

/// EIP-2565.
fn gas_cost_berlin(longest: &BigUint, exponent_length: &BigUint, head: &BigUint) -> BigUint {
    let words = (longest + 7_u32) / 8_u32;
    let cost = words.pow(2) * iterations(8, exponent_length, head) / 3_u32;
    cost.max(200_u32.into())
}

/// EIP-7883.
fn gas_cost_osaka(longest: &BigUint, exponent_length: &BigUint, head: &BigUint) -> BigUint {
    let words = (longest + 7_u32) / 8_u32;
    let complexity = if *longest > 32_u32.into() { 2_u32 * words.pow(2) } else { 16_u32.into() };
    let cost = complexity * iterations(16, exponent_length, head);
    cost.max(500_u32.into())
}

/// The position of the highest bit that is set in the exponent's first 32 bytes, and `per_byte` for each byte behind them;
/// at least 1. All three rules count so.
fn iterations(per_byte: u32, exponent_length: &BigUint, head: &BigUint) -> BigUint {
    let mut count = BigUint::from(head.bits().saturating_sub(1));
    if *exponent_length > 32_u32.into() {
        count += per_byte * (exponent_length - 32_u32);
    }
    count.max(1_u32.into())
}

fn integer(value: U256) -> BigUint {
    BigUint::from_bytes_be(&value.to_be_bytes::<32>())
}

/// The number in `length` bytes from `start` on, with zeros for those behind the end.
fn number(data: &[u8], start: U256, length: U256) -> Result<BigUint, PrecompileHalt> {
    let there = usize::try_from(start).ok().and_then(|start| data.get(start..)).unwrap_or_default();
    let there = &there[..usize::try_from(length).map_or(there.len(), |length| length.min(there.len()))];
    let digits = BigUint::from_bytes_be(there);
    if digits == BigUint::ZERO {
        return Ok(digits);
    }
    Ok(digits << (8 * (held(length)? - there.len())))
}

/// A length that can be held. Nobody has seen the gas that pays for more: it would be 2^30 at the least, and the machine's
/// memory has this limit as well.
fn held(length: U256) -> Result<usize, PrecompileHalt> {
    usize::try_from(length)
        .ok()
        .filter(|length| *length as u64 <= MEMORY_LIMIT)
        .ok_or(PrecompileHalt::Refused("MODEXP: a number longer than any memory"))
}
