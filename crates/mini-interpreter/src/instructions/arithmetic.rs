//! Arithmetic, modulo 2^256; signed where it says so, in two's complement.

use parallax_primitives::U256;

use crate::state::{MiniStepState, Outcome, Step};

/// ADD.
pub(crate) fn add(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [x, y] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<2>(x.wrapping_add(y));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// SUB.
pub(crate) fn sub(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [x, y] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<2>(x.wrapping_sub(y));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// MUL.
pub(crate) fn mul(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [x, y] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<2>(x.wrapping_mul(y));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// DIV: rounds towards zero; by zero it is zero.
pub(crate) fn div(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [dividend, divisor] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    let quotient = if divisor.is_zero() { U256::ZERO } else { dividend / divisor };
    evm.replace::<2>(quotient);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// SDIV: rounds towards zero. -2^255 by -1 is -2^255 again: its magnitude has no positive counterpart.
pub(crate) fn sdiv(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [dividend, divisor] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    let negative = is_negative(dividend) != is_negative(divisor);
    let quotient = if divisor.is_zero() {
        U256::ZERO
    } else {
        with_sign(magnitude(dividend) / magnitude(divisor), negative)
    };
    evm.replace::<2>(quotient);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// MOD; by zero it is zero.
pub(crate) fn modulo(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [x, y] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    let remainder = if y.is_zero() { U256::ZERO } else { x % y };
    evm.replace::<2>(remainder);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// SMOD: has the sign of the dividend.
pub(crate) fn smod(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [x, y] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    let remainder =
        if y.is_zero() { U256::ZERO } else { with_sign(magnitude(x) % magnitude(y), is_negative(x)) };
    evm.replace::<2>(remainder);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// ADDMOD: the sum is not cut off at 2^256; modulo zero it is zero.
pub(crate) fn addmod(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [x, y, z] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<3>(x.add_mod(y, z));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// MULMOD: the product is not cut off at 2^256; modulo zero it is zero.
pub(crate) fn mulmod(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [x, y, z] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<3>(x.mul_mod(y, z));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// EXP, charged by the size of the exponent (EIP-160).
pub(crate) fn exp(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [number, exponent] = evm.operands()?;

    // Gas
    let exponent_bytes = exponent.byte_len() as u64;
    evm.charge(base + evm.schedule.exp_byte * exponent_bytes)?;

    // Operation
    evm.replace::<2>(number.wrapping_pow(exponent));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// SIGNEXTEND: `value` is a signed number of `last_byte` + 1 bytes.
pub(crate) fn signextend(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [last_byte, value] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    let result = if last_byte >= U256::from(31) {
        value
    } else {
        let sign = last_byte.saturating_to::<usize>() * 8 + 7;
        let below_sign = (U256::ONE << sign) - U256::ONE;
        if value.bit(sign) { value | !below_sign } else { value & below_sign }
    };
    evm.replace::<2>(result);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

fn is_negative(x: U256) -> bool {
    x.bit(255)
}

fn magnitude(x: U256) -> U256 {
    if is_negative(x) { x.wrapping_neg() } else { x }
}

fn with_sign(magnitude: U256, negative: bool) -> U256 {
    if negative { magnitude.wrapping_neg() } else { magnitude }
}
