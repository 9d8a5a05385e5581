//! Accounts that run another's code (EIP-7702), as EELS's `vm/eoa_delegation.py` has them.

use std::collections::HashSet;

use parallax_host_interface::HostError;
use parallax_primitives::{Address, Bytecode, Eip, Halt, Transaction, U256};

use crate::{gas::GasMeter, world::World};

const EOA_DELEGATION_MARKER: [u8; 3] = [0xef, 0x01, 0x00];
const EOA_DELEGATED_CODE_LENGTH: usize = 23;

/// Whether the code only names another account.
///
/// EELS: `vm/eoa_delegation.py`, `is_valid_delegation`.
pub(crate) fn is_valid_delegation(code: &[u8]) -> bool {
    code.len() == EOA_DELEGATED_CODE_LENGTH && code.starts_with(&EOA_DELEGATION_MARKER)
}

/// The account that the code names.
///
/// EELS: `vm/eoa_delegation.py`, `get_delegated_code_address`.
pub(crate) fn get_delegated_code_address(code: &[u8]) -> Option<Address> {
    is_valid_delegation(code).then(|| Address::from_slice(&code[EOA_DELEGATION_MARKER.len()..]))
}

/// What keeps a transaction from its first frame.
pub(crate) enum Obstacle {
    Halt(Halt),
    Host(HostError),
}

impl From<Halt> for Obstacle {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

impl From<HostError> for Obstacle {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

/// Sets the code of every authority whose authorization is good, and passes over the others. With EIP-2780 each is charged for; the
/// intrinsic gas does not know what there is in the state. Answers the refund for authorities that were there already: it is the
/// transaction's, whatever becomes of its message.
///
/// EELS: `vm/eoa_delegation.py`, `set_delegation`.
pub(crate) fn set_delegation(
    world: &mut World<'_>,
    transaction: &Transaction,
    meter: &mut GasMeter,
) -> Result<u64, Obstacle> {
    let gas = world.rules.gas();
    let mut refund_counter = 0;
    let mut written = Written::by(transaction);
    for authorization in &transaction.authorizations {
        let chain_id = U256::from(world.transaction.chain_id);
        if authorization.chain_id != chain_id && !authorization.chain_id.is_zero() {
            continue;
        }
        if authorization.nonce == u64::MAX {
            continue;
        }
        let Some(authority) = authorization.authority else { continue };
        world.state.access_address(authority);

        let account = world.get_account(authority)?;
        let code = world.get_code(account.code_hash)?;
        if !code.bytes().is_empty() && !is_valid_delegation(code.bytes()) {
            continue;
        }
        if account.nonce != authorization.nonce {
            continue;
        }
        if world.account_exists(authority)? {
            refund_counter += gas.tx_authorization.saturating_sub(gas.tx_authorization_existing);
        }
        let clears = authorization.address.is_zero();
        if world.rules.has(Eip::IntrinsicParts2780) {
            charge_authorization(world, &mut written, authority, clears, meter)?;
        }
        let code_to_set = if clears {
            Bytecode::default()
        } else {
            let code = [EOA_DELEGATION_MARKER.as_slice(), authorization.address.as_slice()].concat();
            Bytecode::new(code.into())
        };
        world.set_code(authority, code_to_set)?;
        world.increment_nonce(authority)?;
    }
    Ok(refund_counter)
}

/// What a transaction has paid for by the time its delegations are set (EIP-2780).
struct Written {
    /// Accounts that it writes to.
    accounts: HashSet<Address>,
    /// Accounts whose first delegation it sets.
    delegations: HashSet<Address>,
}

impl Written {
    /// Its sender is paid for by what every transaction costs, its recipient by the value.
    fn by(transaction: &Transaction) -> Self {
        let recipient = transaction.to.filter(|_| !transaction.value.is_zero());
        let accounts = recipient.into_iter().chain([transaction.sender]).collect();
        Self { accounts, delegations: HashSet::new() }
    }
}

/// Charges what an authorization costs by what there is in the state: the account if there is none, the write if it is the first to it,
/// and, at most once, a delegation that the account did not have before the transaction.
///
/// EELS: `vm/eoa_delegation.py`, `set_delegation`.
fn charge_authorization(
    world: &mut World<'_>,
    written: &mut Written,
    authority: Address,
    clears: bool,
    meter: &mut GasMeter,
) -> Result<(), Obstacle> {
    let gas = world.rules.gas();
    if !world.is_account_alive(authority)? {
        meter.charge_state_gas(gas.state_new_account)?;
    }
    if written.accounts.insert(authority) {
        meter.charge_gas(gas.tx_authority_write)?;
    }
    if !clears {
        let before = world.original_account(authority)?.unwrap_or_default();
        let had_delegation = is_valid_delegation(world.get_code(before.code_hash)?.bytes());
        if !had_delegation && written.delegations.insert(authority) {
            meter.charge_state_gas(gas.state_delegation)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use parallax_primitives::hex;

    use super::*;

    #[test]
    fn a_delegation_is_the_marker_and_an_address() {
        let target = Address::repeat_byte(0x77);
        let bytes = [EOA_DELEGATION_MARKER.as_slice(), target.as_slice()].concat();
        assert_eq!(get_delegated_code_address(&bytes), Some(target));
        for other in [
            &bytes[..22],
            &[bytes.as_slice(), &[0]].concat(),
            &[&hex!("ef0101"), target.as_slice()].concat(),
            &[&hex!("ef0000"), target.as_slice()].concat(),
            &[&hex!("ee0100"), target.as_slice()].concat(),
            &[],
        ] {
            assert_eq!(get_delegated_code_address(other), None, "{other:02x?}");
        }
    }
}
