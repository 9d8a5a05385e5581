//! Storage and transient storage.

use parallax_host_interface::{Host, Slot};
use parallax_primitives::{Eip, GasSchedule, Halt, StorageChange, U256};

use crate::state::{MiniStepState, Outcome, Step};

/// SLOAD (EIP-2929).
pub(crate) fn sload(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Stack
    let [key] = evm.operands()?;

    // Gas
    let cold = evm.schedule.cold_slot_load;
    if evm.gas < base + cold && host.warm_slot(evm.message.address, key) {
        // It is not looked at.
        evm.charge(base + cold)?;
    }
    if evm.gas < base {
        // Nor is one that is warm.
        evm.charge(base)?;
    }
    let slot = host.load_slot(evm.message.address, key)?;
    let cold_gas = if slot.was_cold { evm.schedule.cold_slot_load } else { 0 };
    evm.charge(base + cold_gas)?;

    // Operation
    evm.replace::<1>(slot.current);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// SSTORE.
pub(crate) fn sstore(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Stack
    let [key, new] = evm.operands()?;

    // Gas
    // A callee that has but the stipend may not write (EIP-2200).
    let has_stipend_only = evm.rules.has(Eip::NetMetering2200) && evm.gas <= evm.schedule.sstore_sentry;
    if has_stipend_only && !evm.refuses_write {
        return Err(Halt::OutOfGas.into());
    }
    if evm.rules.has(Eip::BlockAccessLists7928) {
        check_access(evm, host, key, base)?;
    }
    let slot = host.load_slot_to_store(evm.message.address, key, new)?;
    let net_metering = evm.rules.has_net_metering();
    let (gas, refund) = if net_metering {
        net_metered(evm.schedule, slot, new)
    } else {
        gross_metered(evm.schedule, slot.current, new)
    };
    let cold_gas = if slot.was_cold { evm.schedule.cold_slot_store } else { 0 };
    evm.charge(base + gas + cold_gas)?;
    state_metered(evm, slot, new)?;

    // Operation
    if refund != 0 {
        host.add_refund(refund);
    }
    host.store_slot(evm.message.address, key, new)?;
    evm.written = Some(StorageChange {
        address: evm.message.address,
        key,
        previous: slot.current,
        new,
        original: slot.original,
    });
    evm.take::<2>();

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// The slot is looked at once its access is paid for, and in a static call not at all.
///
/// EELS: `vm/instructions/storage.py`, `sstore`, up to where it reads the slot.
fn check_access(evm: &MiniStepState, host: &mut dyn Host, key: U256, base: u64) -> Result<(), Halt> {
    let warm = base + evm.schedule.sstore_dirty;
    evm.check_gas(warm)?;
    let cold = evm.schedule.cold_slot_store;
    let is_cold = evm.gas < warm + cold && host.warm_slot(evm.message.address, key);
    evm.check_gas(if is_cold { warm + cold } else { warm })
}

/// TLOAD (EIP-1153).
pub(crate) fn tload(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Stack
    let [key] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    let value = host.load_transient(evm.message.address, key);
    evm.replace::<1>(value);

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// TSTORE (EIP-1153).
pub(crate) fn tstore(evm: &mut MiniStepState, host: &mut dyn Host, base: u64) -> Outcome {
    // Stack
    let [key, new] = evm.operands()?;

    // Gas
    evm.charge(base)?;

    // Operation
    let address = evm.message.address;
    let previous = host.load_transient(address, key);
    host.store_transient(address, key, new);
    evm.written = Some(StorageChange { address, key, previous, new, original: U256::ZERO });
    evm.take::<2>();

    // Program counter
    evm.pc += 1;
    Ok(Step::Next)
}

/// Charges state gas for a slot that the transaction makes, and gives it back for one that it made and clears (EIP-8037).
fn state_metered(evm: &mut MiniStepState, slot: Slot, new: U256) -> Result<(), Halt> {
    let slot_gas = evm.schedule.state_new_slot;
    if !slot.original.is_zero() {
        return Ok(());
    }
    match (slot.current.is_zero(), new.is_zero()) {
        (true, false) => evm.charge_state_gas(slot_gas)?,
        (false, true) => {
            evm.credit_state_gas_refund(slot_gas);
            evm.state_gas_cost = -slot_gas.cast_signed();
        }
        _ => {}
    }
    Ok(())
}

/// Gas and refund of SSTORE as Frontier had it: only the value now and the new one count.
fn gross_metered(schedule: &GasSchedule, current: U256, new: U256) -> (u64, i64) {
    match (current.is_zero(), new.is_zero()) {
        (true, false) => (schedule.sstore_set, 0),
        (false, true) => (schedule.sstore_reset, schedule.sstore_clear_refund),
        _ => (schedule.sstore_reset, 0),
    }
}

/// Gas and refund of SSTORE by what the transaction changes in all (EIP-1283, EIP-2200, EIP-3529). Access to a cold slot
/// is not in it.
fn net_metered(schedule: &GasSchedule, slot: Slot, new: U256) -> (u64, i64) {
    let Slot { current, original, .. } = slot;

    let first_change_gas = if original.is_zero() { schedule.sstore_set } else { schedule.sstore_reset };
    let gas = if original == current && current != new { first_change_gas } else { schedule.sstore_dirty };

    let mut refund = 0;
    if current != new {
        if !original.is_zero() && !current.is_zero() && new.is_zero() {
            refund += schedule.sstore_clear_refund;
        }
        if !original.is_zero() && current.is_zero() {
            // It was refunded when the slot was cleared.
            refund -= schedule.sstore_clear_refund;
        }
        if original == new {
            // Back to where it was: all but the cost of a write without effect.
            refund += first_change_gas.cast_signed() - schedule.sstore_dirty.cast_signed();
        }
    }
    (gas, refund)
}
