//! Authorizations of set-code transactions (EIP-7702): which are good.

use parallax_host_interface::{HostError, Journal};
use parallax_primitives::{Address, Authorization, U256};

/// Whose tuple of a set-code transaction it is (EIP-7702), if it breaks no rule.
pub(crate) fn authority_of(
    journal: &mut dyn Journal,
    chain_id: u64,
    authorization: &Authorization,
) -> Result<Option<Address>, HostError> {
    if !authorization.chain_id.is_zero() && authorization.chain_id != U256::from(chain_id) {
        return Ok(None);
    }
    if authorization.nonce == u64::MAX {
        return Ok(None);
    }
    let Some(authority) = authorization.authority else {
        return Ok(None);
    };
    journal.warm_account(authority);
    let code = journal.code(authority)?;
    if !code.bytes().is_empty() && code.delegation().is_none() {
        return Ok(None);
    }
    Ok((journal.nonce(authority)? == authorization.nonce).then_some(authority))
}
