#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod background;
mod output;
mod pieces;

pub use background::{Background, Losses, WhenFull};
pub use output::Output;
