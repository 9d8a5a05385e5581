//! Points that are made here, as the contracts write them: of the groups, and of the curves but not of the groups.

use ark_bls12_381::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInteger, PrimeField};
use substrate_bn::Group;

use crate::random::Random;

fn scalar(random: &mut Random) -> Fr {
    Fr::from_be_bytes_mod_order(&random.bytes(32))
}

pub(crate) fn bls_fq(element: Fq) -> Vec<u8> {
    [vec![0; 16], element.into_bigint().to_bytes_be()].concat()
}

pub(crate) fn bls_fq_random(random: &mut Random) -> Vec<u8> {
    bls_fq(Fq::from_be_bytes_mod_order(&random.bytes(64)))
}

pub(crate) fn bls_g1_bytes(point: G1Affine) -> Vec<u8> {
    point.xy().map_or(vec![0; 128], |(x, y)| [x, y].map(bls_fq).concat())
}

pub(crate) fn bls_g2_bytes(point: G2Affine) -> Vec<u8> {
    point.xy().map_or(vec![0; 256], |(x, y)| [x.c0, x.c1, y.c0, y.c1].map(bls_fq).concat())
}

pub(crate) fn bls_g1(random: &mut Random) -> G1Affine {
    match random.below(16) {
        0 => G1Affine::identity(),
        1 => G1Affine::generator(),
        2 => bls_g1_of_the_curve(random),
        3 => bls_g1_torsion(random),
        _ => (G1Affine::generator() * scalar(random)).into_affine(),
    }
}

/// A point of the curve, hardly ever one of the group.
fn bls_g1_of_the_curve(random: &mut Random) -> G1Affine {
    loop {
        let x = Fq::from_be_bytes_mod_order(&random.bytes(64));
        if let Some(point) = G1Affine::get_point_from_x_unchecked(x, random.one_in(2)) {
            return point;
        }
    }
}

/// A point of the curve without a part in the group: all its pairings are one.
pub(crate) fn bls_g1_torsion(random: &mut Random) -> G1Affine {
    bls_g1_of_the_curve(random).mul_bigint(Fr::MODULUS).into_affine()
}

pub(crate) fn bls_g2(random: &mut Random) -> G2Affine {
    match random.below(16) {
        0 => G2Affine::identity(),
        1 => G2Affine::generator(),
        2 => loop {
            let mut part = || Fq::from_be_bytes_mod_order(&random.bytes(64));
            let x = Fq2::new(part(), part());
            if let Some(point) = G2Affine::get_point_from_x_unchecked(x, random.one_in(2)) {
                break point;
            }
        },
        _ => (G2Affine::generator() * scalar(random)).into_affine(),
    }
}

/// Pairs whose pairings multiply to one: e(aG, bH) e(-abG, H).
pub(crate) fn bls_pairs_of_one(random: &mut Random) -> Vec<u8> {
    let (a, b) = (scalar(random), scalar(random));
    let (g, h) = (G1Affine::generator(), G2Affine::generator());
    [
        bls_g1_bytes((g * a).into_affine()),
        bls_g2_bytes((h * b).into_affine()),
        bls_g1_bytes((g * -(a * b)).into_affine()),
        bls_g2_bytes(h),
    ]
    .concat()
}

/// 48 bytes: x, and what is said of y in the three highest bits.
pub(crate) fn bls_compressed(point: G1Affine) -> Vec<u8> {
    let Some((x, y)) = point.xy() else { return [&[0xc0][..], &[0; 47]].concat() };
    let mut bytes = x.into_bigint().to_bytes_be();
    bytes[0] |= if y > -y { 0xa0 } else { 0x80 };
    bytes
}

/// The secret of the KZG ceremony times the generator of G1, x and y: the second of the published powers.
fn kzg_secret() -> G1Affine {
    let x = parallax_primitives::hex!(
        "0d3eb50121139aa34db1d545093ac9374ab7bca2c0f3bf28e27c8dcd8fc7cb42d25926fc0c97b336e9f0fb35e5a04c81"
    );
    G1Affine::get_point_from_x_unchecked(Fq::from_be_bytes_mod_order(&x), true).unwrap()
}

/// z, y, the commitment and the proof of the polynomial a + bX at z.
pub(crate) fn kzg(random: &mut Random) -> (Fr, Fr, G1Affine, G1Affine) {
    let (a, z) = (scalar(random), scalar(random));
    let b = if random.one_in(8) { Fr::from(0_u8) } else { scalar(random) };
    let commitment = G1Affine::generator() * a + kzg_secret() * b;
    (z, a + b * z, commitment.into_affine(), (G1Affine::generator() * b).into_affine())
}

pub(crate) fn fr(element: Fr) -> Vec<u8> {
    element.into_bigint().to_bytes_be()
}

fn bn_scalar(random: &mut Random) -> substrate_bn::Fr {
    substrate_bn::Fr::interpret(&random.bytes(64).try_into().unwrap())
}

fn bn_fq(element: substrate_bn::Fq) -> [u8; 32] {
    let mut bytes = [0; 32];
    element.to_big_endian(&mut bytes).unwrap();
    bytes
}

fn bn_g1_bytes(point: substrate_bn::G1) -> Vec<u8> {
    substrate_bn::AffineG1::from_jacobian(point)
        .map_or(vec![0; 64], |point| [point.x(), point.y()].map(bn_fq).concat())
}

fn bn_fq2_bytes(x: substrate_bn::Fq2, y: substrate_bn::Fq2) -> Vec<u8> {
    [x.imaginary(), x.real(), y.imaginary(), y.real()].map(bn_fq).concat()
}

fn bn_g2_bytes(point: substrate_bn::G2) -> Vec<u8> {
    substrate_bn::AffineG2::from_jacobian(point).map_or(vec![0; 128], |p| bn_fq2_bytes(p.x(), p.y()))
}

pub(crate) fn bn_g1(random: &mut Random) -> Vec<u8> {
    match random.below(16) {
        0 => vec![0; 64],
        1 => bn_g1_bytes(substrate_bn::G1::one()),
        _ => bn_g1_bytes(substrate_bn::G1::one() * bn_scalar(random)),
    }
}

/// A point of the curve whose group is G1, or of the other one whether it is in G2 or not.
pub(crate) fn bn_g2(random: &mut Random) -> Vec<u8> {
    match random.below(16) {
        0 => vec![0; 128],
        1 => bn_g2_bytes(substrate_bn::G2::one()),
        2 => loop {
            let mut part = || substrate_bn::Fq::interpret(&random.bytes(64).try_into().unwrap());
            let x = substrate_bn::Fq2::new(part(), part());
            if let Some(y) = (x * x * x + substrate_bn::G2::b()).sqrt() {
                break bn_fq2_bytes(x, y);
            }
        },
        _ => bn_g2_bytes(substrate_bn::G2::one() * bn_scalar(random)),
    }
}

/// As [`bls_pairs_of_one`].
pub(crate) fn bn_pairs_of_one(random: &mut Random) -> Vec<u8> {
    let (a, b) = (bn_scalar(random), bn_scalar(random));
    let (g, h) = (substrate_bn::G1::one(), substrate_bn::G2::one());
    [bn_g1_bytes(g * a), bn_g2_bytes(h * b), bn_g1_bytes(-(g * (a * b))), bn_g2_bytes(h)].concat()
}
