//! What is wrong with a header, each rule by itself and which of two comes first.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod chain;

use chain::{child, first_block, set_difficulty, validate};
use parallax_block_data::{Block, BlockError, BlockProcessor, ChainPlace, Header, NO_OMMERS_HASH};
use parallax_mini_block::{MiniBlocks, calculate_base_fee_per_gas, check_gas_limit};
use parallax_primitives::{Address, B256, BlockEnv, BlockRules, Bytes, U256};

/// The block behind a first one, changed.
#[track_caller]
fn check(name: &str, change: impl FnOnce(&mut Block), expected: impl Into<Option<BlockError>>) {
    let rules: BlockRules = name.parse().unwrap();
    let parent = first_block(&rules);
    let mut block = child(&rules, &parent);
    change(&mut block);
    assert_eq!(validate(&rules, &parent, &block).err(), expected.into(), "{name}");
}

/// The same of its header.
#[track_caller]
fn check_header(name: &str, change: impl FnOnce(&mut Header), expected: BlockError) {
    check(name, |block| change(&mut block.header), Some(expected));
}

const NAMES: [&str; 12] = [
    "Frontier",
    "Homestead",
    "DAO",
    "Byzantium",
    "Berlin",
    "London",
    "GrayGlacier",
    "Paris",
    "Shanghai",
    "Cancun",
    "Prague",
    "Amsterdam",
];

#[test]
fn every_rule_by_itself() {
    for name in NAMES {
        check(name, |_| {}, None);
        check_header(name, |header| header.number = 0, BlockError::Number { found: 0, expected: 1001 });
        check_header(name, |header| header.number = 1002, BlockError::Number { found: 1002, expected: 1001 });
        check_header(
            name,
            |header| header.timestamp = 1_000_000,
            BlockError::Timestamp { found: 1_000_000, parent: 1_000_000 },
        );
        check_header(
            name,
            |header| header.gas_used = 30_000_001,
            BlockError::GasUsedAboveLimit { used: 30_000_001, limit: 30_000_000 },
        );
        check_header(name, |header| header.gas_limit = 1 << 63, BlockError::GasLimitTooBig(1 << 63));
        check_header(
            name,
            |header| header.gas_limit = (1 << 63) - 1,
            BlockError::GasLimit { found: (1 << 63) - 1, parent: 30_000_000 },
        );
        check_header(name, |header| header.extra_data = vec![0; 33].into(), BlockError::ExtraData(33));
        check_header(name, |header| header.parent_hash = B256::ZERO, BlockError::UnknownParent(B256::ZERO));
    }
}

#[test]
fn from_paris_on_there_is_no_work() {
    for name in ["Paris", "Osaka", "Amsterdam"] {
        check_header(name, |header| header.nonce[7] = 1, BlockError::NonceNotZero);
        check_header(
            name,
            |header| header.difficulty = U256::from(131_072),
            BlockError::DifficultyNotZero(U256::from(131_072)),
        );
        let expected = BlockError::OmmersHash { found: B256::ZERO, expected: NO_OMMERS_HASH };
        check_header(name, |header| header.ommers_hash = B256::ZERO, expected);
        check(name, |block| block.ommers.push(Header::default()), Some(BlockError::OmmersAfterParis));
        let with_ommers = |block: &mut Block| {
            block.ommers.push(Header::default());
            block.header.ommers_hash = block.ommers_hash();
        };
        check(name, with_ommers, Some(BlockError::OmmersAfterParis));
    }
}

#[test]
fn a_field_is_there_exactly_from_its_fork_on() {
    let field = |name, is_there| Some(BlockError::Field { name, is_there });
    type Row = (&'static str, fn(&mut Block), &'static str);
    let fields: [Row; 9] = [
        ("baseFeePerGas", |block| turn(&mut block.header.base_fee), "London"),
        ("withdrawalsRoot", |block| turn(&mut block.header.withdrawals_root), "Shanghai"),
        ("blobGasUsed", |block| turn(&mut block.header.blob_gas_used), "Cancun"),
        ("excessBlobGas", |block| turn(&mut block.header.excess_blob_gas), "Cancun"),
        ("parentBeaconBlockRoot", |block| turn(&mut block.header.parent_beacon_root), "Cancun"),
        ("requestsHash", |block| turn(&mut block.header.requests_hash), "Prague"),
        ("blockAccessListHash", |block| turn(&mut block.header.access_list_hash), "Amsterdam"),
        ("slotNumber", |block| turn(&mut block.header.slot_number), "Amsterdam"),
        ("withdrawals", |block| turn(&mut block.withdrawals), "Shanghai"),
    ];
    for (name, change, since) in fields {
        let mut has_it = false;
        for fork in NAMES {
            has_it |= fork == since;
            check(fork, change, field(name, !has_it));
        }
        assert!(has_it, "{since}");
    }
}

fn turn<T: Default>(field: &mut Option<T>) {
    *field = if field.is_some() { None } else { Some(T::default()) };
}

/// As in the specification, whatever else is wrong.
#[test]
fn which_of_two_faults_is_told() {
    let all_wrong = |header: &mut Header| {
        header.gas_used = header.gas_limit + 1;
        header.gas_limit *= 2;
        header.gas_used = header.gas_limit + 1;
        header.timestamp = 0;
        header.extra_data = vec![0; 40].into();
        header.parent_hash = B256::ZERO;
        header.nonce = [1; 8];
        header.difficulty += U256::ONE;
    };
    let used = BlockError::GasUsedAboveLimit { used: 60_000_001, limit: 60_000_000 };
    for name in ["Frontier", "London", "Paris", "Shanghai"] {
        check_header(name, all_wrong, used.clone());
    }
    for name in ["Cancun", "Osaka"] {
        let with_excess = |header: &mut Header| {
            all_wrong(header);
            header.excess_blob_gas = Some(1);
        };
        check_header(name, with_excess, BlockError::ExcessBlobGas { found: 1, expected: 0 });
    }
    let late = |header: &mut Header| {
        all_wrong(header);
        header.gas_used = 0;
    };
    // From London on the limit is looked at with the base fee, before the timestamp.
    check_header("Berlin", late, BlockError::Timestamp { found: 0, parent: 1_000_000 });
    check_header("London", late, BlockError::GasLimit { found: 60_000_000, parent: 30_000_000 });
    let early_number = |header: &mut Header| {
        header.gas_used = header.gas_limit + 1;
        header.number = 5;
    };
    check_header("Berlin", early_number, BlockError::Number { found: 5, expected: 1001 });
    let above = BlockError::GasUsedAboveLimit { used: 30_000_001, limit: 30_000_000 };
    check_header("Paris", early_number, above);
    let fields = |block: &mut Block| {
        block.header.number = 0;
        block.size = usize::MAX;
        block.withdrawals = None;
    };
    check("Osaka", fields, Some(BlockError::Field { name: "withdrawals", is_there: false }));
}

#[test]
fn without_a_parent_it_is_unknown() {
    let rules: BlockRules = "Prague".parse().unwrap();
    let block = first_block(&rules);
    let place = ChainPlace { rules: &rules, ancestors: &[], ancestor_rules: &[], dao_fork: None };
    let unknown = BlockError::UnknownParent(block.header.parent_hash);
    assert_eq!(MiniBlocks.validate(&place, &block), Err(unknown));
}

#[test]
fn the_first_london_block_has_twice_the_limit() {
    let (before, rules): (BlockRules, BlockRules) = ("Berlin".parse().unwrap(), "London".parse().unwrap());
    let parent = first_block(&before);
    let limited = |gas_limit, base_fee| {
        let mut block = child(&rules, &parent);
        (block.header.gas_limit, block.header.base_fee) = (gas_limit, Some(base_fee));
        validate(&rules, &parent, &block)
    };
    assert_eq!(limited(60_000_000, 1_000_000_000), Ok(()));
    assert_eq!(limited(60_058_592, 1_000_000_000), Ok(()));
    for found in [60_058_593, 59_941_407, 30_000_000] {
        assert_eq!(limited(found, 1_000_000_000), Err(BlockError::GasLimit { found, parent: 60_000_000 }));
    }
    let expected = BlockError::BaseFee { found: 7, expected: 1_000_000_000 };
    assert_eq!(limited(60_000_000, 7), Err(expected));
}

#[test]
fn extra_data_of_the_dao_fork() {
    let rules: BlockRules = "DAO".parse().unwrap();
    let with = |number: u64, extra_data: &'static [u8], dao_fork| {
        let mut parent = first_block(&rules);
        parent.header.number = number - 1;
        let mut block = child(&rules, &parent);
        block.header.extra_data = Bytes::from_static(extra_data);
        MiniBlocks.validate(
            &ChainPlace { rules: &rules, ancestors: &[&parent], ancestor_rules: &[], dao_fork },
            &block,
        )
    };
    for number in [100, 109] {
        assert_eq!(with(number, b"dao-hard-fork", Some(100)), Ok(()));
        assert_eq!(with(number, b"dao-hard-forks", Some(100)), Err(BlockError::DaoExtraData));
        assert_eq!(with(number, b"", Some(100)), Err(BlockError::DaoExtraData));
        assert_eq!(with(number, b"", None), Ok(()));
    }
    for number in [99, 110] {
        assert_eq!(with(number, b"", Some(100)), Ok(()));
    }
}

#[test]
fn numbers_at_their_ends_are_no_fault() {
    assert!(check_gas_limit(u64::MAX, u64::MAX));
    assert!(!check_gas_limit(0, 0));
    assert!(!check_gas_limit(u64::MAX - (u64::MAX >> 10), u64::MAX));
    // One that leaves 64 bits.
    let limit = 30_000_000;
    assert_eq!(calculate_base_fee_per_gas(limit, limit, limit, u64::MAX), Ok(u64::MAX));
    assert_eq!(calculate_base_fee_per_gas(limit, limit, u64::MAX, u64::MAX), Ok(u64::MAX));
    let refused = Err(BlockError::GasLimit { found: 5000, parent: 0 });
    assert_eq!(calculate_base_fee_per_gas(5000, 0, 0, 7), refused);

    let rules: BlockRules = "GrayGlacier".parse().unwrap();
    let mut parent = first_block(&rules);
    parent.header.difficulty = U256::MAX;
    let mut block = child(&rules, &parent);
    block.header.number = u64::MAX;
    set_difficulty(&rules, &parent.header, &mut block.header);
    assert_eq!(block.header.difficulty, U256::MAX);
}

#[test]
fn the_environment_is_what_the_header_says() {
    let header = Header {
        coinbase: Address::repeat_byte(1),
        difficulty: U256::from(2),
        number: 3,
        gas_limit: 4,
        timestamp: 5,
        prev_randao: B256::repeat_byte(6),
        base_fee: Some(7),
        excess_blob_gas: Some(8),
        slot_number: Some(9),
        ..Header::default()
    };
    let block = Block { header: header.clone(), ..Block::default() };
    let mut rules: BlockRules = "Cancun".parse().unwrap();
    rules.blobs.max = 10;
    let place = ChainPlace { rules: &rules, ancestors: &[], ancestor_rules: &[], dao_fork: None };
    let expected = BlockEnv {
        number: 3,
        timestamp: 5,
        gas_limit: 4,
        coinbase: header.coinbase,
        difficulty: U256::ZERO,
        prevrandao: header.prev_randao,
        base_fee: 7,
        excess_blob_gas: 8,
        blobs: rules.blobs,
        slot_number: 9,
    };
    assert_eq!(MiniBlocks.environment(&place, &block), expected);
    let rules = "Berlin".parse().unwrap();
    let place = ChainPlace { rules: &rules, ..place };
    let before_paris = MiniBlocks.environment(&place, &block);
    assert_eq!((before_paris.difficulty, before_paris.prevrandao), (U256::from(2), B256::ZERO));
}
