//! Opcodes that are out of the loops' line: hashing, copies, the world. Both forms call them here.
//!
//! Invariant: each charges before it acts; on a fault nothing of the frame has changed. What was warmed by then is undone
//! with the frame, for in the exact form a fault ends it. The fast form goes on after a fault, in the exact one: it asks to
//! be careful, and then an opcode is refused before it warms anything, unless it can pay for the worst.

use parallax_host_interface::{Host, HostError};
use parallax_primitives::{Bytes, Eip, GasSchedule, Halt, Log, Opcode, Operation, StorageChange, U256};

use crate::{
    custom::{self, Site},
    fault::Fault,
    frame::{Core, address_word, word_address},
    hashes,
    memory::{Memory, by_word, charge},
    purse::Purse,
    state_gas, words,
};

/// Runs `op` on its operands, the topmost first: gas left, and the result if it has one.
// tidy: dispatch table
pub(crate) fn run(
    core: &mut Core,
    host: &mut dyn Host,
    op: Opcode,
    operands: &[U256],
    purse: Purse,
) -> Result<(u64, U256), Fault> {
    use Operation::*;

    let operation = core.table[usize::from(op.0)].operation;

    /// The operands, by name.
    macro_rules! take {
        ($($name:ident),*) => {
            let [$($name),*] = *operands else { return Err(misplaced(op)) };
        };
    }
    match operation {
        KECCAK256 => {
            take!(offset, size);
            hash(core, offset, size, purse)
        }
        EXP => {
            take!(base, exponent);
            let gas = purse.pay(core.schedule.exp_byte * exponent.byte_len() as u64)?;
            Ok((gas, words::exp(base, exponent)))
        }
        CALLDATALOAD => {
            take!(offset);
            Ok((purse.pay(0)?, calldata(&core.message.input, offset)))
        }
        CALLDATACOPY => {
            take!(target, start, size);
            let gas = grow(core, (target, size), by_word(size, core.schedule.copy_word), purse)?;
            core.memory.copy_from(target, &core.message.input, start, size);
            Ok((gas, U256::ZERO))
        }
        CODECOPY => {
            take!(target, start, size);
            let gas = grow(core, (target, size), by_word(size, core.schedule.copy_word), purse)?;
            core.memory.copy_from(target, core.code.bytes(), start, size);
            Ok((gas, U256::ZERO))
        }
        RETURNDATACOPY => {
            take!(target, start, size);
            return_data_copy(core, target, start, size, purse)
        }
        MCOPY => {
            take!(target, source, size);
            move_memory(core, target, source, size, purse)
        }
        SLOAD => {
            take!(key);
            purse.must_have(purse.base + core.schedule.cold_slot_load)?;
            let dearest = purse.base + core.schedule.cold_slot_load;
            if purse.gas < dearest && host.warm_slot(core.message.address, key) {
                // What cannot be paid for is not looked at (EIP-7928).
                return Err(Fault::Halt(Halt::OutOfGas, dearest));
            }
            // Nor what is warm.
            purse.pay(0)?;
            let slot = host.load_slot(core.message.address, key)?;
            let gas = purse.pay(if slot.was_cold { core.schedule.cold_slot_load } else { 0 })?;
            Ok((gas, slot.current))
        }
        SSTORE => {
            take!(key, value);
            store(core, host, key, value, purse)
        }
        TLOAD => {
            take!(key);
            Ok((purse.pay(0)?, host.load_transient(core.message.address, key)))
        }
        TSTORE => {
            take!(key, value);
            let gas = purse.pay(0)?;
            let address = core.message.address;
            let previous = host.load_transient(address, key);
            host.store_transient(address, key, value);
            core.written = Some(StorageChange { address, key, previous, new: value, original: U256::ZERO });
            Ok((gas, U256::ZERO))
        }
        EXTCODECOPY => {
            take!(address, target, start, size);
            let extension = core.memory.reach(target, size);
            let cost = purse.base.saturating_add(by_word(size, core.schedule.copy_word));
            let worst = cost.saturating_add(extension.cost).saturating_add(core.schedule.cold_account);
            purse.must_have(worst)?;
            let address = word_address(address);
            let cold = if host.warm_account(address) { core.schedule.cold_account } else { 0 };
            let gas = charge(purse.gas, cost.saturating_add(cold), &extension)?;
            let code = host.code(address)?;
            core.memory.grow(extension)?;
            core.memory.copy_from(target, code.bytes(), start, size);
            Ok((gas, U256::ZERO))
        }
        LOG0 | LOG1 | LOG2 | LOG3 | LOG4 => {
            let [offset, size, topics @ ..] = operands else { return Err(misplaced(op)) };
            log(core, host, (*offset, *size), topics, purse)
        }
        BALANCE | EXTCODESIZE | EXTCODEHASH => {
            take!(address);
            account(core, host, operation, address, purse)
        }
        BLOCKHASH => {
            take!(number);
            let gas = purse.pay(0)?;
            let hash = match words::short(&number) {
                Some(number) => U256::from_be_bytes(host.block_hash(number)?.0),
                None => U256::ZERO,
            };
            Ok((gas, hash))
        }
        BLOBHASH => {
            take!(index);
            let gas = purse.pay(0)?;
            let hash = host.transaction().blob_hashes.get(index.saturating_to::<usize>());
            Ok((gas, hash.map_or(U256::ZERO, |hash| U256::from_be_bytes(hash.0))))
        }
        SELFBALANCE => {
            let gas = purse.pay(0)?;
            Ok((gas, host.balance(core.message.address)?))
        }
        MLOAD => {
            take!(offset);
            let gas = grow(core, (offset, U256::from(32)), 0, purse)?;
            let region = Memory::region(offset, U256::from(32));
            Ok((gas, U256::from_be_slice(&core.memory.bytes()[region])))
        }
        MSTORE => {
            take!(offset, value);
            let gas = grow(core, (offset, U256::from(32)), 0, purse)?;
            let region = Memory::region(offset, U256::from(32));
            core.memory.bytes_mut()[region].copy_from_slice(&value.to_be_bytes::<32>());
            Ok((gas, U256::ZERO))
        }
        MSTORE8 => {
            take!(offset, value);
            let gas = grow(core, (offset, U256::ONE), 0, purse)?;
            core.memory.bytes_mut()[offset.saturating_to::<usize>()] = value.byte(0);
            Ok((gas, U256::ZERO))
        }
        ADDRESS | ORIGIN | CALLER | CALLVALUE | CALLDATASIZE | CODESIZE | GASPRICE | RETURNDATASIZE
        | COINBASE | TIMESTAMP | NUMBER | PREVRANDAO | GASLIMIT | CHAINID | BASEFEE | BLOBBASEFEE
        | SLOTNUM | MSIZE => {
            let gas = purse.pay(0)?;
            Ok((gas, environment(core, host, operation)))
        }
        // The exact form runs those with immediate bytes itself.
        Custom => custom::run(core, host, op, operands, purse, Site::default()),
        // In the loops' line, or ahead of it.
        Undefined | STOP | ADD | MUL | SUB | DIV | SDIV | MOD | SMOD | ADDMOD | MULMOD | SIGNEXTEND | LT
        | GT | SLT | SGT | EQ | ISZERO | AND | OR | XOR | NOT | BYTE | SHL | SHR | SAR | CLZ | POP | JUMP
        | JUMPI | PC | GAS | JUMPDEST | PUSH0 | PUSH1 | PUSH2 | PUSH3 | PUSH4 | PUSH5 | PUSH6 | PUSH7
        | PUSH8 | PUSH9 | PUSH10 | PUSH11 | PUSH12 | PUSH13 | PUSH14 | PUSH15 | PUSH16 | PUSH17 | PUSH18
        | PUSH19 | PUSH20 | PUSH21 | PUSH22 | PUSH23 | PUSH24 | PUSH25 | PUSH26 | PUSH27 | PUSH28
        | PUSH29 | PUSH30 | PUSH31 | PUSH32 | DUP1 | DUP2 | DUP3 | DUP4 | DUP5 | DUP6 | DUP7 | DUP8
        | DUP9 | DUP10 | DUP11 | DUP12 | DUP13 | DUP14 | DUP15 | DUP16 | SWAP1 | SWAP2 | SWAP3 | SWAP4
        | SWAP5 | SWAP6 | SWAP7 | SWAP8 | SWAP9 | SWAP10 | SWAP11 | SWAP12 | SWAP13 | SWAP14 | SWAP15
        | SWAP16 | DUPN | SWAPN | EXCHANGE | CREATE | CALL | CALLCODE | RETURN | DELEGATECALL | CREATE2
        | STATICCALL | REVERT | INVALID | SELFDESTRUCT => Err(misplaced(op)),
    }
}

/// An opcode that was sent here and does not belong here, or not with these operands.
#[cold]
fn misplaced(op: Opcode) -> Fault {
    Fault::Host(HostError::new(format!("{op} does not run out of the loop's line")))
}

/// Opcodes that only tell something: those that `run` sends here.
pub(crate) fn environment(core: &Core, host: &dyn Host, operation: Operation) -> U256 {
    use Operation::*;

    match operation {
        ADDRESS => address_word(core.message.address),
        CALLER => address_word(core.message.caller),
        CALLVALUE => core.message.value,
        CALLDATASIZE => U256::from(core.message.input.len()),
        CODESIZE => U256::from(core.code.bytes().len()),
        RETURNDATASIZE => U256::from(core.return_data.len()),
        MSIZE => U256::from(core.memory.bytes().len()),
        ORIGIN => address_word(host.transaction().origin),
        GASPRICE => host.transaction().gas_price,
        CHAINID => U256::from(host.transaction().chain_id),
        COINBASE => address_word(host.block().coinbase),
        TIMESTAMP => U256::from(host.block().timestamp),
        NUMBER => U256::from(host.block().number),
        PREVRANDAO if core.rules.has(Eip::PrevRandao4399) => U256::from_be_bytes(host.block().prevrandao.0),
        PREVRANDAO => host.block().difficulty,
        GASLIMIT => U256::from(host.block().gas_limit),
        BASEFEE => U256::from(host.block().base_fee),
        BLOBBASEFEE => host.blob_base_fee(),
        SLOTNUM => U256::from(host.block().slot_number),
        _ => {
            debug_assert!(false, "{operation:?} tells nothing");
            U256::ZERO
        }
    }
}

/// Charges, then grows the memory.
pub(crate) fn grow(core: &mut Core, region: (U256, U256), dynamic: u64, purse: Purse) -> Result<u64, Fault> {
    let extension = core.memory.reach(region.0, region.1);
    let cost = purse.base.saturating_add(dynamic);
    if purse.refuses {
        return Err(Fault::Halt(Halt::StaticViolation, cost.saturating_add(extension.cost)));
    }
    let gas = charge(purse.gas, cost, &extension)?;
    core.memory.grow(extension)?;
    Ok(gas)
}

fn hash(core: &mut Core, offset: U256, size: U256, purse: Purse) -> Result<(u64, U256), Fault> {
    let gas = grow(core, (offset, size), by_word(size, core.schedule.keccak_word), purse)?;
    let hash = hashes::keccak(&core.memory.bytes()[Memory::region(offset, size)]);
    Ok((gas, U256::from_be_bytes(hash.0)))
}

/// 32 bytes of calldata, zeros behind its end.
pub(crate) fn calldata(input: &Bytes, offset: U256) -> U256 {
    let rest = input.get(offset.saturating_to::<usize>()..).unwrap_or_default();
    if let Some(whole) = rest.first_chunk::<32>() {
        return U256::from_be_bytes(*whole);
    }
    let mut word = [0; 32];
    word[..rest.len()].copy_from_slice(rest);
    U256::from_be_bytes(word)
}

fn return_data_copy(
    core: &mut Core,
    target: U256,
    start: U256,
    size: U256,
    purse: Purse,
) -> Result<(u64, U256), Fault> {
    let extension = core.memory.reach(target, size);
    let cost = purse.base.saturating_add(by_word(size, core.schedule.copy_word));
    let gas = charge(purse.gas, cost, &extension)?;
    // Paid for before it is refused (EIP-211).
    match start.checked_add(size) {
        Some(end) if end <= U256::from(core.return_data.len()) => {}
        _ => return Err(Fault::Halt(Halt::ReturnDataOutOfBounds, cost.saturating_add(extension.cost))),
    }
    core.memory.grow(extension)?;
    core.memory.copy_from(target, &core.return_data, start, size);
    Ok((gas, U256::ZERO))
}

fn move_memory(
    core: &mut Core,
    target: U256,
    source: U256,
    size: U256,
    purse: Purse,
) -> Result<(u64, U256), Fault> {
    let extension = core.memory.reach_both((target, size), (source, size));
    let cost = purse.base.saturating_add(by_word(size, core.schedule.copy_word));
    let gas = charge(purse.gas, cost, &extension)?;
    core.memory.grow(extension)?;
    let target = Memory::region(target, size).start;
    core.memory.bytes_mut().copy_within(Memory::region(source, size), target);
    Ok((gas, U256::ZERO))
}

fn account(
    core: &Core,
    host: &mut dyn Host,
    operation: Operation,
    address: U256,
    purse: Purse,
) -> Result<(u64, U256), Fault> {
    purse.must_have(purse.base + core.schedule.cold_account)?;
    let address = word_address(address);
    let gas = purse.pay(if host.warm_account(address) { core.schedule.cold_account } else { 0 })?;
    let answer = match operation {
        Operation::BALANCE => host.balance(address)?,
        Operation::EXTCODESIZE => U256::from(host.code(address)?.bytes().len()),
        _ => host.code_hash(address)?.map_or(U256::ZERO, |hash| U256::from_be_bytes(hash.0)),
    };
    Ok((gas, answer))
}

fn log(
    core: &mut Core,
    host: &mut dyn Host,
    (offset, size): (U256, U256),
    topics: &[U256],
    purse: Purse,
) -> Result<(u64, U256), Fault> {
    // The static gas has the first 375; each topic is as much again.
    let dynamic = size
        .saturating_to::<u64>()
        .saturating_mul(core.schedule.log_byte)
        .saturating_add(core.schedule.log_topic * topics.len() as u64);
    let gas = grow(core, (offset, size), dynamic, purse)?;
    host.log(Log {
        address: core.message.address,
        topics: topics.iter().map(|topic| topic.to_be_bytes::<32>().into()).collect(),
        data: Bytes::copy_from_slice(&core.memory.bytes()[Memory::region(offset, size)]),
    });
    Ok((gas, U256::ZERO))
}

/// SSTORE: plain before Constantinople and in Petersburg, net-metered otherwise (EIP-1283, EIP-2200, EIP-2929, EIP-3529).
fn store(
    core: &mut Core,
    host: &mut dyn Host,
    key: U256,
    new: U256,
    purse: Purse,
) -> Result<(u64, U256), Fault> {
    let schedule = core.schedule;
    // More than the stipend that it must not run on (EIP-2200).
    let dearest = schedule.sstore_set.max(schedule.sstore_reset).max(schedule.sstore_dirty);
    let spilling = schedule.state_new_slot.saturating_sub(core.state_gas.reservoir);
    purse.must_have(dearest + schedule.cold_slot_store + purse.base + spilling)?;
    if core.rules.has(Eip::NetMetering2200) && purse.gas <= core.schedule.sstore_sentry && !purse.refuses {
        return Err(Fault::Halt(Halt::OutOfGas, 0));
    }
    let address = core.message.address;
    if core.rules.has(Eip::BlockAccessLists7928) {
        check_access(core, host, key, purse)?;
    }
    let slot = host.load_slot_to_store(address, key, new)?;
    let (current, original) = (slot.current, slot.original);
    let net = core.rules.has_net_metering();
    let mut cost = if slot.was_cold { schedule.cold_slot_store } else { 0 };
    let mut refund = 0;
    if net {
        cost += if current == new || original != current {
            schedule.sstore_dirty
        } else if original.is_zero() {
            schedule.sstore_set
        } else {
            schedule.sstore_reset
        };
        if current != new {
            refund = net_refund(schedule, original, current, new);
        }
    } else {
        cost += if current.is_zero() && !new.is_zero() { schedule.sstore_set } else { schedule.sstore_reset };
        if !current.is_zero() && new.is_zero() {
            refund = schedule.sstore_clear_refund;
        }
    }
    let mut gas = purse.pay(cost)?;
    if schedule.state_new_slot != 0 && original.is_zero() {
        gas = pay_for_slot(core, gas, (current, new), purse.base + cost)?;
    }
    if refund != 0 {
        host.add_refund(refund);
    }
    host.store_slot(address, key, new)?;
    core.written = Some(StorageChange { address, key, previous: current, new, original });
    Ok((gas, U256::ZERO))
}

/// That a slot may be looked at to be written: its access is paid for, and the frame is not static (EIP-7928).
fn check_access(core: &Core, host: &mut dyn Host, key: U256, purse: Purse) -> Result<(), Fault> {
    if purse.refuses {
        return Err(Fault::Halt(Halt::StaticViolation, 0));
    }
    let warm = purse.base + core.schedule.sstore_dirty;
    let dearest = warm + core.schedule.cold_slot_store;
    let is_short = purse.gas < dearest && (purse.gas < warm || host.warm_slot(core.message.address, key));
    if is_short { Err(Fault::Halt(Halt::OutOfGas, 0)) } else { Ok(()) }
}

/// State gas of a slot that was zero before the transaction: charged when it is set, given back when it is cleared (EIP-8037). Answers
/// the gas then left.
#[inline(never)] // or every SSTORE saves registers for it
fn pay_for_slot(core: &mut Core, gas: u64, (current, new): (U256, U256), cost: u64) -> Result<u64, Fault> {
    let price = core.schedule.state_new_slot;
    match (current.is_zero(), new.is_zero()) {
        (true, false) => core.charge_state_gas(gas, price, cost),
        (false, true) => Ok(state_gas::refill(&mut core.state_gas, gas, price)),
        _ => Ok(gas),
    }
}

/// What a change of a slot adds to the refund counter.
fn net_refund(schedule: &GasSchedule, original: U256, current: U256, new: U256) -> i64 {
    let mut refund = 0;
    if !original.is_zero() {
        if current.is_zero() {
            refund -= schedule.sstore_clear_refund;
        }
        if new.is_zero() {
            refund += schedule.sstore_clear_refund;
        }
    }
    if original == new {
        let paid = if original.is_zero() { schedule.sstore_set } else { schedule.sstore_reset };
        // By the prices of an author it may be negative.
        refund += paid.cast_signed() - schedule.sstore_dirty.cast_signed();
    }
    refund
}
