#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod diff;
mod diff_task;
mod discovery;
pub mod engines;
mod forms;
mod pipeline;
mod report;
mod right_trace;
mod shared;
mod statetest;
mod task;
mod trace;
mod wire;
mod worker;
mod workers;

pub use diff::{
    DiffOutcome, DiffSummary, FastSummary, compare_case, compare_job, config, diff, diff_with, tolerated,
};
pub use diff_task::{DiffReport, DiffTask, diff_isolated};
pub use discovery::{DiscoveryError, discover};
pub use forms::FastForms;
pub use pipeline::{Campaign, Delivered, Progress, Selection, WorkersError};
pub use report::{
    DiffSetup, Form, HtmlReport, JsonReport, JunitReport, PageLimits, Program, Report, ReportFormat, Told,
    diff_json, diff_text, html_of_run, program_json, program_text, rerun, shell_word, test_json, test_text,
    title,
};
pub use right_trace::{TraceCompared, diff_trace};
pub use shared::shared_folder;
pub use statetest::{
    TestOutcome, TestReport, TestSummary, TestTask, TestVerdict, statetest, statetest_isolated,
    statetest_with,
};
pub use task::{CaseName, Isolation, Loss};
pub use trace::{SharedWriter, TraceDigest, TraceFormat, TraceOptions, TraceSink, trace};
pub use worker::worker_main;
pub use workers::{Limits, Workers};
