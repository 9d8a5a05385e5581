#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod authorization;
mod creation;
mod machine;
mod preparation;
mod stepping;
mod transaction;
mod validate;

pub use machine::Machine;
pub use validate::{Validated, validate};
