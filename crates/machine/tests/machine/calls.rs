//! Calls: depth, value, precompiled contracts, accounts without code, and what stays of a failing one.

use parallax_primitives::{Address, Fork, FrameStatus, Halt, Message, MessageKind, U256};

use crate::world::{OTHER, Ran, SENDER, TARGET, World};

/// `KIND` to `to` with `gas` and no input; what it answers goes to slot 0.
fn call(kind: &str, to: &str, gas: &str, value: u64) -> String {
    let value = if matches!(kind, "CALL" | "CALLCODE") { format!("PUSH {value}") } else { String::new() };
    format!("PUSH 0 PUSH 0 PUSH 0 PUSH 0 {value} PUSH {to} {gas} {kind} PUSH 0 SSTORE")
}

fn other() -> String {
    OTHER.to_string()
}

#[track_caller]
fn check_inner(ran: &Ran, status: FrameStatus, gas_left: u64, slot: u64) {
    assert_eq!((ran.inner().status, ran.inner().gas_left, ran.slot(TARGET)), (status, gas_left, slot));
}

#[test]
fn depth_does_not_grow_the_native_stack() {
    // All gas but what the frame itself needs, to itself.
    let source = "PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 ADDRESS PUSH 1000 GAS SUB CALL POP";
    for (fork, gas) in [(Fork::Homestead, 20_000_000), (Fork::Prague, 1_000_000_000_000)] {
        let deepest = std::thread::Builder::new()
            .stack_size(256 << 10)
            .spawn(move || {
                let ran = World::new(fork)
                    .code(TARGET, source)
                    .block(|b| b.gas_limit = gas)
                    .transaction(|t| t.gas_limit = gas)
                    .run();
                ran.messages.into_iter().take(2).map(|(m, o)| (m.depth, o.status)).collect::<Vec<_>>()
            })
            .unwrap()
            .join()
            .unwrap();
        assert_eq!(
            deepest,
            [(1025, FrameStatus::Halt(Halt::CallDepth)), (1024, FrameStatus::Success)],
            "{fork}"
        );
    }
}

#[test]
fn accounts_without_code_succeed_at_once() {
    let ran = World::new(Fork::Osaka).code(TARGET, &call("CALL", &other(), "PUSH 5000", 0)).run();
    check_inner(&ran, FrameStatus::Success, 5000, 1);
    // The stipend comes back too.
    let ran = World::new(Fork::Osaka)
        .code(TARGET, &call("CALL", &other(), "PUSH 5000", 3))
        .account(TARGET, |a| a.balance = U256::from(10))
        .run();
    check_inner(&ran, FrameStatus::Success, 7300, 1);
    assert_eq!(ran.changed(OTHER).unwrap().1, U256::from(3));
    assert_eq!(ran.changed(TARGET).unwrap().1, U256::from(7));
}

#[test]
fn value_needs_a_balance() {
    for kind in ["CALL", "CALLCODE"] {
        let ran = World::new(Fork::Osaka)
            .code(TARGET, &call(kind, &other(), "PUSH 5000", 3))
            .account(TARGET, |a| a.balance = U256::from(2))
            .run();
        check_inner(&ran, FrameStatus::Halt(Halt::InsufficientBalance), 7300, 0);
    }
    let ran = World::new(Fork::Osaka)
        .code(TARGET, &call("CALLCODE", &other(), "PUSH 5000", 2))
        .account(TARGET, |a| a.balance = U256::from(2))
        .run();
    check_inner(&ran, FrameStatus::Success, 7300, 1);
    assert_eq!(ran.changed(TARGET).unwrap().1, U256::from(2), "CALLCODE moves nothing");
    assert_eq!(ran.changed(OTHER), None);
}

#[test]
fn failing_frames_undo_their_effects() {
    let world = |code: &str| {
        World::new(Fork::Osaka)
            .code(TARGET, &call("CALL", &other(), "PUSH 50000", 3))
            .account(TARGET, |a| a.balance = U256::from(3))
            .code(OTHER, code)
    };
    let writes = "PUSH 1 PUSH 0 SSTORE";
    // 52,300 with the stipend; SSTORE 22,100 and two PUSHes.
    let left = 52_300 - 22_100;
    let ran = world(&format!("{writes} STOP")).run();
    check_inner(&ran, FrameStatus::Success, left - 5, 1);
    assert_eq!((ran.slot(OTHER), ran.changed(OTHER).unwrap().1), (1, U256::from(3)));
    let ran = world(&format!("{writes} PUSH 4 PUSH 0 REVERT")).run();
    check_inner(&ran, FrameStatus::Revert, left - 5 - 5 - 3, 0);
    assert_eq!((ran.changed(OTHER), ran.inner().output.len()), (None, 4));
    let ran = world(&format!("{writes} INVALID")).run();
    check_inner(&ran, FrameStatus::Halt(Halt::InvalidOpcode), 0, 0);
    assert_eq!(ran.changed(OTHER), None);
}

#[test]
fn precompiled_contracts() {
    let world = World::new(Fork::Osaka).account(TARGET, |a| a.balance = U256::from(10));
    let sha256 = Address::with_last_byte(2);
    // 60 gas over no words.
    let ran = world.clone().code(TARGET, &call("CALL", "2", "PUSH 100", 1)).run();
    check_inner(&ran, FrameStatus::Success, 2400 - 60, 1);
    assert_eq!((ran.inner().output.len(), ran.changed(sha256).unwrap().1), (32, U256::from(1)));
    let ran = world.clone().code(TARGET, &call("CALL", "2", "PUSH 59", 0)).run();
    check_inner(&ran, FrameStatus::Halt(Halt::OutOfGas), 0, 0);
    // BLAKE2F wants 213 bytes (EIP-152).
    let ran = world.clone().code(TARGET, &call("CALL", "9", "PUSH 100", 1)).run();
    check_inner(&ran, FrameStatus::Halt(Halt::PrecompileFailure), 0, 0);
    assert_eq!(ran.changed(Address::with_last_byte(9)), None, "the value comes back");
    for kind in ["CALLCODE", "DELEGATECALL", "STATICCALL"] {
        let ran = world.clone().code(TARGET, &call(kind, "2", "PUSH 100", 0)).run();
        check_inner(&ran, FrameStatus::Success, 40, 1);
    }
    // Before it is one, it is an account like any other.
    let early = World::new(Fork::Homestead).code(TARGET, &call("CALL", "9", "PUSH 100", 0)).run();
    check_inner(&early, FrameStatus::Success, 100, 1);
    // And a transaction's own target.
    let identity = world.transaction(|t| {
        (t.to, t.input) = (Some(Address::with_last_byte(4)), vec![1, 2, 3].into());
    });
    assert_eq!(identity.run().outcome().output[..], [1, 2, 3]);
}

#[test]
fn touched_accounts() {
    // Frontier brings to life what is called; Spurious Dragon clears what is empty.
    let calling = |fork, kind| World::new(fork).code(TARGET, &call(kind, &other(), "PUSH 5000", 0));
    assert!(calling(Fork::Frontier, "CALL").run().execution.changes.accounts.contains_key(&OTHER));
    for (fork, kind, clears) in [
        (Fork::TangerineWhistle, "CALL", false),
        (Fork::SpuriousDragon, "CALL", true),
        (Fork::SpuriousDragon, "DELEGATECALL", false),
        (Fork::SpuriousDragon, "CALLCODE", false),
        (Fork::Byzantium, "STATICCALL", true),
    ] {
        let ran = calling(fork, kind).account(OTHER, |_| {}).run();
        assert_eq!(ran.execution.changes.accounts.contains_key(&OTHER), clears, "{kind} on {fork}");
    }
}

#[test]
fn bare_messages() {
    let message = Message {
        kind: MessageKind::Call,
        depth: 0,
        is_static: false,
        gas: 1000,
        caller: SENDER,
        address: TARGET,
        code_address: TARGET,
        is_delegated: false,
        value: U256::from(4),
        input: vec![7; 32].into(),
        state_gas: Default::default(),
        salt: U256::ZERO,
    };
    let world =
        World::new(Fork::Osaka).code(TARGET, "PUSH 0 CALLDATALOAD PUSH 0 MSTORE PUSH 32 PUSH 0 RETURN");
    let outcome = world.bare(&message);
    assert_eq!((outcome.status, outcome.gas_used), (FrameStatus::Success, 18));
    assert_eq!(outcome.output[..], [7; 32]);
    let poor = world.clone().account(SENDER, |a| a.balance = U256::from(3)).bare(&message);
    assert_eq!(poor.status, FrameStatus::Halt(Halt::InsufficientBalance));
    let creation = Message { kind: MessageKind::Create, value: U256::ZERO, input: vec![].into(), ..message };
    let outcome = world.account(SENDER, |a| a.nonce = 6).bare(&creation);
    assert_eq!(outcome.created, Some(SENDER.create(6)));
}
