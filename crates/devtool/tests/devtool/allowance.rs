//! What much gas pays for, and the server has not: no program may take its memory, its time, or an answer's size.

use serde_json::{Value, json};

use crate::client::{Running, assembly};

/// Runs a program with all gas there can be, on two engines.
fn run(server: &Running, code: &str, fork: &str) -> (String, Value) {
    let mut body = assembly(code, &["primary", "mini"]);
    body["source"]["fork"] = json!(fork);
    body["source"]["gas"] = json!(u64::MAX);
    let path = server.session(&body);
    let session = server.ask(&path);
    (path, session)
}

#[track_caller]
fn check(code: &str, fork: &str, stopped_by: Option<&str>) {
    let server = Running::new(parallax_devtool::Config::default());
    let (_, session) = run(&server, code, fork);
    let kind = if stopped_by.is_some() { "poisoned" } else { "agree" };
    assert_eq!(
        (session["stoppedBy"].as_str(), session["verdict"]["kind"].as_str()),
        (stopped_by, Some(kind)),
        "{code}: {session}"
    );
}

#[test]
fn what_is_kept_counts_as_memory() {
    // Logs, return data of frames that wait, code that is deployed, and writes.
    check("loop: PUSH 0x1000000 PUSH 0 LOG0 PUSH @loop JUMP", "Prague", Some("memory"));
    let deep = "CALLDATASIZE PUSH @give JUMPI \
                PUSH 0 PUSH 0 PUSH 1 PUSH 0 PUSH 0 ADDRESS GAS CALL \
                PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 ADDRESS GAS CALL STOP \
                give: PUSH 0x1000000 PUSH 0 RETURN";
    check(deep, "Prague", Some("memory"));
    // Init code that returns 16 MiB of code: PUSH4 0x01000000, PUSH1 0, RETURN.
    let create =
        "PUSH 0x63010000006000f3 PUSH 0 MSTORE loop: PUSH 8 PUSH 24 PUSH 0 CREATE POP PUSH @loop JUMP";
    check(create, "Homestead", Some("memory"));
}

#[test]
fn writes_to_storage_count_as_memory() {
    let server = Running::new(parallax_devtool::Config::default());
    let mut body = assembly("loop: GAS DUP1 TSTORE PUSH @loop JUMP", &["primary"]);
    body["source"]["fork"] = json!("Prague");
    body["source"]["gas"] = json!(u64::MAX);
    body["mode"] = json!("off");
    body["limits"] = json!({"steps": 20_000_000, "memoryBytes": 256 << 20});
    let session = server.ask(&server.session(&body));
    assert_eq!(session["stoppedBy"], "memory", "{session}");
    let steps = session["totalSteps"].as_u64().unwrap();
    assert!((5_000_000..7_000_000).contains(&steps), "{steps}");
}

#[test]
fn memory_that_is_there_may_be_used_again_and_what_fails_is_not_asked_for() {
    check("PUSH 0x5000000 MLOAD POP PUSH 0x5000000 MLOAD", "Prague", None);
    // More than all gas pays for.
    check("PUSH 0 NOT MLOAD", "Prague", None);
    check("PUSH 0 NOT PUSH 0 LOG0", "Prague", None);
    check("PUSH 0xffffffffffffffff PUSH 0 RETURN", "Prague", None);
}

#[test]
fn a_precompiled_contract_may_not_run_for_minutes() {
    let lengths = "PUSH 0x20000 PUSH 0 MSTORE PUSH 0x20000 PUSH 32 MSTORE PUSH 0x20000 PUSH 64 MSTORE";
    let modexp = format!(
        "{lengths} PUSH 0 NOT PUSH 96 MSTORE PUSH 0 NOT PUSH 0x20060 MSTORE PUSH 0 NOT PUSH 0x40060 MSTORE \
         PUSH 0 PUSH 0 PUSH 0x60060 PUSH 0 PUSH 0 PUSH 5 GAS CALL"
    );
    check(&modexp, "Prague", Some("time"));
    let rounds = |rounds: &str, send: &str| {
        format!("PUSH {rounds} PUSH 224 SHL PUSH 0 MSTORE PUSH 0 PUSH 0 PUSH 213 PUSH 0 {send}")
    };
    check(&rounds("0xffffffff", "PUSH 0 PUSH 9 GAS CALL"), "Prague", Some("time"));
    check(&rounds("0xffffffff", "PUSH 0 PUSH 9 GAS CALLCODE"), "Prague", Some("time"));
    check(&rounds("0xffffffff", "PUSH 9 GAS STATICCALL"), "Prague", Some("time"));
    // With less gas than it costs it fails, and a short one runs, with however much gas.
    check(&rounds("0xffffffff", "PUSH 9 PUSH 1000 DELEGATECALL"), "Prague", None);
    check(&rounds("12", "PUSH 9 GAS DELEGATECALL"), "Prague", None);
}

#[test]
fn a_transaction_that_would_be_a_long_precompiled_contract_is_refused() {
    let server = Running::new(parallax_devtool::Config::default());
    let blake = format!("0xffffffff{}", "00".repeat(209));
    let account =
        json!({"balance": "0xffffffffffffffffffffffffffffff", "nonce": "0x0", "code": "0x", "storage": {}});
    let sender = "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b";
    let test = |gas: &str| {
        let file = json!({ "test": {
            "env": {"currentCoinbase": "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba", "currentDifficulty": "0x20000",
                "currentGasLimit": "0x7fffffffffffffff", "currentNumber": "0x1", "currentTimestamp": "0x3e8", "currentBaseFee": "0x1"},
            "pre": {sender: account},
            "transaction": {"data": [blake], "gasLimit": [gas], "value": ["0x0"], "gasPrice": "0xa", "nonce": "0x0",
                "to": "0x0000000000000000000000000000000000000009", "sender": sender,
                "secretKey": "0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8"},
            "post": {"Berlin": [{"hash": format!("0x{}", "00".repeat(32)), "logs": format!("0x{}", "00".repeat(32)),
                "indexes": {"data": 0, "gas": 0, "value": 0}, "txbytes": "0x"}]},
        }});
        server.post("/api/v1/sessions", &json!({"source": {"kind": "upload", "file": file}}))
    };
    let refused = test("0x7ffffffffffffff0");
    assert_eq!((refused.status, refused.code().as_str()), (422, "bad_source"), "{}", refused.json());
    assert!(
        refused.json()["error"]["message"].as_str().unwrap().contains("precompiled"),
        "{}",
        refused.json()
    );
    // Too little gas for so many rounds: it fails at once.
    let failing = test("0x100000");
    assert_eq!(failing.status, 201, "{}", failing.json());
}

#[test]
fn large_data_makes_no_large_answers() {
    let server = Running::new(parallax_devtool::Config::default());
    // Calls itself with 4 MiB, gets them back, logs them and returns them.
    let code = "CALLDATASIZE PUSH @callee JUMPI PUSH 0 PUSH 0 PUSH 0x400000 PUSH 0 PUSH 0 ADDRESS GAS CALL \
                PUSH 0x400000 PUSH 0 LOG0 PUSH 0x400000 PUSH 0 RETURN callee: PUSH 0x400000 PUSH 0 RETURN";
    let (path, session) = run(&server, code, "Prague");
    assert_eq!(session["verdict"]["kind"], "agree", "{session}");
    let outcome = &session["outcomes"][1];
    assert_eq!(outcome["outputLength"], 4 << 20);
    assert_eq!(outcome["output"].as_str().unwrap().len(), 2 + 2 * 1024);
    let total = session["totalSteps"].as_u64().unwrap();
    for step in 0..total {
        let state = server.get(&format!("{path}/steps/{step}/state?when=after&memoryLength=32"));
        assert!(state.body.len() < 10 << 20, "step {step}: {} bytes", state.body.len());
        let state = state.json();
        let side = &state["mini"];
        let shown = |name: &str| (side[name].as_str().unwrap().len() - 2) / 2;
        let length = |name: &str| usize::try_from(side[name].as_u64().unwrap()).unwrap();
        assert_eq!(shown("calldata"), length("calldataLength").min(1 << 20));
        assert_eq!(shown("returnData"), length("returnDataLength").min(1 << 20));
        for log in side["logs"].as_array().unwrap() {
            assert_eq!(
                (&log["dataLength"], log["data"].as_str().unwrap().len()),
                (&json!(4 << 20), 2 + 2 * 4096)
            );
        }
    }
    let seen = server.ask(&format!("{path}/steps/{}/state", total - 1));
    assert_eq!(
        (&seen["mini"]["returnDataLength"], seen["mini"]["logs"].as_array().unwrap().len()),
        (&json!(4 << 20), 1)
    );
    assert!(server.get(&format!("{path}/export")).body.len() < 20 << 20);
}
