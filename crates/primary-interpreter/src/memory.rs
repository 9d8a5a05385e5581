//! The memory of one frame.
//!
//! Invariant: its length is a multiple of 32 and never above [`MEMORY_LIMIT`]; the buffer behind it is zero from there on,
//! so that a growth inside the buffer is nothing but a new length. A buffer is at most twice as large as what was paid for, and at
//! most [`DOUBLED_BYTES`] larger.

use std::{
    alloc::{Layout, alloc_zeroed},
    cell::RefCell,
    ops::Range,
};

use parallax_host_interface::HostError;

use parallax_primitives::{GasSchedule, Halt, MEMORY_LIMIT, U256};

use crate::fault::Fault;

/// A growth of the memory that is not paid for yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extension {
    /// The length afterwards.
    len: usize,
    /// Its price; saturating.
    pub(crate) cost: u64,
    /// Whether the memory can be that large at all.
    possible: bool,
}

impl Extension {
    /// Whether the memory can be that large at all.
    pub(crate) fn is_possible(&self) -> bool {
        self.possible
    }
}

/// Bytes, in words.
#[derive(Debug)]
pub(crate) struct Memory {
    buffer: Vec<u8>,
    len: usize,
    prices: &'static GasSchedule,
    /// Bytes up to which it is paid for at mainnet's prices, which the compiler knows: its limit, or zero.
    known_until: u64,
}

/// Gas of a word of memory on mainnet.
const WORD: u64 = 3;
/// What the square of a memory's words is divided by there.
const QUADRATIC_DIVISOR: u64 = 512;

/// Bytes that the buffers kept for later may have together, per thread.
const POOLED_BYTES: usize = 32 << 20;
/// The smallest buffer.
const LEAST_BYTES: usize = 4096;
/// What a buffer grows by at most beyond what is asked for.
const DOUBLED_BYTES: usize = 256 << 20;
const POOLED_BUFFERS: usize = 32;

thread_local! {
    static POOL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

impl Memory {
    /// An empty one, which grows at these prices.
    pub(crate) fn new(prices: &'static GasSchedule) -> Self {
        let buffer = POOL.with_borrow_mut(Vec::pop).unwrap_or_default();
        let own = (prices.memory_word, prices.memory_word_divisor, prices.memory_quadratic_divisor);
        let known_until = if own == (WORD, 1, QUADRATIC_DIVISOR) { MEMORY_LIMIT } else { 0 };
        Self { buffer, len: 0, prices, known_until }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[..self.len]
    }

    /// What it takes to reach `size` bytes from `offset` on.
    #[inline]
    pub(crate) fn reach(&self, offset: U256, size: U256) -> Extension {
        if size.is_zero() {
            return Extension { len: self.len, cost: 0, possible: true };
        }
        let end = match (u64::try_from(offset), u64::try_from(size)) {
            (Ok(offset), Ok(size)) => offset.checked_add(size),
            _ => None,
        };
        self.reach_end(end)
    }

    /// What it takes to reach two regions: what it takes to reach the one that ends later. One that is not possible is dearer than
    /// any that is.
    pub(crate) fn reach_both(&self, first: (U256, U256), second: (U256, U256)) -> Extension {
        let (first, second) = (self.reach(first.0, first.1), self.reach(second.0, second.1));
        if (second.cost, second.len) > (first.cost, first.len) { second } else { first }
    }

    fn reach_end(&self, end: Option<u64>) -> Extension {
        let Some(end) = end else {
            return Extension { len: 0, cost: u64::MAX, possible: false };
        };
        let now = self.len;
        if end <= now as u64 {
            return Extension { len: now, cost: 0, possible: true };
        }
        let words = end.div_ceil(32);
        if end > self.known_until {
            let possible = end <= MEMORY_LIMIT;
            let len = if possible { bytes(words) } else { 0 };
            return Extension { len, cost: self.other_cost(words), possible };
        }
        let len = bytes(words);
        Extension { len, cost: known_price(words) - known_price(now as u64 / 32), possible: true }
    }

    /// What it costs to grow to so many words at any prices, or beyond the limit.
    #[cold]
    fn other_cost(&self, words: u64) -> u64 {
        self.price(words).saturating_sub(self.price(self.len as u64 / 32))
    }

    /// Price of a memory of so many words; saturating.
    fn price(&self, words: u64) -> u64 {
        let GasSchedule { memory_word, memory_word_divisor, memory_quadratic_divisor, .. } = *self.prices;
        let words = u128::from(words);
        let price = words * u128::from(memory_word) / u128::from(memory_word_divisor)
            + words * words / u128::from(memory_quadratic_divisor);
        u64::try_from(price).unwrap_or(u64::MAX)
    }

    /// Grows. The extension was made for this memory as it is and is paid for. An error says that the machine that all this
    /// runs on has no memory left: no failure of the protocol.
    pub(crate) fn grow(&mut self, extension: Extension) -> Result<(), HostError> {
        if extension.len > self.buffer.len() {
            self.enlarge(extension.len)?;
        }
        self.len = self.len.max(extension.len);
        Ok(())
    }

    /// Takes back what it has grown beyond `len`.
    pub(crate) fn shrink(&mut self, len: usize) {
        if len < self.len {
            self.buffer[len..self.len].fill(0);
            self.len = len;
        }
    }

    /// Grows to `size` bytes (at most 32) from `offset` on, if `gas` pays for it and there is as much: the gas left.
    #[inline(never)]
    pub(crate) fn grow_to(&mut self, offset: u64, size: u64, gas: u64) -> Option<u64> {
        let end = offset.checked_add(size)?;
        let now = self.len;
        if end <= now as u64 {
            return Some(gas);
        }
        if end > self.known_until {
            return self.grow_to_other(end, gas);
        }
        let words = end.div_ceil(32);
        let left = gas.checked_sub(known_price(words) - known_price(now as u64 / 32))?;
        let len = bytes(words);
        if len > self.buffer.len() {
            self.enlarge(len).ok()?;
        }
        self.len = len;
        Some(left)
    }

    /// As [`Memory::grow_to`], at any prices, or beyond the limit.
    #[cold]
    fn grow_to_other(&mut self, end: u64, gas: u64) -> Option<u64> {
        let extension = self.reach_end(Some(end));
        let left = gas.checked_sub(extension.cost).filter(|_| extension.possible)?;
        self.grow(extension).ok()?;
        Some(left)
    }

    /// At least doubles the buffer, as long as it is not too large for that.
    #[cold]
    fn enlarge(&mut self, least: usize) -> Result<(), HostError> {
        let doubled = self.buffer.len() + self.buffer.len().clamp(LEAST_BYTES, DOUBLED_BYTES);
        let bytes = least.max(doubled);
        let mut larger = zeroed(bytes)
            .ok_or_else(|| HostError::new(format!("no {bytes} bytes for the memory of a frame")))?;
        larger[..self.len].copy_from_slice(&self.buffer[..self.len]);
        self.buffer = larger;
        Ok(())
    }

    /// A region that was reached.
    pub(crate) fn region(offset: U256, size: U256) -> Range<usize> {
        if size.is_zero() {
            return 0..0;
        }
        let offset = offset.saturating_to::<usize>();
        offset..offset.saturating_add(size.saturating_to::<usize>())
    }

    /// Writes what stands in `source` from `start` on, zeros behind its end.
    pub(crate) fn copy_from(&mut self, offset: U256, source: &[u8], start: U256, size: U256) {
        let target = &mut self.bytes_mut()[Self::region(offset, size)];
        let source = source.get(start.saturating_to::<usize>()..).unwrap_or_default();
        let copied = source.len().min(target.len());
        target[..copied].copy_from_slice(&source[..copied]);
        target[copied..].fill(0);
    }
}

/// Bytes on pages that the system has zeroed; `None` if it has no more.
fn zeroed(bytes: usize) -> Option<Vec<u8>> {
    let layout = Layout::array::<u8>(bytes).ok().filter(|layout| layout.size() > 0)?;
    // SAFETY: the size of the layout is not zero.
    let start = unsafe { alloc_zeroed(layout) };
    if start.is_null() {
        return None;
    }
    // SAFETY: the global allocator gave it with the layout of `bytes` bytes, and they are initialised: zero.
    Some(unsafe { Vec::from_raw_parts(start, bytes, bytes) })
}

impl Drop for Memory {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        if buffer.is_empty() {
            return;
        }
        // During the thread's end there is no pool any more.
        let _ = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            let pooled: usize = pool.iter().map(Vec::len).sum();
            if pool.len() < POOLED_BUFFERS && pooled + buffer.len() <= POOLED_BYTES {
                buffer[..self.len].fill(0);
                pool.push(buffer);
            }
        });
    }
}

/// Bytes of so many words, of a memory that is possible.
#[inline]
fn bytes(words: u64) -> usize {
    usize::try_from(words * 32).unwrap_or(usize::MAX)
}

/// Price on mainnet of a possible memory of so many words: fewer than 2^32, so nothing overflows.
#[inline]
const fn known_price(words: u64) -> u64 {
    words * WORD + words * words / QUADRATIC_DIVISOR
}

/// Takes `cost` and the price of the extension from `gas`.
#[inline]
pub(crate) fn charge(gas: u64, cost: u64, extension: &Extension) -> Result<u64, Fault> {
    let total = cost.saturating_add(extension.cost);
    match gas.checked_sub(total) {
        Some(left) if extension.possible => Ok(left),
        _ => Err(Fault::Halt(Halt::OutOfGas, total)),
    }
}

/// The price of `size` bytes at `each` a word; saturating.
pub(crate) fn by_word(size: U256, each: u64) -> u64 {
    u64::try_from(size).map_or(u64::MAX, |size| size.div_ceil(32).saturating_mul(each))
}

#[cfg(test)]
mod tests {
    use parallax_primitives::{Fork, Parameter, Rules};

    use super::*;

    fn empty() -> Memory {
        Memory::new(Rules::of(Fork::Osaka).gas())
    }

    fn grown(bytes: u64) -> Memory {
        let mut memory = empty();
        let price = memory.price(bytes.div_ceil(32));
        assert_eq!(memory.grow_to(bytes - 1, 1, u64::MAX), Some(u64::MAX - price));
        memory
    }

    fn pooled() -> Vec<usize> {
        POOL.with_borrow(|pool| pool.iter().map(Vec::len).collect())
    }

    #[test]
    fn buffers_double_and_are_kept_zeroed() {
        let mut memory = grown(1);
        assert_eq!((memory.bytes().len(), memory.buffer.len()), (32, LEAST_BYTES));
        memory.bytes_mut().fill(0xff);
        for (size, buffer) in [(4096, 4096), (4097, 8192), (8192, 8192), (8193, 16_384), (99_999, 100_000)] {
            memory.grow_to(size - 1, 1, u64::MAX).unwrap();
            assert_eq!(memory.bytes().len() as u64, size.next_multiple_of(32));
            assert_eq!(memory.buffer.len(), buffer, "for {size} bytes");
            assert!(memory.bytes()[..32].iter().all(|byte| *byte == 0xff));
            assert!(memory.buffer[32..].iter().all(|byte| *byte == 0));
        }
        memory.bytes_mut().fill(0xff);
        drop(memory);
        assert_eq!(pooled(), [100_000]);
        let memory = empty();
        assert_eq!((memory.bytes().len(), memory.buffer.len(), pooled().len()), (0, 100_000, 0));
        assert!(memory.buffer.iter().all(|byte| *byte == 0));
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri ends where there is no memory")]
    fn no_memory_left_is_an_error_and_no_end() {
        assert_eq!(zeroed(isize::MAX.unsigned_abs()), None);
        assert_eq!(zeroed(usize::MAX), None);
        let mut memory = grown(100);
        assert!(memory.enlarge(isize::MAX.unsigned_abs()).is_err());
        assert_eq!(memory.bytes().len(), 128);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        // In number: a memory that never grew has nothing to keep.
        drop(empty());
        assert_eq!(pooled(), [0; 0]);
        let memories: Vec<Memory> = (0..POOLED_BUFFERS + 2).map(|_| grown(1)).collect();
        drop(memories);
        assert_eq!(pooled(), [LEAST_BYTES; POOLED_BUFFERS]);
        // And in bytes, all together: the last byte counts.
        POOL.with_borrow_mut(Vec::clear);
        let half = POOLED_BYTES as u64 / 2;
        let memories = [grown(half), grown(half + 32), grown(half)];
        drop(memories);
        assert_eq!(pooled(), [POOLED_BYTES / 2, POOLED_BYTES / 2]);
    }

    #[test]
    fn growth_has_its_price_and_an_end() {
        let memory = grown(64);
        let reach = |offset: u64, size: u64| {
            let Extension { len, cost, possible } = memory.reach(U256::from(offset), U256::from(size));
            (len, cost, possible)
        };
        // Two words are paid for. Price of n words: 3 n + n^2 / 512.
        assert_eq!(reach(0, 64), (64, 0, true));
        assert_eq!(reach(u64::MAX, 0), (64, 0, true));
        assert_eq!(reach(64, 1), (96, 3, true));
        assert_eq!(reach(1, 32 * 1024), (32 * 1025, 3 * 1025 + 1025 * 1025 / 512 - 6, true));
        let words = MEMORY_LIMIT / 32;
        let limit = 3 * words + words * words / 512 - 6;
        assert_eq!(reach(0, MEMORY_LIMIT), (usize::try_from(MEMORY_LIMIT).unwrap(), limit, true));
        let beyond = reach(1, MEMORY_LIMIT);
        assert_eq!((beyond.1, beyond.2), (3 * (words + 1) + (words + 1) * (words + 1) / 512 - 6, false));
        assert_eq!(reach(u64::MAX, 1), (0, u64::MAX, false));
        let endless = memory.reach(U256::MAX, U256::ONE);
        assert_eq!((endless.cost, endless.possible), (u64::MAX, false));
    }

    /// Half a gas a word: one that costs nothing is a word more all the same.
    #[test]
    fn memory_may_cost_less_than_a_gas_for_a_word() {
        let rules = Rules::builder(Fork::Osaka)
            .parameter(Parameter::memory_word, 1)
            .parameter(Parameter::memory_word_divisor, 2)
            .parameter(Parameter::memory_quadratic_divisor, u64::MAX);
        let memory = Memory::new(rules.build().unwrap().gas());
        for (end, len, cost) in [(1, 32, 0), (33, 64, 1), (65, 96, 1), (1 << 20, 1 << 20, 1 << 14)] {
            let there = (U256::from(end - 1), U256::ONE);
            let nothing = (U256::ZERO, U256::ZERO);
            for extension in [memory.reach_both(nothing, there), memory.reach_both(there, nothing)] {
                assert_eq!((extension.len, extension.cost, extension.possible), (len, cost, true), "{end}");
            }
        }
    }

    #[test]
    fn two_regions_are_reached_by_the_dearer_one() {
        let memory = grown(64);
        let both = |first: (U256, U256), second: (U256, U256)| {
            let Extension { len, cost, possible } = memory.reach_both(first, second);
            (len, cost, possible)
        };
        let region = |offset: u64, size: u64| (U256::from(offset), U256::from(size));
        let (near, far) = (region(64, 1), region(96, 1));
        let rows = [
            (near, near, (96, 3, true)),
            (near, far, (128, 6, true)),
            (region(0, 64), region(u64::MAX, 0), (64, 0, true)),
            (near, (U256::MAX, U256::ONE), (0, u64::MAX, false)),
            ((U256::MAX, U256::ONE), (U256::MAX, U256::MAX), (0, u64::MAX, false)),
        ];
        for (first, second, expected) in rows {
            assert_eq!(both(first, second), expected, "{first:?} and {second:?}");
            assert_eq!(both(second, first), expected, "{second:?} and {first:?}");
        }
        // Beyond the limit, where enough gas could pay for it.
        assert!(!both(region(0, MEMORY_LIMIT), region(MEMORY_LIMIT, 1)).2);
        assert!(!both(region(MEMORY_LIMIT, 1), region(0, MEMORY_LIMIT)).2);
        assert!(both(region(0, MEMORY_LIMIT), near).2);
    }

    #[test]
    fn an_offset_at_the_limit_is_no_growth() {
        let mut memory = grown(32);
        assert_eq!(memory.grow_to(MEMORY_LIMIT, 1, u64::MAX), None);
        assert_eq!(memory.grow_to(u64::MAX, 32, u64::MAX), None);
        assert_eq!(memory.grow_to(32, 1, 2), None);
        assert_eq!(memory.bytes().len(), 32);
        assert_eq!(memory.grow_to(32, 1, 3), Some(0));
        assert_eq!(memory.bytes().len(), 64);
    }
}
