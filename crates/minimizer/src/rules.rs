//! The oldest fork that shows the finding.

use parallax_primitives::{B256, BlockEnv, Eip, Fork, Opcode, Rules, U256};

use crate::{
    Case, Search,
    code::CodePlace,
    listing::{instructions, push, spliced},
};

pub(crate) fn run(search: &mut Search<'_>) {
    let own = search.best().rules;
    let forks =
        Fork::ALL.into_iter().map(Rules::of).filter(|rules| rules.base() <= own.base() && *rules != own);
    for rules in forks {
        let mut case = search.best().clone();
        case.rules = rules;
        case.block = block_under(&case.block, rules);
        let without_push0 = without_push0(&case);
        if search.accepts_one([Some(case), without_push0].into_iter().flatten()) {
            return;
        }
    }
}

/// What `rules` have in a block: a test says no more.
fn block_under(block: &BlockEnv, rules: Rules) -> BlockEnv {
    let mut block = BlockEnv { blobs: rules.blobs(), ..block.clone() };
    match rules.has(Eip::PrevRandao4399) {
        true => block.difficulty = U256::ZERO,
        false => block.prevrandao = B256::ZERO,
    }
    if !rules.has(Eip::DynamicFee1559) {
        block.base_fee = 0;
    }
    if !rules.has(Eip::Blobs4844) {
        block.excess_blob_gas = 0;
    }
    block
}

/// The same with PUSH1 0 for each PUSH0 (EIP-3855); `None` if there is none, or the rules have it.
fn without_push0(case: &Case) -> Option<Case> {
    if case.rules.has(Eip::PushZero3855) {
        return None;
    }
    let mut other = None;
    for place in CodePlace::all(case) {
        let mut code = place.code(case).to_vec();
        let found = |code: &[u8]| instructions(code).find(|i| i.opcode == Opcode::PUSH0).map(|i| i.at);
        while let Some(at) = found(&code) {
            code = spliced(&code, at..at + 1, &push(U256::ZERO)).swap_remove(0);
        }
        if code != place.code(case) {
            other = Some(place.with(other.as_ref().unwrap_or(case), code));
        }
    }
    other
}
