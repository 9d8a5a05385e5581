use std::{
    ffi::{c_char, c_int},
    mem::offset_of,
};

use crate::{Capabilities, EvmcHost, EvmcHostContext, EvmcMessage, EvmcResult, Revision, SetOption};

/// What a library exports under `evmc_create_NAME` or `evmc_create`: makes an instance, or answers null.
pub type EvmcCreate = unsafe extern "C" fn() -> *mut EvmcVm;
/// Gives an instance back.
pub type EvmcDestroy = unsafe extern "C" fn(*mut EvmcVm);
/// Runs code: instance, host and its context, rules, message, code and its size.
pub type EvmcExecute = unsafe extern "C" fn(
    *mut EvmcVm,
    *const EvmcHost,
    *mut EvmcHostContext,
    Revision,
    *const EvmcMessage,
    *const u8,
    usize,
) -> EvmcResult;
/// What the instance can do.
pub type EvmcGetCapabilities = unsafe extern "C" fn(*mut EvmcVm) -> Capabilities;
/// Sets an option, by name and value.
pub type EvmcSetOption = unsafe extern "C" fn(*mut EvmcVm, *const c_char, *const c_char) -> SetOption;

/// An instance of a library. Of one with another [`EvmcVm::abi_version`] nothing but that may be read.
#[derive(Debug)]
#[repr(C)]
pub struct EvmcVm {
    /// The version of the ABI that the library speaks.
    pub abi_version: c_int,
    /// Its name, in UTF-8 and not empty.
    pub name: *const c_char,
    /// Its version.
    pub version: *const c_char,
    /// Gives it back. Mandatory: `None` is a library that does not keep to the ABI.
    pub destroy: Option<EvmcDestroy>,
    /// Runs code. Mandatory.
    pub execute: Option<EvmcExecute>,
    /// What it can do. Mandatory.
    pub get_capabilities: Option<EvmcGetCapabilities>,
    /// Sets an option; `None` if it has none.
    pub set_option: Option<EvmcSetOption>,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<EvmcVm>() == 56 && align_of::<EvmcVm>() == 8);
    assert!(offset_of!(EvmcVm, name) == 8 && offset_of!(EvmcVm, version) == 16);
    assert!(offset_of!(EvmcVm, destroy) == 24 && offset_of!(EvmcVm, execute) == 32);
    assert!(offset_of!(EvmcVm, get_capabilities) == 40 && offset_of!(EvmcVm, set_option) == 48);
};
