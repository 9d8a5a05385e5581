#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod compare;
mod config;
mod divergence;
mod log;
mod report;
mod value;

pub use compare::{Side, compare_call_results, per_call};
pub use config::{Config, HaltPair, Halts, Rejections, Which};
pub use divergence::{Cause, Divergence, Field, PathItem, Place, Verdict};
pub use log::{Bounds, MessageLog, Recorded};
pub use value::Value;
