//! Block tests that are made here: what passes, what is told where something is not as the file says, and what is no test.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use parallax_block::Blocks;
use parallax_block_data::{Block, Header, NO_OMMERS_HASH, Withdrawal, receipts_root};
use parallax_block_tests::{BlockCase, CaseEnd, Order, is_block_test, run};
use parallax_engine_interface::EngineError;
use parallax_host_interface::HostError;
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{Address, B256, U256, hex};
use parallax_state_tests::TestText;
use serde_json::{Value, json};

const RECEIVER: Address = Address::repeat_byte(0x77);

fn genesis() -> Block {
    let header = Header {
        ommers_hash: NO_OMMERS_HASH,
        state_root: MemoryDatabase::default().state_root(),
        transactions_root: receipts_root(&[]),
        receipts_root: receipts_root(&[]),
        gas_limit: 30_000_000,
        base_fee: Some(8),
        withdrawals_root: Some(receipts_root(&[])),
        ..Header::default()
    };
    Block { header, withdrawals: Some(Vec::new()), ..Block::default() }
}

/// A block that pays one withdrawal behind the first block, and its state.
fn paying() -> (Block, MemoryDatabase) {
    let first = genesis();
    let mut state = MemoryDatabase::default();
    state.accounts.insert(RECEIVER, Account { balance: U256::from(5_000_000_000_u64), ..Account::default() });
    let withdrawals = vec![Withdrawal { address: RECEIVER, amount: 5, ..Withdrawal::default() }];
    let mut block = Block { withdrawals: Some(withdrawals), ..first.clone() };
    let withdrawals_root = Some(block.withdrawals_root());
    block.header = Header {
        parent_hash: first.header.hash(),
        number: 1,
        timestamp: 12,
        base_fee: Some(7),
        state_root: state.state_root(),
        withdrawals_root,
        ..block.header
    };
    (block, state)
}

fn header(header: &Header) -> Value {
    let number = |number: u64| format!("{number:#x}");
    json!({
        "parentHash": header.parent_hash.to_string(), "uncleHash": header.ommers_hash.to_string(),
        "coinbase": header.coinbase.to_string(), "stateRoot": header.state_root.to_string(),
        "transactionsTrie": header.transactions_root.to_string(), "receiptTrie": header.receipts_root.to_string(),
        "bloom": header.logs_bloom.to_string(), "difficulty": "0x00", "number": number(header.number),
        "gasLimit": number(header.gas_limit), "gasUsed": "0x", "timestamp": number(header.timestamp),
        "extraData": "0x", "mixHash": header.prev_randao.to_string(), "nonce": "0x0000000000000000",
        "baseFeePerGas": number(header.base_fee.unwrap()),
        "withdrawalsRoot": header.withdrawals_root.unwrap().to_string(), "hash": header.hash().to_string(),
    })
}

/// A test of one block.
fn test(block: &Value, last: B256, post: &MemoryDatabase) -> Value {
    let accounts = post.accounts.iter().map(|(address, account)| {
        let account = json!({
            "nonce": "0x00", "balance": format!("{:#x}", account.balance), "code": "0x", "storage": {}
        });
        (address.to_string(), account)
    });
    json!({
        "network": "Shanghai", "pre": {}, "blocks": [block],
        "genesisBlockHeader": header(&genesis().header),
        "genesisRLP": hex::encode_prefixed(genesis().encode()),
        "lastblockhash": last.to_string(), "postState": accounts.collect::<serde_json::Map<_, _>>(),
    })
}

fn valid(block: &Block) -> Value {
    json!({ "rlp": hex::encode_prefixed(block.encode()), "blockHeader": header(&block.header) })
}

fn invalid(block: &Block, exception: &str) -> Value {
    json!({ "rlp": hex::encode_prefixed(block.encode()), "expectException": exception })
}

fn read(test: &Value) -> Result<BlockCase, String> {
    let text = TestText::new("a.json", "t", &test.to_string());
    assert!(is_block_test(&text));
    BlockCase::read(&text).map_err(|error| error.to_string())
}

/// How a test ends in whose blocks nothing is run.
fn end(test: &Value) -> CaseEnd {
    let case = read(test).unwrap();
    run(&case, &Blocks, Order::Specified, &mut |_, _| {
        Err(EngineError::Host(HostError::new("there is nothing to run")))
    })
    .end
}

#[track_caller]
fn fails(test: &Value, why: &str) {
    match end(test) {
        CaseEnd::Failed(reason) if reason.contains(why) => {}
        end => panic!("{end:?}, expected: {why}"),
    }
}

#[test]
fn a_block_is_taken_and_refused_as_the_file_says() {
    let (block, post) = paying();
    let (last, none) = (block.header.hash(), MemoryDatabase::default());
    let first = genesis().header.hash();
    assert_eq!(end(&test(&valid(&block), last, &post)), CaseEnd::Passed);

    let wrong = |change: fn(&mut Header)| {
        let mut block = block.clone();
        change(&mut block.header);
        block
    };
    let root = wrong(|header| header.state_root = B256::ZERO);
    let refused = test(&invalid(&root, "BlockException.INVALID_STATE_ROOT"), first, &none);
    assert_eq!(end(&refused), CaseEnd::Passed);
    let number = wrong(|header| header.number = 2);
    let either = "BlockException.INVALID_STATE_ROOT|BlockException.INVALID_BLOCK_NUMBER";
    assert_eq!(end(&test(&invalid(&number, either), first, &none)), CaseEnd::Passed);

    // Each is told by its place, what was found and what was expected.
    fails(&test(&valid(&root), first, &none), "block 0: refused: state root is 0x00");
    let state_root = "BlockException.INVALID_STATE_ROOT";
    fails(
        &test(&invalid(&number, state_root), first, &none),
        "block 0: refused as BlockException.INVALID_BLOCK_NUMBER (number is 2, expected 1), expected BlockException.INVALID_STATE_ROOT",
    );
    fails(
        &test(&invalid(&block, either), last, &post),
        "block 0: taken, expected the refusal BlockException",
    );
    fails(&test(&valid(&block), first, &post), "the chain ends with 0x");
    let missing = "account 0x7777777777777777777777777777777777777777 should not exist";
    fails(&test(&valid(&block), last, &none), missing);
    let mut other = valid(&block);
    other["blockHeader"]["hash"] = json!(B256::ZERO.to_string());
    fails(&test(&other, last, &post), "block 0: its hash is 0x");
    let cut = json!({ "rlp": "0xf901", "expectException": "BlockException.RLP_STRUCTURES_ENCODING" });
    assert_eq!(end(&test(&cut, first, &none)), CaseEnd::Passed);
}

/// Proof of work is not checked: what is to be refused for nothing else is told apart, and is no parent of anything.
#[test]
fn proof_of_work_is_told_apart() {
    let (block, _) = paying();
    let (first, none) = (genesis().header.hash(), MemoryDatabase::default());
    assert_eq!(end(&test(&invalid(&block, "InvalidBlockNonce"), first, &none)), CaseEnd::ProofOfWork(1));
}

#[test]
fn a_block_comes_as_a_call_of_the_engine_api_too() {
    let (block, post) = paying();
    let last = block.header.hash();
    let payload = |hash: B256, error: Value| {
        let of = &block.header;
        let mut test = test(&Value::Null, last, &post);
        test.as_object_mut().unwrap().remove("blocks");
        test["engineNewPayloads"] = json!([{ "params": [{
            "parentHash": of.parent_hash.to_string(), "feeRecipient": of.coinbase.to_string(),
            "stateRoot": of.state_root.to_string(), "receiptsRoot": of.receipts_root.to_string(),
            "logsBloom": of.logs_bloom.to_string(), "blockNumber": "0x1", "gasLimit": "0x1c9c380",
            "gasUsed": "0x0", "timestamp": "0xc", "extraData": "0x", "prevRandao": of.prev_randao.to_string(),
            "baseFeePerGas": "0x7", "blockHash": hash.to_string(), "transactions": [],
            "withdrawals": [
                { "index": "0x0", "validatorIndex": "0x0", "address": RECEIVER.to_string(), "amount": "0x5" }
            ],
        }], "newPayloadVersion": "2", "validationError": error }]);
        test
    };
    assert_eq!(end(&payload(last, Value::Null)), CaseEnd::Passed);
    fails(&payload(B256::ZERO, Value::Null), "block 0: refused: block hash is 0x");
    let mut wrong = payload(B256::ZERO, json!("BlockException.INVALID_BLOCK_HASH"));
    wrong["lastblockhash"] = json!(genesis().header.hash().to_string());
    wrong["postState"] = json!({});
    assert_eq!(end(&wrong), CaseEnd::Passed);
}

#[test]
fn what_is_no_block_test_is_told_by_its_place() {
    let (block, post) = paying();
    let good = test(&valid(&block), block.header.hash(), &post);
    let with = |pointer: &str, value: Value| {
        let mut test = good.clone();
        *test.pointer_mut(pointer).unwrap() = value;
        read(&test).unwrap_err()
    };
    let zero = json!(B256::ZERO.to_string());
    for (pointer, value, told) in [
        ("/network", json!("Nowhere"), "network: expected a fork that is known, found \"Nowhere\""),
        ("/genesisBlockHeader/hash", zero, "genesisBlockHeader.hash: expected the hash of the header"),
        ("/genesisBlockHeader/gasLimit", json!("0xzz"), "genesisBlockHeader.gasLimit: expected an integer"),
        ("/blocks/0/rlp", json!("0x1"), "blocks[0].rlp: expected bytes in hexadecimal"),
        ("/genesisRLP", json!("0xc0"), "genesisRLP: expected the RLP of the first block"),
        ("/lastblockhash", Value::Null, "lastblockhash: missing field"),
    ] {
        let error = with(pointer, value);
        assert!(error.starts_with(&format!("a.json: at t.{told}")), "{error}");
    }
    // The state is of another first block.
    let mut test = good.clone();
    test["pre"] =
        json!({ RECEIVER.to_string(): { "nonce": "0x1", "balance": "0x0", "code": "0x", "storage": {} } });
    let error = read(&test).unwrap_err();
    let told = "a.json: at t.genesisBlockHeader.stateRoot: expected the root of the state in pre";
    assert!(error.starts_with(told), "{error}");
    assert!(!is_block_test(&TestText::new("a.json", "t", r#"{"env": {}, "blocks of": "\"blocks\""}"#)));
}
