//! `fixtures/facts/eels-facts.json`, the numbers of the executable specification: which precompiled contracts each fork has, and
//! every input that the file has for one, on both sides. `primitives` compares the file's other numbers (`facts_witness`).

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

#[path = "../../../fixtures/facts/mod.rs"]
mod facts;

use facts::facts;

use parallax_mini_precompiles::{Output, PrecompileHalt, addresses, run};
use parallax_precompiles::{PrecompileError, PrecompileOutput, Precompiles};
use parallax_primitives::{Address, Fork, Parameter, Rules, hex, keccak256};
use serde_json::Value;

/// `00*30+0401` is 30 zeros, then 0x0401.
fn bytes(text: &str) -> Vec<u8> {
    if text == "(empty)" {
        return vec![];
    }
    let part = |part: &str| match part.split_once('*') {
        Some((digits, count)) => hex::decode(digits).unwrap().repeat(count.parse().unwrap()),
        None => hex::decode(part).unwrap(),
    };
    text.split('+').flat_map(part).collect()
}

/// As the file has it: hex digits up to 32 bytes, above that how many and the beginning of their hash.
fn shown(output: &[u8]) -> String {
    match output.len() {
        0..=32 => hex::encode(output),
        length => format!("{length} bytes, keccak {}", hex::encode(&keccak256(output)[..8])),
    }
}

#[track_caller]
fn check(fork: Fork, address: Address, input: &str, expected: &Value) {
    let data = bytes(input);
    let place = format!("{fork} {address} {input}");
    let answer = run(fork, address, &data, u64::MAX).unwrap();
    if expected.get("fail").is_some() {
        assert!(answer.is_err(), "{place}: {answer:?}");
        return;
    }
    let Output { gas_used, bytes } = answer.unwrap_or_else(|halt| panic!("{place}: {halt}"));
    assert_eq!(gas_used, expected["gas"].as_u64().unwrap(), "{place}");
    assert_eq!(shown(&bytes), expected["out"].as_str().unwrap(), "{place}");
    assert_eq!(run(fork, address, &data, gas_used), Some(Ok(Output { gas_used, bytes })), "{place}");
    if let Some(less) = gas_used.checked_sub(1) {
        assert_eq!(run(fork, address, &data, less), Some(Err(PrecompileHalt::OutOfGas)), "{place}");
    }
}

/// The same of the first side.
#[track_caller]
fn check_first(fork: Fork, address: Address, input: &str, expected: &Value) {
    let data = bytes(input);
    let place = format!("{fork} {address} {input}");
    let contract = Precompiles::of(fork).get(&address).unwrap();
    let answer = contract.run(&data, u64::MAX);
    if expected.get("fail").is_some() {
        assert!(answer.is_err(), "{place}: {answer:?}");
        return;
    }
    let PrecompileOutput { gas_used, output } = answer.unwrap_or_else(|error| panic!("{place}: {error}"));
    assert_eq!(gas_used, expected["gas"].as_u64().unwrap(), "{place}");
    assert_eq!(shown(&output), expected["out"].as_str().unwrap(), "{place}");
    if let Some(less) = gas_used.checked_sub(1) {
        assert_eq!(contract.run(&data, less), Err(PrecompileError::OutOfGas), "{place}");
    }
}

#[test]
fn every_input_of_the_file() {
    let facts = facts();
    let mut inputs = 0;
    for fork in Fork::ALL {
        let contracts = facts[fork.name()]["precompiles"].as_object().unwrap();
        let named: Vec<Address> =
            contracts.keys().map(|name| Address::left_padding_from(&hex::decode(name).unwrap())).collect();
        assert_eq!(addresses(fork).collect::<Vec<_>>(), named, "{fork}");
        assert_eq!(Precompiles::of(fork).addresses().collect::<Vec<_>>(), named, "{fork}");
        for (address, contract) in named.into_iter().zip(contracts.values()) {
            let name = Precompiles::of(fork).get(&address).unwrap().id().name();
            assert_eq!(name, contract["name_7910"].as_str().unwrap(), "{fork}");
            for (input, expected) in contract["inputs"].as_object().unwrap() {
                check(fork, address, input, expected);
                check_first(fork, address, input, expected);
                inputs += 1;
            }
        }
    }
    assert!(inputs > 1000, "{inputs}");
    println!("{inputs} inputs");
}

#[test]
fn every_discount_of_the_file() {
    let facts = facts();
    let contracts = &facts["Prague"]["precompiles"];
    for (name, pair, price) in [("000c", 160, 12_000), ("000e", 288, 22_500)] {
        let address = Address::left_padding_from(&hex::decode(name).unwrap());
        let mut discounts: Vec<u64> = contracts[name]["discount_per_mille_of_k_from_1"]
            .as_array()
            .unwrap()
            .iter()
            .map(|discount| discount.as_u64().unwrap())
            .collect();
        assert_eq!(discounts.len(), 128);
        discounts.extend([contracts[name]["discount_beyond"].as_u64().unwrap(); 3]);
        for (pairs, discount) in (1..).zip(discounts) {
            let gas = u64::try_from(pairs).unwrap() * price * discount / 1000;
            let output = run(Fork::Prague, address, &vec![0; pairs * pair], u64::MAX).unwrap().unwrap();
            assert_eq!(output.gas_used, gas, "{name} {pairs}");
            let first = Precompiles::of(Fork::Prague).get(&address).unwrap();
            assert_eq!(first.run(&vec![0; pairs * pair], u64::MAX).unwrap().gas_used, gas, "{name} {pairs}");
        }
    }
}

/// Each price of a contract by itself, 1,000 more of it: some input of the file costs more then, on both sides the same.
#[test]
fn every_price_is_a_parameter() {
    let facts = facts();
    let contracts = facts["Osaka"]["precompiles"].as_object().unwrap();
    let rows: Vec<(Address, Vec<u8>)> = contracts
        .iter()
        .flat_map(|(name, contract)| {
            let address = Address::left_padding_from(&hex::decode(name).unwrap());
            contract["inputs"].as_object().unwrap().keys().map(move |input| (address, bytes(input)))
        })
        .collect();
    let is_ours = |parameter: &&Parameter| parameter.name().starts_with("precompile_");
    let parameters: Vec<_> = Parameter::ALL.iter().filter(is_ours).collect();
    assert!(parameters.len() > 20, "{parameters:?}");
    for parameter in parameters {
        let before = Rules::of(Fork::Osaka).gas().get(*parameter);
        let rules = Rules::builder(Fork::Osaka).parameter(*parameter, before + 1000).build().unwrap();
        let mut dearer = 0;
        for (address, input) in &rows {
            let contract = Precompiles::of(rules).get(address).unwrap();
            let plain = run(rules, *address, input, u64::MAX).unwrap().ok().map(|output| output.gas_used);
            let fast = contract.run(input, u64::MAX).ok().map(|output| output.gas_used);
            let place = format!("{} at {address}, {} bytes", parameter.name(), input.len());
            assert_eq!(plain, fast, "{place}");
            let before = run(Fork::Osaka, *address, input, u64::MAX).unwrap();
            let (Some(now), Ok(before)) = (plain, before) else { continue };
            dearer += usize::from(now > before.gas_used);
            if now > 0 {
                assert!(run(rules, *address, input, now - 1).unwrap().is_err(), "{place}");
                assert_eq!(contract.run(input, now - 1), Err(PrecompileError::OutOfGas), "{place}");
            }
        }
        assert!(dearer > 0, "{} changes nothing", parameter.name());
    }
}
