//! The accounts of a scenario.

use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{Address, Bytecode, Bytes, Fork, U256};

use super::{
    addresses::{CONTRACTS, FRESH, SIGNERS, any},
    code,
};
use crate::random::Random;

/// The accounts before the transaction; `is_deep` if the first contract is one that goes down as deep as it is told to.
pub(super) fn world(random: &mut Random, fork: Fork, is_deep: bool) -> MemoryDatabase {
    let mut database = MemoryDatabase::default();
    let mut add = |address, account| drop(database.accounts.insert(address, account));
    for address in CONTRACTS {
        // A few have a nonce with which no account can be created any more, or one round it (EIP-2681).
        let nonce = if random.once_in(24) { u64::MAX - random.pick(&[0, 1, 2]) } else { 1 };
        let is_deep = is_deep && address == CONTRACTS[0];
        let code = if is_deep { code::deep(random, fork) } else { code::contract(random, fork) };
        let code = Bytecode::new(code.into());
        add(address, Account { nonce, balance: balance(random), code, storage: storage(random) });
    }
    for address in SIGNERS {
        let nonce = random.pick(&[0, 0, 1, 7]);
        let code = if fork >= Fork::Prague && random.once_in(2) { designator(random) } else { Bytes::new() };
        // A delegation raises the nonce of its account.
        let nonce = if code.is_empty() { nonce } else { nonce.max(1) };
        // An account is not empty from Spurious Dragon on (EIP-161).
        let balance = if nonce == 0 { balance(random).max(U256::from(1)) } else { balance(random) };
        add(address, Account { nonce, balance, code: Bytecode::new(code), ..Account::default() });
    }
    for address in FRESH {
        if random.once_in(3) {
            // No account is empty from Paris on (EIP-7523).
            let least = u64::from(fork >= Fork::Paris);
            let balance = balance(random).max(U256::from(least));
            add(address, Account { balance, ..Account::default() });
        }
    }
    if random.once_in(4) {
        in_the_way(random, &mut add);
    }
    database
}

/// An account where a contract creates one: with wei alone it is created over, with anything else it is not (EIP-684, EIP-7610).
fn in_the_way(random: &mut Random, add: &mut impl FnMut(Address, Account)) {
    let mut account = Account { balance: U256::from(5), ..Account::default() };
    match random.below(5) {
        0 => account.nonce = 1,
        1 => account.storage = [(U256::from(1), U256::from(1))].into(),
        2 => account.code = Bytecode::new(vec![0].into()),
        _ => {}
    }
    add(random.pick(&CONTRACTS).create(1), account);
}

/// The code of an account that delegates (EIP-7702): to a contract, to an account without code, to another one that delegates or
/// itself, or to a precompiled contract. Now and then it is nearly one.
fn designator(random: &mut Random) -> Bytes {
    let mut code = vec![0xef, 0x01, u8::from(random.once_in(16))];
    code.extend(any(random));
    code.into()
}

fn balance(random: &mut Random) -> U256 {
    U256::from(random.pick(&[0, 1, 1, 1000, 1_000_000]))
}

fn storage(random: &mut Random) -> std::collections::BTreeMap<U256, U256> {
    let slots = (0..code::SLOTS).filter(|_| random.once_in(3)).collect::<Vec<_>>();
    slots.into_iter().map(|slot| (U256::from(slot), U256::from(random.between(1, 2)))).collect()
}
