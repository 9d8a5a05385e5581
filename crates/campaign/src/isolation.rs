//! Where the cases of a campaign run: in threads of this process, or in worker processes.

use std::ops::ControlFlow;

use crate::{
    BlockReport, BlockSummary, BlockTask, Campaign, DiffReport, DiffSummary, DiffTask, Progress, StepsFile,
    TestReport, TestSummary, TestTask, TraceFiles, Workers, WorkersError, engines, wire::TaskSetup,
};

/// Where the cases of a campaign run.
#[derive(Clone, Copy, Debug)]
pub enum Isolation<'a> {
    /// In threads of this process. A panic ends its case; an abort or a signal ends everything, and nothing ends a case that
    /// has no end.
    InProcess,
    /// In worker processes, which are started again where a case ends one.
    Workers(&'a Workers),
}

/// Does `task` with the cases of `campaign`, in threads or in worker processes, and hands each report to `deliver`, in order.
pub fn statetest_isolated(
    campaign: &Campaign<'_>,
    task: &TestTask,
    isolation: Isolation<'_>,
    mut deliver: impl FnMut(&TestReport, Progress) -> ControlFlow<()> + Send,
) -> Result<TestSummary, WorkersError> {
    let mut summary = TestSummary::default();
    let deliver = |report: TestReport, progress| {
        summary.count(report.verdict);
        deliver(&report, progress)
    };
    let ran = match isolation {
        Isolation::Workers(workers) => {
            workers.perform(campaign, task, TaskSetup::Statetest(task.clone()), deliver)
        }
        Isolation::InProcess => {
            let engine = engines::source(&task.engine)?;
            campaign.perform(task, |case| task.case(case, &*engine), deliver)
        }
    };
    summary.complete = ran?.is_complete;
    Ok(summary)
}

/// Does `task` with the block tests of `campaign`, in threads or in worker processes, and hands each report to `deliver`, in order.
pub fn blocktest_isolated(
    campaign: &Campaign<'_>,
    task: &BlockTask,
    isolation: Isolation<'_>,
    mut deliver: impl FnMut(&BlockReport, Progress) -> ControlFlow<()> + Send,
) -> Result<BlockSummary, WorkersError> {
    let mut summary = BlockSummary::default();
    let deliver = |report: BlockReport, progress| {
        summary.count(&report);
        deliver(&report, progress)
    };
    let ran = match isolation {
        Isolation::Workers(workers) => {
            workers.perform(campaign, task, TaskSetup::Blocktest(task.clone()), deliver)
        }
        Isolation::InProcess => campaign.perform(task, task.each(engines::source, None)?, deliver),
    };
    summary.complete = ran?.is_complete;
    Ok(summary)
}

/// Does `task` with the block tests of `campaign` in threads of this process, and traces every transaction into `traces`: one test at a
/// time, if the campaign has one worker.
pub fn blocktest_with_traces(
    campaign: &Campaign<'_>,
    task: &BlockTask,
    traces: &TraceFiles,
    mut deliver: impl FnMut(&BlockReport, Progress) -> ControlFlow<()> + Send,
) -> Result<BlockSummary, WorkersError> {
    let mut summary = BlockSummary::default();
    let each = task.each(engines::source, Some(traces))?;
    summary.complete = campaign
        .perform(task, each, |report: BlockReport, progress| {
            summary.count(&report);
            deliver(&report, progress)
        })?
        .is_complete;
    Ok(summary)
}

/// Does `task` with the cases of `campaign` in threads of this process, and writes the steps of each to `steps`: one case at a time,
/// if the campaign has one worker.
pub fn diff_with_steps(
    campaign: &Campaign<'_>,
    task: &DiffTask,
    steps: &StepsFile,
    mut deliver: impl FnMut(&DiffReport, Progress) -> ControlFlow<()> + Send,
) -> Result<DiffSummary, WorkersError> {
    let mut summary = DiffSummary::default();
    let each = task.each(engines::source, Some(steps))?;
    let ran = campaign.perform(task, each, |report: DiffReport, progress| {
        summary.add(&report.sum);
        deliver(&report, progress)
    })?;
    summary.ended(campaign, &ran);
    Ok(summary)
}

/// Does `task` with the cases of `campaign`, in threads or in worker processes, and hands each report to `deliver`, in order.
pub fn diff_isolated(
    campaign: &Campaign<'_>,
    task: &DiffTask,
    isolation: Isolation<'_>,
    mut deliver: impl FnMut(&DiffReport, Progress) -> ControlFlow<()> + Send,
) -> Result<DiffSummary, WorkersError> {
    let mut summary = DiffSummary::default();
    let deliver = |report: DiffReport, progress| {
        summary.add(&report.sum);
        deliver(&report, progress)
    };
    let ran = match isolation {
        Isolation::Workers(workers) => {
            workers.perform(campaign, task, TaskSetup::Diff(task.clone()), deliver)
        }
        Isolation::InProcess => campaign.perform(task, task.each(engines::source, None)?, deliver),
    };
    summary.ended(campaign, &ran?);
    Ok(summary)
}
