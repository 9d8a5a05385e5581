//! Official vectors in go-ethereum's form (its `core/vm/testdata/precompiles`), if `PARALLAX_PRECOMPILE_VECTORS` names their
//! folder: prices and outputs, and inputs that are refused. No copy of them is kept here.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{fs, path::PathBuf};

use parallax_mini_precompiles::{Output, PrecompileHalt, run};
use parallax_primitives::{Address, Bytes, Fork, hex};
use serde_json::Value;

/// A file's name without `fail-`, the contract, the fork whose rules it means.
const FILES: [(&str, u16, Fork); 20] = [
    ("ecRecover", 0x01, Fork::Frontier),
    ("modexp", 0x05, Fork::Byzantium),
    ("modexp_eip2565", 0x05, Fork::Berlin),
    ("modexp_eip7883", 0x05, Fork::Osaka),
    ("bn256Add", 0x06, Fork::Istanbul),
    ("bn256ScalarMul", 0x07, Fork::Istanbul),
    ("bn256Pairing", 0x08, Fork::Istanbul),
    ("blake2F", 0x09, Fork::Istanbul),
    ("blake2f", 0x09, Fork::Istanbul),
    ("pointEvaluation", 0x0a, Fork::Cancun),
    ("blsG1Add", 0x0b, Fork::Prague),
    ("blsG1Mul", 0x0c, Fork::Prague),
    ("blsG1MultiExp", 0x0c, Fork::Prague),
    ("blsG2Add", 0x0d, Fork::Prague),
    ("blsG2Mul", 0x0e, Fork::Prague),
    ("blsG2MultiExp", 0x0e, Fork::Prague),
    ("blsPairing", 0x0f, Fork::Prague),
    ("blsMapG1", 0x10, Fork::Prague),
    ("blsMapG2", 0x11, Fork::Prague),
    ("p256Verify", 0x100, Fork::Osaka),
];

fn bytes(value: &Value) -> Bytes {
    hex::decode(value.as_str().unwrap()).unwrap().into()
}

#[track_caller]
fn check(contract: u16, fork: Fork, vector: &Value) {
    let address = Address::left_padding_from(&contract.to_be_bytes());
    let input = bytes(&vector["Input"]);
    let answer = |gas| run(fork, address, &input, gas).unwrap();
    let name = format!("{contract:#x} {fork} {}", vector["Name"]);
    if vector.get("ExpectedError").is_some() {
        assert!(matches!(answer(u64::MAX), Err(PrecompileHalt::Refused(_))), "{name}");
        return;
    }
    let gas_used = vector["Gas"].as_u64().unwrap();
    assert_eq!(answer(gas_used), Ok(Output { gas_used, bytes: bytes(&vector["Expected"]) }), "{name}");
    if let Some(less) = gas_used.checked_sub(1) {
        assert_eq!(answer(less), Err(PrecompileHalt::OutOfGas), "{name}");
    }
}

#[test]
fn official_vectors() {
    let Some(folder) = std::env::var_os("PARALLAX_PRECOMPILE_VECTORS").map(PathBuf::from) else {
        eprintln!("left out: PARALLAX_PRECOMPILE_VECTORS names no folder");
        return;
    };
    let mut files = 0;
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let stem = stem.strip_prefix("fail-").unwrap_or(&stem);
        let (_, contract, fork) = FILES
            .into_iter()
            .find(|(name, ..)| *name == stem)
            .unwrap_or_else(|| panic!("no contract for {}", path.display()));
        let vectors: Vec<Value> = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        vectors.iter().for_each(|vector| check(contract, fork, vector));
        println!("{}: {} vectors", path.display(), vectors.len());
        files += 1;
    }
    assert!(files > 0, "{}: no vectors", folder.display());
}
