#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod client;
mod comparison;
mod detection;
mod dialect;
mod geth_words;
mod halt;
mod halt_kind;
mod memory;
mod reader;
mod record;
mod stack_text;
mod summary;
mod text;
mod writer;

pub use client::{Client, UnknownClient};
pub use comparison::{TraceAgreement, TraceComparison, TraceDifference, compare_traces, is_unpaired_stop};
pub use detection::detect;
pub use dialect::{Dialect, UnknownDialect};
pub use geth_words::GethWords;
pub use halt_kind::HaltKind;
pub use memory::{growth_cost, needed};
pub use reader::{LINE_LIMIT, ReadError, TraceReader};
pub use record::{Record, Step, TraceEnd};
pub use summary::Summary;
pub use writer::{Eip3155Tracer, Finished, Options};
