//! Reading traces: who wrote them, what hostile ones are answered, and what a comparison sees.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{env, fs, path::PathBuf};

use parallax_primitives::Bytes;
use parallax_tracer_eip3155::{
    Client, CompareOptions, HaltKind, ReadError, Record, SecondLine, Step, TraceReader, compare_traces,
    recognise,
};

const STEP: &str = r#"{"pc":0,"op":96,"gas":"0x10","gasCost":"0x3","memSize":0,"stack":[],"depth":1,"refund":0,"opName":"PUSH1"}"#;

fn detect(text: &[u8]) -> Result<Client, ReadError> {
    Ok(recognise(text)?.client)
}

fn steps(text: &str, client: Client) -> Vec<Step> {
    TraceReader::new(text.as_bytes(), client)
        .filter_map(|record| match record.unwrap() {
            Record::Step(step) => Some(step),
            _ => None,
        })
        .collect()
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    let error = detect(text.as_bytes())
        .and_then(|client| TraceReader::new(text.as_bytes(), client).collect::<Result<Vec<_>, _>>())
        .unwrap_err();
    let error = error.to_string();
    assert!(error.contains(expected), "{error:?} does not contain {expected:?}");
}

#[test]
fn hostile_traces_get_an_error_with_their_line() {
    check_error("", "no EIP-3155 line in 0 lines");
    check_error("INFO hello\n[\n", "no EIP-3155 line in 2 lines");
    check_error(&format!("{STEP}\n{{\"pc\":1,\"op\":"), "line 2: EOF");
    check_error(
        &format!("{STEP}\n{{\"pc\":\"0xzz\"}}"),
        "line 2: pc is \"0xzz\", expected a number of 64 bits such as 1 or \"0x1\", at column 7",
    );
    check_error(&STEP.replace("\"op\":96", "\"op\":256"), "line 1: op is 256, expected a byte");
    check_error(&STEP.replace(",\"gas\":\"0x10\"", ""), "line 1: no gas, expected a number");
    check_error(&STEP.replace("[]", "[\"0xgg\"]"), "line 1: stack item \"0xgg\"");
    check_error(&STEP.replace("[]", &format!("[\"0x{}\"]", "f".repeat(65))), "of at most 32 bytes");
    check_error(&format!("{{\"x\":{}", "[".repeat(100_000)), "line 1: EOF while parsing a list");
    check_error("{\"stateRoot\":\"0x12\"}", "line 1: stateRoot is \"0x12\", expected 0x and 64");
    check_error("{\"op\":1,\"gas\":\"0x1\"}", "line 1: no pc, expected a number");
    // An object that says nothing of a trace, and what is not there to be read.
    check_error("2026-11-30 {\"pc\":0}", "line 1: a trace line behind other text");
    check_error("\u{0}{\u{0}\"", "the text is in UTF-16");
    check_error("[{\"pc\":0,", "line 1: the end of the file, expected the end of the object");
    check_error(&"[".repeat(100), "no EIP-3155 line");
    check_error(&format!("{{\"result\":{}", "[".repeat(100)), "line 1: more than 64 arrays and objects");
    check_error("{\"hello\":1}\n{\"error\":\"none\"}", "no EIP-3155 line in 2 lines");
    check_error(
        "{\"output\":\"0x1\",\"gasUsed\":\"0x0\",\"pass\":true}",
        "line 1: output is \"0x1\", expected hexadecimal bytes",
    );
}

#[test]
fn what_a_client_did_not_say_is_unknown() {
    let nethermind =
        r#"{"pc":2,"op":85,"gas":"0x10","gasCost":"0x3","stack":["0x1"],"depth":1,"memSize":32}"#;
    assert_eq!(detect(nethermind.as_bytes()).unwrap(), Client::Nethermind);
    let step = &steps(nethermind, Client::Nethermind)[0];
    assert_eq!((step.refund, &step.return_data, &step.memory), (None, &None, &None));
    assert_eq!((step.memory_size, step.gas_cost, step.halt), (Some(32), Some(3), Some(HaltKind::None)));
    // evmone's cost of an SSTORE is the static part only.
    assert_eq!(steps(&STEP.replace("96", "85"), Client::Evmone)[0].gas_cost, None);
    assert_eq!(steps(STEP, Client::Evmone)[0].halt, None);
}

/// A step of EELS or of revm, with fields of its own.
fn two_gases(op: u8, gas: u64, cost: u64, more: &str) -> String {
    format!(
        r#"{{"pc":{op},"op":{op},"gas":"{gas:#x}",{more},"gasCost":"{cost:#x}","memSize":0,"stack":[],"depth":1,"refund":0,"opName":"X"}}"#
    )
}

/// Lines as an array, over several lines, and struct logs in every form that they come in.
#[test]
fn json_documents_are_read_as_lines_are() {
    let lines = [STEP.to_owned(), STEP.replace("\"pc\":0", "\"pc\":2")];
    let expected = steps(&lines.join("\n"), Client::Geth).len();
    let pretty = format!("[\n  {},\n  {}\n]\n", lines[0].replace(",\"op\"", ",\n   \"op\""), lines[1]);
    for text in [format!("[{}]", lines.join(",")), format!("[\n{}\n]", lines.join(",\n")), pretty] {
        let found = steps(&text, Client::Geth);
        assert_eq!((found.len(), found[0].pc, found[1].pc), (expected, 0, 2), "{text}");
    }
    let row = |pc: u64, more: &str| {
        format!("{{\"pc\":{pc},\"op\":\"PUSH1\",\"gas\":{},\"gasCost\":3,\"depth\":1{more}}}", 100 - pc)
    };
    let rows = format!(
        "[{},{}]",
        row(0, ",\"stack\":[]"),
        row(2, ",\"stack\":[\"0x1\"],\"memory\":[\"0x01\",\"02\"]")
    );
    let bare = format!("{{\"gas\":21006,\"failed\":false,\"returnValue\":\"0xab\",\"structLogs\":{rows}}}");
    let logs_first =
        format!("{{\"structLogs\":{rows},\"gas\":21006,\"failed\":false,\"returnValue\":\"ab\"}}");
    let rpc = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{bare}}}");
    let block = format!("{{\"jsonrpc\":\"2.0\",\"result\":[{{\"txHash\":\"0x1\",\"result\":{bare}}}]}}");
    for text in [bare, logs_first, rpc, block] {
        let found = recognise(text.as_bytes()).unwrap();
        assert_eq!(found.client, Client::Struct, "{text}");
        let records: Vec<_> = TraceReader::new(text.as_bytes(), Client::Struct)
            .with_profile(found.profile)
            .collect::<Result<_, _>>()
            .unwrap();
        let [Record::Step(first), Record::Step(second), Record::End(end)] = &records[..] else {
            panic!("{records:?}");
        };
        assert_eq!((first.opcode.0, first.gas, first.memory.clone()), (0x60, 100, Some(Bytes::new())));
        assert_eq!((second.gas_cost, second.memory.clone()), (Some(3), Some([1, 2].into())));
        assert_eq!(
            (end.gas_used, end.success, end.output.clone()),
            (Some(21_006), Some(true), Some([0xab].into()))
        );
    }
}

#[test]
fn one_word_for_state_gas_has_two_meanings() {
    // Nothing but the word tells them from geth's.
    let eels = [
        two_gases(85, 200_000, 12_100, r#""stateGas":"0x9","stateGasCost":"0x17e80""#),
        two_gases(241, 80_000, 2_600, r#""stateGas":"0x0""#),
    ];
    assert_eq!(detect(eels.join("\n").as_bytes()).unwrap(), Client::Eels);
    let found: Vec<_> = steps(&eels.join("\n"), Client::Eels)
        .iter()
        .map(|step| (step.gas_cost, step.reservoir, step.state_gas_spent, step.state_gas_cost))
        .collect();
    // Of a CALL it shows the cost without what it forwards.
    assert_eq!(found, [(Some(12_100), Some(9), None, Some(97_920)), (None, Some(0), None, Some(0))]);

    // Out of the reservoir, out of execution gas, half of each; and back to where it came from.
    let revm = |cost: u64, before: [u64; 2], after: [u64; 2]| {
        let said =
            |[reservoir, spent]: [u64; 2]| format!(r#""reservoir":"{reservoir:#x}","stateGas":"{spent:#x}""#);
        let lines =
            [two_gases(85, 200_000, cost, &said(before)), two_gases(80, 9, 2, &said(after))].join("\n");
        assert_eq!(detect(lines.as_bytes()).unwrap(), Client::Revm);
        let steps = steps(&lines, Client::Revm);
        assert_eq!((steps[0].reservoir, steps[0].state_gas_spent), (Some(before[0]), Some(before[1])));
        assert_eq!((steps[0].state_gas_cost, steps[1].gas_cost), (None, Some(2)));
        steps[0].gas_cost
    };
    assert_eq!(revm(12_100, [97_920, 0], [0, 97_920]), Some(12_100));
    assert_eq!(revm(110_020, [0, 0], [0, 97_920]), Some(12_100));
    assert_eq!(revm(12_120, [97_900, 5], [0, 97_925]), Some(12_100));
    assert_eq!(revm(60, [0, 97_920], [97_880, 0]), Some(100));
    assert_eq!(revm(0, [0, 97_920], [0, 0]), None);
    assert_eq!(revm(100, [7, 0], [7, 0]), Some(100));
}

#[test]
fn a_line_written_twice_is_one_step_that_failed() {
    let failed = STEP.replace("}", r#","error":"return data out of bounds"}"#);
    for text in [format!("{STEP}\n{failed}\n"), format!("{failed}\n")] {
        let steps = steps(&text, Client::Geth);
        assert_eq!(steps.len(), 1);
        assert_eq!((steps[0].halt, steps[0].gas_cost), (Some(HaltKind::OutOfBounds), None));
    }
    // Without its error it is a second line all the same: no step leaves the gas as it was.
    let step = &steps(&format!("{STEP}\n{STEP}\n"), Client::Geth)[0];
    assert_eq!(step.second_line, Some(SecondLine { line: 2, odd: None, lacks_error: true }));
}

/// A store that refunds 4800 at depth 1, a call, a store that refunds 100 at depth 2, the return.
#[test]
fn refunds_become_the_transactions_before_the_opcode() {
    #[track_caller]
    fn check(client: Client, said: [&str; 6], expected: [Option<i64>; 6]) {
        let depths = [1, 1, 1, 2, 2, 1];
        let ops = [96, 85, 241, 85, 0, 80];
        let lines: Vec<String> = (0..6)
            .map(|i| {
                format!(
                    r#"{{"pc":{i},"op":{},"gas":"0x10","gasCost":"0x3","stack":[],"depth":{},"refund":{},"opName":"X"}}"#,
                    ops[i], depths[i], said[i]
                )
            })
            .collect();
        let found: Vec<_> = steps(&lines.join("\n"), client).iter().map(|step| step.refund).collect();
        assert_eq!(found, expected, "{client}");
    }
    let all = [Some(0), Some(0), Some(4800), Some(4800), Some(4900), Some(4900)];
    check(Client::Eip3155, ["0", "0", "4800", "4800", "4900", "4900"], all);
    let but_last = [Some(0), Some(0), Some(4800), Some(4800), Some(4900), None];
    check(Client::Geth, ["0", "4800", "4800", "4900", "4900", "4900"], but_last);
    check(Client::Revm, ["\"0x0\"", "\"0x0\"", "\"0x12c0\"", "\"0x0\"", "\"0x64\"", "\"0x1324\""], all);
    let negative = [Some(0), Some(0), Some(-1), Some(-1), Some(4), Some(4)];
    check(
        Client::Revm,
        ["\"0x0\"", "\"0x0\"", "\"0xffffffffffffffff\"", "\"0x0\"", "\"0x5\"", "\"0x4\""],
        negative,
    );
}

#[track_caller]
fn check_difference(left: &str, right: &str, expected: Option<(u64, &str)>) {
    let reader = |text: &'static str| TraceReader::new(text.as_bytes(), detect(text.as_bytes()).unwrap());
    let leak = |text: &str| -> &'static str { String::leak(text.to_owned()) };
    let answer = compare_traces(reader(leak(left)), reader(leak(right)), CompareOptions::default()).unwrap();
    let found = answer.outcome.err().map(|difference| (difference.step, difference.what.to_string()));
    assert_eq!(found, expected.map(|(step, what)| (step, what.to_owned())));
}

#[test]
fn a_comparison_sees_every_field_that_both_know() {
    let two = |second: &str| format!("{STEP}\n{second}\n");
    let next = STEP.replace("\"pc\":0", "\"pc\":2");
    let same = two(&next);
    check_difference(&same, &same, None);
    for (from, to, field) in [
        ("\"pc\":2", "\"pc\":1", "pc"),
        ("\"op\":96", "\"op\":97", "op"),
        ("\"gas\":\"0x10\"", "\"gas\":\"0x11\"", "gas"),
        ("\"0x3\"", "\"0x4\"", "gasCost"),
        ("\"memSize\":0", "\"memSize\":32", "memSize"),
        ("\"stack\":[]", "\"stack\":[\"0x1\"]", "stack"),
        ("\"depth\":1", "\"depth\":2", "depth"),
        ("}", ",\"error\":\"out of gas\"}", "error"),
    ] {
        check_difference(&same, &two(&next.replace(from, to)), Some((1, field)));
        check_difference(&two(&next.replace(from, to)), &same, Some((1, field)));
    }
    check_difference(&same, STEP, Some((1, "length")));
    let end = |root: &str| format!("{STEP}\n{{\"stateRoot\":\"0x{}\"}}\n", root.repeat(64));
    check_difference(&end("1"), &end("2"), Some((1, "stateRoot")));
    check_difference(&end("1"), STEP, None);
    // Of a file that holds several transactions, each one's end is compared.
    let two_ends = |first: &str, second: &str| end(first) + &end(second);
    check_difference(&two_ends("1", "2"), &two_ends("1", "2"), None);
    check_difference(&two_ends("1", "2"), &two_ends("3", "2"), Some((1, "stateRoot")));
    check_difference(&two_ends("1", "2"), &two_ends("1", "3"), Some((2, "stateRoot")));
    let gas = |gas: &str| format!("{STEP}\n{{\"output\":\"\",\"gasUsed\":\"{gas}\"}}\n");
    check_difference(&gas("0x5"), &gas("0x6"), Some((1, "gasUsed")));
}

#[test]
fn a_comparison_sees_state_gas_where_both_know_it() {
    let eels = |reservoir: u64, cost: u64| {
        two_gases(255, 9, 5_000, &format!(r#""stateGas":"{reservoir:#x}","stateGasCost":"{cost:#x}""#))
    };
    let revm = |reservoir: u64, spent: u64, cost: u64| {
        // revm says how every frame ends.
        two_gases(255, 9, cost, &format!(r#""reservoir":"{reservoir:#x}","stateGas":"{spent:#x}""#))
            .replace('}', r#","error":"SelfDestruct"}"#)
    };
    check_difference(&eels(3, 4), &eels(3, 4), None);
    check_difference(&eels(3, 4), &eels(2, 4), Some((0, "stateGas")));
    check_difference(&eels(3, 4), &eels(3, 5), Some((0, "stateGasCost")));
    check_difference(&revm(3, 4, 5_000), &revm(3, 5, 5_000), Some((0, "stateGas")));
    check_difference(&revm(2, 4, 5_000), &revm(3, 4, 5_000), Some((0, "reservoir")));
    check_difference(&eels(3, 4), &revm(2, 9, 5_000), Some((0, "reservoir")));
    // Its frame ends here, so nothing tells how much of it revm took for state gas: no more than was charged.
    for (cost, found) in [(4_999, true), (5_000, false), (5_004, false), (5_005, true)] {
        let expected = found.then_some((0, "gasCost"));
        check_difference(&eels(3, 4), &revm(3, 9, cost), expected);
        check_difference(&revm(3, 9, cost), &eels(3, 4), expected);
    }
}

#[test]
fn an_agreement_says_what_it_is_silent_about() {
    let unknown = |left: &str, right: &str| {
        let [left, right] =
            [left, right].map(|text| TraceReader::new(text.as_bytes(), detect(text.as_bytes()).unwrap()));
        let agreement = compare_traces(left, right, CompareOptions::default()).unwrap().outcome.unwrap();
        agreement.unknown().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let rest = ["memory", "returnData", "stateRoot", "output", "gasUsed"];
    assert_eq!(unknown(STEP, STEP), rest);
    let nethermind = r#"{"pc":0,"op":96,"gas":"0x10","gasCost":"0x3","stack":[],"depth":1,"memSize":0}"#;
    assert_eq!(
        unknown(STEP, nethermind),
        ["opName", "memory", "returnData", "refund", "stateRoot", "output", "gasUsed"]
    );
    let root = format!("{{\"stateRoot\":\"0x{}\"}}", "1".repeat(64));
    assert_eq!(unknown(&root, &root), ["output", "gasUsed"], "there is no step to say anything");
}

/// Found by the target `traces` of `fuzz/`: these were read for ever.
#[test]
fn what_is_no_value_in_an_array_is_an_error() {
    for (text, line) in [("[{}:", 1), ("[{}}", 1), ("[]\n[\n1:2]", 3), ("[{},\n}]", 2)] {
        let error = recognise(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, format!("line {line}: expected a value, a comma or ]"), "{text}");
    }
}

#[test]
fn the_clients_of_the_shared_traces_are_recognised() {
    let folder = env::var_os("PARALLAX_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from)
        .join("client-traces/traces");
    let Ok(files) = fs::read_dir(&folder) else {
        eprintln!("left out: no client traces at {}", folder.display());
        return;
    };
    let mut recognised = 0;
    for file in files {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some((_, client)) = name.split_once(".json.") else { continue };
        let text = fs::read(&path).unwrap();
        if !text.windows(6).any(|window| window == b"{\"pc\":") {
            continue;
        }
        let client = client.split('.').next().unwrap();
        assert_eq!(detect(&text[..]).unwrap().name(), client, "{name}");
        recognised += 1;
    }
    assert_eq!(recognised, 32);
}
