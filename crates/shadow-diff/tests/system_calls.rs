//! Calls that a block itself sends (EIP-4788, EIP-2935, EIP-7002, EIP-7251), on every engine.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use parallax_assembly::assemble;
use parallax_campaign::engines;
use parallax_engine_interface::{Engine, Job};
use parallax_engine_revm::Revm;
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{
    Address, BlockEnv, BlockRules, Bytecode, Bytes, Fork, FrameStatus, Halt, Message, MessageKind, StateGas,
    Subject, TxEnv, U256,
};
use parallax_shadow_diff::{ShadowConfig, ShadowMode, Verdict, compare_engines};

const CONTRACT: Address = Address::repeat_byte(0x22);

/// What it stores tells what the call is: who sends it, at which price, and what is warm.
const TELLING: &str =
    "CALLER PUSH 0 SSTORE ORIGIN PUSH 1 SSTORE GASPRICE PUSH 2 SSTORE CALLVALUE PUSH 3 SSTORE
    GAS ADDRESS BALANCE POP GAS SWAP1 SUB PUSH 4 SSTORE
    GAS PUSH 4 BALANCE POP GAS SWAP1 SUB PUSH 5 SSTORE
    GAS COINBASE BALANCE POP GAS SWAP1 SUB PUSH 6 SSTORE
    GAS CALLER BALANCE POP GAS SWAP1 SUB PUSH 7 SSTORE
    PUSH 0 PUSH 0 LOG0 PUSH 32 PUSH 0 RETURN";

fn run(
    engine: &dyn Engine,
    fork: Fork,
    code: &str,
) -> (MemoryDatabase, parallax_engine_interface::Execution) {
    with_job(fork, code, |job, database| {
        let execution = engine.execute(job, &mut parallax_hooks::NoHooks).unwrap();
        let mut after = database.clone();
        after.apply(&execution.changes);
        (after, execution)
    })
}

fn with_job<T>(fork: Fork, code: &str, then: impl FnOnce(&Job<'_>, &MemoryDatabase) -> T) -> T {
    let mut database = MemoryDatabase::default();
    let account = database.accounts.entry(CONTRACT).or_default();
    account.code = Bytecode::new(assemble(code).unwrap());
    account.nonce = 1;
    let block = BlockEnv { base_fee: 7, coinbase: Address::repeat_byte(0xcb), ..BlockEnv::default() };
    let rules = BlockRules::of(fork);
    let message = Message {
        kind: MessageKind::Call,
        depth: 0,
        is_static: false,
        gas: BlockRules::SYSTEM_CALL_GAS,
        state_gas: StateGas::of(rules.system_call_state_gas),
        caller: BlockRules::SYSTEM_ADDRESS,
        address: CONTRACT,
        code_address: CONTRACT,
        is_delegated: false,
        value: U256::ZERO,
        input: Bytes::from_static(&[1; 32]),
        salt: U256::ZERO,
    };
    let environment = TxEnv {
        origin: BlockRules::SYSTEM_ADDRESS,
        gas_price: U256::from(block.base_fee),
        ..TxEnv::default()
    };
    let subject = Subject::SystemCall { message: &message, environment: &environment };
    then(&Job { rules: rules.rules, chain_id: 1, block: &block, subject, database: &database }, &database)
}

#[test]
fn nothing_is_warm_before_a_system_call_and_nobody_pays_for_it() {
    let primary = engines::primary();
    let engines: [&dyn Engine; 3] = [&primary, engines::mini(), &Revm];
    for (fork, cold) in
        [(Fork::Cancun, 2600), (Fork::Prague, 2600), (Fork::Osaka, 2600), (Fork::Amsterdam, 3000)]
    {
        for engine in engines {
            let (after, execution) = run(engine, fork, TELLING);
            let told = |key: u64| {
                after.accounts[&CONTRACT].storage.get(&U256::from(key)).copied().unwrap_or_default()
            };
            let context = format!("{fork} {}", engine.name());
            let system = U256::from_be_slice(BlockRules::SYSTEM_ADDRESS.as_slice());
            assert_eq!(
                [told(0), told(1), told(2), told(3)],
                [system, system, U256::from(7), U256::ZERO],
                "{context}"
            );
            // The opcode, and what is around it: PUSH costs one more than what tells of the call.
            for key in 4..8 {
                let pushed = u64::from(key == 5);
                assert_eq!(told(key), U256::from(cold + 6 + pushed), "{context}: slot {key}");
            }
            assert_eq!(after.accounts.len(), 1, "{context}: neither the caller nor the coinbase is made");
            let outcome = execution.outcome.unwrap();
            assert_eq!(
                (outcome.status, outcome.output.len(), outcome.logs.len()),
                (FrameStatus::Success, 32, 1)
            );
            // Seven slots, of which the third is no change: all of their state gas is in the reservoir.
            let state_gas = if fork == Fork::Amsterdam { 7 * 97_920 } else { 0 };
            assert_eq!(outcome.state_gas, state_gas, "{context}");
        }
    }
}

#[test]
fn engines_agree_in_each_step_of_a_system_call() {
    let primary = engines::primary();
    let pairs: [(&dyn Engine, &dyn Engine); 2] = [(engines::mini(), &primary), (engines::mini(), &Revm)];
    for fork in [Fork::Cancun, Fork::Prague, Fork::Osaka, Fork::Amsterdam] {
        for code in [TELLING, "PUSH 1 PUSH 0 SSTORE INVALID", "PUSH 1 PUSH 0 SSTORE PUSH 0 PUSH 0 REVERT"] {
            for (left, right) in pairs {
                let config = ShadowConfig::between(left, right, ShadowMode::PerStep);
                let compared = with_job(fork, code, |job, _| compare_engines(left, right, job, &config));
                assert_eq!(compared.verdict, Verdict::Agree, "{fork} {} {code}", right.name());
            }
        }
    }
}

/// A system contract without code, and one that fails: a block asks for the status.
#[test]
fn a_system_call_tells_how_it_ended() {
    let primary = engines::primary();
    let engines: [&dyn Engine; 3] = [&primary, engines::mini(), &Revm];
    for engine in engines {
        let end = |code| run(engine, Fork::Prague, code).1.outcome.unwrap();
        assert_eq!(end("").status, FrameStatus::Success);
        assert_eq!(end("INVALID").status, FrameStatus::Halt(Halt::InvalidOpcode));
        assert_eq!(end("PUSH 0 PUSH 0 REVERT").status, FrameStatus::Revert);
        // A memory of 3.2 MB: more gas than a transaction may have (EIP-7825).
        let large = end("PUSH 0 PUSH 3200000 MSTORE");
        let words = 100_001;
        assert_eq!(
            (large.status, large.gas_used),
            (FrameStatus::Success, 3 * words + words * words / 512 + 8)
        );
    }
}
