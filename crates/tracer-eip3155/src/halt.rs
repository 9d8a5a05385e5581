//! What each client writes on the line of an opcode that fails: its name for the halt, and its idea of the gas cost.

use parallax_hooks::{StepEnd, StepView};
use parallax_primitives::{
    Address, Class, Eip, FrameStatus, Halt, Mark, Opcode, Reach, Role, Rules, STACK_LIMIT, StateGas, U256,
    hex,
};

use crate::{
    Dialect,
    memory::{self, is_beyond_64_bits, operand},
    text,
};

/// The `gasCost` of a step that had so much gas before it, or `None` where the client leaves the field out. `inside` is what
/// [`geth_fails_inside`] has said of it.
pub(crate) fn gas_cost(
    dialect: Dialect,
    gas_before: u64,
    inside: bool,
    step: &StepView<'_>,
    end: &StepEnd<'_>,
) -> Option<u64> {
    let Some(halt) = end.halt else {
        return Some(match dialect {
            Dialect::Evmone => static_gas(step.rules, step.opcode),
            // revm shows by how much less it has: with what a creation forwards, and state gas that was taken from it.
            Dialect::Revm if matches!(step.opcode, Opcode::CREATE | Opcode::CREATE2) => {
                gas_before.saturating_sub(end.gas_left - end.forwarded)
            }
            Dialect::Revm => gas_before.saturating_sub(end.gas_left),
            // The specification charges what is forwarded apart from the rest, and its tracer notes the first charge.
            Dialect::Eels if step.opcode == Opcode::CALL && step.rules.has(Eip::StateGas8037) => {
                end.gas_cost - end.forwarded
            }
            _ => end.gas_cost,
        });
    };
    match dialect {
        Dialect::Eip3155 => Some(end.gas_cost),
        // evmone's table has -1 in 16 bits for what is not defined.
        Dialect::Evmone if halt == Halt::UndefinedOpcode => Some(0xffff),
        Dialect::Evmone => Some(static_gas(step.rules, step.opcode)),
        Dialect::Eels => eels_gas_cost(halt, step, end.gas_cost),
        Dialect::Geth => Some(match halt {
            Halt::InvalidOpcode | Halt::UndefinedOpcode => 0,
            // geth stops before it adds the dynamic cost.
            Halt::StackUnderflow | Halt::StackOverflow | Halt::InitcodeTooLarge => {
                geth_constant_gas(step.rules, step.opcode)
            }
            Halt::OutOfGas | Halt::StaticViolation if geth_refuses_write(step) => {
                geth_constant_gas(step.rules, step.opcode)
            }
            Halt::OutOfGas if inside || memory::needed(step) > GETH_MEMORY_LIMIT => {
                geth_constant_gas(step.rules, step.opcode)
            }
            _ => end.gas_cost,
        }),
        Dialect::Revm => Some(revm_gas_cost(halt, step, end.gas_cost)),
    }
}

/// The most memory that geth computes a price for.
const GETH_MEMORY_LIMIT: u64 = 0x1f_ffff_ffe0;

/// What revm has taken when it halts; all of the gas where it calls the reason `OutOfGas`.
fn revm_gas_cost(halt: Halt, step: &StepView<'_>, gas_cost: u64) -> u64 {
    match halt {
        Halt::UndefinedOpcode => match step.opcode.info() {
            // It is charged for before it is found to be of a later fork.
            Some(info) if !matches!(step.opcode, Opcode::CREATE2) => u64::from(info.gas),
            _ => 0,
        },
        Halt::InvalidOpcode => 0,
        Halt::OutOfGas if revm_memory_fails(step) => revm_cost_before_memory(step),
        Halt::OutOfGas if !is_beyond_64_bits(step) && !is_at_sentry(step) => step.gas,
        Halt::OutOfGas
        | Halt::ReturnDataOutOfBounds
        | Halt::StackUnderflow
        | Halt::StackOverflow
        | Halt::StaticViolation
        | Halt::InitcodeTooLarge => revm_static_gas(step.rules, step.opcode),
        _ => gas_cost,
    }
}

/// Creations have no static gas in revm.
fn revm_static_gas(rules: Rules, opcode: Opcode) -> u64 {
    if matches!(opcode, Opcode::CREATE | Opcode::CREATE2) { 0 } else { static_gas(rules, opcode) }
}

/// What revm charges an opcode for before it grows the memory.
fn revm_cost_before_memory(step: &StepView<'_>) -> u64 {
    let schedule = step.rules.gas();
    let info = step.opcode.info();
    // The first length: a call's input, which revm charges nothing for.
    let length = info
        .and_then(|info| info.operand(Role::Length))
        .map_or(0, |place| operand(step, place).saturating_to());
    let words = u64::div_ceil(length, 32);
    let dynamic = match (info.map(|info| info.class), step.opcode) {
        (Some(Class::Hash), _) => words.saturating_mul(schedule.keccak_word),
        (Some(Class::Memory), _) => words.saturating_mul(schedule.copy_word),
        (Some(Class::Log), _) => {
            let topics = info
                .map_or(0, |info| info.inputs.iter().filter(|operand| operand.role == Role::Topic).count());
            schedule.log_byte.saturating_mul(length).saturating_add(schedule.log_topic * topics as u64)
        }
        (_, Opcode::CREATE | Opcode::CREATE2) if step.rules.has(Eip::InitCode3860) => {
            words.saturating_mul(schedule.initcode_word)
        }
        _ => 0,
    };
    revm_static_gas(step.rules, step.opcode).saturating_add(dynamic)
}

/// What revm calls the state gas of a frame: what it has spent so far.
pub(crate) fn revm_state_gas(given: StateGas, now: StateGas) -> u64 {
    (given.reservoir + now.spilled).saturating_sub(now.reservoir + given.spilled)
}

/// Whether it is the memory that revm has no gas for.
fn revm_memory_fails(step: &StepView<'_>) -> bool {
    let left = step.gas.checked_sub(revm_cost_before_memory(step));
    !is_beyond_64_bits(step) && left.is_some_and(|left| memory::growth_cost(step) > left)
}

/// The specification's tracer notes the first charge of an opcode. An opcode takes its items first, so one that lacks them
/// has charged nothing; what moves items charges before it looks. A cost of more than 64 bits is left out.
fn eels_gas_cost(halt: Halt, step: &StepView<'_>, gas_cost: u64) -> Option<u64> {
    let opcode = step.opcode;
    match halt {
        Halt::StaticViolation if is_at_sentry(step) => Some(0),
        Halt::InvalidOpcode | Halt::UndefinedOpcode => Some(0),
        Halt::StackUnderflow if moves_items(opcode) => Some(static_gas(step.rules, opcode)),
        Halt::StackUnderflow => Some(0),
        Halt::StackOverflow => Some(static_gas(step.rules, opcode)),
        _ if gas_cost == u64::MAX => None,
        _ => Some(gas_cost),
    }
}

/// What the specification's tracer adds to the refund of an SSTORE or SELFDESTRUCT that fails: it counts before it charges and before
/// it looks at whether the frame may write. An account that was destroyed before counts once, if the engine tells its marks.
pub(crate) fn eels_refund_of_halt(step: &StepView<'_>, end: &StepEnd<'_>) -> i64 {
    let is_counted = match end.halt {
        Some(Halt::OutOfGas) => true,
        // With EIP-8037 it looks at the frame before it counts.
        Some(Halt::StaticViolation) => !step.rules.has(Eip::StateGas8037),
        _ => false,
    };
    match (is_counted, step.opcode, step.stack) {
        (true, Opcode::SSTORE, [.., new, key]) if !is_at_sentry(step) => sstore_refund(step, *key, *new),
        (true, Opcode::SELFDESTRUCT, _) => {
            let is_counted_already = || step.journal.marks().contains(&Mark::Destroyed(step.message.address));
            let refund = step.rules.gas().selfdestruct_refund;
            if refund == 0 || is_counted_already() { 0 } else { refund }
        }
        _ => 0,
    }
}

/// What an SSTORE changes of the refund counter (EIP-1283, EIP-2200, EIP-3529; before them, Yellow Paper, appendix H.2).
fn sstore_refund(step: &StepView<'_>, key: U256, new: U256) -> i64 {
    let address = step.message.address;
    let (journal, schedule) = (step.journal, step.rules.gas());
    let (Some(current), Some(original)) =
        (journal.storage(address, key), journal.original_storage(address, key))
    else {
        return 0;
    };
    let cleared =
        |from: U256| if !from.is_zero() && new.is_zero() { schedule.sstore_clear_refund } else { 0 };
    if !step.rules.has_net_metering() {
        return cleared(current);
    }
    if current == new {
        return 0;
    }
    let mut refund = if original.is_zero() { 0 } else { cleared(current) };
    if !original.is_zero() && current.is_zero() {
        refund -= schedule.sstore_clear_refund;
    }
    if original == new {
        let first = if original.is_zero() { schedule.sstore_set } else { schedule.sstore_reset };
        refund += (first - schedule.sstore_dirty).cast_signed();
    }
    refund
}

/// Whether an SSTORE has no more than the stipend (EIP-2200).
fn is_at_sentry(step: &StepView<'_>) -> bool {
    step.opcode == Opcode::SSTORE
        && step.rules.has(Eip::NetMetering2200)
        && step.gas <= step.rules.gas().sstore_sentry
}

/// DUP, SWAP and those that an immediate byte tells which items to move.
fn moves_items(opcode: Opcode) -> bool {
    is_deep(opcode) || opcode.info().is_some_and(|info| matches!(info.class, Class::Dup | Class::Swap))
}

/// DUPN, SWAPN and EXCHANGE (EIP-8024).
fn is_deep(opcode: Opcode) -> bool {
    opcode.info().is_some_and(|info| info.class == Class::Deep)
}

fn static_gas(rules: Rules, opcode: Opcode) -> u64 {
    u64::from(rules.opcodes()[usize::from(opcode.0)].gas)
}

/// What geth takes before it works out the rest: nothing for opcodes whose price it works out as a whole.
pub(crate) fn geth_constant_gas(rules: Rules, opcode: Opcode) -> u64 {
    let is_priced_as_a_whole = match opcode {
        Opcode::EXP | Opcode::SSTORE => true,
        Opcode::SLOAD => rules.has(Eip::WarmAccess2929),
        Opcode::SELFDESTRUCT => !rules.has(Eip::WarmAccess2929),
        _ => opcode.info().is_some_and(|info| info.class == Class::Log),
    };
    if is_priced_as_a_whole { 0 } else { static_gas(rules, opcode) }
}

/// Whether geth, where it works out the price, finds that the frame may not write: before it knows whether that could be paid. LOG and
/// TSTORE look for that when all is paid.
pub(crate) fn geth_refuses_write(step: &StepView<'_>) -> bool {
    let writes = match step.opcode {
        Opcode::SSTORE | Opcode::CREATE | Opcode::CREATE2 | Opcode::SELFDESTRUCT => true,
        Opcode::CALL => !operand(step, 2).is_zero(),
        _ => false,
    };
    let is_priced = step.gas >= geth_constant_gas(step.rules, step.opcode) && !is_beyond_64_bits(step);
    writes && step.message.is_static && is_priced
}

/// Whether geth, should the opcode run out of gas, does so while it adds up the dynamic cost, and not when it takes the sum: then the line has the
/// static gas alone, and the reason in its own words twice. So it is with a cold account that cannot be paid for, and from EIP-7702 on with
/// all that a call costs. To be asked before the opcode runs.
pub(crate) fn geth_fails_inside(step: &StepView<'_>) -> bool {
    let schedule = step.rules.gas();
    let (place, cold) = match step.opcode {
        Opcode::CALL | Opcode::CALLCODE | Opcode::DELEGATECALL | Opcode::STATICCALL => {
            (1, schedule.cold_account)
        }
        Opcode::SELFDESTRUCT => (0, schedule.cold_account + schedule.warm_access),
        _ => return false,
    };
    let left = step.gas.checked_sub(static_gas(step.rules, step.opcode));
    let Some(left) = left.filter(|_| step.rules.has(Eip::WarmAccess2929)) else { return false };
    if place == 1 && step.rules.has(Eip::SetCode7702) {
        return memory::needed(step) <= GETH_MEMORY_LIMIT;
    }
    if left >= cold {
        return false;
    }
    let account = Address::from_word(operand(step, place).into());
    !step.journal.marks().contains(&Mark::WarmAccount(account))
}

/// The client's word for why the opcode ended its frame, quoted; nothing where the client says nothing. `inside` is what
/// [`geth_fails_inside`] has said of it.
pub(crate) fn error(
    dialect: Dialect,
    inside: bool,
    step: &StepView<'_>,
    end: &StepEnd<'_>,
    out: &mut Vec<u8>,
) {
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
        // The specification charges an opcode before it refuses it in a static call, up to Amsterdam.
        Dialect::Eels
            if halt == Halt::StaticViolation
                && !step.rules.has(Eip::StateGas8037)
                && (end.gas_cost > step.gas || is_at_sentry(step)) =>
        {
            text::string(out, eels_error(Halt::OutOfGas));
        }
        Dialect::Eels => text::string(out, eels_error(halt)),
        Dialect::Revm => text::string(out, revm_error(halt, step)),
        Dialect::Geth if inside && halt == Halt::OutOfGas => text::string(out, "out of gas: out of gas"),
        Dialect::Geth => geth_error(halt, step, end, out),
    }
}

fn eels_error(halt: Halt) -> &'static str {
    match halt {
        Halt::StackUnderflow => "StackUnderflowError",
        Halt::StackOverflow => "StackOverflowError",
        Halt::InvalidJump => "InvalidJumpDestError",
        Halt::InvalidOpcode | Halt::UndefinedOpcode => "InvalidOpcode",
        Halt::InvalidImmediate => "InvalidParameter",
        Halt::StaticViolation => "WriteInStaticContext",
        Halt::ReturnDataOutOfBounds => "OutOfBoundsRead",
        Halt::CodeStartsWithEf => "InvalidContractPrefix",
        Halt::CreateCollision => "AddressCollision",
        Halt::CallDepth => "StackDepthLimitError",
        _ => "OutOfGasError",
    }
}

fn revm_error(halt: Halt, step: &StepView<'_>) -> &'static str {
    match halt {
        // revm calls a DUP, SWAP or DUPN that reaches too deep an overflow.
        Halt::StackUnderflow if matches!(step.opcode, Opcode::SWAPN | Opcode::EXCHANGE) => "StackUnderflow",
        Halt::StackUnderflow if moves_items(step.opcode) => "StackOverflow",
        Halt::StackUnderflow => "StackUnderflow",
        Halt::StackOverflow => "StackOverflow",
        Halt::InvalidJump => "InvalidJump",
        Halt::InvalidOpcode => "InvalidFEOpcode",
        Halt::UndefinedOpcode if step.opcode.info().is_some() => "NotActivated",
        Halt::UndefinedOpcode => "OpcodeNotFound",
        Halt::InvalidImmediate => "InvalidImmediateEncoding",
        Halt::StaticViolation if step.opcode == Opcode::CALL => "CallNotAllowedInsideStatic",
        Halt::StaticViolation => "StateChangeDuringStaticCall",
        Halt::ReturnDataOutOfBounds => "OutOfOffset",
        Halt::InitcodeTooLarge => "CreateInitCodeSizeLimit",
        Halt::OutOfGas if is_beyond_64_bits(step) => "InvalidOperandOOG",
        Halt::OutOfGas if is_at_sentry(step) => "ReentrancySentryOOG",
        Halt::OutOfGas if revm_memory_fails(step) => "MemoryOOG",
        _ => "OutOfGas",
    }
}

fn geth_error(halt: Halt, step: &StepView<'_>, end: &StepEnd<'_>, out: &mut Vec<u8>) {
    let info = step.rules.info(step.opcode);
    let (inputs, outputs) = match geth_least(step.opcode) {
        Some(least) => (geth_items(step, least), 0),
        None => info.map_or((0, 0), |info| (info.inputs.len() as u64, info.outputs.len() as u64)),
    };
    let halt = geth_halt(halt, step);
    // Go's JSON writes `<` and `>` as escapes.
    let plain = match halt {
        Halt::StackUnderflow => {
            out.extend_from_slice(b"\"stack underflow (");
            text::decimal(out, step.stack.len() as u64);
            out.extend_from_slice(b" \\u003c=\\u003e ");
            text::decimal(out, inputs);
            out.extend_from_slice(b")\"");
            return;
        }
        Halt::StackOverflow => {
            out.extend_from_slice(b"\"stack limit reached ");
            text::decimal(out, step.stack.len() as u64);
            out.extend_from_slice(b" (");
            text::decimal(out, if is_deep(step.opcode) { 1023 } else { 1024 + inputs - outputs });
            out.extend_from_slice(b")\"");
            return;
        }
        Halt::UndefinedOpcode => {
            out.extend_from_slice(b"\"invalid opcode: ");
            geth_opcode_name(step.opcode, out);
            out.push(b'"');
            return;
        }
        Halt::InitcodeTooLarge => {
            out.extend_from_slice(b"\"out of gas: max initcode size exceeded: size ");
            text::decimal(out, operand(step, 2).saturating_to());
            out.push(b'"');
            return;
        }
        Halt::InvalidImmediate => {
            out.extend_from_slice(b"\"invalid opcode: ");
            geth_opcode_name(step.opcode, out);
            out.extend_from_slice(b" (operand: 0x");
            out.extend_from_slice(hex::encode([step.immediate()]).as_bytes());
            out.extend_from_slice(b")\"");
            return;
        }
        Halt::InvalidOpcode => "invalid opcode: INVALID",
        Halt::InvalidJump => "invalid jump destination",
        Halt::OutOfGas | Halt::StaticViolation if geth_refuses_write(step) => "out of gas: write protection",
        Halt::OutOfGas if is_at_sentry(step) => "out of gas: not enough gas for reentrancy sentry",
        // Of the others it looks whether they may write once everything is paid.
        Halt::StaticViolation if end.gas_cost <= step.gas => "write protection",
        Halt::ReturnDataOutOfBounds => "return data out of bounds",
        Halt::OutOfGas if is_beyond_64_bits(step) => "gas uint64 overflow",
        Halt::OutOfGas if memory::needed(step) > GETH_MEMORY_LIMIT => "out of gas: gas uint64 overflow",
        _ => "out of gas",
    };
    text::string(out, plain);
}

/// The least that geth asks DUPN, SWAPN and EXCHANGE for, as it does any opcode, before they are charged for. What the immediate says comes
/// behind that.
fn geth_least(opcode: Opcode) -> Option<usize> {
    match opcode {
        Opcode::DUPN => Some(1),
        Opcode::SWAPN | Opcode::EXCHANGE => Some(2),
        _ => None,
    }
}

/// Items that geth says one of them would have needed.
fn geth_items(step: &StepView<'_>, least: usize) -> u64 {
    match Reach::of(step.opcode, step.immediate()) {
        Some(reach) if step.stack.len() >= least => reach.items().into(),
        _ => least as u64,
    }
}

/// What geth finds first.
pub(crate) fn geth_halt(halt: Halt, step: &StepView<'_>) -> Halt {
    match geth_least(step.opcode) {
        Some(least) if halt != Halt::UndefinedOpcode && step.stack.len() < least => Halt::StackUnderflow,
        Some(1) if halt != Halt::UndefinedOpcode && step.stack.len() == STACK_LIMIT => Halt::StackOverflow,
        _ => halt,
    }
}

/// geth has a name for every byte.
pub(crate) fn geth_opcode_name(opcode: Opcode, out: &mut Vec<u8>) {
    match opcode.name() {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => {
            out.extend_from_slice(b"opcode ");
            text::hex(out, u64::from(opcode.0));
            out.extend_from_slice(b" not defined");
        }
    }
}

/// If geth writes the line twice, once before the opcode ran and once when it failed inside: how many items it had taken
/// by then.
pub(crate) fn geth_taken(step: &StepView<'_>, end: &StepEnd<'_>) -> Option<usize> {
    let inputs = step.rules.info(step.opcode).map_or(0, |info| info.inputs.len());
    match end.halt {
        None => (step.opcode == Opcode::REVERT).then_some(inputs),
        Some(Halt::InvalidJump | Halt::ReturnDataOutOfBounds) => Some(inputs),
        Some(Halt::InvalidOpcode | Halt::UndefinedOpcode) => Some(0),
        Some(halt @ (Halt::InvalidImmediate | Halt::StackUnderflow)) if is_deep(step.opcode) => {
            let least = geth_least(step.opcode).unwrap_or_default();
            (step.stack.len() >= least && geth_halt(halt, step) == halt).then_some(0)
        }
        Some(Halt::StaticViolation) if end.gas_cost <= step.gas && !geth_refuses_write(step) => Some(0),
        Some(_) => None,
    }
}

/// evmone's word for what a transaction came to (EVMC's status codes); nothing if it succeeded.
pub(crate) fn evmone_word(status: FrameStatus) -> Option<&'static str> {
    let halt = match status {
        FrameStatus::Success => return None,
        FrameStatus::Revert => return Some("revert"),
        FrameStatus::Halt(halt) => halt,
    };
    Some(match halt {
        Halt::OutOfGas | Halt::InitcodeTooLarge => "out of gas",
        Halt::StackUnderflow => "stack underflow",
        Halt::StackOverflow => "stack overflow",
        Halt::InvalidJump => "bad jump destination",
        Halt::InvalidOpcode => "invalid instruction",
        Halt::UndefinedOpcode | Halt::InvalidImmediate => "undefined instruction",
        Halt::StaticViolation => "static mode violation",
        Halt::ReturnDataOutOfBounds => "invalid memory access",
        Halt::CodeStartsWithEf => "contract validation failure",
        Halt::PrecompileFailure => "precompile failure",
        Halt::CallDepth => "call depth exceeded",
        Halt::InsufficientBalance => "insufficient balance",
        Halt::CreateCollision | Halt::CodeTooLarge | Halt::DepositOutOfGas | Halt::NonceOverflow => "failure",
    })
}

/// The client's words for a message that failed as a whole, not by an opcode.
pub(crate) fn message_error(dialect: Dialect, halt: Halt) -> &'static str {
    if dialect == Dialect::Eels {
        return eels_error(halt);
    }
    match halt {
        Halt::OutOfGas => "out of gas",
        Halt::CreateCollision => "contract address collision",
        Halt::CodeTooLarge => "max code size exceeded",
        Halt::CodeStartsWithEf => "invalid code: must not begin with 0xef",
        Halt::DepositOutOfGas => "contract creation code storage out of gas",
        Halt::CallDepth => "max call depth exceeded",
        Halt::InsufficientBalance => "insufficient balance for transfer",
        Halt::NonceOverflow => "nonce uint64 overflow",
        // A precompiled contract's own words.
        _ => halt.name(),
    }
}
