//! Tracers by name: `flatCallTracer`, `4byteTracer`, `noopTracer`, `muxTracer`, and what is no name or no option.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod programs;

use parallax_primitives::Fork;
use parallax_tracer_calls::NamedTracer;
use programs::{OTHER, Scene, line};
use serde_json::{Value, json};

fn traced(scene: &Scene, name: &str, options: &Value) -> String {
    scene.trace(
        || NamedTracer::new(name, options, 0).unwrap(),
        |tracer, before, execution| tracer.result(before, &execution.changes).unwrap(),
    )
}

/// Calls OTHER with `0xaabbccddee` twice, then the identity with it, and OTHER with nothing.
fn caller(other: &str) -> Scene {
    let call = |bytes: u64, to: &str| {
        format!("PUSH0 PUSH0 PUSH {bytes} PUSH1 27 PUSH20 {to} PUSH2 5000 STATICCALL POP")
    };
    let (other_text, identity) = (format!("0x{OTHER:x}"), "0x0000000000000000000000000000000000000004");
    let code = [
        "PUSH5 0xaabbccddee PUSH0 MSTORE".to_owned(),
        call(5, &other_text),
        call(5, &other_text),
        call(5, identity),
        call(3, &other_text),
        "STOP".to_owned(),
    ];
    Scene::new(Fork::Osaka, &code.join(" ")).account(OTHER, 0, other)
}

#[test]
fn selectors_are_counted_by_the_length_of_their_data() {
    let scene = caller("STOP").transaction(|transaction| transaction.input = vec![1, 2, 3, 4].into());
    assert_eq!(traced(&scene, "4byteTracer", &Value::Null), r#"{"0x01020304-0":1,"0xaabbccdd-1":2}"#);
}

#[test]
fn flat_calls_have_their_place_and_precompiled_contracts_none() {
    let found = |options| -> Vec<Value> {
        serde_json::from_str(&traced(&caller("INVALID"), "flatCallTracer", &options)).unwrap()
    };
    let places = |rows: &[Value]| rows.iter().map(|row| row["traceAddress"].clone()).collect::<Vec<_>>();
    let rows = found(Value::Null);
    assert_eq!(places(&rows), [json!([]), json!([0]), json!([1]), json!([2])]);
    assert_eq!((&rows[0]["subtraces"], &rows[0]["type"]), (&json!(3), &json!("call")));
    assert_eq!((&rows[1]["error"], rows[1].get("result")), (&json!("invalid opcode: INVALID"), None));
    assert_eq!(rows[1]["action"]["callType"], json!("staticcall"));
    assert_eq!(rows[1]["action"]["value"], json!("0x0"));
    let rows = found(json!({"convertParityErrors": true, "includePrecompiles": true}));
    assert_eq!(places(&rows), [json!([]), json!([0]), json!([1]), json!([2]), json!([3])]);
    assert_eq!(rows[1]["error"], json!("Bad instruction"));
    assert_eq!(rows[3]["result"], json!({"gasUsed": "0x12", "output": "0xaabbccddee"}));
}

#[test]
fn a_flat_selfdestruct_is_written_as_parity_did() {
    let scene = Scene::new(Fork::Osaka, "PUSH20 0x3333333333333333333333333333333333333333 SELFDESTRUCT");
    let text = traced(&scene, "flatCallTracer", &Value::Null);
    let expected = r#"{"action":{"address":"0x2222222222222222222222222222222222222222","balance":"0x64",
        "refundAddress":"0x3333333333333333333333333333333333333333"},"blockHash":null,"blockNumber":0,"subtraces":0,
        "traceAddress":[0],"transactionHash":null,"transactionPosition":0,"type":"suicide"}]"#;
    assert!(text.ends_with(&line(expected)), "{text}");
}

#[test]
fn several_answer_by_their_names() {
    let options = json!({"noopTracer": null, "4byteTracer": {}, "muxTracer": {"noopTracer": {}}});
    let text = traced(&caller("STOP"), "muxTracer", &options);
    assert_eq!(text, r#"{"4byteTracer":{"0xaabbccdd-1":2},"muxTracer":{"noopTracer":{}},"noopTracer":{}}"#);
    assert_eq!(traced(&caller("STOP"), "noopTracer", &Value::Null), "{}");
    // Each has a short name as well; an answer is called what it was asked for.
    let short = json!({"noop": null, "4byte": {}});
    assert_eq!(traced(&caller("STOP"), "mux", &short), r#"{"4byte":{"0xaabbccdd-1":2},"noop":{}}"#);
}

#[test]
fn what_there_is_not_is_told_with_what_there_is() {
    let told = |name: &str, options: Value| NamedTracer::new(name, &options, 0).unwrap_err().to_string();
    assert_eq!(
        told("calltracer", Value::Null),
        "unknown tracer \"calltracer\", expected one of call (callTracer), flat (flatCallTracer), prestate (prestateTracer), 4byte (4byteTracer), noop (noopTracer), mux (muxTracer), opcodes, accesslist, preimages (keccak256PreimageTracer), folded, speedscope, stategas"
    );
    assert!(told("muxTracer", json!({"x": null})).starts_with("unknown tracer \"x\""));
    assert!(
        told("callTracer", json!({"withLogs": true}))
            .starts_with("options of callTracer: unknown option \"withLogs\"")
    );
    assert_eq!(
        told("callTracer", json!({"withLog": 1})),
        "options of callTracer: withLog is not true or false"
    );
    assert_eq!(told("noopTracer", json!([])), "options of noopTracer: expected an object");
    // What another one is told is passed over.
    assert!(NamedTracer::new("callTracer", &json!({"diffMode": true}), 0).is_ok());
}
