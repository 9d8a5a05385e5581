//! The stack itself.

// PUSH, DUP and SWAP have one caller each. In its line, what they save and need on the machine's stack would be saved for every opcode.

use parallax_primitives::{Halt, STACK_LIMIT, U256};

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

/// DUPN (EIP-8024): a copy of the `n`th item from the top.
#[inline(never)]
pub(crate) fn dupn(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    let n = decode_single(immediate(evm))?;
    let index = evm.stack.len().checked_sub(n).ok_or(Halt::StackUnderflow)?;
    if evm.stack.len() == STACK_LIMIT {
        return Err(Halt::StackOverflow.into());
    }
    evm.stack.push(evm.stack[index]);

    // Program counter
    evm.pc += 2;
    Ok(Step::Next)
}

/// SWAPN (EIP-8024): the top and the item `n` below it.
#[inline(never)]
pub(crate) fn swapn(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    let n = decode_single(immediate(evm))?;
    swap_below_top(evm, 0, n)?;

    // Program counter
    evm.pc += 2;
    Ok(Step::Next)
}

/// EXCHANGE (EIP-8024): the items `n` and `m` below the top.
#[inline(never)]
pub(crate) fn exchange(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Gas
    evm.charge(base)?;

    // Operation
    let (n, m) = decode_pair(immediate(evm))?;
    swap_below_top(evm, n, m)?;

    // Program counter
    evm.pc += 2;
    Ok(Step::Next)
}

/// The byte behind the opcode; zero where the code ends.
fn immediate(evm: &MiniStepState) -> usize {
    evm.code.bytes().get(evm.pc + 1).copied().map_or(0, usize::from)
}

/// The `n` of DUPN and SWAPN: 17 to 235.
fn decode_single(x: usize) -> Result<usize, Halt> {
    if 90 < x && x < 128 {
        return Err(Halt::InvalidImmediate);
    }
    Ok((x + 145) % 256)
}

/// The `n` and `m` of EXCHANGE, `n` being the lesser one.
fn decode_pair(x: usize) -> Result<(usize, usize), Halt> {
    if 81 < x && x < 128 {
        return Err(Halt::InvalidImmediate);
    }
    let k = x ^ 143;
    let (q, r) = (k / 16, k % 16);
    Ok(if q < r { (q + 1, r + 1) } else { (r + 1, 29 - q) })
}

/// The items `n` and `m` below the top, `m` being the deeper one.
fn swap_below_top(evm: &mut MiniStepState, n: usize, m: usize) -> Result<(), Halt> {
    let lower = evm.stack.len().checked_sub(1 + m).ok_or(Halt::StackUnderflow)?;
    evm.stack.swap(lower + m - n, lower);
    Ok(())
}
