use crate::{Address, Log, U256};

/// What an observer may read of the world while a transaction runs. Reading never loads, warms or changes anything.
pub trait JournalView {
    /// The transaction's refund counter, all frames, reverted frames taken back.
    fn refund(&self) -> i64;
    /// The current value of a storage slot, if the transaction has loaded it.
    fn storage(&self, address: Address, key: U256) -> Option<U256>;
    /// The value of a storage slot at the start of the transaction, if the transaction has loaded it.
    fn original_storage(&self, address: Address, key: U256) -> Option<U256>;
    /// The current value of a transient storage slot (EIP-1153), zero if never written.
    fn transient_storage(&self, address: Address, key: U256) -> U256;
    /// The logs so far, reverted ones taken back.
    fn logs(&self) -> &[Log];

    /// What an account has now, in wei; `None` if the transaction has not loaded it, or if it is not told.
    fn balance(&self, address: Address) -> Option<U256> {
        let _ = address;
        None
    }

    /// The sum, modulo 2^64, of the digests of all [`JournalView::marks`], kept up to date and not made when it is asked for;
    /// `None` if it is not kept.
    fn marks_digest(&self) -> Option<u64> {
        None
    }

    /// All marks there are now, in no order. It takes time in proportion to them.
    fn marks(&self) -> Vec<Mark> {
        Vec::new()
    }
}

/// What a transaction has noted of an account or a slot, and will ask for later. A rollback takes it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// The account is warm (EIP-2929).
    WarmAccount(Address),
    /// The slot is warm (EIP-2929).
    WarmSlot(Address, U256),
    /// The transient slot has this value, which is not zero (EIP-1153).
    TransientStorage(Address, U256, U256),
    /// The slot has this value, and had another one before the transaction.
    Storage(Address, U256, U256),
    /// The account was created in this transaction (EIP-6780).
    Created(Address),
    /// The account goes when the transaction ends: it has destroyed itself.
    Destroyed(Address),
}

impl Mark {
    /// A hash of 64 bits. Equal marks have equal ones; others, but for chance. It is no defence against whoever looks for two
    /// marks with the same one.
    pub fn digest(&self) -> u64 {
        let (kind, address, words): (u64, _, _) = match self {
            Mark::WarmAccount(address) => (1, address, [U256::ZERO; 2]),
            Mark::WarmSlot(address, key) => (2, address, [*key, U256::ZERO]),
            Mark::TransientStorage(address, key, value) => (3, address, [*key, *value]),
            Mark::Storage(address, key, value) => (6, address, [*key, *value]),
            Mark::Created(address) => (4, address, [U256::ZERO; 2]),
            Mark::Destroyed(address) => (5, address, [U256::ZERO; 2]),
        };
        let (parts, _) = address.as_slice().as_chunks::<4>();
        let parts = parts.iter().map(|part| u64::from(u32::from_le_bytes(*part)));
        let words = words.iter().flat_map(|word| *word.as_limbs());
        parts.chain(words).fold(mixed(kind), |state, part| mixed(state ^ part))
    }
}

/// The halves of a product, one over the other: every bit depends on every bit.
fn mixed(word: u64) -> u64 {
    // An odd constant without a pattern, from the golden ratio; another one, so that zero is no fixed point.
    let product = u128::from(word ^ 0x243f_6a88_85a3_08d3) * 0x9e37_79b9_7f4a_7c15;
    // The cast keeps the lower half.
    #[allow(clippy::cast_possible_truncation)]
    let low = product as u64;
    (product >> 64) as u64 ^ low
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn other_marks_have_other_digests() {
        let (mut seen, mut marks) = (BTreeMap::new(), Vec::new());
        let addresses = (0..160).map(|bit| Address::from(alloy_primitives::U160::ONE << bit));
        for address in addresses.chain([Address::ZERO]) {
            marks.extend([Mark::WarmAccount(address), Mark::Created(address), Mark::Destroyed(address)]);
            marks.extend((0..256).map(|bit| Mark::WarmSlot(address, U256::ONE << bit)));
        }
        for bit in 0..256 {
            let word = U256::ONE << bit;
            marks.push(Mark::TransientStorage(Address::ZERO, word, U256::ONE));
            marks.push(Mark::TransientStorage(Address::ZERO, U256::ONE, word));
            marks.push(Mark::Storage(Address::ZERO, word, U256::ONE));
        }
        for mark in marks {
            let other = seen.insert(mark.digest(), mark);
            assert!(other.is_none_or(|other| other == mark), "{mark:?} and {other:?}");
        }
    }
}
