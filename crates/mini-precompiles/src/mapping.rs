//! Which contracts rules have, and what runs there ([`mapping.py`] of every fork).
//!
//! [`mapping.py`]: https://github.com/ethereum/execution-specs/blob/master/src/ethereum/forks/osaka/vm/precompiled_contracts/mapping.py

use parallax_host_interface::{PrecompileError, PrecompileOutput, PrecompileSet};
use parallax_primitives::{Address, Bytes, PrecompileId, Rules};

use crate::{
    alt_bn128::{alt_bn128_add, alt_bn128_mul, alt_bn128_pairing_check},
    blake2f::blake2f,
    bls12_381::{
        g1::{bls12_g1_add, bls12_g1_msm, bls12_map_fp_to_g1},
        g2::{bls12_g2_add, bls12_g2_msm, bls12_map_fp2_to_g2},
        pairing::bls12_pairing,
    },
    ecrecover::ecrecover,
    evm::Evm,
    identity::identity,
    modexp::modexp,
    outcome::{Output, PrecompileHalt},
    p256verify::p256verify,
    point_evaluation::point_evaluation,
    ripemd160::ripemd160,
    sha256::sha256,
};

/// The contracts of all rules, for a machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Contracts;

impl PrecompileSet for Contracts {
    fn run(
        &self,
        rules: Rules,
        address: Address,
        input: &[u8],
        gas: u64,
    ) -> Option<Result<PrecompileOutput, PrecompileError>> {
        Some(match run(rules, address, input, gas)? {
            Ok(Output { gas_used, bytes }) => Ok(PrecompileOutput { gas_used, output: bytes }),
            Err(PrecompileHalt::OutOfGas) => Err(PrecompileError::OutOfGas),
            Err(PrecompileHalt::Refused(reason)) => Err(PrecompileError::Failed(reason.into())),
        })
    }
}

/// Addresses of the precompiled contracts under `rules`, ascending.
pub fn addresses(rules: impl Into<Rules>) -> impl Iterator<Item = Address> {
    rules.into().precompiles().map(PrecompileId::address)
}

/// Runs the contract at `address` with `gas`; `None` if `rules` have none there.
///
/// The price is charged before anything is done or allocated that it does not pay for.
pub fn run(
    rules: impl Into<Rules>,
    address: Address,
    input: &[u8],
    gas: u64,
) -> Option<Result<Output, PrecompileHalt>> {
    let rules = rules.into();
    let id = PrecompileId::at(&address).filter(|id| rules.has_precompile(*id))?;
    let contract: fn(&mut Evm<'_>) -> Result<Bytes, PrecompileHalt> = match id {
        PrecompileId::EcRecover => ecrecover,
        PrecompileId::Sha256 => sha256,
        PrecompileId::Ripemd160 => ripemd160,
        PrecompileId::Identity => identity,
        PrecompileId::Modexp => modexp,
        PrecompileId::Bn254Add => alt_bn128_add,
        PrecompileId::Bn254Mul => alt_bn128_mul,
        PrecompileId::Bn254Pairing => alt_bn128_pairing_check,
        PrecompileId::Blake2F => blake2f,
        PrecompileId::KzgPointEvaluation => point_evaluation,
        PrecompileId::Bls12G1Add => bls12_g1_add,
        PrecompileId::Bls12G1Msm => bls12_g1_msm,
        PrecompileId::Bls12G2Add => bls12_g2_add,
        PrecompileId::Bls12G2Msm => bls12_g2_msm,
        PrecompileId::Bls12Pairing => bls12_pairing,
        PrecompileId::Bls12MapFpToG1 => bls12_map_fp_to_g1,
        PrecompileId::Bls12MapFp2ToG2 => bls12_map_fp2_to_g2,
        PrecompileId::P256Verify => p256verify,
    };
    let mut evm = Evm { rules, data: input, gas_left: gas };
    Some(contract(&mut evm).map(|bytes| Output { gas_used: gas - evm.gas_left, bytes }))
}
