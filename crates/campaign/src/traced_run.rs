//! What a traced run stands on and what came of it, as far as its hooks are not told.

use parallax_engine_interface::{EngineError, Execution};
use parallax_host_interface::Database;
use parallax_primitives::B256;
use parallax_state_tests::CaseResult;
use parallax_tracer_eip3155::Summary;

use crate::CaseName;

/// What a run stands on.
#[derive(Clone, Copy)]
pub struct TracedRun<'a> {
    /// The state before it.
    pub before: &'a dyn Database,
    /// Where it stands, if it is one of a test.
    pub place: Option<TracePlace<'a>>,
}

/// Where a run stands in a test.
#[derive(Clone, Copy, Debug)]
pub enum TracePlace<'a> {
    /// It is a case of a state test.
    Case(CaseName<'a>),
    /// It is a transaction in the chain of a block test.
    Chain(ChainPlace<'a>),
}

/// The place of a transaction in the chain of a block test.
#[derive(Clone, Copy, Debug)]
pub struct ChainPlace<'a> {
    /// The file.
    pub file: &'a str,
    /// The test.
    pub test: &'a str,
    /// The index of its block among those of the test: numbers are given again where a chain forks.
    pub block: usize,
    /// The number of its block.
    pub number: u64,
    /// Its index in that block.
    pub transaction: usize,
    /// Its hash.
    pub hash: B256,
    /// Logs of the transactions before it in its block.
    pub logs_before: u64,
}

/// What came of a run.
#[derive(Debug)]
pub struct TraceEnd<'a> {
    /// What a line behind the others says.
    pub summary: Summary,
    /// What it did, or why it has not run to its end.
    pub ran: Result<&'a Execution, String>,
}

impl TraceEnd<'_> {
    /// Of a run on an engine.
    pub fn of(answer: &Result<Execution, EngineError>) -> TraceEnd<'_> {
        let ran = match answer {
            Ok(execution) => whole(execution),
            Err(error) => Err(error.to_string()),
        };
        TraceEnd { summary: Summary::default(), ran }
    }

    /// Of a state test.
    pub(crate) fn of_case(result: &CaseResult, summary: Summary) -> TraceEnd<'_> {
        let ran = match (&result.execution, &result.exception, &result.error) {
            (Some(execution), ..) => whole(execution),
            (None, Some(raised), _) => Err(format!("rejected: {raised}")),
            (None, None, Some(error)) => Err(error.clone()),
            (None, None, None) => Err("it has not run".to_owned()),
        };
        TraceEnd { summary, ran }
    }
}

fn whole(execution: &Execution) -> Result<&Execution, String> {
    match execution.outcome {
        Some(_) => Ok(execution),
        None => Err("the run was ended before its end".to_owned()),
    }
}
