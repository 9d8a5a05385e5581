//! Roots of a state that is kept, against those that are built of all of its accounts.

use std::collections::BTreeMap;

use parallax_primitives::{Address, B256, U256, keccak256};
use parallax_roots::{AccountLeaf, StateTrie, state_root};

fn address(number: u64) -> Address {
    Address::from_word(keccak256(number.to_be_bytes()))
}

fn leaf(nonce: u64) -> AccountLeaf {
    AccountLeaf { nonce, balance: U256::from(nonce), storage_root: B256::ZERO, code_hash: B256::ZERO }
}

/// A number that looks drawn.
fn draw(seed: &mut u64, below: u64) -> u64 {
    *seed += 1;
    let hash = keccak256(seed.to_be_bytes());
    u64::from_be_bytes([hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]]) % below
}

#[test]
fn a_root_with_changes_is_that_of_the_accounts_as_they_are_then() {
    let mut seed = 0;
    // Cut nowhere, below the first nibble, below the second and below the third, with few accounts a subtrie and with many.
    for size in [0, 1, 2, 17, 255, 256, 300, 4_000, 4_500, 70_000] {
        let before: BTreeMap<_, _> = (0..size).map(|number| (address(number), leaf(number))).collect();
        let trie = StateTrie::new(before.clone());
        assert_eq!(trie.root(), state_root(before.clone()), "{size}");
        for changes in [1, 3, 40, 900] {
            let mut changed = BTreeMap::new();
            for _ in 0..changes {
                // Accounts that are there, and some that are not.
                let number = draw(&mut seed, size + 20);
                let is_gone = draw(&mut seed, 2) == 0;
                changed.insert(address(number), (!is_gone).then(|| leaf(number + 7)));
            }
            let mut after = before.clone();
            for (&address, &leaf) in &changed {
                match leaf {
                    Some(leaf) => after.insert(address, leaf),
                    None => after.remove(&address),
                };
            }
            assert_eq!(trie.root_with(changed), state_root(after), "{changes} of {size}");
        }
    }
}

#[test]
fn subtries_may_vanish_arise_and_be_left_with_one_account() {
    let all: Vec<_> = (0..300).map(|number| (address(number), leaf(number))).collect();
    let nibble = |address: Address| keccak256(address)[0] >> 4;
    for prefix in 0..16 {
        let (within, others): (Vec<_>, Vec<_>) =
            all.iter().partition(|(address, _)| nibble(*address) == prefix);
        let trie = StateTrie::new(all.iter().copied());
        // Nothing is left of one of the subtries, then one account, and of all but one the same.
        for (gone, left) in [(&within, &others), (&others, &within)] {
            for kept in [0, 1] {
                let changes = gone[kept..].iter().map(|(address, _)| (*address, None));
                let after = left.iter().chain(&gone[..kept]).copied();
                assert_eq!(trie.root_with(changes), state_root(after), "{prefix} {kept}");
            }
        }
        // One that has no account is given some.
        let trie = StateTrie::new(others.iter().copied());
        let changes = within.iter().map(|(address, leaf)| (*address, Some(*leaf)));
        assert_eq!(trie.root_with(changes), state_root(all.iter().copied()), "{prefix}");
    }
}
