#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod append;
mod background;
mod output;
mod pieces;

pub use append::append;
pub use background::{Background, Losses, WhenFull};
pub use output::Output;
