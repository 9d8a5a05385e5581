//! The message that a transaction is, as EELS's `utils/message.py` has it.

use parallax_host_interface::HostError;
use parallax_primitives::{Address, Eip, Halt, Message, MessageKind, Transaction, U256};

use crate::{
    eoa_delegation::{Obstacle, get_delegated_code_address, set_delegation},
    gas::GasMeter,
    interpreter::{Sender, address_creation},
    world::World,
};

/// The transaction's own message, and what is warm before it (EIP-2929). `meter` is what it may use.
///
/// EELS: `utils/message.py`, `prepare_message`; `fork.py`, the access list in `process_transaction`.
pub(crate) fn prepare_message(
    world: &mut World<'_>,
    transaction: &Transaction,
    meter: GasMeter,
) -> Result<Message, HostError> {
    let mut message = Message {
        kind: if transaction.to.is_some() { MessageKind::Call } else { MessageKind::Create },
        depth: 0,
        is_static: false,
        gas: meter.gas_left,
        caller: transaction.sender,
        address: transaction.to.unwrap_or_default(),
        code_address: transaction.to.unwrap_or_default(),
        is_delegated: false,
        value: transaction.value,
        input: transaction.input.clone(),
        state_gas: meter.state_gas,
        salt: U256::ZERO,
    };
    address_creation(world, &mut message, Sender::Transaction)?;

    warm_up(world, message.caller, message.address);
    if world.rules.has(Eip::WarmAccess2929) {
        // EIP-2930
        for access in &transaction.access_list {
            world.state.access_address(access.address);
            for key in &access.storage_keys {
                world.state.access_storage_key(access.address, (*key).into());
            }
        }
    }
    Ok(message)
}

/// Warms what every message from `caller` to `target` finds warm (EIP-2929, EIP-3651).
///
/// EELS: `utils/message.py`, `prepare_message`; `fork.py`, `process_transaction`.
pub(crate) fn warm_up(world: &mut World<'_>, caller: Address, target: Address) {
    if !world.rules.has(Eip::WarmAccess2929) {
        return;
    }
    world.state.access_address(caller);
    world.state.access_address(target);
    for contract in world.rules.precompiles() {
        world.state.access_address(contract.address());
    }
    for contract in world.rules.custom_contracts() {
        world.state.access_address(contract.address());
    }
    if world.rules.has(Eip::WarmCoinbase3651) {
        world.state.access_address(world.block.coinbase);
    }
}

/// What a transaction came to before its first frame.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Prelude {
    /// In gas, for delegations of accounts that were there already (EIP-7702).
    pub(crate) delegation_refund: u64,
    /// State gas for delegations that was taken from execution gas: no failure of the message gives it back (EIP-8037).
    pub(crate) committed_spill: u64,
    /// Why there is no frame.
    pub(crate) failure: Option<Halt>,
}

/// Sets the delegations of the transaction, and follows its target's, if it has one (EIP-7702). With EIP-2780 what depends on the state
/// is charged for here; if there is not enough for all of it, nothing of it has happened.
///
/// EELS: `vm/interpreter.py`, `process_message_call`; with EIP-2780 `create_evm` and `process_top_level`.
pub(crate) fn process_top_level(
    world: &mut World<'_>,
    transaction: &Transaction,
    message: &mut Message,
) -> Result<Prelude, HostError> {
    let checkpoint = world.state.clone();
    match set_and_follow_delegations(world, transaction, message) {
        Ok(prelude) => Ok(prelude),
        Err(Obstacle::Halt(halt)) => {
            world.rollback(checkpoint);
            Ok(Prelude { failure: Some(halt), ..Prelude::default() })
        }
        Err(Obstacle::Host(error)) => Err(error),
    }
}

/// Changes the message only if it succeeds.
fn set_and_follow_delegations(
    world: &mut World<'_>,
    transaction: &Transaction,
    message: &mut Message,
) -> Result<Prelude, Obstacle> {
    let mut meter = GasMeter { gas_left: message.gas, state_gas: message.state_gas };
    let mut prelude = Prelude::default();
    let may_delegate = world.rules.has(Eip::SetCode7702) && !message.kind.is_create();
    if may_delegate {
        prelude.delegation_refund = set_delegation(world, transaction, &mut meter)?;
        prelude.committed_spill = meter.commit_state_gas();
    }
    let is_charged = world.rules.has(Eip::IntrinsicParts2780);
    let gas = world.rules.gas();
    // Where a creation collides there is an account already.
    let brings_to_life = message.kind.is_create() || !message.value.is_zero();
    if is_charged && brings_to_life && !world.is_account_alive(message.address)? {
        meter.charge_state_gas(gas.state_new_account)?;
    }
    if may_delegate && let Some(delegated_address) = delegated_address(world, message.address)? {
        let was_cold = world.state.access_address(delegated_address);
        if is_charged {
            meter.charge_gas(gas.warm_access + if was_cold { gas.cold_account } else { 0 })?;
        }
        message.is_delegated = true;
        message.code_address = delegated_address;
    }
    (message.gas, message.state_gas) = (meter.gas_left, meter.state_gas);
    Ok(prelude)
}

fn delegated_address(world: &mut World<'_>, address: Address) -> Result<Option<Address>, HostError> {
    let account = world.get_account(address)?;
    Ok(get_delegated_code_address(world.get_code(account.code_hash)?.bytes()))
}
