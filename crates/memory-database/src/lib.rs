#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod account;
mod accounts;
mod database;

pub use account::Account;
pub use accounts::{Accounts, Entry, Iter};
pub use database::{BlockHashes, MemoryDatabase};
