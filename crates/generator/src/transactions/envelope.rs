//! The transaction of a scenario.

use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{
    AccessListEntry, Address, Authorization, B256, BlockEnv, Bytecode, Bytes, Fork, Transaction,
    TransactionType, U256,
};

use super::{
    addresses::{CONTRACTS, NOBODY, SENDER, SIGNERS, any},
    code,
};
use crate::random::Random;

/// The chain of all scenarios (EIP-155).
pub(crate) const CHAIN_ID: u64 = 1;
/// Gas that a transaction may buy (EIP-7825).
const CAP: u64 = 1 << 24;

/// A transaction that can mostly be in the block; its sender is added to the world.
pub(super) fn transaction(
    random: &mut Random,
    fork: Fork,
    block: &BlockEnv,
    database: &mut MemoryDatabase,
) -> Transaction {
    let kind = kind(random, fork);
    let needs_target = matches!(kind, TransactionType::Blob | TransactionType::SetCode);
    let to = if random.once_in(6) && !needs_target { None } else { Some(target(random)) };
    let input = if to.is_none() { code::init(random, fork, 2).into() } else { calldata(random) };
    let price = U256::from(block.base_fee + random.pick(&[0, 0, 1, 3, 1000]));
    let priority = if kind >= TransactionType::DynamicFee {
        price.min(U256::from(random.pick(&[0, 1, 5, 2000])))
    } else {
        price
    };
    let mut transaction = Transaction {
        kind,
        sender: SENDER,
        to,
        nonce: random.pick(&[0, 1, 255]),
        chain_id: (kind != TransactionType::Legacy || random.once_in(2)).then_some(CHAIN_ID),
        gas_limit: gas(random),
        max_fee_per_gas: price,
        max_priority_fee_per_gas: priority,
        value: U256::from(random.pick(&[0, 0, 1, 1000])),
        input,
        ..Transaction::default()
    };
    if kind >= TransactionType::AccessList {
        transaction.access_list = access_list(random);
    }
    if kind == TransactionType::Blob {
        let blobs = random.between(1, if fork >= Fork::Osaka { 6 } else { usize_of(block.blobs.max) });
        transaction.blob_hashes = (0..blobs).map(|_| blob_hash(random)).collect();
        transaction.max_fee_per_blob_gas = block.blob_base_fee() + U256::from(random.below(2));
    }
    if kind == TransactionType::SetCode {
        transaction.authorizations =
            (0..random.between(1, 4)).map(|_| authorization(random, database)).collect();
    }
    if transaction.to.is_none() && random.once_in(24) {
        // Round the limit.
        let limit = code::largest(fork).1;
        let mut input = transaction.input.to_vec();
        input.resize(random.pick(&[limit - 1, limit, limit + 1]), 0);
        transaction.input = input.into();
        transaction.gas_limit += gas_of_calldata(fork, limit);
    }
    if !random.once_in(16) {
        // As much on top as its lists cost.
        let keys: usize = transaction.access_list.iter().map(|entry| entry.storage_keys.len()).sum();
        let lists =
            2400 * transaction.access_list.len() + 1900 * keys + 25_000 * transaction.authorizations.len();
        transaction.gas_limit += lists as u64;
    }
    if fork >= Fork::Amsterdam {
        transaction.gas_limit = split_gas(random, transaction.gas_limit);
    }
    let mut sender = Account { nonce: transaction.nonce, balance: funds(random), ..Account::default() };
    if fork >= Fork::Prague && random.once_in(8) {
        // EIP-3607 lets it send: the code is a delegation.
        let mut code = vec![0xef, 0x01, 0x00];
        code.extend(any(random));
        sender.code = Bytecode::new(code.into());
    }
    database.accounts.insert(SENDER, sender);
    if random.once_in(16) {
        spoil(random, &mut transaction, database);
    }
    transaction
}

/// A gas limit below, at or above where the reservoir begins (EIP-8037): above it by the price of a slot, of an account, of their sum, more or
/// less one, or by enough for all that may happen.
fn split_gas(random: &mut Random, limit: u64) -> u64 {
    let (slot, account) = (64 * 1530, 120 * 1530);
    match random.below(8) {
        0 => random.pick(&[CAP - 1, CAP, CAP + 1]),
        1 => CAP + random.pick(&[slot, account, slot + account, 23 * 1530]) - 1 + random.below(3) as u64,
        2 => CAP + random.below(8 * 183_600) as u64,
        3 => CAP + 30_000_000,
        // What was enough for one gas mostly is not for two.
        4..=6 => limit + random.pick(&[slot, account, 3 * account, 10 * account]),
        _ => limit,
    }
}

/// Sends it down to where no message goes (depth 1,024); from Osaka on as far as its gas goes (EIP-7825).
pub(super) fn send_deep(transaction: &mut Transaction, fork: Fork) {
    transaction.to = Some(CONTRACTS[0]);
    transaction.input = U256::from(1030).to_be_bytes::<32>().into();
    // A 64th is kept at each depth (EIP-150): so much is enough at the last one.
    transaction.gas_limit = if fork >= Fork::Osaka { CAP } else { 1 << 39 };
}

/// Makes it one that creates by init code or with code of the greatest length that the fork allows, or of a byte more, and has the gas for
/// it: by itself, or by the CREATE or CREATE2 of a contract.
pub(super) fn create_at_the_limit(
    random: &mut Random,
    transaction: &mut Transaction,
    database: &mut MemoryDatabase,
    fork: Fork,
) {
    let (code, init_code) = code::largest(fork);
    let is_long = random.once_in(2);
    let init = code::returning(fork, if is_long { 1 } else { code + random.below(2) });
    let length = if is_long { init_code + random.below(2) } else { init.len() };
    if random.once_in(2) && transaction.kind < TransactionType::Blob {
        let mut input = init;
        input.resize(length, 0);
        transaction.to = None;
        transaction.input = input.into();
    } else {
        transaction.to = Some(CONTRACTS[0]);
        let creating = code::creating(fork, &init, length, random.once_in(2));
        let contract = database.accounts.entry(CONTRACTS[0]).or_default();
        contract.code = Bytecode::new(creating.into());
    }
    // What is paid by the byte of code: 200, or 1,530 of state gas.
    transaction.gas_limit = if fork >= Fork::Amsterdam {
        CAP + 1530 * (code as u64 + 500)
    } else {
        200 * code as u64 + gas_of_calldata(fork, length) + 1_000_000
    };
}

/// More than so many zeros and the words of init code cost; a byte is at least 64 with EIP-7976.
fn gas_of_calldata(fork: Fork, length: usize) -> u64 {
    let byte = if fork >= Fork::Amsterdam { 70 } else { 20 };
    byte * length as u64
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A type that the fork has.
fn kind(random: &mut Random, fork: Fork) -> TransactionType {
    let since = [
        (TransactionType::Legacy, Fork::Frontier),
        (TransactionType::AccessList, Fork::Berlin),
        (TransactionType::DynamicFee, Fork::London),
        (TransactionType::Blob, Fork::Cancun),
        (TransactionType::SetCode, Fork::Prague),
    ];
    let kinds: Vec<_> = since.iter().filter(|(_, first)| fork >= *first).map(|(kind, _)| *kind).collect();
    random.pick(&kinds)
}

fn target(random: &mut Random) -> Address {
    if random.once_in(4) { any(random) } else { random.pick(&CONTRACTS) }
}

/// The depth that messages may go to.
fn calldata(random: &mut Random) -> Bytes {
    let mut input = U256::from(random.between(0, 8)).to_be_bytes::<32>().to_vec();
    if random.once_in(4) {
        input.extend((0..random.below(300)).map(|_| if random.once_in(2) { 0 } else { random.byte() }));
    }
    if random.once_in(16) {
        input.truncate(random.below(32));
    }
    input.into()
}

/// From what is not enough for anything up to what deep calls need.
fn gas(random: &mut Random) -> u64 {
    let gas = match random.below(16) {
        0 => random.between(20_900, 26_000),
        1..=3 => random.between(30_000, 120_000),
        4..=14 => random.between(120_000, 1_000_000),
        _ => random.between(1_000_000, 8_000_000),
    };
    gas as u64
}

/// Ample, but for a few who have next to nothing.
fn funds(random: &mut Random) -> U256 {
    if random.once_in(64) { U256::from(random.below(1_000_000)) } else { U256::from(1) << 100 }
}

/// Any accounts, some of them twice.
fn access_list(random: &mut Random) -> Vec<AccessListEntry> {
    let slot = |random: &mut Random| B256::from(U256::from(random.below(code::SLOTS)));
    let entry = |random: &mut Random| AccessListEntry {
        address: any(random),
        storage_keys: (0..random.below(4)).map(|_| slot(random)).collect(),
    };
    (0..random.below(5)).map(|_| entry(random)).collect()
}

fn blob_hash(random: &mut Random) -> B256 {
    let mut hash = B256::repeat_byte(random.byte());
    hash[0] = 1;
    hash
}

/// Most are taken; the others are for another chain, another nonce, of nobody, or of an account that has code.
fn authorization(random: &mut Random, database: &MemoryDatabase) -> Authorization {
    let authority = match random.below(16) {
        0 => None,
        1 => Some(SENDER),
        2 => Some(random.pick(&CONTRACTS)),
        // Of an account that is not there, unless it has signed before.
        3..=5 => Some(NOBODY),
        _ => Some(random.pick(&SIGNERS)),
    };
    let account = authority.and_then(|authority| database.accounts.get(&authority));
    let nonce = account.map_or(0, |account| account.nonce);
    Authorization {
        chain_id: U256::from(random.pick(&[0, 1, 1, 1, 1, 1, 2])),
        address: if random.once_in(6) { Address::ZERO } else { any(random) },
        // The same account may sign a second time, and the sender's nonce is raised before.
        nonce: nonce.wrapping_add(random.pick(&[0, 0, 0, 0, 0, 1, 1, 2])),
        authority,
    }
}

/// Makes it one that is refused, mostly; never one that no envelope could hold.
fn spoil(random: &mut Random, transaction: &mut Transaction, database: &mut MemoryDatabase) {
    let kind = transaction.kind;
    match random.below(14) {
        0 => transaction.nonce = transaction.nonce.wrapping_add(random.pick(&[1, u64::MAX])),
        1 => transaction.chain_id = Some(7),
        2 => {
            transaction.max_fee_per_gas = U256::from(random.below(7));
            if kind < TransactionType::DynamicFee {
                transaction.max_priority_fee_per_gas = transaction.max_fee_per_gas;
            }
        }
        3 if kind >= TransactionType::DynamicFee => {
            transaction.max_priority_fee_per_gas = transaction.max_fee_per_gas + U256::from(1);
        }
        4 => transaction.gas_limit = random.below(21_001) as u64,
        5 => transaction.gas_limit = random.pick(&[CAP, CAP + 1, 1 << 40, (1 << 40) + 1]),
        6 => transaction.value = U256::from(random.pick(&[1u128 << 100, u128::MAX])),
        7 if kind == TransactionType::SetCode => transaction.authorizations.clear(),
        7 if kind == TransactionType::Blob => transaction.blob_hashes.clear(),
        8 if kind == TransactionType::Blob => transaction.blob_hashes.push(B256::repeat_byte(2)),
        9 if kind == TransactionType::Blob => {
            transaction.blob_hashes.resize(random.pick(&[7, 10, 33]), blob_hash(random));
        }
        10 if kind == TransactionType::Blob => transaction.max_fee_per_blob_gas = U256::ZERO,
        11 => transaction.to = None,
        12 => {
            let sender = database.accounts.entry(SENDER).or_default();
            sender.code = Bytecode::new(vec![random.byte(); random.pick(&[1, 23])].into());
        }
        13 => {
            let sender = database.accounts.entry(SENDER).or_default();
            sender.nonce = u64::MAX;
            transaction.nonce = u64::MAX;
        }
        // A type that the fork may not have.
        _ if kind == TransactionType::Legacy => {
            transaction.kind = TransactionType::AccessList;
            transaction.chain_id = Some(CHAIN_ID);
        }
        _ => {}
    }
}
