//! What struct logs say of an opcode that fails, in go-ethereum's terms: its `core/vm/interpreter.go`, `gas_table.go` and
//! `eth/tracers/logger/logger.go` of August 2026. Recorded and written as it comes are the same.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod programs;

use parallax_engine_interface::Job;
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{
    BlockEnv, Bytecode, Bytes, Fork, Message, MessageKind, Subject, TxEnv, U256, address, hex,
};
use parallax_tracer_core::Traced;
use parallax_tracer_standard::{Recorder, StructLogOptions, StructLogWriter, TracerConfig};
use programs::{TARGET, execute};
use serde_json::{Value, json};

const DEFAULTS: StructLogOptions = StructLogOptions {
    enable_memory: false,
    disable_stack: false,
    disable_storage: false,
    enable_return_data: false,
    enable_logs: false,
    limit: 0,
};

/// A bare message; slot 1 of its account has 7.
#[track_caller]
fn run(fork: Fork, message: &Message, options: StructLogOptions) -> Value {
    let mut database = MemoryDatabase::default();
    let code = Bytecode::new(message.input.clone());
    let storage = [(U256::from(1), U256::from(7))].into();
    database.accounts.insert(TARGET, Account { nonce: 1, code, storage, ..Account::default() });
    let (block, environment) = (BlockEnv::default(), TxEnv::default());
    let subject = Subject::Message { message, environment: &environment };
    let job = Job { rules: fork.into(), chain_id: 1, block: &block, subject, database: &database };
    let mut recorder = Recorder::new(TracerConfig::full());
    let mut writer = StructLogWriter::new(Vec::new(), options, TracerConfig::full());
    execute(&job, &mut Traced((&mut recorder, &mut writer))).unwrap();
    let mut text = Vec::new();
    recorder.into_trace().write_struct_logs(&mut text, options).unwrap();
    let recorded: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(recorded, serde_json::from_slice::<Value>(&writer.finish().out.unwrap()).unwrap());
    recorded
}

fn message(code: &str, gas: u64) -> Message {
    Message {
        kind: MessageKind::Call,
        depth: 0,
        is_static: false,
        gas,
        caller: address!("1000000000000000000000000000000000000001"),
        address: TARGET,
        code_address: TARGET,
        is_delegated: false,
        value: U256::ZERO,
        input: Bytes::from(hex::decode(code.replace(' ', "")).unwrap()),
        state_gas: Default::default(),
        salt: U256::ZERO,
    }
}

/// Without its stack, the last row is this one besides depth, program counter and gas.
#[track_caller]
fn check_message(fork: Fork, message: &Message, expected: &Value) {
    let document = run(fork, message, StructLogOptions { disable_stack: true, ..DEFAULTS });
    let mut row = document["structLogs"].as_array().unwrap().last().unwrap().clone();
    for told in ["depth", "pc", "gas"] {
        row.as_object_mut().unwrap().remove(told);
    }
    assert_eq!(row, *expected);
}

#[track_caller]
fn check(fork: Fork, code: &str, gas: u64, expected: impl Into<Value>) {
    check_message(fork, &message(code, gas), &expected.into());
}

#[test]
fn what_is_not_paid_for_has_the_cost_so_far_and_an_error() {
    check(Fork::Osaka, "01", 9, json!({"op": "ADD", "gasCost": 3, "error": "stack underflow (0 <=> 2)"}));
    // The whole price of these is worked out behind the stack.
    check(Fork::Osaka, "0a", 9, json!({"op": "EXP", "gasCost": 0, "error": "stack underflow (0 <=> 2)"}));
    check(Fork::Osaka, "54", 9, json!({"op": "SLOAD", "gasCost": 0, "error": "stack underflow (0 <=> 1)"}));
    check(Fork::Osaka, "a0", 9, json!({"op": "LOG0", "gasCost": 0, "error": "stack underflow (0 <=> 2)"}));
    check(
        Fork::Istanbul,
        "54",
        9,
        json!({"op": "SLOAD", "gasCost": 800, "error": "stack underflow (0 <=> 1)"}),
    );
    check(Fork::Osaka, "5f5f20", 10, json!({"op": "KECCAK256", "gasCost": 30, "error": "out of gas"}));
    check(Fork::Osaka, "611000 51", 9, json!({"op": "MLOAD", "gasCost": 422, "error": "out of gas"}));
    let far = "gas uint64 overflow";
    check(Fork::Osaka, "5f19 51", 9, json!({"op": "MLOAD", "gasCost": 3, "error": far}));
    check(
        Fork::Osaka,
        "65ffffffffffff 51",
        9,
        json!({"op": "MLOAD", "gasCost": 3, "error": format!("out of gas: {far}")}),
    );
    // A gas of more than 64 bits, before EIP-150.
    check(
        Fork::Frontier,
        "6000 6000 6000 6000 6000 6000 600019 f1",
        99,
        json!({"op": "CALL", "gasCost": 40, "error": format!("out of gas: {far}")}),
    );
    check(
        Fork::Osaka,
        "60015f5500",
        2_305,
        json!({"op": "SSTORE", "gasCost": 0, "error": "out of gas: not enough gas for reentrancy sentry",
            "storage": {format!("{:#066x}", 0): format!("{:#066x}", 1)}}),
    );
}

#[test]
fn what_fails_as_it_is_carried_out_has_no_error() {
    check(Fork::Osaka, "fe", 9, json!({"op": "INVALID", "gasCost": 0}));
    check(Fork::Osaka, "0c", 9, json!({"op": "opcode 0xc not defined", "gasCost": 0}));
    check(Fork::Paris, "5f", 9, json!({"op": "PUSH0", "gasCost": 0}));
    check(Fork::Osaka, "5f56", 20, json!({"op": "JUMP", "gasCost": 8}));
    check(Fork::Osaka, "60016000 60003e", 20, json!({"op": "RETURNDATACOPY", "gasCost": 9}));
    check(Fork::Osaka, "5f5ffd", 20, json!({"op": "REVERT", "gasCost": 0}));
}

#[test]
fn what_may_not_write_is_refused_with_its_price() {
    let refused = |code: &str, expected: Value| {
        check_message(Fork::Osaka, &Message { is_static: true, ..message(code, 99_999) }, &expected);
    };
    let words = "out of gas: write protection";
    let slot = json!({format!("{:#066x}", 0): format!("{:#066x}", 1)});
    refused("60015f55", json!({"op": "SSTORE", "gasCost": 0, "error": words, "storage": slot}));
    refused("5f5f5ff0", json!({"op": "CREATE", "gasCost": 32000, "error": words}));
    refused("5f5f5f5f60015f5ff1", json!({"op": "CALL", "gasCost": 100, "error": words}));
    refused("5fff", json!({"op": "SELFDESTRUCT", "gasCost": 5000, "error": words}));
    refused("5f5fa0", json!({"op": "LOG0", "gasCost": 375}));
    refused("5f5f5d", json!({"op": "TSTORE", "gasCost": 100}));
}

#[test]
fn refunds_are_counted_with_the_price() {
    let empty = json!({format!("{:#066x}", 1): format!("{:#066x}", 0)});
    let cleared = |gas_cost: u64, error: Option<&str>| {
        let mut row = json!({"op": "SSTORE", "gasCost": gas_cost, "refund": 4800, "storage": empty});
        row.as_object_mut().unwrap().extend(error.map(|error| ("error".to_owned(), json!(error))));
        row
    };
    let document = run(Fork::Osaka, &message("5f600155", 9_999), DEFAULTS);
    assert_eq!(document["structLogs"][2]["refund"], 4800);
    check(Fork::Osaka, "5f600155", 3_000, cleared(5_000, Some("out of gas")));
    check(Fork::Osaka, "5f6001 5500", 9_999, json!({"op": "STOP", "gasCost": 0, "refund": 4800}));
    // Without a least gas (EIP-1283), a slot that was cleared may fail to be set again, or back.
    let again = |value: u64| format!("6000600155 60{value:02x}600155");
    let slot = |value: u64| json!({format!("{:#066x}", 1): format!("{value:#066x}")});
    let row = |value| json!({"op": "SSTORE", "gasCost": 200, "error": "out of gas", "storage": slot(value)});
    check(Fork::Constantinople, &again(5), 5_100, row(5));
    let mut back = row(7);
    back["refund"] = json!(4_800);
    check(Fork::Constantinople, &again(7), 5_100, back);
}

#[test]
fn a_creation_that_cannot_pay_for_its_code_has_failed() {
    let creation = |fork, gas| {
        let document =
            run(fork, &Message { kind: MessageKind::Create, ..message("60206000f3", gas) }, DEFAULTS);
        (document["failed"].clone(), document["returnValue"].as_str().unwrap().len())
    };
    assert_eq!(creation(Fork::Frontier, 6_500), (json!(false), 66));
    assert_eq!(creation(Fork::Frontier, 500), (json!(true), 2));
    assert_eq!(creation(Fork::Homestead, 500), (json!(true), 2));
}
