//! A session without a server answers what the server answers.

use parallax_campaign::engines;
use parallax_devtool::{Config, Engines, Session};
use parallax_host_interface::CustomOpcode;
use parallax_mini_interpreter::{Fault, FaultPlan, FaultyMini};
use parallax_primitives::{Class, Fork, Opcode, OpcodeInfo, Operand, Role, Rules, U256};
use serde_json::{Value, json};

use crate::client::{Running, assembly};

const PLAN: FaultPlan = FaultPlan::new(Fault::FlipResult(0), Opcode::ADD);

fn config() -> Config {
    let faulty = Box::leak(Box::new(engines::local("faulty", FaultyMini::new(PLAN))));
    Config { engines: Engines::default().with(faulty), ..Config::default() }
}

/// Without what no two sessions share.
fn alike(mut session: Value) -> Value {
    let of_session = if session["session"].is_object() { &mut session["session"] } else { &mut session };
    of_session["id"] = json!("");
    of_session["progress"]["elapsedMs"] = json!(0);
    session
}

#[test]
fn its_answers_are_those_of_the_server() {
    let code = "PUSH 3 loop: PUSH 1 SWAP1 SUB PUSH 2 PUSH 2 ADD POP DUP1 PUSH @loop JUMPI PUSH 0 SSTORE";
    let server = Running::faulty(PLAN);
    for engines in [["primary", "faulty"], ["primary", "mini"]] {
        let request = assembly(code, &engines);
        let path = server.session(&request);
        let session = Session::start(config(), request).unwrap();
        session.wait();
        assert_eq!(alike(session.status().unwrap()), alike(server.ask(&path)));
        assert_eq!(session.steps(2, 7).unwrap(), server.ask(&format!("{path}/steps?from=2&limit=7")));
        for (is_after, when) in [(false, "before"), (true, "after")] {
            let state = server.ask(&format!("{path}/steps/8/state?when={when}"));
            assert_eq!(session.state(8, is_after).unwrap(), state);
        }
        let verdict = server.ask(&path)["verdict"].clone();
        assert_eq!(session.divergence().unwrap(), verdict["divergence"]);
        assert_eq!(session.divergence().unwrap().is_null(), engines[1] == "mini");
        assert_eq!(session.timeline(4).unwrap(), server.ask(&format!("{path}/timeline?buckets=4")));
        assert_eq!(alike(session.export().unwrap()), alike(server.ask(&format!("{path}/export"))));
        let page = server.get(&format!("{path}/export?format=html"));
        assert_eq!(session.export_html().unwrap().into_bytes(), page.body);
    }
}

#[test]
fn what_cannot_be_is_an_error_with_its_field() {
    let error = |request: Value| {
        let error = Session::start(config(), request).unwrap_err();
        (error.code, error.to_string())
    };
    let (code, text) = error(assembly("PUSH 1", &["primary", "nobody"]));
    let names = "primary, mini, revm, faulty";
    assert_eq!(code, "bad_request");
    assert_eq!(text, format!("engines: no engine \"nobody\": expected one of {names}"));
    assert_eq!(error(assembly("NOTHING", &["primary", "mini"])).0, "bad_source");
    assert_eq!(error(json!({})), ("bad_request", "missing field `source`".to_owned()));
    let session = Session::start(config(), assembly("PUSH 1", &["primary", "mini"])).unwrap();
    session.wait();
    assert_eq!(session.state(2, false).unwrap_err().code, "not_found");
}

/// Rules with an opcode of one's own: it is assembled, run, compared, listed and shown by its name.
#[test]
fn an_opcode_of_ones_own_is_shown_by_its_name() {
    const SQUARE: OpcodeInfo = OpcodeInfo {
        opcode: Opcode(0xb0),
        name: "SQUARE",
        class: Class::Arithmetic,
        inputs: &[Operand { name: "a", role: Role::Value }],
        outputs: &[Role::Value],
        immediate: 0,
        gas: 7,
        writes_state: false,
    };
    static OWN: CustomOpcode = CustomOpcode::local(
        SQUARE,
        |frame| {
            frame.set_result(frame.operand(0).wrapping_mul(frame.operand(0)));
            Ok(())
        },
        |frame| {
            frame.set_result(frame.operand(0).wrapping_pow(U256::from(2)));
            Ok(())
        },
    );
    let rules = Rules::builder(Fork::Osaka).name("squares").opcode(&OWN).build().unwrap();
    let config = Config { rules: vec![rules], ..Config::default() };
    let session =
        Session::start(config, assembly("PUSH 12 SQUARE PUSH 0 SSTORE", &["primary", "mini"])).unwrap();
    session.wait();
    assert_eq!(session.status().unwrap()["verdict"]["kind"], "agree");
    let step = &session.steps(1, 1).unwrap()["steps"][0];
    assert_eq!((&step["primary"]["opName"], &step["mini"]["opName"]), (&json!("SQUARE"), &json!("SQUARE")));
    let state = session.state(1, true).unwrap();
    assert!(state["mini"]["stack"].to_string().contains("\"0x90\""), "{state}");
    assert!(session.export_html().unwrap().contains("SQUARE"));
}
