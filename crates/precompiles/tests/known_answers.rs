//! Every contract against answers of the executable specification, in every fork, with just enough gas and one too little.
#![allow(clippy::unwrap_used)]

use parallax_precompiles::{PrecompileError, PrecompileOutput, Precompiles};
use parallax_primitives::{Address, Bytes, Fork, U256, hex};

/// What a row states from one fork on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Gas(u64),
    Fails,
}

struct Row {
    case: &'static str,
    address: Address,
    input: Bytes,
    output: Bytes,
    since: Vec<(Fork, Expected)>,
}

fn rows() -> Vec<Row> {
    let lines = include_str!("known_answers.txt").lines();
    lines.filter(|line| !line.starts_with('#')).map(row).collect()
}

fn row(line: &'static str) -> Row {
    let bytes = |text: &str| Bytes::from(hex::decode(text.trim_matches('-')).unwrap());
    let words: Vec<_> = line.split(' ').collect();
    let [case, address, input, output, since @ ..] = words.as_slice() else { panic!("short row: {line}") };
    let since = since.iter().map(|word| {
        let (fork, gas) = word.split_once('=').unwrap();
        let expected = if gas == "fails" { Expected::Fails } else { Expected::Gas(gas.parse().unwrap()) };
        (fork.parse().unwrap(), expected)
    });
    Row {
        case,
        address: Address::left_padding_from(&bytes(address)),
        input: bytes(input),
        output: bytes(output),
        since: since.collect(),
    }
}

#[test]
fn every_known_answer_in_every_fork() {
    for row in rows() {
        for fork in Fork::ALL.into_iter().filter(|fork| *fork >= row.since[0].0) {
            let expected = row.since.iter().rfind(|(since, _)| *since <= fork).unwrap().1;
            check(&row, fork, expected);
        }
    }
}

#[track_caller]
fn check(row: &Row, fork: Fork, expected: Expected) {
    let contract = Precompiles::of(fork).get(&row.address).unwrap();
    let case = format!("{} in {fork}", row.case);
    match expected {
        Expected::Gas(gas_used) => {
            let output = row.output.clone();
            assert_eq!(
                contract.run(&row.input, gas_used),
                Ok(PrecompileOutput { gas_used, output }),
                "{case}"
            );
            if let Some(too_little) = gas_used.checked_sub(1) {
                assert_eq!(contract.run(&row.input, too_little), Err(PrecompileError::OutOfGas), "{case}");
            }
        }
        Expected::Fails => {
            let failed = contract.run(&row.input, 1_000_000_000);
            assert!(matches!(failed, Err(PrecompileError::Failed(_))), "{case}: {failed:?}");
        }
    }
}

#[test]
fn every_contract_has_an_answer_and_every_fallible_one_a_failure() {
    let rows = rows();
    // These answer any input.
    let infallible = ["ECREC", "SHA256", "RIPEMD160", "ID", "P256VERIFY"];
    for address in Precompiles::of(Fork::LATEST).addresses() {
        let expected: Vec<_> =
            rows.iter().filter(|row| row.address == address).flat_map(|row| &row.since).collect();
        let name = Precompiles::of(Fork::LATEST).get(&address).unwrap().id().name();
        assert!(expected.iter().any(|(_, expected)| *expected != Expected::Fails), "{name} has no answer");
        let fails = expected.iter().any(|(_, expected)| *expected == Expected::Fails);
        assert_ne!(fails, infallible.contains(&name), "{name}");
    }
}

#[test]
fn each_fork_has_its_contracts() {
    let added = [
        (Fork::Frontier, vec![1, 2, 3, 4]),
        (Fork::Byzantium, vec![5, 6, 7, 8]),
        (Fork::Istanbul, vec![9]),
        (Fork::Cancun, vec![10]),
        (Fork::Prague, vec![11, 12, 13, 14, 15, 16, 17]),
        (Fork::Osaka, vec![256]),
    ];
    for fork in Fork::ALL {
        let expected = added.iter().filter(|(since, _)| fork >= *since).flat_map(|(_, numbers)| numbers);
        let expected: Vec<_> = expected.map(|&number| address(number)).collect();
        assert_eq!(Precompiles::of(fork).addresses().collect::<Vec<_>>(), expected, "{fork}");
        for number in 0..=257 {
            let address = address(number);
            let found = Precompiles::of(fork).get(&address);
            assert_eq!(found.is_some(), expected.contains(&address));
            assert!(found.is_none_or(|contract| contract.id().address() == address));
        }
    }
}

#[test]
fn a_high_byte_makes_it_another_address() {
    let mut almost = address(1);
    almost.0[0] = 1;
    assert!(Precompiles::of(Fork::Osaka).get(&almost).is_none());
}

fn address(number: u16) -> Address {
    Address::left_padding_from(&number.to_be_bytes())
}

#[test]
fn operands_that_no_memory_holds_fail() {
    let (huge, one) = (U256::MAX, U256::ONE);
    for [base, exponent, modulus] in [
        [huge, U256::ZERO, U256::ZERO],
        [U256::ZERO, huge, one],
        [one, U256::from(u64::MAX), U256::ZERO],
        [U256::ZERO, U256::ZERO, U256::from(u64::MAX)],
    ] {
        let input = [base, exponent, modulus].map(|length| length.to_be_bytes::<32>()).concat();
        for fork in [Fork::Byzantium, Fork::Berlin, Fork::Osaka] {
            let contract = Precompiles::of(fork).get(&address(5)).unwrap();
            assert!(contract.run(&input, u64::MAX).is_err(), "{fork}");
        }
    }
}

#[test]
fn no_input_makes_a_contract_panic_or_take_more_than_it_was_given() {
    const GAS: u64 = 300_000;
    let lengths =
        [0, 1, 31, 32, 63, 64, 65, 96, 97, 128, 160, 191, 192, 212, 213, 214, 256, 288, 384, 512, 768];
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for address in Precompiles::of(Fork::LATEST).addresses() {
        for length in lengths {
            // All ones, all zeros, and noise.
            let noise = (0..length).map(|_| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random.to_be_bytes()[0]
            });
            for input in [noise.collect(), vec![0; length], vec![0xff; length]] {
                let contract = Precompiles::of(Fork::LATEST).get(&address).unwrap();
                if let Ok(done) = contract.run(&input, GAS) {
                    assert!(done.gas_used <= GAS, "{}", contract.id().name());
                }
            }
        }
    }
}

/// Where several reasons meet, the specification's first one: lengths before the price, but for MODEXP before Osaka, which refuses
/// nothing.
#[test]
fn a_failure_has_the_specification_s_reason() {
    let [short, long] = [31, 30].map(|zeros| [vec![0; zeros], vec![1; 32 - zeros]].concat());
    let above = [vec![0; 30], vec![4, 1]].concat();
    let endless = [vec![0; 23], vec![1], vec![0; 8]].concat();
    let modexp = |lengths: [&[u8]; 3]| lengths.concat();
    let (refused, out_of_gas) = (false, true);
    for (contract, fork, input, gas, expected) in [
        (0x0a, Fork::Cancun, vec![0; 191], 0, refused),
        (0x0a, Fork::Cancun, vec![0; 192], 0, out_of_gas),
        (0x0b, Fork::Prague, vec![], 0, refused),
        (0x0b, Fork::Prague, vec![0; 256], 374, out_of_gas),
        (0x0d, Fork::Prague, vec![0; 511], 0, refused),
        (0x0d, Fork::Prague, vec![0; 512], 599, out_of_gas),
        (0x10, Fork::Prague, vec![0; 65], 0, refused),
        (0x10, Fork::Prague, vec![0; 64], 0, out_of_gas),
        (0x11, Fork::Prague, vec![0; 127], 0, refused),
        (0x11, Fork::Prague, vec![0; 128], 0, out_of_gas),
        (0x05, Fork::Osaka, modexp([&above, &short, &short]), 0, refused),
        (0x05, Fork::Osaka, modexp([&short, &above, &short]), 0, refused),
        (0x05, Fork::Osaka, modexp([&short, &short, &above]), 0, refused),
        (0x05, Fork::Osaka, modexp([&long, &short, &short]), 0, out_of_gas),
        (0x05, Fork::Prague, modexp([&above, &short, &short]), 0, out_of_gas),
        (0x05, Fork::Prague, modexp([&short, &short, &endless]), 100_000_000, out_of_gas),
        (0x05, Fork::Byzantium, modexp([&short, &short, &endless]), u64::MAX, out_of_gas),
        (0x05, Fork::Berlin, modexp([&endless, &endless, &endless]), u64::MAX, out_of_gas),
    ] {
        let address = Address::left_padding_from(&[contract]);
        let error = Precompiles::of(fork).get(&address).unwrap().run(&input, gas).unwrap_err();
        let case = format!("{contract:#x} in {fork}, {} bytes, {gas} gas: {error}", input.len());
        assert_eq!(error == PrecompileError::OutOfGas, expected, "{case}");
    }
}
