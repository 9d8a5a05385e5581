//! Messages to other accounts, creations, and the ends of a frame.
//!
//! Messages are charged here and sent by whoever runs the frame: depth, balance and nonce are its business.

use parallax_host_interface::Host;
use parallax_primitives::{
    Address, Bytes, CALL_DEPTH_LIMIT, Eip, Halt, Message, MessageKind, StateGas, Switch, U256,
};

use crate::state::{Awaiting, Extension, Fault, MiniStepState, Outcome, Step, address_of, region, words};

/// CREATE.
pub(crate) fn create(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Stack
    let [value, offset, size] = evm.operands()?;
    refuse_delegating(evm, host)?;

    // Gas
    let extension = evm.extension([(offset, size)]);
    let initcode_gas = evm.schedule.initcode_word.saturating_mul(words(size));
    evm.charge(base.saturating_add(initcode_gas).saturating_add(extension.cost))?;

    // Operation
    let message = creation(evm, host, MessageKind::Create, value, (offset, size), U256::ZERO, &extension)?;
    evm.take::<3>();

    // Program counter
    evm.pc += 1;
    Ok(Step::Send(message))
}

/// CREATE2 (EIP-1014).
pub(crate) fn create2(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Stack
    let [value, offset, size, salt] = evm.operands()?;
    refuse_delegating(evm, host)?;

    // Gas
    let extension = evm.extension([(offset, size)]);
    let word_gas = evm.schedule.initcode_word + evm.schedule.keccak_word;
    let initcode_gas = word_gas.saturating_mul(words(size));
    evm.charge(base.saturating_add(initcode_gas).saturating_add(extension.cost))?;

    // Operation
    let message = creation(evm, host, MessageKind::Create2, value, (offset, size), salt, &extension)?;
    evm.take::<4>();

    // Program counter
    evm.pc += 1;
    Ok(Step::Send(message))
}

/// CALL.
pub(crate) fn call(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Stack
    let [gas, to, value, input, input_size, output, output_size] = evm.operands()?;
    let to = address_of(to);
    evm.refuses_write = evm.message.is_static && !value.is_zero();

    // Gas
    let extension = evm.extension([(input, input_size), (output, output_size)]);
    let access = access(evm, host, to, base + value_gas(evm, value), &extension)?;
    // Before EIP-161 the account was created even by a call without value.
    let may_create = !value.is_zero() || !evm.rules.has(Eip::StateClearing161);
    let creates = may_create && host.is_dead(to)?;
    let create_gas = if creates { evm.schedule.new_account } else { 0 };
    let account_gas = if creates { evm.schedule.state_new_account } else { 0 };
    let own_gas = access.gas + create_gas;
    let forwarded = charge_call(evm, gas, own_gas, &extension, account_gas)?;

    // Operation
    evm.extend(&extension)?;
    let message = Message {
        kind: MessageKind::Call,
        gas: forwarded.saturating_add(stipend(evm, value)),
        caller: evm.message.address,
        address: to,
        code_address: access.code_address,
        is_delegated: access.is_delegated,
        value,
        input: Bytes::copy_from_slice(&evm.memory[region(input, input_size)]),
        ..child_of(&evm.message)
    };
    evm.take::<7>();

    // Program counter
    evm.pc += 1;
    Ok(send_call(evm, message, (output, output_size), account_gas))
}

/// CALLCODE: foreign code on the caller's own account.
pub(crate) fn callcode(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Stack
    let [gas, to, value, input, input_size, output, output_size] = evm.operands()?;
    let to = address_of(to);

    // Gas
    let extension = evm.extension([(input, input_size), (output, output_size)]);
    let access = access(evm, host, to, base + value_gas(evm, value), &extension)?;
    let forwarded = charge_call(evm, gas, access.gas, &extension, 0)?;

    // Operation
    evm.extend(&extension)?;
    let message = Message {
        kind: MessageKind::CallCode,
        gas: forwarded.saturating_add(stipend(evm, value)),
        caller: evm.message.address,
        address: evm.message.address,
        code_address: access.code_address,
        is_delegated: access.is_delegated,
        value,
        input: Bytes::copy_from_slice(&evm.memory[region(input, input_size)]),
        ..child_of(&evm.message)
    };
    evm.take::<7>();

    // Program counter
    evm.pc += 1;
    Ok(send_call(evm, message, (output, output_size), 0))
}

/// RETURN.
pub(crate) fn return_(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [offset, size] = evm.operands()?;

    // Gas
    let extension = evm.extension([(offset, size)]);
    evm.charge(base.saturating_add(extension.cost))?;

    // Operation
    evm.extend(&extension)?;
    evm.output = Bytes::copy_from_slice(&evm.memory[region(offset, size)]);
    evm.take::<2>();
    Ok(Step::Return)
}

/// DELEGATECALL: foreign code on the caller's own account, for the caller's own caller and value (EIP-7).
pub(crate) fn delegatecall(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Stack
    let [gas, to, input, input_size, output, output_size] = evm.operands()?;
    let to = address_of(to);

    // Gas
    let extension = evm.extension([(input, input_size), (output, output_size)]);
    let access = access(evm, host, to, base, &extension)?;
    let forwarded = charge_call(evm, gas, access.gas, &extension, 0)?;

    // Operation
    evm.extend(&extension)?;
    let message = Message {
        kind: MessageKind::DelegateCall,
        gas: forwarded,
        caller: evm.message.caller,
        address: evm.message.address,
        code_address: access.code_address,
        is_delegated: access.is_delegated,
        value: evm.message.value,
        input: Bytes::copy_from_slice(&evm.memory[region(input, input_size)]),
        ..child_of(&evm.message)
    };
    evm.take::<6>();

    // Program counter
    evm.pc += 1;
    Ok(send_call(evm, message, (output, output_size), 0))
}

/// STATICCALL (EIP-214).
pub(crate) fn staticcall(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Stack
    let [gas, to, input, input_size, output, output_size] = evm.operands()?;
    let to = address_of(to);

    // Gas
    let extension = evm.extension([(input, input_size), (output, output_size)]);
    let access = access(evm, host, to, base, &extension)?;
    let forwarded = charge_call(evm, gas, access.gas, &extension, 0)?;

    // Operation
    evm.extend(&extension)?;
    let message = Message {
        kind: MessageKind::StaticCall,
        is_static: true,
        gas: forwarded,
        caller: evm.message.address,
        address: to,
        code_address: access.code_address,
        is_delegated: access.is_delegated,
        input: Bytes::copy_from_slice(&evm.memory[region(input, input_size)]),
        ..child_of(&evm.message)
    };
    evm.take::<6>();

    // Program counter
    evm.pc += 1;
    Ok(send_call(evm, message, (output, output_size), 0))
}

/// REVERT (EIP-140).
pub(crate) fn revert(evm: &mut MiniStepState, base: u64) -> Outcome {
    // Stack
    let [offset, size] = evm.operands()?;

    // Gas
    let extension = evm.extension([(offset, size)]);
    evm.charge(base.saturating_add(extension.cost))?;

    // Operation
    evm.extend(&extension)?;
    evm.output = Bytes::copy_from_slice(&evm.memory[region(offset, size)]);
    evm.take::<2>();
    Ok(Step::Revert)
}

/// SELFDESTRUCT.
pub(crate) fn selfdestruct(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Stack
    let [beneficiary] = evm.operands()?;
    let beneficiary = address_of(beneficiary);
    let originator = evm.message.address;

    // Gas
    // Unlike other accesses, a warm one is free (EIP-2929).
    let is_cold = evm.rules.has(Eip::WarmAccess2929) && host.warm_account(beneficiary);
    let cold_gas = if is_cold { evm.schedule.cold_account + evm.schedule.warm_access } else { 0 };
    if evm.rules.has(Eip::BlockAccessLists7928) {
        // The beneficiary is looked at once that is paid for.
        evm.check_gas(base + cold_gas)?;
    }
    // Before EIP-161 the account was created even by nothing sent; before EIP-150 it was free.
    let creates = host.is_dead(beneficiary)?
        && (!evm.rules.has(Eip::StateClearing161) || !host.balance(originator)?.is_zero());
    let create_gas = if creates { evm.schedule.selfdestruct_new_account } else { 0 };
    let account_gas = if creates { evm.schedule.state_new_account } else { 0 };
    evm.charge(base + cold_gas + create_gas)?;
    evm.charge_state_gas(account_gas)?;

    // Operation
    let destruction = host.self_destruct(originator, beneficiary)?;
    if !destruction.was_marked && evm.schedule.selfdestruct_refund != 0 {
        host.add_refund(evm.schedule.selfdestruct_refund);
    }
    evm.take::<1>();
    Ok(Step::Return)
}

/// What it takes to reach the code of an account.
struct Access {
    /// For the account and, if it delegates its code, for the account it delegates to (EIP-2929, EIP-7702), and what was known before.
    gas: u64,
    /// Whose code will run.
    code_address: Address,
    /// Whether that is a delegate's. A delegate's own delegation is not followed.
    is_delegated: bool,
}

/// Reaches an account, and its delegate, each once there is gas for it besides `known` and the memory (EIP-7928).
///
/// EELS: `vm/instructions/system.py`, `call`, from its gas on.
fn access(
    evm: &MiniStepState,
    host: &mut dyn Host,
    to: Address,
    known: u64,
    extension: &Extension,
) -> Result<Access, Fault> {
    let is_checked = evm.rules.has(Eip::BlockAccessLists7928);
    let mut gas = known + evm.cold_account_gas(host, to);
    if is_checked {
        evm.check_gas(gas.saturating_add(extension.cost))?;
    }
    let delegate = if evm.rules.has(Eip::SetCode7702) { host.delegate(to)? } else { None };
    let Some(delegate) = delegate else {
        return Ok(Access { gas, code_address: to, is_delegated: false });
    };
    gas += evm.schedule.warm_access + evm.cold_account_gas(host, delegate);
    if is_checked {
        evm.check_gas(gas.saturating_add(extension.cost))?;
        // Its code is read even if the call fails before it runs.
        host.code(delegate)?;
    }
    Ok(Access { gas, code_address: delegate, is_delegated: true })
}

fn value_gas(evm: &MiniStepState, value: U256) -> u64 {
    if value.is_zero() { 0 } else { evm.schedule.call_value }
}

fn stipend(evm: &MiniStepState, value: U256) -> u64 {
    if value.is_zero() { 0 } else { evm.schedule.call_stipend }
}

/// Charges a call and answers what of it is forwarded: all that was asked for, or from EIP-150 on at most all but one 64th
/// of what is left. `account_gas` is state gas for an account that it brings to life.
fn charge_call(
    evm: &mut MiniStepState,
    requested: U256,
    extra: u64,
    extension: &Extension,
    account_gas: u64,
) -> Result<u64, Halt> {
    let own = extra.saturating_add(extension.cost);
    if evm.rules.has(Eip::StateGas8037) {
        return charge_call_apart(evm, requested, own, extension, account_gas);
    }
    let mut forwarded = requested.saturating_to::<u64>();
    if evm.rules.has(Eip::StatePrices150) && evm.gas >= own {
        forwarded = forwarded.min(all_but_one_64th(evm.gas - own));
    }
    evm.charge(own.saturating_add(forwarded))?;
    Ok(forwarded)
}

/// Charges a call with EIP-8037: what it costs, then state gas, then what is forwarded of what is left. It looks at nobody unless it has
/// the gas, so if it has not it has cost nothing.
///
/// EELS: `vm/instructions/system.py`, `call`.
fn charge_call_apart(
    evm: &mut MiniStepState,
    requested: U256,
    own: u64,
    extension: &Extension,
    account_gas: u64,
) -> Result<u64, Halt> {
    evm.check_gas(own)?;
    evm.charge(own)?;
    extension.check_limit()?;
    let state_gas_before = evm.state_gas;
    evm.charge_state_gas(account_gas)?;
    let mut forwarded = requested.saturating_to::<u64>();
    if evm.rules.has(Eip::StatePrices150) {
        forwarded = forwarded.min(all_but_one_64th(evm.gas));
    }
    let charge = evm.charge(forwarded);
    evm.gas_cost = own.saturating_add(forwarded);
    if charge.is_err() {
        evm.state_gas = state_gas_before;
    }
    charge.map(|()| forwarded)
}

fn all_but_one_64th(gas: u64) -> u64 {
    gas - gas / 64
}

/// A message with what every child takes from its parent; the rest is nothing.
fn child_of(parent: &Message) -> Message {
    Message {
        kind: MessageKind::Call,
        depth: parent.depth.saturating_add(1),
        is_static: parent.is_static,
        gas: 0,
        caller: parent.address,
        address: Address::ZERO,
        code_address: Address::ZERO,
        is_delegated: false,
        value: U256::ZERO,
        input: Bytes::new(),
        state_gas: StateGas::NONE,
        salt: U256::ZERO,
    }
}

/// Sends a call that was paid for, `account_gas` of state gas included.
fn send_call(evm: &mut MiniStepState, mut message: Message, output: (U256, U256), account_gas: u64) -> Step {
    message.state_gas = evm.drain_state_gas_reservoir();
    evm.awaiting = Some(Awaiting::Call { output: region(output.0, output.1), account_gas });
    evm.return_data = Bytes::new();
    Step::Send(Box::new(message))
}

/// Some chains have no creation on an account that delegates its code.
fn refuse_delegating(evm: &MiniStepState, host: &mut dyn Host) -> Result<(), Fault> {
    let is_refused =
        evm.rules.is_on(Switch::NoCreationOnDelegating) && host.delegate(evm.message.address)?.is_some();
    if is_refused { Err(Halt::UndefinedOpcode.into()) } else { Ok(()) }
}

/// The message of a creation, which takes with it the gas it forwards.
///
/// EELS: `vm/instructions/system.py`, `generic_create`.
fn creation(
    evm: &mut MiniStepState,
    host: &mut dyn Host,
    kind: MessageKind,
    value: U256,
    initcode: (U256, U256),
    salt: U256,
    extension: &Extension,
) -> Result<Box<Message>, Fault> {
    // It is paid for before it is refused (EIP-3860).
    if initcode.1 > U256::from(evm.schedule.max_initcode_size) {
        return Err(Halt::InitcodeTooLarge.into());
    }
    let memory_before = evm.memory.len();
    evm.extend(extension)?;
    let mut message = Box::new(Message {
        kind,
        value,
        input: Bytes::copy_from_slice(&evm.memory[region(initcode.0, initcode.1)]),
        salt,
        ..child_of(&evm.message)
    });
    let account_gas = if evm.rules.has(Eip::StateGas8037) {
        // An opcode that fails leaves the memory as it found it.
        charge_created(evm, host, &message).inspect_err(|_| evm.memory.truncate(memory_before))?
    } else {
        0
    };
    let forwarded = if evm.rules.has(Eip::StatePrices150) { all_but_one_64th(evm.gas) } else { evm.gas };
    evm.gas -= forwarded;
    message.gas = forwarded;
    message.state_gas = evm.drain_state_gas_reservoir();
    evm.awaiting = Some(Awaiting::Creation { account_gas });
    evm.return_data = Bytes::new();
    Ok(message)
}

/// Charges state gas for the account that a creation brings to life, and answers how much. What is going to be refused for balance, nonce
/// or depth is charged nothing, and its address stays cold.
///
/// EELS: `vm/instructions/system.py`, `generic_create`, up to where it withholds gas.
fn charge_created(evm: &mut MiniStepState, host: &mut dyn Host, creation: &Message) -> Result<u64, Fault> {
    let is_refused = host.balance(creation.caller)? < creation.value
        || host.nonce(creation.caller)? == u64::MAX
        || creation.depth > CALL_DEPTH_LIMIT;
    if is_refused {
        return Ok(0);
    }
    let address = host.created_address(creation)?;
    host.warm_account(address);
    let account_gas = if host.is_dead(address)? { evm.schedule.state_new_account } else { 0 };
    evm.charge_state_gas(account_gas)?;
    Ok(account_gas)
}
