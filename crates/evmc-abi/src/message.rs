use std::mem::offset_of;

use crate::{CallKind, EvmcAddress, EvmcBytes32, Flags};

/// A message: what a frame is started with, and what a frame sends.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct EvmcMessage {
    /// What sent it.
    pub kind: CallKind,
    /// Bits of it.
    pub flags: Flags,
    /// Depth of its frame: 0 is the transaction's own.
    pub depth: i32,
    /// Gas given to its frame.
    pub gas: i64,
    /// The account whose storage and balance its frame uses. The host works it out for a creation.
    pub recipient: EvmcAddress,
    /// What CALLER answers inside.
    pub sender: EvmcAddress,
    /// Calldata, or the init code of a creation that is sent; null only if there is none.
    pub input_data: *const u8,
    /// Bytes of it.
    pub input_size: usize,
    /// What CALLVALUE answers inside, in wei.
    pub value: EvmcBytes32,
    /// CREATE2's salt.
    pub create2_salt: EvmcBytes32,
    /// The account whose code runs.
    pub code_address: EvmcAddress,
    /// Code that the sender knows already; null if it does not.
    pub code: *const u8,
    /// Bytes of it.
    pub code_size: usize,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<EvmcMessage>() == 184 && align_of::<EvmcMessage>() == 8);
    assert!(offset_of!(EvmcMessage, flags) == 4 && offset_of!(EvmcMessage, depth) == 8);
    assert!(offset_of!(EvmcMessage, gas) == 16 && offset_of!(EvmcMessage, recipient) == 24);
    assert!(offset_of!(EvmcMessage, sender) == 44 && offset_of!(EvmcMessage, input_data) == 64);
    assert!(offset_of!(EvmcMessage, input_size) == 72 && offset_of!(EvmcMessage, value) == 80);
    assert!(offset_of!(EvmcMessage, create2_salt) == 112 && offset_of!(EvmcMessage, code_address) == 144);
    assert!(offset_of!(EvmcMessage, code) == 168 && offset_of!(EvmcMessage, code_size) == 176);
};
