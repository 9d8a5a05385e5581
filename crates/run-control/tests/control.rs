//! Stepping and breakpoints on a program of three frames, the same on both engines.
//!
//! The outer frame stores, calls the inner one and stores again; the inner one logs, calls one that fails, and returns.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]
#![allow(clippy::needless_pass_by_value, reason = "rows are values")]

use parallax_assembly::assemble;
use parallax_campaign::engines;
use parallax_engine_interface::{Job, Progress, Stepper};
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{Address, B256, BlockEnv, Bytecode, Fork, Halt, Opcode, Transaction, U256};
use parallax_run_control::{
    Breakpoints, CancelFlag, Condition, StepBudget, run_until, step_into, step_out, step_over,
};

const SENDER: Address = Address::repeat_byte(0xaa);
const OUTER: Address = Address::repeat_byte(0x11);
const INNER: Address = Address::repeat_byte(0x22);
const FAILING: Address = Address::repeat_byte(0x33);

fn call(to: Address) -> String {
    format!("PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH20 {to:#x} PUSH 50000 CALL POP\n")
}

fn world() -> MemoryDatabase {
    let mut database = MemoryDatabase::default();
    let programs = [
        (OUTER, format!("PUSH 1 PUSH 7 SSTORE\n{}PUSH 2 PUSH 8 SSTORE STOP", call(INNER))),
        (INNER, format!("PUSH 5 PUSH 0 PUSH 0 LOG1\n{}PUSH 0 PUSH 0 RETURN", call(FAILING))),
        (FAILING, "PUSH 3 JUMP".to_owned()),
    ];
    for (address, source) in programs {
        database.accounts.entry(address).or_default().code = Bytecode::new(assemble(&source).unwrap());
    }
    database
}

/// Where a stepper stands: depth and pc, or nothing once it is over.
fn place(stepper: &dyn Stepper) -> Option<(u16, usize, Opcode)> {
    stepper.view().map(|step| (step.depth, step.pc, step.opcode))
}

/// Runs `check` on a fresh stepper of each engine, and the transaction to its end after it.
fn on_both(check: impl Fn(&mut dyn Stepper)) {
    let database = world();
    let block = BlockEnv { number: 1, ..BlockEnv::default() };
    let transaction =
        Transaction { sender: SENDER, to: Some(OUTER), gas_limit: 1_000_000, ..Transaction::default() };
    let job =
        Job { fork: Fork::Osaka, chain_id: 1, block: &block, transaction: &transaction, database: &database };
    for name in ["primary", "mini"] {
        let engine = engines::by_name(name).unwrap();
        let mut stepper = engine.start(&job).unwrap().unwrap();
        check(&mut *stepper);
        while stepper.run(&mut parallax_hooks::NoHooks).unwrap() == Progress::Paused {}
        let whole = engine.execute(&job, &mut parallax_hooks::NoHooks).unwrap();
        assert_eq!(stepper.finish().unwrap(), whole, "{name}");
    }
}

/// Stands before the call of the outer frame.
fn to_first_call(stepper: &mut dyn Stepper) {
    let progress = run_until(stepper, Condition::Opcode(Opcode::CALL)).unwrap();
    assert_eq!((progress, place(stepper).unwrap().0), (Progress::Paused, 0));
}

#[test]
fn stepping_into_over_and_out() {
    on_both(|stepper| {
        to_first_call(stepper);
        let call = place(stepper).unwrap().1;
        step_into(stepper).unwrap();
        assert_eq!(place(stepper), Some((1, 0, Opcode::PUSH1)));
        step_out(stepper).unwrap();
        assert_eq!(place(stepper), Some((0, call + 1, Opcode::POP)));
    });
    on_both(|stepper| {
        to_first_call(stepper);
        let call = place(stepper).unwrap().1;
        step_over(stepper).unwrap();
        assert_eq!(place(stepper), Some((0, call + 1, Opcode::POP)));
        assert_eq!(step_out(stepper).unwrap(), Progress::Done);
        assert_eq!(place(stepper), None);
    });
    // Over the last opcode of a callee: back in the caller.
    on_both(|stepper| {
        run_until(stepper, Condition::Opcode(Opcode::RETURN)).unwrap();
        assert_eq!(place(stepper).unwrap().0, 1);
        step_over(stepper).unwrap();
        assert_eq!(place(stepper).map(|place| (place.0, place.2)), Some((0, Opcode::POP)));
    });
}

#[track_caller]
fn check(condition: Condition, depth: u16, opcode: Opcode) {
    on_both(|stepper| {
        let mut breakpoints = Breakpoints::new(vec![Condition::Step(u64::MAX), condition.clone()]);
        assert_eq!(stepper.run(&mut breakpoints).unwrap(), Progress::Paused, "{condition:?}");
        let found = place(stepper).map(|place| (place.0, place.2));
        assert_eq!(found, Some((depth, opcode)), "{condition:?}");
        assert_eq!(breakpoints.last_hit(), Some(1), "{condition:?}");
    });
}

#[test]
fn breakpoints_pause_before_the_opcode() {
    let at = |key: u64| Condition::StorageWrite { address: None, key: U256::from(key) };
    check(Condition::Pc(4), 0, Opcode::SSTORE);
    check(Condition::Opcode(Opcode::LOG1), 1, Opcode::LOG1);
    check(Condition::Depth(2), 2, Opcode::PUSH1);
    check(Condition::Address(INNER), 1, Opcode::PUSH1);
    check(at(8), 0, Opcode::SSTORE);
    check(Condition::StorageWrite { address: Some(OUTER), key: U256::from(7) }, 0, Opcode::SSTORE);
    check(Condition::LogTopic(B256::from(U256::from(5))), 1, Opcode::LOG1);
    check(Condition::Halt(None), 1, Opcode::POP);
    check(Condition::Halt(Some(Halt::InvalidJump)), 1, Opcode::POP);
    check(Condition::GasBelow(50_000), 1, Opcode::PUSH0);
    check(Condition::Step(2), 0, Opcode::SSTORE);
    check(Condition::All(vec![Condition::Opcode(Opcode::CALL), Condition::Depth(1)]), 1, Opcode::CALL);
    check(Condition::Any(vec![at(9), Condition::Depth(1)]), 1, Opcode::PUSH1);
    check(Condition::Not(Box::new(Condition::Depth(0))), 1, Opcode::PUSH1);
}

#[test]
fn what_never_holds_runs_to_the_end() {
    for condition in [
        Condition::Halt(Some(Halt::OutOfGas)),
        Condition::StorageWrite { address: Some(INNER), key: U256::from(7) },
        Condition::LogTopic(B256::ZERO),
        Condition::Any(Vec::new()),
    ] {
        on_both(|stepper| {
            assert_eq!(run_until(stepper, condition.clone()).unwrap(), Progress::Done, "{condition:?}");
        });
    }
}

#[test]
fn a_budget_pauses_after_so_many_opcodes_at_any_depth() {
    for steps in [0, 1, 3, 20, 27] {
        on_both(|stepper| {
            let mut budget = StepBudget { left: steps };
            assert_eq!(stepper.run(&mut budget).unwrap(), Progress::Paused);
            assert_eq!(stepper.view().unwrap().index, steps);
        });
    }
}

#[test]
fn a_cancelled_run_has_no_outcome() {
    let flag = CancelFlag::default();
    flag.clone().cancel();
    let database = world();
    let block = BlockEnv { number: 1, ..BlockEnv::default() };
    let transaction =
        Transaction { sender: SENDER, to: Some(OUTER), gas_limit: 1_000_000, ..Transaction::default() };
    let job =
        Job { fork: Fork::Osaka, chain_id: 1, block: &block, transaction: &transaction, database: &database };
    for name in ["primary", "mini"] {
        let engine = engines::by_name(name).unwrap();
        for hooks in [&mut (flag.clone(), None), &mut (flag.clone(), Some(StepBudget { left: 100 }))] {
            let execution = engine.execute(&job, hooks).unwrap();
            assert_eq!(execution.outcome, None, "{name}");
            assert!(execution.changes.accounts.is_empty(), "{name}");
        }
    }
}
