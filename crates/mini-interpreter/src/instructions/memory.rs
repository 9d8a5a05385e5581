//! Memory: bytes, grown in words of 32 with zeros, paid for as it grows.

use parallax_primitives::U256;

use crate::state::{MiniStepState, Outcome, Step, region, words};

const WORD: U256 = U256::from_limbs([32, 0, 0, 0]);

/// MSTORE.
pub(crate) fn mstore(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [offset, value] = evm.operands()?;

    // Gas
    let extension = evm.extension([(offset, WORD)]);
    evm.charge(base.saturating_add(extension.cost))?;

    // Operation
    evm.extend(&extension)?;
    evm.memory[region(offset, WORD)].copy_from_slice(&value.to_be_bytes::<32>());
    evm.take::<2>();

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// MSTORE8: the low byte.
pub(crate) fn mstore8(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [offset, value] = evm.operands()?;

    // Gas
    let extension = evm.extension([(offset, U256::ONE)]);
    evm.charge(base.saturating_add(extension.cost))?;

    // Operation
    evm.extend(&extension)?;
    evm.memory[region(offset, U256::ONE)].fill(value.byte(0));
    evm.take::<2>();

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// MLOAD.
pub(crate) fn mload(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [offset] = evm.operands()?;

    // Gas
    let extension = evm.extension([(offset, WORD)]);
    evm.charge(base.saturating_add(extension.cost))?;

    // Operation
    evm.extend(&extension)?;
    let value = U256::from_be_slice(&evm.memory[region(offset, WORD)]);
    evm.replace::<1>(value);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// MSIZE, in bytes.
pub(crate) fn msize(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<0>(U256::from(evm.memory.len()));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// MCOPY: the regions may overlap (EIP-5656).
pub(crate) fn mcopy(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [destination, source, size] = evm.operands()?;

    // Gas
    let copy_gas = evm.schedule.copy_word.saturating_mul(words(size));
    let extension = evm.extension([(source, size), (destination, size)]);
    evm.charge(base.saturating_add(copy_gas).saturating_add(extension.cost))?;

    // Operation
    evm.extend(&extension)?;
    evm.memory.copy_within(region(source, size), region(destination, size).start);
    evm.take::<3>();

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}
