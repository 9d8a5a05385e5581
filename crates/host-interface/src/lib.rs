#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod changes;
mod database;
mod host;
mod journal;

pub use changes::{AccountChange, StateChanges};
pub use database::{AccountInfo, Database, EmptyDatabase};
pub use host::{Host, HostError, SelfDestruct, Slot};
pub use journal::Journal;
pub use parallax_primitives::TxEnv;
