//! What is read of a state test, what is refused, and with which words.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{fs, path::PathBuf};

use parallax_host_interface::Database;
use parallax_primitives::{B256, Fork, Rules, TransactionType, U256, address, keccak256};
use parallax_state_tests::{Case, FixtureError, FixtureFile, MAX_NESTING, cases, cases_of};

/// An old-form test: two data, one of them with an access list, and no sender but a secret key.
const OLD: &str = r#"{
  "old": {
    "_info": {"comment": "by hand"},
    "env": {"currentCoinbase": "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba", "currentDifficulty": "0x020000",
      "currentGasLimit": "0x05f5e100", "currentNumber": "0x02", "currentTimestamp": "1000",
      "currentBaseFee": "0x0a", "currentRandom": "0x20000", "previousHash":
      "0x5e20a0453cecd065ea59c37ac63e079ee08998b6045136a8ce6635c7912ec0b6"},
    "pre": {"0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b":
      {"nonce": "0x01", "balance": "0x0de0b6b3a7640000", "code": "0x6001", "storage": {"0x01": "0x02", "0x03": "0x00"}}},
    "transaction": {"data": ["0x", "0xabcd"], "gasLimit": ["0x061a80", "0x5208"], "value": ["0x", "0x:bigint 0x10"],
      "gasPrice": "0x0a", "nonce": "0x01", "to": "b94f5374fce5edbc8e2a8697c15331677e6ebf0b", "accessLists": [null,
      [{"address": "0x00000000000000000000000000000000000000aa", "storageKeys": ["0x01"]}]],
      "secretKey": "0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8"},
    "post": {
      "London": [
        {"indexes": {"data": 1, "gas": 0, "value": 1},
         "hash": "0x1111111111111111111111111111111111111111111111111111111111111111",
         "logs": "0x2222222222222222222222222222222222222222222222222222222222222222"}],
      "Merge": [
        {"indexes": {"data": 0, "gas": 1, "value": 0}, "expectException": "TR_NoFunds",
         "hash": "0x1111111111111111111111111111111111111111111111111111111111111111",
         "logs": "0x2222222222222222222222222222222222222222222222222222222222222222"}]
    }
  }
}"#;

fn read(text: &str) -> Vec<Result<Case, FixtureError>> {
    match cases_of("f.json", text.into()) {
        Ok(cases) => cases.collect(),
        Err(error) => vec![Err(error)],
    }
}

#[test]
fn the_old_form_is_read() {
    let cases: Vec<_> = read(OLD).into_iter().map(Result::unwrap).collect();
    let [london, merge] = cases.as_slice() else { panic!("{} cases", cases.len()) };
    assert_eq!(
        (london.rules, &*london.fork_name, london.d, london.g, london.v),
        (Fork::London.into(), "London", 1, 0, 1)
    );
    assert_eq!(
        (merge.rules, &*merge.fork_name, merge.d, merge.g, merge.v),
        (Fork::Paris.into(), "Merge", 0, 1, 0)
    );
    let (first, second) = (london.transaction.as_ref().unwrap(), merge.transaction.as_ref().unwrap());
    assert_eq!((first.kind, second.kind), (TransactionType::AccessList, TransactionType::Legacy));
    assert_eq!(first.sender, address!("a94f5374fce5edbc8e2a8697c15331677e6ebf0b"));
    assert_eq!(first.to, Some(address!("b94f5374fce5edbc8e2a8697c15331677e6ebf0b")));
    assert_eq!((first.gas_limit, first.value, first.nonce), (400_000, U256::from(16), 1));
    assert_eq!((second.gas_limit, second.value, second.input.len()), (21_000, U256::ZERO, 0));
    assert_eq!(first.access_list[0].storage_keys, [B256::with_last_byte(1)]);
    assert_eq!(first.max_priority_fee_per_gas, U256::from(10));
    assert_eq!((london.block.difficulty, london.block.prevrandao), (U256::from(0x20000), B256::ZERO));
    assert_eq!((merge.block.difficulty, merge.block.prevrandao), (U256::ZERO, U256::from(0x20000).into()));
    assert_eq!((london.block.timestamp, london.chain_id), (1000, 1));
    assert_eq!(london.pre.accounts[&first.sender].storage.len(), 1);
    assert_eq!(london.pre.block_hash(0).unwrap(), keccak256("0"));
    assert_eq!(london.pre.block_hash(1).unwrap().0[0], 0x5e);
    assert!(london.expected.exception.is_none() && merge.expected.exception.is_some());
}

/// The cases of the test above, with `from` replaced by `to`, run by `rules`: the fork they are called by, whose they are, which of the
/// data, gas limits and values they take.
#[track_caller]
fn check_by(
    from: &str,
    to: &str,
    (rules, only): (&str, Option<&str>),
    expected: &[(&str, Option<&str>, [usize; 3])],
) -> Vec<Case> {
    assert!(OLD.contains(from), "{from} is not in the test");
    let only = only.map(|only| only.parse().unwrap());
    let file = FixtureFile::parse("f.json", OLD.replacen(from, to, 1).into()).unwrap();
    let test = file.tests().next().unwrap().unwrap();
    let cases: Vec<_> =
        test.cases_by(rules.parse().unwrap(), rules, only).into_iter().map(Result::unwrap).collect();
    let which = |case: &Case| {
        (case.fork_name.to_string(), case.in_place_of.as_deref().map(str::to_owned), [case.d, case.g, case.v])
    };
    let expected = expected.iter().map(|(name, of, at)| ((*name).to_owned(), of.map(str::to_owned), *at));
    assert_eq!(cases.iter().map(which).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    assert!(cases.iter().all(|case| case.rules == rules.parse::<Rules>().unwrap()));
    cases
}

#[test]
fn cases_are_run_by_other_rules() {
    let (london, merge) = ([1, 0, 1], [0, 1, 0]);
    // Those that the test has for the rules, as they are.
    let own = check_by("", "", ("London", None), &[("London", None, london)]);
    assert_eq!((own[0].not_looked_at(), own[0].expected_root()), (0, Some(B256::repeat_byte(0x11))));
    check_by("", "", ("Paris", None), &[("Merge", None, merge)]);
    // Others from the latest fork that has them, each once.
    let both = [("Osaka", Some("Merge"), merge), ("Osaka", Some("London"), london)];
    let other = check_by("", "", ("Osaka", None), &both);
    assert_eq!(other.iter().map(Case::not_looked_at).collect::<Vec<_>>(), [3, 2]);
    assert!(other.iter().all(|case| case.expected_root().is_none()));
    let same = r#"{"data": 0, "gas": 1, "value": 0},"#;
    check_by(
        r#"{"data": 1, "gas": 0, "value": 1},"#,
        same,
        ("Osaka+7843", None),
        &[("Osaka+7843", Some("Merge"), merge)],
    );
    // What has a name that is not known may be run by what is known.
    check_by("Merge", "Amsterdamned", ("Osaka", None), &[("Osaka", Some("Amsterdamned"), merge), both[1]]);
    // Of one fork alone.
    check_by("", "", ("Osaka", Some("London")), &both[1..]);
    check_by("", "", ("London", Some("Paris")), &[("London", Some("Merge"), merge)]);
    check_by("", "", ("Osaka", Some("Prague")), &[]);
}

#[test]
fn what_a_test_does_not_say_for_other_rules_is_zero() {
    let block = |from: &str, rules: &str| {
        let file = FixtureFile::parse("f.json", OLD.replacen(from, "", 1).into()).unwrap();
        let case = file.tests().next().unwrap().unwrap().cases_by(rules.parse().unwrap(), rules, None);
        case.into_iter().next().unwrap().unwrap().block
    };
    let found = block(r#""currentBaseFee": "0x0a", "currentRandom": "0x20000", "#, "Osaka");
    assert_eq!((found.prevrandao, found.difficulty, found.base_fee), (B256::ZERO, U256::ZERO, 10));
    assert_eq!(
        (found.excess_blob_gas, found.blobs, found.slot_number),
        (0, Rules::of(Fork::Osaka).blobs(), 0)
    );
    let found = block(r#""currentDifficulty": "0x020000","#, "Berlin");
    assert_eq!((found.prevrandao, found.difficulty, found.base_fee), (B256::ZERO, U256::ZERO, 0));
    // What it says is taken: the difficulty is none any more, and the random number was none before.
    assert_eq!(U256::from_be_bytes(block("xx", "Osaka").prevrandao.0), U256::from(0x20000));
    assert_eq!(block("xx", "Berlin").difficulty, U256::from(0x20000));
}

#[test]
fn a_case_by_other_rules_is_a_file_of_those_rules() {
    for (rules, given) in [("Osaka", "Osaka"), ("Cancun", "my.toml")] {
        let file =
            FixtureFile::parse("f.json", OLD.replacen(r#", "currentRandom": "0x20000""#, "", 1).into())
                .unwrap();
        let test = file.tests().next().unwrap().unwrap();
        let case = test.cases_by(rules.parse().unwrap(), given, None).remove(0).unwrap();
        let [alone] = &cases_of("g.json", case.alone()).unwrap().map(Result::unwrap).collect::<Vec<_>>()[..]
        else {
            panic!()
        };
        assert_eq!((&*alone.fork_name, alone.in_place_of.is_none(), alone.rules), (rules, true, case.rules));
        assert_eq!((&alone.block, alone.transaction.as_ref()), (&case.block, case.transaction.as_ref()));
    }
}

/// Replaces `from` by `to` in the test above: the first case that fails says `message`, and `others` cases are still read.
#[track_caller]
fn check(from: &str, to: &str, message: &str, others: usize) {
    assert!(OLD.contains(from), "{from} is not in the test");
    let cases = read(&OLD.replacen(from, to, 1));
    let errors: Vec<_> = cases.iter().filter_map(|case| case.as_ref().err()).collect();
    assert_eq!(errors.first().map(ToString::to_string).as_deref(), Some(message));
    assert_eq!(cases.len() - errors.len(), others, "cases that are still read");
}

#[test]
fn the_whole_state_is_read_where_the_file_has_it() {
    let hash = r#"{"data": 1, "gas": 0, "value": 1},"#;
    let state = r#"{"data": 1, "gas": 0, "value": 1}, "state": {"0x00000000000000000000000000000000000000aa":
        {"nonce": "0x01", "balance": "0x07", "code": "0x", "storage": {"0x01": "0x02"}}},"#;
    let cases: Vec<_> = read(&OLD.replacen(hash, state, 1)).into_iter().map(Result::unwrap).collect();
    let [with, without] = &*cases else { panic!("{} cases", cases.len()) };
    let expected = with.expected_state().unwrap().unwrap();
    let account = &expected.accounts[&address!("00000000000000000000000000000000000000aa")];
    assert_eq!((account.balance, account.storage[&U256::from(1)]), (U256::from(7), U256::from(2)));
    assert_eq!(expected.accounts.len(), 1);
    assert!(without.expected_state().unwrap().is_none());
}

#[test]
fn what_is_wrong_is_named() {
    check(
        r#""data": 1,"#,
        r#""data": 2,"#,
        "f.json: at old.post.London[0].indexes.data: expected an index into the 2 items of transaction.data, found 2",
        1,
    );
    check(
        r#"{"data": 1, "gas": 0, "#,
        "{",
        "f.json: at old.post.London[0].indexes.data: missing field, expected an \
         integer below 2^64",
        1,
    );
    check(
        "Merge",
        "Amsterdamned",
        "f.json: at old.post.Amsterdamned: expected a fork that is known, found \"Amsterdamned\"",
        1,
    );
    check(
        "0xabcd",
        "0xabcg",
        "f.json: at old.transaction.data[1]: expected bytes in hexadecimal, two digits each, found \
         \"0xabcg\"",
        1,
    );
    check(
        "0x6001",
        "0x600",
        "f.json: at old.pre.0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b.code: expected bytes in \
         hexadecimal, two digits each, found \"0x600\"",
        0,
    );
    check(
        r#""currentNumber": "0x02", "#,
        "",
        "f.json: at old.env.currentNumber: missing field, expected an integer below \
         2^64",
        0,
    );
    check(
        r#""0x061a80""#,
        "18446744073709551616",
        "f.json: at old.transaction.gasLimit[0]: expected an integer below 2^64, \
         found 1.8446744073709552e+19",
        1,
    );
    check(
        "0x0de0b6b3a7640000",
        &format!("0x1{}", "0".repeat(64)),
        "f.json: at \
         old.pre.0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b.balance: expected an integer below 2^256, found \
         \"0x10000000000000000000000000000000000000000000000000000000000000000\"",
        0,
    );
    check(
        r#""0x03": "0x00""#,
        r#""0x1": "0x00""#,
        "f.json: at old.pre.0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b.storage.0x1: \
         given twice: slot 0x1",
        0,
    );
    check(
        r#""gasPrice": "0x0a""#,
        r#""gasPrice": -1"#,
        "f.json: at old.transaction.gasPrice: expected an integer below 2^256, \
         found -1",
        0,
    );
    check(
        r#""secretKey": "0x45"#,
        r#""secret": "0x45"#,
        "f.json: at old.transaction.sender: missing field, expected an \
         address: 20 bytes in hexadecimal",
        0,
    );
    check(
        r#""London": [
        {"#,
        r#""London": [{}, {"#,
        "f.json: at old.post.London[0].indexes: missing field, expected an object with data, gas \
         and value",
        2,
    );
    check(
        r#""hash": "0x11"#,
        r#""hash": "0x"#,
        "f.json: at old.post.London[0].hash: expected a hash: 32 bytes in \
         hexadecimal, found \"0x11111111111111111111111111111111111111111111111111111111111111\"",
        1,
    );
}

#[track_caller]
fn check_file(text: &str, message: &str) {
    let cases = read(text);
    let errors: Vec<_> =
        cases.iter().filter_map(|case| case.as_ref().err()).map(ToString::to_string).collect();
    assert_eq!(errors, [message]);
}

#[test]
fn a_file_that_is_no_json_says_where() {
    check_file(
        "",
        "f.json: expected an object of state tests by name: EOF while parsing a value at line 1 column 0",
    );
    check_file("[1]", "f.json: expected an object of state tests by name, found '[' at its beginning");
    check_file("{}", "f.json: expected at least one test, found an empty object");
    check_file(
        &OLD[..700],
        "f.json: expected an object of state tests by name: EOF while parsing an object at line 10 column 115",
    );
    check_file(
        &format!("{OLD}}}"),
        "f.json: expected an object of state tests by name: trailing characters at line 25 column 2",
    );
    check_file(
        r#"{"a": 1e999}"#,
        "f.json: at a: expected a state test: number out of range at line 1 column 5",
    );
    check_file(r#"{"a": 7}"#, "f.json: at a: expected an object, found 7");
}

#[test]
fn a_bad_test_hides_no_other() {
    let two = OLD.replacen("{\n  \"old\"", "{\"bad\": {\"env\": []}, \"old\"", 1);
    let two: Vec<_> = read(&two).into_iter().map(|case| case.map_err(|error| error.to_string())).collect();
    assert_eq!(two.len(), 3);
    assert_eq!(two[0].as_ref().err().unwrap(), "f.json: at bad.env: expected an object, found a list of 0");
    assert!(two[1].is_ok() && two[2].is_ok());
    let twice = OLD.replacen("{\n  \"old\"", "{\"old\": {}, \"old\"", 1);
    assert_eq!(
        read(&twice)[1].as_ref().err().unwrap().to_string(),
        "f.json: at old: given twice: the test old"
    );
}

#[test]
fn a_bomb_of_brackets_is_refused_at_its_first_ones() {
    let bomb = format!("{{\"a\": {}", "[".repeat(100 << 20));
    let expected = format!("f.json: JSON nested deeper than {MAX_NESTING} at byte 69");
    check_file(&bomb, &expected);
    // Brackets in a string nest nothing.
    check_file(
        &format!(r#"{{"a": "{}\"{}"}}"#, "[".repeat(500), "{".repeat(500)),
        &format!("f.json: at a: expected an object, found \"{}... (1001 bytes)\"", "[".repeat(80)),
    );
}

#[test]
fn a_transaction_that_no_field_can_hold_is_malformed_where_that_is_expected() {
    let overflow = OLD.replacen("0x:bigint 0x10", &format!("0x:bigint 0x1{}", "0".repeat(64)), 1);
    let london = r#""indexes": {"data": 1, "gas": 0, "value": 1},"#;
    let expecting =
        |name: &str| overflow.replacen(london, &format!(r#"{london} "expectException": "{name}","#), 1);
    let case = read(&expecting("TransactionException.RLP_INVALID_VALUE")).remove(0).unwrap();
    assert!(
        case.transaction.unwrap_err().starts_with("transaction.value[1]: expected an integer below 2^256")
    );
    assert!(read(&expecting("TransactionException.NONCE_IS_MAX")).remove(0).is_err());
    assert!(read(&overflow).remove(0).is_err());
}

/// Every official file, where it is there.
#[test]
fn every_official_case_is_read() {
    let shared = std::env::var_os("PARALLAX_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let mut folders = vec![shared.join("eest")];
    if !folders[0].is_dir() {
        eprintln!("left out: no official state tests in {}", folders[0].display());
        return;
    }
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            for case in cases(&path).unwrap() {
                let case = case.unwrap();
                assert!(case.transaction.is_ok(), "{}: {:?}", case.name, case.transaction);
                count += 1;
            }
        }
    }
    assert!(count > 0);
    eprintln!("{count} cases read");
}
