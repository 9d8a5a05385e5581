//! EIP-7702: which tuples count, what they cost, and what runs then.

use parallax_primitives::{
    Address, Authorization, Bytecode, Fork, FrameStatus, Halt, TransactionType, U256, address,
};

use crate::world::{OTHER, Ran, SENDER, TARGET, World};

const AUTHORITY: Address = address!("00000000000000000000000000000000000a0001");
const REFUND: u64 = 12_500;

fn tuple() -> Authorization {
    Authorization { chain_id: U256::ZERO, address: OTHER, nonce: 0, authority: Some(AUTHORITY) }
}

/// A transaction to the authority, whose delegate writes 1 to its slot 0.
fn world(authorizations: Vec<Authorization>) -> World {
    World::new(Fork::Prague)
        .kind(TransactionType::SetCode)
        .transaction(|t| (t.to, t.authorizations) = (Some(AUTHORITY), authorizations))
        .code(OTHER, "PUSH 1 PUSH 0 SSTORE")
}

fn code(ran: &Ran) -> Option<Bytecode> {
    ran.changed(AUTHORITY).and_then(|(_, _, code, _)| code)
}

#[test]
fn tuples_that_count() {
    let existing = |world: World| world.account(AUTHORITY, |a| a.balance = U256::from(1));
    for (world, refund) in [
        (world(vec![tuple()]), 0),
        (existing(world(vec![tuple()])), REFUND),
        (world(vec![Authorization { chain_id: U256::from(1), ..tuple() }]), 0),
        (world(vec![Authorization { nonce: 4, ..tuple() }]).account(AUTHORITY, |a| a.nonce = 4), REFUND),
        // One that is delegated already may delegate anew.
        (
            world(vec![Authorization { nonce: 1, ..tuple() }]).account(AUTHORITY, |a| {
                (a.nonce, a.code) = (1, Bytecode::delegating_to(TARGET));
            }),
            REFUND,
        ),
    ] {
        let ran = world.run();
        assert_eq!(code(&ran), Some(Bytecode::delegating_to(OTHER)));
        assert_eq!(ran.changed(AUTHORITY).unwrap().0, world.transaction.authorizations[0].nonce + 1);
        assert_eq!(ran.slot(AUTHORITY), 1, "the delegate's code runs on the authority's storage");
        assert_eq!(ran.outcome().gas_refunded, refund);
        assert_eq!(ran.outcome().gas_used, 21_000 + 25_000 + 22_100 + 5 - refund, "following is free");
    }
}

#[test]
fn tuples_that_are_skipped() {
    for world in [
        world(vec![Authorization { chain_id: U256::from(2), ..tuple() }]),
        world(vec![Authorization { nonce: 1, ..tuple() }]),
        world(vec![Authorization { nonce: u64::MAX, ..tuple() }]).account(AUTHORITY, |a| a.nonce = u64::MAX),
        world(vec![Authorization { authority: None, ..tuple() }]),
        world(vec![tuple()]).code(AUTHORITY, "STOP"),
    ] {
        let ran = world.run();
        assert_eq!((code(&ran), ran.slot(AUTHORITY)), (None, 0));
        assert_eq!((ran.outcome().status, ran.outcome().gas_refunded), (FrameStatus::Success, 0));
        assert_eq!(ran.outcome().gas_used, 46_000, "a skipped tuple is paid for");
    }
}

#[test]
fn tuples_in_order() {
    // The second needs the nonce that the first leaves; the third clears.
    let second = Authorization { nonce: 1, address: TARGET, ..tuple() };
    let ran = world(vec![tuple(), second.clone()]).run();
    assert_eq!(code(&ran), Some(Bytecode::delegating_to(TARGET)));
    assert_eq!((ran.changed(AUTHORITY).unwrap().0, ran.outcome().gas_refunded), (2, REFUND));
    let third = Authorization { nonce: 2, address: Address::ZERO, ..tuple() };
    let ran = world(vec![tuple(), second, third]).run();
    assert_eq!(code(&ran), None);
    assert_eq!(ran.changed(AUTHORITY).unwrap().0, 3);
}

#[test]
fn a_sender_may_delegate_itself() {
    // Its nonce is bumped before the tuples are read.
    let mine = |nonce| vec![Authorization { nonce, authority: Some(SENDER), ..tuple() }];
    let ran = world(mine(1)).transaction(|t| t.to = Some(SENDER)).run();
    assert_eq!((ran.changed(SENDER).unwrap().0, ran.slot(SENDER)), (2, 1));
    let ran = world(mine(0)).run();
    assert_eq!(ran.changed(SENDER).unwrap().0, 1);
}

#[test]
fn delegations_outlive_a_failing_transaction() {
    let world = world(vec![tuple()]).account(AUTHORITY, |a| a.balance = U256::from(1));
    let reverting = world.clone().code(OTHER, "PUSH 0 PUSH 0 REVERT").run();
    assert_eq!(reverting.outcome().status, FrameStatus::Revert);
    assert_eq!(reverting.outcome().gas_used, 46_004 - 46_004 / 5, "the refund stays, capped");
    assert_eq!(code(&reverting), Some(Bytecode::delegating_to(OTHER)));
    let halting = world.code(OTHER, "INVALID").run();
    assert_eq!(halting.outcome().gas_used, 1_000_000 - REFUND);
    assert_eq!(code(&halting), Some(Bytecode::delegating_to(OTHER)));
}

/// Code that stores what BALANCE of `address` costs, and seven gas around it.
fn measures(address: Address) -> String {
    format!("GAS PUSH {address} BALANCE POP GAS SWAP1 SUB PUSH 0 SSTORE")
}

#[test]
fn what_a_delegation_warms() {
    let ran = world(vec![tuple()]).code(OTHER, &measures(OTHER)).run();
    assert_eq!(ran.slot(AUTHORITY), 100 + 7, "the delegate of the transaction's target");
    for (authorization, access) in [
        (Authorization { nonce: 1, ..tuple() }, 100),
        (Authorization { nonce: u64::MAX, ..tuple() }, 2600),
        (Authorization { chain_id: U256::from(2), ..tuple() }, 2600),
    ] {
        let ran = world(vec![authorization])
            .transaction(|t| t.to = Some(TARGET))
            .code(TARGET, &measures(AUTHORITY))
            .run();
        assert_eq!(ran.slot(TARGET), access + 7, "the authority of a tuple that is skipped");
    }
}

#[test]
fn one_level_only() {
    // OTHER delegates too: its designator runs as code, and 0xef is no opcode.
    let ran = world(vec![tuple()]).account(OTHER, |a| a.code = Bytecode::delegating_to(TARGET)).run();
    assert_eq!(ran.outcome().status, FrameStatus::Halt(Halt::UndefinedOpcode));
}

#[test]
fn a_delegation_to_a_precompiled_contract_runs_nothing() {
    let sha256 = Address::with_last_byte(2);
    let delegated = |world: World| world.account(AUTHORITY, |a| a.code = Bytecode::delegating_to(sha256));
    let ran = delegated(World::new(Fork::Prague)).transaction(|t| t.to = Some(AUTHORITY)).run();
    assert_eq!((ran.outcome().gas_used, ran.outcome().output.len()), (21_000, 0));
    for (kind, value) in
        [("CALL", "PUSH 0"), ("CALLCODE", "PUSH 0"), ("DELEGATECALL", ""), ("STATICCALL", "")]
    {
        let source = format!(
            "PUSH 0 PUSH 0 PUSH 0 PUSH 0 {value} PUSH {AUTHORITY} PUSH 1000 {kind}
             RETURNDATASIZE ADD PUSH 0 SSTORE"
        );
        let ran = delegated(World::new(Fork::Prague)).code(TARGET, &source).run();
        assert_eq!((ran.slot(TARGET), ran.inner().gas_left), (1, 1000), "{kind}");
    }
}

#[test]
fn before_prague_a_designator_is_code() {
    let ran = World::new(Fork::Cancun)
        .account(TARGET, |a| a.code = Bytecode::delegating_to(OTHER))
        .code(OTHER, "PUSH 1 PUSH 0 SSTORE")
        .run();
    assert_eq!(ran.outcome().status, FrameStatus::Halt(Halt::UndefinedOpcode));
}
