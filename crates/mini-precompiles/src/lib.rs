#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod alt_bn128;
mod blake2f;
mod bls12_381;
mod ecrecover;
mod evm;
mod hash_blocks;
mod identity;
mod mapping;
mod modexp;
mod outcome;
mod p256verify;
mod point_evaluation;
mod ripemd160;
mod sha256;

pub use mapping::{Contracts, addresses, run};
pub use outcome::{Output, PrecompileHalt};
