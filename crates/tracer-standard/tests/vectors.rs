//! The vectors of execution-apis for struct logs, byte by byte: EXECUTION_APIS_VECTORS names its folder `tests`.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use parallax_block::Blocks;
use parallax_block_data::{Block, BlockProcessor, Body, ChainPlace, OnRejection, Part, SignedTransaction};
use parallax_block_tests::process;
use parallax_chain_input::PreState;
use parallax_engine_interface::{Engine, Job};
use parallax_local_engine::LocalEngine;
use parallax_memory_database::MemoryDatabase;
use parallax_mini_interpreter::Mini;
use parallax_primitives::{B256, BlockRules, Transaction, keccak256};
use parallax_state_tests::Node;
use parallax_tracer_core::Traced;
use parallax_tracer_standard::{Recorder, StructLogOptions, StructLogWriter, TracerConfig};
use serde_json::{Value, value::RawValue};

/// The blocks that the vectors ask for, and what they stand on.
struct Chain {
    chain_id: u64,
    blocks: Vec<Block>,
    genesis: MemoryDatabase,
}

/// The rules of each of them.
const FORKS: [&str; 3] = ["Homestead", "Homestead", "TangerineWhistle"];

/// How many bytes the first value takes.
fn first(rlp: &[u8]) -> usize {
    let long = usize::from(rlp[0]) - 0xf7;
    1 + long + rlp[1..=long].iter().fold(0, |size, byte| size << 8 | usize::from(*byte))
}

impl Chain {
    fn read(root: &Path) -> Self {
        let genesis: Value = serde_json::from_slice(&fs::read(root.join("genesis.json")).unwrap()).unwrap();
        let file = "genesis.json".into();
        let node = Node::test(&file, "", &genesis);
        let rlp = fs::read(root.join("chain.rlp")).unwrap();
        let mut rest = &rlp[..];
        let blocks = FORKS.iter().map(|_| {
            let (block, behind) = rest.split_at(first(rest));
            rest = behind;
            Block::decode(block).unwrap()
        });
        Self {
            chain_id: genesis["config"]["chainId"].as_u64().unwrap(),
            blocks: blocks.collect(),
            genesis: PreState::of(&node.get("alloc"), None).unwrap().database(),
        }
    }

    /// Runs every block and hands each transaction's hash and its job to `each`.
    fn run(&self, engine: &dyn Engine, each: &mut dyn FnMut(B256, &dyn Engine, &Job<'_>)) {
        let mut state = self.genesis.clone();
        for (block, fork) in self.blocks.iter().zip(FORKS) {
            let rules: BlockRules = fork.parse().unwrap();
            let place = ChainPlace { rules: &rules, ancestors: &[], ancestor_rules: &[], dao_fork: None };
            let signed: Vec<_> =
                block.transactions.iter().map(|bytes| SignedTransaction::decode(bytes).unwrap()).collect();
            let transactions = signed.into_iter().map(|signed| {
                let sender = signed.recover(&rules).unwrap();
                Ok(Transaction { sender, ..signed.transaction })
            });
            let ommers =
                block.ommers.iter().map(|ommer| (block.header.number - ommer.number, ommer.coinbase));
            let body = Body {
                rules,
                chain_id: self.chain_id,
                block: Blocks.environment(&place, block),
                parent_hash: block.header.parent_hash,
                parent_beacon_root: None,
                is_dao_fork: false,
                transactions: transactions.collect(),
                ommers: ommers.collect(),
                withdrawals: Vec::new(),
                reward: None,
                on_rejection: OnRejection::Invalid,
                state,
            };
            let result = process(Blocks.begin(body), &mut |part, job| {
                if let Part::Transaction(index) = part {
                    each(keccak256(&block.transactions[index]), engine, job);
                }
                engine.execute(job, &mut parallax_hooks::NoHooks)
            });
            state = result.unwrap().state;
            assert_eq!(state.state_root(), block.header.state_root);
        }
    }
}

fn options(request: &Value) -> StructLogOptions {
    let options = &request["params"][1];
    let is_on = |name: &str| options[name].as_bool().unwrap_or_default();
    StructLogOptions {
        enable_memory: is_on("enableMemory"),
        disable_stack: is_on("disableStack"),
        disable_storage: is_on("disableStorage"),
        enable_return_data: is_on("enableReturnData"),
        enable_logs: false,
        limit: 0,
    }
}

/// The results that are asked for, beside the hash of each one's transaction, as the file has them.
fn expected(request: &Value, answer: &str) -> Vec<(String, String)> {
    let answer: BTreeMap<String, Box<RawValue>> = serde_json::from_str(answer).unwrap();
    let Some(result) = answer.get("result") else { return Vec::new() };
    if request["method"] == "debug_traceTransaction" {
        return vec![(request["params"][0].as_str().unwrap().to_owned(), result.get().to_owned())];
    }
    let rows: Vec<BTreeMap<String, Box<RawValue>>> = serde_json::from_str(result.get()).unwrap();
    let rows = rows.into_iter().map(|row| {
        let hash: String = serde_json::from_str(row["txHash"].get()).unwrap();
        (hash, row["result"].get().to_owned())
    });
    rows.collect()
}

fn recorded(engine: &dyn Engine, job: &Job<'_>, options: StructLogOptions) -> [String; 2] {
    let mut recorder = Recorder::new(TracerConfig::full());
    let mut writer = StructLogWriter::new(Vec::new(), options, TracerConfig::full());
    engine.execute(job, &mut Traced((&mut recorder, &mut writer))).unwrap();
    let mut text = Vec::new();
    recorder.into_trace().write_struct_logs(&mut text, options).unwrap();
    [text, writer.finish().out.unwrap()].map(|text| String::from_utf8(text).unwrap())
}

#[test]
#[ignore = "needs the vectors of execution-apis"]
fn vectors() {
    let root = PathBuf::from(std::env::var_os("EXECUTION_APIS_VECTORS").unwrap());
    let chain = Chain::read(&root);
    let engine = LocalEngine::new("mini", Mini, &parallax_precompiles::Contracts);
    let mut jobs = 0;
    let mut asked: Vec<(String, StructLogOptions, BTreeMap<String, String>)> = Vec::new();
    for folder in ["debug_traceBlockByHash", "debug_traceBlockByNumber", "debug_traceTransaction"] {
        for path in fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()) {
            let text = fs::read_to_string(&path).unwrap();
            let mut requests = text.lines().filter_map(|line| line.strip_prefix(">> "));
            for answer in text.lines().filter_map(|line| line.strip_prefix("<< ")) {
                let request: Value = serde_json::from_str(requests.next().unwrap()).unwrap();
                let results = expected(&request, answer);
                asked.push((path.display().to_string(), options(&request), results.into_iter().collect()));
            }
        }
    }
    let (mut equal, mut rows) = (0, 0);
    chain.run(&engine, &mut |hash, engine, job| {
        jobs += 1;
        for (name, options, results) in &asked {
            let Some(expected) = results.get(&hash.to_string()) else { continue };
            let [recorded, written] = recorded(engine, job, *options);
            assert_eq!(&recorded, expected, "{name}, {hash}");
            // What is written as it comes has its end behind its rows.
            let expected: BTreeMap<String, Box<RawValue>> = serde_json::from_str(expected).unwrap();
            let written: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&written).unwrap();
            let texts = |fields: &BTreeMap<String, Box<RawValue>>| {
                fields.iter().map(|(name, value)| (name.clone(), value.get().to_owned())).collect::<Vec<_>>()
            };
            assert_eq!(texts(&written), texts(&expected), "{name}, {hash}");
            rows += recorded.matches("{\"pc\":").count();
            equal += 1;
        }
    });
    let all: usize = asked.iter().map(|(_, _, results)| results.len()).sum();
    println!("{jobs} transactions; {equal} of {all} results equal, {rows} rows");
    assert_eq!(equal, all);
}
