#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]
//!
//! Nothing here is prepared ahead of the run but the set of jump destinations: the engine reads one opcode, checks it,
//! charges it and does it. That is its whole use: where it and `primary` part, this side can be read.

mod instructions;
mod interpreter;
mod step;

pub use interpreter::{Mini, MiniFrame};
pub use step::{Flow, MiniStepState, execute_single_op};
