//! The rules of blocks against the numbers of the executable specification, fork by fork.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

#[path = "../../../fixtures/facts/mod.rs"]
mod witness;

use parallax_block::{Blocks, base_fee, difficulty, excess_blob_gas};
use parallax_block_data::{
    Block, BlockError, BlockProcessor, Body, ChainPlace, Header, NO_OMMERS_HASH, OnRejection, Withdrawal,
};
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{Address, B256, BlockEnv, BlockRules, U256};
use serde_json::Value;

/// How many numbers were compared.
#[derive(Default)]
struct Counted(u32);

impl Counted {
    #[track_caller]
    #[allow(clippy::needless_pass_by_value, reason = "they are written in place")]
    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, ours: T, theirs: T) {
        assert_eq!(ours, theirs, "{what}");
        self.0 += 1;
    }
}

#[test]
fn the_rules_of_blocks_are_those_of_the_specification() {
    let mut counted = Counted::default();
    for (name, facts) in witness::facts() {
        let rules: BlockRules = name.parse().unwrap();
        let of_block = &facts["block"];
        constants(&mut counted, &name, &rules, of_block);
        gas_limits(&mut counted, &rules, of_block);
        if let Some(rows) =
            of_block["difficulty_after_10^12 [number, seconds, parent has ommers, difficulty]"].as_array()
        {
            for row in rows {
                let ommers_hash = if number(&row[2]) == 0 { NO_OMMERS_HASH } else { B256::ZERO };
                let parent =
                    Header { difficulty: U256::from(10_u64.pow(12)), ommers_hash, ..Header::default() };
                let ours = difficulty(&rules.work.unwrap(), &parent, number(&row[0]), number(&row[1]));
                counted.same(&format!("{name} difficulty {row}"), ours, Some(word(&row[3])));
            }
        } else {
            assert!(rules.work.is_none(), "{name}");
        }
        if let Some(rows) = of_block["base_fee_of_limit_30M [parent used, parent fee, fee]"].as_array() {
            for row in rows {
                let parent = Header {
                    gas_limit: 30_000_000,
                    gas_used: number(&row[0]),
                    base_fee: Some(number(&row[1])),
                    ..Header::default()
                };
                counted.same(&format!("{name} base fee {row}"), base_fee(&parent), number(&row[2]));
            }
        }
        if let Some(rows) = facts["blob"]["next_excess [excess, used, base_fee, next]"].as_array() {
            for row in rows {
                let parent = Header {
                    excess_blob_gas: Some(number(&row[0])),
                    blob_gas_used: Some(number(&row[1])),
                    base_fee: Some(number(&row[2])),
                    ..Header::default()
                };
                let ours = excess_blob_gas(&rules, &parent);
                counted.same(&format!("{name} excess blob gas {row}"), ours, number(&row[3]));
            }
        }
        rewards(&mut counted, &name, &rules, of_block);
    }
    // One that is left out would not be missed otherwise.
    assert_eq!(counted.0, 1412);
}

fn constants(counted: &mut Counted, fork: &str, rules: &BlockRules, facts: &Value) {
    let numbers = [
        ("gas_limit_divisor", BlockRules::GAS_LIMIT_DIVISOR),
        ("gas_limit_minimum", BlockRules::GAS_LIMIT_MINIMUM),
        ("difficulty_minimum", BlockRules::DIFFICULTY_MINIMUM),
        ("max_ommers", BlockRules::MAX_OMMERS as u64),
        ("max_ommer_depth", BlockRules::MAX_OMMER_DEPTH),
        ("max_extra_data", BlockRules::MAX_EXTRA_DATA as u64),
        ("initial_base_fee", BlockRules::INITIAL_BASE_FEE),
        ("base_fee_change_denominator", BlockRules::BASE_FEE_CHANGE_DENOMINATOR),
        ("base_fee_elasticity", BlockRules::BASE_FEE_ELASTICITY),
        ("withdrawal_unit_wei", BlockRules::WITHDRAWAL_UNIT),
        ("system_transaction_gas", BlockRules::SYSTEM_CALL_GAS),
        ("bomb_delay", rules.work.map_or(0, |work| work.bomb_delay)),
        ("max_rlp_block_size", rules.max_size.unwrap_or(0) as u64),
    ];
    for (name, ours) in numbers {
        if !facts[name].is_null() {
            counted.same(&format!("{fork} {name}"), ours, number(&facts[name]));
        }
    }
    let kinds = &facts["request_types"];
    let requests = [
        ("deposit", BlockRules::DEPOSIT_REQUEST),
        ("withdrawal", BlockRules::WITHDRAWAL_REQUEST),
        ("consolidation", BlockRules::CONSOLIDATION_REQUEST),
    ];
    for (name, ours) in requests {
        if !kinds.is_null() {
            counted.same(&format!("{fork} request {name}"), u64::from(ours), number(&kinds[name]));
        }
    }
    let addresses = [
        ("system_address", BlockRules::SYSTEM_ADDRESS, rules.beacon_roots),
        ("beacon_roots_address", BlockRules::BEACON_ROOTS_ADDRESS, rules.beacon_roots),
        ("history_storage_address", BlockRules::HISTORY_ADDRESS, rules.history),
        ("withdrawal_request_address", BlockRules::WITHDRAWAL_REQUESTS_ADDRESS, rules.requests),
        ("consolidation_request_address", BlockRules::CONSOLIDATION_REQUESTS_ADDRESS, rules.requests),
        ("deposit_contract_address", BlockRules::DEPOSIT_ADDRESS, rules.requests),
    ];
    for (name, ours, is_there) in addresses {
        let theirs = facts[name].as_str().map(|text| text.parse::<Address>().unwrap());
        counted.same(&format!("{fork} {name}"), is_there.then_some(ours), theirs);
    }
    let topic = facts["deposit_event_topic"].as_str().map(|text| text.parse::<B256>().unwrap());
    counted.same(&format!("{fork} topic"), rules.requests.then_some(BlockRules::DEPOSIT_TOPIC), topic);
    let withdrawals = !facts["withdrawal_unit_wei"].is_null();
    counted.same(&format!("{fork} withdrawals"), rules.withdrawals, withdrawals);
}

/// Behind 10,000,000 the limits of the file are the outermost that are valid.
fn gas_limits(counted: &mut Counted, rules: &BlockRules, facts: &Value) {
    let limits = &facts["gas_limits_after_10000000"];
    let (least, most) = (number(&limits[0]), number(&limits[1]));
    for (limit, is_valid) in [(least - 1, false), (least, true), (most, true), (most + 1, false)] {
        counted.same(&format!("{rules} {limit}"), is_valid_limit(rules, 10_000_000, limit), is_valid);
    }
    let least = number(&facts["least_gas_limit_after_5001"]);
    for (limit, is_valid) in [(least - 1, false), (least, true)] {
        counted.same(&format!("{rules} {limit}"), is_valid_limit(rules, 5001, limit), is_valid);
    }
}

/// Whether the gas limit of a header is not what is wrong with it.
fn is_valid_limit(rules: &BlockRules, parent: u64, limit: u64) -> bool {
    let base_fee = rules.rules.has(parallax_primitives::Eip::DynamicFee1559).then_some(7);
    let blob = rules.beacon_roots.then_some(0);
    let header = Header {
        gas_limit: parent,
        gas_used: parent / 2,
        difficulty: U256::from(131_072),
        ommers_hash: NO_OMMERS_HASH,
        base_fee,
        withdrawals_root: rules.withdrawals.then_some(B256::ZERO),
        blob_gas_used: blob,
        excess_blob_gas: blob,
        parent_beacon_root: rules.beacon_roots.then_some(B256::ZERO),
        requests_hash: rules.requests.then_some(B256::ZERO),
        access_list_hash: rules.access_list.then_some(B256::ZERO),
        slot_number: rules.access_list.then_some(0),
        ..Header::default()
    };
    let parent = Block { header, ..Block::default() };
    let mut block = parent.clone();
    block.withdrawals = rules.withdrawals.then(Vec::new);
    let header = &mut block.header;
    (header.parent_hash, header.number, header.timestamp) = (parent.header.hash(), 1, 1);
    (header.gas_limit, header.gas_used) = (limit, 0);
    let place = ChainPlace { rules, ancestors: &[&parent], ancestor_rules: &[rules], dao_fork: None };
    !matches!(Blocks.validate(&place, &block), Err(BlockError::GasLimit { .. }))
}

/// The miner of a block and those of its ommers, each by its number.
fn rewards(counted: &mut Counted, fork: &str, rules: &BlockRules, facts: &Value) {
    let rows = &facts["rewards_wei [miner, ommers...]"];
    for (name, ages) in
        [("no ommer", vec![]), ("ommer of age 1", vec![1]), ("ommers of age 2 and 6", vec![2, 6])]
    {
        let miner = |index: usize| Address::with_last_byte(u8::try_from(index + 1).unwrap());
        let ommers = ages.iter().enumerate().map(|(index, age)| (*age, miner(index + 1))).collect();
        let state = run(rules, ommers, Vec::new());
        if rows.is_null() {
            assert!(state.accounts.is_empty(), "{fork}: nobody is paid");
            continue;
        }
        let paid: Vec<_> = state.accounts.values().map(|account| account.balance).collect();
        let theirs: Vec<_> = rows[name].as_array().unwrap().iter().map(word).collect();
        counted.same(&format!("{fork} rewards, {name}"), paid, theirs);
    }
}

/// The state behind an empty block of the miner 1.
fn run(rules: &BlockRules, ommers: Vec<(u64, Address)>, withdrawals: Vec<Withdrawal>) -> MemoryDatabase {
    let mut run = Blocks.begin(Body {
        rules: BlockRules { beacon_roots: false, history: false, requests: false, ..*rules },
        chain_id: 1,
        block: BlockEnv { coinbase: Address::with_last_byte(1), ..BlockEnv::default() },
        parent_hash: B256::ZERO,
        parent_beacon_root: None,
        is_dao_fork: false,
        transactions: Vec::new(),
        ommers,
        withdrawals,
        reward: None,
        on_rejection: OnRejection::Invalid,
        state: MemoryDatabase::default(),
    });
    assert_eq!(run.advance(), Ok(None));
    run.finish().state
}

#[test]
fn a_withdrawal_is_in_gwei_and_one_of_nothing_makes_no_account() {
    let rules = BlockRules::of(parallax_primitives::Fork::Shanghai);
    let to =
        |byte, amount| Withdrawal { address: Address::with_last_byte(byte), amount, ..Withdrawal::default() };
    let state = run(&rules, Vec::new(), vec![to(7, 3), to(8, 0), to(7, 1)]);
    assert_eq!(state.accounts.len(), 1);
    assert_eq!(state.accounts[&Address::with_last_byte(7)].balance, U256::from(4_000_000_000_u64));
}

fn number(value: &Value) -> u64 {
    match value {
        Value::Bool(yes) => u64::from(*yes),
        Value::String(text) => text.parse().unwrap(),
        number => number.as_u64().unwrap(),
    }
}

fn word(value: &Value) -> U256 {
    match value {
        Value::String(text) => text.parse().unwrap(),
        number => U256::from(number.as_u64().unwrap()),
    }
}
