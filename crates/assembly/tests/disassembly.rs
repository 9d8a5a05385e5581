//! The listing, and that its plain form assembles to the same bytes for any code.

use std::{
    fs,
    path::{Path, PathBuf},
};

use parallax_assembly::{assemble, disassemble};
use parallax_primitives::{Fork, Rules, hex};

#[test]
fn listing() {
    let code = hex::decode("60055661000c5b5b5f5c0c60015763ffff").unwrap();
    let cancun = "\
block 0: 2 instructions, 11 static gas
  000000  6005        PUSH1 0x05
  000002  56          JUMP
block 1: 1 instructions, 3 static gas
  000003  61000c      PUSH2 0x000c
block 2: 1 instructions, 1 static gas
> 000006  5b          JUMPDEST
block 3: 4 instructions, 103 static gas
> 000007  5b          JUMPDEST
  000008  5f          PUSH0
  000009  5c          TLOAD
? 00000a  0c          DB 0x0c  ; undefined
block 4: 2 instructions, 13 static gas
  00000b  6001        PUSH1 0x01
  00000d  57          JUMPI
block 5: 1 instructions, 3 static gas
  00000e  63ffff      DB 0x63ffff  ; PUSH4, cut off by the end of the code
";
    assert_eq!(disassemble(&code, Fork::Cancun).to_string(), cancun);
    let berlin = disassemble(&code, Fork::Berlin);
    assert!(berlin.to_string().contains("? 000008  5f          PUSH0  ; undefined\nblock 4:"), "{berlin}");
    assert_eq!(berlin.jump_destinations().collect::<Vec<_>>(), [6, 7]);
    // 0x5b inside push data is no destination.
    assert_eq!(
        disassemble(&[0x61, 0x5b, 0x5b, 0x5b], Fork::Cancun).jump_destinations().collect::<Vec<_>>(),
        [3]
    );
    assert_eq!(disassemble(&[], Fork::Cancun).to_string(), "");
}

/// What names no items is no part of the opcode, and a destination if it is a JUMPDEST.
#[test]
fn immediates() {
    let code = hex::decode("e680e89de65be8605be7").unwrap();
    let with = "\
block 0: 3 instructions, 9 static gas
  000000  e680        DUPN 17
  000002  e89d        EXCHANGE 2 3
  000004  e6          DB 0xe6  ; DUPN, and 0x5b is no immediate of it
block 1: 2 instructions, 4 static gas
> 000005  5b          JUMPDEST
  000006  e8          DB 0xe8  ; EXCHANGE, and 0x60 is no immediate of it
block 2: 2 instructions, 6 static gas
  000007  605b        PUSH1 0x5b
  000009  e7          DB 0xe7  ; SWAPN, cut off by the end of the code
";
    let rules: Rules = "Osaka+8024".parse().unwrap();
    assert_eq!(disassemble(&code, rules).to_string(), with);
    let without = disassemble(&code, Fork::Osaka).to_string();
    assert!(without.contains("? 000000  e6          DB 0xe6  ; undefined\nblock 1:"), "{without}");
    assert!(without.contains("  000001  80          DUP1\n"), "{without}");
    for byte in 0..=255 {
        for opcode in [0xe6, 0xe7, 0xe8] {
            check_round_trip(&[opcode, byte, 0x5b], rules);
        }
    }
}

#[track_caller]
fn check_round_trip(code: &[u8], rules: impl Into<Rules>) {
    let listing = disassemble(code, rules);
    assert_eq!(assemble(&listing.source()).map(|bytes| bytes.to_vec()), Ok(code.to_vec()), "{listing}");
    let bytes: usize = listing.instructions.iter().map(|i| 1 + i.data.len()).sum();
    assert_eq!(bytes, code.len());
}

#[test]
fn random_bytes_round_trip() {
    // A fixed sequence (xorshift): the same bytes in every run.
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for _ in 0..2000 {
        let length = usize::try_from(next() % 200).unwrap();
        let code: Vec<u8> = (0..length).map(|_| next().to_le_bytes()[3]).collect();
        let fork = Fork::ALL[usize::try_from(next() % 20).unwrap()];
        check_round_trip(&code, fork);
    }
    for byte in 0..=255 {
        check_round_trip(&[byte], Fork::LATEST);
    }
}

#[test]
fn official_codes_round_trip() {
    let shared = std::env::var_os("PARALLAX_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let root = shared.join("eest");
    if !root.is_dir() {
        eprintln!("left out: official codes ({} is not there)", root.display());
        return;
    }
    let mut codes = std::collections::BTreeSet::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                let tests: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                collect_codes(&tests, &mut codes);
            }
        }
    }
    assert!(codes.len() > 1000, "only {} codes", codes.len());
    for code in &codes {
        check_round_trip(code, Fork::LATEST);
    }
}

/// The pre-state's codes and the transactions' data of every test of a file.
fn collect_codes(tests: &serde_json::Value, codes: &mut std::collections::BTreeSet<Vec<u8>>) {
    for test in tests.as_object().into_iter().flat_map(serde_json::Map::values) {
        let accounts = test["pre"].as_object().into_iter().flat_map(serde_json::Map::values);
        let data = test["transaction"]["data"].as_array().into_iter().flatten();
        for code in accounts.map(|account| &account["code"]).chain(data).filter_map(|code| code.as_str()) {
            codes.insert(hex::decode(code).expect("official codes are hexadecimal"));
        }
    }
}
