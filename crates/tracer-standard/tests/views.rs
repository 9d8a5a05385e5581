//! What users read off a trace: struct logs, the call tree, opcode counts, bounds that are met.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod programs;

use parallax_primitives::{Fork, MessageKind, Opcode, U256, hex};
use parallax_tracer_core::Traced;
use parallax_tracer_standard::{Recorder, StructLogOptions, Trace, TracerConfig};
use programs::{Program, TARGET};

/// Stores 7 at slot 1, loads it, logs 40 bytes with one topic, hashes 32 bytes by precompile 2, and returns 33 bytes.
const EVERYTHING: &str = concat!(
    "6007600155",                   // SSTORE
    "60015450",                     // SLOAD POP
    "60aa602860 00a1",              // LOG1
    "6020600060206000600260fffa50", // STATICCALL POP
    "60216000f3",                   // RETURN
);

#[track_caller]
fn record(code: &str, config: TracerConfig) -> Trace {
    record_under(Fork::Cancun, code, config)
}

#[track_caller]
fn record_under(fork: Fork, code: &str, config: TracerConfig) -> Trace {
    let program = Program {
        fork,
        code: hex::decode(code.replace(' ', "")).unwrap().into(),
        input: Default::default(),
        storage: Default::default(),
        gas: if fork < Fork::Amsterdam { 100_000 } else { 200_000 },
    };
    let mut recorder = Recorder::new(config);
    program.run(&mut Traced(&mut recorder)).unwrap();
    recorder.into_trace()
}

fn json(trace: &Trace, options: StructLogOptions) -> serde_json::Value {
    let mut out = Vec::new();
    trace.write_struct_logs(&mut out, options).unwrap();
    serde_json::from_slice(&out).unwrap()
}

/// The row of the struct logs with this opcode.
fn row<'a>(document: &'a serde_json::Value, op: &str) -> &'a serde_json::Value {
    document["structLogs"].as_array().unwrap().iter().find(|row| row["op"] == op).unwrap()
}

#[test]
fn struct_logs_as_json() {
    let trace = record("60016002015050", TracerConfig::full());
    let mut out = Vec::new();
    trace.write_struct_logs(&mut out, StructLogOptions { limit: 3, ..Default::default() }).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        concat!(
            r#"{"gas":100000,"failed":true,"returnValue":"0x","structLogs":["#,
            r#"{"pc":0,"op":"PUSH1","gas":100000,"gasCost":3,"depth":1,"stack":[]},"#,
            r#"{"pc":2,"op":"PUSH1","gas":99997,"gasCost":3,"depth":1,"stack":["0x1"]},"#,
            r#"{"pc":4,"op":"ADD","gas":99994,"gasCost":3,"depth":1,"stack":["0x1","0x2"]}"#,
            r#"],"stepsDropped":2}"#,
        )
    );
    let failing = json(&trace, StructLogOptions::default())["structLogs"][4].clone();
    assert_eq!(failing["error"], "stack underflow (0 <=> 1)");
}

/// A slot is set, and set back (EIP-8037): what came out of execution gas goes there again.
const SET_AND_BACK: &str = "60015f55 5f5f55 00";

#[test]
fn struct_logs_of_two_gases() {
    let trace = record_under(Fork::Amsterdam, SET_AND_BACK, TracerConfig::full());
    let mut out = Vec::new();
    let options = StructLogOptions { disable_stack: true, disable_storage: true, ..Default::default() };
    trace.write_struct_logs(&mut out, options).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap().replace("\"depth\":1,", ""),
        concat!(
            r#"{"gas":12209,"regularGasUsed":12209,"stateGasUsed":0,"failed":false,"returnValue":"0x","structLogs":["#,
            r#"{"pc":0,"op":"PUSH1","gas":200000,"gasCost":3,"stateGasCost":0,"stateGasReservoir":0,"depth":1},"#,
            r#"{"pc":2,"op":"PUSH0","gas":199997,"gasCost":2,"stateGasCost":0,"stateGasReservoir":0,"depth":1},"#,
            r#"{"pc":3,"op":"SSTORE","gas":199995,"gasCost":12100,"stateGasCost":97920,"stateGasReservoir":0,"depth":1},"#,
            r#"{"pc":4,"op":"PUSH0","gas":89975,"gasCost":2,"stateGasCost":0,"stateGasReservoir":0,"depth":1},"#,
            r#"{"pc":5,"op":"PUSH0","gas":89973,"gasCost":2,"stateGasCost":0,"stateGasReservoir":0,"depth":1},"#,
            r#"{"pc":6,"op":"SSTORE","gas":89971,"gasCost":100,"stateGasCost":-97920,"stateGasReservoir":0,"refund":10000},"#,
            r#"{"pc":7,"op":"STOP","gas":187791,"gasCost":0,"stateGasCost":0,"stateGasReservoir":0,"refund":10000}"#,
            r#"]}"#,
        )
    );
}

#[test]
fn below_amsterdam_there_is_one_gas() {
    let trace = record_under(Fork::Osaka, SET_AND_BACK, TracerConfig::full());
    assert!(
        !trace.has_state_gas() && record_under(Fork::Amsterdam, "00", TracerConfig::full()).has_state_gas()
    );
    let mut text = json(&trace, StructLogOptions::default()).to_string();
    let mut tree = Vec::new();
    trace.write_call_tree(&mut tree).unwrap();
    text += &String::from_utf8(tree).unwrap();
    for word in ["stateGas", "reservoir", "Reservoir", "regularGas"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
    assert_eq!(trace.step_info(2).unwrap().state_gas_before, None);
    assert_eq!(trace.step_result(2).unwrap().state_gas_after, None);
}

#[test]
fn frames_and_opcodes_of_two_gases() {
    // It calls itself with all gas, and where it is called, sets a slot; behind that the outer one sets another.
    let code = "33 30 14 6015 57  5f5f5f5f5f 30 5a f1 50 6001600755 00  5b 6001600855 00";
    let trace = record_under(Fork::Amsterdam, code, TracerConfig::full());
    let [outer, inner] = trace.calls() else { panic!("{:?}", trace.calls()) };
    // Of the outer frame's 200,000 the second slot is the one that cannot be paid for.
    assert_eq!((inner.state_gas_used(), outer.state_gas_used()), (Some(97_920), Some(0)));
    let counts = trace.opcode_counts();
    let of = |opcode| counts.iter().find(|count| count.opcode == opcode).unwrap();
    assert_eq!((of(Opcode::SSTORE).count, of(Opcode::SSTORE).state_gas), (2, 97_920));
    assert_eq!(of(Opcode::CALL).state_gas, 0);
    let mut tree = Vec::new();
    trace.write_call_tree(&mut tree).unwrap();
    let tree: serde_json::Value = serde_json::from_slice(&tree).unwrap();
    assert_eq!((&tree[0]["stateGasUsed"], &tree[0]["reservoir"]), (&0.into(), &0.into()));
    assert_eq!(tree[0]["calls"][0]["stateGasUsed"], 97_920);
    // What the callee had spilled is its caller's, until that fails.
    let last = trace.len() - 1;
    let state = trace.state_before(last).unwrap().state_gas;
    assert_eq!((state.reservoir, state.spilled), (0, 97_920));
    assert_eq!(trace.step_result(last).unwrap().state_gas_cost, 97_920);
    assert_eq!(trace.state_after(last).unwrap().state_gas, state);
}

#[test]
fn every_option_shows_or_hides_its_part() {
    let trace = record(EVERYTHING, TracerConfig::full());
    let plain = json(&trace, StructLogOptions::default());
    let word = |n: u64| format!("{n:#066x}");
    assert_eq!(row(&plain, "SSTORE")["storage"], serde_json::json!({ word(1): word(7) }));
    assert_eq!(row(&plain, "SLOAD")["storage"], serde_json::json!({ word(1): word(7) }));
    assert_eq!(plain["gas"].as_u64(), Some(trace.execution_trace(Default::default()).gas_used));
    let last = row(&plain, "RETURN");
    assert_eq!(last["stack"], serde_json::json!(["0x21", "0x0"]));
    for hidden in ["memory", "returnData", "storage", "error", "stackSize", "refund"] {
        assert!(last.get(hidden).is_none(), "{hidden}");
    }

    let all = StructLogOptions { enable_memory: true, enable_return_data: true, ..Default::default() };
    let all = json(&trace, all);
    // SHA-256 of 32 zero bytes.
    let hash = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
    assert_eq!(row(&all, "RETURN")["memory"], serde_json::json!([format!("0x{hash}"), word(0)]));
    assert_eq!(row(&all, "RETURN")["returnData"], format!("0x{hash}"));
    for empty in ["memory", "returnData"] {
        assert!(row(&all, "SSTORE").get(empty).is_none(), "{empty}");
    }

    let none = StructLogOptions { disable_stack: true, disable_storage: true, ..Default::default() };
    let none = json(&trace, none);
    assert!(row(&none, "SSTORE").get("stack").is_none());
    assert!(row(&none, "SSTORE").get("storage").is_none());
}

#[test]
fn bounds_that_are_met_are_seen() {
    let tight = TracerConfig {
        memory_max_bytes: 32,
        stack_max_items: 1,
        log_data_max_bytes: 8,
        ..TracerConfig::bounded()
    };
    let trace = record(EVERYTHING, tight);
    let options = StructLogOptions { enable_memory: true, ..Default::default() };
    let cut = json(&trace, options);
    let last = row(&cut, "RETURN");
    assert_eq!((&last["stack"], &last["stackSize"]), (&serde_json::json!(["0x0"]), &2.into()));
    assert_eq!(last["memory"].as_array().map(Vec::len), Some(1));
    assert_eq!((&last["memoryOffset"], &last["memorySize"]), (&0.into(), &64.into()));
    let (_, log) = &trace.logs_since(0)[0];
    assert_eq!((log.data.len(), log.data_length, log.is_cut()), (8, 40, true));
    // Nothing of it is lost behind the records.
    assert_eq!(trace.state_before(trace.len() - 1).unwrap().stack.len(), 2);

    // The window lies round what the opcode touches.
    let far = record("60ff6110005260206110005160006000fd", tight);
    let read = far.replay().find_opcode(Opcode::MLOAD);
    let window = far.step_result(read).unwrap().memory_snapshot;
    assert_eq!((window.offset, window.total), (0x1000, 0x1020));
    assert_eq!(U256::from_be_slice(&window.bytes), U256::from(0xff));
    assert_eq!(far.memory_window(read, 0x101f, 9).unwrap().bytes, [0xff]);
}

/// The seeds' own bounds: 16 bytes, 2 items, 8 bytes of log data.
#[test]
fn records_under_the_bounds_of_the_seeds_say_how_much_there_is() {
    let bounds = TracerConfig {
        memory_max_bytes: 16,
        stack_max_items: 2,
        log_data_max_bytes: 8,
        ..TracerConfig::bounded()
    };
    // Seven items for CALL; a word at 4096; a log of 64 bytes from 4064.
    let trace = record("6000600060006000600060046000f1 6009 611000 52 6007 6040 610fe0 a1 00", bounds);
    assert_eq!((trace.len(), trace.header().dropped.steps), (16, 0), "a record for each step");
    let logs = trace.execution_trace(StructLogOptions::default()).struct_logs;
    let find = |opcode| trace.replay().find_opcode(opcode);
    let call = &logs[usize::try_from(find(Opcode::CALL)).unwrap()];
    assert_eq!((call.stack.items.len(), call.stack.total), (2, 7));
    let done = |opcode| trace.step_result(find(opcode)).unwrap();
    let memory = done(Opcode::MSTORE).memory_snapshot;
    assert_eq!((memory.offset, memory.bytes.len(), memory.total), (4096, 16, 4128));
    let log = &done(Opcode::LOG1).logs_emitted[0];
    assert_eq!((log.data.len(), log.data_length), (8, 64));
}

trait FindOpcode {
    fn find_opcode(self, opcode: Opcode) -> u64;
}

impl FindOpcode for parallax_tracer_standard::Replay<'_> {
    fn find_opcode(mut self, opcode: Opcode) -> u64 {
        loop {
            let step = self.advance().unwrap();
            if step.opcode() == opcode {
                return step.index;
            }
        }
    }
}

#[test]
fn a_full_trace_counts_what_it_drops() {
    // JUMPDEST, 3 PUSH1, a call of the identity contract by STATICCALL, POP, JUMP, again and again.
    let forever = "5b60006000600060006004 61ffff fa 50 600056";
    let whole = record(forever, TracerConfig::full());
    let tight = TracerConfig { trace_max_bytes: 20_000, ..TracerConfig::full() };
    let cut = record(forever, tight);
    let header = cut.header();
    assert_eq!(header.steps + header.dropped.steps, whole.len());
    assert!(header.dropped.steps > 0 && header.dropped.messages > 0);
    assert_eq!(cut.calls().len() as u64 + header.dropped.messages, whole.calls().len() as u64);
    assert!(header.bytes < 21_000, "{header:?}");
    let last = cut.len() - 1;
    assert_eq!(cut.state_before(last), whole.state_before(last));
    assert_eq!(json(&cut, StructLogOptions::default())["stepsDropped"], header.dropped.steps);
    // The outermost message ended after the bound was met, and is told all the same.
    assert!(cut.calls()[0].outcome.is_some());
}

#[test]
fn the_minimal_preset_keeps_sizes() {
    let (full, minimal) =
        (record(EVERYTHING, TracerConfig::full()), record(EVERYTHING, TracerConfig::minimal()));
    assert!(minimal.header().bytes < full.header().bytes);
    for step in 0..full.len() {
        assert_eq!(full.step_info(step), minimal.step_info(step));
        let state = minimal.state_before(step).unwrap();
        assert!(state.stack.is_empty() && state.memory.is_empty());
    }
    assert!(full.storage_changes_since(0).eq(minimal.storage_changes_since(0)));
}

#[test]
fn the_call_tree() {
    // CALL of itself with half the gas, as long as that is enough; each frame also sends a STATICCALL to the identity contract.
    let code = "6000600060006000600461fffffa 50 60006000600060006000 30 60025a04 f1 50 00";
    let trace = record(code, TracerConfig::full());
    let calls = trace.calls();
    assert_eq!(calls[0].parent, None);
    assert_eq!(trace.children(0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(trace.children(2).next(), Some(3));
    assert_eq!(calls[2].message.address, TARGET);
    assert_eq!(trace.step_info(calls[2].sent_by.unwrap()).unwrap().opcode, Opcode::CALL);
    assert_eq!(trace.steps_of(&calls[0]), 0..trace.len());
    assert!(trace.steps_of(&calls[1]).is_empty());
    let inner = trace.steps_of(&calls[2]);
    assert_eq!(trace.step_info(inner.start).map(|step| (step.pc, step.depth)), Some((0, 1)));
    assert_eq!(trace.step_info(inner.end).map(|step| (step.op_name, step.depth)), Some(("POP", 0)));

    let mut out = Vec::new();
    trace.write_call_tree(&mut out).unwrap();
    let tree: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let root = &tree[0];
    assert_eq!((&root["type"], &root["gas"], &root["depth"]), (&"CALL".into(), &100_000.into(), &0.into()));
    assert_eq!(root["calls"][0]["type"], "STATICCALL");
    assert_eq!(root["calls"][0]["calls"], serde_json::json!([]));
    assert_eq!(root["calls"][1]["calls"][0]["to"], root["calls"][0]["to"]);
    assert_eq!(root["gasUsed"], calls[0].gas_used().unwrap());
    let mut depth = 0;
    let mut deepest = root;
    while let Some(inner) = deepest["calls"].get(1) {
        (deepest, depth) = (inner, depth + 1);
    }
    let own = calls.iter().filter(|call| call.message.kind == MessageKind::Call);
    assert_eq!(depth, own.map(|call| call.message.depth).max().unwrap());
    assert!(depth > 4);
}

#[test]
fn counts_and_gas_by_opcode() {
    let trace = record(EVERYTHING, TracerConfig::full());
    let counts = trace.opcode_counts();
    let of = |opcode| counts.iter().find(|count| count.opcode == opcode).unwrap();
    assert_eq!((of(Opcode::POP).count, of(Opcode::POP).gas), (2, 4));
    assert_eq!((of(Opcode::SSTORE).count, of(Opcode::SSTORE).gas), (1, 22_100));
    // Warm access and one word of memory; what it forwarded is the precompile's.
    assert_eq!(of(Opcode::STATICCALL).gas, 100);
    assert_eq!(counts.iter().map(|count| count.count).sum::<u64>(), trace.len());
    let callee = trace.calls()[1].gas_used().unwrap();
    let own: u64 = counts.iter().map(|count| count.gas).sum();
    assert_eq!(own + callee, trace.calls()[0].gas_used().unwrap());
}

#[test]
fn nothing_recorded_is_empty() {
    let trace = Recorder::new(TracerConfig::default()).into_trace();
    assert!(trace.is_empty() && trace.replay().advance().is_none() && trace.state_after(0).is_none());
    assert_eq!(trace.storage_changes_since(0).count() + trace.logs_since(0).len(), 0);
    let mut out = Vec::new();
    trace.write_call_tree(&mut out).unwrap();
    assert_eq!(out, b"[]");
    assert_eq!(
        json(&trace, StructLogOptions::default()),
        serde_json::json!({ "gas": 0, "failed": true, "returnValue": "0x", "structLogs": [] })
    );
}
