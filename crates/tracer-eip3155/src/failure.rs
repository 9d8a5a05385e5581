//! What each client writes on the line of an opcode that fails: its name for the halt, and its idea of the gas cost.

use parallax_hooks::{StepEnd, StepView};
use parallax_primitives::{Fork, GasSchedule, Halt, Opcode, OpcodeTables, U256};

use crate::{Dialect, text};

/// The `gasCost` of a step, or `None` where the client leaves the field out.
pub(crate) fn gas_cost(dialect: Dialect, fork: Fork, step: &StepView<'_>, end: &StepEnd<'_>) -> Option<u64> {
    let Some(halt) = end.halt else {
        return Some(match dialect {
            Dialect::Evmone => static_gas(fork, step.opcode),
            // revm takes what a creation forwards before it looks.
            _ => end.gas_cost,
        });
    };
    match dialect {
        Dialect::Eip3155 => Some(end.gas_cost),
        Dialect::Evmone => Some(static_gas(fork, step.opcode)),
        Dialect::Eels => eels_gas_cost(fork, halt, step, end.gas_cost),
        Dialect::Geth => Some(match halt {
            Halt::InvalidOpcode | Halt::UndefinedOpcode => 0,
            Halt::StackUnderflow | Halt::StackOverflow => static_gas(fork, step.opcode),
            // The offset does not even fit: geth stops before it adds the dynamic cost.
            Halt::OutOfGas if offset_overflows(step) => static_gas(fork, step.opcode),
            _ => end.gas_cost,
        }),
        Dialect::Revm => Some(match halt {
            Halt::InvalidOpcode | Halt::UndefinedOpcode => 0,
            Halt::OutOfGas if offset_overflows(step) => static_gas(fork, step.opcode),
            Halt::OutOfGas if is_at_sentry(fork, step) => 0,
            Halt::OutOfGas => revm_cost_before_memory(fork, step).unwrap_or(step.gas),
            Halt::ReturnDataOutOfBounds
            | Halt::StackUnderflow
            | Halt::StackOverflow
            | Halt::StaticViolation => static_gas(fork, step.opcode),
            _ => end.gas_cost,
        }),
    }
}

/// The specification's tracer notes the first charge of an opcode. An opcode takes its items first, so one that lacks them
/// has charged nothing; DUP and SWAP charge before they look. A cost of more than 64 bits is left out.
fn eels_gas_cost(fork: Fork, halt: Halt, step: &StepView<'_>, gas_cost: u64) -> Option<u64> {
    let opcode = step.opcode;
    match halt {
        Halt::StaticViolation if is_at_sentry(fork, step) => Some(0),
        Halt::InvalidOpcode | Halt::UndefinedOpcode => Some(0),
        Halt::StackUnderflow if matches!(opcode.0, 0x80..=0x9f) => Some(static_gas(fork, opcode)),
        Halt::StackUnderflow => Some(0),
        Halt::StackOverflow => Some(static_gas(fork, opcode)),
        _ if gas_cost == u64::MAX => None,
        _ => Some(gas_cost),
    }
}

/// What the specification's tracer adds to the refund of an SSTORE that runs out of gas: it counts before it charges.
pub(crate) fn eels_refund_of_failure(fork: Fork, step: &StepView<'_>, end: &StepEnd<'_>) -> i64 {
    let [.., new, key] = step.stack else { return 0 };
    let refused = matches!(end.halt, Some(Halt::OutOfGas | Halt::StaticViolation));
    if step.opcode != Opcode::SSTORE || !refused || is_at_sentry(fork, step) {
        return 0;
    }
    let address = step.message.address;
    let (journal, schedule) = (step.journal, GasSchedule::of(fork));
    let (Some(current), Some(original)) =
        (journal.storage(address, *key), journal.original_storage(address, *key))
    else {
        return 0;
    };
    let cleared =
        |from: U256| if !from.is_zero() && new.is_zero() { schedule.sstore_clear_refund } else { 0 };
    if fork != Fork::Constantinople && !fork.has(Fork::Istanbul) {
        return cleared(current);
    }
    if current == *new {
        return 0;
    }
    let mut refund = if original.is_zero() { 0 } else { cleared(current) };
    if !original.is_zero() && current.is_zero() {
        refund -= schedule.sstore_clear_refund;
    }
    if original == *new {
        let first = if original.is_zero() { schedule.sstore_set } else { schedule.sstore_reset };
        refund += (first - schedule.sstore_dirty).cast_signed();
    }
    refund
}

/// What revm has taken of an opcode that runs out of gas, if the memory was what it could not pay. Only for the opcodes that pay
/// for memory last: of the others, one cannot tell which charge failed.
fn revm_cost_before_memory(fork: Fork, step: &StepView<'_>) -> Option<u64> {
    let length =
        |place: usize| Some(step.stack.get(step.stack.len().checked_sub(place + 1)?)?.saturating_to());
    let words = |place: usize| length(place).map(|length: u64| length.div_ceil(32));
    let dynamic = match step.opcode.0 {
        0x51..=0x53 | 0xf3 | 0xfd => 0,
        0x20 => GasSchedule::KECCAK_WORD.saturating_mul(words(1)?),
        0x37 | 0x39 | 0x3e | 0x5e => GasSchedule::COPY_WORD.saturating_mul(words(2)?),
        0xa0..=0xa4 => {
            let topics = GasSchedule::LOG_TOPIC * u64::from(step.opcode.0 - 0xa0);
            GasSchedule::LOG_BYTE.saturating_mul(length(1)?).saturating_add(topics)
        }
        _ => return None,
    };
    let taken = static_gas(fork, step.opcode).saturating_add(dynamic);
    (taken <= step.gas).then_some(taken)
}

/// Whether an SSTORE has no more than the stipend (EIP-2200).
fn is_at_sentry(fork: Fork, step: &StepView<'_>) -> bool {
    step.opcode == Opcode::SSTORE && fork.has(Fork::Istanbul) && step.gas <= GasSchedule::SSTORE_SENTRY
}

fn static_gas(fork: Fork, opcode: Opcode) -> u64 {
    u64::from(OpcodeTables::of(fork)[usize::from(opcode.0)].gas)
}

/// Whether an opcode that touches memory names an offset or a length that does not fit 64 bits.
fn offset_overflows(step: &StepView<'_>) -> bool {
    let from_top: &[usize] = match step.opcode.0 {
        0x20 | 0xa0..=0xa4 | 0xf3 | 0xfd => &[0, 1],
        0x37 | 0x39 | 0x3e => &[0, 2],
        0x3c => &[1, 3],
        0x51..=0x53 => &[0],
        0x5e => &[0, 1, 2],
        0xf0 | 0xf5 => &[1, 2],
        0xf1 | 0xf2 => &[3, 4, 5, 6],
        0xf4 | 0xfa => &[2, 3, 4, 5],
        _ => &[],
    };
    from_top.iter().any(|place| {
        step.stack
            .len()
            .checked_sub(place + 1)
            .is_some_and(|at| step.stack[at].as_limbs()[1..].iter().any(|limb| *limb != 0))
    })
}

/// The client's word for why the opcode ended its frame, quoted; nothing where the client says nothing.
pub(crate) fn error(dialect: Dialect, fork: Fork, step: &StepView<'_>, end: &StepEnd<'_>, out: &mut Vec<u8>) {
    let Some(halt) = end.halt else {
        let word = match (dialect, step.opcode) {
            (Dialect::Eels, Opcode::REVERT) => "Revert",
            (Dialect::Geth, Opcode::REVERT) => "execution reverted",
            (Dialect::Revm, Opcode::REVERT) => "Revert",
            (Dialect::Revm, Opcode::STOP) => "Stop",
            (Dialect::Revm, Opcode::RETURN) => "Return",
            (Dialect::Revm, Opcode::SELFDESTRUCT) => "SelfDestruct",
            _ => return,
        };
        return text::string(out, word);
    };
    match dialect {
        Dialect::Evmone => {}
        Dialect::Eip3155 => text::string(out, halt.name()),
        // The specification charges an opcode before it refuses it in a static call.
        Dialect::Eels
            if halt == Halt::StaticViolation && (end.gas_cost > step.gas || is_at_sentry(fork, step)) =>
        {
            text::string(out, eels_error(Halt::OutOfGas));
        }
        Dialect::Eels => text::string(out, eels_error(halt)),
        Dialect::Revm => text::string(out, revm_error(halt, fork, step)),
        Dialect::Geth => geth_error(halt, fork, step, out),
    }
}

fn eels_error(halt: Halt) -> &'static str {
    match halt {
        Halt::StackUnderflow => "StackUnderflowError",
        Halt::StackOverflow => "StackOverflowError",
        Halt::InvalidJump => "InvalidJumpDestError",
        Halt::InvalidOpcode | Halt::UndefinedOpcode => "InvalidOpcode",
        Halt::StaticViolation => "WriteInStaticContext",
        Halt::ReturnDataOutOfBounds => "OutOfBoundsRead",
        Halt::CodeStartsWithEf => "InvalidContractPrefix",
        Halt::CreateCollision => "AddressCollision",
        Halt::CallDepth => "StackDepthLimitError",
        _ => "OutOfGasError",
    }
}

fn revm_error(halt: Halt, fork: Fork, step: &StepView<'_>) -> &'static str {
    match halt {
        // revm calls a DUP or SWAP that reaches too deep an overflow.
        Halt::StackUnderflow if matches!(step.opcode.0, 0x80..=0x9f) => "StackOverflow",
        Halt::StackUnderflow => "StackUnderflow",
        Halt::StackOverflow => "StackOverflow",
        Halt::InvalidJump => "InvalidJump",
        Halt::InvalidOpcode => "InvalidFEOpcode",
        Halt::UndefinedOpcode if step.opcode.info().is_some() => "NotActivated",
        Halt::UndefinedOpcode => "OpcodeNotFound",
        Halt::StaticViolation if step.opcode == Opcode::CALL => "CallNotAllowedInsideStatic",
        Halt::StaticViolation => "StateChangeDuringStaticCall",
        Halt::ReturnDataOutOfBounds => "OutOfOffset",
        Halt::InitcodeTooLarge => "CreateInitCodeSizeLimit",
        Halt::OutOfGas if offset_overflows(step) => "InvalidOperandOOG",
        Halt::OutOfGas if is_at_sentry(fork, step) => "ReentrancySentryOOG",
        Halt::OutOfGas if revm_cost_before_memory(fork, step).is_some() => "MemoryOOG",
        _ => "OutOfGas",
    }
}

fn geth_error(halt: Halt, fork: Fork, step: &StepView<'_>, out: &mut Vec<u8>) {
    let inputs = step.opcode.info().map_or(0, |info| info.inputs);
    let outputs = step.opcode.info().map_or(0, |info| info.outputs);
    // Go's JSON writes `<` and `>` as escapes.
    let plain = match halt {
        Halt::StackUnderflow => {
            out.extend_from_slice(b"\"stack underflow (");
            text::decimal(out, step.stack.len() as u64);
            out.extend_from_slice(b" \\u003c=\\u003e ");
            text::decimal(out, u64::from(inputs));
            out.extend_from_slice(b")\"");
            return;
        }
        Halt::StackOverflow => {
            out.extend_from_slice(b"\"stack limit reached ");
            text::decimal(out, step.stack.len() as u64);
            out.extend_from_slice(b" (");
            text::decimal(out, 1024 + u64::from(inputs) - u64::from(outputs));
            out.extend_from_slice(b")\"");
            return;
        }
        Halt::UndefinedOpcode => {
            out.extend_from_slice(b"\"invalid opcode: ");
            match step.opcode.name() {
                Some(name) => out.extend_from_slice(name.as_bytes()),
                None => {
                    out.extend_from_slice(b"opcode ");
                    text::hex(out, u64::from(step.opcode.0));
                    out.extend_from_slice(b" not defined");
                }
            }
            out.push(b'"');
            return;
        }
        Halt::InvalidOpcode => "invalid opcode: INVALID",
        Halt::InvalidJump => "invalid jump destination",
        Halt::StaticViolation => "write protection",
        Halt::ReturnDataOutOfBounds => "return data out of bounds",
        Halt::InitcodeTooLarge => "max initcode size exceeded",
        Halt::OutOfGas if offset_overflows(step) => "gas uint64 overflow",
        Halt::OutOfGas if is_at_sentry(fork, step) => "not enough gas for reentrancy sentry",
        _ => "out of gas",
    };
    text::string(out, plain);
}

/// Whether geth writes the line twice: once before the opcode ran, once when it failed inside.
pub(crate) fn geth_repeats(step: &StepView<'_>, end: &StepEnd<'_>) -> bool {
    match end.halt {
        None => step.opcode == Opcode::REVERT,
        Some(halt) => matches!(
            halt,
            Halt::InvalidJump | Halt::ReturnDataOutOfBounds | Halt::InvalidOpcode | Halt::UndefinedOpcode
        ),
    }
}
