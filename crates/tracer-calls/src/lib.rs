#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod call_tracer;
mod error;
mod frame;
mod frames;
mod json;
mod precompiled;
mod revert_reason;

pub use call_tracer::{CallTracer, CallTracerConfig};
pub use error::TracerError;
