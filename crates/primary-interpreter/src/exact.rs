//! The exact loop: one opcode at a time over the padded byte code, with every check of the specification.
//!
//! Alone it is a complete engine. It runs for steps, for code that is not worth translating, and wherever the fast form
//! gives up. Order of checks: defined, stack underflow, stack overflow, static call, gas, the operation. DUPN, SWAPN and EXCHANGE alone are
//! paid before they look at the stack (EIP-8024).

use parallax_engine_interface::FrameExit;
use parallax_hooks::{Hooks, StepControl, StepEnd};
use parallax_host_interface::{Host, HostError};
use parallax_primitives::{
    Bytes, Class, Effect, Eip, FrameOutcome, FrameStatus, Halt, JournalView, Message, MessageKind, Opcode,
    Operation, Reach, STACK_LIMIT, StateGas, U256,
};

use crate::{
    custom,
    fault::Fault,
    frame::{Core, Frame, view},
    heavy,
    memory::Memory,
    purse::Purse,
    stack::SLOTS,
    state_gas, system, words,
};

/// Nobody looks at opcodes.
pub(crate) const QUIET: u8 = 0;
/// Block entries are shown.
pub(crate) const BLOCKS: u8 = 1;
/// Every opcode is shown.
pub(crate) const STEPS: u8 = 2;

/// Back jumps of one frame after which its code is worth translating, if it has paid for it.
const HOT_BACK_JUMPS: u32 = 16;

/// Why the exact loop stopped.
pub(crate) enum Leave {
    /// The frame exits.
    Exit(FrameExit),
    /// The fast form can go on here.
    Fast,
}

/// What the exact loop may do about the fast form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    /// Stay.
    Exact,
    /// Leave at the next place where the fast form can be entered.
    Fast,
    /// Leave when the code is hot.
    WhenHot,
}

/// What an opcode came to.
enum Flow {
    Next,
    /// A jump to this destination.
    Jump(usize),
    /// A conditional jump that was not taken.
    NotTaken,
    Message(Box<Message>),
    Done(FrameStatus, Bytes),
}

/// Runs until the frame exits, or until the fast form can take over.
#[inline(always)] // into its one caller, which comes back here at every call and every jump that has no target yet
pub(crate) fn run<K: Hooks, const MODE: u8>(
    frame: &mut Frame,
    host: &mut dyn Host,
    hooks: &mut K,
    clock: &mut u64,
    tier: Tier,
) -> Result<Leave, HostError> {
    let Frame { core, program, stack, .. } = frame;
    let code = program.code();
    let bytes = code.bytes();
    let (slots, mut len) = stack.parts();
    let mut pc = frame.pc;
    let mut gas = frame.gas;
    let mut ask = !std::mem::take(&mut frame.asked);
    let mut entry_due = std::mem::take(&mut frame.entry_due);
    let (mut back_jumps, gas_at_start) = (0, gas);
    let leave = loop {
        let op = Opcode(bytes[pc]);
        if MODE == STEPS || (MODE == BLOCKS && entry_due) {
            if ask {
                let seen = view(core, &slots[..len], op.0, (pc, gas), *clock, host.journal_view());
                let control = if MODE == STEPS { hooks.on_step(&seen) } else { hooks.on_block(&seen) };
                if control != StepControl::Continue {
                    frame.asked = control == StepControl::Pause;
                    frame.entry_due = entry_due;
                    break Leave::Exit(if frame.asked { FrameExit::Paused } else { FrameExit::Aborted });
                }
            }
            if MODE == BLOCKS {
                *clock += 1;
            }
            entry_due = false;
        }
        ask = true;
        let (gas_before, state_before) = (gas, core.state_gas);
        let at = pc;
        let flow = step(core, code, slots, &mut len, &mut pc, &mut gas, host, op);
        if MODE == STEPS {
            let journal = host.journal_view();
            if let Some(mut end) = end(core, &flow, (gas_before, gas), state_before) {
                end.effect = effect(core, op, end.halt, journal);
                hooks.on_step_end(&view(core, &slots[..len], op.0, (at, gas), *clock, journal), &end);
                *clock += 1;
            }
        }
        match flow {
            Ok(Flow::Next) => {}
            Ok(Flow::Jump(target)) => {
                pc = target;
                entry_due = MODE == BLOCKS;
                if MODE != STEPS && tier != Tier::Exact {
                    back_jumps += u32::from(target <= at);
                    let spent = gas_at_start.saturating_sub(gas);
                    let is_hot = back_jumps >= HOT_BACK_JUMPS && program.pays_with(spent);
                    if tier == Tier::Fast || is_hot {
                        frame.entry_due = entry_due;
                        break Leave::Fast;
                    }
                }
            }
            Ok(Flow::NotTaken) => {
                entry_due = MODE == BLOCKS;
                if MODE != STEPS && tier == Tier::Fast {
                    frame.entry_due = entry_due;
                    break Leave::Fast;
                }
            }
            Ok(Flow::Message(message)) => {
                if message.kind.is_create() {
                    gas -= message.gas;
                }
                break Leave::Exit(FrameExit::Message(*message));
            }
            Ok(Flow::Done(status, output)) => break Leave::Exit(done(core, status, gas, output)),
            Err(Fault::Halt(halt, _)) => {
                gas = 0;
                break Leave::Exit(done(core, FrameStatus::Halt(halt), 0, Bytes::new()));
            }
            Err(Fault::Host(error)) => return Err(error),
        }
    };
    frame.pc = pc;
    frame.gas = gas;
    frame.stack.set_len(len);
    Ok(leave)
}

/// What an opcode took of each gas, and why it failed, if it did; nothing if the world did. Spilling moves gas from the one to the other.
fn end<'a>(
    core: &mut Core,
    flow: &Result<Flow, Fault>,
    (gas_before, gas): (u64, u64),
    before: StateGas,
) -> Option<StepEnd<'a>> {
    let after = core.state_gas;
    let mut end = StepEnd { gas_left: gas, ..StepEnd::default() };
    let mut handed_over = 0;
    match flow {
        Ok(Flow::Message(message)) => {
            handed_over = message.state_gas.reservoir;
            let has_stipend =
                !message.value.is_zero() && matches!(message.kind, MessageKind::Call | MessageKind::CallCode);
            end.forwarded = message.gas - if has_stipend { core.schedule.call_stipend } else { 0 };
        }
        Ok(_) => {}
        Err(Fault::Halt(halt, cost)) => {
            // With EIP-8037 a static frame is looked at before anything is charged.
            let is_free = *halt == Halt::StaticViolation && core.rules.has(Eip::StateGas8037);
            end.gas_cost = if is_free { 0 } else { *cost };
            end.state_gas_cost = std::mem::take(&mut core.unpaid_state_gas).cast_signed();
            end.halt = Some(*halt);
            return Some(end);
        }
        Err(Fault::Host(_)) => return None,
    }
    end.gas_cost = (gas_before + before.spilled) - (gas + after.spilled);
    end.state_gas_cost = state_gas::cost(before, after, handed_over);
    Some(end)
}

fn done(core: &Core, status: FrameStatus, gas_left: u64, output: Bytes) -> FrameExit {
    FrameExit::Done(FrameOutcome { status, gas_left, output, created: None, state_gas: core.state_gas })
}

/// What an opcode left behind outside its frame.
fn effect<'a>(core: &Core, op: Opcode, halt: Option<Halt>, journal: &'a dyn JournalView) -> Effect<'a> {
    match (op, &core.written) {
        _ if halt.is_some() => Effect::None,
        (Opcode::SSTORE, Some(change)) => Effect::Storage(*change),
        (Opcode::TSTORE, Some(change)) => Effect::Transient(*change),
        _ if op.info().is_some_and(|info| info.class == Class::Log) => {
            journal.logs().last().map_or(Effect::None, Effect::Log)
        }
        _ => Effect::None,
    }
}

/// Executes one opcode. On a fault stack, gas, pc and memory are as they were.
// tidy: dispatch table
#[inline(always)] // into its one caller, whose registers it works in
#[allow(clippy::too_many_arguments)] // the loop's registers, one by one
fn step(
    core: &mut Core,
    code: &parallax_analysis::PaddedCode,
    slots: &mut [U256; SLOTS],
    len: &mut usize,
    pc: &mut usize,
    gas: &mut u64,
    host: &mut dyn Host,
    op: Opcode,
) -> Result<Flow, Fault> {
    let row = &core.table[usize::from(op.0)];
    let inputs = usize::from(row.inputs);
    if *len < inputs {
        return Err(Fault::Halt(Halt::StackUnderflow, 0));
    }
    let height = *len - inputs + usize::from(row.outputs);
    if height > STACK_LIMIT {
        return Err(Fault::Halt(Halt::StackOverflow, 0));
    }
    let refuses = row.writes_state && core.message.is_static;
    let base = u64::from(row.gas);
    let top = *len;

    /// Charges the static gas.
    macro_rules! pay {
        () => {
            *gas = gas.checked_sub(base).ok_or(Fault::Halt(Halt::OutOfGas, base))?
        };
    }
    /// One or two operands, one result, static gas only.
    macro_rules! pure {
        (|$a:ident| $body:expr) => {{
            pay!();
            let $a = slots[top - 1];
            slots[top - 1] = $body;
        }};
        (|$a:ident, $b:ident| $body:expr) => {{
            pay!();
            let ($a, $b) = (slots[top - 1], slots[top - 2]);
            slots[top - 2] = $body;
        }};
        (|$a:ident, $b:ident, $c:ident| $body:expr) => {{
            pay!();
            let ($a, $b, $c) = (slots[top - 1], slots[top - 2], slots[top - 3]);
            slots[top - 3] = $body;
        }};
    }
    macro_rules! push {
        ($value:expr) => {{
            pay!();
            slots[top] = $value;
        }};
    }

    use Operation::*;

    match row.operation {
        Undefined => return Err(Fault::Halt(Halt::UndefinedOpcode, 0)),
        STOP => {
            pay!();
            return Ok(Flow::Done(FrameStatus::Success, Bytes::new()));
        }
        ADD => pure!(|a, b| words::add(a, b)),
        MUL => pure!(|a, b| words::mul(a, b)),
        SUB => pure!(|a, b| words::sub(a, b)),
        DIV => pure!(|a, b| words::div(a, b)),
        SDIV => pure!(|a, b| words::sdiv(a, b)),
        MOD => pure!(|a, b| words::rem(a, b)),
        SMOD => pure!(|a, b| words::smod(a, b)),
        ADDMOD => pure!(|a, b, c| words::addmod(a, b, c)),
        MULMOD => pure!(|a, b, c| words::mulmod(a, b, c)),
        SIGNEXTEND => pure!(|a, b| words::sign_extend(a, b)),
        LT => pure!(|a, b| words::flag(words::less(a, b))),
        GT => pure!(|a, b| words::flag(words::less(b, a))),
        SLT => pure!(|a, b| words::flag(words::signed_less(a, b))),
        SGT => pure!(|a, b| words::flag(words::signed_less(b, a))),
        EQ => pure!(|a, b| words::flag(words::equal(a, b))),
        ISZERO => pure!(|a| words::flag(words::is_zero(a))),
        AND => pure!(|a, b| words::bitwise(a, b, |x, y| x & y)),
        OR => pure!(|a, b| words::bitwise(a, b, |x, y| x | y)),
        XOR => pure!(|a, b| words::bitwise(a, b, |x, y| x ^ y)),
        NOT => pure!(|a| words::not(a)),
        BYTE => pure!(|a, b| words::byte(a, b)),
        SHL => pure!(|a, b| words::shl(a, b)),
        SHR => pure!(|a, b| words::shr(a, b)),
        SAR => pure!(|a, b| words::sar(a, b)),
        CLZ => pure!(|a| U256::from(a.leading_zeros())),
        POP => pay!(),
        MLOAD | MSTORE | MSTORE8 if quick_memory(core, op, &mut slots[..top], gas, base) => {}
        JUMP | JUMPI => {
            let destination = slots[top - 1];
            let left = gas.checked_sub(base).ok_or(Fault::Halt(Halt::OutOfGas, base))?;
            if op == Opcode::JUMPI && slots[top - 2].is_zero() {
                *gas = left;
                *len = height;
                *pc += 1;
                return Ok(Flow::NotTaken);
            }
            let target = match words::short(&destination) {
                Some(target) => usize::try_from(target).unwrap_or(usize::MAX),
                None => usize::MAX,
            };
            if !code.is_jumpdest(target) {
                return Err(Fault::Halt(Halt::InvalidJump, base));
            }
            *gas = left;
            *len = height;
            return Ok(Flow::Jump(target));
        }
        PC => push!(U256::from(*pc)),
        GAS => push!(U256::from(*gas)),
        JUMPDEST => pay!(),
        PUSH0 => push!(U256::ZERO),
        PUSH1 => {
            push!(U256::from(code.bytes()[*pc + 1]));
            *pc += 1;
        }
        PUSH2 | PUSH3 | PUSH4 | PUSH5 | PUSH6 | PUSH7 | PUSH8 | PUSH9 | PUSH10 | PUSH11 | PUSH12 | PUSH13
        | PUSH14 | PUSH15 | PUSH16 | PUSH17 | PUSH18 | PUSH19 | PUSH20 | PUSH21 | PUSH22 | PUSH23
        | PUSH24 | PUSH25 | PUSH26 | PUSH27 | PUSH28 | PUSH29 | PUSH30 | PUSH31 | PUSH32 => {
            let data = op.push_data();
            push!(U256::from_be_slice(&code.bytes()[*pc + 1..][..data]));
            *pc += data;
        }
        DUP1 | DUP2 | DUP3 | DUP4 | DUP5 | DUP6 | DUP7 | DUP8 | DUP9 | DUP10 | DUP11 | DUP12 | DUP13
        | DUP14 | DUP15 | DUP16 => {
            push!(slots[top - inputs]);
        }
        SWAP1 | SWAP2 | SWAP3 | SWAP4 | SWAP5 | SWAP6 | SWAP7 | SWAP8 | SWAP9 | SWAP10 | SWAP11 | SWAP12
        | SWAP13 | SWAP14 | SWAP15 | SWAP16 => {
            pay!();
            slots.swap(top - 1, top - inputs);
        }
        DUPN | SWAPN | EXCHANGE => {
            let left = gas.checked_sub(base).ok_or(Fault::Halt(Halt::OutOfGas, base))?;
            *len = deep(op, code.bytes()[*pc + 1], slots, top).map_err(|halt| Fault::Halt(halt, base))?;
            (*gas, *pc) = (left, *pc + 2);
            return Ok(Flow::Next);
        }
        CALL | CALLCODE | DELEGATECALL | STATICCALL => {
            let (operands, count) = operands(&slots[..top], inputs);
            let (left, message) = system::call(core, host, op, &operands[..count], *gas, base)?;
            (*gas, *len, *pc) = (left, top - inputs, *pc + 1);
            return Ok(Flow::Message(message));
        }
        CREATE | CREATE2 => {
            let (operands, count) = operands(&slots[..top], inputs);
            let (left, message) = system::create(core, host, op, &operands[..count], *gas, base)?;
            (*gas, *len, *pc) = (left, top - inputs, *pc + 1);
            return Ok(Flow::Message(message));
        }
        RETURN | REVERT => {
            let (left, output) = system::output(core, slots[top - 1], slots[top - 2], *gas, base)?;
            (*gas, *len) = (left, height);
            let status = if op == Opcode::RETURN { FrameStatus::Success } else { FrameStatus::Revert };
            return Ok(Flow::Done(status, output));
        }
        INVALID => return Err(Fault::Halt(Halt::InvalidOpcode, 0)),
        SELFDESTRUCT => {
            *gas = system::self_destruct(core, host, slots[top - 1], *gas, base)?;
            *len = height;
            return Ok(Flow::Done(FrameStatus::Success, Bytes::new()));
        }
        Custom => {
            let purse = Purse { gas: *gas, base, careful: false, refuses };
            let (left, result, immediate) =
                custom::step(core, host, (*pc, &code.bytes()[*pc..]), &slots[top - inputs..top], purse)?;
            *gas = left;
            *pc += immediate;
            if height > top - inputs {
                slots[height - 1] = result;
            }
        }
        _ => {
            let purse = Purse { gas: *gas, base, careful: false, refuses };
            let (operands, count) = operands(&slots[..top], inputs);
            let (left, result) = heavy::run(core, host, op, &operands[..count], purse)?;
            *gas = left;
            if height > top - inputs {
                slots[height - 1] = result;
            }
        }
    }
    *len = height;
    *pc += 1;
    Ok(Flow::Next)
}

/// DUPN, SWAPN or EXCHANGE on a stack of `len` items; how many there are behind it.
// Out of the loop that it is called from: in blocks the fast form has no instruction for it.
#[inline(never)]
fn deep(op: Opcode, immediate: u8, slots: &mut [U256; SLOTS], len: usize) -> Result<usize, Halt> {
    let reach = Reach::of(op, immediate).ok_or(Halt::InvalidImmediate)?;
    let place = |item: u8| len.checked_sub(usize::from(item)).ok_or(Halt::StackUnderflow);
    match reach {
        Reach::Copy(item) => {
            let item = slots[place(item)?];
            if len == STACK_LIMIT {
                return Err(Halt::StackOverflow);
            }
            slots[len] = item;
            Ok(len + 1)
        }
        Reach::Exchange(upper, lower) => {
            slots.swap(place(upper)?, place(lower)?);
            Ok(len)
        }
    }
}

/// The topmost items, the top first.
#[inline]
fn operands(stack: &[U256], inputs: usize) -> ([U256; 7], usize) {
    let mut operands = [U256::ZERO; 7];
    for (operand, item) in operands.iter_mut().zip(stack.iter().rev()).take(inputs) {
        *operand = *item;
    }
    (operands, inputs)
}

/// MLOAD, MSTORE and MSTORE8 inside the memory that is there; false if it must grow or gas is short.
#[inline]
fn quick_memory(core: &mut Core, op: Opcode, stack: &mut [U256], gas: &mut u64, base: u64) -> bool {
    let top = stack.len();
    let Some(offset) = words::short(&stack[top - 1]) else { return false };
    let memory = core.memory.bytes_mut();
    let size = if op == Opcode::MSTORE8 { 1 } else { 32 };
    let Some(region) = offset
        .checked_add(size)
        .filter(|end| *end <= memory.len() as u64 && *gas >= base)
        .map(|_| Memory::region(stack[top - 1], U256::from(size)))
    else {
        return false;
    };
    *gas -= base;
    match op {
        Opcode::MLOAD => stack[top - 1] = U256::from_be_slice(&memory[region]),
        Opcode::MSTORE => memory[region].copy_from_slice(&stack[top - 2].to_be_bytes::<32>()),
        _ => memory[region.start] = stack[top - 2].byte(0),
    }
    true
}
