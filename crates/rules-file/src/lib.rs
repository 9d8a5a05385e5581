#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod difference;
mod read;
mod write;

pub use difference::differences;
pub use read::{FileError, LARGEST, read};
pub use write::write;
