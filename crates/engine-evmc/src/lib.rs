#![cfg(unix)]
#![doc = include_str!("../README.md")]

mod answers;
mod callbacks;
mod child;
mod configuration;
mod evmc;
mod interpreter;
mod lane;
mod loading;
mod parent;
mod protocol;
mod status;

pub use child::child_main;
pub use configuration::{Configuration, ConfigurationError};
pub use evmc::{Evmc, Loaded};
pub use lane::{ChildProgram, Limits};
