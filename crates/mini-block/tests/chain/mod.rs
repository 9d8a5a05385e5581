//! Blocks that are valid, for tests to change: a module of theirs.

#![allow(dead_code, reason = "each test uses a part of it")]

use parallax_block_data::{
    Block, BlockAccessList, BlockError, BlockProcessor, Body, BodyResult, ChainPlace, Header, NO_OMMERS_HASH,
    OnRejection, Part, receipts_root,
};
use parallax_engine_interface::{Execution, Job};
use parallax_host_interface::StateChanges;
use parallax_memory_database::MemoryDatabase;
use parallax_mini_block::{
    MiniBlocks, calculate_base_fee_per_gas, calculate_block_difficulty, calculate_excess_blob_gas,
    compute_requests_hash,
};
use parallax_primitives::{B256, BlockEnv, BlockRules, Bytes, Eip, FrameStatus, Rejection, TxOutcome, U256};

/// A block with the fields of its rules, whose gas is at the target.
pub(crate) fn first_block(rules: &BlockRules) -> Block {
    let blobs = rules.rules.has(Eip::Blobs4844).then_some(0);
    let header = Header {
        ommers_hash: NO_OMMERS_HASH,
        difficulty: U256::from(if rules.work.is_some() { 1_000_000_000_000_u64 } else { 0 }),
        number: 1000,
        gas_limit: 30_000_000,
        gas_used: 15_000_000,
        timestamp: 1_000_000,
        base_fee: rules.rules.has(Eip::DynamicFee1559).then_some(1_000_000_000),
        withdrawals_root: rules.withdrawals.then_some(B256::ZERO),
        blob_gas_used: blobs,
        excess_blob_gas: blobs,
        parent_beacon_root: rules.beacon_roots.then_some(B256::ZERO),
        requests_hash: rules.requests.then_some(B256::ZERO),
        access_list_hash: rules.access_list.then_some(B256::ZERO),
        slot_number: rules.access_list.then_some(0),
        ..Header::default()
    };
    Block { header, withdrawals: rules.withdrawals.then(Vec::new), ..Block::default() }
}

/// A block that may follow.
pub(crate) fn child(rules: &BlockRules, parent: &Block) -> Block {
    let mut block = first_block(rules);
    let (header, parent) = (&mut block.header, &parent.header);
    header.parent_hash = parent.hash();
    header.number = parent.number + 1;
    header.timestamp = parent.timestamp + 12;
    header.gas_limit = parent.gas_limit;
    header.gas_used = parent.gas_used;
    if let Some(parent_fee) = parent.base_fee {
        let fee = calculate_base_fee_per_gas(header.gas_limit, parent.gas_limit, parent.gas_used, parent_fee);
        header.base_fee = Some(fee.unwrap_or(0));
    }
    if header.excess_blob_gas.is_some() {
        header.excess_blob_gas = Some(calculate_excess_blob_gas(rules, parent));
    }
    set_difficulty(rules, parent, header);
    block
}

/// The difficulty of a header that was changed.
pub(crate) fn set_difficulty(rules: &BlockRules, parent: &Header, header: &mut Header) {
    if let Some(work) = &rules.work {
        header.difficulty = calculate_block_difficulty(
            work,
            header.number,
            header.timestamp,
            parent.timestamp,
            parent.difficulty,
            parent.ommers_hash != NO_OMMERS_HASH,
        );
    }
}

/// Whether the block is valid behind its parent.
pub(crate) fn validate(rules: &BlockRules, parent: &Block, block: &Block) -> Result<(), BlockError> {
    MiniBlocks
        .validate(&ChainPlace { rules, ancestors: &[parent], ancestor_rules: &[], dao_fork: None }, block)
}

/// A block with nothing in it, over an empty state.
pub(crate) fn body(rules: &BlockRules) -> Body {
    Body {
        rules: *rules,
        chain_id: 1,
        block: BlockEnv { blobs: rules.blobs, ..BlockEnv::default() },
        parent_hash: B256::repeat_byte(0x55),
        parent_beacon_root: rules.beacon_roots.then_some(B256::repeat_byte(0x66)),
        is_dao_fork: false,
        transactions: Vec::new(),
        ommers: Vec::new(),
        withdrawals: Vec::new(),
        reward: None,
        on_rejection: OnRejection::Invalid,
        state: MemoryDatabase::default(),
    }
}

/// The same with code at every system contract.
pub(crate) fn body_with_contracts(rules: &BlockRules) -> Body {
    let mut body = body(rules);
    for address in [
        BlockRules::BEACON_ROOTS_ADDRESS,
        BlockRules::HISTORY_ADDRESS,
        BlockRules::WITHDRAWAL_REQUESTS_ADDRESS,
        BlockRules::CONSOLIDATION_REQUESTS_ADDRESS,
        BlockRules::BUILDER_DEPOSITS_ADDRESS,
        BlockRules::BUILDER_EXITS_ADDRESS,
    ] {
        let world = MemoryDatabase::with_code(address, Bytes::from_static(&[0]));
        body.state.accounts.extend(world.accounts);
    }
    body
}

/// Answers each part of a block as told, to its end.
pub(crate) fn drive(
    body: Body,
    mut answer: impl FnMut(Part, Job<'_>) -> Result<Execution, Rejection>,
) -> Result<BodyResult, BlockError> {
    let mut run = MiniBlocks.begin(body);
    while let Some(part) = run.advance()? {
        let answer = answer(part, run.job().unwrap());
        run.answer(answer)?;
    }
    assert!(run.job().is_none());
    Ok(run.finish())
}

/// Has the header say what the block came to.
pub(crate) fn seal(block: &mut Block, result: &BodyResult) {
    let (withdrawals_root, transactions_root) = (block.withdrawals_root(), block.transactions_root());
    let header = &mut block.header;
    header.gas_used = result.gas_used;
    header.transactions_root = transactions_root;
    header.state_root = result.state.state_root();
    header.receipts_root = receipts_root(&result.receipts);
    header.logs_bloom = result.logs_bloom;
    header.withdrawals_root = header.withdrawals_root.map(|_| withdrawals_root);
    header.blob_gas_used = header.blob_gas_used.map(|_| result.blob_gas_used);
    header.requests_hash = header.requests_hash.map(|_| compute_requests_hash(&result.requests));
    header.access_list_hash = result.access_list.as_ref().map(BlockAccessList::hash);
}

/// What a run comes to that succeeds, changes nothing and uses so much gas.
pub(crate) fn success(gas_used: u64) -> TxOutcome {
    TxOutcome {
        status: FrameStatus::Success,
        gas_used,
        gas_refunded: 0,
        execution_gas: gas_used,
        state_gas: 0,
        output: Bytes::new(),
        logs: Vec::new(),
        created: None,
    }
}

/// The same as an engine answers it.
pub(crate) fn executed(outcome: TxOutcome) -> Result<Execution, Rejection> {
    Ok(Execution { outcome: Some(outcome), changes: StateChanges::default(), accesses: None })
}
