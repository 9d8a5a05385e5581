//! This crate against `parallax-precompiles`, on generated inputs: the same output, the same gas, the same kind of halt, with
//! exactly the gas that is needed and with one less.
//!
//! `PARALLAX_PRECOMPILE_INPUTS` is the number of inputs for each contract, `PARALLAX_PRECOMPILE_SEED` what they are made of.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod curves;
mod inputs;
mod random;

use parallax_mini_precompiles::{Output, PrecompileHalt, run};
use parallax_precompiles::{PrecompileError, Precompiles};
use parallax_primitives::{Address, Bytes, Fork, U256, hex};
use random::Random;

/// What an input is run with first: the price of nearly all, and never of a second's work.
const PLENTY: u64 = 10_000_000;
/// The same for BLAKE2F, where a bit of the input is millions of rounds, and each round is a gas.
const PLENTY_OF_ROUNDS: u64 = 100_000;

/// Each contract with the forks that change its rules, and how many inputs take a fraction of a second.
const CONTRACTS: [(u16, &[Fork], u64); 18] = [
    (0x01, &[Fork::Frontier], 300),
    (0x02, &[Fork::Frontier], 300),
    (0x03, &[Fork::Frontier], 300),
    (0x04, &[Fork::Frontier], 300),
    (0x05, &[Fork::Byzantium, Fork::Berlin, Fork::Osaka], 200),
    (0x06, &[Fork::Byzantium, Fork::Istanbul], 200),
    (0x07, &[Fork::Byzantium, Fork::Istanbul], 100),
    (0x08, &[Fork::Byzantium, Fork::Istanbul], 25),
    (0x09, &[Fork::Istanbul], 300),
    (0x0a, &[Fork::Cancun], 25),
    (0x0b, &[Fork::Prague], 100),
    (0x0c, &[Fork::Prague], 50),
    (0x0d, &[Fork::Prague], 100),
    (0x0e, &[Fork::Prague], 25),
    (0x0f, &[Fork::Prague], 25),
    (0x10, &[Fork::Prague], 50),
    (0x11, &[Fork::Prague], 25),
    (0x100, &[Fork::Osaka], 200),
];

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// What a side says, without the words of its reasons.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Done(u64, Bytes),
    OutOfGas,
    Refused,
}

fn mini(fork: Fork, address: Address, input: &[u8], gas: u64) -> Answer {
    match run(fork, address, input, gas).unwrap() {
        Ok(Output { gas_used, bytes }) => Answer::Done(gas_used, bytes),
        Err(PrecompileHalt::OutOfGas) => Answer::OutOfGas,
        Err(PrecompileHalt::Refused(_)) => Answer::Refused,
    }
}

fn first(fork: Fork, address: Address, input: &[u8], gas: u64) -> Answer {
    match Precompiles::of(fork).get(&address).unwrap().run(input, gas) {
        Ok(output) => Answer::Done(output.gas_used, output.output),
        Err(PrecompileError::OutOfGas) => Answer::OutOfGas,
        Err(PrecompileError::Failed(_)) => Answer::Refused,
        Err(PrecompileError::Missing(id)) => panic!("{id:?} is missing"),
    }
}

/// How many inputs a contract answered, with and without output, and how many it did not.
#[derive(Default)]
struct Counts {
    full: usize,
    empty: usize,
    halted: usize,
}

#[track_caller]
fn check(contract: u16, fork: Fork, input: &[u8], random: &mut Random, counts: &mut Counts) {
    let address = Address::left_padding_from(&contract.to_be_bytes());
    let same = |gas| {
        let (mini, first) = (mini(fork, address, input, gas), first(fork, address, input, gas));
        assert!(
            mini == first,
            "{contract:#x} {fork} gas {gas}\ninput {}\nmini  {mini:?}\nfirst {first:?}",
            hex::encode(input)
        );
        mini
    };
    let plenty = if contract == 0x09 { PLENTY_OF_ROUNDS } else { PLENTY };
    match mini(fork, address, input, plenty) {
        Answer::Done(gas, output) => {
            if output.is_empty() {
                counts.empty += 1;
            } else {
                counts.full += 1;
            }
            same(gas);
            if let Some(less) = gas.checked_sub(1) {
                assert_eq!(same(less), Answer::OutOfGas);
            }
        }
        Answer::OutOfGas | Answer::Refused => {
            counts.halted += 1;
            same(plenty);
            let most = random.pick(&[1, 100, 1000, 100_000]);
            same(random.next() % most);
        }
    }
}

fn compare(contract: u16) {
    let (_, forks, few) = CONTRACTS.into_iter().find(|(number, ..)| *number == contract).unwrap();
    let seed = from_environment("PARALLAX_PRECOMPILE_SEED", 18);
    let count = from_environment("PARALLAX_PRECOMPILE_INPUTS", few);
    let mut random = Random(seed ^ u64::from(contract) << 32);
    let mut counts = Counts::default();
    println!("{contract:#x}: seed {seed}, {count} inputs");
    for _ in 0..count {
        let input = inputs::input(contract, &mut random);
        check(contract, random.pick(forks), &input, &mut random, &mut counts);
    }
    let Counts { full, empty, halted } = counts;
    println!("{contract:#x}: {full} answered, {empty} answered with nothing, {halted} halted");
    assert!(count < 25 || full > 0, "{contract:#x}: no input that the contract answers");
}

#[test]
fn ecrecover_hashes_and_identity() {
    [0x01, 0x02, 0x03, 0x04].into_iter().for_each(compare);
}

#[test]
fn modexp() {
    compare(0x05);
}

#[test]
fn alt_bn128_points() {
    [0x06, 0x07].into_iter().for_each(compare);
}

#[test]
fn alt_bn128_pairing() {
    compare(0x08);
}

#[test]
fn blake2f() {
    compare(0x09);
}

#[test]
fn point_evaluation() {
    compare(0x0a);
}

#[test]
fn bls12_381_g1() {
    [0x0b, 0x0c, 0x10].into_iter().for_each(compare);
}

#[test]
fn bls12_381_g2() {
    [0x0d, 0x0e, 0x11].into_iter().for_each(compare);
}

#[test]
fn bls12_381_pairing() {
    compare(0x0f);
}

#[test]
fn p256verify() {
    compare(0x100);
}

/// Nothing to the power of a number that no memory holds is nothing, in all forks that have no limit of lengths.
#[test]
fn modexp_of_nothing_costs_nothing() {
    for length in [U256::from(1_u64 << 32), U256::from(u64::MAX), U256::from(1_u128 << 64), U256::MAX] {
        let input = [[0; 32], length.to_be_bytes::<32>(), [0; 32], [5; 32]].concat();
        for fork in [Fork::Byzantium, Fork::Berlin, Fork::Osaka] {
            check(0x05, fork, &input, &mut Random(0), &mut Counts::default());
        }
    }
}

/// Sides are not compared by a contract that is in no test.
#[test]
fn every_contract_is_here() {
    let numbers = CONTRACTS.map(|(number, ..)| Address::left_padding_from(&number.to_be_bytes()));
    assert_eq!(parallax_mini_precompiles::addresses(Fork::Bpo5).collect::<Vec<_>>(), numbers);
    for fork in Fork::ALL {
        let there = CONTRACTS.into_iter().filter(|(_, forks, _)| fork >= forks[0]).count();
        assert_eq!(
            parallax_mini_precompiles::addresses(fork).collect::<Vec<_>>(),
            &numbers[..there],
            "{fork}"
        );
        let mut first: Vec<Address> = Precompiles::of(fork).addresses().collect();
        first.sort();
        assert_eq!(first, &numbers[..there], "{fork}");
    }
}
