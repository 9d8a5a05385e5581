#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod breakpoints;
mod limits;
mod stepping;

pub use breakpoints::{Breakpoints, CallPattern, Condition, Moment};
pub use limits::{CancelFlag, StepBudget};
pub use stepping::{run_until, step_into, step_out, step_over};
