/// Splitmix64: the same numbers from the same seed, on every machine.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e3779b97f4a7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d049bb133111eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `end` - 1; 0 if `end` is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap()
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.below(among.len())]
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).collect();
        bytes.truncate(length);
        bytes
    }

    /// 32 bytes, every second time those of a small or a large number, or of one beside `around`.
    pub(crate) fn word(&mut self, around: &[[u8; 32]]) -> [u8; 32] {
        let mut word: [u8; 32] = self.bytes(32).try_into().unwrap();
        match self.below(8) {
            0 => word[..31].fill(0),
            1 => word[..30].fill(0xff),
            2 | 3 if !around.is_empty() => word = beside(self.pick(around), self.below(5)),
            _ => {}
        }
        word
    }
}

/// `number` - 2 + `step`, big endian, as far as the last byte allows.
fn beside(mut number: [u8; 32], step: usize) -> [u8; 32] {
    number[31] = number[31].wrapping_add(u8::try_from(step).unwrap()).wrapping_sub(2);
    number
}
