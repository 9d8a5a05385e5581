//! Which form runs, and for how long. No result depends on it, so no test of results can see it; users see it as speed.

use parallax_assembly::assemble;
use parallax_engine_interface::{FrameExit, Interpreter};
use parallax_hooks::{Hooks, Interest, NoHooks};
use parallax_host_interface::TxEnv;
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{
    Address, BlockEnv, Bytecode, Bytes, Fork, FrameOutcome, FrameStatus, Message, MessageKind, U256,
};
use parallax_state::State;

use crate::{
    Frame, Primary, Tiering,
    exact::{self, BLOCKS, Leave, QUIET, STEPS, Tier},
    fast,
};

const GAS: u64 = 30_000;

fn message(gas: u64) -> Message {
    Message {
        kind: MessageKind::Call,
        depth: 0,
        is_static: false,
        gas,
        caller: Address::ZERO,
        address: Address::ZERO,
        code_address: Address::ZERO,
        is_delegated: false,
        value: U256::ZERO,
        input: Bytes::new(),
        state_gas: Default::default(),
        salt: U256::ZERO,
    }
}

fn code(source: &str) -> Bytecode {
    Bytecode::new(assemble(source).unwrap())
}

fn world<R>(run: impl FnOnce(&mut State<'_>) -> R) -> R {
    let database = MemoryDatabase::default();
    run(&mut State::new(&database, Fork::Osaka, BlockEnv::default(), TxEnv::default()))
}

/// Looks at what it is told to look at.
struct Watch(Interest);

impl Hooks for Watch {
    fn interest(&self) -> Interest {
        self.0
    }
}

/// `expected` is where the exact loop hands over to the fast form and the gas used until then; none if it runs to the end.
#[track_caller]
fn check_leave<const MODE: u8>(source: &str, tier: Tier, expected: Option<(usize, u64)>) {
    let mut frame = Primary::new().enter(message(GAS), code(source), Fork::Osaka.into());
    let leave =
        world(|host| exact::run::<NoHooks, MODE>(&mut frame, host, &mut NoHooks, &mut 0, tier)).unwrap();
    let found = matches!(leave, Leave::Fast).then(|| (frame.pc, GAS - frame.gas));
    assert_eq!(found, expected, "{source}, {tier:?}, {MODE}");
    if found.is_some() {
        assert_eq!(frame.entry_due, MODE == BLOCKS, "{source}: whether the entry is still to be shown");
    }
}

#[test]
fn the_exact_loop_hands_over_where_the_fast_form_can_be_entered() {
    // One turn is 12 gas: JUMPDEST, PUSH1, JUMP.
    let forever = "loop: PUSH1 @loop JUMP";
    check_leave::<QUIET>(forever, Tier::Exact, None);
    check_leave::<QUIET>(forever, Tier::Fast, Some((0, 12)));
    check_leave::<BLOCKS>(forever, Tier::Fast, Some((0, 12)));
    check_leave::<STEPS>(forever, Tier::Fast, None);
    check_leave::<QUIET>(forever, Tier::WhenHot, Some((0, 16 * 12)));
    check_leave::<BLOCKS>(forever, Tier::WhenHot, Some((0, 16 * 12)));
    check_leave::<STEPS>(forever, Tier::WhenHot, None);
    // Jumps forwards make nothing hot, and a jump that is not taken is no jump.
    let forwards: String = (0..40).map(|i| format!("@to{i} JUMP INVALID to{i}: ")).collect();
    check_leave::<QUIET>(&forwards, Tier::WhenHot, None);
    check_leave::<QUIET>(&forwards, Tier::Fast, Some((4, 11)));
    let untaken = "PUSH0 PUSH0 JUMPI ".repeat(40);
    check_leave::<QUIET>(&untaken, Tier::WhenHot, None);
    check_leave::<QUIET>(&untaken, Tier::Exact, None);
    check_leave::<QUIET>(&untaken, Tier::Fast, Some((3, 14)));
    check_leave::<BLOCKS>(&untaken, Tier::Fast, Some((3, 14)));
    check_leave::<STEPS>(&untaken, Tier::Fast, None);
    // A loop of several jumps: the one backwards counts.
    let two = "loop: PUSH1 @on JUMP on: PUSH1 @loop JUMP";
    check_leave::<QUIET>(two, Tier::WhenHot, Some((0, 16 * 24)));
}

/// `expected` is where the fast form gives up and the gas used until then; none if the frame is over.
#[track_caller]
fn check_fast(source: &str, gas: u64, expected: (usize, u64), stack: &[u64]) {
    let engine = Primary::new();
    let mut frame = engine.enter(message(gas), code(source), Fork::Osaka.into());
    assert!(engine.cache.translated(&frame.program).is_some());
    let exit =
        world(|host| fast::run::<NoHooks, QUIET, false>(&mut frame, host, &mut NoHooks, &mut 0, 0)).unwrap();
    assert_eq!(exit, None);
    assert_eq!((frame.pc, gas - frame.gas), expected, "{source}");
    let stack: Vec<U256> = stack.iter().copied().map(U256::from).collect();
    assert_eq!(frame.stack.items(), stack, "{source}");
}

#[test]
fn the_fast_loop_runs_as_far_as_it_can() {
    // To an opcode that the exact form does.
    check_fast("STOP", 0, (0, 0), &[]);
    check_fast("PUSH1 1 PUSH1 2 ADD STOP", 9, (5, 9), &[3]);
    check_fast("PUSH1 9 PUSH0 MSTORE PUSH1 5 PUSH1 32 MSTORE8 MSIZE PUSH0 RETURN", GAS, (11, 27), &[64, 0]);
    check_fast("ADDRESS CALLVALUE CALLDATASIZE RETURNDATASIZE GAS INVALID", 10, (5, 10), &[0, 0, 0, 0, 0]);
    check_fast("SELFBALANCE CALLER ORIGIN STOP", GAS, (3, 9), &[0, 0, 0]);
    check_fast("PUSH1 7 PUSH0 TSTORE PUSH0 TLOAD PUSH0 SLOAD STOP", GAS, (8, 2309), &[7, 0]);
    check_fast("PUSH1 7 PUSH0 SSTORE STOP", GAS, (4, 22_105), &[]);
    check_fast("PUSH0 PUSH0 LOG0 STOP", 379, (3, 379), &[]);
    check_fast("PUSH1 32 PUSH0 KECCAK256 POP STOP", 46, (5, 46), &[]);
    // Over jumps of every kind; a run of jump destinations is entered in its middle.
    check_fast("PUSH1 3 loop: PUSH1 1 SWAP1 SUB DUP1 @loop JUMPI STOP", GAS, (11, 3 + 3 * 26), &[0]);
    check_fast("PUSH1 6 GAS POP JUMP JUMPDEST JUMPDEST STOP", GAS, (7, 16), &[]);
    check_fast("PUSH0 MLOAD PUSH1 6 ADD JUMP JUMPDEST STOP", GAS, (7, 23), &[]);
    // To a header that cannot be paid, or that has too few items or too many.
    check_fast("PUSH1 1 PUSH1 2 ADD STOP", 8, (0, 0), &[]);
    check_fast("PUSH1 1 @to JUMP to: ADD", GAS, (5, 14), &[1]);
    // Into the middle of a block: memory that cannot be paid, what is cold and could be too dear, a jump to nowhere.
    check_fast("PUSH1 9 GAS POP PUSH0 MLOAD STOP", 14, (5, 9), &[9, 0]);
    check_fast("PUSH1 9 PUSH2 0x4000 MLOAD STOP", 100, (5, 6), &[9, 0x4000]);
    check_fast("PUSH0 SLOAD STOP", 2101, (1, 2), &[0]);
    check_fast("PUSH0 SLOAD STOP", 2102, (2, 2102), &[0]);
    check_fast("PUSH1 1 PUSH0 SSTORE STOP", 22_104, (3, 5), &[1, 0]);
    check_fast("PUSH1 1 PUSH0 SSTORE STOP", 22_105, (4, 22_105), &[]);
    check_fast("PUSH1 99 BALANCE STOP", 2602, (2, 3), &[99]);
    check_fast("PUSH1 99 BALANCE STOP", 2603, (3, 2603), &[0]);
    check_fast("PUSH0 PUSH0 PUSH0 PUSH0 EXTCODECOPY STOP", 2607, (4, 8), &[0, 0, 0, 0]);
    check_fast("PUSH0 PUSH0 PUSH0 PUSH0 EXTCODECOPY STOP", 2608, (5, 2608), &[]);
    check_fast("PUSH1 5 PUSH1 1 JUMP", GAS, (4, 6), &[5, 1]);
}

#[test]
fn the_fast_loop_ends_where_a_long_block_is_split() {
    check_fast(&format!("{}STOP", "PUSH0 ".repeat(999)), GAS, (999, 1998), &[0; 999]);
    check_fast(&format!("{}STOP", "PUSH0 ".repeat(1025)), GAS, (1000, 2000), &[0; 1000]);
    check_fast(&format!("{}STOP", "PUSH0 ".repeat(1024)), GAS, (1024, 2048), &[0; 1024]);
    // Behind the code, whose last PUSH has no data, in a block that would be split there.
    for opcodes in 998..1003 {
        let gas = 2 * opcodes as u64 + 3;
        let stack = vec![0; opcodes + 1];
        let source = format!("{}DB 0x60", "PUSH0 ".repeat(opcodes));
        check_fast(&source, GAS, (opcodes + 2, gas), &stack);
    }
}

/// Whether the code was translated in a run of `source`, watched so, and in a second one.
#[track_caller]
fn check_translated(tiering: Tiering, interest: Interest, source: &str, expected: [bool; 2]) {
    let engine = Primary::with_tiering(tiering);
    for (run, expected) in expected.into_iter().enumerate() {
        // More than sixteen turns of the loop, and few enough for Miri.
        let mut frame = engine.enter(message(1000), code(source), Fork::Osaka.into());
        let exit = world(|host| engine.resume(&mut frame, host, &mut Watch(interest), &mut 0)).unwrap();
        assert!(matches!(exit, FrameExit::Done(_)));
        assert_eq!(
            frame.program.fast().is_some(),
            expected,
            "{tiering:?}, {interest:?}, {source}, run {run}"
        );
    }
}

#[test]
fn code_is_translated_when_the_tiering_says_so() {
    let once = "PUSH1 1 POP";
    for interest in [Interest::Nothing, Interest::Messages, Interest::Blocks] {
        check_translated(Tiering::Never, interest, once, [false, false]);
        check_translated(Tiering::WhenHot, interest, once, [false, true]);
        check_translated(Tiering::Always, interest, once, [true, true]);
        check_translated(Tiering::AlwaysRecover, interest, once, [true, true]);
        let forever = "loop: PUSH1 @loop JUMP";
        check_translated(Tiering::Never, interest, forever, [false, false]);
        check_translated(Tiering::WhenHot, interest, forever, [true, true]);
    }
    for tiering in [Tiering::Never, Tiering::WhenHot, Tiering::Always, Tiering::AlwaysRecover] {
        check_translated(tiering, Interest::Steps, "loop: PUSH1 @loop JUMP", [false, false]);
    }
}

/// What ran hot goes on in the fast form behind a message: the frame that follows it has no back jumps of its own.
#[test]
fn hot_frames_stay_hot_behind_messages() {
    let engine = Primary::new();
    let source = "PUSH1 20 loop: PUSH1 1 SWAP1 SUB DUP1 @loop JUMPI \
                  PUSH0 PUSH0 PUSH0 PUSH0 PUSH0 PUSH0 CALL PUSH0 GAS BALANCE STOP";
    let mut frame = engine.enter(message(GAS), code(source), Fork::Osaka.into());
    let answer = FrameOutcome {
        status: FrameStatus::Success,
        gas_left: 0,
        output: Bytes::new(),
        created: None,
        state_gas: Default::default(),
    };
    world(|host| {
        let exit = engine.resume(&mut frame, host, &mut NoHooks, &mut 0).unwrap();
        assert!(matches!(exit, FrameExit::Message(_)));
        assert!(frame.program.fast().is_some());
        engine.deliver(&mut frame, answer);
        let exit = engine.resume(&mut frame, host, &mut NoHooks, &mut 0).unwrap();
        assert!(matches!(exit, FrameExit::Done(FrameOutcome { status: FrameStatus::Success, .. })));
    });
}

/// The seed of forced recovery walks on: it does not always give up at the same instruction.
#[test]
fn forced_recovery_gives_up_everywhere() {
    let source = format!("{}STOP", "NOT ".repeat(60));
    let engine = Primary::with_tiering(Tiering::AlwaysRecover);
    let mut frame: Frame =
        engine.enter(message(GAS), code(&format!("CALLVALUE {source}")), Fork::Osaka.into());
    assert!(engine.cache.translated(&frame.program).is_some());
    let mut gave_up = Vec::new();
    for force in 0..64 {
        frame.force = force << 58;
        (frame.pc, frame.gas) = (0, GAS);
        frame.stack.set_len(0);
        let run = fast::run::<NoHooks, QUIET, true>;
        assert_eq!(world(|host| run(&mut frame, host, &mut NoHooks, &mut 0, 0)).unwrap(), None);
        gave_up.push(frame.pc);
    }
    gave_up.sort_unstable();
    gave_up.dedup();
    // At the header, or at one of the fifteen instructions behind it.
    assert_eq!(gave_up, (0..15).collect::<Vec<_>>());
}
