#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]
//!
//! No rule of messages or transactions is here (that is the machine's), and no opcode.

mod entry;
mod journal;
mod state;
mod undo;

pub use state::State;
