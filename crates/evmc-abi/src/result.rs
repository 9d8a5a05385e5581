use std::mem::offset_of;

use crate::{EvmcAddress, StatusCode};

/// Gives back what a result holds. It is called at most once, and the result is not looked at afterwards.
pub type EvmcRelease = unsafe extern "C" fn(result: *const EvmcResult);

/// What a message came to.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct EvmcResult {
    /// How it ended.
    pub status_code: StatusCode,
    /// Gas handed back; zero unless it succeeded or reverted.
    pub gas_left: i64,
    /// What its frame and those below added to the refund counter, in gas; zero unless it succeeded.
    pub gas_refund: i64,
    /// What it returned; null only if there is none. It lives until it is released.
    pub output_data: *const u8,
    /// Bytes of it.
    pub output_size: usize,
    /// Releases it; null if there is nothing to release.
    pub release: Option<EvmcRelease>,
    /// The new account of a creation.
    pub create_address: EvmcAddress,
    /// The maker's own.
    pub padding: [u8; 4],
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<EvmcResult>() == 72 && align_of::<EvmcResult>() == 8);
    assert!(offset_of!(EvmcResult, gas_left) == 8 && offset_of!(EvmcResult, gas_refund) == 16);
    assert!(offset_of!(EvmcResult, output_data) == 24 && offset_of!(EvmcResult, output_size) == 32);
    assert!(offset_of!(EvmcResult, release) == 40 && offset_of!(EvmcResult, create_address) == 48);
    assert!(offset_of!(EvmcResult, padding) == 68);
};
