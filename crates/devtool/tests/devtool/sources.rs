//! What can be run: programs, state tests, traces.

use std::fs;

use parallax_devtool::Config;
use serde_json::{Value, json};

use crate::client::{Running, program};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/state-tests");

#[test]
fn every_fixture_agrees_by_path_and_uploaded() {
    let server = Running::with_folder(FIXTURES);
    let files = server.ask("/api/v1/tests?kind=state_test&limit=1000");
    let files = files["files"].as_array().unwrap();
    assert!(files.len() > 5, "{}", files.len());
    for file in files.iter().step_by(7) {
        let path = file["path"].as_str().unwrap();
        let cases = server.ask(&format!("/api/v1/tests/cases?path={path}"));
        let case = cases["cases"].as_array().unwrap().last().unwrap();
        let mut source = json!({
            "kind": "test", "path": path, "name": case["name"], "fork": case["fork"], "index": case["index"],
        });
        let by_path = server.session(&json!({ "source": source }));
        let session = server.ask(&by_path);
        assert_eq!(session["verdict"]["kind"], "agree", "{session}");
        assert_eq!((&session["source"]["name"], &session["source"]["fork"]), (&case["name"], &case["fork"]));
        let text = fs::read(format!("{FIXTURES}/{path}")).unwrap();
        source["kind"] = json!("upload");
        source["file"] = serde_json::from_slice(&text).unwrap();
        source.as_object_mut().unwrap().remove("path");
        let uploaded = server.session(&json!({ "source": source }));
        assert_eq!(server.ask(&uploaded)["outcomes"], session["outcomes"]);
        for path in [by_path, uploaded] {
            assert_eq!(server.send("DELETE", &path, "", "").status, 204);
        }
    }
    // A fork that no case of the test has: it is run by that.
    let other =
        json!({"kind": "test", "path": "arithmetic.json", "name": "arithmetic/clz", "fork": "Shanghai"});
    let session = server.ask(&server.session(&json!({ "source": other })));
    assert_eq!((&session["source"]["fork"], &session["source"]["index"]), (&json!("Shanghai"), &json!(0)));
    assert_eq!(session["outcomes"][0]["status"], "UndefinedOpcode", "{session}");
    let missing = json!({"source": {"kind": "test", "path": files[0]["path"], "name": "nobody"}});
    assert_eq!(server.post("/api/v1/sessions", &missing).code(), "bad_source");
}

/// A callee clears what another one has set, and its caller is repaid; and the same where there is one gas.
#[test]
fn both_gases_are_told_where_there_are_two() {
    let server = Running::with_folder(FIXTURES);
    let source = |fork: &str| {
        json!({
            "kind": "test", "path": "state_gas.json", "fork": fork,
            "name": "state_gas/a_callee_repays_what_another_spilled",
        })
    };
    let path = server.session(&json!({ "source": source("Amsterdam") }));
    let outcome = &server.ask(&path)["outcomes"][1];
    assert_eq!((&outcome["executionGas"], &outcome["stateGas"]), (&json!(45_340), &json!(97_920)));
    let steps = server.ask(&format!("{path}/steps?from=9&limit=12"));
    let step = |index: usize| {
        let row = &steps["steps"][index - 9]["mini"];
        ["opName", "gasAfter", "reservoir", "spilledStateGas", "stateGasCost", "stateGasSpilled"]
            .map(|name| row[name].clone())
    };
    assert_eq!(json!(step(9)), json!(["SSTORE", 167_556, 0, 0, 97_920, 97_920]));
    assert_eq!(json!(step(10)), json!(["STOP", 167_556, 0, 97_920, 0, 0]));
    assert_eq!(json!(step(20)), json!(["SSTORE", 166_206, 0, 0, -97_920, 0]));
    let state = server.ask(&format!("{path}/steps/20/state?when=after"));
    assert_eq!(
        (&state["primary"]["reservoir"], &state["primary"]["reservoirBaseline"]),
        (&json!(97_920), &json!(0))
    );
    let calls = server.ask(&format!("{path}/calls?side=primary"));
    let call = |number: usize| {
        ["reservoir", "reservoirLeft", "stateGasUsed", "stateGasSpilled"]
            .map(|name| calls["calls"][number][name].clone())
    };
    assert_eq!(json!([call(1), call(2)]), json!([[0, 0, 97_920, 97_920], [0, 97_920, -97_920, 0]]));
    let gas = server.ask(&format!("{path}/gas"));
    let of =
        |name: &str| gas["primary"].as_array().unwrap().iter().find(|row| row["opName"] == name).unwrap();
    assert_eq!((&of("SSTORE")["stateGas"], &of("GAS")["stateGas"]), (&json!(97_920), &json!(0)));
    let path = server.session(&json!({ "source": source("Osaka") }));
    for part in ["", "/steps?from=0&limit=50", "/calls?side=primary", "/gas", "/steps/9/state?when=after"] {
        let text = server.ask(&format!("{path}{part}")).to_string();
        for word in ["eservoir", "tateGas", "executionGas"] {
            assert!(!text.contains(word), "{word} in {part}: {text}");
        }
    }
}

#[test]
fn a_program_gets_its_calldata_value_gas_fork_and_state() {
    let server = Running::new(Config::default());
    // Stores calldata, value and the balance of 0xaa, under the rules of London.
    let body = json!({
        "source": {
            "kind": "code", "format": "assembly", "fork": "london", "gas": 200_000, "calldata": "0x2a", "value": "0x7",
            "code": "PUSH 0 CALLDATALOAD PUSH 0 SSTORE CALLVALUE PUSH 1 SSTORE PUSH 0xaa BALANCE PUSH 2 SSTORE",
            "prestate": {
                "0x00000000000000000000000000000000000000aa": {"balance": "0x99", "nonce": 1},
                "0x000000000000000000000000000000000000c0de": {"storage": {"0x01": "0x05"}},
            },
        },
    });
    let path = server.session(&body);
    let session = server.ask(&path);
    assert_eq!(
        (&session["verdict"]["kind"], &session["source"]["fork"]),
        (&json!("agree"), &json!("London"))
    );
    let last = session["totalSteps"].as_u64().unwrap() - 1;
    let state = server.ask(&format!("{path}/steps/{last}/state"));
    let slots = state["mini"]["storage"].as_array().unwrap();
    let values: Vec<_> = slots
        .iter()
        .map(|slot| (slot["value"].as_str().unwrap(), slot["original"].as_str().unwrap()))
        .collect();
    assert_eq!(values, [(&*format!("0x2a{}", "00".repeat(31)), "0x0"), ("0x7", "0x5"), ("0x99", "0x0")]);
    let poor = server.session(&json!({"source": {"kind": "code", "code": "0x00", "gas": 20_000}}));
    let outcome = &server.ask(&poor)["outcomes"][0];
    assert_eq!(outcome["status"], "rejected");
    assert!(outcome["rejected"].as_str().unwrap().contains("gas"), "{outcome}");
}

fn line(pc: u64, op: u64, gas: u64, stack: &[&str]) -> String {
    let row = json!({
        "pc": pc, "op": op, "gas": format!("{gas:#x}"), "gasCost": "0x3", "memSize": 0, "stack": stack, "depth": 1,
        "returnData": "0x", "refund": 0, "opName": "X",
    });
    format!("{row}\n")
}

#[track_caller]
fn check_traces(left: &str, right: &str, kind: &str, step: Option<u64>, field: Option<&str>) {
    let server = Running::new(Config::default());
    let side = |text: &str| json!({ "text": text });
    let path =
        server.session(&json!({"source": {"kind": "traces", "left": side(left), "right": side(right)}}));
    let session = server.ask(&path);
    let verdict = &session["verdict"];
    assert_eq!(verdict["kind"], kind, "{session}");
    assert_eq!(verdict["divergence"]["stepIndex"].as_u64(), step, "{session}");
    assert_eq!(verdict["divergence"]["mismatch"]["field"].as_str(), field, "{session}");
    if let Some(step) = step {
        let found = server.command(&path, "run", &json!({"until": "end"}));
        assert_eq!((&found["stop"], &found["stepIndex"]), (&json!("divergence"), &json!(step)));
        assert!(server.ask(&format!("{path}/steps/{step}/state"))["primary"].is_object());
    }
}

#[test]
fn traces_are_compared_in_what_both_say() {
    let lines = [
        line(0, 0x60, 100, &[]),
        line(2, 0x60, 97, &["0x1"]),
        line(4, 0x01, 94, &["0x1", "0x2"]),
        line(5, 0x00, 91, &["0x3"]),
    ];
    let whole = lines.concat();
    check_traces(&whole, &whole, "agree", None, None);
    // The sum is wrong: that is the ADD's doing.
    check_traces(&whole, &whole.replace("0x3\"]", "0x4\"]"), "diverge", Some(2), Some("stack"));
    check_traces(&whole, &whole.replace("0x5e\"", "0x5d\""), "diverge", Some(1), Some("gas"));
    check_traces(&whole, &lines[..3].concat(), "diverge", Some(3), Some("length"));
    // No client's depth is 0, but a wrong one's may be.
    let shallow = [&lines[..3].concat(), &*lines[3].replace("\"depth\":1", "\"depth\":0")].concat();
    check_traces(&whole, &shallow, "diverge", Some(3), Some("depth"));
    let silent = whole.replace(",\"stack\":[\"0x3\"]", "");
    // The others of its lines have one.
    check_traces(&whole, &silent, "diverge", Some(3), Some("stack"));
    let none = lines.concat().replace(",\"stack\":[\"0x3\"]", "").replace(",\"stack\":[\"0x1\",\"0x2\"]", "");
    let none = none.replace(",\"stack\":[\"0x1\"]", "").replace(",\"stack\":[]", "");
    check_traces(&whole, &none, "agree", None, None);
    // Two ends without a step are no agreement of steps.
    let end = "{\"output\":\"\",\"gasUsed\":\"0x5208\"}\n";
    check_traces(end, end, "not_compared", None, None);
}

#[test]
fn a_malformed_trace_is_its_givers_fault() {
    let server = Running::new(Config::default());
    let good = line(0, 0x60, 100, &[]);
    let broken = format!("{good}{}", line(2, 0x60, 97, &["0xzz"]));
    let source = json!({"kind": "traces", "left": {"text": good}, "right": {"text": broken}});
    let path = server.session(&json!({ "source": source }));
    assert_eq!(server.ask(&path)["status"], "failed");
    let answer = server.get(&format!("{path}/steps"));
    assert_eq!((answer.status, answer.code().as_str()), (422, "bad_source"), "{}", answer.json());
}

#[test]
fn a_recorded_trace_file_opens_beside_another() {
    // What a session exports is not a trace; what the command line writes is. Here the reader's own format is enough.
    let folder = std::env::temp_dir().join(format!("parallax-devtool-{}-traces", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let text: String = (0..300).map(|n| line(n, 0x5b, 1000 - n, &[])).collect();
    fs::write(folder.join("a.jsonl"), &text).unwrap();
    fs::write(folder.join("b.jsonl"), text.replace("\"pc\":250,", "\"pc\":251,")).unwrap();
    let server = Running::with_folder(&folder);
    let kinds: Vec<Value> = server.ask("/api/v1/tests?kind=trace")["files"].as_array().unwrap().clone();
    assert_eq!(kinds.len(), 2);
    let body = json!({"source": {"kind": "traces", "left": {"path": "a.jsonl"}, "right": {"path": "b.jsonl", "client": "eip3155"}}});
    let session = server.ask(&server.session(&body));
    assert_eq!(session["engines"][1], "eip3155");
    assert_eq!(session["verdict"]["divergence"]["stepIndex"], 250, "{session}");
    fs::remove_dir_all(&folder).unwrap();
    let off = json!({"source": body["source"], "mode": "off"});
    assert_eq!(server.post("/api/v1/sessions", &off).status, 400);
    assert_eq!(server.post("/api/v1/sessions", &program("0x", &["mini"])).status, 400);
}
