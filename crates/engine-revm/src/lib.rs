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

pub use environment::unsupported;
pub use halt::{REVM_HALTS, REVM_STEPS, StepTolerance};
pub use message::MessageRunner;
pub use run::Revm;
