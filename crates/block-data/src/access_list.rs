use alloy_rlp::Encodable;
use parallax_primitives::{Address, B256, Bytes, U256, keccak256};

use crate::rlp::{Items, RlpError, list_of, put_bytes, put_word};

/// What a block looks at, and what of that it changes (EIP-7928). Not every value is a valid one: see [`BlockAccessList::validate`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockAccessList {
    /// By address.
    pub accounts: Vec<AccountAccess>,
}

/// What a block looks at in one account, and what of that it changes (EIP-7928). One that was only looked at has empty lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountAccess {
    /// Whose it is.
    pub address: Address,
    /// Slots that change, by key.
    pub storage_changes: Vec<SlotChanges>,
    /// Slots that are looked at and do not change, by key.
    pub storage_reads: Vec<U256>,
    /// In wei.
    pub balance_changes: Vec<Change<U256>>,
    /// Its nonces.
    pub nonce_changes: Vec<Change<u64>>,
    /// Its codes.
    pub code_changes: Vec<Change<Bytes>>,
}

/// The changes of one slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlotChanges {
    /// Its key.
    pub slot: U256,
    /// By index.
    pub changes: Vec<Change<U256>>,
}

/// What something is behind one part of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change<T> {
    /// 0 before the transactions, from 1 on the transactions, and behind them one more.
    pub index: u32,
    /// The value.
    pub value: T,
}

/// Why a list is none that any block could have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessListError {
    /// Its bytes are none.
    #[error(transparent)]
    Malformed(#[from] RlpError),
    /// What has an order is not in it, or is there twice.
    #[error("{place}: {later} stands behind {earlier}")]
    Order {
        /// Of which account, and what.
        place: String,
        /// What stands before.
        earlier: String,
        /// What stands behind, and is not above.
        later: String,
    },
    /// A slot of the changes has none.
    #[error("storage changes of {address:#x}: the slot {slot:#x} has no change")]
    NoChange {
        /// The account.
        address: Address,
        /// The slot.
        slot: U256,
    },
    /// A slot is among the changes and among the reads.
    #[error("storage reads of {address:#x}: the slot {slot:#x} has changes as well")]
    ReadAndChanged {
        /// The account.
        address: Address,
        /// The slot.
        slot: U256,
    },
    /// A change is behind the end of the block.
    #[error("{place}: the index {index} is above the last one, {last}")]
    Index {
        /// Of which account, and what.
        place: String,
        /// What stands there.
        index: u32,
        /// The most there is.
        last: u64,
    },
}

impl BlockAccessList {
    /// Reads the RLP of a list, and nothing behind it.
    pub fn decode(bytes: &[u8]) -> Result<Self, RlpError> {
        let mut items = Items::whole(bytes, "blockAccessList")?;
        let accounts = list(&mut items, AccountAccess::read)?;
        Ok(Self { accounts })
    }

    /// Its RLP.
    pub fn encode(&self) -> Vec<u8> {
        list_of(&self.accounts.iter().flat_map(AccountAccess::encode).collect::<Vec<_>>())
    }

    /// Keccak-256 of its RLP, as a header has it.
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }

    /// How many accounts and slots there are, which the block's gas limit holds down.
    pub fn item_count(&self) -> u64 {
        let slots = |account: &AccountAccess| account.storage_changes.len() + account.storage_reads.len();
        self.accounts.iter().map(|account| 1 + slots(account) as u64).sum()
    }

    /// Whether order, uniqueness and indices are those of a list of a block with so many transactions.
    ///
    /// # Errors
    ///
    /// The first rule that it breaks.
    pub fn validate(&self, transactions: usize) -> Result<(), AccessListError> {
        let addresses = self.accounts.iter().map(|account| account.address);
        ordered(addresses, || "accounts".to_owned(), |address| format!("{address:#x}"))?;
        let last = (transactions as u64).saturating_add(1);
        self.accounts.iter().try_for_each(|account| account.validate(last))
    }
}

impl AccountAccess {
    fn read(items: &mut Items<'_>) -> Result<Self, RlpError> {
        let mut items = items.list("account")?;
        let account = Self {
            address: items.address("address")?,
            storage_changes: list(&mut items.list("storage_changes")?, |items| {
                let mut items = items.list("slot")?;
                let slot = items.word("slot")?;
                let changes = changes(&mut items, "storage_changes", |items| items.word("new_value"))?;
                items.end("slot")?;
                Ok(SlotChanges { slot, changes })
            })?,
            storage_reads: list(&mut items.list("storage_reads")?, |items| items.word("storage_reads"))?,
            balance_changes: changes(&mut items, "balance_changes", |items| items.word("post_balance"))?,
            nonce_changes: changes(&mut items, "nonce_changes", |items| items.u64("new_nonce"))?,
            code_changes: changes(&mut items, "code_changes", |items| {
                items.bytes("new_code").map(Bytes::copy_from_slice)
            })?,
        };
        items.end("account")?;
        Ok(account)
    }

    fn encode(&self) -> Vec<u8> {
        let of_slot = |slot: &SlotChanges| {
            let mut out = Vec::new();
            put_word(slot.slot, &mut out);
            out.extend(encode_changes(&slot.changes, |value, out| put_word(*value, out)));
            list_of(&out)
        };
        let mut reads = Vec::new();
        self.storage_reads.iter().for_each(|slot| put_word(*slot, &mut reads));
        let mut out = Vec::new();
        self.address.encode(&mut out);
        out.extend(list_of(&self.storage_changes.iter().flat_map(of_slot).collect::<Vec<_>>()));
        out.extend(list_of(&reads));
        out.extend(encode_changes(&self.balance_changes, |value, out| put_word(*value, out)));
        out.extend(encode_changes(&self.nonce_changes, |value, out| value.encode(out)));
        out.extend(encode_changes(&self.code_changes, |value, out| put_bytes(value, out)));
        list_of(&out)
    }

    fn validate(&self, last: u64) -> Result<(), AccessListError> {
        let address = self.address;
        let place = |what: &str| format!("{what} of {address:#x}");
        let word = |slot: &U256| format!("{slot:#x}");
        let slots = || self.storage_changes.iter().map(|slot| slot.slot);
        ordered(slots(), || place("storage changes"), word)?;
        ordered(self.storage_reads.iter().copied(), || place("storage reads"), word)?;
        for SlotChanges { slot, changes } in &self.storage_changes {
            if changes.is_empty() {
                return Err(AccessListError::NoChange { address, slot: *slot });
            }
            indices(changes, last, || place(&format!("changes of the slot {slot:#x}")))?;
        }
        if let Some(slot) = self.storage_reads.iter().find(|read| slots().any(|slot| slot == **read)) {
            return Err(AccessListError::ReadAndChanged { address, slot: *slot });
        }
        indices(&self.balance_changes, last, || place("balance changes"))?;
        indices(&self.nonce_changes, last, || place("nonce changes"))?;
        indices(&self.code_changes, last, || place("code changes"))
    }
}

/// The items of a list until its end.
fn list<T>(
    items: &mut Items<'_>,
    read: impl Fn(&mut Items<'_>) -> Result<T, RlpError>,
) -> Result<Vec<T>, RlpError> {
    let mut all = Vec::new();
    while !items.is_empty() {
        all.push(read(items)?);
    }
    Ok(all)
}

fn changes<T>(
    items: &mut Items<'_>,
    place: &'static str,
    value: impl Fn(&mut Items<'_>) -> Result<T, RlpError>,
) -> Result<Vec<Change<T>>, RlpError> {
    list(&mut items.list(place)?, |items| {
        let mut items = items.list(place)?;
        let index = items.u64("block_access_index")?;
        let too_large = |_| RlpError::new("block_access_index", format!("{index} is above 2^32 - 1"));
        let change = Change { index: index.try_into().map_err(too_large)?, value: value(&mut items)? };
        items.end(place)?;
        Ok(change)
    })
}

fn encode_changes<T>(changes: &[Change<T>], value: impl Fn(&T, &mut Vec<u8>)) -> Vec<u8> {
    let of_change = |change: &Change<T>| {
        let mut out = Vec::new();
        change.index.encode(&mut out);
        value(&change.value, &mut out);
        list_of(&out)
    };
    list_of(&changes.iter().flat_map(of_change).collect::<Vec<_>>())
}

fn indices<T>(changes: &[Change<T>], last: u64, place: impl Fn() -> String) -> Result<(), AccessListError> {
    ordered(changes.iter().map(|change| change.index), &place, |index| format!("the index {index}"))?;
    match changes.iter().map(|change| change.index).find(|index| u64::from(*index) > last) {
        Some(index) => Err(AccessListError::Index { place: place(), index, last }),
        None => Ok(()),
    }
}

/// That each is above the one before it.
fn ordered<T: Ord>(
    items: impl Iterator<Item = T>,
    place: impl Fn() -> String,
    text: impl Fn(&T) -> String,
) -> Result<(), AccessListError> {
    let mut before: Option<T> = None;
    for item in items {
        if let Some(earlier) = before.filter(|earlier| *earlier >= item) {
            let (earlier, later) = (text(&earlier), text(&item));
            return Err(AccessListError::Order { place: place(), earlier, later });
        }
        before = Some(item);
    }
    Ok(())
}
