#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod divergence;
mod hex;
mod number;
mod outcome;
mod reader;
mod run;
mod step;
mod trace;

pub use divergence::{Detail, Divergence, GasSplit, Input, Row, Suspect};
pub use hex::Hex;
pub use outcome::{Log, Outcome};
pub use reader::{Line, ReadError, Reader};
pub use run::{CaseId, RunEnd, RunHeader, write_run};
pub use step::{Mismatch, Step, StepSide};
pub use trace::{
    Bounds, Cut, Memory, Slot, Stack, StorageChange, StructLog, StructLogs, TraceHeader, TraceStep,
    write_trace,
};

/// The version of all formats here. It grows where a reader of the one before would misread.
pub const VERSION: u32 = 2;
