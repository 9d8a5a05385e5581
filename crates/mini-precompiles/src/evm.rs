use parallax_primitives::Rules;

use crate::outcome::PrecompileHalt;

/// What a contract runs in: of the specification's `Evm`, what these contracts use.
pub(crate) struct Evm<'a> {
    pub(crate) rules: Rules,
    /// The input, `evm.message.data`.
    pub(crate) data: &'a [u8],
    pub(crate) gas_left: u64,
}

impl Evm<'_> {
    /// Takes `amount` off the gas that is left ([`charge_gas`]).
    ///
    /// [`charge_gas`]: https://github.com/ethereum/execution-specs/blob/master/src/ethereum/forks/frontier/vm/gas.py
    pub(crate) fn charge_gas(&mut self, amount: u64) -> Result<(), PrecompileHalt> {
        self.gas_left = self.gas_left.checked_sub(amount).ok_or(PrecompileHalt::OutOfGas)?;
        Ok(())
    }
}

/// A price with a part for each word of 32 bytes, a begun one included. It saturates, beyond what any memory holds.
pub(crate) fn per_word(base: u64, word: u64, data: &[u8]) -> u64 {
    let words = data.len().div_ceil(32) as u64;
    words.saturating_mul(word).saturating_add(base)
}

/// The `N` bytes from `start` on, with zeros for those behind the end ([`buffer_read`]).
///
/// [`buffer_read`]: https://github.com/ethereum/execution-specs/blob/master/src/ethereum/forks/frontier/vm/memory.py
pub(crate) fn buffer_read<const N: usize>(data: &[u8], start: usize) -> [u8; N] {
    let mut bytes = [0; N];
    let there = data.get(start..).unwrap_or_default();
    let length = there.len().min(N);
    bytes[..length].copy_from_slice(&there[..length]);
    bytes
}
