//! A million steps.

use parallax_mini_interpreter::{Fault, FaultPlan};
use parallax_primitives::Opcode;
use serde_json::json;

use crate::client::Running;

/// Counts up for ever, and keeps the count in memory: eight steps a turn.
const COUNTER: &str = "PUSH0 loop: PUSH 1 ADD DUP1 PUSH 0 MSTORE PUSH @loop JUMP";

#[test]
fn a_fault_at_step_100_000_of_1_000_000_is_found_and_shown_to_the_byte() {
    let server = Running::faulty(FaultPlan::new(Fault::FlipResult(3), Opcode::ADD).from_step(100_000));
    let body = json!({
        "source": {"kind": "code", "format": "assembly", "code": COUNTER, "gas": 100_000_000, "fork": "Prague"},
        "engines": ["primary", "faulty"],
        "limits": {"steps": 1_000_000},
    });
    let path = server.session(&body);
    let session = server.ask(&path);
    assert_eq!(session["totalSteps"], 1_000_000);
    let found = server.command(&path, "run", &json!({"until": "end"}));
    let step = found["stepIndex"].as_u64().unwrap();
    assert!((100_000..100_008).contains(&step), "{found}");
    assert_eq!((&found["primary"]["opName"], &found["stop"]), (&json!("ADD"), &json!("divergence")));

    // The first step is a PUSH0; every turn has eight, of which the ADD is the third.
    let turn = (step - 1) / 8 + 1;
    let sum = |side: &str, when: &str| {
        let state = server.ask(&format!("{path}/steps/{step}/state?when={when}"));
        state[side]["stack"].as_array().unwrap().clone()
    };
    assert_eq!(sum("primary", "before"), [json!(format!("{:#x}", turn - 1)), json!("0x1")]);
    assert_eq!(sum("mini", "before"), sum("primary", "before"));
    assert_eq!(sum("primary", "after"), [json!(format!("{turn:#x}"))]);
    assert_eq!(sum("mini", "after"), [json!(format!("{:#x}", turn ^ 8))]);
    // Four steps on, each has its own sum in memory.
    let later = server.ask(&format!("{path}/steps/{}/state", step + 4));
    for (side, value) in [("primary", turn), ("mini", turn ^ 8)] {
        assert_eq!(later[side]["memory"]["data"], format!("0x{value:064x}"), "{side}");
    }
    assert_eq!(later["differences"]["fields"], json!(["stack", "memory"]));
    let byte = later["differences"]["memory"][0].as_array().unwrap();
    assert_eq!(byte, &[json!(31), json!(32)]);

    let timeline = server.ask(&format!("{path}/timeline?buckets=1000"));
    let size = timeline["bucketSize"].as_u64().unwrap();
    let marks: Vec<u64> =
        timeline["mismatches"].as_array().unwrap().iter().map(|mark| mark.as_u64().unwrap()).collect();
    let first = usize::try_from(step / size).unwrap();
    assert!(marks[..first].iter().all(|mark| *mark == 0) && marks[first] > 0 && marks[first + 1] == size);
    assert_eq!(timeline["divergences"][0], step);
    assert_eq!(timeline["primary"]["depthMax"].as_array().unwrap().len(), marks.len());
    // Of the records: other tests run in this process. `cargo xtask ui --bench` measures a server of its own.
    let taken = session["progress"]["bytes"].as_u64().unwrap();
    assert!((1 << 20..200 << 20).contains(&taken), "{taken} bytes");
}
