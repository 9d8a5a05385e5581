#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod accounts;
mod addresses;
mod block;
mod calldata;
mod case;
mod chunks;
mod code;
mod constants;
mod deletion;
mod fees;
mod gas;
mod jumps;
mod listing;
mod lists;
mod messages;
mod pairs;
mod passes;
mod replacement;
mod rules;
mod search;
mod size;
mod standing;
mod storage;
mod straight;
mod values;

pub use case::Case;
pub use passes::{PASSES, Pass, minimize};
pub use search::{Budget, Limit, Minimized, Question, Search};
pub use size::Size;
pub use standing::{Executed, Record, Standing};
