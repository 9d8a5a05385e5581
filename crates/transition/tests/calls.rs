//! Calls of the executable specification's own transition tool, requests and answers: what must be equal is equal, on both sides' rules
//! of blocks.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
};

use flate2::read::GzDecoder;
use parallax_block::Blocks;
use parallax_block_data::{AccessDifference, BlockAccessList, BlockError, BlockProcessor, TransactionError};
use parallax_campaign::{engines, shared_folder};
use parallax_engine_interface::Engine;
use parallax_hooks::NoHooks;
use parallax_mini_block::MiniBlocks;
use parallax_primitives::{BlockRules, Eip, Fork, Rules, U256, hex};
use parallax_state_tests::{ExpectedException, Raised};
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{
    Client, CompareOptions, Dialect, Eip3155Tracer, Options, TraceReader, compare_traces,
};
use parallax_transition::{Output, Part, Request, transition};
use serde_json::Value;

/// The calls, each as a line; `None` with a word on it where they are not.
fn calls() -> Option<Vec<Value>> {
    let file = shared_folder().map(|folder| folder.join("t8n-calls.jsonl.gz"));
    let Some(file) = file.filter(|file| file.is_file()) else {
        eprintln!("left out: no calls of t8n beside the repository, nor in PARALLAX_SHARED");
        return None;
    };
    let lines = BufReader::new(GzDecoder::new(std::fs::File::open(file).unwrap())).lines();
    Some(lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect())
}

/// The rules of a call. Amsterdam was, when its calls were answered (May 2026), Osaka with access lists, and had no price of its own.
fn rules(call: &Value) -> BlockRules {
    if call["fork"] != "Amsterdam" {
        return call["fork"].as_str().unwrap().parse().unwrap();
    }
    let rules =
        Rules::builder(Fork::Osaka).with(Eip::BlockAccessLists7928).blobs(Rules::of(Fork::Bpo2).blobs());
    rules.build().unwrap().into()
}

fn run(call: &Value, processor: &dyn BlockProcessor, engine: &dyn Engine) -> Result<Output, String> {
    let rules = rules(call);
    let reward = call["reward"].as_i64();
    let reward = match reward {
        Some(-1) => None,
        _ => Some(call["reward"].as_u64().unwrap()),
    };
    let input = &call["stdin"];
    let parts = [&input["alloc"], &input["env"], &input["txs"]];
    let request = Request::read(rules, call["chainid"].as_u64().unwrap(), reward, parts);
    let request = request.map_err(|error| error.to_string())?;
    let mut execute = |_, job: &parallax_engine_interface::Job<'_>| engine.execute(job, &mut NoHooks);
    transition(&request, processor, &mut execute).map_err(|error| error.to_string())
}

fn number(value: &Value) -> Option<U256> {
    value.as_str().map(|text| text.parse().unwrap())
}

/// What is not as the answer has it.
fn differences(call: &Value, output: &Output) -> Vec<String> {
    let mut found = Vec::new();
    let mut check = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            let cut = |text: String| text.chars().take(200).collect::<String>();
            found.push(format!("{what}: {}, expected {}", cut(ours), cut(theirs)));
        }
    };
    let (ours, theirs) = (&output.result, &call["stdout"]["result"]);
    for key in [
        "stateRoot",
        "txRoot",
        "receiptsRoot",
        "logsHash",
        "logsBloom",
        "withdrawalsRoot",
        "requestsHash",
        "requests",
    ] {
        check(key, ours[key].to_string(), theirs[key].to_string());
    }
    if let Some(mut theirs) = access_list(theirs) {
        let ours = access_list(ours).unwrap();
        leave_out_rejected(&mut theirs, call);
        let difference = AccessDifference::between(&ours, &theirs);
        check("blockAccessList", difference.map_or(String::new(), |found| found.to_string()), String::new());
        ours.validate(output.result["receipts"].as_array().unwrap().len()).unwrap();
    }
    for key in ["gasUsed", "currentDifficulty", "currentBaseFee", "currentExcessBlobGas"] {
        check(key, format!("{:?}", number(&ours[key])), format!("{:?}", number(&theirs[key])));
    }
    let blobs = &call["derived"]["blobGasUsed"];
    check("blobGasUsed", format!("{:?}", number(&ours["blobGasUsed"])), format!("{:?}", number(blobs)));
    check("body", output.body.to_string(), call["stdout"]["body"].as_str().unwrap().to_owned());
    check("alloc", alloc(&output.alloc), alloc(&call["stdout"]["alloc"]));
    receipts(&ours["receipts"], &theirs["receipts"], &mut check);
    let indices = |rejected: &Value| {
        rejected.as_array().unwrap().iter().map(|item| item["index"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    check(
        "rejected",
        format!("{:?}", indices(&ours["rejected"])),
        format!("{:?}", indices(&theirs["rejected"])),
    );
    for (place, (_, reason)) in output.rejected.iter().enumerate() {
        let names = &call["exceptions"][place];
        if !is_named(reason, names) {
            check("reason", reason.to_string(), names.to_string());
        }
    }
    let exception = output.exception.as_ref().map(exception_name);
    let named = call["blockExceptions"].as_array().cloned().unwrap_or_default();
    let has_one = !theirs["blockException"].is_null();
    check("blockException", exception.is_some().to_string(), has_one.to_string());
    if let Some(name) = exception
        && !named.iter().any(|text| text.as_str().unwrap().ends_with(name))
    {
        check("name of blockException", name.to_owned(), format!("{named:?}"));
    }
    found
}

fn access_list(result: &Value) -> Option<BlockAccessList> {
    let bytes = hex::decode(result["blockAccessList"].as_str()?).unwrap();
    let list = BlockAccessList::decode(&bytes).unwrap();
    assert_eq!(list.encode(), bytes);
    assert_eq!(list.hash().to_string(), result["blockAccessListHash"].as_str().unwrap());
    Some(list)
}

/// The specification's tool counts transactions that it rejects, which are in no block.
fn leave_out_rejected(list: &mut BlockAccessList, call: &Value) {
    let rejected = call["stdout"]["result"]["rejected"].as_array().unwrap();
    let rejected: Vec<u64> = rejected.iter().map(|item| item["index"].as_u64().unwrap()).collect();
    let renumber = |index: &mut u32| {
        let before = rejected.iter().filter(|rejected| *rejected + 1 < u64::from(*index)).count();
        *index -= u32::try_from(before).unwrap();
    };
    for account in &mut list.accounts {
        let slots = account.storage_changes.iter_mut().flat_map(|slot| &mut slot.changes);
        slots.for_each(|change| renumber(&mut change.index));
        account.balance_changes.iter_mut().for_each(|change| renumber(&mut change.index));
        account.nonce_changes.iter_mut().for_each(|change| renumber(&mut change.index));
        account.code_changes.iter_mut().for_each(|change| renumber(&mut change.index));
    }
}

fn exception_name(error: &BlockError) -> &'static str {
    match error {
        BlockError::SystemContractEmpty(_) => "SYSTEM_CONTRACT_EMPTY",
        BlockError::SystemCallFailed { .. } => "SYSTEM_CONTRACT_CALL_FAILED",
        BlockError::DepositLayout => "INVALID_DEPOSIT_EVENT_LAYOUT",
        _ => "another",
    }
}

fn is_named(reason: &TransactionError, names: &Value) -> bool {
    let names: Vec<_> = match names {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        Value::String(name) => vec![name.as_str()],
        _ => return false,
    };
    let raised = match reason {
        TransactionError::Rejected(rejection) => Raised::Rejected(*rejection),
        TransactionError::BlobsAboveBlock { .. } => {
            return names.iter().any(|name| name.ends_with("TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED"));
        }
        other => Raised::Malformed(other.to_string()),
    };
    names.iter().any(|name| ExpectedException::parse(name).is_ok_and(|expected| expected.matches(&raised)))
}

/// A state in one form: fields that are absent are zero or empty.
fn alloc(accounts: &Value) -> String {
    let words = |account: &Value, key: &str| number(&account[key]).unwrap_or_default();
    let each = accounts.as_object().unwrap().iter().map(|(address, account)| {
        let empty = serde_json::Map::new();
        let storage = account["storage"].as_object().unwrap_or(&empty);
        let slots: BTreeMap<U256, U256> =
            storage.iter().map(|(key, value)| (key.parse().unwrap(), number(value).unwrap())).collect();
        let code = account["code"].as_str().unwrap_or("0x").to_owned();
        (address.to_lowercase(), (words(account, "nonce"), words(account, "balance"), code, slots))
    });
    format!("{:?}", each.collect::<BTreeMap<_, _>>())
}

fn receipts(ours: &Value, theirs: &Value, check: &mut impl FnMut(&str, String, String)) {
    let (ours, theirs) = (ours.as_array().unwrap(), theirs.as_array().unwrap());
    check("receipts", ours.len().to_string(), theirs.len().to_string());
    for (ours, theirs) in ours.iter().zip(theirs) {
        check("transactionHash", ours["transactionHash"].to_string(), theirs["transactionHash"].to_string());
        let gas = |receipt: &Value| format!("{:?}", number(&receipt["cumulativeGasUsed"]));
        check("cumulativeGasUsed", gas(ours), gas(theirs));
        check("bloom", ours["logsBloom"].to_string(), theirs["bloom"].to_string());
        match &theirs["succeeded"] {
            Value::Bool(succeeded) => {
                check(
                    "status",
                    format!("{:?}", number(&ours["status"])),
                    format!("{:?}", Some(U256::from(*succeeded))),
                );
            }
            _ => check("root", ours["root"].to_string(), theirs["post_state"].to_string()),
        }
        let logs = |receipt: &Value| {
            let logs = receipt["logs"].as_array().cloned().unwrap_or_default();
            let of = |log: &Value| {
                (
                    log["address"].to_string().to_lowercase(),
                    log["topics"].to_string(),
                    log["data"].to_string(),
                )
            };
            format!("{:?}", logs.iter().map(of).collect::<Vec<_>>())
        };
        check("logs", logs(ours), logs(theirs));
    }
}

#[track_caller]
fn all_equal(processor: &dyn BlockProcessor, engine: &dyn Engine) {
    let Some(calls) = calls() else { return };
    let mut equal = 0;
    let mut wrong = Vec::new();
    for call in &calls {
        let found = match run(call, processor, engine) {
            Ok(output) => differences(call, &output),
            Err(error) => vec![error],
        };
        if found.is_empty() {
            equal += 1;
        } else {
            wrong.push(format!("{} {}: {}", call["id"], call["test"], found.join("; ")));
        }
    }
    eprintln!("{} with {}: {equal} equal", engine.name(), processor.name());
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.iter().take(40).cloned().collect::<Vec<_>>().join("\n")
    );
    assert_eq!(equal, 991);
}

#[test]
fn the_specification_s_answers_are_those_of_primary() {
    all_equal(&Blocks, &engines::primary());
}

#[test]
fn the_specification_s_answers_are_those_of_mini() {
    all_equal(&MiniBlocks, engines::mini());
}

/// The lines of every transaction that is in a block, in the specification's own dialect, against those that it wrote.
#[test]
fn traces_are_those_of_the_specification() {
    let Some(calls) = calls() else { return };
    let (mut files, mut steps) = (0, 0);
    for call in &calls {
        let Some(traces) = call["traces"].as_object() else { continue };
        let written = traced(call);
        assert_eq!(written.len(), traces.len(), "{}", call["test"]);
        for (index, lines) in written.iter().enumerate() {
            let (name, theirs) =
                traces.iter().find(|(name, _)| name.starts_with(&format!("trace-{index}-"))).unwrap();
            let theirs: Vec<&str> =
                theirs.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
            let theirs = theirs.join("\n");
            let reader = |text: &str| {
                TraceReader::new(Box::leak(text.to_owned().into_boxed_str()).as_bytes(), Client::Eels)
            };
            let compared =
                compare_traces(reader(lines), reader(&theirs), CompareOptions::default()).unwrap().outcome;
            assert!(compared.is_ok(), "{} {name}: {}", call["test"], compared.unwrap_err());
            steps += lines.lines().filter(|line| line.starts_with("{\"pc\"")).count();
            files += 1;
        }
    }
    eprintln!("{files} traces, {steps} steps");
    assert_eq!((files, steps), (94, 7808));
}

/// The lines of each transaction that is put into the block.
fn traced(call: &Value) -> Vec<String> {
    let rules = rules(call);
    let input = &call["stdin"];
    let parts = [&input["alloc"], &input["env"], &input["txs"]];
    let reward = call["reward"].as_u64();
    let request = Request::read(rules, call["chainid"].as_u64().unwrap(), reward, parts).unwrap();
    let engine = engines::primary();
    let mut written = Vec::new();
    let mut execute = |part, job: &parallax_engine_interface::Job<'_>| {
        if !matches!(part, Part::Transaction(_)) {
            return engine.execute(job, &mut NoHooks);
        }
        let options = Options { return_data: false, memory: false, ..Options::new(Dialect::Eels) };
        let mut lines = Vec::new();
        let mut tracer = Eip3155Tracer::new(&mut lines, options);
        let executed = engine.execute(job, &mut Traced(&mut tracer));
        let _ = tracer.finish(None);
        if executed.is_ok() {
            written.push(String::from_utf8(lines).unwrap());
        }
        executed
    };
    transition(&request, &Blocks, &mut execute).unwrap();
    written
}
