//! IDENTITY ([`identity.py`]).
//!
//! [`identity.py`]: https://github.com/ethereum/execution-specs/blob/master/src/ethereum/forks/frontier/vm/precompiled_contracts/identity.py

use parallax_primitives::Bytes;

use crate::{
    evm::{Evm, per_word},
    outcome::PrecompileHalt,
};

/// A copy of the input: the caller may write over what it has sent, and the output stays.
pub(crate) fn identity(evm: &mut Evm<'_>) -> Result<Bytes, PrecompileHalt> {
    let prices = evm.rules.gas();
    evm.charge_gas(per_word(prices.precompile_identity, prices.precompile_identity_word, evm.data))?;
    Ok(Bytes::copy_from_slice(evm.data))
}
