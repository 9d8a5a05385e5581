//! The cursor: stepping, running, breakpoints, divergences, and what each step says.

use parallax_assembly::assemble;
use parallax_campaign::engines::mini;
use parallax_engine_interface::{Engine, Job, Progress};
use parallax_hooks::NoHooks;
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_mini_interpreter::{Fault, FaultPlan};
use parallax_primitives::{Address, BlockEnv, Bytecode, Fork, Opcode, Rules, Transaction, U256, address};
use parallax_run_control::{Breakpoints, Condition, step_into};
use serde_json::{Value, json};

use crate::client::{Running, assembly, program};

/// A counter from 3 down to 0, in a loop; 21 steps.
const LOOP: &str = "PUSH 3 loop: PUSH 1 SWAP1 SUB DUP1 PUSH @loop JUMPI STOP";
/// Calls the account 0xca, which stores 5, and then returns 7 from memory.
const CALLS: &str = "PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0xca PUSH 50000 CALL POP PUSH 7 PUSH 0 MSTORE PUSH 32 PUSH 0 RETURN";

fn with_callee(mut body: Value) -> Value {
    let code = "0x60056001555f5ffd";
    body["source"]["prestate"] = json!({ "0x00000000000000000000000000000000000000ca": { "code": code } });
    body
}

#[track_caller]
fn check(cursor: &Value, step: u64, stop: &str) {
    assert_eq!((cursor["stepIndex"].as_u64(), cursor["stop"].as_str()), (Some(step), Some(stop)), "{cursor}");
}

#[test]
fn sound_programs_have_no_mismatch_in_either_mode() {
    let server = Running::new(parallax_devtool::Config::default());
    for mode in ["per_call", "per_step"] {
        for engines in [["primary", "mini"], ["mini", "primary"], ["primary", "revm"], ["revm", "mini"]] {
            for code in [LOOP, CALLS, "INVALID", "PUSH 1 JUMP", "ADD"] {
                let mut body = with_callee(assembly(code, &engines));
                body["mode"] = json!(mode);
                let path = server.session(&body);
                let session = server.ask(&path);
                assert_eq!(session["verdict"]["kind"], "agree", "{mode} {engines:?} {code}: {session}");
                let steps = server.ask(&format!("{path}/steps?limit=1000"));
                let rows = steps["steps"].as_array().unwrap();
                assert_eq!(rows.len() as u64, session["totalSteps"].as_u64().unwrap());
                assert!(rows.iter().all(|row| row["mismatch"].is_null() && row["primary"].is_object()));
                let end = server.command(&path, "run", &json!({"until": "divergence"}));
                check(&end, rows.len() as u64, "end");
                assert_eq!(server.send("DELETE", &path, "", "").status, 204);
            }
        }
    }
}

#[test]
fn an_injected_fault_is_found_where_it_was_made() {
    for (fault, opcode, code, field, step) in [
        (Fault::FlipResult(0), Opcode::SUB, LOOP, "stackTop", 4),
        (Fault::GasMore, Opcode::DUP1, LOOP, "gasCost", 5),
        (Fault::WriteOff, Opcode::MSTORE, CALLS, "memory", 17),
        (Fault::SkipStorageWrite, Opcode::SSTORE, "PUSH 5 PUSH 1 SSTORE PUSH 1 SLOAD", "storage", 2),
        (Fault::DropLog, Opcode::LOG0, "PUSH 0 PUSH 0 LOG0", "log", 2),
    ] {
        let server = Running::faulty(FaultPlan::new(fault, opcode));
        let path = server.session(&with_callee(assembly(code, &["primary", "faulty"])));
        let session = server.ask(&path);
        let divergence = &session["verdict"]["divergence"];
        assert_eq!(session["verdict"]["kind"], "diverge", "{fault:?}: {session}");
        let found = server.command(&path, "run", &json!({"until": "end"}));
        assert_eq!(found["stop"], "divergence", "{fault:?}");
        assert_eq!(found["stepIndex"], divergence["stepIndex"], "{fault:?}");
        assert_eq!(found["mismatch"], divergence["mismatch"], "{fault:?}");
        let said = found["mismatch"]["field"].as_str().unwrap();
        assert!(field.starts_with(said) || said == field, "{fault:?}: {said}");
        // A slot that was not written shows where it is read, or after the run.
        if fault != Fault::SkipStorageWrite {
            assert_eq!(found["stepIndex"], step, "{fault:?}: {found}");
        }
    }
}

#[test]
fn per_call_finds_the_message_and_the_state_after() {
    let server = Running::faulty(FaultPlan::new(Fault::FlipResult(0), Opcode::SUB));
    let mut body = assembly("PUSH 1 PUSH 3 SUB PUSH 0 SSTORE", &["mini", "faulty"]);
    body["mode"] = json!("per_call");
    let path = server.session(&body);
    let session = server.ask(&path);
    assert_eq!(session["verdict"]["divergence"]["stepIndex"], Value::Null, "{session}");
    assert_eq!(session["verdict"]["divergence"]["mismatch"]["field"], "storage");
    // It belongs to no step: the cursor stops for it at the end.
    let total = session["totalSteps"].as_u64().unwrap();
    let end = server.command(&path, "run", &json!({"until": "end"}));
    check(&end, total, "divergence");
    assert_eq!(end["mismatch"]["field"], "storage");
    check(&server.command(&path, "continue", &json!({})), total, "end");
}

#[test]
fn after_a_divergence_the_same_step_comes_back_until_the_user_goes_on() {
    let server = Running::faulty(FaultPlan::new(Fault::FlipResult(0), Opcode::SUB));
    let path = server.session(&assembly(LOOP, &["primary", "faulty"]));
    let first = server.command(&path, "run", &json!({"until": "breakpoint"}));
    check(&first, 4, "divergence");
    assert_eq!(first["acknowledged"], false);
    for (command, body) in [
        ("step", json!({"kind": "into"})),
        ("step", json!({"kind": "over", "count": 3})),
        ("step", json!({"kind": "out"})),
        ("run", json!({"until": "end"})),
    ] {
        let again = server.command(&path, command, &body);
        check(&again, 4, "blocked");
        assert_eq!(again["mismatch"], first["mismatch"]);
    }
    let on = server.command(&path, "continue", &json!({"until": "step"}));
    check(&on, 5, "moved");
    check(&server.command(&path, "step", &json!({"kind": "back"})), 4, "moved");
    let here = server.ask(&format!("{path}/cursor"));
    assert_eq!((&here["acknowledged"], &here["mismatch"]), (&json!(true), &first["mismatch"]));
    // 3 is 2 on the right: one turn of the loop less.
    let next = server.command(&path, "continue", &json!({}));
    assert_eq!(next["stop"], "divergence", "{next}");
    assert!(next["stepIndex"].as_u64().unwrap() > 4);
}

#[test]
fn single_engine_steps_go_into_over_out_and_back() {
    let server = Running::new(parallax_devtool::Config::default());
    let mut body = with_callee(assembly(CALLS, &["mini"]));
    body["mode"] = json!("off");
    let path = server.session(&body);
    let step = |kind: &str| server.command(&path, "step", &json!({ "kind": kind }));
    check(&server.command(&path, "step", &json!({"kind": "into", "count": 7})), 7, "moved");
    let call = server.ask(&format!("{path}/cursor"));
    assert_eq!((&call["primary"]["opName"], &call["mini"]), (&json!("CALL"), &Value::Null));
    let inside = step("into");
    check(&inside, 8, "moved");
    assert_eq!(inside["primary"]["depth"], 1);
    check(&step("back"), 7, "moved");
    // The callee has six steps.
    check(&step("over"), 14, "moved");
    check(&server.command(&path, "goto", &json!({"stepIndex": 10})), 10, "moved");
    check(&step("out"), 14, "moved");
    assert_eq!(server.ask(&format!("{path}/cursor"))["primary"]["depth"], 0);
    let total = server.ask(&path)["totalSteps"].as_u64().unwrap();
    check(&step("out"), total, "end");
    check(&step("into"), total, "end");
    check(&server.command(&path, "run", &json!({"until": "start"})), 0, "start");
    check(&step("back"), 0, "start");
}

/// The steps at which a run with this breakpoint stops, one after the other.
fn stops(server: &Running, path: &str, breakpoint: &Value) -> Vec<u64> {
    let body = json!({ "breakpoints": [breakpoint] }).to_string();
    server.send("PUT", &format!("{path}/breakpoints"), "Content-Type: application/json\r\n", &body);
    // A run begins behind the step where it stands, so step 0 is never among them.
    server.command(path, "goto", &json!({"stepIndex": 0}));
    let mut stops = Vec::new();
    loop {
        let cursor = server.command(path, "run", &json!({"until": "breakpoint"}));
        if cursor["stop"] == "end" {
            return stops;
        }
        assert_eq!(cursor["stop"], "breakpoint", "{cursor}");
        stops.push(cursor["stepIndex"].as_u64().unwrap());
    }
}

/// The same of a live run, as `run-control` has it. That also stops at messages, which a record of steps has no place for: at a halt
/// it is the step behind.
fn live_stops(job: &Job<'_>, condition: &Condition) -> Vec<u64> {
    let mut stepper = mini().start(job).unwrap().unwrap();
    let mut stops = Vec::new();
    loop {
        let mut breakpoints = Breakpoints::new(vec![condition.clone()]);
        if stepper.run(&mut breakpoints).unwrap() != Progress::Paused {
            return stops;
        }
        if stepper.message().is_some() {
            if !matches!(condition, Condition::Halt(_)) {
                continue;
            }
            step_into(&mut *stepper, &mut NoHooks).unwrap();
        }
        stops.extend(stepper.view().map(|step| step.index).filter(|step| *step > 0));
    }
}

#[test]
fn breakpoints_mean_what_they_mean_in_a_live_run() {
    let (callee, other) = (address!("00000000000000000000000000000000000000ca"), Address::ZERO);
    let slot = U256::from(1);
    let write = |address| Condition::StorageWrite { address, key: slot };
    let text = |address: Address| format!("{address:#x}");
    let rows = [
        (Condition::Pc(2), json!({"kind": "pc", "pc": 2})),
        (Condition::Opcode(Opcode::PUSH1), json!({"kind": "opcode", "opcode": "PUSH1"})),
        (Condition::Depth(0), json!({"kind": "depth", "depth": 0})),
        (Condition::Depth(1), json!({"kind": "depth", "depth": 1})),
        (Condition::Depth(2), json!({"kind": "depth", "depth": 2})),
        (Condition::Address(callee), json!({"kind": "address", "address": text(callee)})),
        (Condition::Address(other), json!({"kind": "address", "address": text(other)})),
        (write(None), json!({"kind": "storage", "key": "0x1"})),
        (write(Some(callee)), json!({"kind": "storage", "key": "0x1", "address": text(callee)})),
        (write(Some(other)), json!({"kind": "storage", "key": "0x1", "address": text(other)})),
        (Condition::GasBelow(50_000), json!({"kind": "gas", "below": 50_000})),
        (Condition::Step(12), json!({"kind": "step", "step": 12})),
    ];
    // The callee calls on, so that there are three depths, and writes on its way.
    let code =
        assemble("PUSH 5 PUSH 1 SSTORE PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0xcb PUSH 5000 CALL").unwrap();
    let database = {
        let mut database = MemoryDatabase::default();
        let mut put = |address, code| {
            database.accounts.entry(address).or_insert_with(Account::default).code = Bytecode::new(code);
        };
        put(callee, code.clone());
        put(address!("00000000000000000000000000000000000000cb"), assemble("PUSH 1 PUSH 2 ADD").unwrap());
        put(address!("000000000000000000000000000000000000c0de"), assemble(CALLS).unwrap());
        database
    };
    let transaction = Transaction {
        sender: address!("000000000000000000000000000000000000ca11"),
        to: Some(address!("000000000000000000000000000000000000c0de")),
        gas_limit: 10_000_000,
        ..Transaction::default()
    };
    let block =
        BlockEnv { number: 1, timestamp: 1, blobs: Rules::of(Fork::LATEST).blobs(), ..BlockEnv::default() };
    let job = Job {
        rules: Fork::LATEST.into(),
        chain_id: 1,
        block: &block,
        subject: (&transaction).into(),
        database: &database,
    };
    let server = Running::new(parallax_devtool::Config::default());
    let mut body = assembly(CALLS, &["mini"]);
    body["mode"] = json!("off");
    body["source"]["prestate"] = json!({ text(callee): {"code": code.to_string()}, "0x00000000000000000000000000000000000000cb": {"code": "0x6001600201"} });
    let path = server.session(&body);
    for (condition, breakpoint) in rows {
        assert_eq!(stops(&server, &path, &breakpoint), live_stops(&job, &condition), "{breakpoint}");
    }
}

#[test]
fn steps_stop_at_breakpoints_on_their_way() {
    let server = Running::new(parallax_devtool::Config::default());
    let mut body = with_callee(assembly(CALLS, &["primary", "mini"]));
    body["breakpoints"] =
        json!([{"kind": "opcode", "opcode": "SSTORE"}, {"kind": "opcode", "opcode": "POP"}]);
    let path = server.session(&body);
    let step = |kind: &str, count: u64| server.command(&path, "step", &json!({"kind": kind, "count": count}));
    check(&step("into", 7), 7, "moved");
    // The callee's SSTORE; then its end, which is where the step was to go anyway.
    check(&step("over", 1), 10, "breakpoint");
    check(&step("out", 1), 14, "moved");
    server.command(&path, "goto", &json!({"stepIndex": 0}));
    let far = step("into", 1_000_000);
    check(&far, 10, "breakpoint");
    assert_eq!(far["breakpoint"], 0);
}

#[test]
fn what_revm_does_not_know_of_a_failing_opcode_is_no_mark() {
    let server = Running::new(parallax_devtool::Config::default());
    // The callee has gas for its two PUSHes and not for the SSTORE; the limit leaves the comparison without an answer, so that the
    // records are compared.
    let code = "loop: PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0xca PUSH 3000 CALL POP PUSH @loop JUMP";
    let mut body = with_callee(assembly(code, &["primary", "revm"]));
    body["limits"] = json!({"steps": 3000});
    let path = server.session(&body);
    let session = server.ask(&path);
    assert_eq!((&session["verdict"]["kind"], &session["stoppedBy"]), (&json!("poisoned"), &json!("steps")));
    let failing =
        server.ask(&format!("{path}/search?kind=opcode&q=SSTORE&limit=1"))["matches"][0]["stepIndex"]
            .as_u64();
    let row = server.ask(&format!("{path}/steps/{}", failing.unwrap()));
    assert_ne!(row["primary"]["gasCost"], row["mini"]["gasCost"], "{row}");
    assert_eq!((&row["primary"]["halt"], &row["mismatch"]), (&json!("OutOfGas"), &Value::Null));
    assert_eq!(server.ask(&format!("{path}/divergences"))["divergences"], json!([]));
}

#[test]
fn breakpoints_stop_in_both_directions() {
    let server = Running::new(parallax_devtool::Config::default());
    let path = server.session(&with_callee(assembly(CALLS, &["primary", "mini"])));
    let callee = "0x00000000000000000000000000000000000000ca";
    for (breakpoint, step) in [
        (json!({"kind": "pc", "pc": 2, "address": callee}), 9),
        (json!({"kind": "opcode", "opcode": "mstore"}), 17),
        (json!({"kind": "opcode", "opcode": "0x52"}), 17),
        (json!({"kind": "depth", "depth": 1}), 8),
        (json!({"kind": "address", "address": callee}), 8),
        (json!({"kind": "storage", "key": "0x1"}), 10),
        (json!({"kind": "storage", "key": "0x1", "address": callee}), 10),
        (json!({"kind": "gas", "below": 50000}), 9),
        (json!({"kind": "step", "step": 12}), 12),
    ] {
        let put = |list: &Value| {
            let body = json!({ "breakpoints": list }).to_string();
            server.send("PUT", &format!("{path}/breakpoints"), "Content-Type: application/json\r\n", &body)
        };
        assert_eq!(put(&json!([breakpoint])).status, 200, "{breakpoint}");
        assert_eq!(server.ask(&format!("{path}/breakpoints"))["breakpoints"], json!([breakpoint]));
        server.command(&path, "goto", &json!({"stepIndex": 0}));
        let hit = server.command(&path, "run", &json!({"until": "breakpoint"}));
        check(&hit, step, "breakpoint");
        assert_eq!(hit["breakpoint"], 0);
        server.command(&path, "goto", &json!({"stepIndex": 1000}));
        let back = server.command(&path, "run", &json!({"until": "breakpoint", "backwards": true}));
        assert_eq!(back["stop"], "breakpoint");
        assert!(back["stepIndex"].as_u64().unwrap() >= step);
    }
    let halts = server.session(&program("0x5b5bfe", &["primary", "mini"]));
    let body = json!({ "breakpoints": [{"kind": "halt", "halt": "InvalidOpcode"}] }).to_string();
    server.send("PUT", &format!("{halts}/breakpoints"), "Content-Type: application/json\r\n", &body);
    check(&server.command(&halts, "run", &json!({"until": "breakpoint"})), 2, "breakpoint");
}

#[test]
fn states_calls_gas_code_and_search_say_what_ran() {
    let server = Running::new(parallax_devtool::Config::default());
    let path = server.session(&with_callee(assembly(CALLS, &["primary", "mini"])));
    // In the callee, after its SSTORE, which its REVERT undoes.
    let state = server.ask(&format!("{path}/steps/10/state?when=after"));
    for side in ["primary", "mini"] {
        let slots = state[side]["storage"].as_array().unwrap();
        assert_eq!((slots.len(), &slots[0]["key"], &slots[0]["value"]), (1, &json!("0x1"), &json!("0x5")));
        assert_eq!(state[side]["depth"], 1);
    }
    assert_eq!(state["differences"]["fields"], json!([]));
    let before = server.ask(&format!("{path}/steps/10/state"));
    assert_eq!(before["primary"]["storage"], json!([]));
    assert_eq!(before["primary"]["stack"], json!(["0x5", "0x1"]));
    let after_all = server.ask(&format!("{path}/steps/18/state?memoryOffset=31&memoryLength=1"));
    assert_eq!(after_all["primary"]["memory"], json!({"offset": 31, "data": "0x07", "size": 32}));

    let calls = server.ask(&format!("{path}/calls?side=mini"));
    let (outer, inner) = (&calls["calls"][0], &calls["calls"][1]);
    assert_eq!(
        (&calls["total"], &inner["parent"], &inner["status"]),
        (&json!(2), &json!(0), &json!("revert"))
    );
    assert_eq!(
        (&inner["firstStep"], &inner["endStep"], &outer["firstStep"]),
        (&json!(8), &json!(14), &json!(0))
    );

    let gas = server.ask(&format!("{path}/gas"));
    assert_eq!(gas["primary"], gas["mini"]);
    let sstore = gas["mini"].as_array().unwrap().iter().find(|row| row["opName"] == "SSTORE").unwrap();
    assert_eq!((&sstore["count"], &sstore["gas"]), (&json!(1), &json!(22_100)));

    let code = server.ask(&format!("{path}/code?call=1"));
    let names: Vec<_> =
        code["instructions"].as_array().unwrap().iter().map(|row| row["opName"].clone()).collect();
    assert_eq!(names, ["PUSH1", "PUSH1", "SSTORE", "PUSH0", "PUSH0", "REVERT"]);
    assert_eq!((&code["size"], &code["blocks"]), (&json!(8), &json!([[0, 8]])));

    let find = |query: &str| {
        let found = server.ask(&format!("{path}/search?{query}"));
        found["matches"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| hit["stepIndex"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(find("kind=opcode&q=SSTORE"), [10]);
    assert_eq!(find("kind=value&q=7&side=mini"), [15, 17]);
    assert_eq!(find("kind=opcode&q=PUSH0&backwards=true&limit=1"), [20 - 1]);
    assert_eq!(find("kind=pc&q=0x0"), [0, 8]);
    let page = server.ask(&format!("{path}/search?kind=opcode&q=PUSH0&limit=2"));
    assert_eq!((page["matches"].as_array().unwrap().len(), &page["next"]), (2, &json!(2)));
}

#[test]
fn listeners_hear_of_all_that_changes() {
    let server = Running::new(parallax_devtool::Config::default());
    let path = server.session(&assembly(LOOP, &["primary", "mini"]));
    let mut socket = server.listen(&path);
    assert_eq!(socket.receive().unwrap()["session"]["status"], "done");
    socket.send("{\"type\":\"ping\"}");
    assert_eq!(socket.receive().unwrap(), json!({"type": "pong"}));
    server.command(&path, "goto", &json!({"stepIndex": 3}));
    assert_eq!(socket.receive_kind("cursor")["cursor"]["stepIndex"], 3);
    assert_eq!(server.send("DELETE", &path, "", "").status, 204);
    assert_eq!(socket.receive(), Some(json!({"type": "closed", "reason": "deleted"})));
    assert_eq!(socket.receive(), None);
    assert_eq!(server.get(&path).status, 404);
}

#[test]
fn a_run_can_be_held_looked_at_and_ended() {
    let server = Running::new(parallax_devtool::Config::default());
    let mut body = assembly("loop: PUSH 0x10000 PUSH 0 KECCAK256 POP PUSH @loop JUMP", &["primary", "mini"]);
    // Osaka has a cap on gas (EIP-7825).
    body["source"]["fork"] = json!("Prague");
    body["source"]["gas"] = json!(1_000_000_000_000_000_u64);
    body["limits"] = json!({"steps": 20_000_000, "seconds": 600});
    body["mode"] = json!("per_call");
    let path = server.post("/api/v1/sessions", &body).header("location").unwrap().to_owned();
    let is_recording = |session: &Value| session["progress"]["steps"][0].as_u64() > Some(0);
    server.wait(&path, is_recording);
    assert_eq!(server.get(&format!("{path}/steps")).code(), "not_ready");
    assert_eq!(server.post(&format!("{path}/pause"), &json!({})).json()["status"], "paused");
    server.wait(&path, |_| server.ask(&format!("{path}/steps"))["total"].as_u64() > Some(0));
    let held = server.ask(&format!("{path}/steps/3"));
    assert_eq!(held["mismatch"], Value::Null);
    assert_eq!(server.post(&format!("{path}/resume"), &json!({})).json()["status"], "running");
    server.post(&format!("{path}/cancel"), &json!({}));
    let session = server.wait(&path, |session| session["status"] == "done");
    assert_eq!(
        (&session["stoppedBy"], &session["verdict"]["kind"]),
        (&json!("cancelled"), &json!("poisoned"))
    );
    assert!(session["totalSteps"].as_u64() > Some(0));
}
