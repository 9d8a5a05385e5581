//! Stepping and breakpoints on a program of three frames, the same on both engines.
//!
//! The outer frame stores, calls the inner one and stores again; the inner one logs, calls one that fails, a precompiled contract
//! and one that it has not the balance for, creates with init code that reverts, and returns.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]
#![allow(clippy::needless_pass_by_value, reason = "rows are values")]

use parallax_assembly::assemble;
use parallax_campaign::engines;
use parallax_engine_interface::{Engine, Job, Progress, Stepper};
use parallax_hooks::{Hooks, Interest, MessagePhase, NoHooks, StepControl};
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{
    Address, B256, BlockEnv, Bytecode, Fork, Halt, Message, MessageKind, Opcode, Transaction, U256,
};
use parallax_run_control::{
    Breakpoints, CallPattern, CancelFlag, Condition, StepBudget, run_until, step_into, step_out, step_over,
};

const SENDER: Address = Address::repeat_byte(0xaa);
const OUTER: Address = Address::repeat_byte(0x11);
const INNER: Address = Address::repeat_byte(0x22);
const FAILING: Address = Address::repeat_byte(0x33);
const IDENTITY: Address = Address::with_last_byte(4);

fn call(to: Address, gas: u64) -> String {
    format!("PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH20 {to:#x} PUSH {gas} CALL POP\n")
}

fn world() -> MemoryDatabase {
    let mut database = MemoryDatabase::default();
    let programs = [
        (OUTER, format!("PUSH 1 PUSH 7 SSTORE\n{}PUSH 2 PUSH 8 SSTORE STOP", call(INNER, 600_000))),
        (
            INNER,
            format!(
                "PUSH 5 PUSH 0 PUSH 0 LOG1 {} PUSH4 0x12345678 PUSH 224 SHL PUSH 0 MSTORE
                 PUSH 0 PUSH 0 PUSH 4 PUSH 0 PUSH 4 GAS STATICCALL POP
                 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 9 PUSH 0x99 GAS CALL POP
                 PUSH4 0x5f5ffd00 PUSH 224 SHL PUSH 0 MSTORE PUSH 3 PUSH 0 PUSH 0 CREATE POP
                 PUSH 0 PUSH 0 RETURN",
                call(FAILING, 50_000)
            ),
        ),
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

/// Gives `check` the same transaction on each engine.
fn on_job(check: impl Fn(&str, &dyn Engine, &Job<'_>)) {
    let database = world();
    let block = BlockEnv { number: 1, ..BlockEnv::default() };
    let transaction =
        Transaction { sender: SENDER, to: Some(OUTER), gas_limit: 1_000_000, ..Transaction::default() };
    let job = Job {
        rules: Fork::Osaka.into(),
        chain_id: 1,
        block: &block,
        subject: (&transaction).into(),
        database: &database,
    };
    for name in ["primary", "mini"] {
        check(name, &*engines::by_name(name).unwrap(), &job);
    }
}

/// Runs `check` on a fresh stepper of each engine, and the transaction to its end after it.
fn on_both(check: impl Fn(&mut dyn Stepper)) {
    on_job(|name, engine, job| {
        let mut stepper = engine.start(job).unwrap().unwrap();
        check(&mut *stepper);
        while stepper.run(&mut NoHooks).unwrap() == Progress::Paused {}
        let whole = engine.execute(job, &mut NoHooks).unwrap();
        assert_eq!(stepper.finish().unwrap(), whole, "{name}");
    });
}

/// Stands before the call of the outer frame.
fn to_first_call(stepper: &mut dyn Stepper) {
    let progress = run_until(stepper, Condition::Opcode(Opcode::CALL), &mut NoHooks).unwrap();
    assert_eq!((progress, place(stepper).unwrap().0), (Progress::Paused, 0));
}

#[test]
fn stepping_into_over_and_out() {
    on_both(|stepper| {
        to_first_call(stepper);
        let call = place(stepper).unwrap().1;
        step_into(stepper, &mut NoHooks).unwrap();
        assert_eq!(place(stepper), Some((1, 0, Opcode::PUSH1)));
        step_out(stepper, &mut NoHooks).unwrap();
        assert_eq!(place(stepper), Some((0, call + 1, Opcode::POP)));
    });
    on_both(|stepper| {
        to_first_call(stepper);
        let call = place(stepper).unwrap().1;
        step_over(stepper, &mut NoHooks).unwrap();
        assert_eq!(place(stepper), Some((0, call + 1, Opcode::POP)));
        assert_eq!(step_out(stepper, &mut NoHooks).unwrap(), Progress::Done);
        assert_eq!(place(stepper), None);
    });
    // Over the last opcode of a callee: back in the caller.
    on_both(|stepper| {
        run_until(stepper, Condition::Opcode(Opcode::RETURN), &mut NoHooks).unwrap();
        assert_eq!(place(stepper).unwrap().0, 1);
        step_over(stepper, &mut NoHooks).unwrap();
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
    check(at(8), 0, Opcode::SSTORE);
    check(Condition::StorageWrite { address: Some(OUTER), key: U256::from(7) }, 0, Opcode::SSTORE);
    check(Condition::LogTopic(B256::from(U256::from(5))), 1, Opcode::LOG1);
    check(Condition::GasBelow(600_000), 1, Opcode::PUSH0);
    check(Condition::Step(2), 0, Opcode::SSTORE);
    check(Condition::All(vec![Condition::Opcode(Opcode::CALL), Condition::Depth(1)]), 1, Opcode::CALL);
    check(Condition::Any(vec![at(9), Condition::Opcode(Opcode::LOG1)]), 1, Opcode::LOG1);
    check(Condition::Not(Box::new(Condition::Opcode(Opcode::PUSH1))), 0, Opcode::SSTORE);
}

/// Every place where a run pauses at a message: `+` before it, `-` behind it, and its depth.
#[track_caller]
fn check_messages(condition: Condition, expected: &[&str]) {
    on_both(|stepper| {
        let mut breakpoints = Breakpoints::new(vec![condition.clone()]);
        let mut places = Vec::new();
        while stepper.run(&mut breakpoints).unwrap() == Progress::Paused {
            let Some((message, phase)) = stepper.message() else { continue };
            assert!(stepper.view().is_none(), "it stands at a message");
            let sign = if matches!(phase, MessagePhase::Before) { '+' } else { '-' };
            places.push(format!("{sign}{} {}", message.depth, message.kind.name()));
        }
        assert_eq!(places, expected, "{condition:?}");
    });
}

#[test]
fn breakpoints_pause_at_messages() {
    let to = |target| Condition::Call(CallPattern { target: Some(target), ..CallPattern::default() });
    let call = |pattern| Condition::Call(pattern);
    check_messages(Condition::Enter(2), &["+2 CALL", "+2 STATICCALL", "+2 CALL", "+2 CREATE"]);
    check_messages(Condition::Depth(1), &["+1 CALL", "-1 CALL"]);
    check_messages(Condition::Address(IDENTITY), &["+2 STATICCALL", "-2 STATICCALL"]);
    check_messages(to(IDENTITY), &["+2 STATICCALL"]);
    check_messages(to(FAILING), &["+2 CALL"]);
    check_messages(
        call(CallPattern {
            kind: Some(MessageKind::StaticCall),
            caller: Some(INNER),
            ..CallPattern::default()
        }),
        &["+2 STATICCALL"],
    );
    check_messages(
        call(CallPattern { selector: Some([0x12, 0x34, 0x56, 0x78]), ..CallPattern::default() }),
        &["+2 STATICCALL"],
    );
    check_messages(
        call(CallPattern { least_value: Some(U256::from(9)), ..CallPattern::default() }),
        &["+2 CALL"],
    );
    check_messages(Condition::Create(None), &["+2 CREATE"]);
    check_messages(Condition::Create(Some(INNER)), &[]);
    check_messages(Condition::Return, &["-2 STATICCALL", "-1 CALL", "-0 CALL"]);
    check_messages(Condition::Revert, &["-2 CREATE"]);
    check_messages(Condition::Halt(None), &["-2 CALL", "-2 CALL"]);
    check_messages(Condition::Halt(Some(Halt::InvalidJump)), &["-2 CALL"]);
    // Sent without the balance for it: it has no frame.
    check_messages(Condition::Halt(Some(Halt::InsufficientBalance)), &["-2 CALL"]);
    let failing = Condition::All(vec![Condition::Address(FAILING), Condition::Halt(None)]);
    check_messages(failing, &["-2 CALL"]);
    check_messages(Condition::Not(Box::new(Condition::Return)), &["-2 CALL", "-2 CALL", "-2 CREATE"]);
    check_messages(Condition::All(vec![Condition::Pc(0), Condition::Return]), &[]);
}

#[test]
fn conditions_on_messages_alone_ask_for_no_steps() {
    let interest = |conditions| Breakpoints::new(conditions).interest();
    let revert = || Condition::All(vec![Condition::Address(INNER), Condition::Revert]);
    assert_eq!(interest(vec![revert(), Condition::Create(None)]), Interest::Messages);
    assert_eq!(interest(vec![revert(), Condition::Pc(0)]), Interest::Steps);
    assert_eq!(interest(vec![Condition::Not(Box::new(Condition::Depth(0)))]), Interest::Steps);
}

/// A breakpoint in a callee stops what would step over it, and out of its caller.
#[test]
fn stepping_stops_where_hooks_ask_to() {
    on_both(|stepper| {
        to_first_call(stepper);
        let mut breakpoints =
            Breakpoints::new(vec![Condition::Opcode(Opcode::LOG1), Condition::Create(None)]);
        step_over(stepper, &mut breakpoints).unwrap();
        assert_eq!(place(stepper).map(|place| (place.0, place.2)), Some((1, Opcode::LOG1)));
        step_out(stepper, &mut breakpoints).unwrap();
        assert!(stepper.message().is_some_and(|(message, _)| message.kind == MessageKind::Create));
        assert_eq!(breakpoints.last_hit(), Some(1));
        // From a message on, over it: back in the frame that has sent it.
        step_over(stepper, &mut breakpoints).unwrap();
        assert_eq!(place(stepper).map(|place| (place.0, place.2)), Some((1, Opcode::POP)));
    });
}

/// An abort before a message leaves nothing of it, and one behind it nothing of the transaction.
#[test]
fn a_run_can_be_aborted_at_messages() {
    struct AbortAt(u16, bool);
    impl Hooks for AbortAt {
        fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
            match message.depth == self.0 && matches!(phase, MessagePhase::Before) == self.1 {
                true => StepControl::Abort,
                false => StepControl::Continue,
            }
        }
    }
    for (depth, is_before) in [(0, true), (0, false), (2, true), (2, false)] {
        on_job(|name, engine, job| {
            let execution = engine.execute(job, &mut AbortAt(depth, is_before)).unwrap();
            assert_eq!(execution.outcome, None, "{name}");
            assert!(execution.changes.accounts.is_empty(), "{name}");
        });
    }
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
            assert_eq!(
                run_until(stepper, condition.clone(), &mut NoHooks).unwrap(),
                Progress::Done,
                "{condition:?}"
            );
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
fn a_budget_counts_right_behind_every_pause() {
    on_both(|stepper| {
        for index in 1..=3 {
            assert_eq!(stepper.run(&mut StepBudget { left: 1 }).unwrap(), Progress::Paused);
            assert_eq!(stepper.view().unwrap().index, index);
        }
        let mut budget = StepBudget { left: 0 };
        for index in [7, 27, 28] {
            budget.left = index - stepper.view().unwrap().index;
            assert_eq!(stepper.run(&mut budget).unwrap(), Progress::Paused);
            assert_eq!((stepper.view().unwrap().index, budget.left), (index, 0));
        }
    });
}

#[test]
fn a_cancelled_run_has_no_outcome() {
    let flag = CancelFlag::default();
    assert!(!flag.is_cancelled());
    flag.clone().cancel();
    assert!(flag.is_cancelled());
    on_job(|name, engine, job| {
        for hooks in [&mut (flag.clone(), None), &mut (flag.clone(), Some(StepBudget { left: 100 }))] {
            let execution = engine.execute(job, hooks).unwrap();
            assert_eq!(execution.outcome, None, "{name}");
            assert!(execution.changes.accounts.is_empty(), "{name}");
        }
    });
}
