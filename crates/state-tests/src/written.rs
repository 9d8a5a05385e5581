//! A case as a test of its own: its values as they are, whatever its file says.

use parallax_memory_database::{BlockHashes, MemoryDatabase};
use parallax_primitives::{Address, Authorization, Eip, Transaction, TransactionType, U256, hex};
use serde_json::{Map, Value, json};

use crate::{Case, CaseResult, FixtureError, FixtureFile, node::Node, transaction};

impl Case {
    /// The test `name` with this case alone, as its values are now: rules, block, transaction and state before may have been changed
    /// since it was read. `result` is what is expected of it. Of the file's own text there are the secret key, where the sender is whose it
    /// is, and the signatures of authorizations.
    pub fn written(&self, name: &str, comment: &str, result: Option<&CaseResult>) -> Value {
        let fork = self.rules.name();
        let mut test = json!({
            "_info": { "comment": comment, "source": "parallax minimize" },
            "config": { "chainid": quantity(self.chain_id) },
            "env": self.env(),
            "pre": accounts(&self.pre),
            "transaction": self.transaction_json(),
            "post": { fork: [self.post(result)] },
        });
        if self.rules.has(Eip::Blobs4844) {
            let blobs = self.block.blobs;
            test["config"]["blobSchedule"] = json!({ fork: {
                "target": quantity(blobs.target),
                "max": quantity(blobs.max),
                "baseFeeUpdateFraction": quantity(blobs.update_fraction),
            } });
        }
        json!({ name: test })
    }

    /// As [`Case::written`], and read again: what programs that run files see of it. `None` if there is no such case, by the rules that
    /// this one has.
    pub fn reread(&self, test: &Value) -> Result<Option<Case>, FixtureError> {
        let text = serde_json::to_vec(test).unwrap_or_default();
        let file = FixtureFile::parse(&self.file, text)?;
        let Some(test) = file.tests().next().transpose()? else { return Ok(None) };
        test.cases_by(self.rules, &self.fork_name, None).into_iter().next().transpose()
    }

    fn env(&self) -> Value {
        let block = &self.block;
        let mut env = json!({
            "currentCoinbase": address(block.coinbase),
            "currentGasLimit": quantity(block.gas_limit),
            "currentNumber": quantity(block.number),
            "currentTimestamp": quantity(block.timestamp),
            "currentDifficulty": quantity(block.difficulty),
            "currentRandom": block.prevrandao.to_string(),
            "currentBaseFee": quantity(block.base_fee),
            "currentExcessBlobGas": quantity(block.excess_blob_gas),
        });
        if block.slot_number > 0 {
            env["slotNumber"] = quantity(block.slot_number).into();
        }
        if let BlockHashes::Known(hashes) = &self.pre.block_hashes
            && let Some(parent) = block.number.checked_sub(1).and_then(|parent| hashes.get(&parent))
        {
            env["previousHash"] = parent.to_string().into();
        }
        env
    }

    fn transaction_json(&self) -> Value {
        let Ok(transaction) = &self.transaction else { return self.test()["transaction"].clone() };
        let Transaction { kind, sender, to, nonce, gas_limit, value, input, .. } = transaction;
        let mut fields = json!({
            "type": quantity(kind.byte()),
            "sender": address(*sender),
            "to": to.map_or_else(String::new, address),
            "nonce": quantity(*nonce),
            "gasLimit": [quantity(*gas_limit)],
            "value": [quantity(*value)],
            "data": [bytes(input)],
        });
        let own = &self.test()["transaction"];
        if let Some(secret) = own.get("secretKey") {
            fields["secretKey"] = secret.clone();
        }
        if *kind < TransactionType::DynamicFee {
            fields["gasPrice"] = quantity(transaction.max_fee_per_gas).into();
        } else {
            fields["maxFeePerGas"] = quantity(transaction.max_fee_per_gas).into();
            fields["maxPriorityFeePerGas"] = quantity(transaction.max_priority_fee_per_gas).into();
        }
        if *kind >= TransactionType::AccessList {
            let entries = transaction.access_list.iter().map(|entry| {
                let keys: Vec<_> = entry.storage_keys.iter().map(ToString::to_string).collect();
                json!({ "address": address(entry.address), "storageKeys": keys })
            });
            fields["accessLists"] = json!([entries.collect::<Vec<_>>()]);
        }
        if *kind == TransactionType::Blob {
            fields["maxFeePerBlobGas"] = quantity(transaction.max_fee_per_blob_gas).into();
            fields["blobVersionedHashes"] = transaction.blob_hashes.iter().map(ToString::to_string).collect();
        }
        if *kind == TransactionType::SetCode {
            fields["authorizationList"] = self.signed(&transaction.authorizations).into();
        }
        fields
    }

    /// The authorizations of the file that are these, in order: they may have become fewer.
    fn signed(&self, authorizations: &[Authorization]) -> Vec<Value> {
        let root = Node::test(&self.file, &self.name, self.test());
        let transaction = root.get("transaction");
        let read = transaction::authorizations(&transaction).unwrap_or_default();
        let items = self.test()["transaction"]["authorizationList"].as_array();
        let mut own = read.iter().zip(items.into_iter().flatten());
        let mut find =
            |wanted: &Authorization| own.find(|(found, _)| *found == wanted).map(|(_, item)| item.clone());
        authorizations.iter().filter_map(&mut find).collect()
    }

    fn post(&self, result: Option<&CaseResult>) -> Value {
        let mut post = json!({ "indexes": { "data": 0, "gas": 0, "value": 0 } });
        let Some(result) = result else { return post };
        let hashes = [("hash", result.state_root), ("logs", result.logs_hash)];
        for (key, hash) in hashes.into_iter().filter_map(|(key, hash)| Some((key, hash?))) {
            post[key] = hash.to_string().into();
        }
        if let Some(raised) = &result.exception {
            post["expectException"] = raised.official_name().into();
        }
        if result.state_root.is_some() {
            let mut after = (*self.pre).clone();
            if let Some(execution) = &result.execution {
                after.apply(&execution.changes);
            }
            post["state"] = accounts(&after);
        }
        post
    }
}

fn accounts(state: &MemoryDatabase) -> Value {
    let accounts = state.accounts.iter().map(|(at, account)| {
        let storage = account.storage.iter().map(|(key, value)| (quantity(*key), quantity(*value).into()));
        let account = json!({
            "balance": quantity(account.balance),
            "nonce": quantity(account.nonce),
            "code": bytes(account.code.bytes()),
            "storage": storage.collect::<Map<String, Value>>(),
        });
        (address(*at), account)
    });
    Value::Object(accounts.collect())
}

/// As official tests write numbers: whole bytes, at least one.
fn quantity(value: impl TryInto<U256>) -> String {
    let word = value.try_into().unwrap_or_default();
    format!("0x{}", hex::encode(&word.to_be_bytes::<32>()[32 - word.byte_len().max(1)..]))
}

fn bytes(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn address(address: Address) -> String {
    format!("{address:#x}")
}
