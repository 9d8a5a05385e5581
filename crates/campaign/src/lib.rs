#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod any_case;
mod archive;
mod archive_members;
mod attribution;
mod block_test;
mod case_name;
mod clients;
mod diff;
mod diff_task;
mod discovery;
pub mod engines;
#[cfg(unix)]
mod evmc_name;
#[cfg(feature = "fault-injection")]
mod faulty_name;
mod forms;
mod fuzz;
mod identity;
mod isolation;
mod minimization;
mod named_trace;
mod pipeline;
mod recorder;
mod report;
mod right_trace;
mod shard;
mod shared;
mod shared_states;
mod side_groups;
mod sides;
mod statetest;
mod step_limit;
mod steps_file;
mod task;
mod test_outcome;
mod trace;
mod traced_run;
mod wire;
mod worker;
mod workers;

pub use archive::file_of;
pub use archive_members::members;
pub use attribution::{Parting, Partings};
pub use block_test::{BlockReport, BlockSummary, BlockTask, BlockVerdict, block_cases, processor_of};
pub use case_name::CaseName;
pub use clients::ClientSide;
pub use diff::{
    BlockCounts, DiffOutcome, DiffSummary, FastSummary, compare_case, compare_job, config, diff, diff_with,
    tolerated,
};
pub use diff_task::{DiffReport, DiffTask};
pub use discovery::{Discovery, DiscoveryError, discover};
pub use forms::FastForms;
pub use fuzz::{
    Coverage, Covered, Ended, Finding, Fuzz, FuzzProgress, FuzzSummary, Group, Metamorphic, Pair, Sort,
    Subject, Told as FuzzTold, TwinFinding, TwinSummary, is_possible,
};
pub use identity::{Identity, Parted};
pub use isolation::{
    Isolation, blocktest_isolated, blocktest_with_traces, diff_isolated, diff_with_steps, statetest_isolated,
};
pub use minimization::{FindingSides, MinimizeError, MinimizedCase};
pub use named_trace::NamedTrace;
#[cfg(unix)]
pub use parallax_engine_evmc::child_main;
pub use pipeline::{Campaign, Delivered, Progress, RunBy, Selection, WorkersError};
pub use report::{
    DiffSetup, Form, HtmlReport, ItemAnswer, ItemAnswers, ItemsError, JsonReport, JunitReport, MergeError,
    PageLimits, Program, Report, ReportFormat, ShardReports, Told, diff_json, diff_text, html_of_run,
    printable, program_json, program_text, rerun, rerun_of, rules_word, shell_word, test_json, test_text,
    title, title_of,
};
pub use right_trace::{TraceCompared, diff_trace};
pub use shard::{CountedTests, NoShard, Shard};
pub use shared::shared_folder;
pub use side_groups::{SideGroup, SideGroups};
pub use sides::{Side, Sides};
pub use statetest::{TestReport, TestTask, statetest, statetest_with};
pub use steps_file::{StepsFile, StepsLoss};
pub use task::Loss;
pub use test_outcome::{TestOutcome, TestSummary, TestVerdict};
pub use trace::{
    TraceBounds, TraceDigest, TraceFiles, TraceFormat, TraceLoss, TraceOptions, TraceSink, trace,
};
pub use traced_run::{ChainPlace, TraceEnd, TracePlace, TracedRun};
pub use worker::worker_main;
pub use workers::{LOG_MARK, Limits, Workers};
