#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]
//!
//! A dispatch over well-kept libraries: which contracts rules have, and how their results read here. Invariant: whatever
//! the input, a contract answers with an output and its gas, or with an error; it never panics.

use parallax_host_interface::PrecompileSet;
pub use parallax_host_interface::{PrecompileError, PrecompileOutput};
use parallax_primitives::{Address, Eip, GasSchedule, PrecompileId, Rules, U256};
use revm_precompile::{
    EthPrecompileResult, PrecompileHalt, PrecompileStatus, blake2, bls12_381,
    bls12_381_const::{DISCOUNT_TABLE_G1_MSM, DISCOUNT_TABLE_G2_MSM},
    bls12_381_utils::msm_required_gas,
    bn254, eth_precompile_fn, hash, identity, kzg_point_evaluation, modexp, secp256k1, secp256r1,
};

/// Bytes of operands that MODEXP is run with; running it on more takes longer than anybody waits.
const MODEXP_LIMIT: U256 = U256::from_limbs([1 << 30, 0, 0, 0]);

/// Less than any rules charge for operands above [`MODEXP_LIMIT`] (EIP-198: 8 / 20 of 2^30). Given this much, MODEXP is
/// out of gas, or refuses them (EIP-7823), before it asks for memory to hold them.
const MODEXP_LIMIT_GAS: u64 = 400_000_000;

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
        Some(Precompiles::of(rules).get(&address)?.run(input, gas))
    }
}

/// The precompiled contracts of one set of rules.
#[derive(Clone, Copy, Debug)]
pub struct Precompiles {
    rules: Rules,
}

impl Precompiles {
    /// The contracts that `rules` have.
    pub fn of(rules: impl Into<Rules>) -> Self {
        Self { rules: rules.into() }
    }

    /// The contract at an address.
    pub fn get(self, address: &Address) -> Option<Precompile> {
        let id = PrecompileId::at(address).filter(|id| self.rules.has_precompile(*id))?;
        Some(Precompile { id, rules: self.rules })
    }

    /// All addresses, in ascending order: what a transaction finds warm (EIP-2929).
    pub fn addresses(self) -> impl Iterator<Item = Address> {
        self.rules.precompiles().map(PrecompileId::address)
    }
}

/// What runs at `id` under `rules`. Of prices it has MODEXP's alone: the others are [`price`]'s.
const fn contract(id: PrecompileId, rules: Rules) -> revm_precompile::Precompile {
    match id {
        PrecompileId::EcRecover => secp256k1::ECRECOVER,
        PrecompileId::Sha256 => hash::SHA256,
        PrecompileId::Ripemd160 => hash::RIPEMD160,
        PrecompileId::Identity => identity::FUN,
        PrecompileId::Modexp if rules.has(Eip::ModexpPrice7883) => MODEXP_BY_7883,
        PrecompileId::Modexp if rules.has(Eip::ModexpPrice2565) => modexp::BERLIN,
        PrecompileId::Modexp => modexp::BYZANTIUM,
        PrecompileId::Bn254Add => bn254::add::ISTANBUL,
        PrecompileId::Bn254Mul => bn254::mul::ISTANBUL,
        PrecompileId::Bn254Pairing => bn254::pair::ISTANBUL,
        PrecompileId::Blake2F => blake2::FUN,
        PrecompileId::KzgPointEvaluation => kzg_point_evaluation::POINT_EVALUATION,
        PrecompileId::Bls12G1Add => bls12_381::g1_add::PRECOMPILE,
        PrecompileId::Bls12G1Msm => bls12_381::g1_msm::PRECOMPILE,
        PrecompileId::Bls12G2Add => bls12_381::g2_add::PRECOMPILE,
        PrecompileId::Bls12G2Msm => bls12_381::g2_msm::PRECOMPILE,
        PrecompileId::Bls12Pairing => bls12_381::pairing::PRECOMPILE,
        PrecompileId::Bls12MapFpToG1 => bls12_381::map_fp_to_g1::PRECOMPILE,
        PrecompileId::Bls12MapFp2ToG2 => bls12_381::map_fp2_to_g2::PRECOMPILE,
        PrecompileId::P256Verify => secp256r1::P256VERIFY_OSAKA,
    }
}

/// What a contract costs, and saturates at what nobody can pay; `None` of MODEXP, which counts for itself, and of an input that is no
/// number of pairs where the specification looks at that before the price.
fn price(id: PrecompileId, prices: &GasSchedule, input: &[u8]) -> Option<u64> {
    let each = |base: u64, one: u64, count: usize| (count as u64).saturating_mul(one).saturating_add(base);
    let words = input.len().div_ceil(32);
    let pairs = |size: usize| {
        let count = input.len() / size;
        (count > 0 && input.len() == count * size).then_some(count)
    };
    Some(match id {
        PrecompileId::EcRecover => prices.precompile_ecrecover,
        PrecompileId::Sha256 => each(prices.precompile_sha256, prices.precompile_sha256_word, words),
        PrecompileId::Ripemd160 => each(prices.precompile_ripemd160, prices.precompile_ripemd160_word, words),
        PrecompileId::Identity => each(prices.precompile_identity, prices.precompile_identity_word, words),
        PrecompileId::Modexp => return None,
        PrecompileId::Bn254Add => prices.precompile_bn254_add,
        PrecompileId::Bn254Mul => prices.precompile_bn254_mul,
        PrecompileId::Bn254Pairing => {
            each(prices.precompile_bn254_pairing, prices.precompile_bn254_pairing_pair, input.len() / 192)
        }
        PrecompileId::Blake2F => {
            let (rounds, _) = input.split_first_chunk()?;
            prices.precompile_blake2f_round.saturating_mul(u32::from_be_bytes(*rounds).into())
        }
        PrecompileId::KzgPointEvaluation => prices.precompile_point_evaluation,
        PrecompileId::Bls12G1Add => prices.precompile_bls12_g1_add,
        PrecompileId::Bls12G1Msm => {
            msm_required_gas(pairs(160)?, &DISCOUNT_TABLE_G1_MSM, prices.precompile_bls12_g1_mul)
        }
        PrecompileId::Bls12G2Add => prices.precompile_bls12_g2_add,
        PrecompileId::Bls12G2Msm => {
            msm_required_gas(pairs(288)?, &DISCOUNT_TABLE_G2_MSM, prices.precompile_bls12_g2_mul)
        }
        PrecompileId::Bls12Pairing => {
            each(prices.precompile_bls12_pairing, prices.precompile_bls12_pairing_pair, pairs(384)?)
        }
        PrecompileId::Bls12MapFpToG1 => prices.precompile_bls12_map_fp,
        PrecompileId::Bls12MapFp2ToG2 => prices.precompile_bls12_map_fp2,
        PrecompileId::P256Verify => prices.precompile_p256verify,
    })
}

/// MODEXP at the price of EIP-7883. The library's has the limit of EIP-7823 as well, which is looked at here.
const MODEXP_BY_7883: revm_precompile::Precompile = {
    fn run(input: &[u8], gas: u64) -> EthPrecompileResult {
        modexp::run_inner::<_, false>(input, gas, 500, modexp::osaka_gas_calc)
    }
    eth_precompile_fn!(adapted, run);
    let id = revm_precompile::PrecompileId::ModExp;
    revm_precompile::Precompile::new(id, PrecompileId::Modexp.address(), adapted)
};

/// One precompiled contract with the gas rules that hold.
#[derive(Clone, Copy, Debug)]
pub struct Precompile {
    id: PrecompileId,
    rules: Rules,
}

impl Precompile {
    /// Which one it is.
    pub fn id(self) -> PrecompileId {
        self.id
    }

    /// Runs it with `gas` at its disposal. Where it fails, the caller loses all of it.
    ///
    /// # Errors
    ///
    /// [`PrecompileError`]: where several reasons meet, the one that the specification comes to first.
    pub fn run(self, input: &[u8], gas: u64) -> Result<PrecompileOutput, PrecompileError> {
        let modexp = (self.id == PrecompileId::Modexp).then(|| Lengths::of(input));
        if self.rules.has(Eip::ModexpLimit7823) && modexp.as_ref().is_some_and(Lengths::are_above_the_limit) {
            // EIP-7823, before the price.
            return Err(PrecompileError::Failed("a length above 1024".into()));
        }
        if let Some(expected) = length(self.id)
            && input.len() != expected
        {
            return Err(PrecompileError::Failed(format!("an input that is not of {expected} bytes")));
        }
        let price = price(self.id, self.rules.gas(), input);
        if price.is_some_and(|price| price > gas) {
            return Err(PrecompileError::OutOfGas);
        }
        let is_endless = modexp.as_ref().is_some_and(Lengths::are_endless);
        // What is paid for here is not paid for at the library's prices, which are mainnet's.
        let given = match price {
            Some(_) => u64::MAX,
            None if is_endless => gas.min(MODEXP_LIMIT_GAS),
            None => gas,
        };
        let done = contract(self.id, self.rules).execute(input, given, 0);
        let done = done.map_err(|error| PrecompileError::Failed(error.to_string()))?;
        match done.status {
            PrecompileStatus::Success => {
                Ok(PrecompileOutput { gas_used: price.unwrap_or(done.gas_used), output: done.bytes })
            }
            PrecompileStatus::Halt(PrecompileHalt::OutOfGas) => Err(PrecompileError::OutOfGas),
            // The other rules of MODEXP refuse nothing: what the library cannot hold, no gas pays for.
            PrecompileStatus::Halt(_) if modexp.is_some() => Err(PrecompileError::OutOfGas),
            PrecompileStatus::Halt(halt) => Err(PrecompileError::Failed(halt.to_string())),
            PrecompileStatus::Revert => Err(PrecompileError::Failed("reverted".into())),
        }
    }
}

/// The only length that a contract takes, where the specification looks at it before the price (EIP-152, EIP-4844, EIP-2537).
const fn length(id: PrecompileId) -> Option<usize> {
    match id {
        PrecompileId::Blake2F => Some(213),
        PrecompileId::KzgPointEvaluation => Some(192),
        PrecompileId::Bls12G1Add => Some(256),
        PrecompileId::Bls12G2Add => Some(512),
        PrecompileId::Bls12MapFpToG1 => Some(64),
        PrecompileId::Bls12MapFp2ToG2 => Some(128),
        _ => None,
    }
}

/// The lengths that MODEXP's input begins with (EIP-198): of base, exponent and modulus.
struct Lengths([U256; 3]);

impl Lengths {
    fn of(input: &[u8]) -> Self {
        let mut header = [0; 96];
        let given = input.len().min(header.len());
        header[..given].copy_from_slice(&input[..given]);
        Self([0, 32, 64].map(|at| U256::from_be_slice(&header[at..at + 32])))
    }

    /// Whether one is longer than EIP-7823 allows.
    fn are_above_the_limit(&self) -> bool {
        self.0.iter().any(|length| *length > U256::from(1024))
    }

    /// Whether they sum to more than [`MODEXP_LIMIT`]. With neither base nor modulus the result is empty and the exponent is not
    /// looked at, however long it is.
    fn are_endless(&self) -> bool {
        let [base, exponent, modulus] = self.0;
        let operands = base.saturating_add(modulus);
        !operands.is_zero() && operands.saturating_add(exponent) > MODEXP_LIMIT
    }
}
