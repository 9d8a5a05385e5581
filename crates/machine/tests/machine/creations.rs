//! Creations: addresses, collisions, and what becomes of the returned code, per fork.

use parallax_primitives::{Address, Bytecode, Fork, FrameStatus, Halt, U256, keccak256};

use crate::world::{Ran, SENDER, TARGET, World};

/// Init code that deploys `size` zero bytes.
fn deploys(size: usize) -> String {
    format!("PUSH {size} PUSH 0 RETURN")
}

/// Code that creates with `init`, at most 31 bytes in hex, and stores the answer in slot 0.
fn creator(init: &str, value: u64) -> String {
    let size = init.len() / 2;
    let offset = 32 - size;
    format!("PUSH 0x{init} PUSH 0 MSTORE PUSH {size} PUSH {offset} PUSH {value} CREATE PUSH 0 SSTORE")
}

#[track_caller]
fn check(ran: &Ran, status: FrameStatus, gas_used: u64, created: bool) {
    let outcome = ran.outcome();
    let address = created.then(|| SENDER.create(0));
    assert_eq!((outcome.status, outcome.gas_used, outcome.created), (status, gas_used, address));
}

#[test]
fn a_creating_transaction() {
    for fork in Fork::ALL {
        let ran = World::new(fork)
            .creating("PUSH 0x6001 PUSH 0 MSTORE PUSH 2 PUSH 30 RETURN")
            .transaction(|t| t.value = U256::from(9))
            .run();
        assert_eq!(ran.outcome().status, FrameStatus::Success);
        assert_eq!(ran.outcome().created, Some(SENDER.create(0)));
        assert_eq!(ran.outcome().output[..], [0x60, 0x01], "the output is the deployed code");
        assert!(ran.messages[0].1.output.is_empty(), "the message's own is not");
        let nonce = u64::from(fork >= Fork::SpuriousDragon);
        let code = Some(Bytecode::new(vec![0x60, 0x01].into()));
        assert_eq!(ran.changed(SENDER.create(0)), Some((nonce, U256::from(9), code, U256::ZERO)));
        assert_eq!(ran.changed(SENDER).unwrap().0, 1);
    }
}

#[test]
fn code_that_is_not_paid_for() {
    let failure = FrameStatus::Halt(Halt::DepositOutOfGas);
    for (fork, status, created) in [
        (Fork::Frontier, FrameStatus::Success, true),
        (Fork::Homestead, failure, false),
        (Fork::Osaka, failure, false),
    ] {
        let world = World::new(fork).creating(&deploys(100));
        let enough = world.run().outcome().gas_used;
        check(&world.clone().transaction(|t| t.gas_limit = enough).run(), FrameStatus::Success, enough, true);
        let ran = world.transaction(|t| t.gas_limit = enough - 1).run();
        // Frontier keeps the account and does not charge for code.
        let used = if fork == Fork::Frontier { enough - 100 * 200 } else { enough - 1 };
        check(&ran, status, used, created);
        assert!(ran.outcome().output.is_empty());
        assert_eq!(ran.changed(SENDER.create(0)).and_then(|(_, _, code, _)| code), None);
    }
}

#[test]
fn the_size_limit_of_code() {
    let world =
        |fork, size| World::new(fork).creating(&deploys(size)).transaction(|t| t.gas_limit = 6_000_000);
    for (fork, size, status) in [
        (Fork::TangerineWhistle, 24_577, FrameStatus::Success),
        (Fork::SpuriousDragon, 24_576, FrameStatus::Success),
        (Fork::SpuriousDragon, 24_577, FrameStatus::Halt(Halt::CodeTooLarge)),
        (Fork::Osaka, 24_577, FrameStatus::Halt(Halt::CodeTooLarge)),
    ] {
        assert_eq!(world(fork, size).run().outcome().status, status, "{fork}");
    }
    // The specification charges before it looks at the size.
    let poor = world(Fork::Osaka, 24_577).transaction(|t| t.gas_limit = 1_000_000).run();
    assert_eq!(poor.outcome().status, FrameStatus::Halt(Halt::DepositOutOfGas));
}

#[test]
fn code_that_starts_with_ef() {
    let init = "PUSH 0xef PUSH 0 MSTORE8 PUSH 1 PUSH 0 RETURN";
    for (fork, status) in
        [(Fork::Berlin, FrameStatus::Success), (Fork::London, FrameStatus::Halt(Halt::CodeStartsWithEf))]
    {
        assert_eq!(World::new(fork).creating(init).run().outcome().status, status, "{fork}");
    }
    // Before anything is charged for it.
    let poor = "PUSH 0xef PUSH 0 MSTORE8 PUSH 10000 PUSH 0 RETURN";
    let ran = World::new(Fork::Osaka).creating(poor).run();
    assert_eq!(ran.outcome().status, FrameStatus::Halt(Halt::CodeStartsWithEf));
}

#[test]
fn empty_init_code_has_no_frame() {
    let ran = World::new(Fork::Osaka).creating("").run();
    check(&ran, FrameStatus::Success, 53_000, true);
    assert_eq!(ran.changed(SENDER.create(0)).unwrap().0, 1);
}

#[test]
fn init_code_has_no_calldata() {
    let init = "CALLDATASIZE PUSH 0 CALLDATALOAD OR PUSH 32 PUSH 0 PUSH 0 CALLDATACOPY PUSH 0 MLOAD OR PUSH 0 SSTORE";
    assert_eq!(World::new(Fork::Osaka).creating(init).run().slot(SENDER.create(0)), 0);
}

#[test]
fn collisions_take_all_gas() {
    let address = SENDER.create(0);
    let world = |fork| World::new(fork).creating(&deploys(1));
    for fork in Fork::ALL {
        let with_storage =
            world(fork).account(address, |a| a.storage = [(U256::ZERO, U256::from(1))].into()).run();
        let mut collisions = vec![
            world(fork).account(address, |a| a.nonce = 1).run(),
            world(fork).code(address, "STOP").run(),
        ];
        if fork < Fork::Amsterdam {
            collisions.push(with_storage);
        } else {
            // EIP-7610 is given up there.
            assert_eq!(with_storage.outcome().status, FrameStatus::Success);
        }
        for ran in collisions {
            check(&ran, FrameStatus::Halt(Halt::CreateCollision), 1_000_000, false);
            assert_eq!(ran.changed(SENDER).unwrap().0, 1, "the sender's nonce stays bumped");
            assert_eq!(ran.changed(address), None, "nothing happens to the account");
        }
        let ran = world(fork).account(address, |a| a.balance = U256::from(3)).run();
        assert_eq!(ran.outcome().status, FrameStatus::Success, "a balance is no collision");
        assert_eq!(ran.changed(address).unwrap().1, U256::from(3));
    }
}

#[test]
fn nested_creations() {
    // PUSH 1 PUSH 0 RETURN
    let world = World::new(Fork::Osaka).code(TARGET, &creator("600160006000f3", 0));
    let nested = TARGET.create(0);
    let word = |address: Address| U256::from_be_slice(address.as_slice());
    let ran = world.run();
    assert_eq!(ran.inner().created, Some(nested));
    assert_eq!(ran.changed(TARGET).map(|(nonce, _, _, slot)| (nonce, slot)), Some((1, word(nested))));

    let collides = world.clone().account(nested, |a| a.nonce = 1).run();
    assert_eq!(collides.inner().status, FrameStatus::Halt(Halt::CreateCollision));
    assert_eq!(collides.inner().gas_left, 0);
    assert_eq!(collides.changed(TARGET).unwrap().0, 1, "the creator's nonce is bumped first");

    let poor = world.clone().code(TARGET, &creator("600160006000f3", 1)).run();
    assert_eq!(poor.inner().status, FrameStatus::Halt(Halt::InsufficientBalance));
    assert!(poor.inner().gas_left > 900_000, "its gas comes back");
    assert_eq!(poor.changed(TARGET), None, "and the creator's nonce stays");

    let last = world.account(TARGET, |a| a.nonce = u64::MAX).run();
    assert_eq!(last.inner().status, FrameStatus::Halt(Halt::NonceOverflow));
    assert!(last.inner().gas_left > 900_000);
}

#[test]
fn a_failing_creation_leaves_its_address_warm() {
    // CREATE with init code INVALID, then the cost of a BALANCE of its address.
    let address = TARGET.create(1);
    let source = format!(
        "PUSH 0xfe PUSH 0 MSTORE8 PUSH 1 PUSH 0 PUSH 0 CREATE POP
         GAS PUSH {address} BALANCE POP GAS SWAP1 SUB PUSH 0 SSTORE"
    );
    let world = World::new(Fork::Berlin)
        .code(TARGET, &source)
        .account(TARGET, |a| a.nonce = 1)
        .transaction(|t| t.gas_limit = 10_000_000);
    assert_eq!(world.run().slot(TARGET), 100 + 7);
    let collides = world.account(address, |a| a.nonce = 1);
    assert_eq!(collides.run().slot(TARGET), 100 + 7, "a collision too");
}

#[test]
fn create2_addresses() {
    // EIP-1014, over init code STOP.
    let ran = World::new(Fork::Constantinople)
        .code(TARGET, "PUSH 77 PUSH 1 PUSH 0 PUSH 0 CREATE2 PUSH 0 SSTORE")
        .run();
    let expected = TARGET.create2(U256::from(77).to_be_bytes::<32>(), keccak256([0]));
    assert_eq!(ran.inner().created, Some(expected));
    assert_eq!(ran.changed(expected).unwrap().0, 1);
}

#[test]
fn reverted_init_code_gives_return_data() {
    // PUSH 5 PUSH 0 REVERT
    let source = creator("60056000fd", 0) + " RETURNDATASIZE PUSH 0 SSTORE";
    let ran = World::new(Fork::Byzantium).code(TARGET, &source).run();
    assert_eq!(ran.slot(TARGET), 5);
    assert_eq!((ran.inner().status, ran.inner().created), (FrameStatus::Revert, None));
    assert!(ran.inner().gas_left > 900_000);
    let outermost = World::new(Fork::Byzantium).creating("PUSH 5 PUSH 0 REVERT").run();
    assert_eq!((outermost.outcome().status, outermost.outcome().output.len()), (FrameStatus::Revert, 5));
}
