#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod client;
mod limits;
mod output;
mod running;

pub use client::{Client, CommandError};
pub use limits::{Limits, Protocol};
pub use output::{Ending, Output};
