//! The rules that live in the journal, one row each: what exists, what is deleted, what a creation meets, which block
//! hashes there are, and in which form changes are handed back.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use parallax_host_interface::{AccountChange, Host, HostError, Journal, TxEnv};
use parallax_memory_database::{Account, Accounts, BlockHashes, MemoryDatabase};
use parallax_primitives::{
    Address, B256, BlockEnv, Bytecode, Bytes, Fork, Halt, JournalView, Log, U256, keccak256,
};
use parallax_state::State;

const CONTRACT: Address = Address::repeat_byte(0xc0);
const EMPTY: Address = Address::repeat_byte(0xe0);
const ABSENT: Address = Address::repeat_byte(0xab);
const STORED: Address = Address::repeat_byte(0x50);
const RICH: Address = Address::repeat_byte(0x99);
const RIPEMD160: Address = Address::with_last_byte(3);

fn u(value: u64) -> U256 {
    U256::from(value)
}

fn code(bytes: &'static [u8]) -> Bytecode {
    Bytecode::new(Bytes::from_static(bytes))
}

/// A contract with storage, an empty account, one with storage and nothing else (EIP-7610), and one as rich as can be.
fn world() -> MemoryDatabase {
    let storage = BTreeMap::from([(u(1), u(11)), (u(2), u(22))]);
    let contract = Account { nonce: 1, balance: u(100), code: code(b"\x60"), storage: storage.clone() };
    MemoryDatabase {
        accounts: Accounts::from([
            (CONTRACT, contract),
            (EMPTY, Account::default()),
            (RIPEMD160, Account::default()),
            (STORED, Account { storage, ..Account::default() }),
            (RICH, Account { balance: U256::MAX, ..Account::default() }),
        ]),
        ..MemoryDatabase::default()
    }
}

/// Runs `act` on a fresh state and compares what became of the accounts, by address; `None` is "as it was".
#[track_caller]
fn check(fork: Fork, act: impl Fn(&mut State<'_>), expected: &[(Address, Option<AccountChange>)]) {
    let world = world();
    let mut state = State::new(&world, fork, BlockEnv::default(), TxEnv::default());
    act(&mut state);
    let (changes, _) = state.finish().unwrap();
    for (address, expected) in expected {
        assert_eq!(changes.accounts.get(address), expected.as_ref(), "{address} in {fork}");
    }
    assert_eq!(state.finish().unwrap().0.accounts, BTreeMap::new(), "the journal is empty afterwards");
}

fn changed(
    nonce: u64,
    balance: u64,
    code: Option<Bytecode>,
    storage: &[(u64, u64)],
) -> Option<AccountChange> {
    let storage = storage.iter().map(|&(key, value)| (u(key), u(value))).collect();
    Some(AccountChange::Changed { nonce, balance: u(balance), code, storage, clears_storage: false })
}

const DELETED: Option<AccountChange> = Some(AccountChange::Deleted);

#[test]
fn sending_nothing_touches() {
    let act = |state: &mut State<'_>| {
        assert!(state.transfer(ABSENT, EMPTY, U256::ZERO).unwrap());
        assert!(state.transfer(CONTRACT, ABSENT, U256::ZERO).unwrap());
    };
    // Before EIP-161 a touched account is there from then on; after it, an empty one is not.
    check(
        Fork::TangerineWhistle,
        act,
        &[(EMPTY, None), (ABSENT, changed(0, 0, None, &[])), (CONTRACT, None)],
    );
    check(Fork::SpuriousDragon, act, &[(EMPTY, DELETED), (ABSENT, None), (CONTRACT, None)]);
}

#[test]
fn an_untouched_empty_account_stays() {
    let act = |state: &mut State<'_>| {
        assert_eq!(state.balance(EMPTY).unwrap(), U256::ZERO);
        state.warm_account(EMPTY);
        state.checkpoint();
        state.credit(EMPTY, U256::ZERO).unwrap();
        state.revert();
    };
    check(Fork::Cancun, act, &[(EMPTY, None)]);
}

#[test]
fn what_is_dead() {
    for (fork, address, expected) in [
        (Fork::Frontier, ABSENT, true),
        (Fork::Frontier, EMPTY, false),
        (Fork::SpuriousDragon, EMPTY, true),
        (Fork::SpuriousDragon, CONTRACT, false),
    ] {
        let world = world();
        let mut state = State::new(&world, fork, BlockEnv::default(), TxEnv::default());
        assert_eq!(state.is_dead(address).unwrap(), expected, "{address} in {fork}");
        assert_eq!(state.code_hash(address).unwrap().is_none(), expected, "{address} in {fork}");
    }
}

#[test]
fn the_touch_of_ripemd160_outlives_nested_failures_only() {
    let nested = |state: &mut State<'_>| {
        state.checkpoint();
        state.checkpoint();
        state.checkpoint();
        state.credit(RIPEMD160, U256::ZERO).unwrap();
        state.credit(EMPTY, U256::ZERO).unwrap();
        state.revert();
        state.revert();
        state.commit();
    };
    check(Fork::SpuriousDragon, nested, &[(RIPEMD160, DELETED), (EMPTY, None)]);
    check(Fork::TangerineWhistle, nested, &[(RIPEMD160, None)]);
    // What was sent something is not empty: no touch. If the message fails itself, it is.
    let value = |fails: bool| {
        move |state: &mut State<'_>| {
            state.checkpoint();
            state.checkpoint();
            state.checkpoint();
            state.credit(RIPEMD160, U256::from(1)).unwrap();
            if fails {
                state.revert();
            } else {
                state.commit();
            }
            state.revert();
            state.commit();
        }
    };
    check(Fork::SpuriousDragon, value(true), &[(RIPEMD160, DELETED)]);
    check(Fork::SpuriousDragon, value(false), &[(RIPEMD160, None)]);
    let whole = |state: &mut State<'_>| {
        state.checkpoint();
        state.checkpoint();
        state.credit(RIPEMD160, U256::ZERO).unwrap();
        state.revert();
        state.revert();
    };
    check(Fork::SpuriousDragon, whole, &[(RIPEMD160, None)]);
}

#[test]
fn self_destruct_of_an_old_account() {
    let act = |state: &mut State<'_>| {
        assert!(!state.self_destruct(CONTRACT, ABSENT).unwrap().was_marked);
    };
    check(Fork::Shanghai, act, &[(CONTRACT, DELETED), (ABSENT, changed(0, 100, None, &[]))]);
    // EIP-6780: the balance moves, the account stays.
    check(Fork::Cancun, act, &[(CONTRACT, changed(1, 0, None, &[])), (ABSENT, changed(0, 100, None, &[]))]);
}

#[test]
fn self_destruct_naming_itself() {
    let act = |state: &mut State<'_>| {
        state.self_destruct(CONTRACT, CONTRACT).unwrap();
        let burnt = state.balance(CONTRACT).unwrap().is_zero();
        state.credit(ABSENT, u(u64::from(burnt) + 1)).unwrap();
    };
    check(Fork::Frontier, act, &[(CONTRACT, DELETED), (ABSENT, changed(0, 2, None, &[]))]);
    check(Fork::Cancun, act, &[(CONTRACT, None), (ABSENT, changed(0, 1, None, &[]))]);
}

#[test]
fn self_destruct_of_a_new_account() {
    for beneficiary in [ABSENT, EMPTY] {
        let act = |state: &mut State<'_>| {
            state.create(CONTRACT, ABSENT, u(30)).unwrap().unwrap();
            state.set_code(ABSENT, code(b"\x61")).unwrap();
            assert!(!state.self_destruct(ABSENT, beneficiary).unwrap().was_marked);
            assert!(state.self_destruct(ABSENT, beneficiary).unwrap().was_marked);
            // What arrives after the mark goes with the account.
            state.transfer(CONTRACT, ABSENT, u(5)).unwrap();
        };
        let sent = changed(0, 30, None, &[]).filter(|_| beneficiary == EMPTY);
        for fork in [Fork::London, Fork::Cancun] {
            let left = changed(1, 65, None, &[]);
            check(fork, act, &[(CONTRACT, left), (ABSENT, None), (EMPTY, sent.clone())]);
        }
    }
}

#[test]
fn nothing_arrives_at_a_beneficiary_that_is_touched_all_the_same() {
    let act = |state: &mut State<'_>| {
        assert!(state.debit(CONTRACT, u(100)).unwrap());
        state.self_destruct(CONTRACT, EMPTY).unwrap();
        state.self_destruct(CONTRACT, ABSENT).unwrap();
    };
    check(Fork::Homestead, act, &[(EMPTY, None), (ABSENT, changed(0, 0, None, &[]))]);
    check(Fork::Byzantium, act, &[(EMPTY, DELETED), (ABSENT, None)]);
}

#[test]
fn a_creation_meets() {
    for (address, value, expected) in [
        (ABSENT, 30, Ok(())),
        (EMPTY, 30, Ok(())),
        (CONTRACT, 0, Err(Halt::CreateCollision)),
        (STORED, 0, Err(Halt::CreateCollision)),
    ] {
        for (fork, nonce) in [(Fork::Homestead, 0), (Fork::SpuriousDragon, 1)] {
            let act = |state: &mut State<'_>| {
                assert_eq!(
                    state.create(CONTRACT, address, u(value)).unwrap(),
                    expected,
                    "{address} in {fork}"
                );
                if expected.is_ok() {
                    assert_eq!(state.load_slot(address, u(1)).unwrap().current, U256::ZERO);
                    state.store_slot(address, u(1), u(7)).unwrap();
                }
            };
            let now = changed(nonce, value, None, &[(1, 7)]).filter(|_| expected.is_ok());
            check(fork, act, &[(address, now)]);
        }
    }
}

#[test]
fn a_creation_on_what_another_one_left_collides() {
    let act = |state: &mut State<'_>| {
        state.create(CONTRACT, ABSENT, u(0)).unwrap().unwrap();
        state.load_slot(ABSENT, u(1)).unwrap();
        state.store_slot(ABSENT, u(1), u(7)).unwrap();
        assert_eq!(state.create(CONTRACT, ABSENT, u(0)).unwrap(), Err(Halt::CreateCollision));
    };
    check(Fork::Frontier, act, &[]);
}

#[test]
fn changes_are_in_normal_form() {
    // Everything is changed and changed back.
    let act = |state: &mut State<'_>| {
        for value in [5, 11] {
            state.load_slot(CONTRACT, u(1)).unwrap();
            state.store_slot(CONTRACT, u(1), u(value)).unwrap();
        }
        state.set_code(CONTRACT, code(b"\x61")).unwrap();
        state.set_code(CONTRACT, code(b"\x60")).unwrap();
        state.debit(CONTRACT, u(1)).unwrap();
        state.credit(CONTRACT, u(1)).unwrap();
    };
    check(Fork::Osaka, act, &[(CONTRACT, None)]);
    // A slot that becomes zero is named; code only if it is other.
    let act = |state: &mut State<'_>| {
        for (key, value) in [(1, 0), (2, 22), (3, 33)] {
            state.store_slot(CONTRACT, u(key), u(value)).unwrap();
        }
        state.set_code(CONTRACT, Bytecode::default()).unwrap();
        state.bump_nonce(CONTRACT).unwrap();
    };
    check(Fork::Osaka, act, &[(CONTRACT, changed(2, 100, Some(Bytecode::default()), &[(1, 0), (3, 33)]))]);
}

/// EIP-8246: what is created and destroys itself keeps its balance, and nothing else of what it was created over.
#[test]
fn storage_that_an_account_is_created_over_goes_with_it() {
    let left = |balance| match changed(0, balance, None, &[]) {
        Some(AccountChange::Changed { nonce, balance, code, storage, .. }) => {
            Some(AccountChange::Changed { nonce, balance, code, storage, clears_storage: true })
        }
        _ => None,
    };
    let act = |value, stores| {
        move |state: &mut State<'_>| {
            state.create(CONTRACT, STORED, u(value)).unwrap().unwrap();
            if stores {
                state.store_slot(STORED, u(1), u(12)).unwrap();
                state.store_slot(STORED, u(3), u(33)).unwrap();
            }
            state.self_destruct(STORED, STORED).unwrap();
        }
    };
    for stores in [false, true] {
        check(Fork::Amsterdam, act(5, stores), &[(STORED, left(5))]);
        check(Fork::Amsterdam, act(0, stores), &[(STORED, DELETED)]);
    }
    let paid_later = |state: &mut State<'_>| {
        act(0, true)(state);
        state.credit(STORED, u(7)).unwrap();
    };
    check(Fork::Amsterdam, paid_later, &[(STORED, left(7))]);

    let mut world = world();
    let accounts = BTreeMap::from([(STORED, left(7).unwrap())]);
    world.apply(&parallax_host_interface::StateChanges { accounts });
    assert_eq!(world.accounts[&STORED], Account { balance: u(7), ..Account::default() });
}

#[test]
fn changes_are_carried_out() {
    let mut world = world();
    let accounts = BTreeMap::from([
        (CONTRACT, changed(2, 1, Some(code(b"\x62")), &[(1, 0), (9, 99)]).unwrap()),
        (EMPTY, AccountChange::Deleted),
        (STORED, changed(0, 1, None, &[(1, 0), (3, 33)]).unwrap()),
    ]);
    world.apply(&parallax_host_interface::StateChanges { accounts });
    let storage = BTreeMap::from([(u(2), u(22)), (u(9), u(99))]);
    let contract = Account { nonce: 2, balance: u(1), code: code(b"\x62"), storage };
    assert_eq!(world.accounts[&CONTRACT], contract);
    assert!(!world.accounts.contains_key(&EMPTY));
    assert_eq!(world.accounts[&STORED].storage, BTreeMap::from([(u(2), u(22)), (u(3), u(33))]));
    assert_eq!(world.accounts[&STORED].balance, u(1));
}

#[test]
fn block_hashes_reach_256_blocks_back() {
    let known = B256::repeat_byte(0x77);
    let mut world = MemoryDatabase::default();
    for (number, expected) in
        [(43, false), (44, true), (299, true), (300, false), (301, false), (u64::MAX, false)]
    {
        let block = BlockEnv { number: 300, ..BlockEnv::default() };
        world.block_hashes = BlockHashes::OfNumber;
        let mut state = State::new(&world, Fork::Osaka, block.clone(), TxEnv::default());
        let hash = if expected { keccak256(number.to_string()) } else { B256::ZERO };
        assert_eq!(state.block_hash(number).unwrap(), hash, "{number}");

        world.block_hashes = BlockHashes::Known(BTreeMap::from([(number, known)]));
        let mut state = State::new(&world, Fork::Osaka, block, TxEnv::default());
        assert_eq!(state.block_hash(number).unwrap(), if expected { known } else { B256::ZERO }, "{number}");
        assert!(state.block_hash(100).is_err(), "a hash that is not known is an error, not zero");
    }
}

#[test]
fn what_the_world_cannot_do_is_an_error() {
    let message = |act: &dyn Fn(&mut State<'_>) -> Result<(), HostError>| {
        let mut world = world();
        world.accounts.entry(EMPTY).or_default().nonce = u64::MAX;
        let mut state = State::new(&world, Fork::Osaka, BlockEnv::default(), TxEnv::default());
        act(&mut state).unwrap_err().to_string()
    };
    let (rich, empty) = (RICH, EMPTY);
    let says = message(&|state| state.credit(RICH, u(1)));
    assert_eq!(says, format!("the balance of {rich} would not fit into 256 bits"));
    let says = message(&|state| state.transfer(CONTRACT, RICH, u(1)).map(|_| ()));
    assert_eq!(says, format!("the balance of {rich} would not fit into 256 bits"));
    let says = message(&|state| state.bump_nonce(EMPTY));
    assert_eq!(says, format!("the nonce of {empty} is the largest there is (EIP-2681)"));
    let says = message(&|state| state.create(CONTRACT, ABSENT, u(101)).map(|_| ()));
    assert_eq!(says, format!("{CONTRACT} cannot pay the endowment of {ABSENT}"));
}

#[test]
fn observing_changes_nothing() {
    let world = world();
    let mut state = State::new(&world, Fork::Osaka, BlockEnv::default(), TxEnv::default());
    assert_eq!(state.storage(CONTRACT, u(1)), None);
    state.warm_slot(CONTRACT, u(1));
    assert_eq!(state.storage(CONTRACT, u(1)), None, "warmed, not loaded");
    let slot = state.load_slot(CONTRACT, u(1)).unwrap();
    assert_eq!((slot.current, slot.original, slot.was_cold), (u(11), u(11), false));
    assert_eq!(state.storage(CONTRACT, u(1)), Some(u(11)));
    assert_eq!(state.transient_storage(CONTRACT, u(1)), U256::ZERO);
    state.log(Log { address: CONTRACT, topics: vec![], data: Bytes::new() });
    assert_eq!((state.logs().len(), state.refund()), (1, 0));
    let (changes, logs) = state.finish().unwrap();
    assert_eq!((changes.accounts.len(), logs.len()), (0, 1));
}
