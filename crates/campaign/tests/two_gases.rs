//! What the fixtures of two gases pay, and what of that each dimension of a block has (EIP-7778, EIP-8037): by the worked examples of the
//! rules, or by hand, and not from a run.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::path::Path;

use parallax_assembly::assemble;
use parallax_campaign::engines;
use parallax_engine_interface::{Engine, Job};
use parallax_hooks::NoHooks;
use parallax_host_interface::TxEnv;
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{
    Address, BlockEnv, Bytecode, Bytes, CALL_DEPTH_LIMIT, Fork, Message, MessageKind, StateGas, Subject, U256,
};
use parallax_shadow_diff::{ShadowConfig, ShadowMode, Verdict, compare_engines};
use parallax_state_tests::cases;

const CAP: u64 = 1 << 24;

/// A fixture, which of its gas limits, and of its values: paid, execution gas, state gas.
type Expected = (&'static str, usize, usize, [u64; 3]);

const EXPECTED: [Expected; 38] = [
    ("callees_that_halt_in_turns", 0, 0, [200_000, 200_000, 0]),
    ("a_transaction_that_halts", 0, 0, [200_000, 200_000, 0]),
    ("a_transaction_that_halts", 1, 0, [CAP, CAP, 0]),
    ("a_transaction_that_reverts", 0, 0, [27_109, 27_109, 0]),
    ("a_transaction_that_reverts", 1, 0, [27_109, 27_109, 0]),
    ("a_transaction_that_halts_behind_a_refill", 0, 0, [400_000, 400_000, 0]),
    ("a_transaction_that_halts_behind_a_refill", 1, 0, [CAP, CAP, 0]),
    ("a_transaction_that_halts_behind_a_refill", 2, 0, [CAP, CAP, 0]),
    ("a_creating_transaction", 0, 0, [256_640, 24_256, 232_560]),
    ("a_creating_transaction", 1, 0, [256_640, 24_256, 232_560]),
    ("a_creation_over_storage", 0, 0, [24_256, 24_256, 0]),
    ("an_authority_that_does_not_exist", 0, 0, [250_606, 31_816, 218_790]),
    ("an_authority_that_does_not_exist", 1, 0, [250_605, 250_605, 0]),
    ("an_authority_that_does_not_exist", 2, 0, [100_000, 100_000, 0]),
    ("an_authority_that_does_not_exist", 3, 0, [250_606, 31_816, 218_790]),
    ("an_authority_that_exists", 0, 0, [67_006, 31_816, 35_190]),
    ("an_authority_that_exists", 1, 0, [67_005, 67_005, 0]),
    ("an_authority_that_delegates_twice", 0, 0, [74_822, 39_632, 35_190]),
    ("a_delegation_that_is_taken_back", 0, 0, [74_822, 39_632, 35_190]),
    ("a_delegation_that_is_taken_back", 1, 0, [74_822, 39_632, 35_190]),
    ("no_delegation_is_taken_back", 0, 0, [31_816, 31_816, 0]),
    ("no_delegation_is_taken_back", 1, 0, [31_816, 31_816, 0]),
    ("an_authorization_that_is_skipped", 0, 0, [22_816, 22_816, 0]),
    ("the_sender_as_authority", 0, 0, [58_006, 22_816, 35_190]),
    ("the_recipient_as_authority", 0, 0, [70_006, 34_816, 35_190]),
    ("the_recipient_as_authority", 0, 1, [67_006, 31_816, 35_190]),
    ("authorizations_that_cannot_be_paid", 0, 0, [CAP, CAP, 0]),
    ("a_call_brings_an_account_to_life", 0, 0, [210_616, 27_016, 183_600]),
    ("a_call_brings_an_account_to_life", 1, 0, [210_616, 27_016, 183_600]),
    ("selfdestruct_brings_an_account_to_life", 0, 0, [215_603, 32_003, 183_600]),
    ("selfdestruct_brings_an_account_to_life", 1, 0, [215_603, 32_003, 183_600]),
    ("selfdestruct_brings_an_account_to_life", 2, 0, [215_602, 215_602, 0]),
    ("selfdestruct_brings_an_account_to_life", 3, 0, [215_603, 32_003, 183_600]),
    ("selfdestruct_with_nothing_to_send", 0, 0, [23_003, 23_003, 0]),
    ("selfdestruct_with_nothing_to_send", 1, 0, [23_002, 23_002, 0]),
    ("a_transfer_to_oneself", 0, 0, [12_000, 12_000, 0]),
    ("a_slot_is_cleared", 0, 0, [21_684, 27_104, 0]),
    ("a_floor_above_execution_gas", 0, 0, [129_025, 79_000, 97_920]),
];

#[track_caller]
fn check(engine: &dyn Engine) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests/two_gases.json");
    let mut found = Vec::new();
    for case in cases(&path).unwrap().map(Result::unwrap) {
        let is_row = |(name, gas, value, _): &&Expected| {
            *case.name == format!("two_gases/{name}") && (case.g, case.v) == (*gas, *value)
        };
        if let (Some((name, gas, value, expected)), "Amsterdam") =
            (EXPECTED.iter().find(is_row), &*case.fork_name)
        {
            let outcome = engine.execute(&case.job().unwrap(), &mut NoHooks).unwrap().outcome.unwrap();
            let paid = [outcome.gas_used, outcome.execution_gas, outcome.state_gas];
            assert_eq!(paid, *expected, "{}: {name}, gas {gas}, value {value}", engine.name());
            found.push((name, gas, value));
        }
    }
    assert_eq!(found.len(), EXPECTED.len(), "{found:?}");
}

#[test]
fn the_fixtures_of_two_gases_pay_what_the_rules_say() {
    check(&engines::primary());
    check(engines::mini());
    check(&*engines::by_name("revm").unwrap());
}

/// CREATE in the deepest frame there may be: refused before its account is looked at. No transaction comes so far with the cap of
/// EIP-7825, a bare message does.
#[test]
fn a_creation_beyond_the_depth_limit_is_charged_no_account() {
    let source = "PUSH 0 PUSH 0 PUSH 0 CREATE POP";
    let address = Address::repeat_byte(0x11);
    let mut database = MemoryDatabase::default();
    database.accounts.entry(address).or_default().code = Bytecode::new(assemble(source).unwrap());
    let message = Message {
        kind: MessageKind::Call,
        depth: CALL_DEPTH_LIMIT,
        is_static: false,
        gas: 1_000_000,
        caller: Address::repeat_byte(0x22),
        address,
        code_address: address,
        is_delegated: false,
        value: U256::ZERO,
        input: Bytes::new(),
        state_gas: StateGas::NONE,
        salt: U256::ZERO,
    };
    let job = Job {
        rules: Fork::Amsterdam.into(),
        chain_id: 1,
        block: &BlockEnv { number: 1, gas_limit: u64::MAX, ..BlockEnv::default() },
        subject: Subject::Message { message: &message, environment: &TxEnv::default() },
        database: &database,
    };
    let config = ShadowConfig { mode: ShadowMode::PerStep, ..ShadowConfig::default() };
    let compared = compare_engines(&engines::primary(), engines::mini(), &job, &config);
    assert_eq!(compared.verdict, Verdict::Agree);
    let outcome = engines::mini().execute(&job, &mut NoHooks).unwrap().outcome.unwrap();
    assert_eq!((outcome.execution_gas, outcome.state_gas), (12_008, 0));
}
