//! Input that precompiled contracts take: points of their curves, signatures and proofs that hold, and what is next to them.
//!
//! Numbers are those of the curves' definitions (EIP-196, EIP-197, EIP-2537, EIP-7951, SEC 2), or were worked out from them.

use parallax_primitives::{PrecompileId, hex};

use crate::random::Random;

/// Points of BN254's first group, affine: the generator, its double, three of it, and the generator's opposite (EIP-196).
const BN254_G1: [&str; 4] = [
    "00000000000000000000000000000000000000000000000000000000000000010000000000000000000000000000000000000000000000000000000000000002",
    "030644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd315ed738c0e0a7c92e7845f96b2ae9c0a68a6a449e3538fc7ff3ebf7a5a18a2c4",
    "0769bf9ac56bea3ff40232bcb1b6bd159315d84715b8e679f2d355961915abf02ab799bee0489429554fdb7c8d086475319e63b40b9c5b57cdf1ff3dd9fe2261",
    "000000000000000000000000000000000000000000000000000000000000000130644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd45",
];
/// The generator of the second group, imaginary parts first (EIP-197).
const BN254_G2: &str = "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c21800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa";
/// The order of BN254's field.
const BN254_FIELD: &str = "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47";
/// Points of BLS12-381's first group: the generator, its double, three of it, the generator's opposite; and a point of the curve that is
/// not in the group.
const BLS_G1: [[&str; 2]; 5] = [
    [BLS_GENERATOR_X, BLS_GENERATOR_Y],
    [
        "0572cbea904d67468808c8eb50a9450c9721db309128012543902d0ac358a62ae28f75bb8f1c7c42c39a8c5529bf0f4e",
        "166a9d8cabc673a322fda673779d8e3822ba3ecb8670e461f73bb9021d5fd76a4c56d9d4cd16bd1bba86881979749d28",
    ],
    [
        "09ece308f9d1f0131765212deca99697b112d61f9be9a5f1f3780a51335b3ff981747a0b2ca2179b96d2c0c9024e5224",
        "032b80d3a6f5b09f8a84623389c5f80ca69a0cddabc3097f9d9c27310fd43be6e745256c634af45ca3473b0590ae30d1",
    ],
    [
        BLS_GENERATOR_X,
        "114d1d6855d545a8aa7d76c8cf2e21f267816aef1db507c96655b9d5caac42364e6f38ba0ecb751bad54dcd6b939c2ca",
    ],
    [
        "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
        "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000002",
    ],
];
const BLS_GENERATOR_X: &str =
    "17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb";
const BLS_GENERATOR_Y: &str =
    "08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1";
/// The second group's generator, and a point of its curve that is not in the group; real parts first (EIP-2537).
const BLS_G2: [[&str; 4]; 2] = [
    [
        "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8",
        "13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e",
        "0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801",
        "0606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be",
    ],
    [
        "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000002",
        "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
        "0018c6b864ae17dc9da64203ffefb966306425a7bc6aeb7c75247438372716284a4173830420cd476ba1a365b95bfcec",
        "172e93db764a8400a7d5071b6b6f5de0da2f0f4a063119abca014006b7c40a2cfe291a1924e65db0d6d0fcfbf3bf3d5c",
    ],
];
/// The order of BLS12-381's groups.
const BLS_ORDER: &str = "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001";
/// The order of its field.
const BLS_FIELD: &str =
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab";
/// What is signed below.
const SIGNED: [u8; 32] = [0x11; 32];
/// Of secp256k1, by the key 7: v = 27, r, and two s, of which the second is the high one, with v = 28 (SEC 2; EIP-2).
const SECP256K1: [&str; 3] = [
    "2f8bde4d1a07209355b4a7250a5c5128e88b84bddc619ab7cba8d569b240efe4",
    "45fa6dd5c173ca9e7b66ba37451e41d648f9f0739e58dc04ba22fafdc9c4b9a9",
    "ba05922a3e8c3561849945c8bae1be2871b4ec7310efc43705af638f06718798",
];
/// Of secp256r1, by the key 7: r, s and the public key (EIP-7951).
const SECP256R1: &str = "51590b7a515140d2d784c85608668fdfef8c82fd1f5be52421554a0dc3d033ed754ce048420ec490fdf08248a8c6333cec61bacc2f50ddcf987ad17d158d4c1c8e533b6fa0bf7b4625bb30667c01fb607ef9f8b8a80fef5b300628703187b2a373eb1dbde03318366d069f83a6f5900053c73633cb041b21c55e1a86c1f400b4";

/// Input that the contract takes, or takes but for a number that is next to one that it would; `None` for one that takes any bytes.
pub(crate) fn well_formed(random: &mut Random, contract: PrecompileId) -> Option<Vec<u8>> {
    use PrecompileId as P;
    let pairs = random.pick(&[1, 1, 2, 3]);
    Some(match contract {
        P::EcRecover => ecrecover(random),
        P::Modexp => modexp(random),
        P::Bn254Add => [bn254_point(random), bn254_point(random)].concat(),
        P::Bn254Mul => [bn254_point(random), scalar(random).to_vec()].concat(),
        P::Bn254Pairing => {
            let one = |random: &mut Random| {
                let second = if random.once_in(4) { vec![0; 128] } else { bytes(BN254_G2) };
                [bn254_point(random), second].concat()
            };
            (0..pairs).flat_map(|_| one(random)).collect()
        }
        P::Blake2F => {
            let rounds: u32 = random.pick(&[0, 1, 9, 10, 11, 12, 13, 25]);
            let mut input = rounds.to_be_bytes().to_vec();
            input.extend((0..208).map(|_| random.byte()));
            input.push(random.byte() & 1);
            input
        }
        P::KzgPointEvaluation => point_evaluation(random),
        P::Bls12G1Add => [bls_g1(random), bls_g1(random)].concat(),
        P::Bls12G1Msm => {
            (0..pairs).flat_map(|_| [bls_g1(random), scalar(random).to_vec()].concat()).collect()
        }
        P::Bls12G2Add => [bls_g2(random), bls_g2(random)].concat(),
        P::Bls12G2Msm => {
            (0..pairs).flat_map(|_| [bls_g2(random), scalar(random).to_vec()].concat()).collect()
        }
        P::Bls12Pairing => (0..pairs).flat_map(|_| [bls_g1(random), bls_g2(random)].concat()).collect(),
        P::Bls12MapFpToG1 => field_element(random),
        P::Bls12MapFp2ToG2 => [field_element(random), field_element(random)].concat(),
        P::P256Verify => {
            let mut input = [SIGNED.to_vec(), bytes(SECP256R1)].concat();
            if random.once_in(4) {
                let at = random.below(input.len());
                input[at] ^= 1;
            }
            input
        }
        P::Sha256 | P::Ripemd160 | P::Identity => return None,
    })
}

fn bytes(digits: &str) -> Vec<u8> {
    // The digits are those above.
    hex::decode(digits).unwrap_or_default()
}

/// Zero, one, the order of a group and what is next to it, the greatest word, or any.
fn scalar(random: &mut Random) -> [u8; 32] {
    let mut scalar = [0; 32];
    match random.below(6) {
        0 => scalar[31] = random.pick(&[0, 1, 2, 3]),
        1 => scalar.copy_from_slice(&bytes(BLS_ORDER)),
        2 => {
            scalar.copy_from_slice(&bytes(BLS_ORDER));
            scalar[31] = random.pick(&[0, 2]);
        }
        3 => scalar = [0xff; 32],
        _ => scalar.fill_with(|| random.byte()),
    }
    scalar
}

/// A point of BN254's first group; infinity; or one with a coordinate that is not smaller than the field's order.
fn bn254_point(random: &mut Random) -> Vec<u8> {
    match random.below(8) {
        0 => vec![0; 64],
        1 => [bytes(BN254_FIELD), vec![0; 32]].concat(),
        _ => bytes(random.pick(&BN254_G1)),
    }
}

/// 48 bytes in the 64 that EIP-2537 has for them.
fn padded(digits: &str) -> Vec<u8> {
    [vec![0; 16], bytes(digits)].concat()
}

fn bls_g1(random: &mut Random) -> Vec<u8> {
    match random.below(8) {
        0 | 1 => vec![0; 128],
        // The last one is in no group.
        2 => random.pick(&BLS_G1).iter().flat_map(|digits| padded(digits)).collect(),
        _ => random.pick(&BLS_G1[..4]).iter().flat_map(|digits| padded(digits)).collect(),
    }
}

fn bls_g2(random: &mut Random) -> Vec<u8> {
    match random.below(8) {
        0 | 1 => vec![0; 256],
        2 => BLS_G2[1].iter().flat_map(|digits| padded(digits)).collect(),
        _ => BLS_G2[0].iter().flat_map(|digits| padded(digits)).collect(),
    }
}

/// An element of BLS12-381's field, or its order, which is none.
fn field_element(random: &mut Random) -> Vec<u8> {
    match random.below(6) {
        0 => padded(BLS_FIELD),
        1 => vec![0; 64],
        _ => padded(BLS_GENERATOR_X),
    }
}

/// A signature that holds, with low and high s, or with one byte that is another.
fn ecrecover(random: &mut Random) -> Vec<u8> {
    let is_high = random.once_in(3);
    let mut input = SIGNED.to_vec();
    input.extend([0; 31]);
    input.push(if is_high { 28 } else { 27 });
    input.extend(bytes(SECP256K1[0]));
    input.extend(bytes(SECP256K1[if is_high { 2 } else { 1 }]));
    if random.once_in(4) {
        let at = random.below(input.len());
        input[at] ^= 1;
    }
    input
}

/// Lengths up to 70 bytes, numbers with zeros in front, a modulus that is zero or one, an exponent longer than a word.
fn modexp(random: &mut Random) -> Vec<u8> {
    let lengths: [usize; 3] = std::array::from_fn(|_| random.pick(&[0, 1, 2, 31, 32, 33, 40, 64, 70]));
    let mut input = Vec::with_capacity(96 + lengths.iter().sum::<usize>());
    for length in lengths {
        input.extend([0; 31]);
        input.push(length.to_le_bytes()[0]);
    }
    for length in lengths {
        let zeros = if random.once_in(3) { random.below(length + 1) } else { 0 };
        let mut number: Vec<u8> = (0..length).map(|_| random.byte()).collect();
        number[..zeros].fill(0);
        input.extend(number);
    }
    if random.once_in(8) {
        // A base of one, or a modulus of one.
        if let Some(last) = input.last_mut() {
            *last = 1;
        }
    }
    input
}

/// The polynomial that is zero everywhere: commitment and proof are the point at infinity (EIP-4844).
fn point_evaluation(random: &mut Random) -> Vec<u8> {
    let infinity = || [&[0xc0][..], &[0; 47]].concat();
    // 0x01 and the last 31 bytes of the SHA-256 of the commitment.
    let hash = bytes("010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014");
    let point = if random.once_in(4) { scalar(random) } else { [0; 32] };
    let mut input = [hash, point.to_vec(), vec![0; 32], infinity(), infinity()].concat();
    if random.once_in(4) {
        let at = random.below(input.len());
        input[at] ^= 1;
    }
    input
}

#[cfg(test)]
mod tests {
    use parallax_host_interface::PrecompileSet;
    use parallax_primitives::{Fork, Rules};

    use super::*;

    #[test]
    fn contracts_take_most_of_it() {
        let rules = Rules::of(Fork::LATEST);
        let mut random = Random::new(1);
        for contract in PrecompileId::ALL {
            let (mut taken, mut told, mut all) = (0, 0, 0);
            while let Some(input) = well_formed(&mut random, *contract).filter(|_| all < 40) {
                all += 1;
                let output = parallax_precompiles::Contracts.run(rules, contract.address(), &input, 1 << 40);
                let output = output.unwrap().ok().map(|output| output.output).unwrap_or_default();
                // Of a signature that does not hold, nothing is answered.
                taken += u32::from(!output.is_empty());
                told += u32::from(output.iter().any(|byte| *byte != 0));
            }
            assert!(all == 0 || taken >= 10 && told >= 5, "{contract:?}: {taken} and {told} of {all}");
        }
    }
}
