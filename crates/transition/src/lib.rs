#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod alloc;
mod environment;
mod error;
mod request;
mod result;
mod run;
mod texts;
mod transactions;

pub use alloc::write as alloc_json;
pub use environment::Environment;
pub use error::RequestError;
pub use parallax_block_data::Part;
pub use request::Request;
pub use result::Output;
pub use run::{Execute, transition};
