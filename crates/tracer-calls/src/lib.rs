#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod call_tracer;
mod called;
mod error;
mod flat_call;
mod four_byte;
mod frame;
mod frames;
mod json;
mod named;
mod precompiled;
mod prestate;
mod revert_reason;
mod state_rows;

pub use call_tracer::{CallTracer, CallTracerConfig};
pub use error::TracerError;
pub use flat_call::{FlatCallTracer, FlatCallTracerConfig};
pub use four_byte::FourByteTracer;
pub use named::NamedTracer;
pub use prestate::{PrestateTracer, PrestateTracerConfig};
