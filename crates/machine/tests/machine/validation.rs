//! Every rejection has a row; every rule that came with a fork has the row of the fork before it, where it passes.

use parallax_engine_interface::EngineError;
use parallax_machine::validate;
use parallax_primitives::{
    AccessListEntry, Address, Authorization, B256, Bytecode, Fork, Rejection, TransactionType, U256,
};

use crate::world::{OTHER, SENDER, World};

#[track_caller]
fn check(world: &World, expected: Result<(), Rejection>) {
    let answer = match validate(&world.job()) {
        Ok(_) => Ok(()),
        Err(EngineError::Rejected(rejection)) => Err(rejection),
        Err(EngineError::Host(error)) => panic!("the world failed: {error}"),
    };
    assert_eq!(answer, expected);
}

fn blob_hash(version: u8) -> B256 {
    let mut hash = B256::ZERO;
    hash[0] = version;
    hash
}

fn with_blobs(fork: Fork, count: usize) -> World {
    World::new(fork).kind(TransactionType::Blob).transaction(|t| {
        t.blob_hashes = vec![blob_hash(1); count];
        t.max_fee_per_blob_gas = U256::from(1);
    })
}

fn with_authorization(fork: Fork) -> World {
    World::new(fork).kind(TransactionType::SetCode).transaction(|t| {
        t.authorizations =
            vec![Authorization { chain_id: U256::ZERO, address: OTHER, nonce: 0, authority: None }];
    })
}

#[test]
fn types_come_with_their_forks() {
    let world = |fork, kind| match kind {
        TransactionType::Blob => with_blobs(fork, 1),
        TransactionType::SetCode => with_authorization(fork),
        _ => World::new(fork).kind(kind),
    };
    for (kind, before, since) in [
        (TransactionType::AccessList, Fork::Istanbul, Fork::Berlin),
        (TransactionType::DynamicFee, Fork::Berlin, Fork::London),
        (TransactionType::Blob, Fork::Shanghai, Fork::Cancun),
        (TransactionType::SetCode, Fork::Cancun, Fork::Prague),
    ] {
        check(&world(before, kind), Err(Rejection::TypeNotSupported(kind.byte())));
        check(&world(since, kind), Ok(()));
    }
    for fork in Fork::ALL {
        check(&World::new(fork), Ok(()));
    }
}

#[test]
fn chain_and_nonce() {
    let world = World::new(Fork::Osaka);
    check(&world.clone().transaction(|t| t.chain_id = Some(1)), Ok(()));
    check(
        &world.clone().transaction(|t| t.chain_id = Some(2)),
        Err(Rejection::WrongChainId { transaction: 2, chain: 1 }),
    );
    check(
        &world.clone().transaction(|t| t.nonce = 1),
        Err(Rejection::NonceTooHigh { transaction: 1, sender: 0 }),
    );
    let older = world.clone().account(SENDER, |a| a.nonce = 5);
    check(&older, Err(Rejection::NonceTooLow { transaction: 0, sender: 5 }));
    check(&older.transaction(|t| t.nonce = 5), Ok(()));
    let last = world.account(SENDER, |a| a.nonce = u64::MAX);
    check(&last.transaction(|t| t.nonce = u64::MAX), Err(Rejection::NonceIsMax));
}

#[test]
fn senders_with_code() {
    for fork in Fork::ALL {
        let world = World::new(fork);
        check(&world.clone().code(SENDER, "STOP"), Err(Rejection::SenderHasCode));
        let delegated = world.account(SENDER, |a| a.code = Bytecode::delegating_to(OTHER));
        check(&delegated, if fork >= Fork::Prague { Ok(()) } else { Err(Rejection::SenderHasCode) });
    }
}

#[test]
fn funds_cover_fee_value_and_blobs() {
    let short = |needed: u64| {
        Err(Rejection::InsufficientFunds { balance: U256::from(needed - 1), needed: U256::from(needed) })
    };
    let with_balance =
        |world: World, balance: u64| world.account(SENDER, |a| a.balance = U256::from(balance));
    let legacy = World::new(Fork::Osaka).transaction(|t| t.value = U256::from(3));
    check(&with_balance(legacy.clone(), 10_000_003), Ok(()));
    check(&with_balance(legacy, 10_000_002), short(10_000_003));
    // The most it may cost counts, not what it will cost.
    let dynamic = World::new(Fork::Osaka).kind(TransactionType::DynamicFee);
    check(&with_balance(dynamic, 9_999_999), short(10_000_000));
    let blobs = with_blobs(Fork::Osaka, 2).transaction(|t| t.max_fee_per_blob_gas = U256::from(5));
    check(&with_balance(blobs.clone(), 10_000_000 + 10 * 131_072), Ok(()));
    check(&with_balance(blobs, 10_000_000 + 10 * 131_072 - 1), short(10_000_000 + 10 * 131_072));
    for overflow in [
        World::new(Fork::Osaka).transaction(|t| t.max_fee_per_gas = U256::MAX),
        World::new(Fork::Osaka).transaction(|t| t.value = U256::MAX),
    ] {
        let rich = overflow.account(SENDER, |a| a.balance = U256::MAX);
        let needed = U256::MAX;
        check(&rich, Err(Rejection::InsufficientFunds { balance: U256::MAX, needed }));
    }
    let nobody = World::new(Fork::Osaka).transaction(|t| t.sender = Address::ZERO);
    let needed = U256::from(10_000_000);
    check(&nobody, Err(Rejection::InsufficientFunds { balance: U256::ZERO, needed }));
}

#[test]
fn intrinsic_gas_per_fork() {
    let data = |fork| World::new(fork).transaction(|t| t.input = vec![0, 0, 0, 1, 2].into());
    let creation = |fork| data(fork).transaction(|t| t.to = None);
    let access_list = |kind| {
        World::new(Fork::Berlin).kind(kind).transaction(|t| {
            let storage_keys = vec![B256::ZERO; 3];
            t.access_list = vec![AccessListEntry { address: OTHER, storage_keys }];
        })
    };
    for (world, intrinsic) in [
        (World::new(Fork::Frontier), 21_000),
        (data(Fork::Frontier), 21_000 + 3 * 4 + 2 * 68),
        // EIP-2028
        (data(Fork::Istanbul), 21_000 + 3 * 4 + 2 * 16),
        (creation(Fork::Frontier), 21_000 + 3 * 4 + 2 * 68),
        // EIP-2
        (creation(Fork::Homestead), 53_000 + 3 * 4 + 2 * 68),
        // EIP-3860
        (creation(Fork::Shanghai), 53_000 + 3 * 4 + 2 * 16 + 2),
        (access_list(TransactionType::AccessList), 21_000 + 2400 + 3 * 1900),
        // Only what can be in the envelope counts.
        (access_list(TransactionType::Legacy), 21_000),
        (with_authorization(Fork::Prague), 46_000),
    ] {
        let limit = intrinsic - 1;
        check(&world.clone().transaction(|t| t.gas_limit = intrinsic), Ok(()));
        check(&world.transaction(|t| t.gas_limit = limit), Err(Rejection::IntrinsicGas { limit, intrinsic }));
    }
}

#[test]
fn limits_of_gas_and_size() {
    // EIP-7623: 100 nonzero bytes are 400 tokens.
    let data = |fork| World::new(fork).transaction(|t| t.input = vec![1; 100].into());
    let floor = 21_000 + 4000;
    let below = |world: World| world.transaction(|t| t.gas_limit = floor - 1);
    check(&below(data(Fork::Cancun)), Ok(()));
    check(&below(data(Fork::Prague)), Err(Rejection::CalldataFloor { limit: floor - 1, floor }));
    check(&data(Fork::Prague).transaction(|t| t.gas_limit = floor), Ok(()));

    let block = World::new(Fork::Prague).block(|b| b.gas_limit = 999_999);
    check(&block, Err(Rejection::GasAboveBlock { transaction: 1_000_000, block: 999_999 }));
    // EIP-7825
    let cap = 1 << 24;
    check(&World::new(Fork::Osaka).transaction(|t| t.gas_limit = cap), Ok(()));
    let above = |fork| World::new(fork).transaction(|t| t.gas_limit = cap + 1);
    check(&above(Fork::Prague), Ok(()));
    check(&above(Fork::Osaka), Err(Rejection::GasAboveCap { limit: cap + 1, cap }));
    // EIP-3860
    let creation = |fork, size| {
        World::new(fork).transaction(|t| {
            (t.to, t.gas_limit, t.input) = (None, 10_000_000, vec![0; size].into());
        })
    };
    let limit = 49_152;
    check(&creation(Fork::Paris, limit + 1), Ok(()));
    check(&creation(Fork::Shanghai, limit), Ok(()));
    check(&creation(Fork::Shanghai, limit + 1), Err(Rejection::InitcodeTooLarge { size: limit + 1, limit }));
    check(&creation(Fork::Shanghai, limit + 1).transaction(|t| t.to = Some(OTHER)), Ok(()));
}

#[test]
fn fees_against_the_base_fee() {
    let max_fee = U256::from(6);
    let cheap = |world: World| {
        world.transaction(|t| (t.max_fee_per_gas, t.max_priority_fee_per_gas) = (max_fee, U256::ZERO))
    };
    check(&cheap(World::new(Fork::Berlin)), Ok(()));
    for kind in [TransactionType::Legacy, TransactionType::AccessList, TransactionType::DynamicFee] {
        let world = cheap(World::new(Fork::London).kind(kind));
        check(&world, Err(Rejection::FeeBelowBaseFee { max_fee, base_fee: 7 }));
        check(&world.transaction(|t| t.max_fee_per_gas = U256::from(7)), Ok(()));
    }
    let priority = U256::from(11);
    let tip =
        |kind| World::new(Fork::London).kind(kind).transaction(|t| t.max_priority_fee_per_gas = priority);
    check(
        &tip(TransactionType::DynamicFee),
        Err(Rejection::PriorityAboveFee { priority, max_fee: U256::from(10) }),
    );
    check(&tip(TransactionType::Legacy), Ok(()));
}

#[test]
fn blobs() {
    check(&with_blobs(Fork::Cancun, 0), Err(Rejection::NoBlobs));
    for (fork, limit) in [(Fork::Cancun, 6), (Fork::Prague, 9), (Fork::Osaka, 6), (Fork::Bpo2, 6)] {
        check(&with_blobs(fork, limit), Ok(()));
        check(&with_blobs(fork, limit + 1), Err(Rejection::TooManyBlobs { count: limit + 1, limit }));
    }
    // Above the block's limit first.
    check(&with_blobs(Fork::Osaka, 10), Err(Rejection::TooManyBlobs { count: 10, limit: 9 }));
    let versions = with_blobs(Fork::Cancun, 1).transaction(|t| t.blob_hashes.push(blob_hash(2)));
    check(&versions, Err(Rejection::BlobVersion(1)));
    check(&with_blobs(Fork::Cancun, 1).transaction(|t| t.to = None), Err(Rejection::BlobCreate));
    let max_fee = U256::from(1);
    let dear = with_blobs(Fork::Cancun, 1).block(|b| b.excess_blob_gas = 3_338_477);
    check(&dear, Err(Rejection::BlobFeeBelowBaseFee { max_fee, base_fee: U256::from(2) }));
    check(&dear.transaction(|t| t.max_fee_per_blob_gas = U256::from(2)), Ok(()));
    // A price of 136 bits, and one of more bits than a fee has.
    let price = (U256::from(0xf5) << 128) | U256::from(0x930d_b52b_6358_f8ef_9c53_a6f3_452b_e41e_u128);
    for (excess, max_fee, base_fee) in
        [(0x12c0_0000, U256::from(u128::MAX), price), (592_398_316, U256::MAX, U256::MAX)]
    {
        let dear = with_blobs(Fork::Cancun, 1).block(|b| b.excess_blob_gas = excess);
        let dear = dear.transaction(|t| t.max_fee_per_blob_gas = max_fee);
        check(&dear, Err(Rejection::BlobFeeBelowBaseFee { max_fee, base_fee }));
    }
}

#[test]
fn set_code() {
    check(
        &with_authorization(Fork::Prague).transaction(|t| t.authorizations.clear()),
        Err(Rejection::NoAuthorizations),
    );
    check(&with_authorization(Fork::Prague).transaction(|t| t.to = None), Err(Rejection::SetCodeCreate));
}

#[test]
fn the_first_broken_rule_is_reported() {
    // Each row breaks the rules from its own on to the end; the list is in the order of the specification.
    type Break = fn(&mut World);
    type Is = fn(&Rejection) -> bool;
    let rows: [(Break, Is); 7] = [
        (|w| w.transaction.gas_limit = 20_000, |r| matches!(r, Rejection::IntrinsicGas { .. })),
        (|w| w.block.gas_limit = 1, |r| matches!(r, Rejection::GasAboveBlock { .. })),
        (
            |w| w.transaction.blob_hashes = vec![blob_hash(0); 22],
            |r| matches!(r, Rejection::TooManyBlobs { .. }),
        ),
        (|w| w.transaction.chain_id = Some(9), |r| matches!(r, Rejection::WrongChainId { .. })),
        (|w| w.block.base_fee = 11, |r| matches!(r, Rejection::FeeBelowBaseFee { .. })),
        (|w| w.transaction.to = None, |r| matches!(r, Rejection::BlobCreate)),
        (|w| w.transaction.nonce = 7, |r| matches!(r, Rejection::NonceTooHigh { .. })),
    ];
    for first in 0..rows.len() {
        let mut world =
            with_blobs(Fork::Osaka, 1).account(SENDER, |a| a.balance = U256::ZERO).code(SENDER, "STOP");
        for (broken, _) in &rows[first..] {
            broken(&mut world);
        }
        match validate(&world.job()) {
            Err(EngineError::Rejected(rejection)) => {
                assert!(rows[first].1(&rejection), "row {first}: {rejection}");
            }
            other => panic!("row {first}: {other:?}"),
        }
    }
}
