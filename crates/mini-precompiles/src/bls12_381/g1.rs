//! The contracts on G1 ([`bls12_381_g1.py`]).
//!
//! [`bls12_381_g1.py`]: https://github.com/ethereum/execution-specs/blob/master/src/ethereum/forks/prague/vm/precompiled_contracts/bls12_381/bls12_381_g1.py

use ark_bls12_381::{Fr, G1Affine, G1Projective, g1::Config};
use ark_ec::{
    AffineRepr, CurveGroup,
    hashing::{curve_maps::wb::WBMap, map_to_curve_hasher::MapToCurve},
};
use ark_ff::{PrimeField, Zero};
use parallax_primitives::Bytes;

use super::{G1_K_DISCOUNT, Points, bytes_to_fq, bytes_to_g1, g1_to_bytes, msm_gas};
use crate::{
    evm::{Evm, buffer_read},
    outcome::PrecompileHalt,
};

const LENGTH_PER_PAIR: usize = 160;

/// The sum of two points of the curve, 128 bytes. Input: the points, exactly 256 bytes.
pub(crate) fn bls12_g1_add(evm: &mut Evm<'_>) -> Result<Bytes, PrecompileHalt> {
    if evm.data.len() != 256 {
        return Err(PrecompileHalt::Refused("BLS12-381: input is not 256 bytes long"));
    }
    evm.charge_gas(evm.rules.gas().precompile_bls12_g1_add)?;
    let p1 = bytes_to_g1(&buffer_read(evm.data, 0), Points::Curve)?;
    let p2 = bytes_to_g1(&buffer_read(evm.data, 128), Points::Curve)?;
    answer((p1 + p2).into_affine())
}

/// The sum of products, 128 bytes. Input: one pair or more of a point of the group and a factor, any 32 bytes.
pub(crate) fn bls12_g1_msm(evm: &mut Evm<'_>) -> Result<Bytes, PrecompileHalt> {
    let (pairs, rest) = evm.data.as_chunks::<LENGTH_PER_PAIR>();
    if pairs.is_empty() || !rest.is_empty() {
        return Err(PrecompileHalt::Refused("BLS12-381: input is no number of pairs"));
    }
    evm.charge_gas(msm_gas(pairs.len(), evm.rules.gas().precompile_bls12_g1_mul, &G1_K_DISCOUNT))?;
    let mut sum = G1Projective::zero();
    for pair in pairs {
        let point = bytes_to_g1(&buffer_read(pair, 0), Points::Subgroup)?;
        // The points of the group have its order, so the factor counts modulo the order.
        let factor = Fr::from_be_bytes_mod_order(&buffer_read::<32>(pair, 128));
        sum += point * factor;
    }
    answer(sum.into_affine())
}

/// The point of the group that a field element maps to (RFC 9380, 6.6.3), 128 bytes. Input: exactly 64 bytes.
pub(crate) fn bls12_map_fp_to_g1(evm: &mut Evm<'_>) -> Result<Bytes, PrecompileHalt> {
    if evm.data.len() != 64 {
        return Err(PrecompileHalt::Refused("BLS12-381: input is not 64 bytes long"));
    }
    evm.charge_gas(evm.rules.gas().precompile_bls12_map_fp)?;
    let point = WBMap::<Config>::map_to_curve(bytes_to_fq(evm.data, 0)?)
        .map_err(|_| PrecompileHalt::Refused("BLS12-381: the element maps to no point"))?;
    answer(point.clear_cofactor())
}

fn answer(point: G1Affine) -> Result<Bytes, PrecompileHalt> {
    Ok(Bytes::copy_from_slice(&g1_to_bytes(point)))
}
