#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod account;
mod database;

pub use account::Account;
pub use database::{BlockHashes, MemoryDatabase};
