#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod changes;
mod database;
mod environment;
mod halt;
mod inspector;
mod message;
mod rejection;
mod run;

pub use halt::REVM_HALTS;
pub use message::MessageRunner;
pub use run::Revm;
