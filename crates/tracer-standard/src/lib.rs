#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod call;
mod call_tree;
mod changes;
mod codec;
mod config;
mod expectation;
mod geth_row;
mod json;
mod memory;
mod record;
mod recorder;
mod replay;
mod shape;
mod state_gas;
mod states;
mod statistics;
mod struct_log;
mod struct_log_writer;
mod trace;

pub use call::Call;
pub use changes::RecordedChange;
pub use config::TracerConfig;
pub use record::State;
pub use recorder::Recorder;
pub use replay::{Replay, Step};
pub use statistics::OpcodeCount;
pub use struct_log::{StructLogOptions, StructLogs};
pub use struct_log_writer::{StructLogWriter, WrittenStructLogs};
pub use trace::{Dropped, Trace, TraceHeader};
