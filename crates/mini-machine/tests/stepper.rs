//! A run as a value: paused and resumed anywhere, stepped, ended, and as deep as it gets on a small native stack.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::thread;

use parallax_assembly::assemble;
use parallax_engine_interface::{Execution, Job, Progress, Stepper};
use parallax_hooks::{Hooks, MessagePhase, NoHooks, StepControl, StepEnd, StepView};
use parallax_host_interface::AccountChange;
use parallax_memory_database::MemoryDatabase;
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniMachine;
use parallax_primitives::{
    Address, BlockEnv, Bytecode, Fork, FrameOutcome, FrameStatus, Halt, Message, MessageKind, Transaction,
    U256,
};

const SENDER: Address = Address::repeat_byte(0xaa);
const OUTER: Address = Address::repeat_byte(0x11);
const INNER: Address = Address::repeat_byte(0x22);
const FAILING: Address = Address::repeat_byte(0x33);

fn call(to: Address) -> String {
    format!("PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH20 {to:#x} PUSH 70000 CALL POP\n")
}

/// A store, a message to a contract that calls a precompiled one, an account without code and one that fails, a creation.
fn world() -> MemoryDatabase {
    let mut database = MemoryDatabase::default();
    let nobody = Address::repeat_byte(0x44);
    let identity = Address::with_last_byte(4);
    let programs = [
        (
            OUTER,
            format!("PUSH 1 PUSH 7 SSTORE\n{}PUSH 0 PUSH 0 PUSH 0 CREATE POP @on JUMP on: STOP", call(INNER)),
        ),
        (INNER, format!("{}{}{}PUSH 0 PUSH 0 LOG0", call(identity), call(nobody), call(FAILING))),
        (FAILING, "PUSH 3 JUMP".to_owned()),
    ];
    for (address, source) in programs {
        database.accounts.entry(address).or_default().code = Bytecode::new(assemble(&source).unwrap());
    }
    database
}

fn on_machine<T>(
    database: &MemoryDatabase,
    gas: u64,
    run: impl FnOnce(Box<MiniMachine<'_, Mini>>) -> T,
) -> T {
    let block = BlockEnv { number: 1, gas_limit: u64::MAX, ..BlockEnv::default() };
    let transaction =
        Transaction { sender: SENDER, to: Some(OUTER), gas_limit: gas, ..Transaction::default() };
    let job = Job {
        rules: Fork::Prague.into(),
        chain_id: 1,
        block: &block,
        subject: (&transaction).into(),
        database,
    };
    run(Box::new(MiniMachine::new(&Mini, &parallax_mini_precompiles::Contracts, &job).unwrap()))
}

/// Everything that is shown, a line each, and a pause before the steps that are in `pauses`.
#[derive(Default)]
struct Record {
    lines: Vec<String>,
    pauses: Option<u64>,
}

impl Hooks for Record {
    fn on_step(&mut self, view: &StepView<'_>) -> StepControl {
        self.lines.push(format!("{} {} {} {} {:?}", view.index, view.depth, view.pc, view.gas, view.stack));
        if self.pauses == Some(view.index) { StepControl::Pause } else { StepControl::Continue }
    }
    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.lines.push(format!("end {} {} {:?}", step.index, end.gas_cost, end.halt));
    }
    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        self.lines.push(format!("{} {} {phase:?}", message.kind.name(), message.address));
        StepControl::Continue
    }
}

fn whole(database: &MemoryDatabase) -> (Vec<String>, Execution) {
    on_machine(database, 1_000_000, |mut machine| {
        let mut record = Record::default();
        assert_eq!(machine.run(&mut record).unwrap(), Progress::Done);
        (record.lines, machine.finish().unwrap())
    })
}

#[test]
fn a_pause_at_any_step_changes_nothing() {
    let database = world();
    let (lines, execution) = whole(&database);
    let steps = lines.iter().filter(|line| line.starts_with("end")).count() as u64;
    assert!(steps > 40 && execution.outcome.as_ref().unwrap().status == FrameStatus::Success);
    for at in 0..steps {
        on_machine(&database, 1_000_000, |mut machine| {
            let mut record = Record { pauses: Some(at), ..Record::default() };
            assert_eq!(machine.run(&mut record).unwrap(), Progress::Paused);
            assert_eq!(machine.view().unwrap().index, at);
            assert_eq!(machine.run(&mut record).unwrap(), Progress::Done);
            assert_eq!(record.lines, lines);
            assert_eq!(machine.finish().unwrap(), execution);
        });
    }
}

#[test]
fn steps_by_hand_come_to_the_same_and_show_the_same() {
    let database = world();
    let (lines, execution) = whole(&database);
    for by_hand in 0..200 {
        on_machine(&database, 1_000_000, |mut machine| {
            let mut record = Record::default();
            let mut progress = Progress::Paused;
            for _ in 0..by_hand {
                progress = machine.step(&mut record).unwrap();
            }
            if progress == Progress::Paused {
                progress = machine.run(&mut record).unwrap();
            }
            assert_eq!(progress, Progress::Done, "after {by_hand}");
            assert_eq!(record.lines, lines, "after {by_hand}");
            assert_eq!(machine.finish().unwrap(), execution, "after {by_hand}");
        });
    }
}

#[test]
fn messages_are_shown_in_order_those_without_a_frame_too() {
    let (lines, _) = whole(&world());
    let names = [
        ("CALL 0x1111", "outer"),
        ("CALL 0x2222", "inner"),
        ("CALL 0x0000000000000000000000000000000000000004", "identity"),
        ("CALL 0x4444", "nobody"),
        ("CALL 0x3333", "failing"),
        ("CREATE 0x", "created"),
    ];
    let shown: Vec<_> = lines
        .iter()
        .filter_map(|line| {
            let (_, name) = names.iter().find(|(start, _)| line.starts_with(start))?;
            Some(format!("{} {name}", if line.ends_with("Before") { "+" } else { "-" }))
        })
        .collect();
    let expected = [
        "+ outer",
        "+ inner",
        "+ identity",
        "- identity",
        "+ nobody",
        "- nobody",
        "+ failing",
        "- failing",
        "- inner",
        "+ created",
        "- created",
        "- outer",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn what_is_ended_early_has_no_outcome() {
    struct Abort;
    impl Hooks for Abort {
        fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
            if step.depth == 1 { StepControl::Abort } else { StepControl::Continue }
        }
    }
    let database = world();
    let nothing = Execution { outcome: None, changes: Default::default(), accesses: None };
    on_machine(&database, 1_000_000, |mut machine| {
        assert_eq!(machine.run(&mut Abort).unwrap(), Progress::Aborted);
        assert_eq!(
            (machine.step(&mut NoHooks).unwrap(), machine.view().is_none()),
            (Progress::Aborted, true)
        );
        assert_eq!(machine.finish().unwrap(), nothing);
    });
    on_machine(&database, 1_000_000, |mut machine| {
        machine.step(&mut NoHooks).unwrap();
        assert_eq!(machine.finish().unwrap(), nothing);
    });
}

#[test]
fn depth_1024_needs_no_native_stack() {
    let deep = || {
        let mut database = MemoryDatabase::default();
        // Counts its frames in slot 0 and calls itself with all that it has.
        let code = "PUSH 0 SLOAD PUSH 1 ADD PUSH 0 SSTORE
            PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 ADDRESS GAS CALL STOP";
        database.accounts.entry(OUTER).or_default().code = Bytecode::new(assemble(code).unwrap());
        on_machine(&database, 1 << 50, |mut machine| {
            struct Deepest(u16, Option<FrameOutcome>);
            impl Hooks for Deepest {
                fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
                    assert_eq!(message.kind, MessageKind::Call);
                    if let (1025, MessagePhase::After(outcome)) = (message.depth, phase) {
                        self.1 = Some(outcome.clone());
                    }
                    self.0 = self.0.max(message.depth);
                    StepControl::Continue
                }
            }
            let mut deepest = Deepest(0, None);
            assert_eq!(machine.run(&mut deepest).unwrap(), Progress::Done);
            assert_eq!(deepest.0, 1025);
            assert_eq!(deepest.1.unwrap().status, FrameStatus::Halt(Halt::CallDepth));
            let execution = machine.finish().unwrap();
            assert_eq!(execution.outcome.unwrap().status, FrameStatus::Success);
            let AccountChange::Changed { storage, .. } = &execution.changes.accounts[&OUTER] else {
                panic!("the account is gone")
            };
            assert_eq!(storage[&U256::ZERO], U256::from(1025));
        });
    };
    thread::Builder::new().stack_size(256 << 10).spawn(deep).unwrap().join().unwrap();
}
