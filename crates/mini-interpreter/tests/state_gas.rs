//! State gas (EIP-8037), opcode by opcode: what is charged and shown, where it comes from, and how it comes back.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use parallax_assembly::assemble;
use parallax_engine_interface::{Execution, Job, Progress, Stepper};
use parallax_hooks::{Hooks, MessagePhase, StepControl, StepEnd, StepView};
use parallax_host_interface::NoPrecompiles;
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniMachine;
use parallax_primitives::{
    Address, BlockEnv, Bytecode, Fork, FrameOutcome, FrameStatus, Halt, Mark, Message, MessageKind, Opcode,
    Rules, StateGas, Subject, TxEnv, U256,
};

const TARGET: Address = Address::repeat_byte(0x22);
const CALLEE: Address = Address::with_last_byte(0xaa);
const SECOND: Address = Address::with_last_byte(0xbb);

/// Execution gas, reservoir, spilled.
type Gas = (u64, u64, u64);

/// One step of the outermost frame.
#[derive(Clone, Debug)]
struct Step {
    opcode: Opcode,
    before: Gas,
    costs: (u64, i64),
    after: Gas,
    halt: Option<Halt>,
    marks: Vec<Mark>,
}

/// A bare message, with what is there before it.
#[derive(Clone)]
struct Run {
    rules: Rules,
    database: MemoryDatabase,
    message: Message,
}

#[derive(Default)]
struct Seen {
    outermost: u16,
    steps: Vec<Step>,
    memory: usize,
    inner: Vec<(StateGas, FrameOutcome)>,
    outer: Option<FrameOutcome>,
}

fn gas_of(step: &StepView<'_>) -> Gas {
    (step.gas, step.state_gas.reservoir, step.state_gas.spilled)
}

impl Hooks for Seen {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        if step.depth == self.outermost {
            let (before, opcode) = (gas_of(step), step.opcode);
            let (after, marks) = (before, Vec::new());
            self.steps.push(Step { opcode, before, costs: (0, 0), after, halt: None, marks });
        }
        StepControl::Continue
    }

    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        assert_eq!(step.gas, end.gas_left);
        if step.depth == self.outermost {
            let last = self.steps.last_mut().unwrap();
            (last.costs, last.after, last.halt) =
                ((end.gas_cost, end.state_gas_cost), gas_of(step), end.halt);
            last.marks = step.journal.marks();
            self.memory = step.memory.len();
        }
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        if let MessagePhase::After(outcome) = phase {
            if message.depth == self.outermost {
                self.outer = Some(outcome.clone());
            } else {
                self.inner.push((message.state_gas, outcome.clone()));
            }
        }
        StepControl::Continue
    }
}

impl Run {
    fn of(code: &str, gas: u64, reservoir: u64) -> Self {
        let message = Message {
            kind: MessageKind::Call,
            depth: 0,
            is_static: false,
            gas,
            state_gas: StateGas::of(reservoir),
            caller: Address::ZERO,
            address: TARGET,
            code_address: TARGET,
            is_delegated: false,
            value: U256::ZERO,
            input: Default::default(),
            salt: U256::ZERO,
        };
        let rules = Fork::Amsterdam.into();
        Self { rules, database: MemoryDatabase::default(), message }.with(TARGET, code)
    }

    fn with(mut self, address: Address, code: &str) -> Self {
        let code = Bytecode::new(assemble(code).unwrap());
        self.database.accounts.insert(address, Account { code, ..Account::default() });
        self
    }

    fn with_balance(mut self) -> Self {
        self.database.accounts.entry(TARGET).or_default().balance = U256::from(100);
        self
    }

    fn at(mut self, depth: u16) -> Self {
        self.message.depth = depth;
        self
    }

    fn run(&self) -> (Seen, Execution) {
        let (block, environment) = (BlockEnv::default(), TxEnv::default());
        let subject = Subject::Message { message: &self.message, environment: &environment };
        let job = Job { rules: self.rules, chain_id: 1, block: &block, subject, database: &self.database };
        let mut machine = Box::new(MiniMachine::new(&Mini, &NoPrecompiles, &job).unwrap());
        let mut seen = Seen { outermost: self.message.depth, ..Seen::default() };
        assert_eq!(machine.run(&mut seen).unwrap(), Progress::Done);
        (seen, machine.finish().unwrap())
    }

    /// The last step of `opcode`, and what the frame goes on with.
    fn last(&self, opcode: Opcode) -> (Step, Option<Gas>) {
        let (seen, _) = self.run();
        let place = seen.steps.iter().rposition(|step| step.opcode == opcode).unwrap();
        (seen.steps[place].clone(), seen.steps.get(place + 1).map(|step| step.before))
    }
}

/// `expected` is what the last such opcode cost in both gases and what it left.
#[track_caller]
fn costs(run: &Run, opcode: Opcode, expected: ((u64, i64), Gas)) {
    let (step, _) = run.last(opcode);
    assert_eq!((step.costs, step.after, step.halt), (expected.0, expected.1, None));
}

/// `expected` is what the last such opcode, which fails, is shown to cost.
#[track_caller]
fn fails(run: &Run, opcode: Opcode, halt: Halt, expected: (u64, i64)) {
    let (step, next) = run.last(opcode);
    assert_eq!((step.costs, step.halt, next), (expected, Some(halt), None));
    assert_eq!(step.after, step.before, "an opcode that fails leaves gas as it found it");
}

/// `expected` is what the frame has behind the message that the last such opcode sent.
#[track_caller]
fn comes_back(run: &Run, opcode: Opcode, expected: Gas) {
    let (step, next) = run.last(opcode);
    assert_eq!(step.after.1, 0, "its reservoir is away with the message");
    assert_eq!(next, Some(expected), "{step:?}");
}

const SET: &str = "PUSH 1 PUSH 0 SSTORE ";
const CLEAR: &str = "PUSH 0 PUSH 0 SSTORE ";

fn call(opcode: &str, to: u8, value: u64) -> String {
    let value = if matches!(opcode, "CALL" | "CALLCODE") { format!("PUSH {value}") } else { String::new() };
    format!("PUSH 0 PUSH 0 PUSH 0 PUSH 0 {value} PUSH {to} GAS {opcode} ")
}

#[test]
fn a_charge_takes_the_reservoir_first() {
    let set = |reservoir| Run::of(SET, 200_000, reservoir);
    costs(&set(100_000), Opcode::SSTORE, ((12_100, 97_920), (187_895, 2080, 0)));
    costs(&set(50_000), Opcode::SSTORE, ((12_100, 97_920), (139_975, 0, 47_920)));
    costs(&set(0), Opcode::SSTORE, ((12_100, 97_920), (89_975, 0, 97_920)));
    // What is there and what is left of the transaction's is no new slot.
    let again = format!("{SET} PUSH 2 PUSH 0 SSTORE");
    costs(&Run::of(&again, 200_000, 100_000), Opcode::SSTORE, ((100, 0), (187_790, 2080, 0)));
    let destroying = format!("PUSH {} SELFDESTRUCT", u8::MAX);
    let destroying = |reservoir| Run::of(&destroying, 300_000, reservoir);
    let rich = destroying(183_600).with_balance();
    costs(&rich, Opcode::SELFDESTRUCT, ((17_000, 183_600), (282_997, 0, 0)));
    costs(&destroying(183_600), Opcode::SELFDESTRUCT, ((8000, 0), (291_997, 183_600, 0)));
}

#[test]
fn a_refill_goes_back_where_it_came_from() {
    let code = format!("{SET}{CLEAR}");
    let cleared = |reservoir| Run::of(&code, 200_000, reservoir);
    costs(&cleared(100_000), Opcode::SSTORE, ((100, -97_920), (187_791, 100_000, 0)));
    costs(&cleared(50_000), Opcode::SSTORE, ((100, -97_920), (187_791, 50_000, 0)));
    costs(&cleared(0), Opcode::SSTORE, ((100, -97_920), (187_791, 0, 0)));
    let (_, execution) = cleared(50_000).run();
    let outcome = execution.outcome.unwrap();
    assert_eq!((outcome.gas_used, outcome.execution_gas, outcome.state_gas), (12_209, 12_209, 0));
}

#[test]
fn what_fails_shows_how_far_it_came() {
    let out = Halt::OutOfGas;
    // The sentry, the charge, the state gas.
    fails(&Run::of(SET, 2305, 200_000), Opcode::SSTORE, out, (0, 0));
    fails(&Run::of(SET, 2306, 200_000), Opcode::SSTORE, out, (12_100, 0));
    fails(&Run::of(SET, 12_105, 97_919), Opcode::SSTORE, out, (12_100, 97_920));
    costs(&Run::of(SET, 12_105, 97_920), Opcode::SSTORE, ((12_100, 97_920), (0, 0, 0)));
    costs(&Run::of(SET, 12_106, 97_919), Opcode::SSTORE, ((12_100, 97_920), (0, 0, 1)));
    // A call is looked at before it is charged.
    let sending = call("CALL", 0xff, 1);
    let paying = |gas, reservoir| Run::of(&sending, gas, reservoir).with_balance();
    fails(&paying(14_315, 200_000), Opcode::CALL, out, (0, 0));
    fails(&paying(14_316, 183_599), Opcode::CALL, out, (14_300, 183_600));
    costs(&paying(14_316, 183_600), Opcode::CALL, ((14_300, 183_600), (0, 0, 0)));
    for opcode in ["CALLCODE", "DELEGATECALL", "STATICCALL"] {
        let run = Run::of(&call(opcode, 0xff, 0), 2900, 0);
        let (seen, _) = run.run();
        let last = seen.steps.last().unwrap();
        assert_eq!((last.costs, last.halt), ((0, 0), Some(out)), "{opcode}");
    }
    let destroying = |gas, reservoir| Run::of("PUSH 255 SELFDESTRUCT", gas, reservoir).with_balance();
    fails(&destroying(8002, 200_000), Opcode::SELFDESTRUCT, out, (0, 0));
    fails(&destroying(8003, 200_000), Opcode::SELFDESTRUCT, out, (17_000, 0));
    fails(&destroying(17_003, 183_599), Opcode::SELFDESTRUCT, out, (17_000, 183_600));
    // A memory that is paid for and that there is not.
    let beyond = "PUSH 1 PUSH8 0x100000000 PUSH 0 PUSH 0 PUSH 1 PUSH 255 GAS CALL";
    let (step, _) = Run::of(beyond, 1 << 50, 50_000).with_balance().last(Opcode::CALL);
    assert_eq!((step.halt, step.after, step.costs.1), (Some(out), step.before, 0));
    // More gas than there is, where a call takes all that it asks for.
    let mut greedy =
        Run::of("PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 1 PUSH 255 PUSH4 500000 CALL", 400_000, 50_000);
    greedy.rules = "Amsterdam-150".parse().unwrap();
    let greedy = greedy.with_balance();
    fails(&greedy, Opcode::CALL, out, (514_300, 183_600));
    // A creation whose memory is paid for, and whose account is not, leaves the memory alone.
    let creating = |gas| Run::of("PUSH 64 PUSH 0 PUSH 0 CREATE", gas, 0);
    fails(&creating(12_000), Opcode::CREATE, out, (12_010, 0));
    fails(&creating(100_000), Opcode::CREATE, out, (12_010, 183_600));
    assert_eq!(creating(100_000).run().0.memory, 0);
    fails(
        &Run::of("PUSH3 0x020001 PUSH 0 PUSH 0 CREATE", 1 << 24, 0),
        Opcode::CREATE,
        Halt::InitcodeTooLarge,
        (65_269, 0),
    );
}

#[test]
fn a_static_frame_is_refused_before_any_price() {
    for code in [
        SET,
        "PUSH 1 PUSH 0 TSTORE",
        "PUSH 0 PUSH 0 LOG0",
        "PUSH 0 PUSH 0 PUSH 0 CREATE",
        "PUSH 0 PUSH 0 PUSH 0 PUSH 0 CREATE2",
        "PUSH 0 SELFDESTRUCT",
        &call("CALL", 0xff, 1),
    ] {
        for gas in [100, 1000, 1_000_000] {
            let mut run = Run::of(code, gas, 0);
            run.message.is_static = true;
            let (seen, _) = run.run();
            let last = seen.steps.last().unwrap();
            assert_eq!((last.costs, last.halt), ((0, 0), Some(Halt::StaticViolation)), "{code} {gas}");
        }
    }
}

#[test]
fn a_message_takes_the_reservoir_and_brings_it_back() {
    let calling =
        |callee: &str, reservoir| Run::of(&call("CALL", 0xaa, 0), 400_000, reservoir).with(CALLEE, callee);
    let spent = 400_000 - 15 - 3000;
    comes_back(&calling("STOP", 100_000), Opcode::CALL, (spent, 100_000, 0));
    // All of it, and no 64th is kept.
    assert_eq!(calling("STOP", 100_000).run().0.inner[0].0, StateGas::of(100_000));
    let set = format!("{SET} STOP");
    comes_back(&calling(&set, 100_000), Opcode::CALL, (spent - 12_105, 2080, 0));
    comes_back(&calling(&set, 50_000), Opcode::CALL, (spent - 12_105 - 47_920, 0, 47_920));
    // It failed: the reservoir is what it was, and what was spilled is there, or gone.
    let revert = format!("{SET} PUSH 0 PUSH 0 REVERT");
    comes_back(&calling(&revert, 50_000), Opcode::CALL, (spent - 12_109, 50_000, 0));
    comes_back(&calling(&format!("{SET} INVALID"), 50_000), Opcode::CALL, (spent / 64, 50_000, 0));
    // What a message hands back says the same.
    let (seen, _) = calling(&revert, 50_000).run();
    assert_eq!(seen.inner[0].1.state_gas, StateGas::of(50_000));
    let (seen, _) = calling(&set, 50_000).run();
    let spilled = StateGas { reservoir: 0, spilled: 47_920, baseline: 50_000 };
    assert_eq!(seen.inner[0].1.state_gas, spilled);
}

#[test]
fn what_a_message_brings_back_repays_what_was_spilled() {
    // The first one sets the slot, the second one clears it.
    let code = call("DELEGATECALL", 0xaa, 0) + &call("DELEGATECALL", 0xbb, 0);
    let siblings = |reservoir| {
        Run::of(&code, 400_000, reservoir)
            .with(CALLEE, &format!("{SET} STOP"))
            .with(SECOND, &format!("{CLEAR} STOP"))
    };
    let left = 400_000 - 2 * (13 + 3000) - 12_105 - 104;
    comes_back(&siblings(0), Opcode::DELEGATECALL, (left, 0, 0));
    comes_back(&siblings(50_000), Opcode::DELEGATECALL, (left, 50_000, 0));
    // One that clears and then fails brings nothing.
    let failing = siblings(50_000).with(SECOND, &format!("{CLEAR} PUSH 0 PUSH 0 REVERT"));
    comes_back(&failing, Opcode::DELEGATECALL, (left - 4 - 47_920, 0, 47_920));
}

#[test]
fn an_account_that_does_not_come_to_life_is_given_back() {
    let sending = |gas, reservoir| Run::of(&call("CALL", 0xff, 1), gas, reservoir);
    // 14,300 and the operands; the stipend comes back as well.
    let left = 300_000 - 16 - 14_300 + 2300;
    costs_of_refused(&sending(300_000, 100_000), Opcode::CALL, (left, 100_000, 0));
    costs_of_refused(&sending(300_000, 0), Opcode::CALL, (left, 0, 0));
    costs_of_refused(&sending(300_000, 0).with_balance().at(1024), Opcode::CALL, (left, 0, 0));
    comes_back(&sending(300_000, 100_000).with_balance(), Opcode::CALL, (left - 83_600, 0, 83_600));
    // A creation that fails: 12,000, four pushes and the init code.
    let creating = |init_code: &str, reservoir| {
        let bytes = assemble(init_code).unwrap();
        let code = format!("PUSH{} {bytes} PUSH 0 MSTORE PUSH {} ", bytes.len(), bytes.len());
        let code = format!("{code} PUSH {} PUSH 0 CREATE", 32 - bytes.len());
        Run::of(&code, 400_000, reservoir)
    };
    let left = 400_000 - 3 - 2 - 6 - 3 - 3 - 2 - 12_002;
    comes_back(&creating("PUSH 0 PUSH 0 REVERT", 0), Opcode::CREATE, (left - 4, 0, 0));
    comes_back(&creating("PUSH 0 PUSH 0 REVERT", 100_000), Opcode::CREATE, (left - 4, 100_000, 0));
    let kept = (left - 183_600) / 64;
    comes_back(&creating("INVALID", 0), Opcode::CREATE, (kept + 183_600, 0, 0));
    let kept = (left - 83_600) / 64;
    comes_back(&creating("INVALID", 100_000), Opcode::CREATE, (kept + 83_600, 100_000, 0));
    comes_back(&creating("STOP", 100_000), Opcode::CREATE, (left - 83_600, 0, 83_600));
}

/// As [`comes_back`], of a message that is refused.
#[track_caller]
fn costs_of_refused(run: &Run, opcode: Opcode, expected: Gas) {
    let (seen, _) = run.run();
    let (began, outcome) = &seen.inner[0];
    assert!(matches!(outcome.status, FrameStatus::Halt(halt) if halt.keeps_gas()), "{outcome:?}");
    assert_eq!(outcome.state_gas, *began);
    comes_back(run, opcode, expected);
}

#[test]
fn a_creation_that_is_refused_looks_at_no_address() {
    let code = |value: u8| format!("PUSH 0 PUSH 0 PUSH {value} CREATE STOP");
    let created = Mark::WarmAccount(TARGET.create(0));
    let left = |pushes: u64| 400_000 - pushes - 12_000;
    let poor = Run::of(&code(1), 400_000, 100_000);
    costs_of_refused(&poor, Opcode::CREATE, (left(7), 100_000, 0));
    let is_warm = |run: &Run| run.last(Opcode::CREATE).0.marks.contains(&created);
    assert!(!is_warm(&poor));
    let deep = Run::of(&code(0), 400_000, 100_000).at(1024);
    costs_of_refused(&deep, Opcode::CREATE, (left(6), 100_000, 0));
    assert!(!is_warm(&deep));
    let mut last = Run::of(&code(0), 400_000, 100_000);
    last.database.accounts.get_mut(&TARGET).unwrap().nonce = u64::MAX;
    costs_of_refused(&last, Opcode::CREATE, (left(6), 100_000, 0));
    // Any other has looked before its message is sent.
    let able = Run::of(&code(0), 400_000, 0);
    costs(&able, Opcode::CREATE, ((12_000, 183_600), (left(6) - 183_600, 0, 183_600)));
    assert!(is_warm(&able));
}

#[test]
fn the_outermost_message_falls_back_to_its_baseline() {
    let begun = |code: &str| {
        let mut run = Run::of(code, 100_000, 0);
        run.message.state_gas = StateGas { reservoir: 10, spilled: 5, baseline: 20 };
        run.run().0.outer.unwrap()
    };
    let handed_back = |outcome: &FrameOutcome| (outcome.gas_left, outcome.state_gas);
    let kept = StateGas { reservoir: 10, spilled: 5, baseline: 20 };
    assert_eq!(handed_back(&begun("STOP")), (100_000, kept));
    assert_eq!(handed_back(&begun("PUSH 0 PUSH 0 REVERT")), (99_996 + 5, StateGas::of(20)));
    assert_eq!(handed_back(&begun("INVALID")), (0, StateGas::of(20)));
    assert_eq!(handed_back(&begun("")), (100_000, kept));
}
