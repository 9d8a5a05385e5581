//! Two engines that are run on together by hand: in steps, over and out of messages, to conditions on either side.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{cell::RefCell, rc::Rc};

use parallax_assembly::assemble;
use parallax_campaign::engines;
use parallax_engine_interface::{Engine, Job, Progress, Stepper};
use parallax_hooks::{MessagePhase, NoHooks};
use parallax_memory_database::MemoryDatabase;
use parallax_mini_interpreter::{Fault, FaultPlan, FaultyMini};
use parallax_primitives::{Address, BlockEnv, Bytecode, Fork, Opcode, Transaction, U256};
use parallax_run_control::{Breakpoints, Condition, StepBudget, run_until, step_into, step_out, step_over};
use parallax_shadow_diff::{Field, RunLimits, ShadowConfig, ShadowMode, SideBySide, Verdict};

const OUTER: Address = Address::repeat_byte(0x11);
const INNER: Address = Address::repeat_byte(0x22);

/// The outer frame calls the inner one and stores; the inner one calls a precompiled contract and returns.
fn with_both(right: &dyn Engine, check: impl FnOnce(SideBySide<'_>)) {
    let mut database = MemoryDatabase::default();
    let call = |to: Address| format!("PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH20 {to:#x} GAS CALL POP");
    for (address, source) in [
        (OUTER, format!("{} PUSH 1 PUSH 7 SSTORE STOP", call(INNER))),
        (INNER, format!("PUSH 5 PUSH 6 ADD POP {} PUSH 0 PUSH 0 RETURN", call(Address::with_last_byte(4)))),
    ] {
        database.accounts.entry(address).or_default().code = Bytecode::new(assemble(&source).unwrap());
    }
    let block = BlockEnv { number: 1, gas_limit: u64::MAX, ..BlockEnv::default() };
    let transaction = Transaction { to: Some(OUTER), gas_limit: 1_000_000, ..Transaction::default() };
    let job = Job {
        rules: Fork::Prague.into(),
        chain_id: 1,
        block: &block,
        subject: (&transaction).into(),
        database: &database,
    };
    let primary = engines::by_name("primary").unwrap();
    let config = ShadowConfig { mode: ShadowMode::PerStep, ..ShadowConfig::default() };
    check(SideBySide::start(&*primary, right, &job, &config, RunLimits::default()).unwrap().unwrap());
}

/// Both sides stand before this opcode.
#[track_caller]
fn stand_before(both: &SideBySide<'_>, depth: u16, opcode: Opcode) {
    assert_eq!(
        both.views().map(|view| view.map(|view| (view.depth, view.opcode))),
        [Some((depth, opcode)); 2]
    );
}

/// Both sides stand before a message, or behind one.
#[track_caller]
fn stand_at(both: &SideBySide<'_>, to: Address, is_before: bool) {
    let found = both.messages().map(|message| {
        message.map(|(message, phase)| (message.address, matches!(phase, MessagePhase::Before)))
    });
    assert_eq!(found, [Some((to, is_before)); 2]);
}

#[test]
fn both_sides_stand_at_the_same_place_wherever_they_are_stopped() {
    with_both(engines::mini(), |mut both| {
        assert_eq!(both.step(&mut NoHooks).unwrap(), Progress::Paused);
        stand_at(&both, OUTER, true);
        step_into(&mut both, &mut NoHooks).unwrap();
        stand_before(&both, 0, Opcode::PUSH0);
        run_until(&mut both, Condition::Opcode(Opcode::CALL), &mut NoHooks).unwrap();
        both.step(&mut NoHooks).unwrap();
        stand_at(&both, INNER, true);
        step_into(&mut both, &mut NoHooks).unwrap();
        both.run(&mut StepBudget { left: 2 }).unwrap();
        stand_before(&both, 1, Opcode::ADD);
        run_until(&mut both, Condition::Opcode(Opcode::CALL), &mut NoHooks).unwrap();
        step_over(&mut both, &mut NoHooks).unwrap();
        stand_before(&both, 1, Opcode::POP);
        run_until(&mut both, Condition::Return, &mut NoHooks).unwrap();
        stand_at(&both, INNER, false);
        step_into(&mut both, &mut NoHooks).unwrap();
        stand_before(&both, 0, Opcode::POP);
        assert_eq!(step_out(&mut both, &mut NoHooks).unwrap(), Progress::Done);
        let run = both.finish();
        assert_eq!((run.verdict, run.total_steps[0]), (Verdict::Agree, run.total_steps[1]));
    });
}

#[test]
fn every_message_of_both_sides_is_a_place_to_stand() {
    with_both(engines::mini(), |mut both| {
        let mut messages = 0;
        while both.step(&mut NoHooks).unwrap() == Progress::Paused {
            let views = both.views().map(|view| view.map(|view| (view.index, view.pc, view.gas)));
            assert_eq!(views[0], views[1]);
            let shown = both.messages().map(|message| message.map(|(message, _)| message.clone()));
            assert_eq!(shown[0], shown[1]);
            messages += usize::from(shown[0].is_some());
        }
        assert_eq!(messages, 6);
        assert_eq!(both.finish().verdict, Verdict::Agree);
    });
}

/// The right side alone has 10 on its stack where the left one has 11: its own hooks see that, and stop both.
#[test]
fn hooks_of_the_right_side_stop_both() {
    let faulty = engines::local("faulty", FaultyMini::new(FaultPlan::new(Fault::FlipResult(0), Opcode::ADD)));
    with_both(&faulty, |mut both| {
        assert_eq!(both.run(&mut NoHooks).unwrap(), Progress::Paused);
        assert_eq!(both.divergence().unwrap().field, Field::Stack(0));
        stand_before(&both, 1, Opcode::POP);
        assert_eq!(
            both.views().map(|view| view.unwrap().stack.last().copied()),
            [11, 10].map(|n| Some(U256::from(n)))
        );
        both.go_on();
        let right = Rc::new(RefCell::new(Breakpoints::new(vec![
            Condition::Opcode(Opcode::CALL),
            Condition::All(vec![Condition::Address(Address::with_last_byte(4)), Condition::Return]),
        ])));
        both.watch_right(Box::new(right.clone()));
        step_over(&mut both, &mut NoHooks).unwrap();
        // Its own breakpoint is nearer than the end of what is stepped over.
        step_out(&mut both, &mut NoHooks).unwrap();
        stand_before(&both, 1, Opcode::CALL);
        assert_eq!(right.borrow().last_hit(), Some(0));
        step_over(&mut both, &mut NoHooks).unwrap();
        stand_at(&both, Address::with_last_byte(4), false);
        assert_eq!(right.borrow().last_hit(), Some(1));
        assert_eq!(both.run(&mut NoHooks).unwrap(), Progress::Done);
        assert!(matches!(both.finish().verdict, Verdict::Diverge(_)));
    });
}
