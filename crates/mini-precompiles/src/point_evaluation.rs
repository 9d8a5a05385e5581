//! The KZG point evaluation ([`point_evaluation.py`] and [`kzg.py`], EIP-4844); the curve is arkworks'.
//!
//! [`point_evaluation.py`]: https://github.com/ethereum/execution-specs/blob/master/src/ethereum/forks/cancun/vm/precompiled_contracts/point_evaluation.py
//! [`kzg.py`]: https://github.com/ethereum/execution-specs/blob/master/src/ethereum/crypto/kzg.py

use ark_bls12_381::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInt, MontFp, PrimeField};
use parallax_primitives::{Bytes, U256};

use crate::{
    bls12_381::{fq, pairing_check},
    evm::{Evm, buffer_read},
    outcome::PrecompileHalt,
    sha256::digest,
};

const FIELD_ELEMENTS_PER_BLOB: U256 = U256::from_limbs([4096, 0, 0, 0]);
const VERSIONED_HASH_VERSION_KZG: u8 = 1;
const BLS_MODULUS: U256 =
    U256::from_limbs([0xffffffff00000001, 0x53bda402fffe5bfe, 0x3339d80809a1d805, 0x73eda753299d7d48]);

/// The secret of the ceremony times the generator of G2 (`KZG_SETUP_G2_MONOMIAL_1`, written out as x and y).
const SETUP_G2: G2Affine = G2Affine::new_unchecked(
    Fq2::new(
        MontFp!(
            "3749701713850085193403383609513386037494151572263731328608276629425322978272408394373143740944003571525027436289778"
        ),
        MontFp!(
            "3347537128081568434923729147580015899756771550835613107520576615563260658656019591232316627827007503930666726825842"
        ),
    ),
    Fq2::new(
        MontFp!(
            "194392958648403190675529552496435226424111592982833162118538452666741235889530674000225873281133418439621742897817"
        ),
        MontFp!(
            "3447898402727835650716129438012169492682148398295533958400255525306573911008434577489634554212211450783070687991119"
        ),
    ),
);

/// The number of field elements in a blob and the modulus, 32 bytes each, if the proof holds; refused if not.
///
/// Input, exactly 192 bytes: the blob's versioned hash, z and y (32 bytes each), the commitment and the proof (48 bytes
/// each). They say that the blob's polynomial is y at z.
pub(crate) fn point_evaluation(evm: &mut Evm<'_>) -> Result<Bytes, PrecompileHalt> {
    if evm.data.len() != 192 {
        return Err(PrecompileHalt::Refused("KZG: input is not 192 bytes long"));
    }
    evm.charge_gas(evm.rules.gas().precompile_point_evaluation)?;

    let commitment = buffer_read::<48>(evm.data, 96);
    let mut versioned_hash = digest(&commitment);
    versioned_hash[0] = VERSIONED_HASH_VERSION_KZG;
    if buffer_read(evm.data, 0) != versioned_hash {
        return Err(PrecompileHalt::Refused("KZG: the hash is not the commitment's"));
    }
    if !verify_kzg_proof(
        bytes_to_g1(&commitment)?,
        bytes_to_field(buffer_read(evm.data, 32))?,
        bytes_to_field(buffer_read(evm.data, 64))?,
        bytes_to_g1(&buffer_read(evm.data, 144))?,
    ) {
        return Err(PrecompileHalt::Refused("KZG: the proof does not hold"));
    }
    Ok([FIELD_ELEMENTS_PER_BLOB, BLS_MODULUS].iter().flat_map(U256::to_be_bytes::<32>).collect())
}

/// Whether P - y = Q (X - z), which is one product of two pairings: e(P - y, -1) e(Q, X - z) = 1.
fn verify_kzg_proof(commitment: G1Affine, z: Fr, y: Fr, proof: G1Affine) -> bool {
    let x_minus_z = SETUP_G2 - G2Affine::generator() * z;
    let p_minus_y = commitment - G1Affine::generator() * y;
    pairing_check(&[(p_minus_y.into_affine(), -G2Affine::generator()), (proof, x_minus_z.into_affine())])
}

/// An element of the scalar field: 32 bytes, big endian, below the modulus.
fn bytes_to_field(bytes: [u8; 32]) -> Result<Fr, PrecompileHalt> {
    let value = U256::from_be_bytes(bytes);
    Fr::from_bigint(BigInt::new(value.into_limbs()))
        .ok_or(PrecompileHalt::Refused("KZG: z or y is not below the modulus"))
}

/// A point of G1 in 48 bytes: x, and in its three highest bits that it is compressed, that it is infinity (then all other
/// bits are zero), that y is the larger of the two.
fn bytes_to_g1(bytes: &[u8; 48]) -> Result<G1Affine, PrecompileHalt> {
    const REFUSED: PrecompileHalt =
        PrecompileHalt::Refused("KZG: the commitment or the proof is no point of G1");

    let (compressed, infinity, larger) = (bytes[0] & 0x80 != 0, bytes[0] & 0x40 != 0, bytes[0] & 0x20 != 0);
    let mut x = *bytes;
    x[0] &= 0x1f;
    if !compressed {
        return Err(REFUSED);
    }
    if infinity {
        return if larger || x != [0; 48] { Err(REFUSED) } else { Ok(G1Affine::identity()) };
    }
    let x: Fq = fq(&x).ok_or(REFUSED)?;
    let (smaller_y, larger_y) = G1Affine::get_ys_from_x_unchecked(x).ok_or(REFUSED)?;
    let point = G1Affine::new_unchecked(x, if larger { larger_y } else { smaller_y });
    if point.is_in_correct_subgroup_assuming_on_curve() { Ok(point) } else { Err(REFUSED) }
}
