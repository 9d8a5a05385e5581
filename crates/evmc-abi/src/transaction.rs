use std::mem::offset_of;

use crate::{EvmcAddress, EvmcBytes32};

/// What the block and the transaction answer to opcodes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct EvmcTransactionContext {
    /// GASPRICE in wei.
    pub gas_price: EvmcBytes32,
    /// ORIGIN.
    pub origin: EvmcAddress,
    /// COINBASE.
    pub coinbase: EvmcAddress,
    /// NUMBER.
    pub number: i64,
    /// TIMESTAMP in seconds.
    pub timestamp: i64,
    /// GASLIMIT.
    pub gas_limit: i64,
    /// PREVRANDAO; DIFFICULTY before Paris.
    pub prev_randao: EvmcBytes32,
    /// CHAINID.
    pub chain_id: EvmcBytes32,
    /// BASEFEE in wei.
    pub base_fee: EvmcBytes32,
    /// BLOBBASEFEE in wei.
    pub blob_base_fee: EvmcBytes32,
    /// BLOBHASH: the hashes.
    pub blob_hashes: *const EvmcBytes32,
    /// How many they are.
    pub blob_hashes_count: usize,
    /// Init codes of a transaction type that no fork has: null.
    pub initcodes: *const u8,
    /// How many they are: 0.
    pub initcodes_count: usize,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    type Context = EvmcTransactionContext;
    assert!(size_of::<Context>() == 256 && align_of::<Context>() == 8);
    assert!(offset_of!(Context, origin) == 32 && offset_of!(Context, coinbase) == 52);
    assert!(offset_of!(Context, number) == 72 && offset_of!(Context, timestamp) == 80);
    assert!(offset_of!(Context, gas_limit) == 88 && offset_of!(Context, prev_randao) == 96);
    assert!(offset_of!(Context, chain_id) == 128 && offset_of!(Context, base_fee) == 160);
    assert!(offset_of!(Context, blob_base_fee) == 192 && offset_of!(Context, blob_hashes) == 224);
    assert!(offset_of!(Context, blob_hashes_count) == 232 && offset_of!(Context, initcodes) == 240);
    assert!(offset_of!(Context, initcodes_count) == 248);
};
