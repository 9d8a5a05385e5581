//! Comparisons: 1 if so, 0 if not.

use std::cmp::Ordering;

use parallax_primitives::U256;

use crate::state::{MiniStepState, Outcome, Step};

/// LT.
pub(crate) fn less_than(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [x, y] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<2>(U256::from(x < y));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// SLT.
pub(crate) fn signed_less_than(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [x, y] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<2>(U256::from(signed(x, y) == Ordering::Less));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// GT.
pub(crate) fn greater_than(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [x, y] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<2>(U256::from(x > y));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// SGT.
pub(crate) fn signed_greater_than(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [x, y] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<2>(U256::from(signed(x, y) == Ordering::Greater));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// EQ.
pub(crate) fn equal(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [x, y] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<2>(U256::from(x == y));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// ISZERO.
pub(crate) fn is_zero(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [x] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<1>(U256::from(x.is_zero()));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// Order in two's complement: a negative number is below any other; of two with the same sign the bits decide.
fn signed(x: U256, y: U256) -> Ordering {
    match (x.bit(255), y.bit(255)) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        _ => x.cmp(&y),
    }
}
