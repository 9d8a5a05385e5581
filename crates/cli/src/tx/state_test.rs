//! A transaction as an official state test: what was read of its world is the state before it.

use std::fs;

use anyhow::{Context, Result, bail};
use parallax_block_data::SignedAuthorization;
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{Address, BlobSchedule, Eip, Transaction, TransactionType, TxOutcome};
use parallax_state_tests::{cases_of, run};
use serde_json::{Map, Value, json};

use super::{recorded::Recorded, run::TxRun};

/// Writes it to `path`, with what came of it as what is expected.
pub(crate) fn save(tx: &TxRun<'_>, path: &str, recorded: &Recorded<'_>, outcome: &TxOutcome) -> Result<()> {
    let parent = tx.env.number.checked_sub(1);
    if let Some(oldest) = recorded.oldest_block_hash().filter(|oldest| Some(*oldest) != parent) {
        bail!(
            "--save-test: it asks for the hash of block {oldest}, and a state test has that of the parent alone"
        );
    }
    let name = format!("tx_{}", tx.subject.hash);
    let mut test = state_test(tx, &recorded.read());
    let fork = tx.subject.rules.rules.name();
    let text = json!({ &name: &test }).to_string();
    // It is run as it will be read: what comes of it is what is expected.
    let mut cases = cases_of(path, text.into_bytes())?;
    let case = cases.next().context("--save-test: the test has no case")??;
    let result = run(&case, &*tx.arguments.engine.engine(), &mut parallax_hooks::NoHooks);
    let is_same = result.gas_used == outcome.gas_used && result.output == outcome.output;
    let (true, Some(root), Some(logs)) = (is_same, result.state_root, result.logs_hash) else {
        bail!("--save-test: as a state test it would come to something else");
    };
    let expected = &mut test["post"][fork][0];
    expected["hash"] = root.to_string().into();
    expected["logs"] = logs.to_string().into();
    let text = serde_json::to_string_pretty(&json!({ name: test }))?;
    fs::write(path, text + "\n").with_context(|| format!("{path}: cannot write the test"))
}

fn state_test(tx: &TxRun<'_>, before: &MemoryDatabase) -> Value {
    let (env, header, rules) = (tx.env, &tx.subject.block.header, &tx.subject.rules);
    let mut block = json!({
        "currentNumber": hex(env.number),
        "currentTimestamp": hex(env.timestamp),
        "currentGasLimit": hex(env.gas_limit),
        "currentCoinbase": format!("{:#x}", env.coinbase),
        "currentDifficulty": format!("{:#x}", env.difficulty),
        "previousHash": header.parent_hash.to_string(),
    });
    let has = |eip| rules.rules.has(eip);
    for (is_there, key, value) in [
        (has(Eip::PrevRandao4399), "currentRandom", env.prevrandao.to_string()),
        (has(Eip::DynamicFee1559), "currentBaseFee", hex(env.base_fee)),
        (has(Eip::Blobs4844), "currentExcessBlobGas", hex(env.excess_blob_gas)),
        (has(Eip::SlotNumber7843), "slotNumber", hex(env.slot_number)),
    ] {
        if is_there {
            block[key] = value.into();
        }
    }
    let fork = rules.rules.name();
    let BlobSchedule { target, max, update_fraction } = env.blobs;
    let blobs =
        json!({ "target": hex(target), "max": hex(max), "baseFeeUpdateFraction": hex(update_fraction) });
    let transaction = &tx.subject.transaction;
    let expected = json!({
        "hash": "0x".to_owned() + &"0".repeat(64),
        "logs": "0x".to_owned() + &"0".repeat(64),
        "indexes": { "data": 0, "gas": 0, "value": 0 },
        "txbytes": transaction.envelope.to_string(),
    });
    json!({
        "config": { "chainid": hex(tx.subject.chain_id), "blobSchedule": { fork: blobs } },
        "env": block,
        "pre": accounts(before),
        "transaction": transaction_json(transaction, &tx.subject.authorizations),
        "post": { fork: [expected] },
    })
}

fn accounts(state: &MemoryDatabase) -> Value {
    let accounts = state.accounts.iter().map(|(address, account)| {
        let storage: Map<_, _> = account
            .storage
            .iter()
            .map(|(key, value)| (format!("{key:#x}"), format!("{value:#x}").into()))
            .collect();
        let account = json!({
            "nonce": hex(account.nonce),
            "balance": format!("{:#x}", account.balance),
            "code": account.code.bytes().to_string(),
            "storage": storage,
        });
        (format!("{address:#x}"), account)
    });
    Value::Object(accounts.collect())
}

fn transaction_json(transaction: &Transaction, authorizations: &[SignedAuthorization]) -> Value {
    let Transaction { kind, sender, to, nonce, gas_limit, value, input, .. } = transaction;
    let mut fields = json!({
        "type": hex(kind.byte().into()),
        "nonce": hex(*nonce),
        "gasLimit": [hex(*gas_limit)],
        "to": to.map_or_else(String::new, |to: Address| format!("{to:#x}")),
        "value": [format!("{value:#x}")],
        "data": [input.to_string()],
        "sender": format!("{sender:#x}"),
    });
    let fee = format!("{:#x}", transaction.max_fee_per_gas);
    if *kind >= TransactionType::DynamicFee {
        fields["maxFeePerGas"] = fee.into();
        fields["maxPriorityFeePerGas"] = format!("{:#x}", transaction.max_priority_fee_per_gas).into();
    } else {
        fields["gasPrice"] = fee.into();
    }
    if *kind != TransactionType::Legacy {
        let entries = transaction.access_list.iter().map(|entry| {
            let keys: Vec<_> = entry.storage_keys.iter().map(ToString::to_string).collect();
            json!({ "address": format!("{:#x}", entry.address), "storageKeys": keys })
        });
        fields["accessLists"] = json!([entries.collect::<Vec<_>>()]);
    }
    if *kind == TransactionType::SetCode {
        let items = authorizations.iter().map(|item| {
            json!({
                "chainId": format!("{:#x}", item.chain_id),
                "address": format!("{:#x}", item.address),
                "nonce": hex(item.nonce),
                "v": format!("{:#x}", item.y_parity),
                "r": format!("{:#x}", item.r),
                "s": format!("{:#x}", item.s),
            })
        });
        fields["authorizationList"] = items.collect();
    }
    if *kind == TransactionType::Blob {
        let hashes: Vec<_> = transaction.blob_hashes.iter().map(ToString::to_string).collect();
        fields["blobVersionedHashes"] = json!(hashes);
        fields["maxFeePerBlobGas"] = format!("{:#x}", transaction.max_fee_per_blob_gas).into();
    }
    fields
}

fn hex(number: u64) -> String {
    format!("{number:#x}")
}
