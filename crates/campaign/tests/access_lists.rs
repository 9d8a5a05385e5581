//! Every state test of Amsterdam as a block: the access list that each side makes of what its engine has looked at is the one that an
//! observer makes of the steps and messages that it is shown.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod accesses;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::atomic::AtomicBool,
};

use accesses::Observer;
use parallax_block::Blocks;
use parallax_block_data::{
    AccessDifference, AccountAccess, BlockAccessList, BlockError, BlockProcessor, Body, Change, OnRejection,
    SlotChanges, Withdrawal,
};
use parallax_block_tests::{NoResult, process};
use parallax_campaign::{Campaign, Delivered, Selection, engines, shared_folder, statetest};
use parallax_engine_interface::Engine;
use parallax_memory_database::MemoryDatabase;
use parallax_mini_block::MiniBlocks;
use parallax_primitives::{Address, B256, BlockEnv, BlockRules, Fork, U256};
use parallax_state_tests::Case;

/// A block of nothing but the transaction; `None` if it cannot be in it.
fn list_of(
    case: &Case,
    processor: &dyn BlockProcessor,
    engine: &dyn Engine,
) -> Option<(BlockAccessList, MemoryDatabase, Observed)> {
    let rules = BlockRules::from(case.rules);
    let body = Body {
        rules: BlockRules { beacon_roots: false, history: false, requests: false, ..rules },
        chain_id: case.chain_id,
        block: case.block.clone(),
        parent_hash: B256::ZERO,
        parent_beacon_root: None,
        is_dao_fork: false,
        transactions: vec![Ok(case.transaction.clone().ok()?)],
        ommers: Vec::new(),
        withdrawals: Vec::new(),
        reward: None,
        on_rejection: OnRejection::Invalid,
        state: (*case.pre).clone(),
    };
    let mut observed = Observed::default();
    let result = process(processor.begin(body), &mut |_, job| {
        let mut observer = Observer::new(&case.pre, case.rules);
        let execution = engine.execute(job, &mut observer);
        observed = Observed { seen: observer.seen, perhaps: observer.perhaps };
        execution
    });
    match result {
        Ok(result) => Some((result.access_list.unwrap(), result.state, observed)),
        Err(NoResult::Block(BlockError::Transaction { .. })) => None,
        Err(other) => panic!("{}: {other:?}", case.name),
    }
}

#[derive(Default)]
struct Observed {
    seen: BTreeMap<Address, BTreeSet<U256>>,
    perhaps: BTreeSet<Address>,
}

/// The list of the only transaction of a block, by what it was seen to look at and the states around it.
fn rebuilt(observed: &Observed, before: &MemoryDatabase, after: &MemoryDatabase) -> BlockAccessList {
    let accounts = observed.seen.iter().map(|(address, slots)| {
        let [before, after] =
            [before, after].map(|state| state.accounts.get(address).cloned().unwrap_or_default());
        let mut account = AccountAccess { address: *address, ..AccountAccess::default() };
        for slot in slots {
            let [was, value] =
                [&before, &after].map(|state| state.storage.get(slot).copied().unwrap_or_default());
            if was == value {
                account.storage_reads.push(*slot);
            } else {
                account
                    .storage_changes
                    .push(SlotChanges { slot: *slot, changes: vec![Change { index: 1, value }] });
            }
        }
        if before.balance != after.balance {
            account.balance_changes.push(Change { index: 1, value: after.balance });
        }
        if before.nonce != after.nonce {
            account.nonce_changes.push(Change { index: 1, value: after.nonce });
        }
        if before.code != after.code {
            account.code_changes.push(Change { index: 1, value: after.code.bytes().clone() });
        }
        account
    });
    BlockAccessList { accounts: accounts.collect() }
}

/// Whether the list of the case is only known between bounds; `None` if its transaction cannot be in a block.
fn check(case: &Case) -> Result<Option<bool>, String> {
    let primary = list_of(case, &Blocks, &engines::primary());
    let mini = list_of(case, &MiniBlocks, engines::mini());
    let (Some((list, state, mut observed)), Some((of_mini, ..))) = (primary, mini) else { return Ok(None) };
    if let Some(difference) = AccessDifference::between(&list, &of_mini) {
        return Err(format!("primary, by mini: {difference}"));
    }
    list.validate(1).map_err(|error| error.to_string())?;
    let is_bounded = !observed.perhaps.is_empty();
    if is_bounded {
        for account in &list.accounts {
            if observed.perhaps.contains(&account.address) {
                observed.seen.entry(account.address).or_default();
            }
        }
    }
    let rebuilt = rebuilt(&observed, &case.pre, &state);
    if let Some(difference) = AccessDifference::between(&list, &rebuilt) {
        return Err(format!("by the observer: {difference}"));
    }
    assert_eq!(BlockAccessList::decode(&list.encode()).unwrap(), list);
    Ok(Some(is_bounded))
}

#[test]
fn lists_are_what_an_observer_makes_of_steps_and_messages() {
    let archive = shared_folder().map(|folder| folder.join("amsterdam/state_tests.tar.gz"));
    let Some(archive) = archive.filter(|archive| archive.is_file()) else {
        eprintln!("left out: no state tests of Amsterdam beside the repository, nor in PARALLAX_SHARED");
        return;
    };
    let (selection, cancel, files) = (Selection::default(), AtomicBool::new(false), [archive]);
    let campaign = Campaign { files: &files, selection: &selection, jobs: 0, cancel: &cancel };
    let (mut lists, mut bounded, mut refused, mut wrong) = (0, 0, 0, Vec::new());
    statetest(&campaign, &engines::primary(), |delivered, _| {
        let Delivered::Case(case, _) = delivered else { panic!("{delivered:?}") };
        match check(case) {
            Err(difference) => wrong.push(format!("{}: {difference}", case.name)),
            Ok(None) => refused += 1,
            Ok(Some(is_bounded)) => {
                lists += 1;
                bounded += u64::from(is_bounded);
            }
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    eprintln!("{lists} lists, {bounded} of them between bounds, {refused} transactions refused");
    let first = wrong.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} differ:\n{first}", wrong.len());
    assert_eq!((lists, bounded, refused), (3739, 29, 28));
}

/// Withdrawals are listed and have no gas: the one thing that may be too much.
#[test]
fn a_list_is_no_longer_than_the_gas_limit_allows() {
    let rules = BlockRules::of(Fork::Amsterdam);
    let list = |processor: &dyn BlockProcessor, gas_limit| {
        let withdrawal =
            |byte| Withdrawal { address: Address::with_last_byte(byte), amount: 1, ..Withdrawal::default() };
        let mut run = processor.begin(Body {
            rules: BlockRules { beacon_roots: false, history: false, requests: false, ..rules },
            chain_id: 1,
            block: BlockEnv { gas_limit, ..BlockEnv::default() },
            parent_hash: B256::ZERO,
            parent_beacon_root: None,
            is_dao_fork: false,
            transactions: Vec::new(),
            ommers: Vec::new(),
            withdrawals: (1..=30).map(withdrawal).collect(),
            reward: None,
            on_rejection: OnRejection::Invalid,
            state: MemoryDatabase::default(),
        });
        run.advance().map(|_| run.finish().access_list.unwrap())
    };
    for processor in [&Blocks as &dyn BlockProcessor, &MiniBlocks] {
        let whole = list(processor, 60_000).unwrap();
        assert_eq!(whole.accounts.len(), 30);
        assert!(whole.accounts.iter().all(|account| account.balance_changes[0].index == 1));
        let error = list(processor, 59_999).unwrap_err();
        assert_eq!(error, BlockError::AccessListTooLarge { items: 30, limit: 29 });
    }
}
