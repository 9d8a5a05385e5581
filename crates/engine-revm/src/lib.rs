#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod changes;
mod database;
mod environment;
mod halt;
mod inspector;
mod rejection;
mod run;

pub use halt::REVM_HALTS;
pub use run::Revm;
