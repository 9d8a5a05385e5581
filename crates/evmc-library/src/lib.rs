#![doc = include_str!("../README.md")]

mod execution;
mod host;
mod instance;
mod outcome;
mod request;

use parallax_evmc_abi::EvmcVm;

pub use instance::Parallax;

/// Makes an instance that runs `primary`: what EVMC's loader finds in a file that is called as cargo calls it. Never null.
// SAFETY: no other symbol of a program that loads this is called so: EVMC derives the name from that of the file.
#[unsafe(no_mangle)]
pub extern "C" fn evmc_create_parallax_evmc() -> *mut EvmcVm {
    Parallax::create()
}

/// As [`evmc_create_parallax_evmc`], in a file that is called `libparallax.so`.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "C" fn evmc_create_parallax() -> *mut EvmcVm {
    Parallax::create()
}
