#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod alloc;
mod environment;
mod request;
mod result;
mod run;
mod texts;
mod transactions;

pub use environment::Environment;
pub use request::{Request, RequestError};
pub use result::Output;
pub use run::{Execute, transition};
