//! The stack itself.

// PUSH, DUP and SWAP have one caller each. In its line, what they save and need on the machine's stack would be saved for every opcode.

use parallax_primitives::{Halt, U256};

use crate::state::{MiniStepState, Outcome, Step};

/// POP.
pub(crate) fn pop(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.take::<1>();

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// PUSH0 (EIP-3855).
pub(crate) fn push0(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    evm.stack.push(U256::ZERO);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// PUSH1 to PUSH32: `size` bytes of code. What the end of the code cuts off is zero.
#[inline(never)]
pub(crate) fn push(evm: &mut MiniStepState, base: u64, size: usize) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    let behind = &evm.code.bytes()[evm.pc + 1..];
    let data = &behind[..size.min(behind.len())];
    let value = U256::from_be_slice(data);
    let missing_bytes = size - data.len();
    evm.stack.push(if missing_bytes == 0 { value } else { value.wrapping_shl(8 * missing_bytes) });

    // Program counter
    evm.pc += 1 + size;
    Ok(Step::Next)
}

/// DUP1 to DUP16: a copy of the item `depth` below the top.
#[inline(never)]
pub(crate) fn dup(evm: &mut MiniStepState, base: u64, depth: usize) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    let index = evm.stack.len().checked_sub(1 + depth).ok_or(Halt::StackUnderflow)?;
    evm.stack.push(evm.stack[index]);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// SWAP1 to SWAP16: the top and the item `depth` below it.
#[inline(never)]
pub(crate) fn swap(evm: &mut MiniStepState, base: u64, depth: usize) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    let top = evm.stack.len().checked_sub(1).ok_or(Halt::StackUnderflow)?;
    let other = top.checked_sub(depth).ok_or(Halt::StackUnderflow)?;
    evm.stack.swap(top, other);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}
