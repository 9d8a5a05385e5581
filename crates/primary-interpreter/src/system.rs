//! Messages, and the opcodes that end a frame.

use parallax_host_interface::{Host, HostError};
use parallax_primitives::{
    Address, Bytes, CALL_DEPTH_LIMIT, Eip, Halt, Message, MessageKind, Opcode, StateGas, Switch, U256,
};

use crate::{
    fault::Fault,
    frame::{Awaiting, Core, Target, word_address},
    memory::{Memory, by_word, charge},
};

/// A message that is paid for, and the gas left. A creation's own gas is not yet taken from it.
pub(crate) type Sent = (u64, Box<Message>);

/// The operands of a call, the topmost first; DELEGATECALL and STATICCALL have no value.
struct CallOperands {
    gas: U256,
    target: Address,
    value: U256,
    input: (U256, U256),
    output: (U256, U256),
}

fn call_operands(kind: MessageKind, operands: &[U256]) -> Option<CallOperands> {
    let (gas, target, value, rest) = match (kind, operands) {
        (MessageKind::Call | MessageKind::CallCode, [gas, target, value, rest @ ..]) => {
            (gas, target, *value, rest)
        }
        (_, [gas, target, rest @ ..]) => (gas, target, U256::ZERO, rest),
        _ => return None,
    };
    let [a, b, c, d] = rest else { return None };
    Some(CallOperands { gas: *gas, target: word_address(*target), value, input: (*a, *b), output: (*c, *d) })
}

fn call_kind(op: Opcode) -> MessageKind {
    match op {
        Opcode::CALL => MessageKind::Call,
        Opcode::CALLCODE => MessageKind::CallCode,
        Opcode::DELEGATECALL => MessageKind::DelegateCall,
        _ => MessageKind::StaticCall,
    }
}

/// CALL, CALLCODE, DELEGATECALL, STATICCALL. A fault ends the frame: accounts may be warm by then.
pub(crate) fn call(
    core: &mut Core,
    host: &mut dyn Host,
    op: Opcode,
    operands: &[U256],
    gas: u64,
    base: u64,
) -> Result<Sent, Fault> {
    let kind = call_kind(op);
    let Some(call) = call_operands(kind, operands) else {
        return Err(Fault::Halt(Halt::StackUnderflow, 0));
    };
    let sends = !call.value.is_zero();
    let is_listed = core.rules.has(Eip::BlockAccessLists7928);
    if is_listed && kind == MessageKind::Call && core.message.is_static && sends {
        return Err(Fault::Halt(Halt::StaticViolation, 0));
    }
    let extension = core.memory.reach_both(call.input, call.output);
    let known = base + if sends { core.schedule.call_value } else { 0 };
    let is_paid = |cost| !is_listed || charge(gas, cost, &extension).is_ok();
    let (mut extra, code_address) = access(core, host, call.target, known, is_paid)?;
    // Until EIP-161 any call to an account that does not exist brings it to life.
    let brings_to_life = kind == MessageKind::Call
        && (sends || !core.rules.has(Eip::StateClearing161))
        && host.is_dead(call.target)?;
    let mut paid = 0;
    if brings_to_life {
        extra += core.schedule.new_account;
        paid = core.schedule.state_new_account;
    }
    let asked = call.gas.saturating_to::<u64>();
    let fixed = extra.saturating_add(extension.cost);
    let forwardable = |rest: u64| {
        if core.rules.has(Eip::StatePrices150) { asked.min(rest - rest / 64) } else { asked }
    };
    if kind == MessageKind::Call && core.message.is_static && sends {
        let forwarded = gas.checked_sub(fixed).map_or(asked, forwardable);
        return Err(Fault::Halt(Halt::StaticViolation, fixed.saturating_add(forwarded)));
    }
    let (left, forwarded) = if core.rules.has(Eip::StateGas8037) {
        // The gas is looked at before it is charged: what fails has cost nothing. State gas comes first, and lessens what is forwarded.
        let rest = charge(gas, extra, &extension).map_err(|_| Fault::Halt(Halt::OutOfGas, 0))?;
        let rest = core.charge_state_gas(rest, paid, fixed)?;
        let forwarded = asked.min(rest - rest / 64);
        (rest - forwarded, forwarded)
    } else {
        let forwarded = gas.checked_sub(fixed).map_or(asked, forwardable);
        (charge(gas, extra.saturating_add(forwarded), &extension)?, forwarded)
    };
    core.memory.grow(extension)?;
    let reservoir = std::mem::take(&mut core.state_gas.reservoir);
    let stipend = if sends { core.schedule.call_stipend } else { 0 };
    let parent = &core.message;
    let (caller, address, value) = match kind {
        MessageKind::Call | MessageKind::StaticCall => (parent.address, call.target, call.value),
        MessageKind::DelegateCall => (parent.caller, parent.address, parent.value),
        _ => (parent.address, parent.address, call.value),
    };
    let message = Message {
        kind,
        depth: parent.depth + 1,
        is_static: parent.is_static || kind == MessageKind::StaticCall,
        gas: forwarded.saturating_add(stipend),
        caller,
        address,
        code_address: code_address.unwrap_or(call.target),
        is_delegated: code_address.is_some(),
        value,
        input: Bytes::copy_from_slice(&core.memory.bytes()[Memory::region(call.input.0, call.input.1)]),
        state_gas: StateGas::of(reservoir),
        salt: U256::ZERO,
    };
    let target = Target::Call(Memory::region(call.output.0, call.output.1));
    core.awaiting = Some(Awaiting { target, paid });
    core.return_data = Bytes::new();
    Ok((left, Box::new(message)))
}

/// What it costs to reach the code of `target` besides what is `known`, and where that delegates to (EIP-2929, EIP-7702). Nobody is looked
/// at before it is paid for (EIP-7928).
fn access(
    core: &Core,
    host: &mut dyn Host,
    target: Address,
    known: u64,
    is_paid: impl Fn(u64) -> bool,
) -> Result<(u64, Option<Address>), Fault> {
    let mut cost = known;
    if host.warm_account(target) {
        cost += core.schedule.cold_account;
    }
    if !is_paid(cost) {
        return Err(Fault::Halt(Halt::OutOfGas, 0));
    }
    if !core.rules.has(Eip::SetCode7702) {
        return Ok((cost, None));
    }
    let delegate = host.code(target)?.delegation();
    if let Some(delegate) = delegate {
        cost += core.schedule.warm_access;
        if host.warm_account(delegate) {
            cost += core.schedule.cold_account;
        }
        if !is_paid(cost) {
            return Err(Fault::Halt(Halt::OutOfGas, 0));
        }
        if core.rules.has(Eip::BlockAccessLists7928) {
            // Also where the call is then refused, or the delegate is a precompiled contract.
            host.code(delegate)?;
        }
    }
    Ok((cost, delegate))
}

/// See [`Switch::NoCreationOnDelegating`].
#[cold]
fn refuse_on_delegating(core: &Core, host: &mut dyn Host) -> Result<(), Fault> {
    match host.code(core.message.address)?.delegation() {
        Some(_) => Err(Fault::Halt(Halt::UndefinedOpcode, 0)),
        None => Ok(()),
    }
}

/// CREATE and CREATE2.
pub(crate) fn create(
    core: &mut Core,
    host: &mut dyn Host,
    op: Opcode,
    operands: &[U256],
    gas: u64,
    base: u64,
) -> Result<Sent, Fault> {
    if core.rules.is_on(Switch::NoCreationOnDelegating) {
        refuse_on_delegating(core, host)?;
    }
    let [value, offset, size, rest @ ..] = operands else {
        return Err(Fault::Halt(Halt::StackUnderflow, 0));
    };
    let salt = rest.first().copied().unwrap_or_default();
    let is_create2 = op == Opcode::CREATE2;
    let extension = core.memory.reach(*offset, *size);
    let hashing = if is_create2 { by_word(*size, core.schedule.keccak_word) } else { 0 };
    let cost = base.saturating_add(hashing).saturating_add(by_word(*size, core.schedule.initcode_word));
    if core.message.is_static {
        return Err(Fault::Halt(Halt::StaticViolation, cost.saturating_add(extension.cost)));
    }
    let left = charge(gas, cost, &extension)?;
    // Paid for before it is refused (EIP-3860).
    if *size > U256::from(core.schedule.max_initcode_size) {
        return Err(Fault::Halt(Halt::InitcodeTooLarge, gas - left));
    }
    let held = core.memory.bytes().len();
    core.memory.grow(extension)?;
    let mut message = Message {
        kind: if is_create2 { MessageKind::Create2 } else { MessageKind::Create },
        depth: core.message.depth + 1,
        is_static: false,
        gas: 0,
        caller: core.message.address,
        address: Address::ZERO,
        code_address: Address::ZERO,
        is_delegated: false,
        value: *value,
        input: Bytes::copy_from_slice(&core.memory.bytes()[Memory::region(*offset, *size)]),
        state_gas: Default::default(),
        salt,
    };
    let (mut left, mut paid) = (left, 0);
    if core.rules.has(Eip::StateGas8037) && !is_refused(host, &message)? {
        // An opcode that fails leaves the memory as it found it.
        (left, paid) = match pay_for_account(core, host, &message, left, gas - left) {
            Err(fault) => {
                core.memory.shrink(held);
                return Err(fault);
            }
            Ok(paid) => paid,
        };
    }
    message.gas = if core.rules.has(Eip::StatePrices150) { left - left / 64 } else { left };
    message.state_gas = StateGas::of(std::mem::take(&mut core.state_gas.reservoir));
    core.awaiting = Some(Awaiting { target: Target::Creation, paid });
    core.return_data = Bytes::new();
    Ok((left, Box::new(message)))
}

/// Whether a creation is refused before its account is looked at. The machine refuses it, and says why.
fn is_refused(host: &mut dyn Host, creation: &Message) -> Result<bool, HostError> {
    Ok(creation.depth > CALL_DEPTH_LIMIT
        || host.balance(creation.caller)? < creation.value
        || host.nonce(creation.caller)? == u64::MAX)
}

/// State gas of the account that a creation brings to life, which `cost` was charged for before (EIP-8037). One that has a balance is
/// alive. Answers the gas then left, and the charge.
fn pay_for_account(
    core: &mut Core,
    host: &mut dyn Host,
    creation: &Message,
    gas: u64,
    cost: u64,
) -> Result<(u64, u64), Fault> {
    let address = host.created_address(creation)?;
    host.warm_account(address);
    if !host.is_dead(address)? {
        return Ok((gas, 0));
    }
    let price = core.schedule.state_new_account;
    Ok((core.charge_state_gas(gas, price, cost)?, price))
}

/// The output of RETURN and REVERT, and the gas left.
pub(crate) fn output(
    core: &mut Core,
    offset: U256,
    size: U256,
    gas: u64,
    base: u64,
) -> Result<(u64, Bytes), Fault> {
    let extension = core.memory.reach(offset, size);
    let left = charge(gas, base, &extension)?;
    core.memory.grow(extension)?;
    Ok((left, Bytes::copy_from_slice(&core.memory.bytes()[Memory::region(offset, size)])))
}

/// SELFDESTRUCT; the gas left.
pub(crate) fn self_destruct(
    core: &mut Core,
    host: &mut dyn Host,
    beneficiary: U256,
    gas: u64,
    base: u64,
) -> Result<u64, Fault> {
    let schedule = core.schedule;
    let beneficiary = word_address(beneficiary);
    let address = core.message.address;
    let mut cost = base;
    // A warm access is free here (EIP-2929).
    if host.warm_account(beneficiary) && core.rules.has(Eip::WarmAccess2929) {
        cost += schedule.cold_account + schedule.warm_access;
    }
    if core.rules.has(Eip::BlockAccessLists7928) && (core.message.is_static || gas < cost) {
        // Looked at before the beneficiary is, and not charged.
        let halt = if core.message.is_static { Halt::StaticViolation } else { Halt::OutOfGas };
        return Err(Fault::Halt(halt, 0));
    }
    let mut state_cost = 0;
    if (schedule.selfdestruct_new_account != 0 || schedule.state_new_account != 0)
        && host.is_dead(beneficiary)?
        && (!core.rules.has(Eip::StateClearing161) || !host.balance(address)?.is_zero())
    {
        cost += schedule.selfdestruct_new_account;
        state_cost = schedule.state_new_account;
    }
    if core.message.is_static {
        return Err(Fault::Halt(Halt::StaticViolation, cost));
    }
    let left = gas.checked_sub(cost).ok_or(Fault::Halt(Halt::OutOfGas, cost))?;
    let left = core.charge_state_gas(left, state_cost, cost)?;
    let done = host.self_destruct(address, beneficiary)?;
    if !done.was_marked && schedule.selfdestruct_refund != 0 {
        host.add_refund(schedule.selfdestruct_refund);
    }
    Ok(left)
}
