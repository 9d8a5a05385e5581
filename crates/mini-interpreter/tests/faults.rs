//! A planned mistake is made once, where it is planned, and is seen from the step on that it is said to be seen at.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use parallax_assembly::assemble;
use parallax_engine_interface::{Execution, Interpreter, Job, Progress, Stepper};
use parallax_hooks::{Hooks, MessagePhase, StepControl, StepEnd, StepView};
use parallax_machine::{Machine, validate};
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_mini_interpreter::{Fault, FaultPlan, FaultyMini, Fired, Mini};
use parallax_primitives::{
    Address, BlockEnv, Bytecode, Fork, Message, MessageKind, Opcode, Subject, TxEnv, U256,
};
use parallax_state::State;

const TARGET: Address = Address::repeat_byte(0x22);

/// What is seen of a run: one text for each step, with the messages that follow it.
#[derive(Default)]
struct Steps(Vec<String>);

impl Steps {
    fn add(&mut self, text: &str) {
        self.0.last_mut().unwrap().push_str(text);
    }
}

impl Hooks for Steps {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.0.push(format!("{} {} {:?} {:?}", step.pc, step.gas, step.stack, step.memory));
        StepControl::Continue
    }

    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        let stored = step.journal.storage(TARGET, U256::from(1));
        let transient = step.journal.transient_storage(TARGET, U256::from(1));
        self.add(&format!("{:?} {:?} {end:?} {stored:?} {transient}", step.stack, step.memory));
        self.add(&format!("{} {:?}", step.refund, step.journal.logs()));
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        if message.depth > 0 {
            self.add(&format!("{message:?} {phase:?}"));
        }
        StepControl::Continue
    }
}

type Seen = (Vec<String>, Execution);

fn execute<I: Interpreter>(interpreter: &I, rules: Fork, code: &str) -> Seen {
    let mut database = MemoryDatabase::default();
    let code = Bytecode::new(assemble(code).unwrap());
    let storage = [(U256::from(1), U256::from(7))].into();
    database.accounts.insert(TARGET, Account { nonce: 1, balance: U256::from(1000), code, storage });
    // Answers with its ADDRESS.
    let callee = Bytecode::new(assemble("ADDRESS PUSH0 MSTORE PUSH1 32 PUSH0 RETURN").unwrap());
    database.accounts.insert(Address::with_last_byte(0xcc), Account { code: callee, ..Account::default() });
    let message = Message {
        kind: MessageKind::Call,
        depth: 0,
        is_static: false,
        gas: 1_000_000,
        caller: Address::ZERO,
        address: TARGET,
        code_address: TARGET,
        is_delegated: false,
        value: U256::ZERO,
        input: Default::default(),
        state_gas: Default::default(),
        salt: U256::ZERO,
    };
    let (block, environment) = (BlockEnv::default(), TxEnv::default());
    let subject = Subject::Message { message: &message, environment: &environment };
    let job = Job { rules: rules.into(), chain_id: 1, block: &block, subject, database: &database };
    let validated = validate(&job).unwrap();
    let state = State::new(&database, job.rules, block.clone(), validated.transaction.clone());
    let mut machine = Box::new(
        Machine::new(interpreter, &parallax_precompiles::Contracts, &job, validated, Box::new(state))
            .unwrap(),
    );
    let mut steps = Steps::default();
    while machine.run(&mut steps).unwrap() == Progress::Paused {}
    (steps.0, machine.finish().unwrap())
}

/// `expected` is the step, the pc and the step that shows it.
#[track_caller]
fn check(plan: FaultPlan, code: &str, expected: Option<(u64, usize, u64)>) {
    check_under(Fork::Osaka, plan, code, expected);
}

#[track_caller]
fn check_under(rules: Fork, plan: FaultPlan, code: &str, expected: Option<(u64, usize, u64)>) {
    let engine = FaultyMini::new(plan);
    let (right, wrong) = (execute(&Mini, rules, code), execute(&engine, rules, code));
    let fired =
        expected.map(|(index, pc, seen_at)| Fired { index, depth: 0, pc, opcode: plan.opcode, seen_at });
    assert_eq!(engine.fired(), fired, "{plan:?}");
    let parted = right.0.iter().zip(&wrong.0).position(|(right, wrong)| right != wrong);
    assert_eq!(parted.map(|step| step as u64), expected.map(|(.., seen_at)| seen_at), "{plan:?}");
    if fired.is_none() {
        assert_eq!(right, wrong);
    }
    // Once more: a transaction starts anew.
    assert_eq!(execute(&engine, rules, code), wrong);
    assert_eq!(engine.fired(), fired);
}

const CALL: &str = "PUSH1 32 PUSH0 PUSH0 PUSH0 PUSH0 PUSH1 0xcc PUSH2 9999 CALL PUSH0 MLOAD STOP";

#[test]
fn every_mistake_is_made_where_it_is_planned() {
    let plan = FaultPlan::new;
    check(plan(Fault::GasMore, Opcode::ADD), "PUSH1 1 PUSH1 2 ADD STOP", Some((2, 4, 2)));
    check(plan(Fault::GasLess, Opcode::ADD), "PUSH1 1 PUSH1 2 ADD STOP", Some((2, 4, 2)));
    check(plan(Fault::GasMore, Opcode::CALL), CALL, Some((7, 11, 7)));
    check(plan(Fault::FlipResult(255), Opcode::ADD), "PUSH1 1 PUSH1 2 ADD STOP", Some((2, 4, 2)));
    check(plan(Fault::FlipResult(0), Opcode::CALL), CALL, Some((7, 11, 14)));
    check(plan(Fault::SkipExpansion, Opcode::MLOAD), "PUSH0 MLOAD STOP", Some((1, 1, 1)));
    check(plan(Fault::SkipExpansion, Opcode::CALL), CALL, Some((7, 11, 7)));
    check(plan(Fault::WriteOff, Opcode::MSTORE), "PUSH1 1 PUSH0 MSTORE STOP", Some((2, 3, 2)));
    check(plan(Fault::WriteOff, Opcode::CALL), CALL, Some((7, 11, 14)));
    for store in [Opcode::SSTORE, Opcode::TSTORE] {
        for fault in [Fault::SkipStorageWrite, Fault::ChangeStorageWrite] {
            check(plan(fault, store), &format!("PUSH1 5 PUSH1 1 {store} STOP"), Some((2, 4, 2)));
        }
    }
    check(plan(Fault::StaleRefund, Opcode::SSTORE), "PUSH0 PUSH1 1 SSTORE STOP", Some((2, 3, 2)));
    check(plan(Fault::JumpIntoPushData, Opcode::JUMP), "PUSH1 4 JUMP PUSH1 0x5b STOP", Some((1, 2, 1)));
    check(
        plan(Fault::JumpIntoPushData, Opcode::JUMPI),
        "PUSH1 1 PUSH1 6 JUMPI PUSH1 0x5b STOP",
        Some((2, 4, 2)),
    );
    check(plan(Fault::DropLog, Opcode::LOG1), "PUSH1 5 PUSH0 PUSH0 LOG1 STOP", Some((3, 4, 3)));
    check(plan(Fault::SwapHalt, Opcode::ADD), "PUSH1 5 ADD STOP", Some((1, 2, 1)));
    check(plan(Fault::SwapHalt, Opcode::SLOAD), "PUSH1 5 PUSH0 NOT MLOAD STOP", None);
    check(plan(Fault::ForwardWrongGas, Opcode::CALL), CALL, Some((7, 11, 7)));
    check(plan(Fault::ForgetWarm, Opcode::SLOAD), "PUSH0 SLOAD PUSH0 SLOAD STOP", Some((3, 3, 3)));
    check(plan(Fault::ForgetWarm, Opcode::BALANCE), "PUSH2 999 BALANCE ADDRESS BALANCE", Some((3, 5, 3)));
    let call = "PUSH0 PUSH0 PUSH0 PUSH0 PUSH1 0xcc PUSH2 9999 STATICCALL STOP";
    check(plan(Fault::LeaveStatic, Opcode::STATICCALL), call, Some((6, 9, 6)));
}

/// A slot that is made and cleared; 2000 wei, which the account does not have, to an account that is not there; code that halts at once.
#[test]
fn state_gas_goes_back_to_the_wrong_gas_where_there_are_two() {
    let check = |opcode, code: &str, expected| {
        let plan = FaultPlan::new(Fault::RefillWrongGas, opcode);
        check_under(Fork::Amsterdam, plan, code, expected);
        check_under(Fork::Osaka, plan, code, None);
    };
    let slot = "PUSH 5 PUSH 3 SSTORE PUSH 0 PUSH 3 SSTORE STOP";
    check(Opcode::SSTORE, slot, Some((5, 8, 5)));
    let call =
        |value: u64| format!("PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH2 {value} PUSH 0xe0a01 PUSH 9999 CALL STOP");
    check(Opcode::CALL, &call(2000), Some((7, 14, 8)));
    check(Opcode::CALL, &call(1000), None);
    for create in [Opcode::CREATE, Opcode::CREATE2] {
        // The salt is below all else, where CREATE leaves it.
        let code =
            |byte: u8| format!("PUSH1 {byte} PUSH 0 MSTORE8 PUSH 7 PUSH 1 PUSH 0 PUSH 0 {create} STOP");
        check(create, &code(0xfe), Some((7, 10, 9)));
        check(create, &code(0), None);
    }
    // Nothing was taken from execution gas: the slot was there before.
    check(Opcode::SSTORE, "PUSH 0 PUSH 1 SSTORE PUSH 7 PUSH 1 SSTORE STOP", None);
}

#[test]
fn a_bit_of_what_dupn_adds_is_flipped() {
    let code = format!("{}DUPN 17 STOP", "PUSH0 ".repeat(17));
    check_under(
        Fork::Amsterdam,
        FaultPlan::new(Fault::FlipResult(1), Opcode::DUPN),
        &code,
        Some((17, 17, 17)),
    );
}

#[test]
fn a_mistake_without_an_effect_is_none() {
    let plan = FaultPlan::new;
    check(plan(Fault::GasLess, Opcode::STOP), "STOP", None);
    check(plan(Fault::GasMore, Opcode::ADD), "ADD", None);
    check(plan(Fault::FlipResult(0), Opcode::POP), "PUSH0 PUSH0 POP", None);
    check(plan(Fault::SkipExpansion, Opcode::MLOAD), "PUSH0 PUSH0 MSTORE PUSH0 MLOAD", None);
    check(plan(Fault::WriteOff, Opcode::MSTORE), "PUSH0 PUSH0 MSTORE", None);
    check(plan(Fault::WriteOff, Opcode::CALL), "PUSH0 PUSH0 PUSH0 PUSH0 PUSH0 PUSH0 PUSH0 CALL", None);
    check(plan(Fault::SkipStorageWrite, Opcode::SSTORE), "PUSH1 7 PUSH1 1 SSTORE", None);
    check(plan(Fault::StaleRefund, Opcode::SSTORE), "PUSH1 8 PUSH1 1 SSTORE", None);
    check(plan(Fault::JumpIntoPushData, Opcode::JUMP), "PUSH1 1 JUMP", None);
    check(plan(Fault::SwapHalt, Opcode::ADD), "PUSH0 PUSH0 ADD", None);
    check(plan(Fault::ForgetWarm, Opcode::SLOAD), "PUSH0 SLOAD", None);
    check(plan(Fault::LeaveStatic, Opcode::SSTORE), "PUSH0 PUSH0 SSTORE", None);
    // The second creation goes where the first one went, whose init code has failed.
    let create = "PUSH0 PUSH1 1 PUSH0 PUSH0 CREATE2";
    let twice = format!("PUSH1 0xfe PUSH0 MSTORE8 {create} {create}");
    check_under(Fork::Amsterdam, plan(Fault::ForgetWarm, Opcode::CREATE2), &twice, None);
}

#[test]
fn a_mistake_is_made_once_and_not_before_its_time() {
    let code = "PUSH1 1 PUSH1 2 ADD PUSH1 1 ADD PUSH1 1 ADD STOP";
    let plan = FaultPlan::new(Fault::FlipResult(1), Opcode::ADD);
    check(plan, code, Some((2, 4, 2)));
    check(plan.at_occurrence(1), code, Some((4, 7, 4)));
    check(plan.from_step(5), code, Some((6, 10, 6)));
    check(plan.at_occurrence(3), code, None);
    check(plan.from_step(7), code, None);
}
