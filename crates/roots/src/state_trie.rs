//! The trie of a state that is kept, for the roots of states that differ from it in few accounts.
//!
//! It is cut at a depth where each subtrie has some tens of accounts. Of a subtrie without changes the hash is known; the others are
//! built anew, and so is what is above.

use std::collections::BTreeMap;

use alloy_rlp::Encodable;
use alloy_trie::{HashBuilder, Nibbles, TrieAccount};
use parallax_primitives::{Address, B256, keccak256};

use crate::AccountLeaf;

/// Subtries are not cut further where they have fewer accounts than this, on average.
const MIN_SUBTRIE: usize = 16;
/// Most nibbles of a key above the cut.
const MAX_DEPTH: usize = 4;

/// The trie of a state (Yellow Paper, section 4.1).
#[derive(Clone, Debug)]
pub struct StateTrie {
    /// By the hash of the address, in order.
    leaves: Vec<(B256, AccountLeaf)>,
    /// Nibbles of a key above the cut.
    depth: usize,
    /// In order of their prefix.
    subtries: Vec<Subtrie>,
}

#[derive(Clone, Debug)]
struct Subtrie {
    /// The first [`StateTrie::depth`] nibbles of its keys, as a number.
    prefix: usize,
    /// Of its leaves, the index of the first, and of the first behind them.
    leaves: [usize; 2],
    /// The hash of its branch node, if it begins with one.
    hash: Option<B256>,
}

impl StateTrie {
    /// The trie of these accounts, in any order. Accounts that are empty are in it.
    pub fn new(accounts: impl IntoIterator<Item = (Address, AccountLeaf)>) -> Self {
        let leaves = accounts.into_iter().map(|(address, leaf)| (keccak256(address), leaf));
        let mut leaves: Vec<_> = leaves.collect();
        leaves.sort_unstable_by_key(|(key, _)| *key);
        let has_room = |depth: &usize| leaves.len() >> (4 * depth) >= MIN_SUBTRIE;
        let depth = (1..=MAX_DEPTH).rev().find(has_room).unwrap_or_default();
        let mut trie = Self { leaves, depth, subtries: Vec::new() };
        trie.cut();
        trie
    }

    /// Root of the state.
    pub fn root(&self) -> B256 {
        self.root_with(std::iter::empty())
    }

    /// Root of the state in which these accounts, each of which comes once, are so, or are not.
    pub fn root_with(&self, changes: impl IntoIterator<Item = (Address, Option<AccountLeaf>)>) -> B256 {
        let mut by_subtrie: BTreeMap<usize, BTreeMap<B256, Option<AccountLeaf>>> = BTreeMap::new();
        for (address, leaf) in changes {
            let key = keccak256(address);
            by_subtrie.entry(prefix(key, self.depth)).or_default().insert(key, leaf);
        }
        let mut builder = HashBuilder::default();
        for subtrie in &self.subtries {
            // What is changed before it has no account yet.
            while let Some(first) = by_subtrie.first_entry().filter(|first| *first.key() < subtrie.prefix) {
                add_leaves(&mut builder, &[], &first.remove());
            }
            match (by_subtrie.remove(&subtrie.prefix), subtrie.hash) {
                (None, Some(hash)) => {
                    let path = Nibbles::unpack(self.leaves[subtrie.leaves[0]].0).slice(..self.depth);
                    builder.add_branch(path, hash, false);
                }
                (changed, _) => {
                    add_leaves(&mut builder, self.leaves_of(subtrie), &changed.unwrap_or_default());
                }
            }
        }
        for changed in by_subtrie.into_values() {
            add_leaves(&mut builder, &[], &changed);
        }
        builder.root()
    }

    fn leaves_of(&self, subtrie: &Subtrie) -> &[(B256, AccountLeaf)] {
        &self.leaves[subtrie.leaves[0]..subtrie.leaves[1]]
    }

    fn cut(&mut self) {
        let mut start = 0;
        for leaves in
            self.leaves.chunk_by(|(one, _), (next, _)| prefix(*one, self.depth) == prefix(*next, self.depth))
        {
            let end = start + leaves.len();
            let prefix = prefix(leaves[0].0, self.depth);
            let hash = branch_hash(leaves, self.depth);
            self.subtries.push(Subtrie { prefix, leaves: [start, end], hash });
            start = end;
        }
    }
}

/// The first `depth` nibbles of a key, at most four.
fn prefix(key: B256, depth: usize) -> usize {
    usize::from(u16::from_be_bytes([key[0], key[1]])) >> (16 - 4 * depth)
}

/// The hash of the node at this depth, if that is a branch. It is no shorter than a hash: each of its leaves is longer.
fn branch_hash(leaves: &[(B256, AccountLeaf)], depth: usize) -> Option<B256> {
    let [(first, _), .., (last, _)] = leaves else { return None };
    let paths = [first, last].map(|key| Nibbles::unpack(key).slice(depth..));
    if depth == 0 || paths[0].common_prefix_length(&paths[1]) > 0 {
        return None;
    }
    let mut builder = HashBuilder::default();
    for (key, leaf) in leaves {
        builder.add_leaf(Nibbles::unpack(key).slice(depth..), &encode(leaf));
    }
    Some(builder.root())
}

/// Adds these leaves, with these changes, in order.
fn add_leaves(
    builder: &mut HashBuilder,
    leaves: &[(B256, AccountLeaf)],
    changed: &BTreeMap<B256, Option<AccountLeaf>>,
) {
    let kept = leaves.iter().filter(|(key, _)| !changed.contains_key(key)).copied();
    let new = changed.iter().filter_map(|(key, leaf)| Some((*key, (*leaf)?)));
    let merged: BTreeMap<B256, AccountLeaf> = kept.chain(new).collect();
    for (key, leaf) in merged {
        builder.add_leaf(Nibbles::unpack(key), &encode(&leaf));
    }
}

fn encode(leaf: &AccountLeaf) -> Vec<u8> {
    let AccountLeaf { nonce, balance, storage_root, code_hash } = *leaf;
    let mut encoded = Vec::new();
    TrieAccount::new(nonce, balance, storage_root, code_hash).encode(&mut encoded);
    encoded
}
