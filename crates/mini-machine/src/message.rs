//! The message that a transaction is, as EELS's `utils/message.py` has it.

use parallax_host_interface::HostError;
use parallax_primitives::{Address, Eip, Message, MessageKind, Transaction, U256};

use crate::{
    eoa_delegation::{get_delegated_code_address, set_delegation},
    interpreter::{Sender, address_creation},
    world::World,
};

/// The transaction's own message, and what is warm before it (EIP-2929). `gas` is what it may use.
///
/// EELS: `utils/message.py`, `prepare_message`; `fork.py`, the access list in `process_transaction`.
pub(crate) fn prepare_message(
    world: &mut World<'_>,
    transaction: &Transaction,
    gas: u64,
) -> Result<Message, HostError> {
    let mut message = Message {
        kind: if transaction.to.is_some() { MessageKind::Call } else { MessageKind::Create },
        depth: 0,
        is_static: false,
        gas,
        caller: transaction.sender,
        address: transaction.to.unwrap_or_default(),
        code_address: transaction.to.unwrap_or_default(),
        is_delegated: false,
        value: transaction.value,
        input: transaction.input.clone(),
        state_gas: Default::default(),
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

/// Sets the delegations of the transaction, and follows its target's, if it has one (EIP-7702). Answers the refund for the
/// former.
///
/// EELS: `vm/interpreter.py`, the beginning of `process_message_call`.
pub(crate) fn delegate(
    world: &mut World<'_>,
    transaction: &Transaction,
    message: &mut Message,
) -> Result<u64, HostError> {
    if !world.rules.has(Eip::SetCode7702) || message.kind.is_create() {
        return Ok(0);
    }
    let refund_counter = set_delegation(world, &transaction.authorizations)?;
    let delegated_address = delegated_address(world, message.address)?;
    if let Some(delegated_address) = delegated_address {
        world.state.access_address(delegated_address);
        message.is_delegated = true;
        message.code_address = delegated_address;
    }
    Ok(refund_counter)
}

fn delegated_address(world: &mut World<'_>, address: Address) -> Result<Option<Address>, HostError> {
    let account = world.get_account(address)?;
    Ok(get_delegated_code_address(world.get_code(account.code_hash)?.bytes()))
}
