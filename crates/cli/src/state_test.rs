//! A transaction and its world as an official state test, filled with what an engine comes to.

use anyhow::{Context, Result};
use parallax_block_data::SignedAuthorization;
use parallax_engine_interface::Engine;
use parallax_hooks::NoHooks;
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{
    Address, B256, BlobSchedule, BlockEnv, Bytes, Eip, Rules, Transaction, TransactionType,
};
use parallax_state_tests::{CaseResult, cases_of, run};
use serde_json::{Map, Value, json};

/// What is to be written.
pub(crate) struct StateTest<'a> {
    pub(crate) name: String,
    pub(crate) rules: Rules,
    pub(crate) chain_id: u64,
    pub(crate) block: &'a BlockEnv,
    /// The hash of the block before, where it is known; otherwise hashes are those of numbers.
    pub(crate) previous_hash: Option<B256>,
    pub(crate) transaction: &'a Transaction,
    /// The transaction's authorizations, with their signatures.
    pub(crate) authorizations: &'a [SignedAuthorization],
    /// The transaction's bytes, where they are known.
    pub(crate) envelope: Option<&'a Bytes>,
    pub(crate) before: &'a MemoryDatabase,
}

/// A state test that was read again and run.
pub(crate) struct Filled {
    /// The file.
    pub(crate) text: String,
    /// What came of it.
    pub(crate) result: CaseResult,
}

impl StateTest<'_> {
    /// The text of a file with the test. What is expected is what comes of the test on `engine`, read as it is written; `None` if that is
    /// nothing.
    pub(crate) fn fill(&self, path: &str, engine: &dyn Engine) -> Result<Option<Filled>> {
        let mut test = self.json();
        let name = &self.name;
        let text = json!({ name: &test }).to_string();
        let mut cases = cases_of(path, text.into_bytes())?;
        let case = cases.next().context("the test has no case")??;
        let result = run(&case, engine, &mut NoHooks);
        let (Some(root), Some(logs)) = (result.state_root, result.logs_hash) else { return Ok(None) };
        let expected = &mut test["post"][self.rules.name()][0];
        expected["hash"] = root.to_string().into();
        expected["logs"] = logs.to_string().into();
        if let Some(exception) = &result.exception {
            expected["expectException"] = exception.official_name().into();
        }
        let text = serde_json::to_string_pretty(&json!({ name: test }))? + "\n";
        Ok(Some(Filled { text, result }))
    }

    fn json(&self) -> Value {
        let Self { rules, chain_id, block: env, transaction, .. } = *self;
        let mut block = json!({
            "currentNumber": hex(env.number),
            "currentTimestamp": hex(env.timestamp),
            "currentGasLimit": hex(env.gas_limit),
            "currentCoinbase": format!("{:#x}", env.coinbase),
            "currentDifficulty": format!("{:#x}", env.difficulty),
        });
        let has = |eip| rules.has(eip);
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
        if let Some(hash) = self.previous_hash {
            block["previousHash"] = hash.to_string().into();
        }
        let BlobSchedule { target, max, update_fraction } = env.blobs;
        let blobs =
            json!({ "target": hex(target), "max": hex(max), "baseFeeUpdateFraction": hex(update_fraction) });
        let mut expected = json!({
            "hash": B256::ZERO.to_string(),
            "logs": B256::ZERO.to_string(),
            "indexes": { "data": 0, "gas": 0, "value": 0 },
        });
        if let Some(envelope) = self.envelope {
            expected["txbytes"] = envelope.to_string().into();
        }
        let fork = rules.name();
        json!({
            "config": { "chainid": hex(chain_id), "blobSchedule": { fork: blobs } },
            "env": block,
            "pre": accounts(self.before),
            "transaction": transaction_json(transaction, self.authorizations),
            "post": { fork: [expected] },
        })
    }
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
