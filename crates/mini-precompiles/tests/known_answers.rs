//! Answers of the executable specification, got by running it (`ethereum-execution` 2.20.0): price and output of each input,
//! in every fork that has the contract.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]
use parallax_mini_precompiles::{Output, PrecompileHalt, addresses, run};
use parallax_primitives::{Address, Bytes, Fork, hex};

fn address(number: u16) -> Address {
    Address::left_padding_from(&number.to_be_bytes())
}

/// Bytes as texts of `../shared/facts` have them: `00*30+0401` is 30 zeros, then 0x0401; `-` is nothing.
fn bytes(text: &str) -> Vec<u8> {
    if text == "-" {
        return vec![];
    }
    let part = |part: &str| match part.split_once('*') {
        Some((digits, count)) => hex::decode(digits).unwrap().repeat(count.parse().unwrap()),
        None => hex::decode(part).unwrap(),
    };
    text.split('+').flat_map(part).collect()
}

/// The contract answers `output` in every fork from `since` on, for exactly `price`; one gas less is out of gas.
#[track_caller]
fn check(since: Fork, contract: u16, input: &[u8], price: u64, output: &[u8]) {
    for fork in Fork::ALL {
        let answer = |gas| run(fork, address(contract), input, gas);
        if fork < since {
            assert_eq!(answer(u64::MAX), None, "{fork}");
            continue;
        }
        let expected = Output { gas_used: price, bytes: Bytes::copy_from_slice(output) };
        assert_eq!(answer(price), Some(Ok(expected.clone())), "{fork}");
        assert_eq!(answer(u64::MAX), Some(Ok(expected)), "{fork}");
        assert_eq!(answer(price - 1), Some(Err(PrecompileHalt::OutOfGas)), "{fork}");
    }
}

#[test]
fn contracts_came_in_the_order_of_their_addresses() {
    assert_eq!(addresses(Fork::SpuriousDragon).collect::<Vec<_>>(), [1, 2, 3, 4].map(address));
    for fork in Fork::ALL {
        assert!(addresses(fork).is_sorted());
        for number in 0..=0x200 {
            let there = run(fork, address(number), &[], 0).is_some();
            assert_eq!(there, addresses(fork).any(|there| there == address(number)), "{fork} {number:#x}");
        }
    }
}

#[test]
fn ecrecover() {
    const HASH: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const R: &str = "45c66894f81a0c55d809102082de99d030ca1c9e2a9ce413b27f38f3c0ffa9d7";
    const S: &str = "1420f34d854f3fafc3d50f9d9b448a42579601a981281f0d8daa5abff84d2322";
    const HIGH_S: &str = "ebdf0cb27ab0c0503c2af06264bb75bc6318db3d2e20812e322803ccd7e91e1f";
    const CUT_S: &str = "1420f34d854f3fafc3d50f9d9b448a42579601a981281f0d8daa5abff84d23";
    const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    const BELOW: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140";
    const GENERATOR: &str = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    const SIGNER: &str = "19e7e376e7c213b7e7e7e46cc70a5dd086daff2a";
    const NOBODY: &str = "";

    type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);
    const ROWS: [Row; 16] = [
        (HASH, "00*31+1b", R, S, SIGNER),
        (HASH, "00*31+1c", R, HIGH_S, SIGNER),
        (HASH, "00*31+1c", R, S, "ad26aad1b93f91ed51c3db4302ac670596f830e6"),
        (HASH, "00*31+1b", R, CUT_S, "30726bdd8d6a6e939c0bd93e3589552d88413ba4"),
        (HASH, "01+00*30+1b", R, S, NOBODY),
        (HASH, "00*30+011b", R, S, NOBODY),
        (HASH, "00*31+1a", R, S, NOBODY),
        (HASH, "00*31+1d", R, S, NOBODY),
        (HASH, "00*32", R, S, NOBODY),
        (HASH, "00*31+1b", "00*32", S, NOBODY),
        (HASH, "00*31+1b", ORDER, S, NOBODY),
        (HASH, "00*31+1b", R, "00*32", NOBODY),
        (HASH, "00*31+1b", R, ORDER, NOBODY),
        (HASH, "00*31+1b", "00*31+05", S, NOBODY),
        (HASH, "00*31+1b", BELOW, BELOW, NOBODY),
        // The key would be the point at infinity.
        ("00*31+07", "00*31+1b", GENERATOR, "00*31+07", NOBODY),
    ];
    for (hash, v, r, s, signer) in ROWS {
        let input = [hash, v, r, s].map(bytes).concat();
        let output = if signer.is_empty() { vec![] } else { bytes(&format!("00*12+{signer}")) };
        check(Fork::Frontier, 1, &input, 3000, &output);
        if input.len() == 128 {
            check(Fork::Frontier, 1, &[&input[..], &[0xff]].concat(), 3000, &output);
        }
    }
    check(Fork::Frontier, 1, &[], 3000, &[]);
}

/// Bytes that differ from each other and from those of other lengths.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| u8::try_from((i * 7 + length) & 0xff).unwrap()).collect()
}

#[test]
fn hashes_and_identity() {
    const ROWS: [(usize, u64, &str, &str); 14] = [
        (
            0,
            0,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "9c1185a5c5e9fc54612808977ee8f548b2258d31",
        ),
        (
            1,
            1,
            "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a",
            "f291ba5015df348c80853fa5bb0f7946f5c9e1b3",
        ),
        (
            31,
            1,
            "6c56c9f0cdd4759c04aa75b8583e11614c25b347c984ca4c6bcb1fdfb09fb268",
            "e1263d7a31cae67c3c2c85d9f8a29f43ae8329a8",
        ),
        (
            32,
            1,
            "70b25e78a713fbc17ba3f5e9b25c16200202a776ddb67fffb745d54b9eee7f29",
            "3af08531e63ef9fecf991f002c9f24c4f212de04",
        ),
        (
            33,
            2,
            "91b1f04c498a0d2ca0febf8a29dba678ce15d4aeac21e98a53a085d8282af974",
            "7f4ea87849a6efec5cbe8f4a2d99f2f447e984b7",
        ),
        (
            55,
            2,
            "81afe5b788dc2ce138ff83d9b20164db75a94d75d2b2432eea4a0ef605088c72",
            "8ce4447e6a334c0d0fd3e0497000d5517b290c6b",
        ),
        (
            56,
            2,
            "2aba54f0ac632420a2b502431408866e40e1d5e430df4cd822642c78ab2eb9c1",
            "02bbf2b0a77eb8de66c498f16384e495975a36c0",
        ),
        (
            63,
            2,
            "733d3d4ee79ee67145bf73da13588f6f235d37414fc64b14a2f00f1762792f5e",
            "487308a77bcebfff3ec6a8961aeec6cb37674388",
        ),
        (
            64,
            2,
            "79322907b3e9d013d7dc2c2f256674dbf733045cde01df3539271c6f5605feb8",
            "fdd721c94769fc21316ecff699e63a77ef64fab4",
        ),
        (
            65,
            3,
            "d85c007c6eb440f085afa2b84f6f2bce4658b240e9f62cb1364bf0485a57e720",
            "4f5953456c001a29a93a01b13edfd89a40613606",
        ),
        (
            119,
            4,
            "6c87eedf096b345de205b702e5223b73b447a3207791ded3ea007ba15ed6736e",
            "24df45a68bf7057239f2b9b0523d1da9cd13f088",
        ),
        (
            120,
            4,
            "42500cf6a1e3936d6b9e0bcfe296d654b63255e525487d3634d0b15fde591c4d",
            "57cb6d761e1c48de60fea795121dbf972f262e5d",
        ),
        (
            128,
            4,
            "489d55fea9a73af36b6dd0be7b4117d8e5683386d39544e8a44c99a87f368707",
            "55246fefe2e0f589c3cfd43279f97691117330ef",
        ),
        (
            200,
            7,
            "8e3f3819b4f1b1f71c011c6b854c43601f132c3c88b8982b20733d2b1695c593",
            "8d85358ee11cecf390adde8af082580bdec887d7",
        ),
    ];
    for (length, words, sha256, ripemd160) in ROWS {
        let input = pattern(length);
        check(Fork::Frontier, 2, &input, 60 + 12 * words, &bytes(sha256));
        check(Fork::Frontier, 3, &input, 600 + 120 * words, &bytes(&format!("00*12+{ripemd160}")));
        check(Fork::Frontier, 4, &input, 15 + 3 * words, &input);
    }
}

/// One line of `answers.txt`: first and last fork with these rules, contract, input, and what the specification says to it.
#[track_caller]
fn check_line(line: &str) {
    let (call, expected) = line.split_once(" = ").unwrap();
    let [first, last, contract, input] = call.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let contract = address(u16::from_str_radix(contract, 16).unwrap());
    let input = bytes(input);
    let forks: [Fork; 2] = [first, last].map(|name| name.parse().unwrap());
    for fork in forks {
        let answer = |gas| run(fork, contract, &input, gas).unwrap();
        match expected.split_once(' ') {
            None => assert!(matches!(answer(u64::MAX), Err(PrecompileHalt::Refused(_))), "{fork} {line}"),
            Some(("out", "of gas")) => {
                assert_eq!(answer(u64::MAX), Err(PrecompileHalt::OutOfGas), "{fork} {line}");
            }
            Some((price, output)) => {
                let price: u64 = price.parse().unwrap();
                let output = Ok(Output { gas_used: price, bytes: bytes(output).into() });
                assert_eq!(answer(price), output, "{fork} {line}");
                if let Some(less) = price.checked_sub(1) {
                    assert_eq!(answer(less), Err(PrecompileHalt::OutOfGas), "{fork} {line}");
                }
            }
        }
    }
}

/// What the cheap contracts above leave: MODEXP, the curves, BLAKE2F, KZG, P256VERIFY. Made points, near misses (bits,
/// lengths, elements at and above the modulus, points off the curve and off the group), infinity.
#[test]
fn answers_of_the_specification() {
    include_str!("answers.txt").lines().for_each(check_line);
}

/// An exponent of 2^60 bytes, and one of 2^64, which 7,378,697,629,483,820,646 gas would pay for: the specification, in Python,
/// cannot hold them either.
#[test]
fn nothing_is_allocated_that_no_memory_holds() {
    for length in ["00*24+10+00*7", "00*23+01+00*8"] {
        let input = bytes(&format!("00*31+01+{length}+00*31+01+020307"));
        let answer = run(Fork::Byzantium, address(5), &input, u64::MAX).unwrap();
        assert_eq!(answer, Err(PrecompileHalt::Refused("MODEXP: a number longer than any memory")));
    }
}
