//! Small programs that take every instruction of the fast form and make each give up that can: the same outcome, gas, state
//! and block entries as on the plain engine. They are few and short, because Miri runs them too (`cargo xtask test --miri`).

use std::{collections::BTreeSet, sync::LazyLock};

use parallax_analysis::{FastCode, Op, PaddedCode, translate};
use parallax_assembly::assemble;
use parallax_engine_interface::{FrameExit, Interpreter};
use parallax_hooks::{Hooks, Interest, StepControl, StepView};
use parallax_host_interface::{Journal, StateChanges, TxEnv};
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_mini_interpreter::Mini;
use parallax_primary_interpreter::{Primary, Tiering};
use parallax_primitives::{
    Address, BlockEnv, Bytecode, Fork, FrameOutcome, FrameStatus, Halt, Log, Message, MessageKind, U256,
};
use parallax_state::State;

const TARGET: Address = Address::repeat_byte(0x22);
const SENDER: Address = Address::repeat_byte(0x11);
const GAS: u64 = 10_000_000;
/// Turns of each loop. The fast form gives up anew in each, behind up to fifteen instructions: in so many turns behind each
/// number up to eleven.
const TURNS: u64 = 47;

/// Bodies of loops. Each expression finds `accumulator, turns left` on the stack and leaves its result on top, which is the
/// next accumulator; one without a result leaves the stack as it was and says so by its `;`. What is divided is short: longer
/// numbers `ruint` divides in assembly, which Miri does not run.
const LOOPS: [(&str, &[&str]); 14] = [
    (
        "sums",
        &[
            "DUP1 DUP3 ADD",
            "DUP2 PUSH 7 ADD",
            "DUP1 DUP3 MUL",
            "DUP2 PUSH 7 MUL",
            "DUP1 DUP3 SUB",
            "PUSH 7 DUP3 SUB",
            "DUP2 PUSH 7 SUB",
        ],
    ),
    (
        "quotients",
        &[
            "PUSH 5000 DUP3 ADD",
            "DUP1 DUP3 DIV",
            "PUSH 7 DUP3 DIV",
            "DUP2 PUSH 9000 DIV",
            "DUP1 DUP3 SDIV",
            "PUSH -7 DUP3 SDIV",
            "DUP2 PUSH -9 SDIV",
        ],
    ),
    (
        "remainders",
        &[
            "PUSH 5000 DUP3 ADD",
            "PUSH 1000 DUP3 MOD",
            "DUP2 PUSH 9000 MOD",
            "DUP1 DUP3 MOD",
            "PUSH 5000 DUP3 ADD",
            "PUSH -1000 DUP3 SMOD",
            "DUP1 DUP3 SMOD",
        ],
    ),
    (
        "modular",
        &[
            "DUP1 DUP3 DUP3 ADDMOD",
            "PUSH 1001 DUP2 DUP4 ADDMOD",
            "PUSH 5000 DUP3 ADD",
            "DUP1 DUP3 DUP3 MULMOD",
            "PUSH 1001 DUP2 DUP4 MULMOD",
            "PUSH 77 DUP2 PUSH 55 MULMOD",
        ],
    ),
    (
        "orders",
        &[
            "DUP1 DUP3 LT DUP2 ADD",
            "PUSH 20 DUP3 LT DUP2 SUB",
            "DUP2 PUSH 20 LT DUP2 ADD",
            "DUP1 DUP3 GT DUP2 ADD",
        ],
    ),
    ("signed orders", &["DUP1 DUP3 SLT DUP2 SUB", "PUSH 20 DUP3 SLT DUP2 SUB", "DUP2 PUSH 20 SLT DUP2 ADD"]),
    ("equality", &["DUP1 DUP3 EQ DUP2 ADD", "PUSH 20 DUP3 EQ DUP2 ADD", "DUP2 ISZERO DUP2 ADD", "DUP2 CLZ"]),
    (
        "bits",
        &[
            "DUP1 DUP3 AND",
            "DUP2 NOT",
            "DUP2 PUSH 0xfff7 AND",
            "DUP1 DUP3 OR",
            "DUP2 PUSH 0x1000 OR",
            "DUP1 DUP3 XOR",
            "DUP2 PUSH 0x5555 XOR",
        ],
    ),
    (
        "bytes",
        &[
            "DUP2 NOT",
            "DUP2 PUSH 31 BYTE",
            "DUP2 PUSH 1 SIGNEXTEND",
            "DUP2 NOT",
            "DUP2 DUP2 SIGNEXTEND",
            "DUP2 DUP2 BYTE DUP3 XOR",
        ],
    ),
    (
        "shifts",
        &[
            "DUP2 NOT",
            "DUP2 DUP2 SHL",
            "DUP2 PUSH 5 SHL",
            "DUP2 PUSH 3 SAR",
            "DUP2 DUP2 SAR",
            "DUP2 DUP2 SHR",
            "DUP2 PUSH 9 SHR",
            "PUSH 77 DUP2 SHL",
            "DUP2 PUSH 8 MUL",
        ],
    ),
    (
        "memory",
        &[
            "DUP2 DUP2 MSTORE;",
            "PUSH 9 DUP2 MSTORE;",
            "DUP2 PUSH 64 MSTORE;",
            "PUSH 9 PUSH 95 MSTORE;",
            "DUP2 DUP2 MSTORE8;",
            // It grows in each turn.
            "DUP2 MSIZE MSTORE;",
            "PUSH 33 MLOAD",
            "DUP1 MLOAD",
        ],
    ),
    (
        "world",
        &[
            "GAS",
            "ADDRESS BALANCE SELFBALANCE ADD",
            "DUP1 CALLDATALOAD",
            "DUP1 SLOAD",
            "DUP1 DUP3 SSTORE;",
            "CALLDATASIZE",
        ],
    ),
    (
        "copies",
        &[
            "PUSH 40 DUP2 PUSH 3 CALLDATACOPY;",
            "PUSH 40 PUSH 1 DUP3 ADDRESS EXTCODECOPY;",
            "PUSH 35 DUP2 KECCAK256",
            "DUP1 DUP3 DUP2 PUSH 9 PUSH 40 DUP6 LOG4;",
        ],
    ),
    ("powers", &["PUSH 300 DUP2 EXP", "DUP2 DUP2 TSTORE;", "DUP1 TLOAD", "DUP1 DUP1 DUP1 MCOPY;"]),
];

/// Programs of many blocks, in which instructions that cannot give up are.
const BLOCKS: [(&str, &str); 5] = [
    // Every fused jump, taken and not; a plain one; what is skipped changes the accumulator.
    (
        "jumps",
        "PUSH 5 PUSH 24 loop:
         DUP1 DUP3 LT @a JUMPI SWAP1 PUSH 3 ADD SWAP1 a:
         PUSH 12 DUP2 LT @b JUMPI SWAP1 PUSH 5 XOR SWAP1 b:
         DUP1 PUSH 12 LT @c JUMPI SWAP1 PUSH 7 ADD SWAP1 c:
         DUP1 DUP3 SLT @d JUMPI SWAP1 NOT SWAP1 d:
         PUSH -12 DUP3 SLT ISZERO @e JUMPI SWAP1 NOT SWAP1 e:
         DUP1 PUSH 12 SLT @f JUMPI SWAP1 PUSH 9 ADD SWAP1 f:
         DUP1 DUP3 EQ ISZERO @g JUMPI SWAP1 PUSH 11 ADD SWAP1 g:
         PUSH 12 DUP2 EQ @h JUMPI SWAP1 PUSH 13 ADD SWAP1 h:
         DUP1 PUSH 3 AND ISZERO @i JUMPI SWAP1 PUSH 17 ADD SWAP1 i:
         PUSH 1 SWAP1 SUB DUP1 @loop JUMPI STOP",
    ),
    // Jumps to where the stack says: into each place of a run of destinations, over a conditional jump that the exact form
    // does, at last to nowhere.
    (
        "dynamic jumps",
        "PUSH 0 PUSH 24 loop:
         DUP1 PUSH 3 AND @run ADD JUMP
         over: @back JUMP run: JUMPDEST JUMPDEST JUMPDEST
         DUP1 PUSH 1 AND @odd CALLVALUE ADD JUMPI SWAP1 PUSH 3 ADD SWAP1 odd:
         @over JUMP back: PUSH 1 SWAP1 SUB DUP1 @loop JUMPI
         GAS DUP3 CALLVALUE PUSH 1 ADD JUMP",
    ),
    // Items change places in pairs, in threes and in chains, and are copied, just before the next block.
    (
        "moves",
        "PUSH 1 PUSH 2 CALLER PUSH 4 PUSH 6 loop:
         SWAP1 a: NOT SWAP1 SWAP2 SWAP1 b: NOT SWAP1 SWAP2
         SWAP4 SWAP3 SWAP2 SWAP1 c: NOT SWAP1 SWAP2 SWAP3 SWAP4
         SWAP3 SWAP1 SWAP4 SWAP1 d: NOT SWAP1 SWAP4 SWAP1 SWAP3
         DUP3 DUP3 DUP3 e: ADD XOR SWAP2 POP CALLER DUP2 f: ADD SWAP3 POP
         CALLER SWAP5 g: SWAP5 POP DUP1 DUP1 SUB PUSH 9 h: POP POP
         PUSH 1 SWAP1 SUB DUP1 @loop JUMPI
         POP ADD ADD ADD PUSH0 MSTORE PUSH 32 PUSH0 RETURN",
    ),
    // Results that cannot be in their own places.
    (
        "temporaries",
        "PUSH 1 PUSH 2 PUSH 3 PUSH 4 PUSH 5 PUSH 6 PUSH 6 loop:
         SWAP6 NOT SWAP5 NOT SWAP4 NOT SWAP3 NOT SWAP2 NOT SWAP1 NOT
         SWAP1 SWAP2 SWAP3 CLZ SWAP4 SWAP5 SWAP6
         DUP7 DUP7 ADD DUP7 DUP7 MUL XOR SWAP4 POP
         PUSH 1 SWAP1 SUB DUP1 @loop JUMPI
         POP ADD ADD ADD ADD ADD PUSH0 MSTORE PUSH 32 PUSH0 RETURN",
    ),
    // A call of itself that succeeds, one that fails, and a creation: each returns data.
    (
        "messages",
        "CALLDATASIZE @outer JUMPI
         CALLVALUE SLOAD PUSH 1 ADD PUSH0 MSTORE CALLER PUSH 32 MSTORE CALLVALUE @fails JUMPI
         PUSH 64 PUSH0 RETURN fails: PUSH 40 PUSH0 REVERT
         outer:
         PUSH 96 PUSH0 PUSH0 PUSH0 PUSH0 ADDRESS GAS CALL
         RETURNDATASIZE PUSH0 PUSH 128 RETURNDATACOPY
         PUSH 8 PUSH 96 PUSH0 PUSH0 PUSH 3 ADDRESS GAS CALL
         RETURNDATASIZE PUSH0 PUSH 192 RETURNDATACOPY
         PUSH 10 PUSH 22 PUSH 1 CREATE
         RETURNDATASIZE PUSH0 PUSH 240 RETURNDATACOPY
         PUSH 3 loop: PUSH 1 SWAP1 SUB DUP1 @loop JUMPI
         MSIZE PUSH0 RETURN",
    ),
];

/// Programs that meet their end in the fast form: blocks that want more items than there are, and have more than there may be.
const HALTS: [(&str, &str); 2] = [
    ("underflow", "PUSH 1 PUSH 2 @on CALLVALUE ADD JUMP on: ADD DUP1 ADD GAS POP SWAP3 STOP"),
    (
        "overflow",
        "CALLER loop: DUP1 DUP1 DUP1 DUP1 DUP1 DUP1 DUP1 DUP1 DUP1 DUP1 DUP1 DUP1 DUP1 DUP1 DUP1 DUP1
         NOT DUP1 NOT GAS POP CALLVALUE POP @loop JUMP",
    ),
];

fn code(source: &str) -> Vec<u8> {
    assemble(source).expect("it is well formed").to_vec()
}

/// The program of a row of [`LOOPS`].
fn turns(expressions: &[&str]) -> Vec<u8> {
    let body: Vec<String> = expressions
        .iter()
        .map(|expression| match expression.strip_suffix(';') {
            Some(effect) => effect.to_owned(),
            None => format!("{expression} SWAP2 POP"),
        })
        .collect();
    code(&format!(
        "GAS PUSH {TURNS} loop: {} PUSH 1 SWAP1 SUB DUP1 @loop JUMPI SWAP1 PUSH0 MSTORE PUSH 32 PUSH0 RETURN",
        body.join(" ")
    ))
}

/// All programs that end well, by name.
static PROGRAMS: LazyLock<Vec<(&'static str, Vec<u8>)>> = LazyLock::new(|| {
    let loops = LOOPS.iter().map(|(name, expressions)| (*name, turns(expressions)));
    loops.chain(BLOCKS.iter().map(|(name, source)| (*name, code(source)))).collect()
});

fn program(name: &str) -> &'static [u8] {
    &PROGRAMS.iter().find(|program| program.0 == name).expect("it is there").1
}

/// Everything that can be seen of a run.
struct Seen {
    outcome: FrameOutcome,
    changes: StateChanges,
    logs: Vec<Log>,
    entries: Vec<Entry>,
}

#[derive(Debug, PartialEq)]
struct Entry {
    depth: u16,
    pc: usize,
    opcode: u8,
    gas: u64,
    stack: Vec<U256>,
    memory: Vec<u8>,
}

/// How a run is watched.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Watched {
    Not,
    ByBlocks,
    /// And it pauses at every third entry.
    WithPauses,
    BySteps,
}

struct Recorder {
    watched: Watched,
    entries: Vec<Entry>,
}

impl Recorder {
    fn record(&mut self, seen: &StepView<'_>) {
        self.entries.push(Entry {
            depth: seen.depth,
            pc: seen.pc,
            opcode: seen.opcode.0,
            gas: seen.gas,
            stack: seen.stack.to_vec(),
            memory: seen.memory.to_vec(),
        });
    }
}

impl Hooks for Recorder {
    fn interest(&self) -> Interest {
        match self.watched {
            Watched::Not => Interest::Nothing,
            Watched::ByBlocks | Watched::WithPauses => Interest::Blocks,
            Watched::BySteps => Interest::Steps,
        }
    }

    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.record(step);
        StepControl::Continue
    }

    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        self.record(entry);
        let pauses = self.watched == Watched::WithPauses && self.entries.len().is_multiple_of(3);
        if pauses { StepControl::Pause } else { StepControl::Continue }
    }
}

/// Runs a code, and itself for each of its calls.
fn execute(engine: &impl Interpreter, code: &[u8], (gas, is_static): (u64, bool), watched: Watched) -> Seen {
    let mut database = MemoryDatabase::default();
    let storage = [(U256::ZERO, U256::from(7)), (U256::from(2), U256::from(1))].into();
    let code = Bytecode::new(code.to_vec().into());
    let account = Account { nonce: 1, balance: U256::from(1000), code: code.clone(), storage };
    database.accounts.insert(TARGET, account);
    let transaction =
        TxEnv { origin: SENDER, gas_price: U256::from(3), blob_hashes: Vec::new(), chain_id: 1 };
    let mut state = State::new(&database, Fork::Osaka, BlockEnv::default(), transaction);
    let message = Message {
        kind: MessageKind::Call,
        depth: 0,
        is_static,
        gas,
        caller: SENDER,
        address: TARGET,
        code_address: TARGET,
        is_delegated: false,
        value: U256::ZERO,
        input: (0..100).collect::<Vec<u8>>().into(),
        salt: U256::ZERO,
        state_gas: Default::default(),
    };
    let mut recorder = Recorder { watched, entries: Vec::new() };
    let mut clock = 0;
    let mut frames = vec![engine.enter(message, code.clone(), Fork::Osaka.into())];
    let outcome = loop {
        let frame = frames.last_mut().expect("the first one ends the loop");
        match engine.resume(frame, &mut state, &mut recorder, &mut clock).expect("the world does not fail") {
            FrameExit::Paused => {}
            FrameExit::Aborted => unreachable!("nobody aborts"),
            // A creation fails; every call is one of this code.
            FrameExit::Message(message) if message.kind.is_create() => {
                let output = vec![7; 40].into();
                let status = FrameStatus::Revert;
                engine.deliver(
                    frame,
                    FrameOutcome {
                        status,
                        gas_left: message.gas,
                        output,
                        created: None,
                        state_gas: Default::default(),
                    },
                );
            }
            FrameExit::Message(message) => {
                frames.push(engine.enter(message, code.clone(), Fork::Osaka.into()));
            }
            FrameExit::Done(outcome) => {
                frames.pop();
                match frames.last_mut() {
                    Some(caller) => engine.deliver(caller, outcome),
                    None => break outcome,
                }
            }
        }
    };
    let (changes, logs) = state.finish().expect("the world does not fail");
    Seen { outcome, changes, logs, entries: recorder.entries }
}

const RUNS: [(Tiering, Watched); 6] = [
    (Tiering::Always, Watched::Not),
    (Tiering::AlwaysRecover, Watched::WithPauses),
    (Tiering::Always, Watched::ByBlocks),
    (Tiering::Always, Watched::WithPauses),
    (Tiering::AlwaysRecover, Watched::Not),
    (Tiering::AlwaysRecover, Watched::ByBlocks),
];

/// The fast form comes to what the plain engine comes to, wherever it gives up and however it is watched.
#[track_caller]
fn check(name: &str, code: &[u8], gas: u64, is_static: bool) -> FrameStatus {
    let expected = execute(&Mini, code, (gas, is_static), Watched::ByBlocks);
    // Under Miri each kind of run once: a fast run that nobody watches, and one that gives up and is paused besides.
    let runs = if cfg!(miri) { &RUNS[..2] } else { &RUNS };
    for (tiering, watched) in runs {
        let engine = Primary::with_tiering(*tiering);
        let seen = execute(&engine, code, (gas, is_static), *watched);
        let context = format!("{name}, {tiering:?}, watched {watched:?}, gas {gas}, static {is_static}");
        if *watched != Watched::Not {
            for (seen, expected) in seen.entries.iter().zip(&expected.entries) {
                assert_eq!(seen, expected, "{context}");
            }
            assert_eq!(seen.entries.len(), expected.entries.len(), "{context}");
        }
        let ends = |seen: &Seen| (seen.outcome.clone(), seen.changes.clone(), seen.logs.clone());
        assert_eq!(ends(&seen), ends(&expected), "{context}");
    }
    expected.outcome.status
}

/// What the fast form runs of a code, and which instructions give up, along the path of the plain engine's steps.
#[derive(Default)]
struct Walk {
    ran: BTreeSet<u8>,
    gave_up: BTreeSet<u8>,
    instructions: u64,
}

impl Walk {
    /// `path` has the pc and the opcode of each step of the frame. With `recovers`, as in [`Tiering::AlwaysRecover`].
    fn follow(&mut self, fast: &FastCode, path: &[(usize, u8)], recovers: bool) {
        let mut force = 0;
        let mut at = 0;
        while at < path.len() {
            if let Some(entry) = fast.entry(path[at].0) {
                let patience = recovers.then(|| next_patience(&mut force));
                at = self.block(fast, path, (at, entry), patience);
            }
            // The exact form goes on to the next entry: behind a jump, or behind a message.
            while at < path.len() && !matches!(path[at].1, 0x56 | 0x57 | 0xf0..=0xf2 | 0xf4 | 0xf5 | 0xfa) {
                at += 1;
            }
            at += 1;
        }
    }

    /// Runs from instruction `ip` at step `at` of the path until the exact form is to go on: at which step.
    fn block(
        &mut self,
        fast: &FastCode,
        path: &[(usize, u8)],
        (mut at, mut ip): (usize, u32),
        mut patience: Option<u64>,
    ) -> usize {
        let step = |from: usize, pc: usize| {
            from + path[from..].iter().position(|step| step.0 == pc).expect("the path goes there")
        };
        loop {
            let instr = fast.instrs()[ip as usize];
            let pc = fast.pc(ip);
            self.instructions += 1;
            if can_give_up(instr.op) {
                if patience == Some(0) {
                    self.gave_up.insert(instr.op as u8);
                    // A header that was entered through a `Rejoin` is not on the path.
                    return if instr.op == Op::Enter { at } else { step(at, pc) };
                }
                patience = patience.map(|patience| patience - 1);
            }
            self.ran.insert(instr.op as u8);
            let lower = u32::try_from(instr.imm & 0xffff_ffff).expect("32 bits");
            ip = match instr.op {
                Op::Exit => return step(at, usize::try_from(instr.imm).expect("a pc")),
                Op::Rejoin => lower,
                Op::Jump | Op::JumpTo => {
                    let jump = step(at, pc);
                    at = jump + 1;
                    match path.get(at).and_then(|step| fast.jump(step.0 as u64)) {
                        Some(target) => target,
                        None => return jump,
                    }
                }
                op if op.moves_on() && op != Op::Fall => {
                    at = step(at, pc) + 1;
                    if path[at].0 == pc + 1 { ip + 1 } else { lower }
                }
                _ => ip + 1,
            };
        }
    }
}

/// As the fast form of [`Tiering::AlwaysRecover`] draws it.
fn next_patience(force: &mut u64) -> u64 {
    *force = force.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *force >> 60
}

/// All but those that only go on or move.
fn can_give_up(op: Op) -> bool {
    let moves = matches!(op, Op::Move | Op::Move2 | Op::Const);
    let goes_on = op.moves_on() || (op.leaves() && op != Op::JumpTo);
    !(moves || goes_on)
}

/// Every instruction, by its number.
fn all() -> BTreeSet<u8> {
    (0..=Op::Heavy as u8).collect()
}

#[test]
#[cfg_attr(miri, ignore = "it is about the programs, which are the same there")]
fn the_programs_take_every_instruction_and_each_gives_up_that_can() {
    let mut seen = [Walk::default(), Walk::default()];
    let mut translated = BTreeSet::new();
    let mut can = BTreeSet::new();
    for (name, code) in &*PROGRAMS {
        let steps = execute(&Mini, code, (GAS, false), Watched::BySteps).entries;
        let path: Vec<(usize, u8)> =
            steps.iter().filter(|step| step.depth == 0).map(|step| (step.pc, step.opcode)).collect();
        let fast = translate(&PaddedCode::new(code), Fork::Osaka).expect("it is well formed");
        translated.extend(fast.instrs().iter().map(|instr| instr.op as u8));
        can.extend(fast.instrs().iter().filter(|instr| can_give_up(instr.op)).map(|instr| instr.op as u8));
        let mut walks = [Walk::default(), Walk::default()];
        for (walk, recovers) in walks.iter_mut().zip([false, true]) {
            walk.follow(&fast, &path, recovers);
            let engine =
                Primary::with_tiering(if recovers { Tiering::AlwaysRecover } else { Tiering::Always });
            execute(&engine, code, (GAS, false), Watched::ByBlocks);
            // Only the frame on top is walked.
            if *name != "messages" {
                assert_eq!(engine.counts().instructions, walk.instructions, "{name}, recovers: {recovers}");
            }
        }
        for (seen, walk) in seen.iter_mut().zip(walks) {
            seen.ran.extend(walk.ran);
            seen.gave_up.extend(walk.gave_up);
        }
    }
    assert_eq!(translated, all());
    assert_eq!(seen[0].ran, all());
    assert_eq!(seen[1].gave_up, can);
}

#[test]
fn every_program_runs_as_on_the_plain_engine() {
    for (name, code) in &*PROGRAMS {
        check(name, code, GAS, false);
    }
}

#[test]
fn what_ends_badly_ends_at_the_same_opcode() {
    for (name, source) in HALTS {
        let status = check(name, &code(source), GAS, false);
        assert!(matches!(status, FrameStatus::Halt(Halt::StackUnderflow | Halt::StackOverflow)), "{name}");
    }
    // A write in a static frame.
    for name in ["world", "copies", "powers"] {
        let status = check(name, program(name), GAS, true);
        assert_eq!(status, FrameStatus::Halt(Halt::StaticViolation), "{name}");
    }
}

/// Out of gas at every kind of charge: of a block, of memory that grows in it, of what could be cold.
#[test]
fn gas_ends_at_the_same_opcode() {
    let every = if cfg!(miri) { 450 } else { 7 };
    for (name, limits) in [("memory", 0..1000), ("world", 0..1000), ("world", 21_500..23_000)] {
        for gas in limits.step_by(every) {
            let status = check(name, program(name), gas, false);
            assert_eq!(status, FrameStatus::Halt(Halt::OutOfGas), "{name}, gas {gas}");
        }
    }
}
