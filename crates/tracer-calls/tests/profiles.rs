//! Opcode counts, access lists, preimages, profiles of gas and state gas, held against what can be known without them.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod programs;

use std::collections::BTreeMap;

use parallax_hooks::{StepEnd, StepView};
use parallax_primitives::{AccessListEntry, Fork, Opcode, TransactionType, U256, keccak256};
use parallax_tracer_calls::NamedTracer;
use parallax_tracer_core::{Traced, Tracer};
use programs::{OTHER, Scene};
use serde_json::{Value, json};

/// What a tracer answers, and the gas of the transaction before its refund.
fn traced(scene: &Scene, name: &str) -> (String, u64) {
    let text = scene.trace(
        || NamedTracer::new(name, &Value::Null, 0).unwrap(),
        |tracer, before, execution| {
            let outcome = execution.outcome.as_ref().unwrap();
            let answer = tracer.result(before, &execution.changes).unwrap();
            format!("{} {answer}", outcome.gas_used + outcome.gas_refunded)
        },
    );
    let (gas, answer) = text.split_once(' ').unwrap();
    (answer.to_owned(), gas.parse().unwrap())
}

fn value(scene: &Scene, name: &str) -> Value {
    serde_json::from_str(&traced(scene, name).0).unwrap()
}

/// Counts steps by itself.
#[derive(Default)]
struct Steps(u64, u64);

impl Tracer for Steps {
    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.0 += 1;
        self.1 += u64::from(step.opcode == Opcode::SLOAD && end.halt.is_none());
    }
}

/// Calls OTHER with a value, a precompiled contract, itself with too little gas, and creates an account.
fn everything(fork: Fork) -> Scene {
    let other = format!("0x{OTHER:x}");
    let code = [
        format!("PUSH0 PUSH0 PUSH0 PUSH0 PUSH1 1 PUSH20 {other} PUSH2 9000 CALL POP"),
        // Half of what is hashed, and 9000 gas of which it burns all.
        "PUSH0 PUSH0 PUSH1 64 PUSH0 PUSH1 2 PUSH2 9000 STATICCALL POP".to_owned(),
        format!("PUSH0 PUSH0 PUSH0 PUSH0 PUSH20 {other} PUSH1 20 DELEGATECALL POP"),
        // Init code that returns 32 bytes of zero.
        "PUSH5 0x60205ff300 PUSH0 MSTORE PUSH1 5 PUSH1 27 PUSH0 CREATE POP".to_owned(),
        "PUSH1 7 PUSH1 1 SSTORE PUSH0 PUSH1 2 SSTORE PUSH1 32 PUSH0 KECCAK256 POP STOP".to_owned(),
    ];
    let scene = Scene::new(fork, &code.join(" "));
    scene.slot(programs::TARGET, 2, 9).account(
        OTHER,
        0,
        "PUSH1 5 SLOAD POP PUSH1 5 SLOAD POP PUSH0 BALANCE POP STOP",
    )
}

/// Of a folded profile: each line's stack and gas.
fn folded(scene: &Scene) -> (BTreeMap<String, u64>, u64) {
    let (text, gas) = traced(scene, "folded");
    let lines = text.lines().map(|line| {
        let (stack, gas) = line.rsplit_once(' ').unwrap();
        (stack.to_owned(), gas.parse().unwrap())
    });
    (lines.collect(), gas)
}

#[test]
fn opcodes_are_as_many_as_steps() {
    let scene = everything(Fork::Osaka);
    let counts: BTreeMap<String, u64> = serde_json::from_value(value(&scene, "opcodes")).unwrap();
    let steps = scene.trace(Steps::default, |steps, _, _| format!("{} {}", steps.0, steps.1));
    assert_eq!(steps, format!("{} {}", counts.values().sum::<u64>(), counts["SLOAD"] - 1), "one has failed");
    let undefined = Scene::new(Fork::Osaka, "PUSH0 POP INVALID");
    assert_eq!(value(&undefined, "opcodes"), json!({"INVALID": 1, "POP": 1, "PUSH0": 1}));
}

#[test]
fn preimages_are_found_by_their_hash() {
    let found = value(&everything(Fork::Osaka), "preimages");
    let mut word = [0; 32];
    word[27..].copy_from_slice(&[0x60, 0x20, 0x5f, 0xf3, 0x00]);
    let hash = keccak256(word).to_string();
    assert_eq!(found, json!({hash: format!("0x{:064x}", U256::from(0x60_205f_f300_u64))}));
    let none = Scene::new(Fork::Osaka, "PUSH0 PUSH0 KECCAK256 PUSH0 PUSH0 KECCAK256 PUSH0 NOT KECCAK256");
    assert_eq!(value(&none, "preimages"), json!({keccak256([]).to_string(): "0x"}));
}

#[test]
fn all_gas_of_a_transaction_has_a_place() {
    for fork in [Fork::Shanghai, Fork::Cancun, Fork::Osaka] {
        let (lines, gas) = folded(&everything(fork));
        assert_eq!(lines.values().sum::<u64>(), gas, "{fork}");
        let target = "transaction;CALL 0x2222222222222222222222222222222222222222";
        // Twice a cold slot, once a warm one: once it is called with a value, once with too little gas.
        let called = format!("{target};CALL 0x3333333333333333333333333333333333333333");
        assert_eq!((lines[&format!("{called};SLOAD")], lines[&format!("{called};BALANCE")]), (2_200, 2_600));
        assert_eq!(
            lines[&format!(
                "{target};DELEGATECALL 0x3333333333333333333333333333333333333333;burnt by a halt"
            )],
            17
        );
        assert_eq!(lines[&format!("{target};STATICCALL 0x0000000000000000000000000000000000000002")], 84);
        let deposit: Vec<_> = lines.iter().filter(|(stack, _)| stack.ends_with(";code deposit")).collect();
        assert_eq!((deposit.len(), *deposit[0].1), (1, 32 * 200));
        assert_eq!(lines["transaction"], 21_000);
        // 6700 for a value, and 2600 of a cold account: 2300 of the 9000 are spent in the frame.
        assert_eq!(lines[&format!("{target};CALL")], 9_300);
    }
}

#[test]
fn a_file_of_speedscope_says_the_same() {
    let scene = everything(Fork::Osaka);
    let (lines, gas) = folded(&scene);
    let file = value(&scene, "speedscope");
    assert_eq!(file["$schema"], "https://www.speedscope.app/file-format-schema.json");
    let names: Vec<_> = file["shared"]["frames"]
        .as_array()
        .unwrap()
        .iter()
        .map(|frame| frame["name"].as_str().unwrap())
        .collect();
    let profile = &file["profiles"][0];
    assert_eq!((&profile["type"], &profile["unit"]), (&json!("sampled"), &json!("none")));
    assert_eq!((&profile["startValue"], &profile["endValue"]), (&json!(0), &json!(gas)));
    let stacks = profile["samples"].as_array().unwrap().iter().map(|stack| {
        let places = stack
            .as_array()
            .unwrap()
            .iter()
            .map(|number| names[usize::try_from(number.as_u64().unwrap()).unwrap()]);
        places.collect::<Vec<_>>().join(";")
    });
    let weights = profile["weights"].as_array().unwrap().iter().map(|weight| weight.as_u64().unwrap());
    assert_eq!(stacks.zip(weights).collect::<BTreeMap<_, _>>(), lines);
}

/// With the list that came out, what is cold no longer is: an address costs 2400 of the list and saves 2500, a slot 1900 and 2000.
#[test]
fn a_transaction_with_its_access_list_pays_what_the_list_saves() {
    let scene = everything(Fork::Osaka);
    let list = value(&scene, "accesslist");
    let entries = list["accessList"].as_array().unwrap();
    let addresses: Vec<_> = entries.iter().map(|entry| entry["address"].as_str().unwrap()).collect();
    // BALANCE of nobody. The target has slots, so it is in the list as well; what was created has none.
    let [nobody, target, other] = ["00", "22", "33"].map(|byte| format!("0x{}", byte.repeat(20)));
    assert_eq!(addresses, [&*nobody, &target, &other]);
    let keys = |at: usize| entries[at]["storageKeys"].as_array().unwrap().len();
    assert_eq!([keys(0), keys(1), keys(2)], [0, 3, 1], "the delegated call reads a slot of the target");

    let before = traced(&scene, "noop").1;
    let with_list = scene.transaction(|transaction| {
        (transaction.kind, transaction.chain_id) = (TransactionType::AccessList, Some(1));
        transaction.access_list = entries
            .iter()
            .map(|entry| AccessListEntry {
                address: entry["address"].as_str().unwrap().parse().unwrap(),
                storage_keys: entry["storageKeys"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|key| key.as_str().unwrap().parse().unwrap())
                    .collect(),
            })
            .collect();
    });
    assert_eq!(value(&with_list, "accesslist"), list, "once more changes nothing");
    let after = traced(&with_list, "noop").1;
    // Of the four slots one could not be paid for, and its account is the target, which is warm anyway: that list entry saves nothing.
    // SSTORE saves 2100 each.
    let cost = 3 * 2_400 + 4 * 1_900;
    let saved = 2 * 2_500 + 2_000 + 2 * 2_100;
    assert_eq!(after + saved, before + cost);
}

#[test]
fn an_access_list_has_nothing_that_is_there_anyway() {
    // The sender, the target, a precompiled contract, and the target once more.
    let [sender, target] = [programs::SENDER, programs::TARGET].map(|address| format!("0x{address:x}"));
    let code = format!(
        "PUSH20 {sender} BALANCE POP PUSH20 {target} EXTCODESIZE POP PUSH1 4 BALANCE POP \
         PUSH0 PUSH0 PUSH0 PUSH0 PUSH20 {target} PUSH0 STATICCALL STOP"
    );
    assert_eq!(value(&Scene::new(Fork::Osaka, &code), "accesslist"), json!({"accessList": []}));
}

#[test]
fn state_gas_is_that_of_the_transaction() {
    // Sets a slot, calls OTHER, which sets one and goes back on it, and once more so that it stays.
    let other = format!("0x{OTHER:x}");
    let call = |input: &str| format!("PUSH0 PUSH0 PUSH1 {input} PUSH0 PUSH0 PUSH20 {other} GAS CALL POP");
    let code = format!("PUSH1 1 PUSH0 SSTORE {} {} STOP", call("0"), call("1"));
    let scene = Scene::new(Fork::Amsterdam, &code).account(
        OTHER,
        0,
        "PUSH1 1 PUSH0 SSTORE CALLDATASIZE PUSH @stays JUMPI PUSH0 PUSH0 REVERT stays: STOP",
    );
    let found = value(&scene, "stategas");
    let frames = found["frames"].as_array().unwrap();
    let rows: Vec<_> = frames
        .iter()
        .map(|frame| (&frame["traceAddress"], &frame["stateGasUsed"], &frame["failed"], &frame["opcodes"]))
        .collect();
    let slot = json!({"SSTORE": 97_920});
    assert_eq!(
        rows,
        [
            (&json!([]), &json!(2 * 97_920), &json!(false), &slot),
            (&json!([0]), &json!(0), &json!(true), &slot),
            (&json!([1]), &json!(97_920), &json!(false), &slot),
        ]
    );
    assert_eq!(found["stateGas"], 2 * 97_920);
    let one_gas = value(&everything(Fork::Osaka), "stategas");
    assert_eq!(one_gas["stateGas"], 0);
    assert!(one_gas["frames"].as_array().unwrap().iter().all(|frame| frame["stateGasUsed"] == 0));
}

/// Where there are two gases, what is left of the sum is the transaction's own.
#[test]
fn a_profile_of_two_gases_sums_up_too() {
    let (lines, gas) = folded(&everything(Fork::Amsterdam));
    assert_eq!(lines.values().sum::<u64>(), gas);
}

#[test]
fn an_answer_that_is_text_is_quoted_among_others() {
    let scene = Scene::new(Fork::Osaka, "STOP");
    let text = scene.trace(
        || NamedTracer::new("mux", &json!({"folded": null, "noop": null}), 0).unwrap(),
        |tracer, before, execution| tracer.result(before, &execution.changes).unwrap(),
    );
    assert_eq!(text, r#"{"folded":"transaction 21000","noop":{}}"#);
    // Nothing was run.
    for name in ["opcodes", "accesslist", "preimages", "folded", "speedscope", "stategas"] {
        let mut tracer = NamedTracer::new(name, &Value::Null, 0).unwrap();
        let _ = Traced(&mut tracer);
        assert!(tracer.result(&scene.before, &Default::default()).is_err(), "{name}");
    }
}
