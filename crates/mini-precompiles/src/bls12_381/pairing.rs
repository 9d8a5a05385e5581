//! The pairing check ([`bls12_381_pairing.py`]).
//!
//! [`bls12_381_pairing.py`]: https://github.com/ethereum/execution-specs/blob/master/src/ethereum/forks/prague/vm/precompiled_contracts/bls12_381/bls12_381_pairing.py

use parallax_primitives::{Bytes, U256};

use super::{Points, bytes_to_g1, bytes_to_g2, pairing_check};
use crate::{
    evm::{Evm, buffer_read},
    outcome::PrecompileHalt,
};

/// 1 if the pairings of one or more pairs of 384 bytes (G1, then G2) multiply to one, 0 if not, 32 bytes.
pub(crate) fn bls12_pairing(evm: &mut Evm<'_>) -> Result<Bytes, PrecompileHalt> {
    let (pairs, rest) = evm.data.as_chunks::<384>();
    if pairs.is_empty() || !rest.is_empty() {
        return Err(PrecompileHalt::Refused("BLS12-381: input is no number of pairs"));
    }
    let prices = evm.rules.gas();
    let (pair, base) = (prices.precompile_bls12_pairing_pair, prices.precompile_bls12_pairing);
    evm.charge_gas((pairs.len() as u64).saturating_mul(pair).saturating_add(base))?;
    let points = pairs
        .iter()
        .map(|pair| {
            let p = bytes_to_g1(&buffer_read(pair, 0), Points::Subgroup)?;
            Ok((p, bytes_to_g2(&buffer_read(pair, 128), Points::Subgroup)?))
        })
        .collect::<Result<Vec<_>, PrecompileHalt>>()?;
    Ok(Bytes::copy_from_slice(&U256::from(pairing_check(&points)).to_be_bytes::<32>()))
}
