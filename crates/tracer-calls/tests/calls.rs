//! What `callTracer` says of small programs, worked out by hand.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod programs;

use parallax_primitives::{Fork, U256};
use parallax_tracer_calls::{CallTracer, CallTracerConfig, TracerError};
use programs::{OTHER, Scene, line, program};

fn calls(scene: &Scene, config: CallTracerConfig) -> String {
    scene.trace(|| CallTracer::new(config), |tracer, _, _| tracer.result().unwrap())
}

/// Calls OTHER with so much value and all gas, and stops.
fn call_other(value: u64) -> String {
    format!("PUSH0 PUSH0 PUSH0 PUSH0 PUSH {value} PUSH20 0x{OTHER:x} GAS CALL STOP")
}

#[test]
fn a_call_within_a_call_has_the_gas_that_it_was_given_and_the_outermost_the_gas_limit() {
    let scene =
        Scene::new(Fork::Osaka, &format!("PUSH0 PUSH0 PUSH0 PUSH0 PUSH20 0x{OTHER:x} PUSH2 5000 STATICCALL"))
            .account(OTHER, 0, "PUSH1 7 PUSH0 MSTORE8 PUSH1 1 PUSH0 RETURN");
    // 21000, four PUSH0, PUSH20, PUSH2, a cold account, and what the callee took: five pushes of which two are PUSH0, MSTORE8 with a word.
    let callee = 3 + 2 + 3 + 3 + 3 + 2;
    let used = 21_000 + 4 * 2 + 3 + 3 + 2600 + callee;
    let expected = format!(
        r#"{{"from":"0x1111111111111111111111111111111111111111","gas":"0xf4240","gasUsed":"{used:#x}",
        "to":"0x2222222222222222222222222222222222222222","input":"0x","calls":[
        {{"from":"0x2222222222222222222222222222222222222222","gas":"0x1388","gasUsed":"{callee:#x}",
        "to":"0x3333333333333333333333333333333333333333","input":"0x","output":"0x07","type":"STATICCALL"}}
        ],"value":"0x0","type":"CALL"}}"#
    );
    assert_eq!(calls(&scene, CallTracerConfig::default()), line(&expected));
    let top = CallTracerConfig { only_top_call: true, ..CallTracerConfig::default() };
    let expected = format!(
        r#"{{"from":"0x1111111111111111111111111111111111111111","gas":"0xf4240","gasUsed":"{used:#x}",
        "to":"0x2222222222222222222222222222222222222222","input":"0x","value":"0x0","type":"CALL"}}"#
    );
    assert_eq!(calls(&scene, top), line(&expected));
}

#[test]
fn a_failed_creation_has_no_address_and_a_revert_its_reason() {
    // Error(string) with the text "no".
    let reason = "PUSH4 0x08c379a0 PUSH1 224 SHL PUSH0 MSTORE PUSH1 32 PUSH1 4 MSTORE PUSH1 2 PUSH1 36 MSTORE \
                  PUSH2 0x6e6f PUSH1 240 SHL PUSH1 68 MSTORE PUSH1 70 PUSH0 REVERT";
    let scene = Scene::new(Fork::Osaka, "").transaction(|transaction| {
        transaction.to = None;
        transaction.input = program(reason);
    });
    let text = calls(&scene, CallTracerConfig::default());
    assert!(
        text.ends_with(r#""error":"execution reverted","revertReason":"no","value":"0x0","type":"CREATE"}"#),
        "{text}"
    );
    assert!(!text.contains(r#""to""#), "{text}");
    let scene = scene.transaction(|transaction| transaction.input = program("POP"));
    let text = calls(&scene, CallTracerConfig::default());
    let expected = r#"{"from":"0x1111111111111111111111111111111111111111","gas":"0xf4240","gasUsed":"0xf4240","input":"0x50",
        "error":"stack underflow (0 \u003c=\u003e 1)","value":"0x0","type":"CREATE"}"#;
    assert_eq!(text, line(expected));
}

#[test]
fn a_creation_s_output_is_its_code() {
    let scene = Scene::new(Fork::Osaka, "").transaction(|transaction| {
        transaction.to = None;
        transaction.input = program("PUSH1 0x5b PUSH0 MSTORE8 PUSH1 1 PUSH0 RETURN");
    });
    let text = calls(&scene, CallTracerConfig::default());
    let address = parallax_primitives::Address::create(&programs::SENDER, 0);
    let place = format!(r#""to":"{address:#x}","input":"0x605b5f5360015ff3","output":"0x5b","value":"0x0""#);
    assert!(text.contains(&place), "{text}");
}

#[test]
fn a_selfdestruct_is_a_call_with_what_the_account_has_by_then() {
    let scene = Scene::new(Fork::Osaka, &call_other(7)).account(
        OTHER,
        5,
        "PUSH20 0x4444444444444444444444444444444444444444 SELFDESTRUCT",
    );
    let text = calls(&scene, CallTracerConfig::default());
    let expected = r#""calls":[{"from":"0x3333333333333333333333333333333333333333","gas":"0x0","gasUsed":"0x0",
        "to":"0x4444444444444444444444444444444444444444","input":"0x","value":"0xc","type":"SELFDESTRUCT"}],
        "value":"0x7","type":"CALL"}],"value":"0x0","type":"CALL"}"#;
    assert!(text.ends_with(&line(expected)), "{text}");
}

#[test]
fn logs_have_their_place_among_calls_and_those_of_failed_frames_are_gone() {
    let log = "PUSH1 9 PUSH0 PUSH0 LOG1";
    let with_log = CallTracerConfig { with_log: true, logs_before: 16, ..CallTracerConfig::default() };
    let scene =
        Scene::new(Fork::Osaka, &format!("{log} {} ", call_other(0).replace("STOP", &format!("{log} STOP"))))
            .account(OTHER, 0, &format!("{log} STOP"));
    let topic = format!("{:#066x}", U256::from(9));
    let entry = |address: &str, index: &str, position: &str| {
        format!(
            r#"{{"address":"{address}","topics":["{topic}"],"data":"0x","index":"{index}","position":"{position}"}}"#
        )
    };
    let (target, other) =
        ("0x2222222222222222222222222222222222222222", "0x3333333333333333333333333333333333333333");
    let text = calls(&scene, with_log);
    let inner = format!(r#""logs":[{}],"value":"0x0","type":"CALL"}}],"#, entry(other, "0x11", "0x0"));
    let outer =
        format!(r#""logs":[{},{}],"value""#, entry(target, "0x10", "0x0"), entry(target, "0x12", "0x1"));
    assert!(text.contains(&format!("{inner}{outer}")), "{text}");
    let failing = scene.account(OTHER, 0, &format!("{log} INVALID"));
    let text = calls(&failing, with_log);
    assert!(text.contains(r#""error":"invalid opcode: INVALID","value":"0x0","type":"CALL"}]"#), "{text}");
    // The next log takes the number of the one that was taken back.
    let outer =
        format!(r#""logs":[{},{}],"value""#, entry(target, "0x10", "0x0"), entry(target, "0x11", "0x1"));
    assert!(text.contains(&outer), "{text}");
    assert!(!calls(&failing, CallTracerConfig::default()).contains("logs"));
}

#[test]
fn a_message_that_fails_before_it_has_a_frame_keeps_its_gas() {
    let scene = Scene::new(Fork::Osaka, &call_other(101)).account(OTHER, 0, "STOP");
    let text = calls(&scene, CallTracerConfig::default());
    let place = r#""gasUsed":"0x0","to":"0x3333333333333333333333333333333333333333","input":"0x",
        "error":"insufficient balance for transfer","value":"0x65","type":"CALL"}"#;
    assert!(text.contains(&line(place)), "{text}");
}

#[test]
fn delegated_code_and_code_of_others_are_called_by_their_own_address() {
    let code = format!("PUSH0 PUSH0 PUSH0 PUSH0 PUSH20 0x{OTHER:x} GAS DELEGATECALL STOP");
    let scene = Scene::new(Fork::Osaka, &code).account(OTHER, 0, "STOP");
    let place = r#"{"from":"0x2222222222222222222222222222222222222222","gas":"#;
    let to = r#""to":"0x3333333333333333333333333333333333333333","input":"0x","value":"0x5","type":"DELEGATECALL"}"#;
    let mut scene = scene.transaction(|transaction| transaction.value = U256::from(5));
    for _ in 0..2 {
        let text = calls(&scene, CallTracerConfig::default());
        assert!(text.contains(place) && text.contains(to), "{text}");
        let other = scene.before.accounts.get_mut(&OTHER).unwrap();
        other.code = parallax_primitives::Bytecode::delegating_to(programs::COINBASE);
    }
}

#[test]
fn without_a_run_there_is_no_tree() {
    assert_eq!(CallTracer::new(CallTracerConfig::default()).result(), Err(TracerError::NotTraced));
}
