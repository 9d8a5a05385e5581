//! What `prestateTracer` says of small programs, worked out by hand.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod programs;

use parallax_primitives::{Address, Authorization, Fork, TransactionType, U256};
use parallax_tracer_calls::{NamedTracer, TracerError};
use programs::{OTHER, SENDER, Scene, line, program};
use serde_json::{Value, json};

fn state(scene: &Scene, options: &Value) -> String {
    scene.trace(
        || NamedTracer::new("prestateTracer", options, 0).unwrap(),
        |tracer, before, execution| tracer.result(before, &execution.changes).unwrap(),
    )
}

/// Reads slot 1, writes slot 2, and looks at OTHER.
fn reader() -> Scene {
    let code = format!("PUSH1 1 SLOAD POP PUSH1 9 PUSH1 2 SSTORE PUSH20 0x{OTHER:x} BALANCE POP STOP");
    Scene::new(Fork::Osaka, &code).slot(programs::TARGET, 1, 5).slot(programs::TARGET, 2, 6)
}

const SLOT_1: &str = "0x0000000000000000000000000000000000000000000000000000000000000001";
const SLOT_2: &str = "0x0000000000000000000000000000000000000000000000000000000000000002";
const TARGET_CODE: &str = "0x600154506009600255733333333333333333333333333333333333333333315000";

#[test]
fn all_that_was_looked_at_is_as_it_was_and_empty_accounts_are_left_out() {
    let scene = reader();
    let hash = scene.before.accounts[&programs::TARGET].code.hash();
    let code = format!(r#""code":"{TARGET_CODE}","#);
    let storage = format!(
        r#","storage":{{"{SLOT_1}":"{:#066x}","{SLOT_2}":"{:#066x}"}}"#,
        U256::from(5),
        U256::from(6)
    );
    let expected = |code: &str, storage: &str, empty: [&str; 2]| {
        let [other, coinbase] = empty;
        let text = format!(
            r#"{{"0x1111111111111111111111111111111111111111":{{"balance":"0x1e8480"}},
            "0x2222222222222222222222222222222222222222":{{"balance":"0x64",{code}"codeHash":"{hash}"{storage}}}{other}{coinbase}}}"#
        );
        line(&text)
    };
    assert_eq!(state(&scene, &Value::Null), expected(&code, &storage, ["", ""]));
    let without = json!({"disableCode": true, "disableStorage": true});
    assert_eq!(state(&scene, &without), expected("", "", ["", ""]));
    let empty = [
        r#","0x3333333333333333333333333333333333333333":{"balance":"0x0"}"#,
        r#","0x4444444444444444444444444444444444444444":{"balance":"0x0"}"#,
    ];
    assert_eq!(state(&scene, &json!({"includeEmpty": true})), expected(&code, &storage, empty));
}

#[test]
fn a_difference_has_what_has_changed_alone() {
    let scene = reader().account(OTHER, 1, "");
    let hash = scene.before.accounts[&programs::TARGET].code.hash();
    // 21000, a cold slot, another one that is written, a cold account, and eight small ones.
    let used = 21_000 + 2100 + 5000 + 2600 + 3 * 4 + 2 * 2;
    let expected = format!(
        r#"{{"post":{{
        "0x1111111111111111111111111111111111111111":{{"balance":"{:#x}","nonce":1}},
        "0x2222222222222222222222222222222222222222":{{"storage":{{"{SLOT_2}":"{:#066x}"}}}},
        "0x4444444444444444444444444444444444444444":{{"balance":"{used:#x}"}}}},
        "pre":{{
        "0x1111111111111111111111111111111111111111":{{"balance":"0x1e8480"}},
        "0x2222222222222222222222222222222222222222":{{"balance":"0x64","code":"{TARGET_CODE}","codeHash":"{hash}",
        "storage":{{"{SLOT_2}":"{:#066x}"}}}}}}}}"#,
        2_000_000 - used,
        U256::from(9),
        U256::from(6),
    );
    assert_eq!(state(&scene, &json!({"diffMode": true})), line(&expected));
}

#[test]
fn a_new_account_is_only_behind_and_one_that_is_gone_only_before() {
    let create = Scene::new(Fork::Osaka, "").transaction(|transaction| {
        transaction.to = None;
        transaction.input = program("PUSH1 0x5b PUSH0 MSTORE8 PUSH1 1 PUSH0 RETURN");
    });
    let found: Value = serde_json::from_str(&state(&create, &json!({"diffMode": true}))).unwrap();
    let address = format!("{:#x}", Address::create(&SENDER, 0));
    let hash = parallax_primitives::keccak256([0x5b]);
    assert_eq!(found["post"][&address], json!({"nonce": 1, "code": "0x5b", "codeHash": hash.to_string()}));
    assert_eq!(found["pre"].get(&address), None);

    let destroy = "PUSH20 0x3333333333333333333333333333333333333333 SELFDESTRUCT";
    let found = |fork| -> Value {
        let scene = Scene::new(fork, destroy);
        serde_json::from_str(&state(&scene, &json!({"diffMode": true, "disableCode": true}))).unwrap()
    };
    let target = format!("{:#x}", programs::TARGET);
    let gone = found(Fork::Shanghai);
    assert_eq!((gone["post"].get(&target), &gone["pre"][&target]["balance"]), (None, &json!("0x64")));
    let kept = found(Fork::Cancun);
    assert_eq!(kept["post"][&target], json!({"balance": "0x0"}));
    assert_eq!(kept["post"]["0x3333333333333333333333333333333333333333"], json!({"balance": "0x64"}));
}

#[test]
fn authorities_and_where_accounts_delegate_to_are_looked_at() {
    let delegate = Address::repeat_byte(0x55);
    let mut scene = Scene::new(Fork::Prague, "").account(delegate, 1, "STOP").account(OTHER, 3, "");
    let target = scene.before.accounts.get_mut(&programs::TARGET).unwrap();
    target.code = parallax_primitives::Bytecode::delegating_to(delegate);
    let scene = scene.transaction(|transaction| {
        transaction.kind = TransactionType::SetCode;
        let (chain_id, address) = (U256::ZERO, Address::repeat_byte(0x66));
        // A nonce that is not its own: it is skipped.
        transaction.authorizations =
            vec![Authorization { chain_id, address, nonce: 7, authority: Some(OTHER) }];
    });
    let found: Value = serde_json::from_str(&state(&scene, &Value::Null)).unwrap();
    let seen: Vec<_> = found.as_object().unwrap().keys().cloned().collect();
    let expected = [SENDER, programs::TARGET, OTHER, delegate].map(|address| format!("{address:#x}"));
    assert_eq!(seen, expected);
}

#[test]
fn an_opcode_that_cannot_be_paid_for_has_looked_at_nothing() {
    let scene = reader().transaction(|transaction| transaction.gas_limit = 21_000 + 3 + 2099);
    let found: Value = serde_json::from_str(&state(&scene, &json!({"disableCode": true}))).unwrap();
    assert_eq!(found[format!("{:#x}", programs::TARGET)].get("storage"), None);
}

#[test]
fn differences_have_no_empty_accounts() {
    let options = json!({"diffMode": true, "includeEmpty": true});
    let refused = NamedTracer::new("prestateTracer", &options, 0).unwrap_err();
    assert!(matches!(refused, TracerError::Config { .. }));
    assert_eq!(
        refused.to_string(),
        "options of prestateTracer: diffMode and includeEmpty exclude each other"
    );
}
