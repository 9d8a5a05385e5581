//! One transition: what can be in the block is put into it, and what cannot is left out.

use parallax_block_data::{BlockError, BlockProcessor, Body, BodyResult, BodyRun, OnRejection, Part};
use parallax_engine_interface::{EngineError, Execution, Job};
use parallax_host_interface::HostError;
use parallax_primitives::Eip;

use crate::{Output, Request};

/// Runs what a block is made of.
pub type Execute<'a> = dyn FnMut(Part, &Job<'_>) -> Result<Execution, EngineError> + 'a;

/// Makes a block of `request`: by the rules of `processor`, what is in it by `execute`.
///
/// What makes the whole block invalid (a system contract, a deposit) is told in the output, with what had come of it until then.
///
/// # Errors
///
/// The engine failed, or the hash of a block was asked for that the request does not have.
pub fn transition(
    request: &Request,
    processor: &dyn BlockProcessor,
    execute: &mut Execute<'_>,
) -> Result<Output, HostError> {
    let environment = &request.environment;
    let run = processor.begin(Body {
        rules: request.rules,
        chain_id: request.chain_id,
        block: environment.block.clone(),
        parent_hash: environment.parent_hash,
        parent_beacon_root: environment.parent_beacon_root,
        is_dao_fork: false,
        transactions: request.transactions.iter().map(|(_, read)| read.clone()).collect(),
        ommers: environment.ommers.clone(),
        withdrawals: environment.withdrawals.clone(),
        reward: Some(request.reward),
        on_rejection: OnRejection::LeaveOut,
        state: request.state.clone(),
    });
    let (result, exception) = process(run, execute)?;
    Ok(Output::new(request, result, exception))
}

fn process(
    mut run: Box<dyn BodyRun>,
    execute: &mut Execute<'_>,
) -> Result<(BodyResult, Option<BlockError>), HostError> {
    loop {
        let part = match run.advance() {
            Ok(Some(part)) => part,
            Ok(None) => return Ok((run.finish(), None)),
            Err(exception) => return Ok((run.finish(), Some(exception))),
        };
        let Some(job) = run.job() else { return Ok((run.finish(), None)) };
        let is_listed = job.rules.has(Eip::BlockAccessLists7928);
        let answer = match execute(part, &job) {
            Ok(Execution { accesses: None, outcome: Some(_), .. }) if is_listed => {
                return Err(HostError::new("the engine does not tell what it accesses (EIP-7928)"));
            }
            Ok(Execution { outcome: None, .. }) => return Err(HostError::new("a hook aborted the run")),
            Ok(execution) => Ok(execution),
            Err(EngineError::Rejected(reason)) => Err(reason),
            Err(EngineError::Host(error)) => return Err(error),
        };
        if let Err(exception) = run.answer(answer) {
            return Ok((run.finish(), Some(exception)));
        }
    }
}
