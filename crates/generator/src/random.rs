//! A deterministic source of numbers.

use parallax_primitives::U256;

/// SplitMix64: every seed, small ones too, starts a sequence of its own.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        // What a remainder prefers is beyond anything that is seen here.
        usize::try_from(self.bits() >> 33).unwrap_or(0) % limit
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// True once in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.bits().to_le_bytes()[7]
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// A word: often one where arithmetic has an edge.
    pub(crate) fn word(&mut self) -> U256 {
        let power = |random: &mut Self| U256::from(1) << random.below(256);
        match self.below(12) {
            0..=3 => U256::from(self.below(40)),
            4 => U256::from(self.between(250, 260)),
            5 => power(self),
            6 => power(self) - U256::from(1),
            7 => !U256::ZERO - U256::from(self.below(3)),
            8 => !power(self),
            // Negative powers of two, the smallest number among them.
            9 => U256::ZERO.wrapping_sub(power(self)),
            10 => U256::from(self.bits()),
            _ => U256::from_limbs([self.bits(), self.bits(), self.bits(), self.bits()]),
        }
    }
}
