//! A hash of 64 bits of what a callback shows, fast enough to be made at every block entry.
//!
//! Two words are taken in at once: each is mixed with the state and a constant, both are multiplied to 128 bits, and the halves of
//! the product are the next state. It is no defence against whoever looks for a collision; a fault does not look for one, and
//! meets one with a chance of about 1 in 2^64 for each word.

/// Odd constants without a pattern: digits of pi and of the golden ratio.
const KEYS: [u64; 4] =
    [0x243f_6a88_85a3_08d3, 0x9e37_79b9_7f4a_7c15, 0x1319_8a2e_0370_7345, 0xa409_3822_299f_31d1];

/// The state of a hash, of two lanes that do not wait for each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digest([u64; 2]);

#[inline]
fn mixed(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    // The halves: the cast keeps the lower one.
    #[allow(clippy::cast_possible_truncation)]
    let low = product as u64;
    (product >> 64) as u64 ^ low
}

#[inline]
fn word(bytes: &[u8; 32]) -> [u64; 4] {
    let (parts, _) = bytes.as_chunks::<8>();
    let part = u64::from_le_bytes;
    [part(parts[0]), part(parts[1]), part(parts[2]), part(parts[3])]
}

impl Digest {
    /// `kind` sets apart what is made of the same values.
    pub(crate) const fn new(kind: u64) -> Self {
        Self([KEYS[0] ^ kind, KEYS[2]])
    }

    /// Takes in two words.
    #[inline]
    pub(crate) fn pair(&mut self, first: u64, second: u64) {
        // Turned, so that a word that is zero in one place is none in the next.
        self.0[0] = mixed(self.0[0] ^ first, KEYS[1] ^ second).rotate_left(23) ^ self.0[0];
    }

    /// Takes in four words.
    #[inline]
    pub(crate) fn word(&mut self, [a, b, c, d]: [u64; 4]) {
        self.pair(a, b);
        self.0[1] = mixed(self.0[1] ^ c, KEYS[3] ^ d).rotate_left(23) ^ self.0[1];
    }

    /// Takes in bytes and their number. Of many bytes, four digests take turns: one alone waits for its own products.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.pair(bytes.len() as u64, 0);
        let (words, rest) = bytes.as_chunks::<32>();
        let (groups, words) = words.as_chunks::<4>();
        if !groups.is_empty() {
            let [mut one, mut two, mut three, mut four] = [1, 2, 3, 4].map(Self::new);
            for [a, b, c, d] in groups {
                one.word(word(a));
                two.word(word(b));
                three.word(word(c));
                four.word(word(d));
            }
            for lane in [one, two, three, four] {
                self.pair(lane.0[0], lane.0[1]);
            }
        }
        for bytes in words {
            self.word(word(bytes));
        }
        if !rest.is_empty() {
            let mut last = [0; 32];
            last[..rest.len()].copy_from_slice(rest);
            self.word(word(&last));
        }
    }

    pub(crate) fn finish(self) -> u64 {
        mixed(self.0[0] ^ KEYS[3], self.0[1] ^ KEYS[1])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn of(bytes: &[u8]) -> u64 {
        let mut digest = Digest::new(1);
        digest.bytes(bytes);
        digest.finish()
    }

    #[test]
    fn one_bit_or_one_byte_more_is_another_digest() {
        let mut seen = HashSet::new();
        for length in (0..200).chain(255..260) {
            for byte in [0, 0x5a, 0xa5] {
                let mut bytes = vec![byte; length];
                assert!(length == 0 || seen.insert(of(&bytes)), "{length} times {byte}");
                for bit in 0..length * 8 {
                    bytes[bit / 8] ^= 1 << (bit % 8);
                    assert!(seen.insert(of(&bytes)), "{length} times {byte}, bit {bit}");
                    bytes[bit / 8] ^= 1 << (bit % 8);
                }
            }
        }
    }

    #[test]
    fn blocks_in_another_order_are_another_digest() {
        let mut bytes = vec![0; 640];
        bytes[..128].fill(1);
        let first = of(&bytes);
        bytes.rotate_left(128);
        assert_ne!(first, of(&bytes));
        let mut words = vec![0; 256];
        words[..32].fill(1);
        let first = of(&words);
        words.rotate_left(32);
        assert_ne!(first, of(&words));
    }

    #[test]
    fn words_in_another_order_are_another_digest() {
        let of = |words: &[[u64; 4]]| {
            let mut digest = Digest::new(0);
            words.iter().for_each(|word| digest.word(*word));
            digest.finish()
        };
        let (one, two) = ([1, 0, 0, 0], [2, 0, 0, 0]);
        assert_ne!(of(&[one, two]), of(&[two, one]));
        assert_ne!(of(&[one]), of(&[[0, 1, 0, 0]]));
        assert_ne!(of(&[one]), of(&[[0, 0, 1, 0]]));
        assert_ne!(of(&[[0; 4]]), of(&[[0; 4], [0; 4]]));
        assert_ne!(Digest::new(0).finish(), Digest::new(1).finish());
    }
}
