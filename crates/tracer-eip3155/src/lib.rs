#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod client;
mod compare;
mod dialect;
mod failure;
mod memory;
mod reader;
mod record;
mod stack_text;
mod summary;
mod text;
mod writer;

pub use client::{Client, UnknownClient, detect};
pub use compare::{TraceAgreement, TraceComparison, TraceDifference, compare_traces, is_unpaired_stop};
pub use dialect::{Dialect, UnknownDialect};
pub use memory::{growth_cost, needed};
pub use reader::{LINE_LIMIT, ReadError, TraceReader};
pub use record::{Failure, Record, Step, TraceEnd};
pub use summary::Summary;
pub use writer::{Eip3155Tracer, Finished, Options};
