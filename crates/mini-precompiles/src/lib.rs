#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod ecrecover;
mod evm;
mod hash_blocks;
mod identity;
mod mapping;
mod outcome;
mod ripemd160;
mod sha256;

pub use mapping::{addresses, run};
pub use outcome::{Output, PrecompileHalt};
