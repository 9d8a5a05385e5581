//! Official block tests: on one engine, and on two in lockstep through all that is in the blocks of a chain, each with its own rules of
//! blocks around it.

use std::ops::ControlFlow;

use parallax_block::Blocks;
use parallax_block_data::{BlockProcessor, Body, Part};
use parallax_block_tests::{
    At, BlockCase, BlockReport as Ran, BothEnd, BothReport, CaseEnd, ExecuteBoth, Order, run, run_both,
    run_both_bodies,
};
use parallax_engine_interface::{Engine, EngineError, Execution, Job};
use parallax_hooks::{Hooks, NoHooks};
use parallax_host_interface::HostError;
use parallax_mini_block::MiniBlocks;
use parallax_primitives::{Subject, keccak256};
use parallax_shadow_diff::{Divergence, Field, Mismatch, Place, ShadowConfig, Value, Verdict};
use parallax_state_tests::FixtureError;
use serde::{Deserialize, Serialize};

use crate::{
    BlockCounts, Campaign, CaseName, DiffOutcome, Loss, TraceFiles, WorkersError,
    any_case::AnyCase,
    diff::compare_results,
    engines::{EngineSource, Engines, UnknownEngine},
    report::{printable, rerun_of, title_of, unreadable_json},
    shared_states::Unit,
    step_limit::StepLimit,
    task::Task,
    trace::trace,
    traced_run::{ChainPlace, TraceEnd, TracePlace, TracedRun},
};

/// Who has the rules of blocks for an engine of this name: the plain engine has the plain ones.
pub fn processor_of(engine: &str) -> &'static dyn BlockProcessor {
    if engine == "mini" || engine.starts_with("mini+") { &MiniBlocks } else { &Blocks }
}

/// How a case counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockVerdict {
    /// As the file expects.
    Passed,
    /// As the file expects, but for proof of work, which is not checked.
    ProofOfWork,
    /// Not as the file expects.
    Failed,
    /// An engine panicked, its process ended, or its world failed.
    Crashed,
    /// The limit of time was met.
    TimedOut,
    /// A limit of steps or memory was met.
    Limit,
    /// The engine does not know the rules.
    Unsupported,
    /// It is a test of another kind, or of a fork that is not known.
    PassedOver,
    /// It could not be read.
    Unreadable,
}

impl BlockVerdict {
    /// Whether it counts against the campaign.
    pub const fn is_failure(self) -> bool {
        !matches!(
            self,
            BlockVerdict::Passed
                | BlockVerdict::ProofOfWork
                | BlockVerdict::Unsupported
                | BlockVerdict::PassedOver
        )
    }
}

/// Block tests on an engine that is called by its name, so that worker processes can be told of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BlockTask {
    /// The engine's name.
    pub engine: String,
    /// The command and its options, without what selects cases.
    pub command: String,
    /// Most steps of a case. Counting them, the fast engine does not run its fast form.
    pub max_steps: Option<u64>,
}

/// What came of one case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BlockReport {
    /// How it counts.
    pub verdict: BlockVerdict,
    /// Blocks that were run or refused.
    pub blocks: u64,
    /// Gas of the blocks that were taken.
    pub gas: u64,
    /// Blocks that were refused by the name of another rule than the expected one, by an engine that checks transactions in its own order.
    pub renamed: u64,
    /// What it is instead of a block test that can be run, in words that a count may stand before.
    pub passed_over: Option<String>,
    /// What a person reads of it: nothing if it is well.
    pub text: Option<String>,
    /// One line of JSON.
    pub json: String,
}

/// How many cases came to what: one count for each [`BlockVerdict`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockSummary {
    /// [`BlockVerdict::Passed`].
    pub passed: u64,
    /// [`BlockVerdict::ProofOfWork`].
    pub proof_of_work: u64,
    /// [`BlockVerdict::Failed`].
    pub failed: u64,
    /// [`BlockVerdict::Crashed`].
    pub crashed: u64,
    /// [`BlockVerdict::TimedOut`].
    pub timed_out: u64,
    /// [`BlockVerdict::Limit`].
    pub limit: u64,
    /// [`BlockVerdict::Unsupported`].
    pub unsupported: u64,
    /// [`BlockVerdict::PassedOver`].
    pub passed_over: u64,
    /// [`BlockVerdict::Unreadable`].
    pub unreadable: u64,
    /// As [`BlockReport::blocks`].
    pub blocks: u64,
    /// As [`BlockReport::gas`].
    pub gas: u64,
    /// As [`BlockReport::renamed`].
    pub renamed: u64,
    /// Whether every selected case is counted: false if the campaign was stopped.
    pub complete: bool,
}

impl BlockSummary {
    pub(crate) fn count(&mut self, report: &BlockReport) {
        *match report.verdict {
            BlockVerdict::Passed => &mut self.passed,
            BlockVerdict::ProofOfWork => &mut self.proof_of_work,
            BlockVerdict::Failed => &mut self.failed,
            BlockVerdict::Crashed => &mut self.crashed,
            BlockVerdict::TimedOut => &mut self.timed_out,
            BlockVerdict::Limit => &mut self.limit,
            BlockVerdict::Unsupported => &mut self.unsupported,
            BlockVerdict::PassedOver => &mut self.passed_over,
            BlockVerdict::Unreadable => &mut self.unreadable,
        } += 1;
        self.blocks += report.blocks;
        self.gas += report.gas;
        self.renamed += report.renamed;
    }

    /// Adds the counts of other cases.
    pub fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.proof_of_work += other.proof_of_work;
        self.failed += other.failed;
        self.crashed += other.crashed;
        self.timed_out += other.timed_out;
        self.limit += other.limit;
        self.unsupported += other.unsupported;
        self.passed_over += other.passed_over;
        self.unreadable += other.unreadable;
        self.blocks += other.blocks;
        self.gas += other.gas;
        self.renamed += other.renamed;
        self.complete &= other.complete;
    }

    /// Everything that came to something, or could not be read.
    pub const fn cases(&self) -> u64 {
        let well = self.passed + self.proof_of_work;
        let ended = self.failed + self.crashed + self.timed_out + self.limit;
        well + ended + self.unsupported + self.passed_over + self.unreadable
    }

    /// Whether there were cases of this kind, and every one is as its file expects.
    pub const fn is_success(&self) -> bool {
        self.complete
            && self.passed > 0
            && self.passed + self.proof_of_work + self.passed_over == self.cases()
    }

    /// One line: how many passed, and, where there are any, what else came.
    pub fn text(&self, engine: &str) -> String {
        let parts = [
            (self.proof_of_work, "have blocks to be refused for their proof of work, which is not checked"),
            (self.failed, "failed"),
            (self.crashed, "crashed"),
            (self.timed_out, "timed out"),
            (self.limit, "met a limit"),
            (self.unsupported, "not run: the engine does not know the fork"),
            (self.passed_over, "passed over"),
            (self.unreadable, "unreadable"),
        ];
        let mut text = format!("{engine}: {} passed", self.passed);
        for (count, what) in parts.into_iter().filter(|(count, _)| *count > 0) {
            text.push_str(&format!(", {count} {what}"));
        }
        text.push_str(&format!("; {} blocks, {} gas", self.blocks, self.gas));
        if self.renamed > 0 {
            let what = "refused for another rule that a transaction breaks than the named one, as the engine checks in its own order";
            text.push_str(&format!("; {} blocks {what}", self.renamed));
        }
        if !self.complete {
            text.push_str(" (stopped before the end)");
        }
        text
    }
}

impl BlockTask {
    /// How each case is run and told, with the engine that is found by its name in `engines`; its transactions are traced.
    pub(crate) fn each(
        &self,
        engines: Engines,
        traces: Option<&TraceFiles>,
    ) -> Result<impl Fn(&AnyCase) -> BlockReport + Sync, UnknownEngine> {
        let source = engines(&self.engine)?;
        Ok(move |case: &AnyCase| match case {
            AnyCase::Block(block) => self.run(block, &case.name(), &*source, traces),
            AnyCase::State(_) => {
                let kind = "state tests, for parallax statetest and parallax diff";
                let told = self.told(&case.name(), None, BlockVerdict::PassedOver, kind, &[]);
                BlockReport { passed_over: Some(kind.to_owned()), ..told }
            }
        })
    }

    fn run(
        &self,
        case: &BlockCase,
        name: &CaseName<'_>,
        source: &dyn EngineSource,
        traces: Option<&TraceFiles>,
    ) -> BlockReport {
        let engine = source.make();
        let order = if engine.tolerances().rejections.is_some() { Order::Other } else { Order::Specified };
        let mut unsupported = None;
        let mut limit = self.max_steps.map(|left| StepLimit { left, is_met: false });
        let mut logs = LogsOfBlock::default();
        let ran = run(case, processor_of(source.name()), order, &mut |at, job| {
            if let Some(reason) = engine.unsupported(job.rules, job.block) {
                unsupported = Some(reason.clone());
                return Err(EngineError::Host(HostError::new(reason)));
            }
            let mut go = |hooks: &mut dyn Hooks| engine.execute(job, &mut (hooks, &mut limit));
            match (traces, place(case, at, job, &mut logs)) {
                (Some(traces), Some(place)) => {
                    let on = TracedRun { before: job.database, place: Some(TracePlace::Chain(place)) };
                    logs.add(trace(traces, &on, &mut go, TraceEnd::of))
                }
                _ => go(&mut NoHooks),
            }
        });
        let is_limit_met = limit.is_some_and(|limit| limit.is_met);
        let (verdict, reason) = match (&ran.end, unsupported, self.max_steps) {
            (_, Some(reason), _) => (BlockVerdict::Unsupported, reason),
            (_, _, Some(steps)) if is_limit_met => {
                (BlockVerdict::Limit, format!("not over after {steps} steps"))
            }
            (CaseEnd::Passed, ..) => (BlockVerdict::Passed, String::new()),
            (CaseEnd::ProofOfWork(count), ..) => {
                (BlockVerdict::ProofOfWork, format!("{count} blocks with a wrong proof of work"))
            }
            (CaseEnd::Failed(reason), ..) => (BlockVerdict::Failed, reason.clone()),
            (CaseEnd::Host(reason), ..) => (BlockVerdict::Crashed, reason.clone()),
        };
        let report = self.told(name, Some(&case.network_name), verdict, &reason, &ran.blocks);
        BlockReport { renamed: ran.renamed as u64, ..report }
    }

    fn told(
        &self,
        case: &CaseName<'_>,
        network: Option<&str>,
        verdict: BlockVerdict,
        reason: &str,
        blocks: &[Ran],
    ) -> BlockReport {
        let what = match verdict {
            // The sum tells how many are of another kind.
            BlockVerdict::Passed | BlockVerdict::ProofOfWork | BlockVerdict::PassedOver => None,
            BlockVerdict::Unsupported => Some("NOT RUN"),
            BlockVerdict::Failed => Some("FAIL"),
            BlockVerdict::Crashed => Some("CRASHED"),
            BlockVerdict::TimedOut => Some("TIMED_OUT"),
            BlockVerdict::Limit => Some("LIMIT"),
            BlockVerdict::Unreadable => Some("UNREADABLE"),
        };
        let text = what.map(|what| {
            let network = network.map_or(String::new(), |network| format!(" network {}", printable(network)));
            let text = format!("{what} {}{network}\n  {}", title_of(case), printable(reason));
            match what {
                "NOT RUN" => text,
                _ => format!("{text}\n  again: {}", rerun_of(case, &self.command)),
            }
        });
        BlockReport {
            verdict,
            blocks: blocks.len() as u64,
            gas: blocks.iter().map(|block| block.gas_used).sum(),
            renamed: 0,
            passed_over: None,
            text,
            json: line(case, network, verdict, reason, blocks),
        }
    }
}

/// Logs of the transactions so far of a block.
#[derive(Default)]
struct LogsOfBlock {
    block: usize,
    count: u64,
}

impl LogsOfBlock {
    fn add(&mut self, answer: Result<Execution, EngineError>) -> Result<Execution, EngineError> {
        let outcome = answer.as_ref().ok().and_then(|execution| execution.outcome.as_ref());
        self.count += outcome.map_or(0, |outcome| outcome.logs.len() as u64);
        answer
    }
}

/// Where a transaction stands in a test; nothing for a call of the block's own.
fn place<'c>(case: &'c BlockCase, at: At, job: &Job<'_>, logs: &mut LogsOfBlock) -> Option<ChainPlace<'c>> {
    let (Part::Transaction(index), Subject::Transaction(transaction)) = (at.part, job.subject) else {
        return None;
    };
    if logs.block != at.block {
        *logs = LogsOfBlock { block: at.block, count: 0 };
    }
    Some(ChainPlace {
        file: &case.file,
        test: &case.name,
        block: at.block,
        number: job.block.number,
        transaction: index,
        hash: keccak256(&transaction.envelope),
        logs_before: logs.count,
    })
}

impl Task for BlockTask {
    type Report = BlockReport;

    fn lost(&self, case: &CaseName<'_>, loss: Loss) -> BlockReport {
        let verdict = match loss {
            Loss::Crashed(_) => BlockVerdict::Crashed,
            Loss::TimedOut(_) => BlockVerdict::TimedOut,
            Loss::Limit(_) => BlockVerdict::Limit,
        };
        self.told(case, None, verdict, loss.reason(), &[])
    }

    fn unreadable(&self, error: &FixtureError) -> BlockReport {
        let passed_over = error.passed_over();
        let (verdict, text) = match &passed_over {
            Some(_) => (BlockVerdict::PassedOver, None),
            None => (BlockVerdict::Unreadable, Some(printable(&error.to_string()).into_owned())),
        };
        let json = unreadable_json(error);
        BlockReport { verdict, blocks: 0, gas: 0, renamed: 0, passed_over, text, json }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    file: &'a str,
    name: &'a str,
    network: Option<&'a str>,
    pass: bool,
    verdict: BlockVerdict,
    error: Option<&'a str>,
    blocks: Vec<BlockLine>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlockLine {
    hash: Option<String>,
    number: Option<u64>,
    transactions: usize,
    gas_used: u64,
    refused: Option<String>,
}

fn line(
    case: &CaseName<'_>,
    network: Option<&str>,
    verdict: BlockVerdict,
    reason: &str,
    blocks: &[Ran],
) -> String {
    let blocks = blocks.iter().map(|block| BlockLine {
        hash: block.hash.map(|hash| hash.to_string()),
        number: block.number,
        transactions: block.transactions,
        gas_used: block.gas_used,
        refused: block.refusal.as_ref().map(ToString::to_string),
    });
    let line = Line {
        file: case.file,
        name: case.name,
        network,
        pass: verdict == BlockVerdict::Passed,
        verdict,
        error: Some(reason).filter(|reason| !reason.is_empty()),
        blocks: blocks.collect(),
    };
    // What has names for keys can be written.
    serde_json::to_string(&line).unwrap_or_default()
}

/// Reads the selected block tests of `campaign` and hands each to `deliver`, in order, or why it cannot be read; tests of other kinds
/// are not handed on. With one worker nothing else goes on meanwhile. True if the campaign came to its end.
pub fn block_cases(
    campaign: &Campaign<'_>,
    mut deliver: impl FnMut(Result<BlockCase, FixtureError>) -> ControlFlow<()> + Send,
) -> Result<bool, WorkersError> {
    let selection = campaign.selection;
    let each = |unit: Result<Unit, FixtureError>, is_stopped: &dyn Fn() -> bool| {
        let cases = match unit {
            Ok(unit) => selection.any_cases(&unit),
            Err(error) => vec![Err(error)],
        };
        let cases = cases.into_iter().take_while(|_| !is_stopped());
        let selected = cases.filter(|case| case.as_ref().map_or(true, |case| selection.has(case)));
        let blocks = selected.filter_map(|case| match case {
            Ok(AnyCase::Block(case)) => Some(Ok(*case)),
            Ok(AnyCase::State(_)) => None,
            Err(error) => Some(Err(error)),
        });
        blocks.collect()
    };
    Ok(campaign.run_tests(each, |case, _| deliver(case))?.is_complete)
}

/// What two engines are compared on, each with its own rules of blocks and its own state.
#[derive(Clone, Copy)]
pub(crate) enum Chain<'a> {
    /// A block test.
    Test(&'a BlockCase),
    /// What is in one block, without a header that says what it comes to.
    Body(&'a Body),
}

impl Chain<'_> {
    /// A block, as reports name it.
    fn block_name(self, index: usize) -> String {
        match self {
            Self::Body(_) => "the block".to_owned(),
            Self::Test(case) => match case.number(index) {
                Some(number) => format!("block {index} (number {number})"),
                None => format!("block {index}"),
            },
        }
    }
}

/// Compares two engines on blocks.
pub(crate) fn compare_blocks(
    chain: Chain<'_>,
    [left, right]: [&dyn EngineSource; 2],
    config: &ShadowConfig,
) -> DiffOutcome {
    let processors = [left, right].map(|side| processor_of(side.name()));
    let mut steps = 0;
    let mut times = [std::time::Duration::ZERO; 2];
    let mut mismatch: Option<DiffOutcome> = None;
    let execute: &mut ExecuteBoth<'_> = &mut |_, job| {
        let (outcome, results) = compare_results(job, left, right, config);
        steps += outcome.steps;
        for (sum, time) in times.iter_mut().zip(outcome.times) {
            *sum += time;
        }
        if matches!(outcome.verdict, Verdict::Agree | Verdict::Rejected(_)) {
            return results;
        }
        mismatch = Some(outcome);
        None
    };
    let report = match chain {
        Chain::Test(case) => run_both(case, processors, execute),
        Chain::Body(body) => run_both_bodies(body, processors, execute),
    };
    let agreement = agreement(&report);
    let BothReport { blocks, parts, end, .. } = report;
    let outcome = match end {
        BothEnd::Agree => agreement.into(),
        BothEnd::Parted { block, behind, field, values } => {
            let behind = behind.map_or(String::new(), |part| format!(", behind {part}"));
            let within = Some(format!("{}{behind}", chain.block_name(block)));
            let [left, right] = values.map(Value::Text);
            let mismatch = Mismatch { field: Field::Block(field), left, right };
            let engines = processors.map(|processor| processor.name().to_owned());
            let divergence = Divergence::new(engines, Place::BlockRules, mismatch, Vec::new(), config);
            DiffOutcome { within, ..Verdict::Diverge(Box::new(divergence)).into() }
        }
        BothEnd::Stopped(At { block, part }) => {
            let within = Some(format!("{}, {part}", chain.block_name(block)));
            let none = || Verdict::Poisoned("an engine failed".to_owned()).into();
            DiffOutcome { within, ..mismatch.unwrap_or_else(none) }
        }
    };
    DiffOutcome { steps, times, blocks: Some(BlockCounts { blocks, parts }), ..outcome }
}

/// What it is worth that nothing differs: an agreement only where a block was taken, or something in one was run.
fn agreement(BothReport { blocks, taken, ran, refusal, .. }: &BothReport) -> Verdict {
    match refusal {
        _ if taken + ran > 0 => Verdict::Agree,
        Some(reason) => Verdict::Rejected(reason.to_string()),
        None if *blocks == 0 => Verdict::NotCompared("there is no block".to_owned()),
        None => Verdict::NotCompared(format!(
            "there is no block that a side was asked about: {blocks} cannot be decoded, or have no parent"
        )),
    }
}
