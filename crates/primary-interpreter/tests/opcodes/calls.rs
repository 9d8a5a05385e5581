//! CALL, CALLCODE, DELEGATECALL, STATICCALL and SELFDESTRUCT: gas by fork, the message that is sent, what comes back.

use parallax_primitives::{
    Address, Bytecode, Bytes, Fork, FrameOutcome, FrameStatus, Halt, Message, MessageKind, U256, hex,
};

use crate::{
    frame::{CALLER, Program, SELF, Step, success},
    world::Stub,
};

/// Accounts by name. What is warm is so from Berlin on.
const WARM: (&str, Address) = ("0x2222222222222222222222222222222222222222", Address::repeat_byte(0x22));
const COLD: (&str, Address) = ("0x3333333333333333333333333333333333333333", Address::repeat_byte(0x33));
/// Exists, is empty, and is warm.
const EMPTY: (&str, Address) = ("0x4444444444444444444444444444444444444444", Address::repeat_byte(0x44));
/// Does not exist, and is warm.
const NOBODY: (&str, Address) = ("0x5555555555555555555555555555555555555555", Address::repeat_byte(0x55));
/// Delegates to `WARM`, and is warm.
const TO_WARM: (&str, Address) = ("0x6666666666666666666666666666666666666666", Address::repeat_byte(0x66));
/// Delegates to `COLD`, and is cold.
const TO_COLD: (&str, Address) = ("0x7777777777777777777777777777777777777777", Address::repeat_byte(0x77));
/// Delegates to `TO_WARM`, and is warm.
const TO_TO_WARM: (&str, Address) =
    ("0x8888888888888888888888888888888888888888", Address::repeat_byte(0x88));

#[track_caller]
fn program(fork: Fork, source: &str) -> Program {
    Program::new(fork, source).with(|program| {
        program.message.value = U256::from(77);
        let world = &mut program.world;
        let stub = Stub { balance: U256::from(1), ..Stub::default() };
        for (_, address) in [WARM, COLD] {
            world.accounts.insert(address, stub.clone());
        }
        world.accounts.insert(EMPTY.1, Stub::default());
        for ((_, from), (_, to)) in [(TO_WARM, WARM), (TO_COLD, COLD), (TO_TO_WARM, TO_WARM)] {
            world.accounts.insert(from, Stub { code: Bytecode::delegating_to(to), ..stub.clone() });
        }
        for (_, address) in [WARM, EMPTY, NOBODY, TO_WARM, TO_TO_WARM] {
            world.warm_accounts.insert(address);
        }
    })
}

fn has_value(opcode: &str) -> bool {
    matches!(opcode, "CALL" | "CALLCODE")
}

/// Source of one call without input and output.
fn call(opcode: &str, gas: &str, to: &str, value: u64) -> String {
    let value = if has_value(opcode) { format!("PUSH {value}") } else { String::new() };
    format!("PUSH1 0 PUSH1 0 PUSH1 0 PUSH1 0 {value} PUSH20 {to} PUSH {gas} {opcode}")
}

fn find<'a>(steps: &'a [Step], opcode: &str) -> &'a Step {
    steps.iter().find(|step| step.before.opcode.name() == Some(opcode)).expect("the opcode ran")
}

/// A call that asks for 1000 gas costs `own` and sends it, with the stipend if it sends a value.
#[track_caller]
fn check_gas(fork: Fork, opcode: &str, to: (&str, Address), value: u64, own: u64) -> Message {
    let name = format!("{opcode} to {} with {value} in {fork}", to.0);
    let (run, steps) = program(fork, &call(opcode, "1000", to.0, value)).succeed();
    let step = find(&steps, opcode);
    assert_eq!(step.gas_cost, own + 1000, "{name}");
    assert_eq!(step.gas_left, step.before.gas - own - 1000, "{name}");
    let [message] = &run.messages[..] else { panic!("{name}: one message") };
    assert_eq!(message.gas, if value > 0 { 3300 } else { 1000 }, "{name}");

    // To the last unit of gas; before EIP-150 the gas asked for is part of it.
    let pushes = 10_000_000 - step.before.gas;
    let least = if fork >= Fork::TangerineWhistle { own } else { own + 1000 };
    let short = program(fork, &call(opcode, "1000", to.0, value)).gas(pushes + least - 1);
    assert_eq!(short.halt(Halt::OutOfGas).gas_cost, own + 1000, "{name}");
    let (run, _) = program(fork, &call(opcode, "1000", to.0, value)).gas(pushes + least).succeed();
    let sent = if fork >= Fork::TangerineWhistle { 0 } else { 1000 };
    assert_eq!(run.messages[0].gas, if value > 0 { sent + 2300 } else { sent }, "{name}");
    message.clone()
}

#[test]
fn calls_cost_what_the_fork_says() {
    use Fork::*;
    for (forks, opcode, to, value, own) in [
        (&[Frontier, Homestead][..], "CALL", WARM, 0, 40),
        (&[Frontier, Homestead], "CALL", EMPTY, 0, 40),
        (&[Frontier, Homestead], "CALL", NOBODY, 0, 25_040),
        (&[Frontier, Homestead], "CALL", NOBODY, 1, 34_040),
        (&[Frontier, Homestead], "CALL", WARM, 1, 9040),
        (&[Frontier, Homestead], "CALLCODE", NOBODY, 0, 40),
        (&[Frontier, Homestead], "CALLCODE", NOBODY, 1, 9040),
        (&[Homestead], "DELEGATECALL", NOBODY, 0, 40),
        (&[TangerineWhistle], "CALL", NOBODY, 0, 25_700),
        (&[TangerineWhistle], "CALL", NOBODY, 1, 34_700),
        (&[TangerineWhistle], "CALL", EMPTY, 1, 9700),
        (&[TangerineWhistle], "CALLCODE", NOBODY, 1, 9700),
        (&[TangerineWhistle], "DELEGATECALL", NOBODY, 0, 700),
        (&[SpuriousDragon, Byzantium, Istanbul], "CALL", NOBODY, 0, 700),
        (&[SpuriousDragon, Byzantium, Istanbul], "CALL", EMPTY, 0, 700),
        (&[SpuriousDragon, Byzantium, Istanbul], "CALL", EMPTY, 1, 34_700),
        (&[SpuriousDragon, Byzantium, Istanbul], "CALL", NOBODY, 1, 34_700),
        (&[SpuriousDragon, Byzantium, Istanbul], "CALL", COLD, 1, 9700),
        (&[SpuriousDragon, Byzantium, Istanbul], "CALLCODE", NOBODY, 1, 9700),
        (&[Byzantium, Istanbul], "STATICCALL", NOBODY, 0, 700),
        (&[Berlin, Osaka], "CALL", WARM, 0, 100),
        (&[Berlin, Osaka], "CALL", COLD, 0, 2600),
        (&[Berlin, Osaka], "CALL", COLD, 1, 11_600),
        (&[Berlin, Osaka], "CALL", EMPTY, 1, 34_100),
        (&[Berlin, Osaka], "CALL", NOBODY, 0, 100),
        (&[Berlin, Osaka], "CALLCODE", COLD, 0, 2600),
        (&[Berlin, Osaka], "CALLCODE", NOBODY, 1, 9100),
        (&[Berlin, Osaka], "DELEGATECALL", COLD, 0, 2600),
        (&[Berlin, Osaka], "DELEGATECALL", WARM, 0, 100),
        (&[Berlin, Osaka], "STATICCALL", COLD, 0, 2600),
        (&[Berlin, Osaka], "STATICCALL", WARM, 0, 100),
        // Delegation is a matter of code until Prague, then its access is paid (EIP-7702).
        (&[Berlin, Cancun], "CALL", TO_COLD, 0, 2600),
        (&[Prague, Osaka], "CALL", TO_COLD, 0, 5200),
        (&[Prague, Osaka], "CALL", TO_COLD, 1, 14_200),
        (&[Prague, Osaka], "CALL", TO_WARM, 0, 200),
        (&[Prague, Osaka], "CALL", TO_TO_WARM, 0, 200),
        (&[Prague, Osaka], "CALLCODE", TO_COLD, 0, 5200),
        (&[Prague, Osaka], "DELEGATECALL", TO_COLD, 0, 5200),
        (&[Prague, Osaka], "STATICCALL", TO_WARM, 0, 200),
    ] {
        for fork in forks {
            let message = check_gas(*fork, opcode, to, value, own);
            let delegate = match to {
                TO_WARM => Some(WARM.1),
                TO_COLD => Some(COLD.1),
                TO_TO_WARM => Some(TO_WARM.1),
                _ => None,
            };
            let delegate = delegate.filter(|_| *fork >= Prague);
            assert_eq!(message.code_address, delegate.unwrap_or(to.1), "{opcode} to {} in {fork}", to.0);
            assert_eq!(message.is_delegated, delegate.is_some(), "{opcode} to {} in {fork}", to.0);
        }
    }
}

/// A second call finds the target, and its delegate, warm.
#[test]
fn calls_warm_what_they_reach() {
    for (to, first, second) in [(COLD, 2600, 100), (TO_COLD, 5200, 200)] {
        for opcode in ["CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"] {
            let one = call(opcode, "0", to.0, 0);
            let (run, steps) =
                program(Fork::Osaka, &format!("{one} {one} {}", call("CALL", "0", COLD.0, 0))).succeed();
            let costs: Vec<u64> =
                steps.iter().filter(|step| step.before.opcode.0 >= 0xf1).map(|step| step.gas_cost).collect();
            assert_eq!(costs, [first, second, 100], "{opcode}");
            assert_eq!(run.messages.len(), 3);
        }
    }
}

/// From EIP-150 on a call forwards at most all but one 64th of what is left after its own cost.
#[test]
fn one_64th_stays() {
    for (requested, left, sent) in [
        ("-1", 6400, 6300),
        ("6300", 6400, 6300),
        ("6299", 6400, 6299),
        ("6301", 6400, 6300),
        ("-1", 63, 63),
        ("-1", 64, 63),
        ("-1", 0, 0),
        ("0x010000000000000000", 65, 64),
    ] {
        for opcode in ["CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"] {
            let source = call(opcode, requested, WARM.0, 0);
            // Seven or six pushes; the value of zero is a PUSH0 of 2.
            let pushes = if has_value(opcode) { 20 } else { 18 };
            let (run, steps) = program(Fork::Osaka, &source).gas(pushes + 100 + left).succeed();
            assert_eq!(run.messages[0].gas, sent, "{opcode} of {requested} with {left}");
            assert_eq!(find(&steps, opcode).gas_cost, 100 + sent, "{opcode} of {requested} with {left}");
            assert_eq!(run.outcome.gas_left, left - sent);
        }
    }
    // Before, all that is asked for, or nothing.
    for fork in [Fork::Frontier, Fork::Homestead] {
        let source = call("CALL", "6301", WARM.0, 0);
        program(fork, &source).gas(21 + 40 + 6300).halt(Halt::OutOfGas);
        let (run, _) = program(fork, &source).gas(21 + 40 + 6301).succeed();
        assert_eq!((run.messages[0].gas, run.outcome.gas_left), (6301, 0));
        let all = program(fork, &call("CALL", "-1", WARM.0, 0)).halt(Halt::OutOfGas);
        assert_eq!(all.gas_cost, u64::MAX);
    }
}

/// Input from memory, output into it: what `output` writes of an answer of six bytes.
#[track_caller]
fn check_exchange(opcode: &str, regions: [u64; 4], input: &str, memory: &str, own: u64) {
    let [offset, size, output, output_size] = regions;
    let value = if has_value(opcode) { "PUSH1 0" } else { "" };
    let source = format!(
        "PUSH 0x0102030405060708 PUSH1 0 MSTORE PUSH {output_size} PUSH {output} PUSH {size} PUSH {offset} \
         {value} PUSH20 {} PUSH1 0 {opcode} PUSH1 0",
        WARM.0
    );
    let answer = FrameOutcome { gas_left: 50, output: Bytes::from_static(b"ABCDEF"), ..success() };
    let program = program(Fork::Osaka, &source).with(|program| program.answers = vec![answer]);
    let (run, steps) = program.succeed();
    assert_eq!(hex::encode(&run.messages[0].input), input, "{opcode} {regions:?}");
    let step = find(&steps, opcode);
    assert_eq!(step.gas_cost, own, "{opcode} {regions:?}");
    let after = &steps[steps.len() - 2].before;
    assert_eq!(after.stack, [U256::ONE]);
    assert_eq!(after.gas, step.gas_left + 50, "the rest comes back");
    assert_eq!(after.return_data, Bytes::from_static(b"ABCDEF"));
    let memory = memory.replace("..", &"00".repeat(24));
    assert_eq!(hex::encode(&after.memory), memory, "{opcode} {regions:?}");
}

#[test]
fn calls_exchange_bytes() {
    for opcode in ["CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"] {
        check_exchange(opcode, [24, 8, 0, 0], "0102030405060708", "..0102030405060708", 100);
        check_exchange(
            opcode,
            [30, 4, 0, 0],
            "07080000",
            &format!("..0102030405060708{}", "00".repeat(32)),
            103,
        );
        check_exchange(opcode, [0, 0, 24, 8], "", "..4142434445460708", 100);
        check_exchange(opcode, [0, 0, 24, 3], "", "..4142430405060708", 100);
        check_exchange(opcode, [24, 2, 26, 6], "0102", "..0102414243444546", 100);
        let grown = format!("..0102030405060708{}4142434445460000{}", "00".repeat(32), "00".repeat(24));
        check_exchange(opcode, [0, 0, 64, 20], "", &grown, 106);
        check_exchange(
            opcode,
            [0, 33, 64, 20],
            &format!("{}010203040506070800", "00".repeat(24)),
            &grown,
            106,
        );
    }
    for opcode in ["CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"] {
        // Regions of no size are nowhere; others must be paid for.
        let value = if has_value(opcode) { "PUSH1 0" } else { "" };
        let source = |output_size: u64, size: u64| {
            format!(
                "PUSH {output_size} PUSH -1 PUSH {size} PUSH -1 {value} PUSH20 {} PUSH1 0 {opcode}",
                WARM.0
            )
        };
        let (_, steps) = program(Fork::Osaka, &source(0, 0)).succeed();
        assert_eq!(find(&steps, opcode).gas_cost, 100);
        program(Fork::Osaka, &source(1, 0)).gas(u64::MAX).halt(Halt::OutOfGas);
        program(Fork::Osaka, &source(0, 1)).gas(u64::MAX).halt(Halt::OutOfGas);
    }
}

#[test]
fn messages_say_who_calls_whom() {
    for (opcode, kind, caller, address, value, is_static) in [
        ("CALL", MessageKind::Call, SELF, COLD.1, 5, false),
        ("CALLCODE", MessageKind::CallCode, SELF, SELF, 5, false),
        ("DELEGATECALL", MessageKind::DelegateCall, CALLER, SELF, 77, false),
        ("STATICCALL", MessageKind::StaticCall, SELF, COLD.1, 0, true),
    ] {
        let source = call(opcode, "9", COLD.0, 5);
        let (run, _) = program(Fork::Osaka, &source).succeed();
        let expected = Message {
            kind,
            depth: 4,
            is_static,
            gas: if has_value(opcode) { 2309 } else { 9 },
            caller,
            address,
            code_address: COLD.1,
            is_delegated: false,
            value: U256::from(value),
            input: Bytes::new(),
            state_gas: Default::default(),
            salt: U256::ZERO,
        };
        assert_eq!(run.messages, std::slice::from_ref(&expected), "{opcode}");
        // Inside a static call all is static; CALLCODE moves nothing, so it may.
        if opcode == "CALL" {
            let step = program(Fork::Osaka, &source).in_static_call().gas(21).halt(Halt::StaticViolation);
            // No gas is left of it: what it would have cost is what it asks for.
            assert_eq!(step.gas_cost, 2600 + 9000 + 9);
            let nothing = call(opcode, "9", COLD.0, 0);
            assert!(program(Fork::Osaka, &nothing).in_static_call().succeed().0.messages[0].is_static);
        } else {
            let (run, _) = program(Fork::Osaka, &source).in_static_call().succeed();
            assert_eq!(run.messages, [Message { is_static: true, ..expected }], "{opcode}");
        }
    }
}

#[test]
fn answers_come_back() {
    let output = Bytes::from_static(b"xyz");
    for (answer, pushed, data) in [
        (FrameOutcome { gas_left: 40, output: output.clone(), ..success() }, 1, &b"xyz"[..]),
        (
            FrameOutcome {
                status: FrameStatus::Revert,
                gas_left: 40,
                output,
                created: None,
                state_gas: Default::default(),
            },
            0,
            b"xyz",
        ),
        (FrameOutcome::halted(Halt::OutOfGas, 0), 0, b""),
        (FrameOutcome::halted(Halt::CallDepth, 3300), 0, b""),
    ] {
        let source = format!(
            "PUSH1 2 PUSH1 0 PUSH1 0 PUSH1 0 PUSH1 1 PUSH20 {} PUSH 1000 CALL RETURNDATASIZE",
            WARM.0
        );
        let gas = answer.gas_left;
        let program = program(Fork::Osaka, &source).with(|program| program.answers = vec![answer]);
        let (_, steps) = program.succeed();
        let (call, next) = (find(&steps, "CALL"), &find(&steps, "RETURNDATASIZE").before);
        assert!(call.after.stack.is_empty() && call.after.return_data.is_empty());
        assert_eq!(next.stack, [U256::from(pushed)]);
        assert_eq!(next.gas, call.gas_left + gas);
        assert_eq!(next.return_data, Bytes::copy_from_slice(data));
        assert_eq!(next.memory[..2], [data, &[0, 0]].concat()[..2]);
    }
}

/// Whoever sends a message has no return data until its answer is there.
#[test]
fn messages_forget_the_last_return_data() {
    let first = call("STATICCALL", "0", WARM.0, 0);
    for (opcode, source) in [
        ("CALL", call("CALL", "0", WARM.0, 0)),
        ("CALLCODE", call("CALLCODE", "0", WARM.0, 0)),
        ("DELEGATECALL", call("DELEGATECALL", "0", WARM.0, 0)),
        ("CREATE", "PUSH1 0 PUSH1 0 PUSH1 0 CREATE".into()),
        ("CREATE2", "PUSH1 0 PUSH1 0 PUSH1 0 PUSH1 0 CREATE2".into()),
    ] {
        let answer = FrameOutcome { gas_left: 100, output: Bytes::from_static(b"xyz"), ..success() };
        let program = program(Fork::Osaka, &format!("{first} {source}"))
            .with(|program| program.answers = vec![answer.clone(), answer]);
        let (_, steps) = program.succeed();
        let step = find(&steps, opcode);
        assert_eq!(step.before.return_data, Bytes::from_static(b"xyz"), "{opcode}");
        assert!(step.after.return_data.is_empty(), "{opcode}");
    }
}

/// SELFDESTRUCT in favour of `to` by an account with this balance.
#[track_caller]
fn check_destruction(fork: Fork, to: (&str, Address), balance: u64, gas: u64, refund: i64) {
    let name = format!("with {balance} to {} in {fork}", to.0);
    let source = format!("PUSH20 {} SELFDESTRUCT INVALID", to.0);
    let program = program(fork, &source).with(|program| {
        program.world.accounts.entry(SELF).or_default().balance = U256::from(balance);
    });
    let (run, steps) = program.succeed();
    assert_eq!((steps.len(), steps[1].gas_cost), (2, gas), "{name}");
    assert_eq!(run.world.refund, refund, "{name}");
    assert_eq!(run.world.destroyed, [(SELF, to.1)], "{name}");
    assert!(run.outcome.output.is_empty());
    // Who is marked already gets no second refund.
    let again = program.with(|program| program.world.destroyed.push((SELF, COLD.1)));
    assert_eq!(again.succeed().0.world.refund, 0, "{name}");
}

#[test]
fn self_destruction_costs_what_the_fork_says() {
    use Fork::*;
    for (forks, to, balance, gas, refund) in [
        (&[Frontier, Homestead][..], NOBODY, 1, 0, 24_000),
        (&[TangerineWhistle], WARM, 0, 5000, 24_000),
        (&[TangerineWhistle], NOBODY, 0, 30_000, 24_000),
        (&[TangerineWhistle], EMPTY, 1, 5000, 24_000),
        (&[SpuriousDragon, Istanbul], NOBODY, 0, 5000, 24_000),
        (&[SpuriousDragon, Istanbul], NOBODY, 1, 30_000, 24_000),
        (&[SpuriousDragon, Istanbul], EMPTY, 1, 30_000, 24_000),
        (&[SpuriousDragon, Istanbul], COLD, 1, 5000, 24_000),
        (&[Berlin], WARM, 1, 5000, 24_000),
        (&[Berlin], COLD, 1, 7600, 24_000),
        (&[Berlin], NOBODY, 1, 30_000, 24_000),
        (&[London, Osaka], COLD, 1, 7600, 0),
        (&[London, Osaka], WARM, 0, 5000, 0),
        (&[London, Osaka], NOBODY, 0, 5000, 0),
        (&[London, Osaka], EMPTY, 1, 30_000, 0),
        // The beneficiary's delegation does not matter.
        (&[Prague, Osaka], TO_COLD, 1, 7600, 0),
    ] {
        for fork in forks {
            check_destruction(*fork, to, balance, gas, refund);
        }
    }
}
