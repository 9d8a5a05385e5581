//! An input for a contract: mostly well-formed, then spoilt a little.

use ark_ec::CurveGroup;
use parallax_primitives::hex;

use crate::{
    curves::{
        bls_compressed, bls_fq_random, bls_g1, bls_g1_bytes, bls_g1_torsion, bls_g2, bls_g2_bytes,
        bls_pairs_of_one, bn_g1, bn_g2, bn_pairs_of_one, fr, kzg,
    },
    random::Random,
};

const SECP256K1N: [u8; 32] = hex!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
const SECP256K1P: [u8; 32] = hex!("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f");
const SECP256R1N: [u8; 32] = hex!("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
const SECP256R1P: [u8; 32] = hex!("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
const BN254_P: [u8; 32] = hex!("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47");
const BN254_N: [u8; 32] = hex!("30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001");
const BLS12_P: [u8; 64] = hex!(
    "000000000000000000000000000000001a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab"
);
const BLS12_N: [u8; 32] = hex!("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001");

/// An input for the contract with this number.
pub(crate) fn input(contract: u16, random: &mut Random) -> Vec<u8> {
    let mut input = well_formed(contract, random);
    // Half of them stay as they are.
    if random.one_in(2) {
        for _ in 0..=random.below(3) {
            spoil(contract, &mut input, random);
        }
    }
    input
}

fn well_formed(contract: u16, random: &mut Random) -> Vec<u8> {
    match contract {
        0x01 => ecrecover(random),
        0x02..=0x04 => {
            let length = if random.one_in(4) { random.below(2000) } else { random.below(150) };
            random.bytes(length)
        }
        0x05 => modexp(random),
        0x06 => [bn_g1(random), bn_g1(random)].concat(),
        0x07 => [bn_g1(random), random.word(&[BN254_N]).to_vec()].concat(),
        0x08 => pairs(random, bn_pairs_of_one, |random| [bn_g1(random), bn_g2(random)].concat()),
        0x09 => blake2f(random),
        0x0a => point_evaluation(random),
        0x0b => [bls_g1_bytes(bls_g1(random)), bls_g1_bytes(bls_g1(random))].concat(),
        0x0c => (0..=random.below(4))
            .flat_map(|_| [bls_g1_bytes(bls_g1(random)), random.word(&[BLS12_N]).to_vec()].concat())
            .collect(),
        0x0d => [bls_g2_bytes(bls_g2(random)), bls_g2_bytes(bls_g2(random))].concat(),
        0x0e => (0..=random.below(4))
            .flat_map(|_| [bls_g2_bytes(bls_g2(random)), random.word(&[BLS12_N]).to_vec()].concat())
            .collect(),
        0x0f => pairs(random, bls_pairs_of_one, |random| {
            [bls_g1_bytes(bls_g1(random)), bls_g2_bytes(bls_g2(random))].concat()
        }),
        0x10 => bls_fq_random(random),
        0x11 => [bls_fq_random(random), bls_fq_random(random)].concat(),
        0x100 => p256verify(random),
        _ => unreachable!("no contract {contract:#x}"),
    }
}

fn ecrecover(random: &mut Random) -> Vec<u8> {
    let v = if random.one_in(16) { random.word(&[]) } else { number(27 + random.below(2)) };
    let field = [SECP256K1N, SECP256K1P];
    [random.word(&[SECP256K1N]), v, random.word(&field), random.word(&field)].concat()
}

fn number(value: usize) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&(value as u64).to_be_bytes());
    bytes
}

/// Numbers of up to 100 bytes, some of about 1,024; lengths that say something else than what follows, up to 2^256 - 1.
fn modexp(random: &mut Random) -> Vec<u8> {
    let lengths = [0; 3].map(|_| match random.below(24) {
        0 => 1022 + random.below(5),
        1..=3 => 0,
        4 | 5 => random.pick(&[31, 32, 33, 64, 65]),
        _ => random.below(100),
    });
    let mut numbers = lengths.map(|length| random.bytes(length));
    for number in &mut numbers {
        let end = number.len();
        match random.below(12) {
            0 => number.fill(0),
            1 => number.fill(0xff),
            2 => number[..end / 2].fill(0),
            3 => number[end / 2..].fill(0),
            4 => number[..end.saturating_sub(1)].fill(0),
            5 => number[end.saturating_sub(1)..].fill(0),
            _ => {}
        }
    }
    let lengths = lengths.map(|length| match random.below(24) {
        0 => random.word(&[]),
        1 => number(1 << (random.below(40) + 8)),
        2 => [&[0; 20][..], &[1], &[0; 11]].concat().try_into().unwrap(),
        3 => [0xff; 32],
        4 => number(length + random.below(40)),
        _ => number(length),
    });
    [lengths.concat(), numbers.concat()].concat()
}

fn pairs(
    random: &mut Random,
    of_one: fn(&mut Random) -> Vec<u8>,
    any: fn(&mut Random) -> Vec<u8>,
) -> Vec<u8> {
    match random.below(4) {
        0 => of_one(random),
        1 => [of_one(random), any(random)].concat(),
        2 => any(random),
        _ => [any(random), any(random)].concat(),
    }
}

fn blake2f(random: &mut Random) -> Vec<u8> {
    let rounds = match random.below(8) {
        0 => random.below(3000),
        1 => 12,
        _ => random.below(40),
    };
    let flag = u8::try_from(if random.one_in(8) { random.below(4) } else { random.below(2) }).unwrap();
    [&number(rounds)[28..], &random.bytes(208), &[flag]].concat()
}

/// A proof that holds, or would if the points that are not in the group were taken, or one of other points.
fn point_evaluation(random: &mut Random) -> Vec<u8> {
    let (z, y, mut commitment, mut proof) = kzg(random);
    match random.below(16) {
        0 => commitment = (commitment + bls_g1_torsion(random)).into_affine(),
        1 => proof = (proof + bls_g1_torsion(random)).into_affine(),
        _ => {}
    }
    let commitment = bls_compressed(if random.one_in(8) { bls_g1(random) } else { commitment });
    let proof = bls_compressed(if random.one_in(8) { bls_g1(random) } else { proof });
    let mut input = [vec![0; 32], fr(z), fr(y), commitment, proof].concat();
    put_versioned_hash(&mut input);
    input
}

/// The hash in front of a commitment, so that what was spoilt behind it is looked at.
fn put_versioned_hash(input: &mut [u8]) {
    use sha2::Digest;
    if input.len() >= 144 {
        let hash = sha2::Sha256::digest(&input[96..144]);
        input[..32].copy_from_slice(&hash);
        input[0] = 1;
    }
}

fn p256verify(random: &mut Random) -> Vec<u8> {
    let key = crrl::p256::PrivateKey::from_seed(&random.bytes(32));
    let hash = random.word(&[SECP256R1N]);
    let signature = key.sign_hash(&hash, &[]);
    [&hash[..], &signature, &key.to_public_key().encode_uncompressed()[1..]].concat()
}

/// Changes a little: a bit, the length, one field for a modulus or a number beside it, one field for another.
fn spoil(contract: u16, input: &mut Vec<u8>, random: &mut Random) {
    let moduli: &[&[u8]] = match contract {
        0x01 => &[&SECP256K1N, &SECP256K1P],
        0x06..=0x08 => &[&BN254_P, &BN254_N],
        0x0a => &[&BLS12_N],
        0x0b..=0x11 => &[&BLS12_P],
        0x100 => &[&SECP256R1N, &SECP256R1P],
        _ => &[&[0xff; 32]],
    };
    let modulus = random.pick(moduli);
    let fields = input.len() / modulus.len();
    let at = random.below(fields) * modulus.len();
    match random.below(8) {
        0 if !input.is_empty() => {
            let at = random.below(input.len());
            input[at] ^= 1 << random.below(8);
        }
        1 => input.truncate(input.len().saturating_sub(1 + random.below(40))),
        2 => {
            let length = random.pick(&[1, 1, 32, 40]);
            input.extend(random.bytes(length));
        }
        3 if fields > 0 => {
            input[at..at + modulus.len()].copy_from_slice(modulus);
            let last = at + modulus.len() - 1;
            input[last] = input[last].wrapping_add([0, 1, 0xff][random.below(3)]);
        }
        4 if fields > 0 => add(&mut input[at..at + modulus.len()], modulus),
        5 if fields > 0 => input[at..at + modulus.len()].fill(random.pick(&[0, 0, 0xff])),
        6 if fields > 1 => {
            let from = random.below(fields) * modulus.len();
            input.copy_within(from..from + modulus.len(), at);
        }
        // The three highest bits say how a point is compressed.
        7 if contract == 0x0a && input.len() == 192 => {
            let at = random.pick(&[96, 144]);
            input[at] ^= 0x20 << random.below(3);
        }
        _ => {}
    }
    if contract == 0x0a && !random.one_in(8) {
        put_versioned_hash(input);
    }
}

/// Adds `number` to `field`, both big endian, without what is beyond it.
fn add(field: &mut [u8], number: &[u8]) {
    let mut carry = 0;
    for (byte, add) in field.iter_mut().zip(number).rev() {
        let sum = u16::from(*byte) + u16::from(*add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}
