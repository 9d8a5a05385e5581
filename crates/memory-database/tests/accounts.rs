//! Accounts that are shared by copies, against a map of all of them.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use parallax_host_interface::Database;
use parallax_memory_database::{Account, Accounts, MemoryDatabase};
use parallax_primitives::{Address, Bytecode, Bytes, U256, keccak256};

/// Addresses that are used: about half of them have an account.
const ADDRESSES: u64 = 24;

fn address(number: u64) -> Address {
    Address::from_word(keccak256(number.to_be_bytes()))
}

fn account(number: u64) -> Account {
    Account {
        nonce: number,
        balance: U256::from(number),
        code: Bytecode::new(Bytes::from(vec![number.to_le_bytes()[0]])),
        storage: [(U256::from(number), U256::ONE)].into(),
    }
}

/// A number that looks drawn.
fn draw(seed: &mut u64, below: u64) -> u64 {
    *seed += 1;
    let hash = keccak256(seed.to_be_bytes());
    u64::from_be_bytes(hash[..8].try_into().unwrap()) % below
}

/// Does one thing to both, which answer the same.
fn change(accounts: &mut Accounts, model: &mut BTreeMap<Address, Account>, seed: &mut u64) {
    let (at, value) = (address(draw(seed, ADDRESSES)), draw(seed, 200));
    match draw(seed, 8) {
        0 | 1 => assert_eq!(accounts.insert(at, account(value)), model.insert(at, account(value))),
        2 | 3 => assert_eq!(accounts.remove(&at), model.remove(&at)),
        4 => {
            let (found, expected) = (accounts.get_mut(&at), model.get_mut(&at));
            assert_eq!(found, expected);
            for account in found.into_iter().chain(expected) {
                account.nonce = value;
            }
        }
        5 => {
            accounts.entry(at).or_default().nonce += 1;
            model.entry(at).or_default().nonce += 1;
        }
        6 => {
            accounts.extend([(at, account(value))]);
            model.extend([(at, account(value))]);
        }
        _ => assert_eq!(
            accounts.entry(at).or_insert(account(value)),
            model.entry(at).or_insert(account(value))
        ),
    }
}

#[track_caller]
fn check(accounts: &Accounts, model: &BTreeMap<Address, Account>) {
    assert!(accounts.iter().eq(model.iter()));
    assert!(accounts.keys().eq(model.keys()) && accounts.values().eq(model.values()));
    assert_eq!((accounts.len(), accounts.is_empty()), (model.len(), model.is_empty()));
    assert_eq!(accounts, &Accounts::from(model.clone()));
    assert!(accounts.clone().into_iter().eq(model.clone()));
    let plain = MemoryDatabase { accounts: model.clone().into(), ..MemoryDatabase::default() };
    let world = MemoryDatabase { accounts: accounts.clone(), ..MemoryDatabase::default() };
    assert_eq!(world.state_root(), plain.state_root());
    for number in 0..ADDRESSES {
        let at = address(number);
        assert_eq!(accounts.get(&at), model.get(&at));
        assert_eq!(accounts.contains_key(&at), model.contains_key(&at));
    }
    for account in model.values() {
        assert_eq!(world.code(account.code.hash()).unwrap(), account.code);
    }
}

#[test]
fn what_is_shared_answers_as_a_map_does_and_copies_do_not_meet() {
    let mut seed = 0;
    for _ in 0..40 {
        let mut model = BTreeMap::new();
        let mut accounts = Accounts::new();
        (0..20).for_each(|_| change(&mut accounts, &mut model, &mut seed));
        accounts.share();
        check(&accounts, &model);
        let mut copies: Vec<_> = (0..3).map(|_| (accounts.clone(), model.clone())).collect();
        for (accounts, model) in &mut copies {
            for _ in 0..30 {
                change(accounts, model, &mut seed);
                check(accounts, model);
            }
        }
        // What is shared, changed and shared again.
        let (mut again, again_model) = copies.swap_remove(0);
        again.share();
        check(&again, &again_model);
        check(&accounts, &model);
        for (mut accounts, mut model) in copies {
            accounts.retain(|_, account| account.nonce % 2 == 0);
            model.retain(|_, account| account.nonce % 2 == 0);
            check(&accounts, &model);
        }
        accounts.values_mut().for_each(|account| account.nonce = 1);
        model.values_mut().for_each(|account| account.nonce = 1);
        check(&accounts, &model);
    }
}

#[test]
fn a_code_that_nobody_has_is_not_found() {
    let mut accounts = Accounts::from([(address(0), account(0))]);
    accounts.share();
    let world = MemoryDatabase { accounts, ..MemoryDatabase::default() };
    assert!(world.code(account(1).code.hash()).is_err());
}
