//! What is paid, to whom, and what comes back.

use parallax_primitives::{
    AccessListEntry, Address, B256, Fork, FrameStatus, Halt, Transaction, TransactionType, U256,
};

use crate::world::{COINBASE, OTHER, RICHES, Ran, SENDER, TARGET, World};

/// Wei that the sender has lost and the coinbase has gained.
#[track_caller]
fn check_paid(ran: &Ran, paid: u64, earned: u64) {
    let balance = |address| ran.changed(address).map_or(U256::ZERO, |(_, balance, ..)| balance);
    assert_eq!(balance(SENDER), U256::from(RICHES - paid), "the sender's balance");
    assert_eq!(balance(COINBASE), U256::from(earned), "the coinbase's balance");
}

#[test]
fn a_plain_transfer() {
    for fork in Fork::ALL {
        let ran = World::new(fork).transaction(|t| t.value = U256::from(5)).run();
        // To an account that comes to life (EIP-8037).
        let gas = if fork >= Fork::Amsterdam { 21_000 + 183_600 } else { 21_000 };
        assert_eq!((ran.outcome().status, ran.outcome().gas_used), (FrameStatus::Success, gas));
        let tip = if fork >= Fork::London { 3 } else { 10 };
        check_paid(&ran, 10 * gas + 5, gas * tip);
        assert_eq!(ran.changed(TARGET).unwrap().1, U256::from(5));
        assert_eq!(ran.changed(SENDER).unwrap().0, 1, "nonce");
    }
}

#[test]
fn the_effective_price() {
    let world = World::new(Fork::London).code(TARGET, "GASPRICE PUSH 0 SSTORE");
    for (max_fee, priority, price) in [(10, 2, 9), (8, 2, 8), (7, 0, 7), (7, 7, 7), (10, 10, 10)] {
        let ran = world
            .clone()
            .kind(TransactionType::DynamicFee)
            .transaction(|t| {
                t.max_fee_per_gas = U256::from(max_fee);
                t.max_priority_fee_per_gas = U256::from(priority);
            })
            .run();
        assert_eq!(ran.slot(TARGET), price);
        let gas = ran.outcome().gas_used;
        check_paid(&ran, gas * price, gas * (price - 7));
    }
}

#[test]
fn blob_gas_is_burned() {
    let mut hash = B256::ZERO;
    hash[0] = 1;
    let ran = World::new(Fork::Cancun)
        .kind(TransactionType::Blob)
        .block(|b| b.excess_blob_gas = 3_338_477)
        .transaction(|t| {
            t.blob_hashes = vec![hash; 3];
            t.max_fee_per_blob_gas = U256::from(9);
        })
        .code(TARGET, "PUSH 2 BLOBHASH PUSH 248 SHR PUSH 0 SSTORE")
        .run();
    assert_eq!(ran.slot(TARGET), 1);
    let gas = ran.outcome().gas_used;
    check_paid(&ran, gas * 9 + 3 * 131_072 * 2, gas * 2);
}

#[test]
fn refunds_are_capped() {
    // Ten slots cleared: the refund is far above the cap.
    let clearing = "
        PUSH 10
    next:
        PUSH 1 SWAP1 SUB
        PUSH 0 DUP2 SSTORE
        DUP1 @next JUMPI";
    for (fork, quotient) in [(Fork::Frontier, 2), (Fork::Berlin, 2), (Fork::London, 5), (Fork::Osaka, 5)] {
        let ran = World::new(fork)
            .code(TARGET, clearing)
            .account(TARGET, |a| a.storage = (0..10).map(|i| (U256::from(i), U256::from(1))).collect())
            .run();
        let outcome = ran.outcome();
        let spent = outcome.gas_used + outcome.gas_refunded;
        assert_eq!(outcome.gas_refunded, spent / quotient, "{fork}");
    }
}

#[test]
fn refunds_below_the_cap_are_granted_whole() {
    // The memory makes the transaction dear enough.
    for (fork, refund) in [(Fork::Homestead, 15_000), (Fork::Berlin, 15_000), (Fork::London, 4800)] {
        let world = World::new(fork)
            .code(TARGET, "PUSH 0 PUSH 0 SSTORE PUSH 1 PUSH 60000 MSTORE")
            .account(TARGET, |a| a.storage = [(U256::ZERO, U256::from(1))].into());
        assert_eq!(world.run().outcome().gas_refunded, refund, "{fork}");
        // A transaction that fails keeps no refund.
        let failing = world.code(TARGET, "PUSH 0 PUSH 0 SSTORE INVALID").run();
        assert_eq!(failing.outcome().status, FrameStatus::Halt(Halt::InvalidOpcode));
        assert_eq!((failing.outcome().gas_used, failing.outcome().gas_refunded), (1_000_000, 0));
        check_paid(&failing, 10_000_000, if fork >= Fork::London { 3_000_000 } else { 10_000_000 });
    }
}

#[test]
fn the_floor_of_calldata() {
    let world = |fork| World::new(fork).transaction(|t| t.input = vec![1; 1000].into());
    for (fork, gas) in [(Fork::Cancun, 21_000 + 16_000), (Fork::Prague, 21_000 + 40_000)] {
        let ran = world(fork).run();
        assert_eq!((ran.outcome().gas_used, ran.outcome().gas_refunded), (gas, 0));
        check_paid(&ran, gas * 10, gas * 3);
    }
    // Above the floor it does not matter; below it a refund is not granted.
    let above = world(Fork::Prague).code(TARGET, "PUSH 1 PUSH 120000 MSTORE").run();
    assert!(above.outcome().gas_used > 61_000);
    let clearing = world(Fork::Prague)
        .code(TARGET, "PUSH 0 PUSH 0 SSTORE")
        .account(TARGET, |a| a.storage = [(U256::ZERO, U256::from(1))].into())
        .run();
    assert_eq!((clearing.outcome().gas_used, clearing.outcome().gas_refunded), (61_000, 0));
}

#[test]
fn warm_from_the_start() {
    // The difference between a first and a second BALANCE is the cold cost, or nothing.
    let probe = |fork, address: u64, change: fn(&mut Transaction)| {
        let source = format!("GAS PUSH {address} BALANCE POP GAS SWAP1 SUB PUSH 0 SSTORE");
        World::new(fork)
            .kind(TransactionType::AccessList)
            .transaction(change)
            .code(TARGET, &source)
            .run()
            .slot(TARGET)
    };
    let number = |address: Address| U256::from_be_slice(address.as_slice()).to::<u64>();
    let measured = |access: u64| access + 3 + 2 + 2;
    let (warm, cold) = (measured(100), measured(2600));
    let nothing = |_: &mut Transaction| {};
    for (fork, address, expected) in [
        (Fork::Berlin, number(SENDER), warm),
        (Fork::Berlin, number(TARGET), warm),
        (Fork::Berlin, number(OTHER), cold),
        (Fork::Berlin, number(COINBASE), cold),
        (Fork::Paris, number(COINBASE), cold),
        // EIP-3651
        (Fork::Shanghai, number(COINBASE), warm),
        (Fork::Berlin, 9, warm),
        (Fork::Berlin, 0x0a, cold),
        (Fork::Cancun, 0x0a, warm),
        (Fork::Cancun, 0x100, cold),
        (Fork::Osaka, 0x100, warm),
    ] {
        assert_eq!(probe(fork, address, nothing), expected, "{address:#x} on {fork}");
    }
    let listed = |t: &mut Transaction| {
        t.access_list = vec![AccessListEntry { address: OTHER, storage_keys: vec![] }];
    };
    assert_eq!(probe(Fork::Berlin, number(OTHER), listed), warm);
}

#[test]
fn slots_of_the_access_list_are_warm() {
    let world = World::new(Fork::Berlin)
        .kind(TransactionType::AccessList)
        .code(TARGET, "GAS PUSH 7 SLOAD POP GAS SWAP1 SUB PUSH 0 SSTORE");
    assert_eq!(world.run().slot(TARGET), 2100 + 7);
    let listed = world.transaction(|t| {
        let storage_keys = vec![U256::from(7).into()];
        t.access_list = vec![AccessListEntry { address: TARGET, storage_keys }];
    });
    assert_eq!(listed.run().slot(TARGET), 100 + 7);
}
