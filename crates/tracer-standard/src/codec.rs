//! Numbers and words in as few bytes as they need.
//!
//! Invariant: what a `put_` function writes, its `take_` function reads back, and nothing else is ever in an arena.

use parallax_primitives::U256;

/// Words below this are their own single byte.
const SMALL: u8 = 0xc0;

/// Seven bits a byte, the lowest first; the top bit says that more follow.
#[inline]
pub(crate) fn put_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// A number whose sign does not make it long.
#[inline]
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_number(out, (value << 1 ^ value >> 63).cast_unsigned());
}

/// One byte for a small word, otherwise its length and its bytes without leading zeros.
#[inline]
pub(crate) fn put_word(out: &mut Vec<u8>, word: &U256) {
    let [low, rest @ ..] = word.as_limbs();
    let is_short = rest == &[0, 0, 0];
    if is_short && *low < u64::from(SMALL) {
        out.push(low.to_le_bytes()[0]);
        return;
    }
    // A whole limb or word is written and cut: the length of the copy is then known to the compiler.
    if is_short {
        let length = 8 - low.leading_zeros() as usize / 8;
        out.push(SMALL + length.to_le_bytes()[0]);
        let end = out.len() + length;
        out.extend_from_slice(&low.to_le_bytes());
        out.truncate(end);
    } else {
        let length = 32 - word.leading_zeros() / 8;
        out.push(SMALL + length.to_le_bytes()[0]);
        let end = out.len() + length;
        out.extend_from_slice(&word.to_le_bytes::<32>());
        out.truncate(end);
    }
}

/// Reads an arena from a place on. Behind the arena's end it reads zeros.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    #[cfg(test)]
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn take_byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte
    }

    pub(crate) fn take_number(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take_byte();
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }

    /// A number that was written from a `usize`.
    pub(crate) fn take_size(&mut self) -> usize {
        usize::try_from(self.take_number()).unwrap_or(usize::MAX)
    }

    pub(crate) fn take_signed(&mut self) -> i64 {
        let number = self.take_number();
        (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
    }

    pub(crate) fn take_word(&mut self) -> U256 {
        let first = self.take_byte();
        if first < SMALL {
            return U256::from(first);
        }
        U256::from_le_slice(self.take_bytes(usize::from(first - SMALL).min(32)))
    }

    pub(crate) fn take_bytes(&mut self, length: usize) -> &'a [u8] {
        let start = self.at.min(self.bytes.len());
        let end = start.saturating_add(length).min(self.bytes.len());
        self.at = end;
        &self.bytes[start..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_word(word: U256, length: usize) {
        let mut out = vec![0xaa];
        put_word(&mut out, &word);
        let mut input = Input::new(&out, 1);
        assert_eq!(input.take_word(), word);
        assert_eq!((input.position(), out.len()), (1 + length, 1 + length));
    }

    #[test]
    fn words_come_back_in_few_bytes() {
        let one = U256::from(1);
        let rows = [
            (U256::ZERO, 1),
            (U256::from(0xbf), 1),
            (U256::from(0xc0), 2),
            (U256::from(0x100), 3),
            (U256::from(u64::MAX), 9),
            (one << 56, 9),
            ((one << 56) - one, 8),
            (one << 64, 10),
            ((one << 160) - one, 21),
            (one << 248, 33),
            (U256::MAX, 33),
        ];
        for (word, length) in rows {
            check_word(word, length);
        }
    }

    #[test]
    fn numbers_come_back() {
        for value in [0, 1, 127, 128, 16383, 16384, 1 << 62, i64::MAX.cast_unsigned(), u64::MAX] {
            let mut out = Vec::new();
            put_number(&mut out, value);
            put_signed(&mut out, value.cast_signed());
            put_signed(&mut out, value.cast_signed().wrapping_neg());
            let mut input = Input::new(&out, 0);
            assert_eq!(input.take_number(), value);
            assert_eq!(input.take_signed(), value.cast_signed());
            assert_eq!(input.take_signed(), value.cast_signed().wrapping_neg());
            assert_eq!(input.position(), out.len());
        }
    }
}
