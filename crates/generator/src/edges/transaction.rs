//! The transaction of an edge case, and the block around it.

use parallax_memory_database::Account;
use parallax_primitives::{
    AccessListEntry, Address, Authorization, B256, BlockEnv, Eip, Opcode, Transaction, TransactionType, U256,
};

use super::{
    init::{in_the_way, init},
    precompiles::input,
    stage::{Edge, OUTER, RICH, SUBJECT, Stage},
};
use crate::{
    random::Random,
    transactions::{
        CHAIN_ID,
        addresses::{NOBODY, SENDER},
    },
};

/// Excesses at which the price of blob gas has some 33, 65, 129 and 256 bits, by the fractions of Cancun and of Prague.
const BLOB_GAS: [u64; 8] =
    [76_400_000, 114_600_000, 150_400_000, 225_700_000, 298_000_000, 447_800_000, 593_000_000, 1 << 40];

/// A message to `to`, with plenty of gas, or so that its frame has this much.
pub(super) fn calling(mut stage: Stage, to: Address, gas: Option<u64>) -> Edge {
    let mut transaction = plain(&mut stage);
    transaction.to = Some(to);
    let prices = stage.rules.gas();
    // Nothing else is asked of one without calldata and without a value.
    let intrinsic = prices.tx_base + prices.tx_recipient;
    if let Some(gas) = gas {
        transaction.gas_limit = intrinsic + gas;
        return done(stage, transaction);
    }
    if stage.is_rich {
        transaction.gas_limit += 2 * RICH;
    }
    if stage.random.once_in(3) {
        transaction.input = (0..stage.random.pick(&[1, 4, 31, 32, 33, 68]))
            .map(|_| if stage.random.once_in(2) { 0 } else { stage.random.byte() })
            .collect();
    }
    if stage.random.once_in(4) {
        transaction.value = U256::from(stage.random.pick(&[1, 1000]));
    }
    lists(&mut stage, &mut transaction);
    done(stage, transaction)
}

/// Creates by this init code.
pub(super) fn creating(mut stage: Stage, init: Vec<u8>) -> Edge {
    let mut transaction = plain(&mut stage);
    transaction.to = None;
    transaction.input = init.into();
    transaction.gas_limit += if stage.is_rich { 2 * RICH } else { 400_000 };
    transaction.value = U256::from(stage.random.pick(&[0, 0, 1]));
    lists(&mut stage, &mut transaction);
    if stage.random.once_in(12) {
        in_the_way(&mut stage, SENDER.create(0));
    }
    done(stage, transaction)
}

/// Has gas enough for as many frames as there may be.
pub(super) fn descending(mut stage: Stage) -> Edge {
    let mut transaction = plain(&mut stage);
    transaction.to = Some(SUBJECT);
    // A 64th is kept at each depth (EIP-150): so much is enough at the last one.
    transaction.gas_limit = 1 << 40;
    done(stage, transaction)
}

/// One that is about itself: what it creates or calls, its fees, its lists, who gets what.
pub(super) fn of_itself(mut stage: Stage) -> Edge {
    let mut transaction = plain(&mut stage);
    transaction.value = U256::from(stage.random.pick(&[0, 0, 1, 1000]));
    match stage.random.below(8) {
        0..=3 => {
            let init = init(&mut stage);
            transaction.to = None;
            transaction.gas_limit += if stage.is_rich { 2 * RICH } else { 200_000 };
            transaction.input = init.into();
            if stage.random.once_in(3) {
                in_the_way(&mut stage, SENDER.create(0));
            }
        }
        4 if stage.rules.has(Eip::SetCode7702) => authorizing(&mut stage, &mut transaction),
        4 | 5 => {
            let contract = stage.precompile();
            transaction.to = Some(contract.address());
            transaction.input = input(&mut stage.random, contract).into();
        }
        _ => {
            let to = stage.address();
            transaction.to = Some(to);
            if to == SUBJECT || to == OUTER {
                let code = vec![Opcode::COINBASE.0, Opcode::BALANCE.0, Opcode::POP.0, Opcode::STOP.0];
                stage.contract(to, code);
            }
        }
    }
    lists(&mut stage, &mut transaction);
    done(stage, transaction)
}

/// Delegates accounts (EIP-7702): one that is there or not, the sender, the same one twice, to any account or to none; now and then by a
/// nonce or for a chain that is not right.
fn authorizing(stage: &mut Stage, transaction: &mut Transaction) {
    transaction.kind = TransactionType::SetCode;
    transaction.chain_id = Some(CHAIN_ID);
    let called = stage.delegating();
    transaction.to = Some(if stage.random.once_in(2) { called } else { stage.address() });
    for _ in 0..stage.random.between(1, 3) {
        let authority = match stage.random.below(4) {
            0 => SENDER,
            1 => NOBODY,
            _ => called,
        };
        let nonce = stage.database.accounts.get(&authority).map_or(0, |account| account.nonce);
        let nonce = nonce.saturating_add(stage.random.pick(&[0, 0, 0, 1])) + u64::from(authority == SENDER);
        transaction.authorizations.push(Authorization {
            chain_id: U256::from(stage.random.pick(&[0, 1, 1, 2])),
            address: if stage.random.once_in(4) { Address::ZERO } else { stage.address() },
            nonce,
            authority: (!stage.random.once_in(16)).then_some(authority),
        });
        transaction.gas_limit += 200_000;
    }
}

/// One with gas for what it is about, and its fees at their edges.
fn plain(stage: &mut Stage) -> Transaction {
    let (rules, random) = (stage.rules, &mut stage.random);
    let kind = match random.below(4) {
        0 if rules.has(Eip::AccessLists2930) => TransactionType::AccessList,
        1 | 2 if rules.has(Eip::DynamicFee1559) => TransactionType::DynamicFee,
        _ => TransactionType::Legacy,
    };
    let mut gas_limit = random.pick(&[500_000, 600_000, 1_000_000, 2_000_000]);
    if rules.gas().state_new_slot > 0 && random.once_in(3) {
        // Above the cap it is state gas alone (EIP-8037).
        gas_limit = (1 << 24) + random.pick(&[0, 1, 100_000, 1_000_000]);
    }
    Transaction {
        kind,
        sender: SENDER,
        gas_limit,
        chain_id: (kind != TransactionType::Legacy || random.once_in(2)).then_some(CHAIN_ID),
        ..Transaction::default()
    }
}

/// Accounts and slots that are warm from the start (EIP-2930), some of them named twice.
fn lists(stage: &mut Stage, transaction: &mut Transaction) {
    if transaction.kind == TransactionType::Legacy || stage.random.once_in(2) {
        return;
    }
    for _ in 0..stage.random.between(1, 2) {
        let address = if stage.random.once_in(2) { SUBJECT } else { stage.address() };
        let storage_keys = stage.keys.iter().take(2).map(|key| B256::from(*key)).collect();
        transaction.access_list.push(AccessListEntry { address, storage_keys });
        transaction.gas_limit += 10_000;
    }
}

/// Carries blobs (EIP-4844), at a price that is just enough.
fn carry_blobs(random: &mut Random, block: &BlockEnv, transaction: &mut Transaction) {
    transaction.kind = TransactionType::Blob;
    transaction.chain_id = Some(CHAIN_ID);
    for number in 0..random.between(1, 3) {
        let mut hash = B256::repeat_byte(u8::try_from(number).unwrap_or(0));
        hash[0] = 1;
        transaction.blob_hashes.push(hash);
    }
    let price = block.blob_base_fee();
    transaction.max_fee_per_blob_gas = match random.below(6) {
        0 => price.saturating_sub(U256::from(1)),
        1 => price.saturating_add(U256::from(1)),
        _ => price,
    };
}

/// With a block, its price and its sender.
fn done(mut stage: Stage, mut transaction: Transaction) -> Edge {
    let (rules, random) = (stage.rules, &mut stage.random);
    let base_fee = if rules.has(Eip::DynamicFee1559) { random.pick(&[0, 1, 7, 1 << 40]) } else { 0 };
    let tip = random.pick(&[0, 0, 1, 1000]);
    let price = U256::from(base_fee) + U256::from(tip);
    transaction.max_fee_per_gas = price + U256::from(random.pick(&[0, 0, 5]));
    transaction.max_priority_fee_per_gas = match transaction.kind {
        TransactionType::Legacy | TransactionType::AccessList => transaction.max_fee_per_gas,
        _ => U256::from(tip),
    };
    let block = BlockEnv {
        number: random.pick(&[0, 1, 255, 256, 257, 1 << 40]),
        timestamp: random.pick(&[0, 1000, u64::MAX]),
        gas_limit: 1 << 40,
        coinbase: stage.coinbase,
        difficulty: U256::from(0x20000),
        prevrandao: B256::repeat_byte(random.byte()),
        base_fee,
        excess_blob_gas: if random.once_in(8) { random.pick(&BLOB_GAS) } else { 0 },
        blobs: rules.blobs(),
        slot_number: random.pick(&[0, 1, u64::MAX]),
    };
    let is_typed = matches!(transaction.kind, TransactionType::DynamicFee) && transaction.to.is_some();
    if is_typed && rules.has(Eip::Blobs4844) && random.once_in(8) {
        carry_blobs(random, &block, &mut transaction);
    }
    // Enough for any price of gas, and for a price of blob gas of more than 64 bits.
    let balance = U256::from(1) << 100;
    stage.database.accounts.insert(SENDER, Account { balance, ..Account::default() });
    Edge { block, transaction, database: stage.database }
}
