//! Generated transactions: a world of accounts that call, create, delegate and destroy one another, a block, and a transaction of
//! any type into it, now and then one that is to be refused.

mod accounts;
pub(crate) mod addresses;
mod block;
mod code;
mod envelope;

use parallax_engine_interface::Job;
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{B256, BlockEnv, Fork, Rules, Transaction, U256};

pub use addresses::secret_of;
pub use block::Rest;
pub(crate) use envelope::CHAIN_ID;

use crate::random::Random;

/// One transaction and all that it depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// What it was made from.
    pub seed: u64,
    /// The rules.
    pub fork: Fork,
    /// The block around it.
    pub block: BlockEnv,
    /// The transaction.
    pub transaction: Transaction,
    /// The state before it.
    pub database: MemoryDatabase,
}

impl Scenario {
    /// The scenario of a seed: always the same one. Half of them are of the newest fork, the others of any.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let fork = if random.once_in(2) { Fork::LATEST } else { random.pick(&Fork::ALL) };
        Self::made(random, seed, fork, 1)
    }

    /// The scenario of a seed under the rules of `fork`: another one than [`Scenario::new`] makes of it.
    pub fn of(seed: u64, fork: Fork) -> Self {
        Self::made(Random::new(!seed), seed, fork, 1)
    }

    /// As [`Scenario::of`], but what takes a hundred times as long as others comes up so many times less often.
    pub(crate) fn mostly_short(seed: u64, fork: Fork, times: usize) -> Self {
        Self::made(Random::new(!seed), seed, fork, times)
    }

    fn made(mut random: Random, seed: u64, fork: Fork, times: usize) -> Self {
        let block = block(&mut random, fork);
        let is_deep = random.once_in(64 * times);
        let mut database = accounts::world(&mut random, fork, is_deep);
        let mut transaction = envelope::transaction(&mut random, fork, &block, &mut database);
        if is_deep {
            envelope::send_deep(&mut transaction, fork);
        }
        // By numbers of its own: most seeds stand for what they would without.
        let mut random = Random::new(seed.rotate_left(32) ^ 7954);
        if random.once_in(24 * times) {
            envelope::create_at_the_limit(&mut random, &mut transaction, &mut database, fork);
        }
        Self { seed, fork, block, transaction, database }
    }

    /// A scenario of a block: more transactions behind the first, and what the block does besides.
    pub(crate) fn of_block(seed: u64, fork: Fork, times: usize) -> (Self, Rest) {
        let mut scenario = Self::mostly_short(seed, fork, times);
        let Self { block, transaction, database, .. } = &mut scenario;
        let mut random = Random::new(seed.rotate_left(16) ^ 4895);
        let rest = block::rest(&mut random, fork, block, transaction, database);
        (scenario, rest)
    }

    /// The scenario as engines take it.
    pub fn job(&self) -> Job<'_> {
        let Self { fork, block, transaction, database, .. } = self;
        Job { rules: Rules::of(*fork), chain_id: CHAIN_ID, block, subject: transaction.into(), database }
    }
}

fn block(random: &mut Random, fork: Fork) -> BlockEnv {
    BlockEnv {
        number: random.pick(&[1, 300, 1 << 40]),
        timestamp: 1000,
        gas_limit: 1 << 40,
        coinbase: addresses::any(random),
        difficulty: U256::from(0x20000),
        prevrandao: B256::repeat_byte(random.byte()),
        base_fee: if fork >= Fork::London { random.pick(&[0, 7, 7, 1000]) } else { 0 },
        excess_blob_gas: random.pick(&[0, 0, 1 << 20, 50_000_000]),
        blobs: Rules::of(fork).blobs(),
        // No generated code asks for it (EIP-7843).
        slot_number: 0,
    }
}
