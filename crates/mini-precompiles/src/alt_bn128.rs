//! BN254: addition and multiplication (EIP-196), the pairing check (EIP-197), their prices since Istanbul (EIP-1108), as
//! [`alt_bn128.py`] has them; the curve is `substrate-bn`'s. A refusal is `OutOfGasError` there, which loses the same gas.
//!
//! [`alt_bn128.py`]: https://github.com/ethereum/execution-specs/blob/master/src/ethereum/forks/istanbul/vm/precompiled_contracts/alt_bn128.py

use parallax_primitives::{Bytes, U256};
use substrate_bn::{AffineG1, AffineG2, Fq, Fq2, Fr, G1, G2, Group, GroupError, Gt, pairing_batch};

use crate::{
    evm::{Evm, buffer_read},
    outcome::PrecompileHalt,
};

const FIELD_MODULUS: U256 =
    U256::from_limbs([0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029]);
const CURVE_ORDER: U256 =
    U256::from_limbs([0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029]);

/// The sum of two points of G1, 64 bytes. What is missing of the input is zero, what follows is ignored.
pub(crate) fn alt_bn128_add(evm: &mut Evm<'_>) -> Result<Bytes, PrecompileHalt> {
    evm.charge_gas(evm.rules.gas().precompile_bn254_add)?;
    let p0 = bytes_to_g1(&buffer_read(evm.data, 0))?;
    let p1 = bytes_to_g1(&buffer_read(evm.data, 64))?;
    g1_to_bytes(p0 + p1)
}

/// A point of G1 times any number of 32 bytes, 64 bytes. What is missing of the input is zero, what follows is ignored.
pub(crate) fn alt_bn128_mul(evm: &mut Evm<'_>) -> Result<Bytes, PrecompileHalt> {
    evm.charge_gas(evm.rules.gas().precompile_bn254_mul)?;
    let p0 = bytes_to_g1(&buffer_read(evm.data, 0))?;
    // Every point of G1 has the curve's order, so the factor counts modulo the order.
    let factor = U256::from_be_bytes(buffer_read::<32>(evm.data, 64)) % CURVE_ORDER;
    let factor = Fr::from_slice(&factor.to_be_bytes::<32>()).map_err(|_| BAD_ELEMENT)?;
    g1_to_bytes(p0 * factor)
}

/// 1 if the pairings of pairs of 192 bytes (G1, then G2) multiply to one, 0 if not, 32 bytes. No pair is a product of one.
pub(crate) fn alt_bn128_pairing_check(evm: &mut Evm<'_>) -> Result<Bytes, PrecompileHalt> {
    let (pairs, rest) = evm.data.as_chunks::<192>();
    let prices = evm.rules.gas();
    let (pair, base) = (prices.precompile_bn254_pairing_pair, prices.precompile_bn254_pairing);
    evm.charge_gas((pairs.len() as u64).saturating_mul(pair).saturating_add(base))?;

    if !rest.is_empty() {
        return Err(PrecompileHalt::Refused("BN254: input is no number of pairs"));
    }
    let points = pairs
        .iter()
        .map(|pair| Ok((bytes_to_g1(&buffer_read(pair, 0))?, bytes_to_g2(&buffer_read(pair, 64))?)))
        .collect::<Result<Vec<_>, PrecompileHalt>>()?;
    let is_one = pairing_batch(&points) == Gt::one();
    Ok(Bytes::copy_from_slice(&U256::from(is_one).to_be_bytes::<32>()))
}

const BAD_ELEMENT: PrecompileHalt =
    PrecompileHalt::Refused("BN254: a coordinate is not below the field's modulus");

/// A point of G1: x and y, both zero for infinity. All of the curve is in the group.
fn bytes_to_g1(data: &[u8; 64]) -> Result<G1, PrecompileHalt> {
    let (x, y) = (field_element(data, 0)?, field_element(data, 32)?);
    if x.is_zero() && y.is_zero() {
        return Ok(G1::zero());
    }
    Ok(AffineG1::new(x, y).map_err(|error| no_point(&error))?.into())
}

/// A point of G2: x and y, all zero for infinity; the imaginary part of each comes first. The curve has other points, which
/// are not in the group.
fn bytes_to_g2(data: &[u8; 128]) -> Result<G2, PrecompileHalt> {
    let x = Fq2::new(field_element(data, 32)?, field_element(data, 0)?);
    let y = Fq2::new(field_element(data, 96)?, field_element(data, 64)?);
    if x.is_zero() && y.is_zero() {
        return Ok(G2::zero());
    }
    Ok(AffineG2::new(x, y).map_err(|error| no_point(&error))?.into())
}

fn no_point(error: &GroupError) -> PrecompileHalt {
    PrecompileHalt::Refused(match error {
        GroupError::NotOnCurve => "BN254: a point is not on the curve",
        GroupError::NotInSubgroup => "BN254: a point is not in the group",
    })
}

fn field_element(data: &[u8], start: usize) -> Result<Fq, PrecompileHalt> {
    let bytes = buffer_read::<32>(data, start);
    if U256::from_be_bytes(bytes) >= FIELD_MODULUS {
        return Err(BAD_ELEMENT);
    }
    Fq::from_slice(&bytes).map_err(|_| BAD_ELEMENT)
}

fn g1_to_bytes(point: G1) -> Result<Bytes, PrecompileHalt> {
    let mut bytes = [0; 64];
    if let Some(point) = AffineG1::from_jacobian(point) {
        let (x, y) = bytes.split_at_mut(32);
        point.x().to_big_endian(x).map_err(|_| BAD_ELEMENT)?;
        point.y().to_big_endian(y).map_err(|_| BAD_ELEMENT)?;
    }
    Ok(Bytes::copy_from_slice(&bytes))
}
