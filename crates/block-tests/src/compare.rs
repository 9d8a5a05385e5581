//! One case on two sides at once: each with its own rules of blocks and its own state, compared block by block and part by part.

use std::fmt::Debug;

use parallax_block_data::{
    AccessDifference, Block, BlockError, BlockProcessor, Body, BodyResult, BodyRun, ChainPlace, Part,
};
use parallax_engine_interface::{EngineError, Execution, Job};
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{BlockEnv, Message, Rejection, Rules, Subject, Transaction, TxEnv};

use crate::{At, BlockCase, Chain, ExpectedRefusal, run::body};

/// Runs what a block is made of on both sides, and compares; `None` if the comparison ends there.
pub type ExecuteBoth<'a> = dyn FnMut(At, &Job<'_>) -> Option<[Result<Execution, EngineError>; 2]> + 'a;

/// What came of a case on two sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BothReport {
    /// Blocks that both took or both refused, and those that neither is asked about: what is no block, or has no parent.
    pub blocks: u64,
    /// Transactions and system calls that both were asked to run.
    pub parts: u64,
    /// Blocks that both took.
    pub taken: u64,
    /// Transactions and system calls that neither refused.
    pub ran: u64,
    /// Why both refused a block, of the first one that they were asked about and refused.
    pub refusal: Option<BlockError>,
    /// How it ended.
    pub end: BothEnd,
}

/// How a case ended on two sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BothEnd {
    /// Nothing differs. Whether there was anything to compare, [`BothReport::taken`], [`BothReport::ran`] and
    /// [`BothReport::refusal`] say.
    Agree,
    /// Their rules of blocks part.
    Parted {
        /// The index of the block.
        block: usize,
        /// The part before it, if any was run.
        behind: Option<Part>,
        /// What differs.
        field: &'static str,
        /// What each side has of it, as text.
        values: [String; 2],
    },
    /// What runs the parts has ended it in this one.
    Stopped(At),
}

/// Runs a case on two sides: blocks by the two processors, what is in them by `execute`.
pub fn run_both(
    case: &BlockCase,
    processors: [&dyn BlockProcessor; 2],
    execute: &mut ExecuteBoth<'_>,
) -> BothReport {
    let mut chain = Chain::new(case.network, case.genesis.clone(), case.pre.clone());
    let mut report = BothReport { blocks: 0, parts: 0, taken: 0, ran: 0, refusal: None, end: BothEnd::Agree };
    for (index, of_case) in case.blocks.iter().enumerate() {
        // What is no block is read by nobody.
        if let Ok(block) = of_case.block() {
            let mut walk = Walk { index, processors, parts: 0, ran: 0, refusal: None, behind: None, execute };
            let taken = walk.block(case.chain_id, &chain, &block);
            report.parts += walk.parts;
            report.ran += walk.ran;
            report.taken += u64::from(matches!(taken, Ok(Some(_))));
            report.refusal = report.refusal.take().or(walk.refusal);
            match taken {
                Err(Apart::Stopped(part)) => {
                    report.end = BothEnd::Stopped(At { block: index, part });
                    return report;
                }
                Err(Apart::Parted(field, values)) => {
                    report.end = BothEnd::Parted { block: index, behind: walk.behind, field, values };
                    return report;
                }
                // Proof of work is not checked: what has a wrong one is no parent of what follows.
                Ok(Some(state))
                    if !of_case.expected.as_ref().is_some_and(ExpectedRefusal::is_proof_of_work) =>
                {
                    chain.accept(block, state);
                }
                Ok(_) => {}
            }
        }
        report.blocks += 1;
    }
    report
}

/// Runs what is in one block on two sides: as [`run_both`], of a block without a header that says what it comes to.
pub fn run_both_bodies(
    body: &Body,
    processors: [&dyn BlockProcessor; 2],
    execute: &mut ExecuteBoth<'_>,
) -> BothReport {
    let mut walk = Walk { index: 0, processors, parts: 0, ran: 0, refusal: None, behind: None, execute };
    let ran = walk.run(processors.map(|processor| processor.begin(body.clone())));
    let end = match ran.and_then(|results| results.as_ref().map_or(Ok(()), Walk::results)) {
        Ok(()) => BothEnd::Agree,
        Err(Apart::Stopped(part)) => BothEnd::Stopped(At { block: 0, part }),
        Err(Apart::Parted(field, values)) => BothEnd::Parted { block: 0, behind: walk.behind, field, values },
    };
    let Walk { parts, ran, refusal, .. } = walk;
    BothReport { blocks: 1, parts, taken: u64::from(refusal.is_none()), ran, refusal, end }
}

/// Why two sides do not go on.
enum Apart {
    Parted(&'static str, [String; 2]),
    Stopped(Part),
}

struct Walk<'a, 'e> {
    index: usize,
    processors: [&'a dyn BlockProcessor; 2],
    parts: u64,
    ran: u64,
    refusal: Option<BlockError>,
    behind: Option<Part>,
    execute: &'a mut ExecuteBoth<'e>,
}

impl Walk<'_, '_> {
    /// The state behind a block that both take; `None` if both refuse it.
    fn block(
        &mut self,
        chain_id: u64,
        chain: &Chain,
        block: &Block,
    ) -> Result<Option<MemoryDatabase>, Apart> {
        let Ok(parent) = chain.parent(block) else { return Ok(None) };
        let rules = chain.rules(parent, block);
        let (ancestors, ancestor_rules) = chain.ancestors(block);
        let place = chain.place(rules, &ancestors, &ancestor_rules);
        let validated = self.processors.map(|processor| processor.validate(&place, block));
        Self::both("validity of the header", &validated)?;
        let [validated, _] = validated;
        if let Err(error) = validated {
            self.refusal = Some(error);
            return Ok(None);
        }
        let body = body(chain_id, &place, block, chain.state_for(parent, block));
        let runs = self.begin(&place, block, &body)?;
        let Some(results) = self.run(runs)? else { return Ok(None) };
        Self::results(&results)?;
        let [left, right] = self.processors;
        let checked = [left.check(rules, block, &results[0]), right.check(rules, block, &results[1])];
        Self::both("validity of the result", &checked)?;
        let ([BodyResult { state, .. }, _], [checked, _]) = (results, checked);
        self.refusal = checked.err();
        Ok(self.refusal.is_none().then_some(state))
    }

    fn begin(
        &self,
        place: &ChainPlace<'_>,
        block: &Block,
        body: &Body,
    ) -> Result<[Box<dyn BodyRun>; 2], Apart> {
        let environments = self.processors.map(|processor| processor.environment(place, block));
        Self::both("block environment", &environments)?;
        let [left, right] = environments;
        Ok([
            self.processors[0].begin(Body { block: left, ..body.clone() }),
            self.processors[1].begin(Body { block: right, ..body.clone() }),
        ])
    }

    /// What both sides came to; `None` if both say that the block is not valid.
    fn run(&mut self, mut runs: [Box<dyn BodyRun>; 2]) -> Result<Option<[BodyResult; 2]>, Apart> {
        loop {
            let [left, right] = &mut runs;
            let next = [left.advance(), right.advance()];
            Self::both("next part", &next)?;
            let [next, _] = next;
            let part = match next {
                Err(error) => {
                    self.refusal = Some(error);
                    return Ok(None);
                }
                Ok(None) => break,
                Ok(Some(part)) => part,
            };
            Self::both("job", &[left.job(), right.job()].map(|job| job.map(Facts::of)))?;
            let Some(job) = left.job() else { break };
            self.parts += 1;
            let results = (self.execute)(At { block: self.index, part }, &job).ok_or(Apart::Stopped(part))?;
            let [of_left, of_right] = results.map(answer);
            let (Some(of_left), Some(of_right)) = (of_left, of_right) else {
                return Err(Apart::Stopped(part));
            };
            let answered = [left.answer(of_left), right.answer(of_right)];
            // Which of several broken rules an engine names is compared where it runs.
            if let [Err(error), Err(_)] = answered {
                self.refusal = Some(error);
                return Ok(None);
            }
            Self::both("validity of the part", &answered)?;
            self.ran += 1;
            self.behind = Some(part);
        }
        Ok(Some(runs.map(BodyRun::finish)))
    }

    fn results([left, right]: &[BodyResult; 2]) -> Result<(), Apart> {
        Self::both("included transactions", &[&left.included, &right.included])?;
        Self::both("gas of the transactions", &[&left.gas_used_each, &right.gas_used_each])?;
        Self::both("gas of the block", &[left.gas_used, right.gas_used])?;
        Self::both("blob gas of the block", &[left.blob_gas_used, right.blob_gas_used])?;
        Self::both("receipts", &[&left.receipts, &right.receipts])?;
        Self::both("logs bloom", &[left.logs_bloom, right.logs_bloom])?;
        Self::both("requests", &[&left.requests, &right.requests])?;
        if let [Some(left), Some(right)] = [&left.access_list, &right.access_list]
            && let Some(difference) = AccessDifference::between(left, right)
        {
            let values = [difference.to_string(), format!("{} accounts and slots", right.item_count())];
            return Err(Apart::Parted("block access list", values));
        }
        if left.state.accounts == right.state.accounts {
            return Ok(());
        }
        let of = |state: &MemoryDatabase, other| parallax_state_tests::difference(state, other);
        let values = [of(&left.state, &right.state), of(&right.state, &left.state)];
        Err(Apart::Parted("state behind the block", values))
    }

    /// What both sides have, if it is the same.
    fn both<T: PartialEq + Debug>(field: &'static str, sides: &[T; 2]) -> Result<(), Apart> {
        let [left, right] = sides;
        if left == right {
            return Ok(());
        }
        Err(Apart::Parted(field, [left, right].map(|side| format!("{side:?}"))))
    }
}

/// All of a job but its state.
#[derive(Debug, PartialEq)]
struct Facts<'a> {
    rules: Rules,
    chain_id: u64,
    block: &'a BlockEnv,
    asked: Asked<'a>,
}

#[derive(Debug, PartialEq)]
enum Asked<'a> {
    Transaction(&'a Transaction),
    Message(&'a Message, &'a TxEnv),
    SystemCall(&'a Message, &'a TxEnv),
}

impl<'a> Facts<'a> {
    fn of(job: Job<'a>) -> Self {
        let Job { rules, chain_id, block, subject, .. } = job;
        let asked = match subject {
            Subject::Transaction(transaction) => Asked::Transaction(transaction),
            Subject::Message { message, environment } => Asked::Message(message, environment),
            Subject::SystemCall { message, environment } => Asked::SystemCall(message, environment),
        };
        Self { rules, chain_id, block, asked }
    }
}

/// What came of a part, as the rules of blocks take it; `None` if the engine failed.
fn answer(result: Result<Execution, EngineError>) -> Option<Result<Execution, Rejection>> {
    match result {
        Ok(execution) => Some(Ok(execution)),
        Err(EngineError::Rejected(reason)) => Some(Err(reason)),
        Err(EngineError::Host(_)) => None,
    }
}
