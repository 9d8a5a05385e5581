#![forbid(unsafe_code)]
//! What `cargo xtask bench --tracing` and `--free-when-off` measure: programs as bare messages, on our engines here and on
//! revm in [`revm_side`]. Invariant: a run whose answer is not the expected one is an error, on every side.

pub mod off;
pub mod program;
#[cfg(feature = "peers")]
pub mod revm_side;
