#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod capabilities;
mod engine;
mod execution;
mod interpreter;
mod owned;
mod run;
mod stepper;
mod under_rules;

pub use capabilities::{Capabilities, CostTolerance, HaltPair, MessageTolerance, Tolerances, UntoldMessage};
pub use engine::{Engine, EngineError, Job};
pub use execution::Execution;
pub use interpreter::{FrameExit, Interpreter};
pub use owned::{OwnedJob, OwnedRun, OwnedSubject};
pub use run::{run_message, run_transaction};
pub use stepper::{Progress, Stepper};
pub use under_rules::UnderRules;
