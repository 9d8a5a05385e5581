#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod case;
mod edges;
mod kinds;
mod pads;
mod random;
mod rules;
mod run;
mod transactions;
mod twins;
mod workload;
mod writer;

use parallax_primitives::{Fork, Rules};

pub use case::{BLOCK, Case, Draw, EDGES, SCENARIO, default_rules};
pub use kinds::{KINDS, Kind};
pub use rules::rules;
pub use run::{Entry, Seen, Watch, World};
pub use transactions::{Rest, Scenario, secret_of};
pub use twins::Twins;
pub use workload::Workload;

use kinds::Budget;
use pads::Pads;
use random::Random;
use writer::Writer;

/// Forks whose rules differ in more than blobs.
const FORKS: &[Fork] = Fork::ALL.split_at(15).0;

/// One program and what it is run with: a message to the account that has the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// [`Kind::name`].
    pub kind: &'static str,
    /// What it was made from.
    pub seed: u64,
    /// The rules: a fork's, with the EIPs of its kind ([`Kind::eips`]).
    pub rules: Rules,
    /// Gas of its frame.
    pub gas: u64,
    /// Whether its frame is a static one.
    pub is_static: bool,
    /// Calldata.
    pub input: Vec<u8>,
    /// The byte code.
    pub code: Vec<u8>,
}

impl Program {
    /// The program of a seed: always the same one. Its kind is drawn by [`Kind::per_mille`].
    pub fn new(seed: u64) -> Self {
        // Numbers of its own, so that the kind can be named as well.
        let kind = Kind::drawn(Random::new(!seed).below(1 << 30));
        Self::of(kind, seed)
    }

    /// The program of a kind and a seed; [`Program::new`] makes the same one where it draws this kind.
    pub fn of(kind: &Kind, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let fork = if random.once_in(2) { Fork::LATEST } else { random.pick(FORKS) };
        Self::made(random, kind, seed, kind.rules(fork), u64::MAX, None)
    }

    /// The program of a kind and a seed under rules that have the EIPs of the kind; with at most so much gas, if it needs no memory.
    fn under(kind: &Kind, seed: u64, rules: Rules, max_gas: u64) -> Self {
        Self::made(Random::new(seed), kind, seed, rules, max_gas, None)
    }

    /// As [`Program::under`], with no-ops in it.
    fn padded(kind: &Kind, seed: u64, rules: Rules, max_gas: u64, pads: Pads) -> Self {
        Self::made(Random::new(seed), kind, seed, rules, max_gas, Some(pads))
    }

    fn made(
        mut random: Random,
        kind: &Kind,
        seed: u64,
        rules: Rules,
        max_gas: u64,
        pads: Option<Pads>,
    ) -> Self {
        let is_static = random.once_in(8);
        let bytes = if random.once_in(8) { 0 } else { random.between(1, 100) };
        let input = (0..bytes).map(|_| random.byte()).collect();
        let mut writer = Writer::new(random, rules);
        writer.pads = pads;
        if writer.random.once_in(3) {
            // Back jumps enough to have the code translated while it runs.
            writer.repeat(17, |_| {});
        }
        let budget = (kind.write)(&mut writer);
        let budget = kinds::end(&mut writer, budget);
        let gas = gas(&mut writer.random, budget);
        let gas = if matches!(budget, Budget::Memory) { gas } else { gas.min(max_gas) };
        Self { kind: kind.name, seed, rules, gas, is_static, input, code: writer.code }
    }
}

/// Gas for nearly nothing, for some of it, for most, and beyond what can be used up.
fn gas(random: &mut Random, budget: Budget) -> u64 {
    let (low, high) = match (random.below(12), budget) {
        (0, _) => (0, 3000),
        (1..=3, _) | (4..=6, Budget::Loops) => (5000, 25_000),
        (4..=9, _) | (_, Budget::Loops) => (60_000, 150_000),
        (_, Budget::Memory) => (1_000_000, 3_000_000),
        (10, Budget::Free) => return (1 << 40) + random.below(1000) as u64,
        (_, Budget::Free) => return u64::MAX - random.below(4) as u64,
    };
    random.between(low, high) as u64
}
