//! Writes to storage and transient storage, in the order they were made.

use parallax_primitives::{Address, StorageChange, U256};

use crate::codec::{Input, put_number, put_word};

/// A write to storage or transient storage, and who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedChange {
    /// The step that wrote.
    pub step: u64,
    /// Whether it is transient storage (EIP-1153).
    pub is_transient: bool,
    /// What was written.
    pub change: StorageChange,
}

/// Every so many changes there is a place to begin reading.
const CHANGES_PER_MARK: u64 = 64;

const TRANSIENT: u8 = 1;
/// The original is the previous value, and is left out.
const FIRST: u8 = 2;
/// The account is the one of the change before, and is left out.
const SAME_ACCOUNT: u8 = 4;

/// The changes of a trace, a few bytes each.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Changes {
    bytes: Vec<u8>,
    marks: Vec<Mark>,
    count: u64,
    last_step: u64,
    last_account: Address,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Mark {
    step: u64,
    offset: usize,
}

impl Changes {
    /// Bytes taken.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len() + size_of_val(self.marks.as_slice())
    }

    pub(crate) fn push(&mut self, step: u64, is_transient: bool, change: &StorageChange) {
        let is_marked = self.count.is_multiple_of(CHANGES_PER_MARK);
        if is_marked {
            self.marks.push(Mark { step, offset: self.bytes.len() });
            self.last_step = step;
        }
        let mut flags = 0;
        if is_transient {
            flags |= TRANSIENT;
        }
        if change.original == change.previous {
            flags |= FIRST;
        }
        if !is_marked && change.address == self.last_account {
            flags |= SAME_ACCOUNT;
        }
        self.bytes.push(flags);
        put_number(&mut self.bytes, step - self.last_step);
        if flags & SAME_ACCOUNT == 0 {
            self.bytes.extend_from_slice(change.address.as_slice());
        }
        for word in [&change.key, &change.previous, &change.new] {
            put_word(&mut self.bytes, word);
        }
        if flags & FIRST == 0 {
            put_word(&mut self.bytes, &change.original);
        }
        self.count += 1;
        self.last_step = step;
        self.last_account = change.address;
    }

    /// All changes from this step on.
    pub(crate) fn since(&self, step: u64) -> impl Iterator<Item = RecordedChange> + '_ {
        // Several marks never have the same step: a step writes once.
        let mark = self.marks.partition_point(|mark| mark.step <= step).saturating_sub(1);
        let at = self.marks.get(mark).copied().unwrap_or(Mark { step: 0, offset: 0 });
        let reading = Reading {
            input: Input::new(&self.bytes, at.offset),
            left: self.count - (mark as u64 * CHANGES_PER_MARK).min(self.count),
            until_mark: 0,
            marks: self.marks.get(mark..).unwrap_or(&[]).iter(),
            step: at.step,
            account: Address::ZERO,
        };
        reading.skip_while(move |change| change.step < step)
    }
}

/// Reads change after change.
struct Reading<'a> {
    input: Input<'a>,
    left: u64,
    until_mark: u64,
    marks: std::slice::Iter<'a, Mark>,
    step: u64,
    account: Address,
}

impl Iterator for Reading<'_> {
    type Item = RecordedChange;

    fn next(&mut self) -> Option<RecordedChange> {
        self.left = self.left.checked_sub(1)?;
        if self.until_mark == 0 {
            self.until_mark = CHANGES_PER_MARK;
            self.step = self.marks.next()?.step;
        }
        self.until_mark -= 1;
        let flags = self.input.take_byte();
        self.step += self.input.take_number();
        if flags & SAME_ACCOUNT == 0 {
            self.account = Address::try_from(self.input.take_bytes(20)).unwrap_or_default();
        }
        let [key, previous, new]: [U256; 3] = std::array::from_fn(|_| self.input.take_word());
        let original = if flags & FIRST == 0 { self.input.take_word() } else { previous };
        Some(RecordedChange {
            step: self.step,
            is_transient: flags & TRANSIENT != 0,
            change: StorageChange { address: self.account, key, previous, new, original },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_back_from_any_step() {
        let word = |n: u64| U256::from(n).pow(U256::from(9));
        let expected: Vec<RecordedChange> = (0..300_u64)
            .map(|n| RecordedChange {
                step: n * 7,
                is_transient: n % 5 == 0,
                change: StorageChange {
                    address: Address::with_last_byte(u8::from(n % 3 == 0)),
                    key: word(n),
                    previous: word(n / 2),
                    new: word(n + 1),
                    original: if n % 2 == 0 { word(n / 2) } else { U256::ZERO },
                },
            })
            .collect();
        let mut changes = Changes::default();
        for change in &expected {
            changes.push(change.step, change.is_transient, &change.change);
        }
        for step in [0, 1, 7, 440, 447, 448, 449, 455, 1000, 2092, 2093, 2094, 5000] {
            let from = expected.iter().position(|change| change.step >= step).unwrap_or(expected.len());
            assert_eq!(changes.since(step).collect::<Vec<_>>(), expected[from..], "from step {step}");
        }
        assert_eq!(Changes::default().since(0).count(), 0);
    }
}
