//! What an execution comes to, in C's words, and what a message that it sent came to, in ours.

use std::{ptr, slice};

use parallax_evmc_abi::{EvmcAddress, EvmcResult, StatusCode};
use parallax_primitives::{Address, Bytes, FrameOutcome, FrameStatus, Halt};

/// That it failed, with nothing left.
pub(crate) fn failure(status_code: StatusCode) -> EvmcResult {
    EvmcResult {
        status_code,
        gas_left: 0,
        gas_refund: 0,
        output_data: ptr::null(),
        output_size: 0,
        release: None,
        create_address: EvmcAddress::default(),
        padding: [0; 4],
    }
}

/// What a frame came to; `refund` is what it and those below added.
pub(crate) fn result(outcome: &FrameOutcome, refund: i64) -> EvmcResult {
    let status_code = match outcome.status {
        FrameStatus::Success => StatusCode::SUCCESS,
        FrameStatus::Revert => StatusCode::REVERT,
        FrameStatus::Halt(halt) => return failure(status_code(halt)),
    };
    let Ok(gas_left) = i64::try_from(outcome.gas_left) else { return failure(StatusCode::INTERNAL_ERROR) };
    let gas_refund = if outcome.status.is_success() { refund } else { 0 };
    let mut result = EvmcResult { gas_left, gas_refund, ..failure(status_code) };
    if !outcome.output.is_empty() {
        let output: Box<[u8]> = outcome.output.as_ref().into();
        result.output_size = output.len();
        result.output_data = Box::into_raw(output).cast::<u8>();
        result.release = Some(release);
    }
    result
}

unsafe extern "C" fn release(result: *const EvmcResult) {
    // SAFETY: by the ABI it is a result that `result` made, with its output as it was, and is used no more.
    unsafe {
        let EvmcResult { output_data, output_size, .. } = *result;
        drop(Box::from_raw(ptr::slice_from_raw_parts_mut(output_data.cast_mut(), output_size)));
    }
}

fn status_code(halt: Halt) -> StatusCode {
    match halt {
        Halt::OutOfGas | Halt::DepositOutOfGas => StatusCode::OUT_OF_GAS,
        Halt::StackUnderflow => StatusCode::STACK_UNDERFLOW,
        Halt::StackOverflow => StatusCode::STACK_OVERFLOW,
        Halt::InvalidJump => StatusCode::BAD_JUMP_DESTINATION,
        Halt::InvalidOpcode => StatusCode::INVALID_INSTRUCTION,
        Halt::UndefinedOpcode | Halt::InvalidImmediate => StatusCode::UNDEFINED_INSTRUCTION,
        Halt::StaticViolation => StatusCode::STATIC_MODE_VIOLATION,
        Halt::ReturnDataOutOfBounds => StatusCode::INVALID_MEMORY_ACCESS,
        Halt::InitcodeTooLarge => StatusCode::ARGUMENT_OUT_OF_RANGE,
        Halt::CodeStartsWithEf => StatusCode::CONTRACT_VALIDATION_FAILURE,
        Halt::PrecompileFailure => StatusCode::PRECOMPILE_FAILURE,
        Halt::CallDepth => StatusCode::CALL_DEPTH_EXCEEDED,
        Halt::InsufficientBalance => StatusCode::INSUFFICIENT_BALANCE,
        Halt::CreateCollision | Halt::CodeTooLarge | Halt::NonceOverflow => StatusCode::FAILURE,
    }
}

/// What a message came to at the host, and what it added to the refund counter; `None` if the host failed, which no contract may see.
/// The result is released.
pub(crate) fn delivered(result: EvmcResult, sent_gas: u64, creates: bool) -> Option<(FrameOutcome, i64)> {
    let EvmcResult { status_code, gas_left, gas_refund, output_data, output_size, .. } = result;
    let mut output = Bytes::new();
    if !output_data.is_null() && output_size > 0 {
        // SAFETY: by the ABI there are so many bytes until it is released, and they are copied.
        output = Bytes::copy_from_slice(unsafe { slice::from_raw_parts(output_data, output_size) });
    }
    let created = Address::new(result.create_address.bytes);
    if let Some(release) = result.release {
        // SAFETY: by the ABI it is called once, and the result is used no more: all of it is copied.
        unsafe { release(&result) };
    }
    let gas_left = u64::try_from(gas_left).ok()?.min(sent_gas);
    let outcome = match status_code {
        StatusCode::SUCCESS => {
            let created = creates.then_some(created);
            FrameOutcome {
                status: FrameStatus::Success,
                gas_left,
                output,
                created,
                state_gas: Default::default(),
            }
        }
        StatusCode::REVERT => FrameOutcome {
            status: FrameStatus::Revert,
            gas_left,
            output,
            created: None,
            state_gas: Default::default(),
        },
        StatusCode(..0) => return None,
        // The sender cannot tell failures apart but by the gas that comes back.
        _ => FrameOutcome::halted(Halt::OutOfGas, gas_left),
    };
    Some((outcome, gas_refund))
}
