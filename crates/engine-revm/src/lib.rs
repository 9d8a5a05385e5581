#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod bare_storage;
mod changes;
mod context;
mod database;
mod environment;
mod halt;
mod inspector;
mod mainnet;
mod message;
mod recorded;
mod rejection;
mod run;
mod state_gas;
mod steps;
mod system;
mod types;
mod watch;

pub use context::JobContext;
pub use database::{DatabaseError, JobDatabase};
pub use mainnet::Mainnet;
pub use message::MessageRunner;
pub use recorded::Recorded;
pub use rejection::rejection;
pub use run::Revm;
pub use types::{RevmParts, RevmTypes};
