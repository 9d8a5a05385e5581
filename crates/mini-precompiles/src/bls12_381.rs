//! BLS12-381 (EIP-2537): how its points are written, checked and paid for, as [`bls12_381/__init__.py`] has it. The curve is
//! arkworks'.
//!
//! [`bls12_381/__init__.py`]: https://github.com/ethereum/execution-specs/blob/master/src/ethereum/forks/prague/vm/precompiled_contracts/bls12_381/__init__.py

pub(crate) mod g1;
pub(crate) mod g2;
pub(crate) mod pairing;

use ark_bls12_381::{Bls12_381, Fq, Fq2, G1Affine, G2Affine};
use ark_ec::{
    AffineRepr,
    pairing::{Pairing, PairingOutput},
    short_weierstrass::{Affine, SWCurveConfig},
};
use ark_ff::{BigInt, BigInteger, PrimeField, Zero};

use crate::{evm::buffer_read, outcome::PrecompileHalt};

/// Parts in 1,000 of the price of as many multiplications, for 1 to 128 pairs; for more the last one.
#[rustfmt::skip]
const G1_K_DISCOUNT: [u64; 128] = [
    1000, 949, 848, 797, 764, 750, 738, 728, 719, 712, 705, 698, 692, 687, 682, 677, 673, 669, 665, 661,
    658, 654, 651, 648, 645, 642, 640, 637, 635, 632, 630, 627, 625, 623, 621, 619, 617, 615, 613, 611,
    609, 608, 606, 604, 603, 601, 599, 598, 596, 595, 593, 592, 591, 589, 588, 586, 585, 584, 582, 581,
    580, 579, 577, 576, 575, 574, 573, 572, 570, 569, 568, 567, 566, 565, 564, 563, 562, 561, 560, 559,
    558, 557, 556, 555, 554, 553, 552, 551, 550, 549, 548, 547, 547, 546, 545, 544, 543, 542, 541, 540,
    540, 539, 538, 537, 536, 536, 535, 534, 533, 532, 532, 531, 530, 529, 528, 528, 527, 526, 525, 525,
    524, 523, 522, 522, 521, 520, 520, 519,
];

/// As [`G1_K_DISCOUNT`].
#[rustfmt::skip]
const G2_K_DISCOUNT: [u64; 128] = [
    1000, 1000, 923, 884, 855, 832, 812, 796, 782, 770, 759, 749, 740, 732, 724, 717, 711, 704, 699, 693,
    688, 683, 679, 674, 670, 666, 663, 659, 655, 652, 649, 646, 643, 640, 637, 634, 632, 629, 627, 624,
    622, 620, 618, 615, 613, 611, 609, 607, 606, 604, 602, 600, 598, 597, 595, 593, 592, 590, 589, 587,
    586, 584, 583, 582, 580, 579, 578, 576, 575, 574, 573, 571, 570, 569, 568, 567, 566, 565, 563, 562,
    561, 560, 559, 558, 557, 556, 555, 554, 553, 552, 552, 551, 550, 549, 548, 547, 546, 545, 545, 544,
    543, 542, 541, 541, 540, 539, 538, 537, 537, 536, 535, 535, 534, 533, 532, 532, 531, 530, 530, 529,
    528, 528, 527, 526, 526, 525, 524, 524,
];

/// The price of a sum of `pairs` products.
fn msm_gas(pairs: usize, multiplication: u64, discounts: &[u64; 128]) -> u64 {
    let discount = discounts[pairs.clamp(1, 128) - 1];
    (pairs as u64).saturating_mul(multiplication.saturating_mul(discount)) / 1000
}

/// Which points a contract takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Points {
    /// All of the curve: the two additions.
    Curve,
    /// Those of the group of prime order.
    Subgroup,
}

fn bytes_to_g1(data: &[u8; 128], points: Points) -> Result<G1Affine, PrecompileHalt> {
    point(bytes_to_fq(data, 0)?, bytes_to_fq(data, 64)?, points)
}

fn bytes_to_g2(data: &[u8; 256], points: Points) -> Result<G2Affine, PrecompileHalt> {
    point(bytes_to_fq2(data, 0)?, bytes_to_fq2(data, 128)?, points)
}

/// The point at x and y; infinity if both are zero.
fn point<P: SWCurveConfig>(
    x: P::BaseField,
    y: P::BaseField,
    points: Points,
) -> Result<Affine<P>, PrecompileHalt> {
    if x.is_zero() && y.is_zero() {
        return Ok(Affine::identity());
    }
    let point = Affine::new_unchecked(x, y);
    if !point.is_on_curve() {
        return Err(PrecompileHalt::Refused("BLS12-381: a point is not on the curve"));
    }
    if points == Points::Subgroup && !point.is_in_correct_subgroup_assuming_on_curve() {
        return Err(PrecompileHalt::Refused("BLS12-381: a point is not in the group"));
    }
    Ok(point)
}

/// A field element: 64 bytes, big endian, below the modulus.
fn bytes_to_fq(data: &[u8], start: usize) -> Result<Fq, PrecompileHalt> {
    let bytes = buffer_read::<64>(data, start);
    let (zeros, bytes) = bytes.split_at(16);
    let element = fq(bytes).filter(|_| zeros.iter().all(|byte| *byte == 0));
    element.ok_or(PrecompileHalt::Refused("BLS12-381: a field element is not below the modulus"))
}

/// The real part, then the imaginary one.
fn bytes_to_fq2(data: &[u8], start: usize) -> Result<Fq2, PrecompileHalt> {
    Ok(Fq2::new(bytes_to_fq(data, start)?, bytes_to_fq(data, start + 64)?))
}

/// The field element that 48 bytes are, big endian; none if they are not below the modulus.
pub(crate) fn fq(bytes: &[u8]) -> Option<Fq> {
    let mut limbs = [0; 6];
    for (limb, bytes) in limbs.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_be_bytes(*bytes);
    }
    Fq::from_bigint(BigInt::new(limbs))
}

fn fq_to_bytes(element: Fq) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[16..].copy_from_slice(&element.into_bigint().to_bytes_be());
    bytes
}

fn g1_to_bytes(point: G1Affine) -> [u8; 128] {
    let mut bytes = [0; 128];
    if let Some((x, y)) = point.xy() {
        bytes[..64].copy_from_slice(&fq_to_bytes(x));
        bytes[64..].copy_from_slice(&fq_to_bytes(y));
    }
    bytes
}

fn g2_to_bytes(point: G2Affine) -> [u8; 256] {
    let mut bytes = [0; 256];
    if let Some((x, y)) = point.xy() {
        for (part, element) in bytes.as_chunks_mut::<64>().0.iter_mut().zip([x.c0, x.c1, y.c0, y.c1]) {
            *part = fq_to_bytes(element);
        }
    }
    bytes
}

/// Whether the pairings of all pairs multiply to one. A pair with infinity in it gives one.
pub(crate) fn pairing_check(pairs: &[(G1Affine, G2Affine)]) -> bool {
    let (p, q): (Vec<_>, Vec<_>) =
        pairs.iter().filter(|(p, q)| !p.is_zero() && !q.is_zero()).copied().unzip();
    // arkworks writes the target group as a sum.
    Bls12_381::multi_pairing(p, q) == PairingOutput::zero()
}
