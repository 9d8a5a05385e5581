//! More transactions behind the first, over one state, and what a block does beside them.

use std::collections::BTreeMap;

use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{Address, BlockEnv, BlockRules, Bytecode, Fork, Transaction, U256};

use super::{
    addresses::{SENDER, SIGNERS, any},
    envelope,
};
use crate::random::Random;

/// What a block has besides its first transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// The transactions behind it. One that is refused is left out, as where a block is built.
    pub transactions: Vec<Transaction>,
    /// Withdrawals: who gets how many Gwei (EIP-4895).
    pub withdrawals: Vec<(Address, u64)>,
    /// Ommers: their miners, and how many blocks before this one each would have been.
    pub ommers: Vec<(u64, Address)>,
}

/// The contracts that a block calls by itself.
const SYSTEM_CONTRACTS: [Address; 6] = [
    BlockRules::BEACON_ROOTS_ADDRESS,
    BlockRules::HISTORY_ADDRESS,
    BlockRules::WITHDRAWAL_REQUESTS_ADDRESS,
    BlockRules::CONSOLIDATION_REQUESTS_ADDRESS,
    BlockRules::BUILDER_DEPOSITS_ADDRESS,
    BlockRules::BUILDER_EXITS_ADDRESS,
];

/// Up to seven more transactions; the block may be changed, as its gas is to end before them now and then.
pub(super) fn rest(
    random: &mut Random,
    fork: Fork,
    block: &mut BlockEnv,
    first: &Transaction,
    database: &mut MemoryDatabase,
) -> Rest {
    let mut next = BTreeMap::from([(first.sender, first.nonce.saturating_add(1))]);
    let transactions: Vec<_> =
        (0..random.between(0, 7)).map(|_| another(random, fork, block, &mut next, database)).collect();
    if random.once_in(4) {
        // Near what they ask for all together.
        let asked = transactions.iter().fold(first.gas_limit, |sum, one| sum.saturating_add(one.gas_limit));
        block.gas_limit = (asked / random.pick(&[1, 2, 4])).saturating_add(random.below(3) as u64).max(5000);
    }
    for address in SYSTEM_CONTRACTS {
        // Without code a request cannot be asked for, and the block is not valid.
        if random.once_in(16) {
            continue;
        }
        let account = Account { nonce: 1, code: system_contract(random), ..Account::default() };
        database.accounts.insert(address, account);
    }
    let withdrawals = if fork >= Fork::Shanghai { random.below(4) } else { 0 };
    let withdrawals = (0..withdrawals).map(|_| (any(random), random.pick(&[0, 0, 1, 32_000_000_000])));
    let withdrawals = withdrawals.collect();
    let ommers = if fork < Fork::Paris { random.below(3) } else { 0 };
    let ommers = (0..ommers).map(|_| (random.between(1, 6) as u64, any(random))).collect();
    Rest { transactions, withdrawals, ommers }
}

/// One more transaction, of the same sender or of one that signs; its nonce mostly follows on.
fn another(
    random: &mut Random,
    fork: Fork,
    block: &BlockEnv,
    next: &mut BTreeMap<Address, u64>,
    database: &mut MemoryDatabase,
) -> Transaction {
    let account = database.accounts.get(&SENDER).cloned();
    let mut transaction = envelope::transaction(random, fork, block, database);
    // The account is made anew for each transaction that is made, and is that of the first.
    if let Some(account) = account {
        database.accounts.insert(SENDER, account);
    }
    if random.once_in(4) {
        let signer = random.pick(&SIGNERS);
        if let Some(account) = database.accounts.get_mut(&signer) {
            account.balance = account.balance.max(U256::from(1) << 96);
            next.entry(signer).or_insert(account.nonce);
            transaction.sender = signer;
        }
    }
    let nonce = next.entry(transaction.sender).or_insert(transaction.nonce);
    transaction.nonce = if random.once_in(16) { nonce.wrapping_sub(1) } else { *nonce };
    *nonce = nonce.saturating_add(1);
    transaction
}

/// Code that answers what it has in memory, writes a slot by its input, or fails.
fn system_contract(random: &mut Random) -> Bytecode {
    let code: &[u8] = match random.below(4) {
        // CALLDATASIZE, ISZERO, a slot; 0 and 76 bytes, RETURN.
        0 => &[0x36, 0x15, 0x5f, 0x55, 0x60, 76, 0x5f, 0xf3],
        // The first word of the input into the slot of that number.
        1 => &[0x5f, 0x35, 0x80, 0x55, 0x00],
        2 => &[0x5f, 0x5f, 0xfd],
        _ => &[0x00],
    };
    Bytecode::new(code.to_vec().into())
}
