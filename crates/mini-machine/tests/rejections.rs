//! Why a transaction cannot be in a block: each reason, and which of two comes first.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use parallax_engine_interface::{EngineError, Job};
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_mini_machine::validate;
use parallax_primitives::{
    AccessListEntry, Address, Authorization, B256, BlockEnv, Bytecode, Fork, Rejection, Rules, Transaction,
    TransactionType::{self, AccessList, Blob, DynamicFee, Legacy, SetCode},
    U256,
};

const SENDER: Address = Address::repeat_byte(0xaa);

struct World {
    sender: Account,
    block: BlockEnv,
    transaction: Transaction,
}

/// A transaction that may be in the block, whatever it is made of besides.
fn good(kind: TransactionType, fork: Fork) -> World {
    let mut transaction = Transaction {
        kind,
        sender: SENDER,
        to: Some(Address::repeat_byte(0x11)),
        nonce: 5,
        chain_id: Some(1),
        gas_limit: 100_000,
        max_fee_per_gas: U256::from(20),
        max_priority_fee_per_gas: U256::from(3),
        value: U256::from(7),
        ..Transaction::default()
    };
    if kind == Blob {
        transaction.blob_hashes = vec![B256::repeat_byte(1)];
        transaction.max_fee_per_blob_gas = U256::from(9);
    }
    if kind == SetCode {
        transaction.authorizations =
            vec![Authorization { chain_id: U256::ZERO, address: Address::ZERO, nonce: 0, authority: None }];
    }
    let block = BlockEnv { base_fee: 10, blobs: Rules::of(fork).blobs(), ..BlockEnv::default() };
    let balance = U256::from(1) << 160;
    World { sender: Account { nonce: 5, balance, ..Account::default() }, block, transaction }
}

#[track_caller]
fn check(kind: TransactionType, fork: Fork, change: impl FnOnce(&mut World), expected: Option<Rejection>) {
    let mut world = good(kind, fork);
    change(&mut world);
    let World { sender, block, transaction } = world;
    let mut database = MemoryDatabase::default();
    database.accounts.insert(SENDER, sender);
    let job = Job {
        rules: fork.into(),
        chain_id: 1,
        block: &block,
        subject: (&transaction).into(),
        database: &database,
    };
    let rejection = match validate(&job, &transaction) {
        Ok(_) => None,
        Err(EngineError::Rejected(rejection)) => Some(rejection),
        Err(EngineError::Host(error)) => panic!("{error}"),
    };
    assert_eq!(rejection, expected);
}

#[test]
fn each_type_begins_with_its_fork() {
    for (kind, since) in [
        (AccessList, Fork::Berlin),
        (DynamicFee, Fork::London),
        (Blob, Fork::Cancun),
        (SetCode, Fork::Prague),
    ] {
        for fork in Fork::ALL {
            let rejection = Rejection::TypeNotSupported(kind.byte());
            check(kind, fork, |_| (), if fork >= since { None } else { Some(rejection) });
        }
    }
}

#[test]
fn each_check_has_its_reason() {
    let osaka = Fork::Osaka;
    check(
        Legacy,
        osaka,
        |world| world.transaction.gas_limit = 20_999,
        Some(Rejection::IntrinsicGas { limit: 20_999, intrinsic: 21_000 }),
    );
    let long = |world: &mut World| {
        world.transaction.input = vec![1; 1000].into();
        world.transaction.gas_limit = 60_999;
    };
    check(Legacy, osaka, long, Some(Rejection::CalldataFloor { limit: 60_999, floor: 61_000 }));
    check(Legacy, Fork::Cancun, long, None);
    check(Legacy, osaka, |world| world.transaction.nonce = u64::MAX, Some(Rejection::NonceIsMax));
    let create = |size| {
        move |world: &mut World| {
            world.transaction.to = None;
            world.transaction.gas_limit = 10_000_000;
            world.transaction.input = vec![0; size].into();
        }
    };
    check(Legacy, osaka, create(49_152), None);
    check(Legacy, osaka, create(49_153), Some(Rejection::InitcodeTooLarge { size: 49_153, limit: 49_152 }));
    check(Legacy, Fork::Paris, create(49_153), None);
    let gas = |limit| move |world: &mut World| world.transaction.gas_limit = limit;
    check(
        Legacy,
        osaka,
        gas((1 << 24) + 1),
        Some(Rejection::GasAboveCap { limit: (1 << 24) + 1, cap: 1 << 24 }),
    );
    check(Legacy, Fork::Prague, gas((1 << 24) + 1), None);
    check(
        Legacy,
        Fork::Prague,
        gas(30_000_001),
        Some(Rejection::GasAboveBlock { transaction: 30_000_001, block: 30_000_000 }),
    );
    check(
        Legacy,
        osaka,
        |world| world.transaction.chain_id = Some(2),
        Some(Rejection::WrongChainId { transaction: 2, chain: 1 }),
    );
    check(Legacy, osaka, |world| world.transaction.chain_id = None, None);
    let fee = |fee: u64| move |world: &mut World| world.transaction.max_fee_per_gas = U256::from(fee);
    check(Legacy, osaka, fee(9), Some(Rejection::FeeBelowBaseFee { max_fee: U256::from(9), base_fee: 10 }));
    check(Legacy, Fork::Berlin, fee(9), None);
    check(Legacy, osaka, fee(10), None);
    check(
        DynamicFee,
        osaka,
        fee(2),
        Some(Rejection::PriorityAboveFee { priority: U256::from(3), max_fee: U256::from(2) }),
    );
    check(
        DynamicFee,
        osaka,
        fee(9),
        Some(Rejection::FeeBelowBaseFee { max_fee: U256::from(9), base_fee: 10 }),
    );
    check(
        Legacy,
        osaka,
        |world| world.sender.nonce = 6,
        Some(Rejection::NonceTooLow { transaction: 5, sender: 6 }),
    );
    check(
        Legacy,
        osaka,
        |world| world.sender.nonce = 4,
        Some(Rejection::NonceTooHigh { transaction: 5, sender: 4 }),
    );
}

#[test]
fn the_sender_pays_for_all_and_has_no_code() {
    let osaka = Fork::Osaka;
    let needed = U256::from(20 * 100_000 + 7);
    let balance = |balance| move |world: &mut World| world.sender.balance = balance;
    check(DynamicFee, osaka, balance(needed), None);
    let short = Some(Rejection::InsufficientFunds { balance: needed - U256::ONE, needed });
    check(DynamicFee, osaka, balance(needed - U256::ONE), short);
    let with_blob = needed + U256::from(9 << 17);
    check(Blob, osaka, balance(with_blob), None);
    let short = Some(Rejection::InsufficientFunds { balance: needed, needed: with_blob });
    check(Blob, osaka, balance(needed), short);
    let all = |world: &mut World| {
        world.sender.balance = U256::MAX;
        world.transaction.max_fee_per_gas = U256::MAX;
    };
    check(Legacy, osaka, all, Some(Rejection::InsufficientFunds { balance: U256::MAX, needed: U256::MAX }));

    let code = |bytes: Vec<u8>| move |world: &mut World| world.sender.code = Bytecode::new(bytes.into());
    let delegation = [&[0xef, 0x01, 0x00], [7; 20].as_slice()].concat();
    check(Legacy, osaka, code(vec![0]), Some(Rejection::SenderHasCode));
    check(Legacy, osaka, code(delegation.clone()), None);
    check(Legacy, Fork::Cancun, code(delegation), Some(Rejection::SenderHasCode));
}

#[test]
fn blobs_and_authorizations_have_their_reasons() {
    let hashes = |count, first| {
        move |world: &mut World| world.transaction.blob_hashes = vec![B256::repeat_byte(first); count]
    };
    check(Blob, Fork::Osaka, hashes(0, 1), Some(Rejection::NoBlobs));
    check(Blob, Fork::Osaka, hashes(1, 2), Some(Rejection::BlobVersion(0)));
    check(Blob, Fork::Osaka, hashes(6, 1), None);
    check(Blob, Fork::Osaka, hashes(7, 1), Some(Rejection::TooManyBlobs { count: 7, limit: 6 }));
    check(Blob, Fork::Prague, hashes(9, 1), None);
    check(Blob, Fork::Prague, hashes(10, 1), Some(Rejection::TooManyBlobs { count: 10, limit: 9 }));
    check(Blob, Fork::Cancun, hashes(7, 1), Some(Rejection::TooManyBlobs { count: 7, limit: 6 }));
    let no_target = |world: &mut World| world.transaction.to = None;
    let more_gas = |world: &mut World| {
        world.transaction.to = None;
        world.transaction.blob_hashes.clear();
    };
    check(Blob, Fork::Osaka, no_target, Some(Rejection::BlobCreate));
    // What comes first changed in Prague.
    check(Blob, Fork::Cancun, more_gas, Some(Rejection::BlobCreate));
    check(Blob, Fork::Prague, more_gas, Some(Rejection::NoBlobs));
    let dear = |excess, most: U256| {
        move |world: &mut World| {
            world.block.excess_blob_gas = excess;
            world.transaction.max_fee_per_blob_gas = most;
            world.sender.balance = U256::MAX;
        }
    };
    let rejection = |max_fee, base_fee| Some(Rejection::BlobFeeBelowBaseFee { max_fee, base_fee });
    check(Blob, Fork::Cancun, dear(10 << 20, U256::from(22)), rejection(U256::from(22), U256::from(23)));
    check(Blob, Fork::Cancun, dear(10 << 20, U256::from(23)), None);
    // The price has 136 bits (`../shared/facts`, difference 1).
    let most = U256::from(u128::MAX);
    let price = (U256::from(0xf5) << 128) | U256::from(0x930d_b52b_6358_f8ef_9c53_a6f3_452b_e41e_u128);
    check(Blob, Fork::Cancun, dear(0x12c0_0000, most), rejection(most, price));
    // A price of more bits than a fee has.
    check(Blob, Fork::Cancun, dear(592_398_316, U256::MAX), rejection(U256::MAX, U256::MAX));
    check(Blob, Fork::Cancun, dear(0x12c0_0000, U256::from(1) << 136), None);

    check(SetCode, Fork::Prague, no_target, Some(Rejection::SetCodeCreate));
    check(
        SetCode,
        Fork::Prague,
        |world| world.transaction.authorizations.clear(),
        Some(Rejection::NoAuthorizations),
    );
}

#[test]
fn amsterdam_looks_at_what_there_is_before_the_gas() {
    let check = |kind, change: fn(&mut World), expected| check(kind, Fork::Amsterdam, change, expected);
    check(Legacy, |world| world.transaction.gas_limit = 21_000, None);
    let short = Some(Rejection::IntrinsicGas { limit: 20_999, intrinsic: 21_000 });
    check(Legacy, |world| world.transaction.gas_limit = 20_999, short);
    // Each of these has too little gas as well.
    check(
        Legacy,
        |world| {
            world.transaction.gas_limit = 1;
            world.transaction.nonce = u64::MAX;
        },
        Some(Rejection::NonceIsMax),
    );
    check(
        Legacy,
        |world| {
            world.transaction.gas_limit = 1;
            world.transaction.to = None;
            world.transaction.input = vec![0; 131_073].into();
        },
        Some(Rejection::InitcodeTooLarge { size: 131_073, limit: 131_072 }),
    );
    check(
        DynamicFee,
        |world| {
            world.transaction.gas_limit = 1;
            world.transaction.max_fee_per_gas = U256::from(2);
        },
        Some(Rejection::PriorityAboveFee { priority: U256::from(3), max_fee: U256::from(2) }),
    );
    check(
        Blob,
        |world| {
            world.transaction.gas_limit = 1;
            world.transaction.to = None;
            world.transaction.blob_hashes.clear();
        },
        Some(Rejection::NoBlobs),
    );
    check(
        Blob,
        |world| {
            world.transaction.gas_limit = 1;
            world.transaction.to = None;
        },
        Some(Rejection::BlobCreate),
    );
    check(
        SetCode,
        |world| {
            world.transaction.gas_limit = 1;
            world.transaction.authorizations.clear();
        },
        Some(Rejection::NoAuthorizations),
    );
    // The fee is looked at behind the gas, and the block's limit before it.
    check(
        Legacy,
        |world| {
            world.transaction.gas_limit = 1;
            world.transaction.max_fee_per_gas = U256::ZERO;
        },
        Some(Rejection::IntrinsicGas { limit: 1, intrinsic: 21_000 }),
    );
    check(
        Legacy,
        |world| {
            world.transaction.gas_limit = 30_000_001;
            world.transaction.max_fee_per_gas = U256::ZERO;
        },
        Some(Rejection::GasAboveBlock { transaction: 30_000_001, block: 30_000_000 }),
    );
}

#[test]
fn amsterdam_s_cap_is_of_what_is_needed() {
    let cap = 1 << 24;
    let check = |change: fn(&mut World), expected| check(Legacy, Fork::Amsterdam, change, expected);
    check(|world| world.transaction.gas_limit = (1 << 24) + 1, None);
    // 15,000 and 6,000 for the value, and 64 a byte: 261,815 bytes are 16,777,160.
    check(
        |world| {
            world.transaction.gas_limit = 17_000_000;
            world.transaction.input = vec![0; 261_815].into();
        },
        None,
    );
    check(
        |world| {
            world.transaction.gas_limit = 17_000_000;
            world.transaction.input = vec![0; 261_816].into();
        },
        Some(Rejection::IntrinsicGasAboveCap { needed: 16_777_224, cap }),
    );
    // Calldata of other bytes costs 16, so the list makes up the intrinsic gas: 5,200 addresses at 4,180.
    check(
        |world| {
            world.transaction.gas_limit = 29_000_000;
            let entry = AccessListEntry { address: SENDER, storage_keys: vec![] };
            world.transaction.access_list = vec![entry; 5200];
        },
        Some(Rejection::IntrinsicGasAboveCap { needed: 21_000 + 5200 * 4180, cap }),
    );
}
