/// 32 bytes; as a number, the most significant byte first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct EvmcBytes32 {
    /// The bytes.
    pub bytes: [u8; 32],
}

/// An account's address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct EvmcAddress {
    /// The bytes.
    pub bytes: [u8; 20],
}

const _: () = assert!(size_of::<EvmcBytes32>() == 32 && align_of::<EvmcBytes32>() == 1);
const _: () = assert!(size_of::<EvmcAddress>() == 20 && align_of::<EvmcAddress>() == 1);
