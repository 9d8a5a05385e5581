//! The contracts on G2 ([`bls12_381_g2.py`]).
//!
//! [`bls12_381_g2.py`]: https://github.com/ethereum/execution-specs/blob/master/src/ethereum/forks/prague/vm/precompiled_contracts/bls12_381/bls12_381_g2.py

use ark_bls12_381::{Fr, G2Affine, G2Projective, g2::Config};
use ark_ec::{
    AffineRepr, CurveGroup,
    hashing::{curve_maps::wb::WBMap, map_to_curve_hasher::MapToCurve},
};
use ark_ff::{PrimeField, Zero};
use parallax_primitives::Bytes;

use super::{G2_K_DISCOUNT, Points, bytes_to_fq2, bytes_to_g2, g2_to_bytes, msm_gas};
use crate::{
    evm::{Evm, buffer_read},
    outcome::PrecompileHalt,
};

const LENGTH_PER_PAIR: usize = 288;

/// The sum of two points of the curve, 256 bytes. Input: the points, exactly 512 bytes.
pub(crate) fn bls12_g2_add(evm: &mut Evm<'_>) -> Result<Bytes, PrecompileHalt> {
    if evm.data.len() != 512 {
        return Err(PrecompileHalt::Refused("BLS12-381: input is not 512 bytes long"));
    }
    evm.charge_gas(evm.rules.gas().precompile_bls12_g2_add)?;
    let p1 = bytes_to_g2(&buffer_read(evm.data, 0), Points::Curve)?;
    let p2 = bytes_to_g2(&buffer_read(evm.data, 256), Points::Curve)?;
    answer((p1 + p2).into_affine())
}

/// The sum of products, 256 bytes. Input: one pair or more of a point of the group and a factor, any 32 bytes.
pub(crate) fn bls12_g2_msm(evm: &mut Evm<'_>) -> Result<Bytes, PrecompileHalt> {
    let (pairs, rest) = evm.data.as_chunks::<LENGTH_PER_PAIR>();
    if pairs.is_empty() || !rest.is_empty() {
        return Err(PrecompileHalt::Refused("BLS12-381: input is no number of pairs"));
    }
    evm.charge_gas(msm_gas(pairs.len(), evm.rules.gas().precompile_bls12_g2_mul, &G2_K_DISCOUNT))?;
    let mut sum = G2Projective::zero();
    for pair in pairs {
        let point = bytes_to_g2(&buffer_read(pair, 0), Points::Subgroup)?;
        // The points of the group have its order, so the factor counts modulo the order.
        let factor = Fr::from_be_bytes_mod_order(&buffer_read::<32>(pair, 256));
        sum += point * factor;
    }
    answer(sum.into_affine())
}

/// The point of the group that an element of the field's extension maps to (RFC 9380, 6.6.3), 256 bytes. Input: exactly 128 bytes.
pub(crate) fn bls12_map_fp2_to_g2(evm: &mut Evm<'_>) -> Result<Bytes, PrecompileHalt> {
    if evm.data.len() != 128 {
        return Err(PrecompileHalt::Refused("BLS12-381: input is not 128 bytes long"));
    }
    evm.charge_gas(evm.rules.gas().precompile_bls12_map_fp2)?;
    let point = WBMap::<Config>::map_to_curve(bytes_to_fq2(evm.data, 0)?)
        .map_err(|_| PrecompileHalt::Refused("BLS12-381: the element maps to no point"))?;
    answer(point.clear_cofactor())
}

fn answer(point: G2Affine) -> Result<Bytes, PrecompileHalt> {
    Ok(Bytes::copy_from_slice(&g2_to_bytes(point)))
}
