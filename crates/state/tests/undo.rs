//! Reverting restores everything: each kind of change by itself, then long seeded sequences against a model that clones the
//! whole world at every checkpoint.
#![allow(clippy::unwrap_used)]

mod model;

use std::collections::{BTreeMap, BTreeSet};

use model::Model;
use parallax_host_interface::{AccountChange, Host, Journal, Slot, StateChanges, TxEnv};
use parallax_memory_database::{Account, Accounts, MemoryDatabase};
use parallax_primitives::{Address, B256, BlockEnv, Bytecode, Bytes, Fork, JournalView, Log, U256};
use parallax_state::State;

/// A contract with storage, a plain account, one that is not there, an empty one (RIPEMD-160's), storage and nothing else.
const ADDRESSES: [Address; 6] = [
    CONTRACT,
    PLAIN,
    ABSENT,
    Address::with_last_byte(3),
    Address::repeat_byte(0x50),
    Address::repeat_byte(0xe0),
];
const CONTRACT: Address = Address::repeat_byte(0xc0);
const PLAIN: Address = Address::repeat_byte(0xaa);
const ABSENT: Address = Address::repeat_byte(0xab);
const KEYS: [u64; 3] = [0, 1, 2];

fn world() -> MemoryDatabase {
    let storage = BTreeMap::from([(U256::ONE, U256::from(11)), (U256::from(2), U256::from(22))]);
    let code = Bytecode::new(Bytes::from_static(b"\x60\x00"));
    let contract = Account { nonce: 1, balance: U256::from(100), code, storage: storage.clone() };
    let plain = Account { nonce: 4, balance: U256::from(50), ..Account::default() };
    let stored = Account { balance: U256::ONE, storage, ..Account::default() };
    let accounts = [contract, plain, Account::default(), Account::default(), stored, Account::default()];
    let mut accounts: Accounts = ADDRESSES.into_iter().zip(accounts).collect();
    accounts.remove(&ABSENT);
    MemoryDatabase { accounts, ..MemoryDatabase::default() }
}

/// All that can be asked, asked of copies so that asking warms nothing.
#[derive(Debug, PartialEq)]
struct Observed {
    accounts: Vec<ObservedAccount>,
    slots: Vec<(Slot, U256)>,
    refund: i64,
    logs: Vec<Log>,
    changes: StateChanges,
}

#[derive(Debug, PartialEq)]
struct ObservedAccount {
    is_cold: bool,
    is_dead: bool,
    nonce: u64,
    balance: U256,
    code: Bytecode,
    code_hash: Option<B256>,
    was_marked: bool,
    /// What a SELFDESTRUCT would make of it: tells whether it was created by the transaction.
    destroyed: Option<AccountChange>,
}

fn observe(state: &State<'_>) -> Observed {
    let accounts = ADDRESSES.map(|address| {
        let mut copy = state.clone();
        let was_marked = copy.self_destruct(address, PLAIN).unwrap().was_marked;
        let destroyed = copy.finish().unwrap().0.accounts.remove(&address);
        let mut copy = state.clone();
        ObservedAccount {
            is_cold: copy.warm_account(address),
            is_dead: copy.is_dead(address).unwrap(),
            nonce: copy.nonce(address).unwrap(),
            balance: copy.balance(address).unwrap(),
            code: copy.code(address).unwrap(),
            code_hash: copy.code_hash(address).unwrap(),
            was_marked,
            destroyed,
        }
    });
    let mut copy = state.clone();
    let places = ADDRESSES.into_iter().flat_map(|address| KEYS.map(|key| (address, U256::from(key))));
    let slots = places
        .map(|(address, key)| (copy.load_slot(address, key).unwrap(), copy.load_transient(address, key)));
    Observed {
        accounts: accounts.into(),
        slots: slots.collect(),
        refund: state.refund(),
        logs: state.logs().to_vec(),
        changes: state.clone().finish().unwrap().0,
    }
}

#[test]
fn each_change_is_undone() {
    check("balance", |state| assert!(state.transfer(CONTRACT, PLAIN, U256::from(7)).unwrap()));
    check("credit", |state| state.credit(ABSENT, U256::ONE).unwrap());
    check("debit", |state| assert!(state.debit(PLAIN, U256::ONE).unwrap()));
    check("nonce", |state| state.bump_nonce(ABSENT).unwrap());
    check("code", |state| state.set_code(PLAIN, Bytecode::delegating_to(CONTRACT)).unwrap());
    check("code that was read", |state| {
        state.code(CONTRACT).unwrap();
        state.set_code(CONTRACT, Bytecode::default()).unwrap();
    });
    check("warm account", |state| assert!(state.warm_account(PLAIN)));
    check("warm slot", |state| _ = state.warm_slot(CONTRACT, U256::ONE));
    check("loaded slot", |state| assert!(state.load_slot(CONTRACT, U256::ONE).unwrap().was_cold));
    check("stored slot", |state| state.store_slot(CONTRACT, U256::ONE, U256::from(5)).unwrap());
    check("cleared slot", |state| state.store_slot(CONTRACT, U256::ONE, U256::ZERO).unwrap());
    check("transient slot", |state| state.store_transient(CONTRACT, U256::ONE, U256::from(5)));
    check("touch", |state| state.credit(ADDRESSES[5], U256::ZERO).unwrap());
    check("mark", |state| {
        state.self_destruct(PLAIN, PLAIN).unwrap();
    });
    check("creation", |state| state.create(CONTRACT, ABSENT, U256::ONE).unwrap().unwrap());
    check("refund", |state| state.add_refund(-4800));
    check("log", |state| state.log(Log { address: PLAIN, topics: vec![B256::ZERO], data: Bytes::new() }));
}

/// `act` is observable, is undone by its own checkpoint's end, by an outer one's after it was committed, and kept by a commit.
#[track_caller]
fn check(name: &str, act: impl Fn(&mut State<'_>)) {
    let world = world();
    for fork in [Fork::London, Fork::Cancun] {
        let mut state = State::new(&world, fork, BlockEnv::default(), TxEnv::default());
        let before = observe(&state);
        state.checkpoint();
        act(&mut state);
        let after = observe(&state);
        let is_known_only = name == "mark" && fork == Fork::Cancun;
        assert_eq!(before == after, is_known_only, "{name} in {fork} is observable");
        state.revert();
        assert_eq!(observe(&state), before, "{name} in {fork}, reverted");

        state.checkpoint();
        state.checkpoint();
        act(&mut state);
        state.commit();
        assert_eq!(observe(&state), after, "{name} in {fork}, committed");
        state.revert();
        assert_eq!(observe(&state), before, "{name} in {fork}, committed and reverted");

        act(&mut state);
        assert_eq!(observe(&state), after, "{name} in {fork}, again");
    }
}

/// Marsaglia's xorshift: the same sequence everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % limit
    }

    fn address(&mut self) -> Address {
        ADDRESSES[usize::try_from(self.below(6)).unwrap()]
    }

    fn word(&mut self) -> U256 {
        U256::from(self.below(3))
    }
}

#[test]
fn long_sequences_agree_with_a_model_that_clones() {
    let world = world();
    for fork in [Fork::Frontier, Fork::SpuriousDragon, Fork::London, Fork::Osaka] {
        for seed in 1..=60 {
            let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
            let mut state = State::new(&world, fork, BlockEnv::default(), TxEnv::default());
            let mut model = Model::new(&world, fork);
            let mut open = 0;
            for _ in 0..random.below(300) {
                open = step(&mut random, &mut state, &mut model, open);
                let marks = BTreeSet::from_iter(state.marks());
                assert_eq!(marks, model.marks(), "{fork}, seed {seed}");
                let digest = marks.iter().fold(0u64, |sum, mark| sum.wrapping_add(mark.digest()));
                assert_eq!(state.marks_digest(), Some(digest), "{fork}, seed {seed}");
            }
            assert_eq!(state.refund(), model.refund(), "{fork}, seed {seed}");
            assert_eq!(state.logs().len(), model.logs(), "{fork}, seed {seed}");
            let (changes, _) = state.finish().unwrap();
            check_form(&world, &changes);
            let mut left = world.clone();
            left.apply(&changes);
            let expected = model.finish();
            assert_eq!(left, expected, "{fork}, seed {seed}");
            assert_eq!(left.state_root(), expected.state_root());
        }
    }
}

/// No change says what the world said before.
fn check_form(world: &MemoryDatabase, changes: &StateChanges) {
    for (address, change) in &changes.accounts {
        let before = world.accounts.get(address);
        let mut alone = world.clone();
        let one = StateChanges { accounts: BTreeMap::from([(*address, change.clone())]) };
        alone.apply(&one);
        assert_ne!(alone.accounts.get(address), before, "{address}: {change:?}");
        if let AccountChange::Changed { code, storage, .. } = change {
            let before = before.cloned().unwrap_or_default();
            assert_ne!(code.as_ref(), Some(&before.code), "{address}");
            for (key, value) in storage {
                assert_ne!(before.storage.get(key).copied().unwrap_or_default(), *value, "{address}");
            }
        }
    }
}

/// Does one thing to both and compares what they answer; returns how many checkpoints are open.
fn step(random: &mut Random, state: &mut State<'_>, model: &mut Model, open: u32) -> u32 {
    let (address, other) = (random.address(), random.address());
    let (key, value) = (random.word(), random.word());
    match random.below(22) {
        0..=2 => {
            state.checkpoint();
            model.checkpoint();
            return open + 1;
        }
        3 if open > 0 => {
            state.commit();
            model.commit();
            return open - 1;
        }
        4 if open > 0 => {
            state.revert();
            model.revert();
            return open - 1;
        }
        5 | 6 => {
            assert_eq!(state.transfer(address, other, value).unwrap(), model.transfer(address, other, value));
        }
        7 => {
            state.credit(address, value).unwrap();
            model.credit(address, value);
        }
        8 => assert_eq!(state.debit(address, value).unwrap(), model.debit(address, value)),
        9 => {
            state.bump_nonce(address).unwrap();
            model.account(address).nonce += 1;
        }
        10 => {
            let code = Bytecode::new(Bytes::from(value.to_be_bytes_vec()));
            state.set_code(address, code.clone()).unwrap();
            model.account(address).code = code;
        }
        11 => assert_eq!(state.warm_account(address), model.warm_account(address)),
        12 => {
            state.warm_slot(address, key);
            model.warm_slot(address, key);
        }
        13 => {
            let slot = state.load_slot(address, key).unwrap();
            assert_eq!((slot.current, slot.original, slot.was_cold), model.load_slot(address, key));
        }
        // Only code writes storage, and no account with code or a nonce can be created over.
        14 | 15 if model.has_code_or_nonce(address) => {
            state.store_slot(address, key, value).unwrap();
            model.store_slot(address, key, value);
        }
        16 => {
            assert_eq!(state.load_transient(address, key), model.transient(address, key));
            state.store_transient(address, key, value);
            model.store_transient(address, key, value);
        }
        17 => {
            state.add_refund(4800 - 7 * i64::from(open));
            model.add_refund(4800 - 7 * i64::from(open));
        }
        18 => {
            state.log(Log { address, topics: vec![], data: Bytes::new() });
            model.log();
        }
        19 => assert_eq!(
            state.self_destruct(address, other).unwrap().was_marked,
            model.self_destruct(address, other)
        ),
        20 if model.balance(other) >= value => {
            let done = state.create(other, address, value).unwrap();
            assert_eq!(done.is_ok(), model.create(other, address, value));
        }
        _ => {
            assert_eq!(state.balance(address).unwrap(), model.balance(address));
            assert_eq!(state.is_dead(address).unwrap(), model.is_dead(address));
            assert_eq!(state.code_hash(address).unwrap(), model.code_hash(address));
            assert_eq!(
                state.code(address).unwrap().hash(),
                state.code_hash(address).unwrap().unwrap_or(Bytecode::default().hash())
            );
        }
    }
    open
}
