//! Bits and bytes. Byte 0 is the most significant one.

use parallax_primitives::U256;

use crate::state::{MiniStepState, Outcome, Step};

/// AND.
pub(crate) fn and(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [x, y] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<2>(x & y);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// OR.
pub(crate) fn or(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [x, y] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<2>(x | y);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// XOR.
pub(crate) fn xor(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [x, y] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<2>(x ^ y);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// NOT.
pub(crate) fn not(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [x] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<1>(!x);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// BYTE: zero behind byte 31.
pub(crate) fn byte(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [index, word] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    let byte = match usize::try_from(index) {
        Ok(index @ 0..=31) => U256::from(word.byte(31 - index)),
        _ => U256::ZERO,
    };
    evm.replace::<2>(byte);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// SHL (EIP-145).
pub(crate) fn shl(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [shift, value] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    let result = match usize::try_from(shift) {
        Ok(shift @ 0..=255) => value << shift,
        _ => U256::ZERO,
    };
    evm.replace::<2>(result);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// SHR (EIP-145).
pub(crate) fn shr(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [shift, value] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    let result = match usize::try_from(shift) {
        Ok(shift @ 0..=255) => value >> shift,
        _ => U256::ZERO,
    };
    evm.replace::<2>(result);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// SAR: copies of the sign move in (EIP-145).
pub(crate) fn sar(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [shift, value] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    // Shifting the complement right and complementing again moves ones in.
    let negative = value.bit(255);
    let magnitude = if negative { !value } else { value };
    let shifted = match usize::try_from(shift) {
        Ok(shift @ 0..=255) => magnitude >> shift,
        _ => U256::ZERO,
    };
    let result = if negative { !shifted } else { shifted };
    evm.replace::<2>(result);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// CLZ: 256 for zero (EIP-7939).
pub(crate) fn count_leading_zeros(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [x] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<1>(U256::from(x.leading_zeros()));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}
