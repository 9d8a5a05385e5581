//! The run of one case: each block validated, executed, checked, and taken or refused as the file expects.

use std::sync::Arc;

use parallax_block_data::{
    Block, BlockError, BlockProcessor, Body, BodyResult, BodyRun, ChainPlace, OnRejection, Part,
    SignedTransaction, TransactionError,
};
use parallax_engine_interface::{EngineError, Execution, Job};
use parallax_host_interface::{HostError, HostErrorKind};
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{B256, BlockEnv, BlockRules, Eip, Transaction, keccak256};

use crate::{
    Accepted, BlockCase, Chain, ExpectedRefusal, PostState, Refusal,
    case::{CaseBlock, Source},
    names,
};

/// Where in a case an engine is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The index of the block among those of the case.
    pub block: usize,
    /// The part of the block.
    pub part: Part,
}

/// Runs what a block is made of.
pub type Execute<'a> = dyn FnMut(At, &Job<'_>) -> Result<Execution, EngineError> + 'a;

/// Why a block has no result.
#[derive(Clone, Debug)]
pub enum NoResult {
    /// It is not valid.
    Block(BlockError),
    /// The engine failed, or its world did.
    Host(HostError),
}

impl At {
    /// Whether it is a transaction, and no call of the block's own.
    pub const fn is_transaction(&self) -> bool {
        matches!(self.part, Part::Transaction(_))
    }
}

impl From<BlockError> for NoResult {
    fn from(error: BlockError) -> Self {
        Self::Block(error)
    }
}

/// What came of one case.
#[derive(Clone, Debug)]
pub struct CaseReport {
    /// What came of each block, up to the one where the run ended.
    pub blocks: Vec<BlockReport>,
    /// Blocks that were refused for a transaction, by the name of another rule than the expected one ([`Order::Other`]).
    pub renamed: usize,
    /// What came of all.
    pub end: CaseEnd,
    /// The block that the chain ended with, as far as it was run, and the state behind it.
    pub head: Accepted,
}

/// What came of all of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseEnd {
    /// All is as the file expects.
    Passed,
    /// As far as could be seen: so many blocks are to be refused for their proof of work, which is not checked.
    ProofOfWork(usize),
    /// Something is not as the file expects.
    Failed(String),
    /// The engine failed, or its world did.
    Host(String),
}

/// What came of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockReport {
    /// Its hash; `None` if its bytes are no block.
    pub hash: Option<B256>,
    /// Its number.
    pub number: Option<u64>,
    /// Its transactions.
    pub transactions: usize,
    /// Gas that it used, if it is valid.
    pub gas_used: u64,
    /// Why it was refused, if it was.
    pub refusal: Option<Refusal>,
}

/// Runs a case: blocks by `processor`, what is in them by `execute`. Of an engine that checks transactions in another order than the
/// specification, any rejection counts where one is expected, and is counted.
pub fn run(
    case: &BlockCase,
    processor: &dyn BlockProcessor,
    order: Order,
    execute: &mut Execute<'_>,
) -> CaseReport {
    let mut chain = Chain::new(case.network, case.genesis.clone(), case.pre.clone());
    let mut blocks = Vec::with_capacity(case.blocks.len());
    let (mut unchecked, mut renamed) = (0, 0);
    for (index, block) in case.blocks.iter().enumerate() {
        let (report, accepted) = match add(case, &chain, index, block, processor, execute) {
            Ok(added) => added,
            Err(error) => {
                let end = CaseEnd::Host(format!("block {index}: {error}"));
                return CaseReport { blocks, renamed, end, head: chain.head_block().clone() };
            }
        };
        let expected = block.expected.as_ref();
        let is_unchecked = expected.is_some_and(ExpectedRefusal::is_proof_of_work);
        let mut fault = if is_unchecked { None } else { fault(block, &report) };
        if fault.is_some() && order == Order::Other && is_renamed(block, &report) {
            renamed += 1;
            fault = None;
        }
        unchecked += usize::from(is_unchecked);
        blocks.push(report);
        if let Some(fault) = fault {
            let end = CaseEnd::Failed(format!("block {index}: {fault}"));
            return CaseReport { blocks, renamed, end, head: chain.head_block().clone() };
        }
        if let (Some((block, state)), false) = (accepted, is_unchecked) {
            chain.accept(block, state);
        }
    }
    let end = match (end_fault(case, &chain), unchecked) {
        (Some(fault), _) => CaseEnd::Failed(fault),
        (None, 0) => CaseEnd::Passed,
        (None, unchecked) => CaseEnd::ProofOfWork(unchecked),
    };
    CaseReport { blocks, renamed, end, head: chain.head_block().clone() }
}

/// In which order an engine checks transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// In that of the specification: of several rules that a transaction breaks it names the first.
    Specified,
    /// In its own.
    Other,
}

/// Whether a rejection is expected of the block's transactions, and another one was found.
fn is_renamed(of_case: &CaseBlock, report: &BlockReport) -> bool {
    let is_rejected = matches!(
        report.refusal,
        Some(Refusal::Block(BlockError::Transaction { reason: TransactionError::Rejected(_), .. }))
    );
    is_rejected && of_case.expected.as_ref().is_some_and(names::is_of_transaction)
}

/// What came of a block; with the state behind it if it is valid.
type Added = (BlockReport, Option<(Block, MemoryDatabase)>);

fn add(
    case: &BlockCase,
    chain: &Chain,
    index: usize,
    of_case: &CaseBlock,
    processor: &dyn BlockProcessor,
    execute: &mut Execute<'_>,
) -> Result<Added, HostError> {
    let block = match of_case.block() {
        Ok(block) => block,
        Err(refusal) => {
            let refusal = Some(refusal);
            let none = BlockReport { hash: None, number: None, transactions: 0, gas_used: 0, refusal };
            return Ok((none, None));
        }
    };
    let mut report = BlockReport {
        hash: Some(block.header.hash()),
        number: Some(block.header.number),
        transactions: block.transactions.len(),
        gas_used: 0,
        refusal: None,
    };
    let mut each = |part, job: &Job<'_>| execute(At { block: index, part }, job);
    match execute_block(case.chain_id, chain, &block, processor, &mut each) {
        Ok(result) => {
            report.gas_used = result.gas_used;
            Ok((report, Some((block, result.state))))
        }
        Err(NoResult::Block(error)) => {
            report.refusal = Some(error.into());
            Ok((report, None))
        }
        Err(NoResult::Host(error)) => Err(error),
    }
}

fn execute_block(
    chain_id: u64,
    chain: &Chain,
    block: &Block,
    processor: &dyn BlockProcessor,
    each: &mut dyn FnMut(Part, &Job<'_>) -> Result<Execution, EngineError>,
) -> Result<BodyResult, NoResult> {
    let parent = chain.parent(block)?;
    let rules = chain.rules(parent, block);
    let (ancestors, ancestor_rules) = chain.ancestors(block);
    let place = chain.place(rules, &ancestors, &ancestor_rules);
    processor.validate(&place, block)?;
    let body = Body {
        block: processor.environment(&place, block),
        ..body(chain_id, &place, block, chain.state_for(parent, block))
    };
    let result = process(processor.begin(body), each)?;
    processor.check(rules, block, &result)?;
    Ok(result)
}

/// What is in a block, and the state that it starts from; without the facts of the block for its transactions.
pub(crate) fn body(chain_id: u64, place: &ChainPlace<'_>, block: &Block, state: MemoryDatabase) -> Body {
    let (rules, header) = (place.rules, &block.header);
    let ommers = block.ommers.iter();
    Body {
        rules: *rules,
        chain_id,
        block: BlockEnv::default(),
        parent_hash: header.parent_hash,
        parent_beacon_root: header.parent_beacon_root,
        is_dao_fork: place.dao_fork == Some(header.number),
        transactions: block.transactions.iter().map(|bytes| transaction(bytes, rules)).collect(),
        ommers: ommers.map(|ommer| (header.number.saturating_sub(ommer.number), ommer.coinbase)).collect(),
        withdrawals: block.withdrawals.clone().unwrap_or_default(),
        reward: None,
        on_rejection: OnRejection::Invalid,
        state,
    }
}

fn transaction(bytes: &[u8], rules: &BlockRules) -> Result<Transaction, TransactionError> {
    let signed = SignedTransaction::decode(bytes)?;
    let sender = signed.recover(rules)?;
    Ok(Transaction { sender, ..signed.transaction })
}

/// Runs a block to its end: each of its parts by `each`.
///
/// # Errors
///
/// Why it is not valid, or how the engine failed.
pub fn process(
    mut run: Box<dyn BodyRun>,
    each: &mut dyn FnMut(Part, &Job<'_>) -> Result<Execution, EngineError>,
) -> Result<BodyResult, NoResult> {
    while let Some(part) = run.advance()? {
        let Some(job) = run.job() else { break };
        let is_listed = job.rules.has(Eip::BlockAccessLists7928);
        let answer = match each(part, &job) {
            Ok(Execution { accesses: None, outcome: Some(_), .. }) if is_listed => {
                let untold = HostError::new("the engine does not tell what it accesses (EIP-7928)");
                return Err(NoResult::Host(untold.of_kind(HostErrorKind::Unsupported)));
            }
            Ok(Execution { outcome: None, .. }) => {
                return Err(NoResult::Host(HostError::new("a hook aborted the run")));
            }
            Ok(execution) => Ok(execution),
            Err(EngineError::Rejected(reason)) => Err(reason),
            Err(EngineError::Host(error)) => return Err(NoResult::Host(error)),
        };
        run.answer(answer)?;
    }
    Ok(run.finish())
}

impl CaseBlock {
    /// The block, unless it is none.
    pub(crate) fn block(&self) -> Result<Block, Refusal> {
        match &self.source {
            Source::Rlp(bytes, access_list) => {
                let block = Block::decode(bytes).map_err(|error| Refusal::Block(error.into()))?;
                // What is not the one that the header names is advice for another block.
                let hash = block.header.access_list_hash;
                let access_list = access_list.clone().filter(|list| Some(keccak256(list)) == hash);
                Ok(Block { access_list, ..block })
            }
            Source::Payload(payload) => payload.block(),
        }
    }
}

/// What is not as the file expects of a block.
fn fault(of_case: &CaseBlock, report: &BlockReport) -> Option<String> {
    match (&of_case.expected, &report.refusal) {
        (None, None) => {
            let (named, found) = (of_case.hash?, report.hash?);
            (named != found).then(|| format!("its hash is {found}, the file says {named}"))
        }
        (None, Some(refusal)) => Some(format!("refused: {refusal}")),
        (Some(expected), None) => Some(format!("taken, expected the refusal {expected}")),
        (Some(expected), Some(refusal)) => {
            let is_expected = names::matches(expected, refusal);
            let name = names::official(refusal);
            (!is_expected).then(|| format!("refused as {name} ({refusal}), expected {expected}"))
        }
    }
}

/// What is not as the file expects behind the last block.
fn end_fault(case: &BlockCase, chain: &Chain) -> Option<String> {
    let head = chain.head();
    if head != case.last_hash {
        return Some(format!("the chain ends with {head}, expected {}", case.last_hash));
    }
    let state: &Arc<MemoryDatabase> = &chain.get(head)?.state;
    match &case.post {
        PostState::Untold => None,
        PostState::Root(root) => {
            let found = state.state_root();
            (found != *root).then(|| format!("the state root is {found}, expected {root}"))
        }
        PostState::Whole(expected) => {
            if state.accounts == expected.accounts {
                return None;
            }
            Some(format!(
                "the state is not as expected: {}",
                parallax_state_tests::difference(state, expected)
            ))
        }
    }
}
