#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod changes;
mod context;
mod database;
mod environment;
mod halt;
mod inspector;
mod message;
mod rejection;
mod run;
mod steps;

pub use message::MessageRunner;
pub use run::Revm;
