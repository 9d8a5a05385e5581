//! `fixtures/block-tests/blocks.json`: block tests of the repository's own. They are filled here, by the plain rules and the plain engine;
//! with `PARALLAX_UPDATE=1` the file is written, otherwise it must be what is filled. Every pair of engines runs it, and what is changed in
//! one side's rules or in the file is told.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{collections::BTreeMap, fs, ops::ControlFlow, path::PathBuf, sync::atomic::AtomicBool};

use parallax_assembly::assemble;
use parallax_block_data::{
    Block, BlockAccessList, BlockProcessor, Body, ChainPlace, Change, Header, NO_OMMERS_HASH, OnRejection,
    SignedTransaction, SlotChanges, Withdrawal, receipts_root, sign,
};
use parallax_block_tests::{BlockCase, CaseEnd, Order, process, run};
use parallax_campaign::{
    BlockReport, BlockTask, Campaign, DiffSummary, DiffTask, Form, Isolation, Selection, blocktest_isolated,
    diff_isolated, engines,
};
use parallax_hooks::NoHooks;
use parallax_memory_database::{Account, BlockHashes, MemoryDatabase};
use parallax_mini_block::{MiniBlocks, calculate_base_fee_per_gas, compute_requests_hash};
use parallax_primitives::{
    Address, B256, BlockRules, Bytecode, Bytes, Eip, Fork, Transaction, TransactionType, U256, hex, keccak256,
};
use parallax_shadow_diff::ShadowMode;
use parallax_state_tests::TestText;
use serde_json::{Map, Value, json};

/// The example of EIP-155: 1 ether to 0x35..35, nonce 9, for 20 gwei a gas and 21,000 gas.
const TRANSFER: &str = "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83";
const SENDER: &str = "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f";
const MINER: Address = Address::repeat_byte(0x33);
const VALIDATOR: Address = Address::repeat_byte(0x44);

/// What is put into a block.
#[derive(Clone, Default)]
struct Plan {
    transactions: Vec<Bytes>,
    withdrawals: Vec<Withdrawal>,
    ommers: Vec<Header>,
}

/// A chain that grows block by block, and the test that is made of it.
struct Filler {
    rules: BlockRules,
    pre: MemoryDatabase,
    blocks: Vec<Block>,
    state: MemoryDatabase,
    told: Vec<Value>,
}

impl Filler {
    fn new(fork: Fork) -> Self {
        let rules = BlockRules::of(fork);
        let mut pre = MemoryDatabase::default();
        let sender =
            Account { nonce: 9, balance: U256::from(5_000_000_000_000_000_000_u64), ..Account::default() };
        pre.accounts.insert(SENDER.parse().unwrap(), sender);
        // Each keeps what it is called with and who calls, or answers with it: what the contracts of these addresses must do is not their
        // rule.
        let keeps = "PUSH 0 CALLDATALOAD NUMBER SSTORE CALLER PUSH 0 SSTORE STOP";
        let answers = "NUMBER PUSH 0 MSTORE ADDRESS PUSH 32 MSTORE PUSH 64 PUSH 0 RETURN";
        let contracts = [
            (rules.beacon_roots, BlockRules::BEACON_ROOTS_ADDRESS, keeps),
            (rules.history, BlockRules::HISTORY_ADDRESS, keeps),
            (rules.requests, BlockRules::WITHDRAWAL_REQUESTS_ADDRESS, answers),
            (rules.requests, BlockRules::CONSOLIDATION_REQUESTS_ADDRESS, answers),
            (rules.builder_requests, BlockRules::BUILDER_DEPOSITS_ADDRESS, answers),
            (rules.builder_requests, BlockRules::BUILDER_EXITS_ADDRESS, answers),
        ];
        for (_, address, code) in contracts.into_iter().filter(|(is_there, ..)| *is_there) {
            let code = Bytecode::new(assemble(code).unwrap());
            pre.accounts.insert(address, Account { nonce: 1, code, ..Account::default() });
        }
        let has = |eip| rules.rules.has(eip);
        let none = receipts_root(&[]);
        let header = Header {
            ommers_hash: NO_OMMERS_HASH,
            state_root: pre.state_root(),
            transactions_root: none,
            receipts_root: none,
            difficulty: if rules.work.is_some() { U256::from(131_072) } else { U256::ZERO },
            gas_limit: 30_000_000,
            base_fee: has(Eip::DynamicFee1559).then_some(1000),
            withdrawals_root: rules.withdrawals.then_some(none),
            blob_gas_used: has(Eip::Blobs4844).then_some(0),
            excess_blob_gas: has(Eip::Blobs4844).then_some(0),
            parent_beacon_root: rules.beacon_roots.then_some(B256::ZERO),
            requests_hash: rules.requests.then(|| compute_requests_hash(&[])),
            access_list_hash: rules.access_list.then(|| BlockAccessList::default().hash()),
            slot_number: has(Eip::SlotNumber7843).then_some(0),
            ..Header::default()
        };
        let genesis = Block { header, withdrawals: rules.withdrawals.then(Vec::new), ..Block::default() };
        Self { rules, state: pre.clone(), pre, blocks: vec![genesis], told: Vec::new() }
    }

    /// A block behind the last one, with the state behind it.
    fn fill(&self, plan: &Plan) -> (Block, MemoryDatabase) {
        let parent = &self.blocks.last().unwrap().header;
        let mut block = Block {
            transactions: plan.transactions.clone(),
            ommers: plan.ommers.clone(),
            withdrawals: self.rules.withdrawals.then(|| plan.withdrawals.clone()),
            ..Block::default()
        };
        let base_fee = parent.base_fee.map(|fee| {
            calculate_base_fee_per_gas(parent.gas_limit, parent.gas_limit, parent.gas_used, fee).unwrap()
        });
        let withdrawals_root = self.rules.withdrawals.then(|| block.withdrawals_root());
        block.header = Header {
            parent_hash: parent.hash(),
            coinbase: MINER,
            number: parent.number + 1,
            timestamp: parent.timestamp + 12,
            ommers_hash: block.ommers_hash(),
            transactions_root: block.transactions_root(),
            base_fee,
            withdrawals_root,
            parent_beacon_root: self.rules.beacon_roots.then_some(B256::repeat_byte(0xbe)),
            slot_number: parent.slot_number.map(|slot| slot + 1),
            ..parent.clone()
        };
        if let Some(work) = &self.rules.work {
            let (number, timestamp) = (block.header.number, block.header.timestamp);
            block.header.difficulty = parallax_block::difficulty(work, parent, number, timestamp).unwrap();
        }
        let hashes = self.blocks.iter().map(|block| (block.header.number, block.header.hash())).collect();
        let state = MemoryDatabase { block_hashes: BlockHashes::Known(hashes), ..self.state.clone() };
        let place = ChainPlace { rules: &self.rules, ancestors: &[], ancestor_rules: &[], dao_fork: None };
        let read = |bytes: &Bytes| {
            let signed = SignedTransaction::decode(bytes)?;
            Ok(Transaction { sender: signed.recover(&self.rules)?, ..signed.transaction })
        };
        let body = Body {
            rules: self.rules,
            chain_id: 1,
            block: MiniBlocks.environment(&place, &block),
            parent_hash: block.header.parent_hash,
            parent_beacon_root: block.header.parent_beacon_root,
            is_dao_fork: false,
            transactions: block.transactions.iter().map(read).collect(),
            ommers: block
                .ommers
                .iter()
                .map(|ommer| (block.header.number - ommer.number, ommer.coinbase))
                .collect(),
            withdrawals: plan.withdrawals.clone(),
            reward: None,
            on_rejection: OnRejection::Invalid,
            state,
        };
        let mut execute = |_, job: &parallax_engine_interface::Job<'_>| {
            parallax_engine_interface::Engine::execute(engines::mini(), job, &mut NoHooks)
        };
        let result = process(MiniBlocks.begin(body), &mut execute).unwrap();
        block.header.state_root = result.state.state_root();
        block.header.receipts_root = receipts_root(&result.receipts);
        block.header.logs_bloom = result.logs_bloom;
        block.header.gas_used = result.gas_used;
        block.header.requests_hash = self.rules.requests.then(|| compute_requests_hash(&result.requests));
        block.header.access_list_hash = result.access_list.as_ref().map(BlockAccessList::hash);
        block.access_list = result.access_list.map(|list| list.encode().into());
        block.size = block.encode().len();
        (block, result.state)
    }

    fn add(&mut self, plan: &Plan) {
        let (block, state) = self.fill(plan);
        let rlp = hex::encode_prefixed(block.encode());
        let mut told = json!({ "rlp": rlp, "blockHeader": header(&block.header) });
        if let Some(list) = &block.access_list {
            told["blockAccessList"] = access_list(&BlockAccessList::decode(list).unwrap());
        }
        self.told.push(told);
        self.blocks.push(block);
        self.state = state;
    }

    /// A block that is not valid for this reason.
    fn refuse(&mut self, plan: &Plan, exception: &str, change: impl FnOnce(&mut Block)) {
        let (mut block, _) = self.fill(plan);
        change(&mut block);
        let rlp = hex::encode_prefixed(block.encode());
        self.told.push(json!({ "rlp": rlp, "expectException": exception }));
    }

    /// A block that is not valid because of its access list, which stands beside it.
    fn refuse_list(&mut self, plan: &Plan, exception: &str, change: impl FnOnce(&mut BlockAccessList)) {
        let (mut block, _) = self.fill(plan);
        let mut list = BlockAccessList::decode(block.access_list.as_ref().unwrap()).unwrap();
        change(&mut list);
        block.header.access_list_hash = Some(list.hash());
        let rlp = hex::encode_prefixed(block.encode());
        let decoded = json!({ "blockAccessList": access_list(&list) });
        self.told.push(json!({ "rlp": rlp, "expectException": exception, "rlp_decoded": decoded }));
    }

    fn test(self) -> Value {
        let last = self.blocks.last().unwrap().header.hash().to_string();
        json!({
            "network": self.rules.name, "sealEngine": "NoProof",
            "pre": accounts(&self.pre), "genesisBlockHeader": header(&self.blocks[0].header),
            "genesisRLP": hex::encode_prefixed(self.blocks[0].encode()), "blocks": self.told,
            "lastblockhash": last, "postState": accounts(&self.state),
        })
    }
}

/// A list by the names of the specification's test framework.
fn access_list(list: &BlockAccessList) -> Value {
    fn changes<T>(changes: &[Change<T>], name: &str, value: impl Fn(&T) -> String) -> Value {
        let each = changes
            .iter()
            .map(|change| json!({ "blockAccessIndex": change.index, name: value(&change.value) }));
        each.collect()
    }
    let word = |word: &U256| format!("{word:#x}");
    let slot = |slot: &SlotChanges| json!({ "slot": word(&slot.slot), "slotChanges": changes(&slot.changes, "postValue", word) });
    let each = list.accounts.iter().map(|account| {
        json!({
            "address": account.address.to_string(),
            "storageChanges": account.storage_changes.iter().map(slot).collect::<Vec<_>>(),
            "storageReads": account.storage_reads.iter().map(word).collect::<Vec<_>>(),
            "balanceChanges": changes(&account.balance_changes, "postBalance", word),
            "nonceChanges": changes(&account.nonce_changes, "postNonce", |nonce| format!("{nonce:#x}")),
            "codeChanges": changes(&account.code_changes, "newCode", ToString::to_string),
        })
    });
    each.collect()
}

fn accounts(state: &MemoryDatabase) -> Value {
    let word = |word: &U256| format!("{word:#x}");
    let each = state.accounts.iter().map(|(address, account)| {
        let slots = account.storage.iter().map(|(key, value)| (word(key), json!(word(value))));
        let account = json!({
            "nonce": format!("{:#x}", account.nonce), "balance": word(&account.balance),
            "code": account.code.bytes().to_string(), "storage": slots.collect::<Map<_, _>>(),
        });
        (address.to_string(), account)
    });
    Value::Object(each.collect())
}

fn header(of: &Header) -> Value {
    let number = |number: u64| json!(format!("{number:#x}"));
    let mut fields: BTreeMap<&str, Value> = BTreeMap::from([
        ("parentHash", json!(of.parent_hash.to_string())),
        ("uncleHash", json!(of.ommers_hash.to_string())),
        ("coinbase", json!(of.coinbase.to_string())),
        ("stateRoot", json!(of.state_root.to_string())),
        ("transactionsTrie", json!(of.transactions_root.to_string())),
        ("receiptTrie", json!(of.receipts_root.to_string())),
        ("bloom", json!(of.logs_bloom.to_string())),
        ("difficulty", json!(format!("{:#x}", of.difficulty))),
        ("number", number(of.number)),
        ("gasLimit", number(of.gas_limit)),
        ("gasUsed", number(of.gas_used)),
        ("timestamp", number(of.timestamp)),
        ("extraData", json!(of.extra_data.to_string())),
        ("mixHash", json!(of.prev_randao.to_string())),
        ("nonce", json!(hex::encode_prefixed(of.nonce))),
        ("hash", json!(of.hash().to_string())),
    ]);
    let numbers = [
        ("baseFeePerGas", of.base_fee),
        ("blobGasUsed", of.blob_gas_used),
        ("excessBlobGas", of.excess_blob_gas),
        ("slotNumber", of.slot_number),
    ];
    let hashes = [
        ("withdrawalsRoot", of.withdrawals_root),
        ("parentBeaconBlockRoot", of.parent_beacon_root),
        ("requestsHash", of.requests_hash),
        ("blockAccessListHash", of.access_list_hash),
    ];
    fields.extend(numbers.into_iter().filter_map(|(name, value)| Some((name, number(value?)))));
    fields.extend(hashes.into_iter().filter_map(|(name, value)| Some((name, json!(value?.to_string())))));
    json!(fields)
}

/// A chain of two blocks, and between them some that are refused.
fn chain(fork: Fork) -> Value {
    let mut filler = Filler::new(fork);
    let transfer = Plan { transactions: vec![hex::decode(TRANSFER).unwrap().into()], ..Plan::default() };
    let mut second = Plan::default();
    if filler.rules.withdrawals {
        let withdrawal = |amount| Withdrawal { address: VALIDATOR, amount, ..Withdrawal::default() };
        second.withdrawals = vec![withdrawal(7), withdrawal(0)];
    }
    filler.refuse(&transfer, "BlockException.INVALID_GAS_USED", |block| block.header.gas_used -= 1);
    filler.refuse(&transfer, "BlockException.INVALID_STATE_ROOT", |block| block.header.state_root.0[0] ^= 1);
    filler.refuse(&transfer, "BlockException.INVALID_RECEIPTS_ROOT", |block| {
        block.header.receipts_root.0[9] ^= 1;
    });
    filler.refuse(&transfer, "BlockException.INVALID_BLOCK_NUMBER", |block| block.header.number += 1);
    filler.refuse(&transfer, "BlockException.UNKNOWN_PARENT", |block| block.header.parent_hash.0[31] ^= 1);
    filler.add(&transfer);
    // Once more it has a nonce below its sender's.
    filler.refuse(&Plan::default(), "TransactionException.NONCE_MISMATCH_TOO_LOW", |block| {
        block.transactions.clone_from(&transfer.transactions);
    });
    if filler.rules.work.is_some() {
        let brother = filler.fill(&second).0.header;
        filler.refuse(&second, "BlockException.UNCLE_IS_BROTHER", |block| {
            block.ommers = vec![brother];
            block.header.ommers_hash = block.ommers_hash();
        });
        // A block beside the one that was taken.
        let beside = Header { extra_data: Bytes::from_static(b"beside"), ..filler.blocks[1].header.clone() };
        second.ommers = vec![beside];
    }
    if filler.rules.requests {
        filler.refuse(&second, "BlockException.INVALID_REQUESTS", |block| {
            block.header.requests_hash = Some(compute_requests_hash(&[]));
        });
    }
    if filler.rules.access_list {
        refuse_lists(&mut filler, &second);
    }
    filler.add(&second);
    filler.test()
}

/// A call of a contract, signed by the key 7, of whom the filler makes an account.
fn call(filler: &Filler, nonce: u64, to: Address) -> (Bytes, Address) {
    let transaction = Transaction {
        kind: TransactionType::Legacy,
        chain_id: Some(1),
        nonce,
        gas_limit: 300_000,
        max_fee_per_gas: U256::from(20_000_000_000_u64),
        to: Some(to),
        ..Transaction::default()
    };
    let bytes: Bytes = sign(&transaction, &[], U256::from(7)).unwrap().into();
    let sender = SignedTransaction::decode(&bytes).unwrap().recover(&filler.rules).unwrap();
    (bytes, sender)
}

/// A block in which one gas is more in one transaction and the other in the next (EIP-8037), refunds are no part of what counts (EIP-7778),
/// and slots are written to no effect, or to one that the next transaction undoes (EIP-7928).
fn gases_and_writes() -> (Value, Block) {
    let mut filler = Filler::new(Fork::Amsterdam);
    let contracts = [
        "PUSH 1 NUMBER SSTORE",
        "PUSH 0 PUSH 1 SSTORE PUSH 0 PUSH 2 SSTORE PUSH 0 PUSH 3 SSTORE PUSH 0 PUSH 4 SSTORE PUSH 0 PUSH 5 SSTORE",
        "PUSH 7 PUSH 1 SSTORE PUSH 8 PUSH 2 SSTORE PUSH 7 PUSH 2 SSTORE PUSH 3 SLOAD COINBASE BALANCE",
        "PUSH 9 SLOAD ISZERO PUSH 9 SSTORE",
        // At first it writes what is there, and then something else.
        "PUSH 8 SLOAD PUSH 9 SLOAD ADD PUSH 9 SSTORE PUSH 1 PUSH 8 SSTORE",
        // So much execution gas that of all transactions it is more than state gas, with and without what is refunded.
        "PUSH 0 PUSH 270000 MSTORE",
    ];
    let at = |number: u8| Address::repeat_byte(0xc0 + number);
    for (number, code) in (0..).zip(contracts) {
        let code = Bytecode::new(assemble(code).unwrap());
        let storage = (1..6).map(|slot| (U256::from(slot), U256::from(7))).collect();
        filler.pre.accounts.insert(at(number), Account { nonce: 1, code, storage, ..Account::default() });
    }
    let calls: Vec<_> =
        (0..).zip([0, 1, 2, 3, 3, 4, 4, 5]).map(|(nonce, number)| call(&filler, nonce, at(number))).collect();
    let balance = U256::from(5_000_000_000_000_000_000_u64);
    filler.pre.accounts.insert(calls[0].1, Account { balance, ..Account::default() });
    filler.state = filler.pre.clone();
    filler.blocks[0].header.state_root = filler.pre.state_root();
    let transactions = calls.into_iter().map(|(bytes, _)| bytes).collect();
    filler.add(&Plan { transactions, ..Plan::default() });
    let block = filler.blocks[1].clone();
    (filler.test(), block)
}

/// Lists of a block in which one thing is wrong.
fn refuse_lists(filler: &mut Filler, plan: &Plan) {
    let name = "BlockException.INVALID_BLOCK_ACCESS_LIST";
    filler.refuse_list(plan, name, |list| drop(list.accounts.remove(0)));
    filler.refuse_list(plan, name, |list| list.accounts.swap(0, 1));
    filler.refuse_list(plan, name, |list| {
        let paid = list.accounts.iter_mut().find(|account| account.address == VALIDATOR).unwrap();
        paid.balance_changes[0].value += U256::ONE;
    });
    filler.refuse_list(plan, name, |list| {
        let paid = list.accounts.iter_mut().find(|account| account.address == VALIDATOR).unwrap();
        paid.balance_changes[0].index = 0;
    });
    filler.refuse_list(plan, name, |list| list.accounts[0].storage_reads.push(U256::MAX));
    filler.refuse(plan, "BlockException.INVALID_BAL_HASH", |block| {
        block.header.access_list_hash = Some(B256::ZERO);
    });
    filler.refuse(plan, "BlockException.INCORRECT_BLOCK_FORMAT", |block| block.header.slot_number = None);
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/block-tests/blocks.json")
}

const FORKS: [Fork; 7] = [
    Fork::SpuriousDragon,
    Fork::Byzantium,
    Fork::London,
    Fork::Shanghai,
    Fork::Prague,
    Fork::Bpo2,
    Fork::Amsterdam,
];

/// A chain of two for each, and a block of Amsterdam.
const CASES: u64 = FORKS.len() as u64 + 1;

#[test]
fn the_file_is_what_is_filled() {
    let mut tests: Map<_, _> =
        FORKS.map(|fork| (format!("a_chain_of_two/{fork}"), chain(fork))).into_iter().collect();
    tests.insert("gases_and_writes/Amsterdam".to_owned(), gases_and_writes().0);
    let text = format!("{}\n", serde_json::to_string_pretty(&tests).unwrap());
    if std::env::var_os("PARALLAX_UPDATE").is_some() {
        fs::write(path(), &text).unwrap();
    }
    let found = fs::read_to_string(path()).unwrap();
    assert!(found == text, "run this test with PARALLAX_UPDATE=1, and look at what has changed");
}

fn campaign<T>(then: impl FnOnce(&Campaign<'_>) -> T) -> T {
    let (selection, cancel, files) = (Selection::default(), AtomicBool::new(false), [path()]);
    then(&Campaign { files: &files, selection: &selection, jobs: 1, cancel: &cancel })
}

#[test]
fn every_engine_takes_and_refuses_as_the_file_says() {
    for engine in ["primary", "primary-always", "mini", "revm"] {
        let task = BlockTask { engine: engine.to_owned(), command: "again".to_owned(), max_steps: None };
        let summary = campaign(|campaign| {
            let told = |report: &BlockReport, _| {
                assert_eq!(report.text, None, "{engine}");
                ControlFlow::Continue(())
            };
            blocktest_isolated(campaign, &task, Isolation::InProcess, told)
        });
        let summary = summary.unwrap();
        assert_eq!((summary.passed, summary.cases()), (CASES, CASES), "{engine}");
        assert_eq!(summary.renamed, 0, "{engine}");
    }
}

fn compare(left: &str, right: &str, each: impl FnMut(Option<&str>) + Send) -> DiffSummary {
    let task = DiffTask {
        left: left.to_owned(),
        right: right.to_owned(),
        rules: [None, None],
        mode: ShadowMode::All,
        exact_halts: false,
        measure_time: false,
        max_steps: None,
        command: format!("parallax diff --left {left} --right {right}"),
        forms: vec![Form::Text, Form::Json],
    };
    let mut each = each;
    campaign(|campaign| {
        diff_isolated(campaign, &task, Isolation::InProcess, |report, _| {
            each(report.told.text.as_deref());
            ControlFlow::Continue(())
        })
    })
    .unwrap()
}

#[test]
fn engines_agree_in_all_that_is_in_the_blocks() {
    for (left, right) in [("primary", "mini"), ("mini", "revm"), ("primary", "revm")] {
        let summary = compare(left, right, |text| assert_eq!(text, None));
        assert_eq!(summary.agreed, CASES, "{left} {right}");
        assert!(summary.blocks.unwrap().parts > 12, "{left} {right}");
    }
}

/// A mistake in what is in a block is told by the block, the part of it and the step.
#[cfg(feature = "fault-injection")]
#[test]
fn a_mistake_is_told_by_block_part_and_step() {
    let mut told = Vec::new();
    compare("primary", "mini+flip-result@CALLDATALOAD", |text| told.extend(text.map(str::to_owned)));
    // Up to Shanghai there is no code that runs.
    assert_eq!(told.len(), 4, "{told:#?}");
    let of_prague = told.iter().find(|text| text.contains("a_chain_of_two/Prague")).unwrap();
    assert!(
        of_prague
            .contains("in block 0 (number 1), system call of 0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02"),
        "{of_prague}"
    );
    assert!(of_prague.contains("after step 2"), "{of_prague}");
    assert!(of_prague.contains("again: parallax diff"), "{of_prague}");
}

/// A block as a call of `engine_newPayloadV5`, with this list.
fn payload(block: &Block, list: &[u8], exception: &Value) -> Value {
    let mut header = block.header.clone();
    header.access_list_hash = Some(keccak256(list));
    let number = |number: u64| format!("{number:#x}");
    let request = |(kind, contract): (u8, Address)| {
        let words = [B256::from(U256::from(header.number)), contract.into_word()].concat();
        hex::encode_prefixed([&[kind], words.as_slice()].concat())
    };
    let requests = [
        (BlockRules::WITHDRAWAL_REQUEST, BlockRules::WITHDRAWAL_REQUESTS_ADDRESS),
        (BlockRules::CONSOLIDATION_REQUEST, BlockRules::CONSOLIDATION_REQUESTS_ADDRESS),
        (BlockRules::BUILDER_DEPOSIT_REQUEST, BlockRules::BUILDER_DEPOSITS_ADDRESS),
        (BlockRules::BUILDER_EXIT_REQUEST, BlockRules::BUILDER_EXITS_ADDRESS),
    ];
    let fields = json!({
        "parentHash": header.parent_hash.to_string(), "feeRecipient": header.coinbase.to_string(),
        "stateRoot": header.state_root.to_string(), "receiptsRoot": header.receipts_root.to_string(),
        "logsBloom": header.logs_bloom.to_string(), "blockNumber": number(header.number),
        "gasLimit": number(header.gas_limit), "gasUsed": number(header.gas_used),
        "timestamp": number(header.timestamp), "extraData": header.extra_data.to_string(),
        "prevRandao": header.prev_randao.to_string(), "baseFeePerGas": number(header.base_fee.unwrap()),
        "blobGasUsed": "0x0", "excessBlobGas": number(header.excess_blob_gas.unwrap()),
        "blockHash": header.hash().to_string(), "withdrawals": [],
        "transactions": block.transactions.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "blockAccessList": hex::encode_prefixed(list), "slotNumber": number(header.slot_number.unwrap()),
    });
    let root = header.parent_beacon_root.unwrap().to_string();
    let params = json!([fields, [], root, requests.map(request)]);
    json!({ "params": params, "newPayloadVersion": "5", "validationError": exception })
}

#[test]
fn a_list_comes_with_a_call_of_the_engine_api() {
    let (told, block) = gases_and_writes();
    let end = |list: &[u8], exception: Value| {
        let mut test = told.clone();
        test.as_object_mut().unwrap().remove("blocks");
        test["engineNewPayloads"] = json!([payload(&block, list, &exception)]);
        if !exception.is_null() {
            test["lastblockhash"] = test["genesisBlockHeader"]["hash"].clone();
            test["postState"] = test["pre"].clone();
        }
        let case = BlockCase::read(&TestText::new("a.json", "t", &test.to_string())).unwrap();
        let mut execute = |_, job: &parallax_engine_interface::Job<'_>| {
            parallax_engine_interface::Engine::execute(engines::mini(), job, &mut NoHooks)
        };
        let processors: [&dyn BlockProcessor; 2] = [&MiniBlocks, &parallax_block::Blocks];
        let [mini, primary] =
            processors.map(|processor| run(&case, processor, Order::Specified, &mut execute).end);
        assert_eq!(mini, primary);
        mini
    };
    let list = BlockAccessList::decode(block.access_list.as_ref().unwrap()).unwrap();
    assert_eq!(Some(list.hash()), block.header.access_list_hash);
    assert_eq!(end(&list.encode(), Value::Null), CaseEnd::Passed);

    let refused = |list: &[u8], reason: &str| {
        assert_eq!(end(list, json!("BlockException.INVALID_BLOCK_ACCESS_LIST")), CaseEnd::Passed);
        let CaseEnd::Failed(told) = end(list, Value::Null) else { panic!("taken") };
        assert!(told.contains(reason), "{told}");
    };
    let mut other = list.clone();
    other.accounts[7].storage_changes[0].changes[0].value += U256::ONE;
    refused(
        &other.encode(),
        "block access list: change of the slot 0x1 of 0xc0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0 at index 1 is 0x2, \
         expected 0x1",
    );
    other.accounts.swap(0, 1);
    refused(
        &other.encode(),
        "block access list: accounts: 0x00000961ef480eb55e80d19ad83579a64c007002 stands behind",
    );
    refused(&[0x01], "block access list: blockAccessList: ");
}
