//! What each pass takes away, and how a search ends.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{cell::Cell, time::Duration};

use parallax_memory_database::{BlockHashes, MemoryDatabase};
use parallax_minimizer::{
    Budget, Case, Executed, Limit, Minimized, PASSES, Question, Record, Search, Standing, minimize,
};
use parallax_primitives::{
    AccessListEntry, Address, B256, BlockEnv, Bytecode, Bytes, Fork, Message, Opcode, Rules, Transaction,
    TransactionType, U256, hex,
};

const TO: Address = Address::repeat_byte(0x22);
const CALLEE: Address = Address::repeat_byte(0x33);

fn case(code: impl Into<Bytes>) -> Case {
    Case {
        rules: Fork::Osaka.into(),
        chain_id: 1,
        block: BlockEnv::default(),
        transaction: Transaction { to: Some(TO), gas_limit: 100_000, ..Transaction::default() },
        pre: MemoryDatabase::with_code(TO, code),
    }
}

fn code(case: &Case) -> Vec<u8> {
    case.pre.accounts.get(&TO).map(|account| account.code.bytes().to_vec()).unwrap_or_default()
}

fn budget(tries: u64) -> Budget<'static> {
    Budget { tries, time: Duration::from_secs(1_000), is_stopped: &|| false }
}

/// The pass `name` alone.
#[track_caller]
fn pass(name: &str, case: Case, question: &mut dyn Question) -> Case {
    assert!(question.is_same(&case), "it shows what is looked for");
    let pass = PASSES.iter().find(|pass| pass.name == name).unwrap();
    let budget = budget(u64::MAX);
    let mut search = Search::new(case, question, &budget);
    (pass.run)(&mut search);
    search.best().clone()
}

#[track_caller]
fn check_code(name: &str, before: &[u8], is_same: impl Fn(&[u8]) -> bool, after: &[u8]) {
    let smallest = pass(name, case(before.to_vec()), &mut |case: &Case| is_same(&code(case)));
    assert_eq!(hex::encode(code(&smallest)), hex::encode(after), "{name}");
}

#[test]
fn instructions_go_and_destinations_move() {
    let has = |byte: u8| move |code: &[u8]| code.contains(&byte);
    check_code("deletion", &hex!("6001 6002 01 6003 04 50 00"), has(0x04), &hex!("04"));
    // Push data is no instruction: what is left is whole.
    let long = hex!("7f 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20 50");
    check_code("deletion", &long, has(0x50), &hex!("50"));
    // It jumps to a JUMPDEST, wherever that is.
    let jumps =
        |code: &[u8]| matches!(code, [.., 0x60, to, 0x56, 0x5b] if usize::from(*to) == code.len() - 1);
    check_code("deletion", &hex!("30 30 50 50 6007 56 5b"), jumps, &hex!("6003 56 5b"));
}

#[test]
fn instructions_become_plainer() {
    let count = |code: &[u8], opcode: u8| code.iter().filter(|byte| **byte == opcode).count();
    // One pushes what the other takes.
    let is_balanced = |code: &[u8]| code.contains(&0x04) && count(code, 0x30) == count(code, 0x50);
    check_code("pairs", &hex!("30 04 01 50"), is_balanced, &hex!("04 01"));
    check_code("replacement", &hex!("04 30 04"), |code| code.len() == 3, &hex!("00 00 00"));
    check_code(
        "replacement",
        &hex!("04 30 04"),
        |code| code.len() == 3 && !code.contains(&0),
        &hex!("5b 5b 5b"),
    );
    check_code("constants", &hex!("62 010203 50"), |code| code.contains(&0x50), &hex!("5f 50"));
    check_code("constants", &hex!("62 000040 50"), |code| code.contains(&0x40), &hex!("60 40 50"));
    let jumps_not = |code: &[u8]| !code.contains(&0x04) && code.ends_with(&hex!("5b 30"));
    check_code("jumps", &hex!("6005 56 01 01 5b 5b 30"), jumps_not, &hex!("5b 30"));
    // Where it is not the same without the condition's item, that is taken away.
    let taken = |code: &[u8]| code.len() == 7 || code == hex!("33 50 30");
    check_code("jumps", &hex!("33 6005 57 01 5b 30"), taken, &hex!("33 50 30"));
}

#[test]
fn the_state_and_the_transaction_become_less() {
    let mut before = case(hex!("00"));
    before.transaction.input = vec![1, 2, 3, 4].into();
    before.transaction.kind = TransactionType::AccessList;
    let entry = AccessListEntry { address: TO, storage_keys: vec![B256::ZERO; 3] };
    before.transaction.access_list = vec![entry; 4];
    for last in 1..20 {
        before.pre.accounts.entry(Address::with_last_byte(last)).or_default().balance = U256::from(1_000);
    }
    let account = before.pre.accounts.get_mut(&TO).unwrap();
    account.storage = (1..40).map(|key| (U256::from(key), U256::from(1_000 * key))).collect();
    before.pre.block_hashes = BlockHashes::Known(Default::default());

    let address = Address::with_last_byte(7);
    let mut has_account = |case: &Case| case.pre.accounts.contains_key(&address);
    let after = pass("accounts", before.clone(), &mut has_account);
    assert_eq!(after.pre.accounts.keys().copied().collect::<Vec<_>>(), [address]);

    let slot =
        |case: &Case, key: u64| case.pre.accounts.get(&TO).unwrap().storage.get(&U256::from(key)).copied();
    let mut has_slot = |case: &Case| slot(case, 30).is_some_and(|value| value > U256::from(5));
    let after = pass("storage", before.clone(), &mut has_slot);
    let storage = &after.pre.accounts.get(&TO).unwrap().storage;
    assert_eq!((storage.len(), slot(&after, 30)), (1, Some(U256::from(1 << 14))), "a power of two");

    let mut has_three = |case: &Case| case.transaction.input.contains(&3);
    assert_eq!(pass("calldata", before.clone(), &mut has_three).transaction.input, vec![3]);
    let mut is_long = |case: &Case| case.transaction.input.len() > 2 && case.transaction.input.contains(&3);
    assert_eq!(pass("calldata", before.clone(), &mut is_long).transaction.input, vec![0, 0, 3]);

    let keys = |case: &Case| {
        case.transaction.access_list.iter().map(|entry| entry.storage_keys.len()).sum::<usize>()
    };
    let after = pass("lists", before.clone(), &mut |case: &Case| keys(case) > 1);
    assert_eq!((after.transaction.access_list.len(), keys(&after)), (1, 2));
    let after = pass("lists", before.clone(), &mut |_: &Case| true);
    assert_eq!(after.transaction.kind, TransactionType::Legacy);
    assert!(after.transaction.access_list.is_empty());

    let mut is_paid =
        |case: &Case| case.pre.accounts.get(&address).is_some_and(|account| account.balance > U256::from(3));
    let after = pass("values", before.clone(), &mut is_paid);
    assert_eq!(after.pre.accounts.get(&address).unwrap().balance, U256::from(512));
    assert_eq!(after.pre.accounts.get(&Address::with_last_byte(8)).unwrap().balance, U256::ZERO);

    before.block.timestamp = 77;
    before.chain_id = 5;
    let after = pass("block", before, &mut |case: &Case| case.block.gas_limit >= 100_000);
    assert_eq!((after.block.timestamp, after.block.gas_limit), (0, 1 << 17));
    assert_eq!((after.chain_id, after.pre.block_hashes), (1, BlockHashes::OfNumber));
}

#[test]
fn gas_and_fees_are_as_low_as_they_may_be() {
    let mut before = case(hex!("00"));
    before.block.base_fee = 7;
    let transaction = &mut before.transaction;
    (transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas) = (U256::from(10), U256::from(10));
    let after = pass("gas", before.clone(), &mut |case: &Case| case.transaction.gas_limit > 43_210);
    assert_eq!(after.transaction.gas_limit, 43_211);
    let after = pass("fees", before, &mut |_: &Case| true);
    assert_eq!((after.block.base_fee, after.transaction.max_fee_per_gas), (0, U256::ZERO));
    assert_eq!(after.transaction.max_priority_fee_per_gas, U256::ZERO);
}

#[test]
fn rules_are_the_oldest_that_show_it() {
    let since = |fork: Fork| move |case: &Case| case.rules.base() >= fork;
    let mut before = case(hex!("5f 50"));
    (before.block.base_fee, before.block.prevrandao) = (7, B256::repeat_byte(1));
    let after = pass("rules", before.clone(), &mut since(Fork::Berlin));
    assert_eq!((after.rules, after.block.base_fee), (Fork::Berlin.into(), 0));
    assert_eq!(after.block.prevrandao, B256::ZERO);
    // What pushes a zero in Berlin has one byte more.
    let mut is_whole = |case: &Case| {
        case.rules.base() >= Fork::Berlin
            && (case.rules.base() >= Fork::Shanghai || !code(case).contains(&0x5f))
    };
    let after = pass("rules", before.clone(), &mut is_whole);
    assert_eq!((after.rules, code(&after)), (Fork::Berlin.into(), hex!("6000 50").to_vec()));
    // Rules that are no fork's become a fork's, and one that asks to keep them keeps them.
    before.rules = "Cancun+7939".parse().unwrap();
    let after = minimize(before.clone(), &mut since(Fork::Cancun), &budget(u64::MAX), false);
    assert_eq!(after.case.rules, Rules::of(Fork::Cancun));
    let after = minimize(before.clone(), &mut |_: &Case| true, &budget(u64::MAX), true);
    assert_eq!((after.case.rules, code(&after.case)), (before.rules, Vec::new()));
}

/// Knows what ran.
struct Told<'t> {
    is_same: &'t dyn Fn(&Case) -> bool,
    record: Record,
}

impl Question for Told<'_> {
    fn is_same(&mut self, case: &Case) -> bool {
        (self.is_same)(case)
    }
    fn record(&mut self, _: &Case) -> Record {
        self.record.clone()
    }
}

#[test]
fn addresses_become_short_wherever_they_are_said() {
    let mut before = case([&[0x30, 0x73][..], CALLEE.as_slice(), &[0x31]].concat());
    before.pre.accounts.entry(CALLEE).or_default().balance = U256::from(7);
    before.transaction.access_list = vec![AccessListEntry { address: CALLEE, storage_keys: Vec::new() }];
    let short = Address::with_last_byte(0x20);
    let after = pass("addresses", before, &mut |_: &Case| true);
    assert_eq!(code(&after), hex!("30 6020 31"));
    assert_eq!(after.pre.accounts.keys().copied().collect::<Vec<_>>(), [short, TO]);
    assert_eq!(after.transaction.access_list[0].address, short);
}

#[test]
fn long_constants_are_made_of_short_ones() {
    let long = [&[0x7f][..], &U256::ONE.wrapping_shl(255).to_be_bytes::<32>(), &[0x50]].concat();
    let is_made = |new: &[u8]| {
        let (new, long) = (new.to_vec(), long.clone());
        move |code: &[u8]| code == new || code == long
    };
    for new in [hex!("60ff 6002 0a 50").to_vec(), hex!("6000 19 50").to_vec(), hex!("5a 50").to_vec()] {
        check_code("constants", &long, is_made(&new), &new);
    }
    check_code(
        "constants",
        &hex!("6007 6007 01"),
        |code| code.contains(&0x07) && !code.contains(&0x5f),
        &hex!("6007 80 01"),
    );
}

#[test]
fn what_is_told_of_a_run_is_made_use_of() {
    let mut before = case(hex!("6000 6000 6000 6000 6000 6033 5a f1"));
    before.pre.accounts.entry(CALLEE).or_default().code = Bytecode::new(hex!("6001 04").into());
    let call = Message::call(TO, CALLEE).input(vec![9]).depth(1);
    let messages = vec![Message::call(Address::ZERO, TO), call.clone()];
    // The callee is called at once, and who called it is gone.
    let is_called = |case: &Case| case.transaction.to == Some(CALLEE) && case.transaction.input == vec![9];
    let record = Record { messages: messages.clone(), ..Record::default() };
    let is_same = |case: &Case| is_called(case) || code(case).len() == 14;
    let mut told = Told { is_same: &is_same, record };
    let after = pass("messages", before.clone(), &mut told);
    assert!(is_called(&after) && after.pre.accounts.get(&TO).is_none());
    // Or its code is in who called it.
    let is_same = |case: &Case| {
        case.transaction.to == Some(TO) && (code(case) == hex!("6001 04") || code(case).len() == 14)
    };
    let mut told = Told { is_same: &is_same, record: told.record };
    let after = pass("messages", before.clone(), &mut told);
    assert_eq!((code(&after), after.pre.accounts.len()), (hex!("6001 04").to_vec(), 1));
    // An opcode stands behind its operands.
    let standing = Standing {
        message: Message::call(Address::ZERO, TO),
        code_address: TO,
        opcode: Opcode::SUB,
        immediate: None,
        inputs: 2,
        stack: vec![U256::from(5), U256::from(7), U256::from(9)],
        memory: Bytes::new(),
    };
    let record = Record { standing: Some(standing), ..Record::default() };
    let is_same = |case: &Case| code(case) == hex!("6007 6005 03") || code(case).len() == 14;
    let after =
        pass("straight line", before.clone(), &mut Told { is_same: &is_same, record: record.clone() });
    assert_eq!(code(&after), hex!("6007 6005 03"));
    // Or behind all that ran before it, the jumps left out, of which as much goes as can.
    let ran = |opcode: Opcode, bytes: &[u8]| Executed { opcode, bytes: bytes.to_vec().into(), pc: 0 };
    let once = [ran(Opcode::ADDRESS, &[0x30]), ran(Opcode::CALLER, &[0x33]), ran(Opcode::JUMP, &[0x56])];
    let executed = [&once[..], &once, &[ran(Opcode::SUB, &[0x03])]].concat();
    let is_same =
        |case: &Case| code(case).iter().filter(|byte| **byte == 0x30).count() == 2 || code(case).len() == 14;
    let mut told = Told { is_same: &is_same, record: Record { executed, ..record } };
    assert_eq!(code(&pass("straight line", before, &mut told)), hex!("30 30"));
}

/// Shorter code may cost more than what was there when the least gas was looked for.
#[test]
fn gas_that_was_taken_away_is_there_again() {
    let word = |word: U256| [&[0x7f][..], &word.to_be_bytes::<32>(), &[0x50]].concat();
    let power = U256::ONE.wrapping_shl(255);
    let longer = [word(power | U256::from(5)), word(power)];
    let is_same = |case: &Case| {
        let gas = case.transaction.gas_limit;
        longer.contains(&code(case)) && gas > 100 || code(case) == hex!("60ff 6002 0a 50") && gas > 5_000
    };
    let after = minimize(case(longer[0].clone()), &mut |case: &Case| is_same(case), &budget(u64::MAX), false);
    assert_eq!(
        (code(&after.case), after.case.transaction.gas_limit),
        (hex!("60ff 6002 0a 50").to_vec(), 5_001)
    );
}

fn large() -> Case {
    let mut large = case((0u8..=255).collect::<Vec<_>>());
    large.transaction.input = vec![7; 300].into();
    large.pre.accounts.entry(CALLEE).or_default().code = Bytecode::new(vec![0x30; 500].into());
    large
}

fn wanted(case: &Case) -> bool {
    let code = code(case);
    let is_in_order = [0x20, 0x40, 0x50].map(|byte| code.iter().position(|found| *found == byte)).is_sorted();
    code.contains(&0x20) && code.contains(&0x40) && is_in_order && case.transaction.input.len() > 2
}

#[test]
fn two_runs_come_to_the_same_and_every_round_is_smaller() {
    let run = || {
        let sizes = Cell::new(0);
        let mut question = |case: &Case| {
            sizes.set(sizes.get() + case.size().code);
            wanted(case)
        };
        let Minimized { case, tries, rounds, limit, .. } =
            minimize(large(), &mut question, &budget(u64::MAX), false);
        (code(&case), case.size(), tries, rounds, limit, sizes.get())
    };
    let first = run();
    assert_eq!(first, run());
    assert_eq!((hex::encode(&first.0), first.1.calldata, first.4), (hex::encode(hex!("20 40 50")), 3, None));
    assert!(wanted(&large()) && first.1 < large().size());
}

#[test]
fn a_limit_that_is_met_is_told_and_what_was_found_is_kept() {
    let end = |budget: &Budget<'_>| {
        let asked = Cell::new(0);
        let mut question = |case: &Case| {
            asked.set(asked.get() + 1);
            wanted(case)
        };
        let minimized = minimize(large(), &mut question, budget, false);
        assert_eq!(minimized.tries, asked.get());
        assert!(wanted(&minimized.case) && minimized.case.size() <= large().size());
        (minimized.limit, minimized.tries, minimized.case.size() < large().size())
    };
    assert_eq!(end(&budget(0)), (Some(Limit::Tries), 0, false));
    assert_eq!(end(&budget(20)), (Some(Limit::Tries), 20, true));
    let late = Budget { time: Duration::ZERO, ..budget(20) };
    assert_eq!(end(&late), (Some(Limit::Time), 0, false));
    let looks = Cell::new(0);
    let is_stopped = || {
        looks.set(looks.get() + 1);
        looks.get() > 100
    };
    let (limit, tries, is_smaller) = end(&Budget { is_stopped: &is_stopped, ..budget(u64::MAX) });
    assert!(limit == Some(Limit::Stopped) && tries < 100 && is_smaller);
}
