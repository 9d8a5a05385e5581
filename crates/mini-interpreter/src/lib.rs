#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]
//!
//! Nothing here is prepared ahead of the run but the set of jump destinations: the engine reads one opcode, checks it,
//! charges it and does it. That is its whole use: where it and `primary` part, this side can be read.

#[cfg(feature = "fault-injection")]
mod fault;
#[cfg(feature = "fault-injection")]
mod faulty;
mod instructions;
mod interpreter;
mod state;
mod step;

#[cfg(feature = "fault-injection")]
pub use fault::{Fault, FaultPlan, UnknownFault};
#[cfg(feature = "fault-injection")]
pub use faulty::{FaultyFrame, FaultyMini, Fired};
pub use interpreter::{Mini, MiniFrame};
pub use state::MiniStepState;
pub use step::{Flow, execute_single_op};
