//! go-ethereum's own vectors, `eth/tracers/internal/tracetest/testdata`, on both engines: a folder that GETH_TRACE_VECTORS names.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use parallax_block_data::SignedAuthorization;
use parallax_chain_input::{ChainTransaction, PreState, parse};
use parallax_engine_interface::{Engine, Job};
use parallax_local_engine::LocalEngine;
use parallax_memory_database::MemoryDatabase;
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniEngine;
use parallax_primary_interpreter::Primary;
use parallax_primitives::{BlockEnv, BlockRules, Fork, Subject, Transaction};
use parallax_state_tests::Node;
use parallax_tracer_calls::NamedTracer;
use parallax_tracer_core::Traced;
use serde_json::{Value, json};

struct Vector {
    rules: BlockRules,
    chain_id: u64,
    block: BlockEnv,
    before: MemoryDatabase,
    transaction: Transaction,
    config: Value,
    result: Value,
}

/// A fork of a genesis' configuration: by block, or by time.
const FORKS: [(&str, Fork); 14] = [
    ("homesteadBlock", Fork::Homestead),
    ("eip150Block", Fork::TangerineWhistle),
    ("eip158Block", Fork::SpuriousDragon),
    ("byzantiumBlock", Fork::Byzantium),
    ("constantinopleBlock", Fork::Constantinople),
    ("petersburgBlock", Fork::Petersburg),
    ("istanbulBlock", Fork::Istanbul),
    ("berlinBlock", Fork::Berlin),
    ("londonBlock", Fork::London),
    ("terminalTotalDifficulty", Fork::Paris),
    ("shanghaiTime", Fork::Shanghai),
    ("cancunTime", Fork::Cancun),
    ("pragueTime", Fork::Prague),
    ("osakaTime", Fork::Osaka),
];

impl Vector {
    fn read(path: &Path) -> Self {
        let name = path.display().to_string();
        let value = parse(&name, &fs::read(path).unwrap()).unwrap();
        let file = name.as_str().into();
        let root = Node::test(&file, "", &value);
        let (context, genesis) = (root.get("context"), root.get("genesis"));
        let (number, timestamp) =
            (context.get("number").u64().unwrap(), context.get("timestamp").u64().unwrap());
        let config = &value["genesis"]["config"];
        let is_merged = config["terminalTotalDifficulty"].as_u64() == Some(0);
        // Go reads keys in any case.
        let at = |key: &str| {
            let fields = config.as_object().unwrap().iter();
            fields
                .into_iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(key))
                .and_then(|(_, at)| at.as_u64())
        };
        let is_on = |(key, fork): &&(&str, Fork)| match at(key) {
            _ if *fork >= Fork::Paris && !is_merged => false,
            Some(at) if key.ends_with("Time") => at <= timestamp,
            Some(at) => at <= number,
            None => false,
        };
        let fork = FORKS.iter().rfind(is_on).map_or(Fork::Frontier, |(_, fork)| *fork);
        let rules: BlockRules = fork.name().parse().unwrap();
        let base_fee = context.get("baseFeePerGas");
        let block = BlockEnv {
            number,
            timestamp,
            gas_limit: context.get("gasLimit").u64().unwrap(),
            coinbase: context.get("miner").address().unwrap(),
            difficulty: context.get("difficulty").u256().unwrap(),
            base_fee: if fork >= Fork::London && !base_fee.is_null() { base_fee.u64().unwrap() } else { 0 },
            prevrandao: genesis.get("mixHash").b256().unwrap(),
            blobs: rules.blobs,
            ..BlockEnv::default()
        };
        let signed = ChainTransaction::of(&root.get("input")).unwrap().signed;
        let sender = signed.recover(&rules).unwrap();
        let mut transaction = signed.transaction;
        transaction.sender = sender;
        transaction.authorizations = signed.authorizations.iter().map(SignedAuthorization::recover).collect();
        Self {
            chain_id: config["chainId"].as_u64().unwrap(),
            before: PreState::of(&genesis.get("alloc"), None).unwrap().database(),
            rules,
            block,
            transaction,
            config: value["tracerConfig"].clone(),
            result: value["result"].clone(),
        }
    }

    fn run(&self, engine: &dyn Engine, tracer: &str) -> Value {
        let job = Job {
            rules: self.rules.rules,
            chain_id: self.chain_id,
            block: &self.block,
            subject: Subject::Transaction(&self.transaction),
            database: &self.before,
        };
        let mut tracer = NamedTracer::new(tracer, &self.config, 0).unwrap();
        let execution = engine.execute(&job, &mut Traced(&mut tracer)).unwrap();
        let text = tracer.result(&self.before, &execution.changes).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

/// Prints where two values part.
fn show(place: &str, found: &Value, expected: &Value) {
    match (found, expected) {
        (Value::Object(left), Value::Object(right)) => {
            for key in left.keys().chain(right.keys().filter(|key| !left.contains_key(*key))) {
                show(&format!("{place}/{key}"), &found[key], &expected[key]);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                show(&format!("{place}/{index}"), left, right);
            }
        }
        _ if found == expected => {}
        _ => println!("  {place}: {found:.200} instead of {expected:.200}"),
    }
}

/// Old vectors do not have all that is written now, which go-ethereum's test reads as zero.
fn completed(mut expected: Value) -> Value {
    for log in expected.get_mut("logs").and_then(Value::as_array_mut).into_iter().flatten() {
        log.as_object_mut().unwrap().entry("index").or_insert_with(|| json!("0x0"));
    }
    for call in expected.get_mut("calls").and_then(Value::as_array_mut).into_iter().flatten() {
        *call = completed(call.take());
    }
    expected
}

/// What go-ethereum's test compares of a row of `flatCallTracer`: nothing of the block and the transaction, and what is zero or empty is not
/// there.
fn compared(value: Value) -> Value {
    const LEFT_OUT: [&str; 4] = ["blockHash", "blockNumber", "transactionHash", "transactionPosition"];
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(key, _)| !LEFT_OUT.contains(&key.as_str()));
            let fields = fields.map(|(key, value)| (key, compared(value)));
            let is_there = |value: &Value| match value {
                Value::String(text) => {
                    !["0x", "0x0", "0x0000000000000000000000000000000000000000"].contains(&text.as_str())
                }
                Value::Object(fields) => !fields.is_empty(),
                value => !value.is_null(),
            };
            Value::Object(fields.filter(|(_, value)| is_there(value)).collect())
        }
        Value::Array(rows) => rows.into_iter().map(compared).collect(),
        other => other,
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    files
}

#[test]
#[ignore = "needs go-ethereum's vectors"]
fn vectors() {
    let root = PathBuf::from(std::env::var_os("GETH_TRACE_VECTORS").unwrap());
    let engines: [Box<dyn Engine>; 2] = [
        Box::new(LocalEngine::new("primary", Primary::new(), &parallax_precompiles::Contracts)),
        Box::new(MiniEngine::new("mini", Mini, &parallax_mini_precompiles::Contracts)),
    ];
    let (mut equal, mut different) = (0, 0);
    for (folder, tracer) in [
        ("call_tracer", "callTracer"),
        ("call_tracer_withLog", "callTracer"),
        ("call_tracer_flat", "flatCallTracer"),
        ("prestate_tracer", "prestateTracer"),
        ("prestate_tracer_with_diff_mode", "prestateTracer"),
    ] {
        let before = equal;
        let files = files(&root.join(folder));
        for path in &files {
            let vector = Vector::read(path);
            for engine in &engines {
                let (mut found, mut expected) =
                    (vector.run(&**engine, tracer), completed(vector.result.clone()));
                if tracer == "flatCallTracer" {
                    (found, expected) = (compared(found), compared(expected));
                }
                if found == expected {
                    equal += 1;
                    continue;
                }
                different += 1;
                println!("{} on {}:", path.display(), engine.name());
                show("", &found, &expected);
            }
        }
        println!("{folder}: {} files on {} engines, {} equal", files.len(), engines.len(), equal - before);
    }
    println!("{equal} equal, {different} not");
    assert_eq!(different, 0);
}
