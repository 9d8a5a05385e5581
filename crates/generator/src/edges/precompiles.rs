//! Input of precompiled contracts: as long as it should be, one short, one long, and none; points at infinity, or what is no point.

use parallax_primitives::{PrecompileId, Rules, U256};

use super::words::far;
use crate::random::Random;

/// Input of a contract: often one that it takes.
pub(super) fn input(random: &mut Random, contract: PrecompileId) -> Vec<u8> {
    use PrecompileId as P;
    let times = random.pick(&[0, 1, 1, 2]);
    let length: usize = match contract {
        P::EcRecover | P::Bn254Add | P::Bls12MapFp2ToG2 => 128,
        P::Sha256 | P::Ripemd160 | P::Identity => random.pick(&[0, 1, 31, 32, 33, 64]),
        P::Modexp => return modexp(random),
        P::Bn254Mul => 96,
        P::Bn254Pairing => 192 * times,
        P::Blake2F => 213,
        P::KzgPointEvaluation => 192,
        P::Bls12G1Add => 256,
        P::Bls12G1Msm | P::P256Verify => 160,
        P::Bls12G2Add => 512,
        P::Bls12G2Msm => 288,
        P::Bls12Pairing => 384 * times,
        P::Bls12MapFpToG1 => 64,
    };
    let length = match random.below(8) {
        0 => 0,
        1 => length.saturating_sub(1),
        2 => length + 1,
        _ => length,
    };
    let mut bytes = match random.below(4) {
        // Infinity, and other zeros.
        0 | 1 => vec![0; length],
        // Beyond every field.
        2 => vec![0xff; length],
        _ => (0..length).map(|_| random.byte()).collect(),
    };
    match contract {
        P::Blake2F if length == 213 => {
            let rounds: u32 = random.pick(&[0, 1, 9, 10, 11, 12, 13, 1 << 20, u32::MAX]);
            bytes[..4].copy_from_slice(&rounds.to_be_bytes());
            bytes[212] = random.pick(&[0, 1, 1, 2]);
        }
        // The generator of BN254, (1, 2).
        P::Bn254Add | P::Bn254Mul if length >= 64 && random.once_in(3) => {
            bytes[..64].fill(0);
            bytes[31] = 1;
            bytes[63] = 2;
        }
        P::EcRecover if length == 128 => {
            bytes[32..63].fill(0);
            bytes[63] = random.pick(&[26, 27, 28, 29]);
        }
        _ => {}
    }
    bytes
}

/// Three lengths, and some bytes behind them.
fn modexp(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(200);
    for _ in 0..3 {
        let length = match random.below(8) {
            0 => U256::ZERO,
            1 => U256::from(1),
            2 => U256::from(random.pick(&[1023, 1024, 1025])),
            3 => far(random),
            _ => U256::from(random.pick(&[0, 1, 2, 8, 31, 32, 33])),
        };
        bytes.extend(length.to_be_bytes::<32>());
    }
    bytes.extend((0..random.pick(&[0, 1, 3, 33, 66, 99])).map(|_| random.byte() >> random.pick(&[0, 0, 7])));
    if random.once_in(8) {
        bytes.truncate(random.pick(&[0, 31, 32, 95, 96]));
    }
    bytes
}

/// Gas of a call to a contract: its price where that is a number of the tables, one more or less; plenty, or none.
pub(super) fn gas(random: &mut Random, rules: Rules, contract: PrecompileId) -> u64 {
    use PrecompileId as P;
    let prices = rules.gas();
    let price = match contract {
        P::EcRecover => prices.precompile_ecrecover,
        P::Sha256 => prices.precompile_sha256 + prices.precompile_sha256_word,
        P::Ripemd160 => prices.precompile_ripemd160 + prices.precompile_ripemd160_word,
        P::Identity => prices.precompile_identity + prices.precompile_identity_word,
        P::Modexp => random.pick(&[0, 200, 500]),
        P::Bn254Add => prices.precompile_bn254_add,
        P::Bn254Mul => prices.precompile_bn254_mul,
        P::Bn254Pairing => prices.precompile_bn254_pairing + prices.precompile_bn254_pairing_pair,
        P::Blake2F => 12,
        P::KzgPointEvaluation => prices.precompile_point_evaluation,
        P::Bls12G1Add => prices.precompile_bls12_g1_add,
        P::Bls12G1Msm => prices.precompile_bls12_g1_mul,
        P::Bls12G2Add => prices.precompile_bls12_g2_add,
        P::Bls12G2Msm => prices.precompile_bls12_g2_mul,
        P::Bls12Pairing => prices.precompile_bls12_pairing + prices.precompile_bls12_pairing_pair,
        P::Bls12MapFpToG1 => prices.precompile_bls12_map_fp,
        P::Bls12MapFp2ToG2 => prices.precompile_bls12_map_fp2,
        P::P256Verify => prices.precompile_p256verify,
    };
    match random.below(4) {
        0 => (price + random.below(3) as u64).saturating_sub(1),
        1 => random.below(40) as u64,
        _ => 200_000,
    }
}
