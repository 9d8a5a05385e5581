//! Which contracts a fork has, and where ([`mapping.py`] of every fork).
//!
//! [`mapping.py`]: https://github.com/ethereum/execution-specs/blob/master/src/ethereum/forks/osaka/vm/precompiled_contracts/mapping.py

use parallax_primitives::{Address, Bytes, Fork};

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

struct Contract {
    address: Address,
    /// The fork that brought it; none was ever taken away.
    since: Fork,
    run: fn(&mut Evm<'_>) -> Result<Bytes, PrecompileHalt>,
}

/// Every contract, in the order of the addresses, which is the order of the forks as well.
const CONTRACTS: [Contract; 18] = [
    at(0x01, Fork::Frontier, ecrecover),
    at(0x02, Fork::Frontier, sha256),
    at(0x03, Fork::Frontier, ripemd160),
    at(0x04, Fork::Frontier, identity),
    at(0x05, Fork::Byzantium, modexp),
    at(0x06, Fork::Byzantium, alt_bn128_add),
    at(0x07, Fork::Byzantium, alt_bn128_mul),
    at(0x08, Fork::Byzantium, alt_bn128_pairing_check),
    at(0x09, Fork::Istanbul, blake2f),
    at(0x0a, Fork::Cancun, point_evaluation),
    at(0x0b, Fork::Prague, bls12_g1_add),
    at(0x0c, Fork::Prague, bls12_g1_msm),
    at(0x0d, Fork::Prague, bls12_g2_add),
    at(0x0e, Fork::Prague, bls12_g2_msm),
    at(0x0f, Fork::Prague, bls12_pairing),
    at(0x10, Fork::Prague, bls12_map_fp_to_g1),
    at(0x11, Fork::Prague, bls12_map_fp2_to_g2),
    at(0x100, Fork::Osaka, p256verify),
];

static ADDRESSES: [Address; CONTRACTS.len()] = {
    let mut addresses = [Address::ZERO; CONTRACTS.len()];
    let mut i = 0;
    while i < CONTRACTS.len() {
        addresses[i] = CONTRACTS[i].address;
        i += 1;
    }
    addresses
};

const fn at(address: u16, since: Fork, run: fn(&mut Evm<'_>) -> Result<Bytes, PrecompileHalt>) -> Contract {
    let [high, low] = address.to_be_bytes();
    let mut bytes = [0; 20];
    bytes[18] = high;
    bytes[19] = low;
    Contract { address: Address::new(bytes), since, run }
}

/// Addresses of the precompiled contracts of `fork`, ascending.
pub fn addresses(fork: Fork) -> &'static [Address] {
    &ADDRESSES[..CONTRACTS.partition_point(|contract| fork.has(contract.since))]
}

/// Runs the contract at `address` with `gas`; `None` if `fork` has none there.
///
/// The price is charged before anything is done or allocated that it does not pay for.
pub fn run(fork: Fork, address: Address, input: &[u8], gas: u64) -> Option<Result<Output, PrecompileHalt>> {
    let contract =
        CONTRACTS.iter().find(|contract| contract.address == address && fork.has(contract.since))?;
    let mut evm = Evm { fork, data: input, gas_left: gas };
    Some((contract.run)(&mut evm).map(|bytes| Output { gas_used: gas - evm.gas_left, bytes }))
}
