//! The facts of the block, and the chain, towards what a block is that says nothing.

use parallax_memory_database::BlockHashes;
use parallax_primitives::{Address, B256, BlockEnv, U256};

use crate::{
    Case, Search,
    values::{plain, plain_number},
};

/// A fact of the block that is a number.
type Number = fn(&mut BlockEnv) -> &mut u64;

const NUMBERS: [Number; 6] = [
    |block| &mut block.number,
    |block| &mut block.timestamp,
    |block| &mut block.gas_limit,
    |block| &mut block.base_fee,
    |block| &mut block.excess_blob_gas,
    |block| &mut block.slot_number,
];

pub(crate) fn run(search: &mut Search<'_>) {
    search.changes(|case| case.pre.block_hashes = BlockHashes::OfNumber);
    search.changes(|case| case.block.blobs = case.rules.blobs());
    // Room for the transaction, where that is all that is needed.
    search.changes(|case| case.block.gas_limit = case.transaction.gas_limit.next_power_of_two());
    for field in NUMBERS {
        let get = |case: &Case| *field(&mut case.block.clone());
        plain_number(search, get, |case, number| *field(&mut case.block) = number);
    }
    search.changes(|case| case.block.coinbase = Address::ZERO);
    search.changes(|case| case.block.prevrandao = B256::ZERO);
    plain(search, |case| case.block.difficulty, |case, word| case.block.difficulty = word);
    search.changes(|case| {
        case.chain_id = 1;
        case.transaction.chain_id = case.transaction.chain_id.map(|_| 1);
    });
    search.changes(|case| case.block.coinbase = Address::from_word(U256::from(1u64 << 16).into()));
}
