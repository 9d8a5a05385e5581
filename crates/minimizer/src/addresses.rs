//! Accounts at addresses of one byte: who calls them needs two bytes to say so.

use parallax_primitives::{Address, U256};

use crate::{
    Case, Search,
    code::CodePlace,
    listing::{instructions, push, spliced},
};

/// Behind all precompiled contracts of any fork, but for P256VERIFY, which has no address of one byte.
const FIRST: u8 = 0x20;

pub(crate) fn run(search: &mut Search<'_>) {
    for address in search.best().addresses() {
        if address == search.best().transaction.sender || address < Address::with_last_byte(u8::MAX) {
            continue;
        }
        let free = (FIRST..=u8::MAX).map(Address::with_last_byte);
        let free = free.into_iter().find(|free| !search.best().pre.accounts.contains_key(free));
        if let Some(free) = free {
            let moved = moved(search.best(), address, free);
            search.accepts(moved);
        }
    }
}

/// The case with an account at another address, wherever that is said.
fn moved(case: &Case, from: Address, to: Address) -> Case {
    let mut moved = case.clone();
    if let Some(account) = moved.pre.accounts.remove(&from) {
        moved.pre.accounts.insert(to, account);
    }
    let renamed = |address: Address| if address == from { to } else { address };
    let transaction = &mut moved.transaction;
    transaction.to = transaction.to.map(renamed);
    transaction.access_list.iter_mut().for_each(|entry| entry.address = renamed(entry.address));
    moved.block.coinbase = renamed(moved.block.coinbase);
    let word = |address: Address| U256::from_be_bytes(address.into_word().0);
    for place in CodePlace::all(&moved) {
        let mut code = place.code(&moved).to_vec();
        let pushes = |code: &[u8]| {
            let named = |at: &(usize, usize, U256)| at.2 == word(from);
            instructions(code).map(|push| (push.at, push.end(), push.value())).find(named)
        };
        while let Some((start, end, _)) = pushes(&code) {
            code = spliced(&code, start..end, &push(word(to))).swap_remove(0);
        }
        moved = place.with(&moved, code);
    }
    moved
}
