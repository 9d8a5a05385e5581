#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod engine;
mod interpreter;
mod stepper;

pub use engine::{Engine, EngineError, Execution, Job};
pub use interpreter::{FrameExit, Interpreter};
pub use stepper::{Progress, Stepper};
