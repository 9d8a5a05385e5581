#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod access_list;
mod call_tracer;
mod called;
mod error;
mod flat_call;
mod four_byte;
mod frame;
mod frames;
mod gas_profile;
mod json;
mod named;
mod opcode_counts;
mod precompiled;
mod preimages;
mod prestate;
mod revert_reason;
mod state_gas;
mod state_rows;

pub use access_list::AccessListTracer;
pub use call_tracer::{CallTracer, CallTracerConfig};
pub use error::TracerError;
pub use flat_call::{FlatCallTracer, FlatCallTracerConfig};
pub use four_byte::FourByteTracer;
pub use gas_profile::{GasProfile, ProfileFormat};
pub use named::NamedTracer;
pub use opcode_counts::OpcodeCounter;
pub use preimages::PreimageTracer;
pub use prestate::{PrestateTracer, PrestateTracerConfig};
pub use state_gas::StateGasTracer;
