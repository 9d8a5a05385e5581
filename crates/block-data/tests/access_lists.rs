//! Block access lists: their bytes, their rules, and how one that differs is told.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use parallax_block_data::{
    AccessDifference, AccessEntry, AccessKind, AccessListError, AccessValue, AccountAccess, BlockAccessList,
    Change, SlotChanges,
};
use parallax_primitives::{Address, Bytes, U256, b256, hex};

/// Numbers that follow from a first one.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// Up to `most` numbers below 12, each once and in order.
    fn some(&mut self, most: u64) -> Vec<u32> {
        let count = self.below(most + 1);
        let mut numbers: Vec<u32> = (0..count).map(|_| u32::try_from(self.below(12)).unwrap()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn changes<T>(&mut self, value: impl Fn(u64) -> T) -> Vec<Change<T>> {
        self.some(3).into_iter().map(|index| Change { index, value: value(self.below(1000)) }).collect()
    }

    fn list(&mut self) -> BlockAccessList {
        let accounts = self.some(6).into_iter().map(|number| {
            let (slots, mut changed) = (self.some(6), Vec::new());
            let mut reads = Vec::new();
            for slot in slots {
                let changes = self.changes(U256::from);
                let slot = U256::from(slot);
                if changes.is_empty() {
                    reads.push(slot);
                } else {
                    changed.push(SlotChanges { slot, changes });
                }
            }
            AccountAccess {
                address: Address::with_last_byte(u8::try_from(number).unwrap()),
                storage_changes: changed,
                storage_reads: reads,
                balance_changes: self.changes(U256::from),
                nonce_changes: self.changes(|number| number),
                code_changes: self.changes(|number| number.to_be_bytes().to_vec().into()),
            }
        });
        BlockAccessList { accounts: accounts.collect() }
    }
}

/// The changes of an account, one kind behind the other, as something that a mistake can be made in.
fn change_lists(account: &mut AccountAccess) -> Vec<(AccessKind, &mut dyn Changes)> {
    let AccountAccess { storage_changes, balance_changes, nonce_changes, code_changes, .. } = account;
    let slots = storage_changes.iter_mut().map(|slot| {
        let kind = AccessKind::Storage(slot.slot, 0);
        (kind, &mut slot.changes as &mut dyn Changes)
    });
    let mut all: Vec<_> = slots.collect();
    all.push((AccessKind::Balance(0), balance_changes));
    all.push((AccessKind::Nonce(0), nonce_changes));
    all.push((AccessKind::Code(0), code_changes));
    all
}

/// Changes of any kind of value.
trait Changes {
    fn count(&self) -> usize;
    fn index(&self, place: usize) -> u32;
    fn value(&self, place: usize) -> AccessValue;
    fn spoil(&mut self, place: usize);
    fn drop_at(&mut self, place: usize);
    /// Adds one like the last at this index, which is behind all.
    fn add(&mut self, index: u32);
    fn set_index(&mut self, place: usize, index: u32);
}

trait Value: Clone {
    fn told(&self) -> AccessValue;
    fn other(&self) -> Self;
}

impl Value for U256 {
    fn told(&self) -> AccessValue {
        AccessValue::Number(*self)
    }

    fn other(&self) -> Self {
        *self + U256::ONE
    }
}

impl Value for u64 {
    fn told(&self) -> AccessValue {
        AccessValue::Number(U256::from(*self))
    }

    fn other(&self) -> Self {
        self + 1
    }
}

impl Value for Bytes {
    fn told(&self) -> AccessValue {
        AccessValue::Code(self.clone())
    }

    fn other(&self) -> Self {
        [self.as_ref(), &[0]].concat().into()
    }
}

impl<T: Value> Changes for Vec<Change<T>> {
    fn count(&self) -> usize {
        self.len()
    }

    fn index(&self, place: usize) -> u32 {
        self[place].index
    }

    fn value(&self, place: usize) -> AccessValue {
        self[place].value.told()
    }

    fn spoil(&mut self, place: usize) {
        self[place].value = self[place].value.other();
    }

    fn drop_at(&mut self, place: usize) {
        self.remove(place);
    }

    fn add(&mut self, index: u32) {
        let value = self.last().unwrap().value.clone();
        self.push(Change { index, value });
    }

    fn set_index(&mut self, place: usize, index: u32) {
        self[place].index = index;
    }
}

fn at(kind: AccessKind, index: u32) -> AccessKind {
    match kind {
        AccessKind::Storage(slot, _) => AccessKind::Storage(slot, index),
        AccessKind::Balance(_) => AccessKind::Balance(index),
        AccessKind::Nonce(_) => AccessKind::Nonce(index),
        AccessKind::Code(_) => AccessKind::Code(index),
        other => other,
    }
}

/// One mistake in one change, of each sort; answers how many were made.
fn mistakes_in_changes(list: &BlockAccessList) -> usize {
    let mut made = 0;
    for (number, account) in list.accounts.iter().enumerate() {
        let address = account.address;
        let kinds = change_lists(&mut account.clone()).len();
        for which in 0..kinds {
            let mut tell = |mistake: &dyn Fn(&mut dyn Changes), expected: AccessDifference| {
                let mut found = list.clone();
                mistake(change_lists(&mut found.accounts[number])[which].1);
                assert_eq!(AccessDifference::between(&found, list), Some(expected));
                made += 1;
            };
            let mut account = account.clone();
            let lists = change_lists(&mut account);
            let (kind, changes) = &lists[which];
            for place in 0..changes.count() {
                let (index, value) = (changes.index(place), changes.value(place));
                let entry = AccessEntry { address, kind: at(*kind, index) };
                let other = spoiled_value(list, number, which, place);
                let changed = AccessDifference::Changed { entry, found: other, expected: value.clone() };
                tell(&|changes| changes.spoil(place), changed);
                tell(&|changes| changes.drop_at(place), AccessDifference::Dropped { entry, expected: value });
                if place + 1 == changes.count() {
                    let moved = AccessDifference::Moved { entry, to: 40 };
                    tell(&|changes| changes.set_index(place, 40), moved);
                    let added = AccessEntry { address, kind: at(*kind, 40) };
                    let found = changes.value(place);
                    tell(&|changes| changes.add(40), AccessDifference::Added { entry: added, found });
                }
            }
        }
    }
    made
}

fn spoiled_value(list: &BlockAccessList, number: usize, which: usize, place: usize) -> AccessValue {
    let mut account = list.accounts[number].clone();
    let mut lists = change_lists(&mut account);
    lists[which].1.spoil(place);
    lists[which].1.value(place)
}

/// One mistake in what is only looked at; answers how many were made.
fn mistakes_in_reads(list: &BlockAccessList) -> usize {
    let mut made = 0;
    let mut tell = |found: BlockAccessList, expected: AccessDifference| {
        assert_eq!(AccessDifference::between(&found, list), Some(expected));
        made += 1;
    };
    let there = || AccessValue::There;
    for (number, account) in list.accounts.iter().enumerate() {
        let address = account.address;
        for (place, slot) in account.storage_reads.iter().enumerate() {
            let mut found = list.clone();
            found.accounts[number].storage_reads.remove(place);
            let entry = AccessEntry { address, kind: AccessKind::Read(*slot) };
            tell(found, AccessDifference::Dropped { entry, expected: there() });
        }
        let mut found = list.clone();
        found.accounts[number].storage_reads.push(U256::from(99));
        let entry = AccessEntry { address, kind: AccessKind::Read(U256::from(99)) };
        tell(found, AccessDifference::Added { entry, found: there() });
        let mut found = list.clone();
        found.accounts.remove(number);
        let entry = AccessEntry { address, kind: AccessKind::Account };
        tell(found, AccessDifference::Dropped { entry, expected: there() });
        let mut found = list.clone();
        found.accounts.insert(number, account.clone());
        assert!(matches!(found.validate(100), Err(AccessListError::Order { .. })));
        assert!(matches!(AccessDifference::between(&found, list), Some(AccessDifference::Misplaced { .. })));
    }
    if list.accounts.len() > 1 {
        let mut found = list.clone();
        found.accounts.swap(0, 1);
        let entry =
            |number: usize| AccessEntry { address: list.accounts[number].address, kind: AccessKind::Account };
        tell(found, AccessDifference::Misplaced { found: entry(1), expected: Some(entry(0)) });
    }
    let mut found = list.clone();
    let address = Address::with_last_byte(99);
    found.accounts.push(AccountAccess { address, ..AccountAccess::default() });
    let entry = AccessEntry { address, kind: AccessKind::Account };
    tell(found, AccessDifference::Added { entry, found: there() });
    made
}

#[test]
fn a_mistake_in_one_entry_is_told_as_that_entry() {
    let mut random = Random(7928);
    let mut made = 0;
    for _ in 0..300 {
        let list = random.list();
        assert_eq!(AccessDifference::between(&list, &list), None);
        list.validate(11).unwrap();
        assert_eq!(BlockAccessList::decode(&list.encode()).as_ref(), Ok(&list));
        made += mistakes_in_changes(&list) + mistakes_in_reads(&list);
    }
    assert!(made > 20_000, "{made}");
}

#[test]
fn an_empty_list_is_one_byte() {
    let list = BlockAccessList::default();
    assert_eq!(list.encode(), [0xc0]);
    // EIP-7928
    let hash = b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
    assert_eq!((list.hash(), list.item_count()), (hash, 0));
}

/// Two accounts, each with something of every kind, as bytes.
#[test]
fn bytes_are_those_of_the_rlp() {
    let account = AccountAccess {
        address: Address::repeat_byte(0xaa),
        storage_changes: vec![SlotChanges {
            slot: U256::ZERO,
            changes: vec![
                Change { index: 0, value: U256::from(0x80) },
                Change { index: 2, value: U256::ZERO },
            ],
        }],
        storage_reads: vec![U256::ONE, U256::from(0x100)],
        balance_changes: vec![Change { index: 1, value: U256::from(5) }],
        nonce_changes: vec![Change { index: 1, value: 10 }],
        code_changes: vec![Change { index: 1, value: Bytes::from_static(&[0x60, 0x00]) }],
    };
    let list = BlockAccessList { accounts: vec![account] };
    assert_eq!(list.item_count(), 4);
    // By `rlp.encode` of the specification.
    let expected = "f4f394aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacac980c7c3808180c20280c401820100c3c20105c3c2010ac5c401826000";
    assert_eq!(hex::encode(list.encode()), expected);
    let mut more = list.encode();
    more.push(0);
    assert!(BlockAccessList::decode(&more).is_err());
}

#[test]
fn what_breaks_a_rule_is_told() {
    let account = |change: fn(&mut AccountAccess)| {
        let mut account = AccountAccess { address: Address::repeat_byte(1), ..AccountAccess::default() };
        change(&mut account);
        let list = BlockAccessList { accounts: vec![account] };
        list.validate(2).unwrap_err().to_string()
    };
    let one = "0x0101010101010101010101010101010101010101";
    assert_eq!(
        account(|account| account.storage_reads = vec![U256::from(2), U256::ONE]),
        format!("storage reads of {one}: 0x1 stands behind 0x2")
    );
    assert_eq!(
        account(|account| account.storage_changes = vec![SlotChanges::default()]),
        format!("storage changes of {one}: the slot 0x0 has no change")
    );
    assert_eq!(
        account(|account| {
            let changes = vec![Change { index: 1, value: U256::ONE }];
            account.storage_changes = vec![SlotChanges { slot: U256::ONE, changes }];
            account.storage_reads = vec![U256::ONE];
        }),
        format!("storage reads of {one}: the slot 0x1 has changes as well")
    );
    assert_eq!(
        account(|account| account.nonce_changes = vec![Change { index: 4, value: 1 }]),
        format!("nonce changes of {one}: the index 4 is above the last one, 3")
    );
    assert_eq!(
        account(|account| account.balance_changes = vec![Change::default(), Change::default()]),
        format!("balance changes of {one}: the index 0 stands behind the index 0")
    );
}
