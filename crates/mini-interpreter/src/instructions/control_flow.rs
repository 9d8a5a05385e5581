//! Where the program counter goes, and how much gas is left.

use parallax_primitives::U256;

use crate::state::{MiniStepState, Outcome, Step};

/// STOP, also the one behind the end of the code.
pub(crate) fn stop(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    Ok(Step::Return)
}

/// JUMP.
pub(crate) fn jump(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [destination] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    let target = evm.jump_target(destination)?;
    evm.take::<1>();

    // Program counter
    evm.pc = target;
    Ok(Step::Next)
}

/// JUMPI: the destination matters only if the condition is not zero.
pub(crate) fn jumpi(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [destination, condition] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    let target = if condition.is_zero() { evm.pc + 1 } else { evm.jump_target(destination)? };
    evm.take::<2>();

    // Program counter
    evm.pc = target;
    Ok(Step::Next)
}

/// PC: of this very opcode.
pub(crate) fn pc(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<0>(U256::from(evm.pc));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// GAS: what is left after this very opcode.
pub(crate) fn gas_left(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.replace::<0>(U256::from(evm.gas));

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// JUMPDEST.
pub(crate) fn jumpdest(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}
