#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod address;
mod changes;
mod engine;
mod eoa_delegation;
mod fork;
mod gas;
mod host;
mod interpreter;
mod machine;
mod map;
mod message;
mod observed;
mod state;
mod transactions;
mod world;

pub use engine::MiniEngine;
pub use fork::{Validated, validate};
pub use machine::MiniMachine;
