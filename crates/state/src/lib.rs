#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]
//!
//! No rule of messages or transactions is here (that is the machine's), and no opcode.

mod account;
mod entry;
mod journal;
mod memory_database;
mod root;
mod state;
mod undo;

pub use account::Account;
pub use memory_database::{BlockHashes, MemoryDatabase};
pub use root::{logs_hash, state_root};
pub use state::State;
