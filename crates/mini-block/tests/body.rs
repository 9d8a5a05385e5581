//! What is done in a block, in which order, and what it comes to.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod chain;

use std::collections::BTreeMap;

use chain::{body, body_with_contracts, child, drive, executed, first_block, seal, success};
use parallax_block_data::{
    Block, BlockError, BlockProcessor, Body, OnRejection, Part, ReceiptOutcome, RlpError, RootName,
    TransactionError, Withdrawal,
};
use parallax_engine_interface::{Execution, Job};
use parallax_host_interface::{AccountChange, StateChanges};
use parallax_memory_database::Account;
use parallax_mini_block::{MiniBlocks, logs_bloom};
use parallax_primitives::{
    Address, B256, BlockRules, Bytes, DAO_ACCOUNTS, DAO_RECOVERY, FrameStatus, Log, Rejection, Subject,
    Transaction, TransactionType, U256,
};

const BEACON: Address = BlockRules::BEACON_ROOTS_ADDRESS;
const HISTORY: Address = BlockRules::HISTORY_ADDRESS;
const WITHDRAWALS: Address = BlockRules::WITHDRAWAL_REQUESTS_ADDRESS;
const CONSOLIDATIONS: Address = BlockRules::CONSOLIDATION_REQUESTS_ADDRESS;

fn rules(name: &str) -> BlockRules {
    name.parse().unwrap()
}

fn with_gas(gas_limit: u64) -> Result<Transaction, TransactionError> {
    Ok(Transaction { gas_limit, ..Transaction::default() })
}

/// An account after a run, with so much and nothing else.
fn paid(address: Address, balance: u64) -> StateChanges {
    let change = AccountChange::Changed {
        nonce: 0,
        balance: U256::from(balance),
        code: None,
        storage: BTreeMap::new(),
        clears_storage: false,
    };
    StateChanges { accounts: BTreeMap::from([(address, change)]) }
}

#[track_caller]
fn check_parts(name: &str, body: Body, expected: &[Part]) {
    let mut parts = Vec::new();
    drive(body, |part, _| {
        parts.push(part);
        executed(success(21_000))
    })
    .unwrap();
    assert_eq!(parts, expected, "{name}");
}

#[test]
fn the_order_of_a_block() {
    let with_one = |name| {
        let mut body = body_with_contracts(&rules(name));
        body.transactions = vec![with_gas(21_000), with_gas(21_000)];
        body
    };
    let (one, two) = (Part::Transaction(0), Part::Transaction(1));
    for name in ["Frontier", "London", "Shanghai"] {
        check_parts(name, with_one(name), &[one, two]);
    }
    check_parts("Cancun", with_one("Cancun"), &[Part::SystemCall(BEACON), one, two]);
    let all = [BEACON, HISTORY, WITHDRAWALS, CONSOLIDATIONS].map(Part::SystemCall);
    for name in ["Prague", "Osaka"] {
        check_parts(name, with_one(name), &[all[0], all[1], one, two, all[2], all[3]]);
    }
    let of_builders = [BlockRules::BUILDER_DEPOSITS_ADDRESS, BlockRules::BUILDER_EXITS_ADDRESS];
    let [deposits, exits] = of_builders.map(Part::SystemCall);
    let parts = [all[0], all[1], one, two, all[2], all[3], deposits, exits];
    check_parts("Amsterdam", with_one("Amsterdam"), &parts);
    // Without code, or without a root, there is no call before the transactions.
    let mut without = with_one("Prague");
    without.state.accounts.remove(&HISTORY);
    without.parent_beacon_root = None;
    check_parts("Prague", without, &[one, two, all[2], all[3]]);
}

#[test]
fn what_a_system_call_is_given() {
    let mut body = body_with_contracts(&rules("Amsterdam"));
    (body.chain_id, body.block.base_fee) = (5, 7);
    let (root, parent_hash) = (body.parent_beacon_root.unwrap(), body.parent_hash);
    let block = body.block.clone();
    drive(body, |part, job| {
        let Subject::SystemCall { message, environment } = job.subject else { panic!("{part}") };
        let Part::SystemCall(address) = part else { panic!("{part}") };
        assert_eq!((message.address, message.code_address, message.depth), (address, address, 0));
        assert_eq!((message.caller, message.value), (BlockRules::SYSTEM_ADDRESS, U256::ZERO));
        assert_eq!((message.gas, message.state_gas.reservoir), (30_000_000, 1_566_720));
        assert_eq!(message.state_gas.baseline, 1_566_720);
        assert_eq!((environment.gas_price, environment.chain_id), (U256::from(7), 5));
        assert_eq!((environment.origin, job.chain_id, job.block), (message.caller, 5, &block));
        let input = match address {
            BEACON => root.to_vec(),
            HISTORY => parent_hash.to_vec(),
            _ => Vec::new(),
        };
        assert_eq!(message.input, input, "{part}");
        executed(success(1))
    })
    .unwrap();
}

#[test]
fn a_checked_call_has_code_and_succeeds() {
    for address in [WITHDRAWALS, CONSOLIDATIONS] {
        let mut body = body_with_contracts(&rules("Prague"));
        body.state.accounts.remove(&address);
        let result = drive(body, |_, _| executed(success(1)));
        assert_eq!(result, Err(BlockError::SystemContractEmpty(address)));
        let result = drive(body_with_contracts(&rules("Prague")), |part, _| {
            let mut outcome = success(1);
            if part == Part::SystemCall(address) {
                outcome.status = FrameStatus::Revert;
            }
            executed(outcome)
        });
        let failed = BlockError::SystemCallFailed { address, status: FrameStatus::Revert };
        assert_eq!(result, Err(failed));
    }
    // The others may fail.
    let result = drive(body_with_contracts(&rules("Prague")), |part, _| {
        let mut outcome = success(1);
        if part == Part::SystemCall(BEACON) || part == Part::SystemCall(HISTORY) {
            outcome.status = FrameStatus::Revert;
            outcome.output = Bytes::from_static(b"no request");
        }
        executed(outcome)
    });
    assert_eq!(result.unwrap().requests, Vec::<Bytes>::new());
}

#[test]
fn system_calls_change_the_state_and_nothing_else() {
    let before = body_with_contracts(&rules("Prague"));
    let result = drive(before, |part, job| {
        let Part::SystemCall(address) = part else { panic!("{part}") };
        // What the call before it left is there.
        let seen = job.database.account(BEACON).unwrap().unwrap().balance;
        assert_eq!(seen, U256::from(if address == BEACON { 0 } else { 9 }));
        let log = Log { address, topics: Vec::new(), data: Bytes::new() };
        let mut outcome = success(1_000_000);
        (outcome.logs, outcome.output) = (vec![log], vec![1, 2, 3].into());
        Ok(Execution { outcome: Some(outcome), changes: paid(BEACON, 9), accesses: None })
    })
    .unwrap();
    assert_eq!((result.gas_used, result.receipts.len(), result.logs_bloom), (0, 0, logs_bloom([])));
    assert_eq!(result.requests, [[1, 1, 2, 3], [2, 1, 2, 3]].map(|request| Bytes::copy_from_slice(&request)));
}

/// What the block's limits are as each transaction is handed out, and what each comes to: gas used, execution gas, state gas.
#[track_caller]
fn check_gas(name: &str, limit: u64, rows: &[(u64, u64, [u64; 3])], expected: (u64, &[u64])) {
    let mut body = body_with_contracts(&rules(name));
    body.block.gas_limit = limit;
    body.on_rejection = OnRejection::LeaveOut;
    body.transactions = rows.iter().map(|(gas_limit, ..)| with_gas(*gas_limit)).collect();
    let result = drive(body, |part, job| {
        let Part::Transaction(index) = part else {
            assert_eq!(job.block.gas_limit, limit);
            return executed(success(1));
        };
        let (gas_limit, seen, [gas_used, execution_gas, state_gas]) = rows[index];
        assert_eq!(job.block.gas_limit, seen, "{name} {index}");
        if gas_limit > seen {
            return Err(Rejection::GasAboveBlock { transaction: gas_limit, block: seen });
        }
        let mut outcome = success(gas_used);
        (outcome.execution_gas, outcome.state_gas) = (execution_gas, state_gas);
        executed(outcome)
    })
    .unwrap();
    let cumulative: Vec<u64> = result.receipts.iter().map(|receipt| receipt.cumulative_gas).collect();
    assert_eq!((result.gas_used, cumulative.as_slice()), expected, "{name}");
    let included: Vec<usize> = (0..rows.len()).filter(|index| rows[*index].0 <= rows[*index].1).collect();
    assert_eq!(result.included, included, "{name}");
    let rejected = (0..rows.len()).filter(|index| !included.contains(index)).map(|index| {
        let (transaction, block, _) = rows[index];
        (index, Rejection::GasAboveBlock { transaction, block }.into())
    });
    assert_eq!(result.rejected, rejected.collect::<Vec<_>>(), "{name}");
    let each: Vec<u64> = included.iter().map(|index| rows[*index].2[0]).collect();
    assert_eq!(result.gas_used_each, each, "{name}");
}

#[test]
fn a_transaction_has_what_those_before_it_left() {
    for name in ["Frontier", "London", "Osaka"] {
        let rows = [
            (60_000, 100_000, [30_000; 3]),
            // More than is left, so it sees what that is; then as much as is left, and it sees the block's limit.
            (70_001, 70_000, [0; 3]),
            (70_000, 100_000, [60_000; 3]),
            (10_001, 10_000, [0; 3]),
            (10_000, 100_000, [10_000; 3]),
        ];
        check_gas(name, 100_000, &rows, (100_000, &[30_000, 90_000, 100_000]));
    }
}

#[test]
fn two_gases_have_two_limits() {
    // EIP-8037: state gas above the cap of a transaction is no execution gas.
    let cap = 16_777_216;
    let rows = [
        (cap + 20, cap * 2, [cap + 10, cap - 5, 30]),
        // Execution gas left: cap + 5, so the cap is enough; state gas left: 2 * cap - 30.
        (cap * 2 - 29, cap * 2 - 30, [0; 3]),
        (cap * 2 - 30, cap * 2, [cap, cap - 100, cap]),
        // Execution gas left: 105. State gas left: cap - 30.
        (106, 105, [0; 3]),
        (105, cap * 2, [50, 50, 7]),
    ];
    check_gas("Amsterdam", cap * 2, &rows, (cap * 2 - 55, &[cap + 10, cap * 2 + 10, cap * 2 + 60]));
    let mostly_state = [(100, 1000, [100, 30, 70]), (100, 1000, [90, 30, 60])];
    check_gas("Amsterdam", 1000, &mostly_state, (130, &[100, 190]));
}

fn with_blobs(count: usize) -> Result<Transaction, TransactionError> {
    let blob_hashes = vec![B256::ZERO; count];
    Ok(Transaction { kind: TransactionType::Blob, blob_hashes, ..Transaction::default() })
}

#[test]
fn blobs_are_those_that_the_block_has_left() {
    let mut body = body_with_contracts(&rules("Osaka"));
    body.on_rejection = OnRejection::LeaveOut;
    body.transactions = [4, 6, 5, 7, 1].map(with_blobs).to_vec();
    let result = drive(body, |part, job| {
        let Part::Transaction(index) = part else { return executed(success(1)) };
        let max = [9, 5, 9, 0, 0][index];
        assert_eq!(job.block.blobs.max, max, "{index}");
        let count = [4, 6, 5, 7, 1][index];
        if count > max {
            return Err(Rejection::TooManyBlobs { count: usize::try_from(count).unwrap(), limit: 6 });
        }
        executed(success(1))
    })
    .unwrap();
    assert_eq!((result.included, result.blob_gas_used), (vec![0, 2], 9 * 131_072));
    let above = |count, left| TransactionError::BlobsAboveBlock { count, left };
    assert_eq!(result.rejected, [(1, above(6, 5)), (3, above(7, 0)), (4, above(1, 0))]);

    // More than a transaction may have, and not more than the block has: another rule.
    let mut body = body_with_contracts(&rules("Osaka"));
    body.transactions = vec![with_blobs(2), with_blobs(7)];
    let too_many = Rejection::TooManyBlobs { count: 7, limit: 6 };
    let result = drive(body, |part, job| {
        assert_eq!(job.block.blobs.max, 9);
        if part == Part::Transaction(1) { Err(too_many) } else { executed(success(1)) }
    });
    let reason = TransactionError::Rejected(too_many);
    assert_eq!(result, Err(BlockError::Transaction { index: 1, reason }));
}

#[test]
fn what_cannot_be_in_a_block() {
    let malformed =
        || TransactionError::Malformed(RlpError { place: "transaction", reason: "no bytes".to_owned() });
    let bodies = |on_rejection| {
        let mut body = body(&rules("Berlin"));
        body.on_rejection = on_rejection;
        body.transactions = vec![with_gas(1), Err(malformed()), with_gas(2), with_gas(3)];
        body
    };
    let answer = |part, _: Job<'_>| match part {
        Part::Transaction(2) => Err(Rejection::NonceIsMax),
        _ => executed(success(5)),
    };
    let result = drive(bodies(OnRejection::Invalid), answer);
    assert_eq!(result, Err(BlockError::Transaction { index: 1, reason: malformed() }));
    let result = drive(bodies(OnRejection::LeaveOut), answer).unwrap();
    assert_eq!(result.rejected, [(1, malformed()), (2, Rejection::NonceIsMax.into())]);
    assert_eq!((result.included, result.gas_used), (vec![0, 3], 10));
}

#[test]
fn an_execution_that_was_aborted_is_no_answer() {
    let mut body = body(&rules("Berlin"));
    body.transactions = vec![with_gas(1), with_gas(1)];
    let mut times = 0;
    let result = drive(body, |part, _| {
        times += 1;
        match (part, times) {
            (Part::Transaction(0), 1) => {
                Ok(Execution { outcome: None, changes: StateChanges::default(), accesses: None })
            }
            (Part::Transaction(0), 2) | (Part::Transaction(1), 3) => executed(success(1)),
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(result.unwrap().included, [0, 1]);
}

#[test]
fn rewards_are_the_rules_or_those_that_are_told() {
    let (coinbase, ommer) = (Address::repeat_byte(0xc0), Address::repeat_byte(0x01));
    let paid = |name, reward, ommers: &[u64]| {
        let mut body = body(&rules(name));
        body.block.coinbase = coinbase;
        body.reward = reward;
        body.ommers = ommers.iter().map(|age| (*age, ommer)).collect();
        let mut run = MiniBlocks.begin(body);
        // Of Prague's contracts there is none, which is seen behind the rewards.
        assert!(!matches!(run.advance(), Ok(Some(_))));
        let state = run.finish().state;
        [coinbase, ommer].map(|address| {
            state.accounts.get(&address).map(|account| u64::try_from(account.balance).unwrap())
        })
    };
    let ether = 1_000_000_000_000_000_000;
    assert_eq!(paid("Berlin", None, &[]), [Some(2 * ether), None]);
    assert_eq!(paid("Berlin", Some(None), &[1]), [None, None]);
    // A reward of nothing makes an account until EIP-161.
    assert_eq!(paid("Frontier", Some(Some(0)), &[1]), [Some(0), Some(0)]);
    assert_eq!(paid("Berlin", Some(Some(0)), &[1]), [None, None]);
    assert_eq!(paid("Prague", Some(Some(0)), &[]), [None, None]);
    // A 32nd of the reward is rounded before it is paid for each ommer.
    assert_eq!(paid("Berlin", Some(Some(63)), &[1, 1]), [Some(65), Some(110)]);
    assert_eq!(paid("Berlin", Some(Some(80)), &[8]), [Some(82), None]);
    assert_eq!(paid("Shanghai", None, &[]), [None, None]);
    assert_eq!(paid("Shanghai", Some(Some(5)), &[]), [Some(5), None]);
}

#[test]
fn withdrawals_are_paid_and_empty_accounts_go() {
    let [new, none, empty, full] = [1, 2, 3, 4].map(Address::repeat_byte);
    let mut body = body(&rules("Shanghai"));
    body.withdrawals = [(new, 3), (none, 0), (empty, 0), (full, u64::MAX), (new, 4), (full, 0)]
        .map(|(address, amount)| Withdrawal { address, amount, ..Withdrawal::default() })
        .to_vec();
    let of = |balance: u64| Account { balance: U256::from(balance), ..Account::default() };
    body.state.accounts.extend([(empty, of(0)), (full, of(5))]);
    let mut earlier = body.clone();
    let state = drive(body, |_, _| unreachable!()).unwrap().state;
    let gwei = U256::from(1_000_000_000);
    let balances: Vec<(Address, U256)> =
        state.accounts.iter().map(|(address, account)| (*address, account.balance)).collect();
    assert_eq!(balances, [(new, U256::from(7) * gwei), (full, U256::from(u64::MAX) * gwei + U256::from(5))]);
    // Before Shanghai nobody gets any.
    earlier.rules = rules("Paris");
    let before = earlier.state.clone();
    assert_eq!(drive(earlier, |_, _| unreachable!()).unwrap().state, before);
}

#[test]
fn receipts_say_a_root_or_a_status() {
    let log =
        Log { address: Address::repeat_byte(8), topics: vec![B256::repeat_byte(9)], data: Bytes::new() };
    let results = ["SpuriousDragon", "Byzantium"].map(|name| {
        let mut body = body(&rules(name));
        body.reward = Some(None);
        let typed = Transaction { kind: TransactionType::AccessList, ..Transaction::default() };
        body.transactions = vec![with_gas(9), Ok(typed)];
        let result = drive(body, |part, _| {
            let mut outcome = success(4);
            if part == Part::Transaction(0) {
                outcome.logs.push(log.clone());
            } else {
                outcome.status = FrameStatus::Revert;
            }
            let balance = if part == Part::Transaction(0) { 1 } else { 2 };
            Ok(Execution { outcome: Some(outcome), changes: paid(Address::ZERO, balance), accesses: None })
        });
        result.unwrap()
    });
    let mut between = results[0].state.clone();
    between.accounts.get_mut(&Address::ZERO).unwrap().balance = U256::ONE;
    let outcomes = results.each_ref().map(|result| [result.receipts[0].outcome, result.receipts[1].outcome]);
    let roots = [between.state_root(), results[0].state.state_root()].map(ReceiptOutcome::Root);
    assert_eq!(outcomes, [roots, [true, false].map(ReceiptOutcome::Status)]);
    for result in results {
        let [first, second] = &result.receipts[..] else { panic!("{:?}", result.receipts) };
        assert_eq!((first.kind, first.cumulative_gas, second.kind, second.cumulative_gas), (0, 4, 1, 8));
        assert_eq!((&first.logs, &first.bloom), (&vec![log.clone()], &logs_bloom([&log])));
        assert_eq!((second.logs.len(), second.bloom, result.logs_bloom), (0, logs_bloom([]), first.bloom));
    }
}

#[test]
fn the_dao_loses_what_it_has_before_the_first_transaction() {
    let mut body = body(&rules("DAO"));
    body.reward = Some(None);
    body.is_dao_fork = true;
    body.transactions = vec![with_gas(1)];
    let of = |balance: u64| Account { balance: U256::from(balance), nonce: 1, ..Account::default() };
    let bystander = Address::repeat_byte(1);
    body.state.accounts.extend([(DAO_ACCOUNTS[0], of(3)), (DAO_ACCOUNTS[115], of(4)), (bystander, of(5))]);
    let mut not_the_fork = body.clone();
    let result = drive(body, |_, job| {
        assert_eq!(job.database.account(DAO_RECOVERY).unwrap().unwrap().balance, U256::from(7));
        executed(success(1))
    });
    let accounts = result.unwrap().state.accounts;
    assert!(DAO_ACCOUNTS.iter().all(|address| accounts[address].balance.is_zero()));
    assert_eq!((accounts[&DAO_ACCOUNTS[0]].nonce, accounts[&bystander].balance), (1, U256::from(5)));
    not_the_fork.is_dao_fork = false;
    let before = not_the_fork.state.clone();
    assert_eq!(drive(not_the_fork, |_, _| executed(success(1))).unwrap().state, before);
}

#[test]
fn what_was_done_before_an_error_can_be_had() {
    let mut body = body(&rules("Prague"));
    body.transactions = vec![with_gas(21_000)];
    let mut run = MiniBlocks.begin(body);
    assert_eq!(run.advance(), Ok(Some(Part::Transaction(0))));
    // Asked twice, it says the same.
    assert_eq!(run.advance(), Ok(Some(Part::Transaction(0))));
    run.answer(Ok(Execution {
        outcome: Some(success(21_000)),
        changes: paid(Address::ZERO, 3),
        accesses: None,
    }))
    .unwrap();
    assert_eq!(run.advance(), Err(BlockError::SystemContractEmpty(WITHDRAWALS)));
    let result = run.finish();
    assert_eq!((result.gas_used, result.receipts.len()), (21_000, 1));
    assert_eq!(result.state.accounts[&Address::ZERO].balance, U256::from(3));
}

/// The header is held against what the block came to in the order of the specification.
#[test]
fn which_difference_is_told() {
    let rules = rules("Prague");
    let mut body = body_with_contracts(&rules);
    body.transactions = vec![with_gas(21_000)];
    let result = drive(body, |_, _| executed(success(21_000))).unwrap();
    let mut block = child(&rules, &first_block(&rules));
    seal(&mut block, &result);
    assert_eq!(MiniBlocks.check(&rules, &block, &result), Ok(()));
    let valid = block.header.clone();
    let found = B256::repeat_byte(0xbb);
    let root = |name, expected| BlockError::Root { name, found, expected };

    // The last difference first, and each time one more before it.
    block.header.requests_hash = Some(found);
    let is = |block: &Block| MiniBlocks.check(&rules, block, &result).unwrap_err();
    assert_eq!(is(&block), root(RootName::Requests, valid.requests_hash.unwrap()));
    block.header.blob_gas_used = Some(1);
    assert_eq!(is(&block), BlockError::BlobGasUsed { found: 1, expected: 0 });
    block.header.withdrawals_root = Some(found);
    assert_eq!(is(&block), root(RootName::Withdrawals, valid.withdrawals_root.unwrap()));
    block.header.logs_bloom[0] = 1;
    assert_eq!(is(&block), BlockError::LogsBloom);
    block.header.receipts_root = found;
    assert_eq!(is(&block), root(RootName::Receipts, valid.receipts_root));
    block.header.state_root = found;
    assert_eq!(is(&block), root(RootName::State, valid.state_root));
    block.header.transactions_root = found;
    assert_eq!(is(&block), root(RootName::Transactions, valid.transactions_root));
    block.header.gas_used = 1;
    assert_eq!(is(&block), BlockError::GasUsed { found: 1, expected: 21_000 });
}
