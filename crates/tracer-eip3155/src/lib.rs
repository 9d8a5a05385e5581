#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod dialect;
mod failure;
mod stack_text;
mod summary;
mod text;
mod writer;

pub use dialect::{Dialect, UnknownDialect};
pub use summary::Summary;
pub use writer::{Eip3155Tracer, Finished, Options};
