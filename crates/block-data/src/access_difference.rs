use std::{collections::BTreeMap, fmt};

use parallax_primitives::{Address, Bytes, U256};

use crate::{AccountAccess, BlockAccessList};

/// One entry of a block access list: an account, a slot that is read, or one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccessEntry {
    /// The account.
    pub address: Address,
    /// What of it.
    pub kind: AccessKind,
}

/// What of an account an entry of a block access list is about, in the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccessKind {
    /// That it is in the list.
    Account,
    /// What a slot is, by its key, behind the part of the block with this index.
    Storage(U256, u32),
    /// That a slot is looked at.
    Read(U256),
    /// What it has behind the part of the block with this index.
    Balance(u32),
    /// Its nonce behind the part of the block with this index.
    Nonce(u32),
    /// Its code behind the part of the block with this index.
    Code(u32),
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessValue {
    /// Nothing but that it is there.
    There,
    /// A slot's value, a balance in wei, a nonce.
    Number(U256),
    /// A code.
    Code(Bytes),
}

/// The first entry, in the order of the list, in which a list is not what a block accesses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessDifference {
    /// It says something else.
    Changed {
        /// Which.
        entry: AccessEntry,
        /// What the list says.
        found: AccessValue,
        /// What the block comes to.
        expected: AccessValue,
    },
    /// The list has it not.
    Dropped {
        /// Which.
        entry: AccessEntry,
        /// What the block comes to.
        expected: AccessValue,
    },
    /// The list has it, and the block does not come to it.
    Added {
        /// Which.
        entry: AccessEntry,
        /// What the list says.
        found: AccessValue,
    },
    /// The list has it under another index.
    Moved {
        /// Which, as the block comes to it.
        entry: AccessEntry,
        /// The index under which the list has it.
        to: u32,
    },
    /// The list has it in another place, or twice.
    Misplaced {
        /// What the list has there.
        found: AccessEntry,
        /// What belongs there; `None` behind the end.
        expected: Option<AccessEntry>,
    },
}

impl AccessDifference {
    /// How `found`, which came with a block, first differs from `expected`, which the block comes to.
    pub fn between(found: &BlockAccessList, expected: &BlockAccessList) -> Option<Self> {
        if found == expected {
            return None;
        }
        let (found_entries, expected_entries) = (entries(found), entries(expected));
        let by_entry =
            |entries: &[(AccessEntry, AccessValue)]| -> BTreeMap<_, _> { entries.iter().cloned().collect() };
        let (left, right) = (by_entry(&found_entries), by_entry(&expected_entries));
        let Some(entry) = left
            .keys()
            .chain(right.keys())
            .filter(|entry| left.get(entry) != right.get(entry))
            .min()
            .copied()
        else {
            return misplaced(&found_entries, &expected_entries);
        };
        Some(match (left.get(&entry), right.get(&entry)) {
            (Some(found), Some(expected)) => {
                Self::Changed { entry, found: found.clone(), expected: expected.clone() }
            }
            (None, Some(expected)) => moved(&entry, expected, &left, &right)
                .map_or(Self::Dropped { entry, expected: expected.clone() }, |to| Self::Moved { entry, to }),
            (Some(found), _) => match moved(&entry, found, &right, &left) {
                Some(from) => {
                    let to = entry.kind.index().unwrap_or_default();
                    Self::Moved { entry: AccessEntry { kind: entry.kind.at(from), ..entry }, to }
                }
                None => Self::Added { entry, found: found.clone() },
            },
            (None, None) => return None,
        })
    }
}

type Entries = BTreeMap<AccessEntry, AccessValue>;

/// The index under which `others` alone have what `own` alone have at `entry`.
fn moved(entry: &AccessEntry, value: &AccessValue, others: &Entries, own: &Entries) -> Option<u32> {
    entry.kind.index()?;
    let at = |index| AccessEntry { kind: entry.kind.at(index), ..*entry };
    let candidates = others.range(at(0)..=at(u32::MAX));
    let mut moved = candidates.filter(|(other, found)| *found == value && !own.contains_key(other));
    moved.next().and_then(|(other, _)| other.kind.index())
}

/// Where two lists of the same entries have them in another order, or one has some twice.
fn misplaced(
    found: &[(AccessEntry, AccessValue)],
    expected: &[(AccessEntry, AccessValue)],
) -> Option<AccessDifference> {
    let place = found.iter().zip(expected).position(|(found, expected)| found != expected);
    let place = place.unwrap_or(expected.len().min(found.len()));
    let at = |entries: &[(AccessEntry, AccessValue)]| entries.get(place).map(|(entry, _)| *entry);
    let expected = at(expected);
    Some(AccessDifference::Misplaced { found: at(found).or(expected)?, expected })
}

fn entries(list: &BlockAccessList) -> Vec<(AccessEntry, AccessValue)> {
    list.accounts.iter().flat_map(of_account).collect()
}

fn of_account(account: &AccountAccess) -> Vec<(AccessEntry, AccessValue)> {
    use AccessValue::{Code, Number, There};

    let mut entries = vec![(AccessKind::Account, There)];
    for slot in &account.storage_changes {
        let changes = slot.changes.iter();
        entries.extend(
            changes.map(|change| (AccessKind::Storage(slot.slot, change.index), Number(change.value))),
        );
    }
    entries.extend(account.storage_reads.iter().map(|slot| (AccessKind::Read(*slot), There)));
    let balances = account.balance_changes.iter();
    entries.extend(balances.map(|change| (AccessKind::Balance(change.index), Number(change.value))));
    let nonces = account.nonce_changes.iter();
    entries.extend(nonces.map(|change| (AccessKind::Nonce(change.index), Number(U256::from(change.value)))));
    let codes = account.code_changes.iter();
    entries.extend(codes.map(|change| (AccessKind::Code(change.index), Code(change.value.clone()))));
    let address = account.address;
    entries.into_iter().map(|(kind, value)| (AccessEntry { address, kind }, value)).collect()
}

impl AccessKind {
    /// Behind which part of the block; `None` of what no part changes.
    pub const fn index(self) -> Option<u32> {
        match self {
            Self::Account | Self::Read(_) => None,
            Self::Storage(_, index) | Self::Balance(index) | Self::Nonce(index) | Self::Code(index) => {
                Some(index)
            }
        }
    }

    /// The same behind another part.
    const fn at(self, index: u32) -> Self {
        match self {
            Self::Storage(slot, _) => Self::Storage(slot, index),
            Self::Balance(_) => Self::Balance(index),
            Self::Nonce(_) => Self::Nonce(index),
            Self::Code(_) => Self::Code(index),
            Self::Account | Self::Read(_) => self,
        }
    }
}

impl fmt::Display for AccessEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address;
        match self.kind {
            AccessKind::Account => write!(f, "account {address:#x}"),
            AccessKind::Storage(slot, index) => {
                write!(f, "change of the slot {slot:#x} of {address:#x} at index {index}")
            }
            AccessKind::Read(slot) => write!(f, "read of the slot {slot:#x} of {address:#x}"),
            AccessKind::Balance(index) => write!(f, "balance of {address:#x} at index {index}"),
            AccessKind::Nonce(index) => write!(f, "nonce of {address:#x} at index {index}"),
            AccessKind::Code(index) => write!(f, "code of {address:#x} at index {index}"),
        }
    }
}

impl fmt::Display for AccessValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::There => f.write_str("there"),
            Self::Number(number) => write!(f, "{number:#x}"),
            Self::Code(code) if code.len() > 32 => {
                write!(f, "{} bytes that begin with {}", code.len(), Bytes::copy_from_slice(&code[..32]))
            }
            Self::Code(code) => write!(f, "{code}"),
        }
    }
}

impl fmt::Display for AccessDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { entry, found, expected } => write!(f, "{entry} is {found}, expected {expected}"),
            Self::Dropped { entry, expected: AccessValue::There } => write!(f, "{entry} is missing"),
            Self::Dropped { entry, expected } => write!(f, "{entry} is missing, expected {expected}"),
            Self::Added { entry, found: AccessValue::There } => {
                write!(f, "{entry} is there, expected none")
            }
            Self::Added { entry, found } => write!(f, "{entry} is {found}, expected none"),
            Self::Moved { entry, to } => write!(f, "{entry} stands at index {to}"),
            Self::Misplaced { found, expected: Some(expected) } => {
                write!(f, "{found} stands where {expected} belongs")
            }
            Self::Misplaced { found, expected: None } => write!(f, "{found} stands there twice"),
        }
    }
}
