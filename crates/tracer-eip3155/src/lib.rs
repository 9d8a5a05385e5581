#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod answer;
mod client;
mod compare;
mod comparison;
mod coverage;
mod dialect;
mod difference;
mod elements;
mod exact;
mod facts;
mod field;
mod geth_words;
mod halt;
mod halt_kind;
mod line;
mod lines;
mod memory;
mod opcode_names;
mod read_error;
mod reader;
mod recognition;
mod record;
mod stack_text;
mod summary;
mod table;
mod terms;
mod text;
mod writer;

pub use answer::{CompareOptions, DifferenceGroup, TraceAnswer};
pub use client::{Client, UnknownClient};
pub use compare::compare_traces;
pub use comparison::{TraceComparison, is_unpaired_stop};
pub use dialect::{Dialect, UnknownDialect};
pub use difference::{Coverage, TraceAgreement, TraceDifference, What};
pub use facts::{CostKind, Facts, Form, FrameExits, GasUsedKind, Key, PassKind, Presence, RefundKind};
pub use field::{Field, Fields, UnknownField};
pub use geth_words::GethWords;
pub use halt_kind::HaltKind;
pub use memory::{growth_cost, needed};
pub use read_error::{LINE_LIMIT, ReadError};
pub use reader::{Profile, TraceReader};
pub use recognition::{Recognised, recognise, recognise_file};
pub use record::{OwnRefund, Record, SecondLine, Step, TraceEnd};
pub use summary::Summary;
pub use writer::{Eip3155Tracer, Finished, Options};
