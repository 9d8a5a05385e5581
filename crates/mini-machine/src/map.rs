//! A map whose copies share what they have in common: a tree by the bits of the keys' hashes, with a handful of entries in each
//! leaf.
//!
//! Invariant: a node that two maps share is never written. Writing copies the nodes on the way to the key that are shared, and
//! those alone, so a copy of a map takes the same time whatever is in it, and one that nobody has copied is written in place.

use std::{
    hash::{BuildHasher, Hash},
    iter,
    rc::Rc,
    sync::LazyLock,
};

use parallax_primitives::alloy_primitives::map::DefaultHashBuilder;

/// Bits of a hash that choose a child.
const BITS: u32 = 2;
const CHILDREN: usize = 1 << BITS;
/// Entries that a leaf holds before it becomes a branch.
const LEAF_ENTRIES: usize = 16;

/// See the module. [`Map::default`] is empty; to clone it is to make a copy.
#[derive(Clone)]
pub(crate) struct Map<K, V>(Rc<Node<K, V>>);

/// Nobody can know beforehand which keys clash, and in one process a map of the same keys always has the same shape.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// A map that says whether a key is in it.
pub(crate) type Set<K> = Map<K, ()>;

#[derive(Clone)]
enum Node<K, V> {
    Leaf(Vec<(K, V)>),
    Branch([Rc<Node<K, V>>; CHILDREN]),
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self(Rc::new(Node::Leaf(Vec::new())))
    }
}

impl<K: Hash + Eq + Clone, V: Clone + Default> Map<K, V> {
    /// The value of the key, if it has one.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        let mut hash = HASHER.hash_one(key);
        let mut node = &*self.0;
        loop {
            match node {
                Node::Leaf(entries) => {
                    return entries.iter().find(|entry| entry.0 == *key).map(|entry| &entry.1);
                }
                Node::Branch(children) => node = &children[child(hash)],
            }
            hash >>= BITS;
        }
    }

    /// Whether the key has a value.
    pub(crate) fn contains(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    /// The place of the key's value; a key without one is given the default.
    pub(crate) fn value(&mut self, key: K) -> &mut V {
        let mut bits = 0;
        let hash = HASHER.hash_one(&key);
        let mut node = Rc::make_mut(&mut self.0);
        loop {
            // Keys of the same hash share a leaf, however many they are.
            if let Node::Leaf(entries) = node
                && entries.len() >= LEAF_ENTRIES
                && bits < u64::BITS
                && !entries.iter().any(|entry| entry.0 == key)
            {
                *node = branch(std::mem::take(entries), |key| child(HASHER.hash_one(key) >> bits));
            }
            match node {
                Node::Branch(children) => node = Rc::make_mut(&mut children[child(hash >> bits)]),
                Node::Leaf(entries) => {
                    let place = entries.iter().position(|entry| entry.0 == key).unwrap_or(entries.len());
                    if place == entries.len() {
                        entries.push((key, V::default()));
                    }
                    return &mut entries[place].1;
                }
            }
            bits += BITS;
        }
    }

    /// Gives the key this value.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        *self.value(key) = value;
    }

    /// Every key with its value, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let mut nodes = vec![&*self.0];
        let leaves = iter::from_fn(move || {
            loop {
                match nodes.pop()? {
                    Node::Leaf(entries) => return Some(entries),
                    Node::Branch(children) => nodes.extend(children.iter().map(|child| &**child)),
                }
            }
        });
        leaves.flatten().map(|(key, value)| (key, value))
    }
}

impl<K: Hash + Eq + Clone> Set<K> {
    /// Adds the key; true if it was not in the set.
    pub(crate) fn add(&mut self, key: K) -> bool {
        let is_new = !self.contains(&key);
        if is_new {
            self.insert(key, ());
        }
        is_new
    }
}

/// Deals a full leaf's entries out to leaves of their own.
fn branch<K, V>(entries: Vec<(K, V)>, child_of: impl Fn(&K) -> usize) -> Node<K, V> {
    let mut leaves: [Vec<(K, V)>; CHILDREN] = Default::default();
    for entry in entries {
        leaves[child_of(&entry.0)].push(entry);
    }
    Node::Branch(leaves.map(|entries| Rc::new(Node::Leaf(entries))))
}

/// The lowest bits of a hash.
fn child(hash: u64) -> usize {
    let [lowest, ..] = hash.to_le_bytes();
    usize::from(lowest) % CHILDREN
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, hash::Hasher};

    use super::*;

    /// A key whose hash is one of a few.
    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Clashing(u64);

    impl Hash for Clashing {
        fn hash<H: Hasher>(&self, state: &mut H) {
            state.write_u64(self.0 % 3);
        }
    }

    /// Writes `count` keys, some twice, and looks at each copy made on the way once all is written.
    #[track_caller]
    fn check<K: Hash + Ord + Clone>(count: u64, key: impl Fn(u64) -> K) {
        let (mut map, mut expected) = (Map::default(), BTreeMap::new());
        let mut copies = Vec::new();
        for number in 0..count {
            copies.push((map.clone(), expected.clone()));
            for written in [number, number / 2] {
                map.insert(key(written), number + 1);
                expected.insert(key(written), number + 1);
            }
        }
        copies.push((map, expected));
        for (map, expected) in copies {
            let all: BTreeMap<_, _> = map.iter().map(|(key, value)| (key.clone(), *value)).collect();
            assert!(all == expected && map.iter().count() == expected.len());
            for number in 0..count {
                assert_eq!(map.get(&key(number)), expected.get(&key(number)));
            }
        }
    }

    #[test]
    fn copies_stay_as_they_were() {
        check(500, |number| number);
        check(100, Clashing);
    }

    #[test]
    fn a_set_says_what_is_new() {
        let mut set = Set::default();
        assert!(set.add(7) && !set.add(7) && set.add(8) && set.contains(&7) && !set.contains(&9));
    }
}
