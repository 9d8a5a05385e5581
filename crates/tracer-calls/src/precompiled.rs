//! go-ethereum's words for precompiled contracts that refuse their input.

use parallax_primitives::{Address, PrecompileId, Rules};

/// The contract that the rules have at an address.
pub(crate) fn contract_at(rules: Rules, address: &Address) -> Option<PrecompileId> {
    PrecompileId::at(address).filter(|id| rules.has_precompile(*id))
}

/// Why the contract at `address` has refused `input`, as far as its length tells. What is wrong with points and fields is not looked into:
/// it is `precompiled failed`.
pub(crate) fn refusal(address: &Address, input: &[u8]) -> &'static str {
    let is_long = |length: usize| input.len() == length;
    let is_many = |length: usize| !input.is_empty() && input.len().is_multiple_of(length);
    match PrecompileId::at(address) {
        Some(PrecompileId::Modexp) => "one or more of base/exponent/modulus length exceeded 1024 bytes",
        Some(PrecompileId::Bn254Pairing) if !input.len().is_multiple_of(192) => {
            "bad elliptic curve pairing size"
        }
        Some(PrecompileId::Blake2F) if is_long(213) => "invalid final flag",
        Some(PrecompileId::Blake2F) => "invalid input length",
        Some(PrecompileId::KzgPointEvaluation) if !is_long(192) => "invalid input length",
        Some(PrecompileId::Bls12G1Add) if !is_long(256) => "invalid input length",
        Some(PrecompileId::Bls12G2Add) if !is_long(512) => "invalid input length",
        Some(PrecompileId::Bls12G1Msm) if !is_many(160) => "invalid input length",
        Some(PrecompileId::Bls12G2Msm) if !is_many(288) => "invalid input length",
        Some(PrecompileId::Bls12Pairing) if !is_many(384) => "invalid input length",
        Some(PrecompileId::Bls12MapFpToG1) if !is_long(64) => "invalid input length",
        Some(PrecompileId::Bls12MapFp2ToG2) if !is_long(128) => "invalid input length",
        _ => "precompiled failed",
    }
}
