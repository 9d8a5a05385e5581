#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]
//!
//! A dispatch over well-kept libraries: which contracts a fork has, and how their results read here. Invariant: whatever
//! the input, a contract answers with an output and its gas, or with an error; it never panics.

use std::{fmt, sync::LazyLock};

use parallax_primitives::{Address, Bytes, Fork, U256, address};
use revm_precompile::{PrecompileHalt, PrecompileSpecId, PrecompileStatus};

const MODEXP: Address = address!("0x0000000000000000000000000000000000000005");

/// Bytes of operands that MODEXP is run with; running it on more takes longer than anybody waits.
const MODEXP_LIMIT: U256 = U256::from_limbs([1 << 30, 0, 0, 0]);

/// Less than any rules charge for operands above [`MODEXP_LIMIT`] (EIP-198: 8 / 20 of 2^30). Given this much, MODEXP is
/// out of gas, or refuses them (EIP-7823), before it asks for memory to hold them.
const MODEXP_LIMIT_GAS: u64 = 400_000_000;

/// The precompiled contracts of one fork.
#[derive(Debug)]
pub struct Precompiles {
    /// Ordered by address.
    contracts: Vec<Precompile>,
}

impl Precompiles {
    /// The contracts that `fork` has.
    pub fn of(fork: Fork) -> &'static Self {
        static SETS: LazyLock<[Precompiles; Fork::ALL.len()]> =
            LazyLock::new(|| Fork::ALL.map(Precompiles::new));
        &SETS[fork as usize]
    }

    fn new(fork: Fork) -> Self {
        let known = revm_precompile::Precompiles::new(rules(fork));
        let of_fork = |contract| Precompile { contract, fork };
        let mut contracts: Vec<_> = known.inner().values().cloned().map(of_fork).collect();
        contracts.sort_by_key(Precompile::address);
        Self { contracts }
    }

    /// The contract at an address.
    pub fn get(&self, address: &Address) -> Option<&Precompile> {
        // Almost every address that is asked for is none: all of theirs begin with 18 zeros.
        if address[..18] != [0; 18] {
            return None;
        }
        let place = self.contracts.binary_search_by_key(address, Precompile::address);
        place.ok().map(|place| &self.contracts[place])
    }

    /// All addresses, in ascending order: what a transaction finds warm (EIP-2929).
    pub fn addresses(&self) -> impl Iterator<Item = Address> {
        self.contracts.iter().map(Precompile::address)
    }
}

/// The newest rules of precompiled contracts that are active in `fork`.
const fn rules(fork: Fork) -> PrecompileSpecId {
    match fork {
        Fork::Frontier | Fork::Homestead | Fork::TangerineWhistle | Fork::SpuriousDragon => {
            PrecompileSpecId::HOMESTEAD
        }
        Fork::Byzantium | Fork::Constantinople | Fork::Petersburg => PrecompileSpecId::BYZANTIUM,
        Fork::Istanbul => PrecompileSpecId::ISTANBUL,
        Fork::Berlin | Fork::London | Fork::Paris | Fork::Shanghai => PrecompileSpecId::BERLIN,
        Fork::Cancun => PrecompileSpecId::CANCUN,
        Fork::Prague => PrecompileSpecId::PRAGUE,
        Fork::Osaka | Fork::Bpo1 | Fork::Bpo2 | Fork::Bpo3 | Fork::Bpo4 | Fork::Bpo5 => {
            PrecompileSpecId::OSAKA
        }
    }
}

/// One precompiled contract with the gas rules of a fork.
#[derive(Clone, Debug)]
pub struct Precompile {
    contract: revm_precompile::Precompile,
    fork: Fork,
}

impl Precompile {
    /// Where it is.
    pub fn address(&self) -> Address {
        *self.contract.address()
    }

    /// Its name in EIP-7910.
    pub fn name(&self) -> &str {
        self.contract.id().name()
    }

    /// Runs it with `gas` at its disposal. Where it fails, the caller loses all of it.
    ///
    /// # Errors
    ///
    /// [`PrecompileError`]: where several reasons meet, the one that the specification comes to first.
    pub fn run(&self, input: &[u8], gas: u64) -> Result<PrecompileOutput, PrecompileError> {
        let modexp = (self.address() == MODEXP).then(|| Lengths::of(input));
        if self.fork.has(Fork::Osaka) && modexp.as_ref().is_some_and(Lengths::are_above_the_limit) {
            // EIP-7823, before the price.
            return Err(PrecompileError::Failed("a length above 1024".into()));
        }
        if let Some(expected) = length(&self.address())
            && input.len() != expected
        {
            return Err(PrecompileError::Failed(format!("an input that is not of {expected} bytes")));
        }
        let is_endless = modexp.as_ref().is_some_and(Lengths::are_endless);
        let gas = if is_endless { gas.min(MODEXP_LIMIT_GAS) } else { gas };
        let done = self.contract.execute(input, gas, 0);
        let done = done.map_err(|error| PrecompileError::Failed(error.to_string()))?;
        match done.status {
            PrecompileStatus::Success => Ok(PrecompileOutput { gas_used: done.gas_used, output: done.bytes }),
            PrecompileStatus::Halt(PrecompileHalt::OutOfGas) => Err(PrecompileError::OutOfGas),
            // The other rules of MODEXP refuse nothing: what the library cannot hold, no gas pays for.
            PrecompileStatus::Halt(_) if modexp.is_some() => Err(PrecompileError::OutOfGas),
            PrecompileStatus::Halt(halt) => Err(PrecompileError::Failed(halt.to_string())),
            PrecompileStatus::Revert => Err(PrecompileError::Failed("reverted".into())),
        }
    }
}

/// The only length that a contract takes, where the specification looks at it before the price (EIP-4844, EIP-2537).
fn length(address: &Address) -> Option<usize> {
    match address[19] {
        0x0a => Some(192),
        0x0b => Some(256),
        0x0d => Some(512),
        0x10 => Some(64),
        0x11 => Some(128),
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

/// What a contract that ran answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrecompileOutput {
    /// Gas it took, at most what it was given.
    pub gas_used: u64,
    /// Its return data. A recovery or verification that does not succeed is an empty one, not an error.
    pub output: Bytes,
}

/// Why a contract failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrecompileError {
    /// It costs more than it was given.
    OutOfGas,
    /// It refuses its input, for this reason.
    Failed(String),
}

impl fmt::Display for PrecompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PrecompileError::OutOfGas => f.write_str("out of gas"),
            PrecompileError::Failed(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for PrecompileError {}
