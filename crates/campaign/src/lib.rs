#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod diff;
mod discovery;
pub mod engines;
mod forms;
mod pipeline;
mod report;
mod right_trace;
mod shared;
mod statetest;
mod trace;

pub use diff::{
    DiffOutcome, DiffSummary, FastSummary, compare_case, compare_job, config, diff, diff_with, tolerated,
};
pub use discovery::{DiscoveryError, discover};
pub use forms::FastForms;
pub use pipeline::{Campaign, Delivered, Progress, Selection, WorkersError};
pub use report::{
    DiffSetup, HtmlReport, JsonReport, JunitReport, PageLimits, Program, Report, ReportFormat, diff_json,
    diff_text, html_of_run, program_json, program_text, rerun, shell_word, test_json, test_text, title,
};
pub use right_trace::{TraceCompared, diff_trace};
pub use shared::shared_folder;
pub use statetest::{TestOutcome, TestSummary, statetest, statetest_with};
pub use trace::{SharedWriter, TraceDigest, TraceFormat, TraceOptions, TraceSink, trace};
