//! Libraries that are right, wrong, and harmful: what each comes to, and that the next run is well.
//!
//! This is a program of its own, as it is the child process too. The harmful ones are `faulty.c`, compiled once for each harm.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{
    env, fs,
    io::Read,
    panic,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use parallax_engine_evmc::{ChildProgram, Configuration, Evmc, Limits, child_main};
use parallax_engine_interface::{Engine, EngineError, Execution, Job, run_message};
use parallax_hooks::{MessagePhase, NoHooks, StepControl, on_message};
use parallax_host_interface::{HostError, HostErrorKind};
use parallax_local_engine::LocalEngine;
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_precompiles::Contracts;
use parallax_primary_interpreter::Primary;
use parallax_primitives::{
    Address, B256, BlockEnv, Bytecode, Bytes, Fork, Message, Rules, Transaction, U256,
};

const SENDER: Address = Address::repeat_byte(0x11);
const CONTRACT: Address = Address::repeat_byte(0x22);

const TESTS: &[(&str, fn())] = &[
    ("our_library_is_loaded_and_agrees", our_library_is_loaded_and_agrees),
    ("the_host_answers_as_the_abi_has_it", the_host_answers_as_the_abi_has_it),
    ("what_cannot_be_loaded_says_why", what_cannot_be_loaded_says_why),
    ("harm_ends_its_own_run_alone", harm_ends_its_own_run_alone),
    ("what_cannot_be_said_is_unsupported", what_cannot_be_said_is_unsupported),
    ("an_account_that_delegates_to_itself_does", an_account_that_delegates_to_itself_does),
    ("no_child_outlives_its_parent", no_child_outlives_its_parent),
];

/// `faulty.c` with one thing defined.
fn library(define: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "{}-{}.so",
        define.replace('=', "-"),
        std::process::id()
    ));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faulty.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", &format!("-D{define}"), "-o"]).arg(&file).arg(source);
    assert!(compiler.status().unwrap().success(), "{define}");
    file
}

/// Ours, which cargo has built for this test beside it.
fn ours() -> PathBuf {
    let name = format!("{}parallax_evmc{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    env::current_exe().unwrap().with_file_name(name)
}

fn engine(library: &Path, options: &str, limits: Limits) -> Evmc {
    let configuration = Configuration::new(&format!("{}{options}", library.display())).unwrap();
    let program = ChildProgram::of_this_program(["child"]).unwrap();
    Evmc::new("library", configuration, program, limits, &Contracts)
}

fn world(code: &[u8]) -> MemoryDatabase {
    let mut world = MemoryDatabase::default();
    world
        .accounts
        .insert(SENDER, Account { balance: U256::from(10).pow(U256::from(18)), ..Account::default() });
    let code = Bytecode::new(Bytes::copy_from_slice(code));
    world.accounts.insert(CONTRACT, Account { code, nonce: 1, ..Account::default() });
    world
}

/// A transaction that calls the contract.
fn run(engine: &dyn Engine, rules: Rules, code: &[u8]) -> Result<Execution, EngineError> {
    let (world, block) = (world(code), block());
    let transaction = Transaction {
        sender: SENDER,
        to: Some(CONTRACT),
        gas_limit: 1_000_000,
        max_fee_per_gas: U256::from(7),
        value: U256::from(5),
        input: Bytes::from_static(&[0xaa, 0xbb]),
        ..Transaction::default()
    };
    let job = Job { rules, chain_id: 1, block: &block, subject: (&transaction).into(), database: &world };
    engine.execute(&job, &mut NoHooks)
}

fn block() -> BlockEnv {
    BlockEnv {
        number: 1000,
        timestamp: 2000,
        coinbase: Address::repeat_byte(0x33),
        base_fee: 7,
        prevrandao: B256::with_last_byte(9),
        difficulty: U256::from(8),
        ..BlockEnv::default()
    }
}

fn failure(result: Result<Execution, EngineError>) -> HostError {
    match result {
        Err(EngineError::Host(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn our_library_is_loaded_and_agrees() {
    // Writes a slot over and over, logs, and calls itself until there is no gas left.
    let code = parallax_assembly::assemble(
        "PUSH1 1 PUSH1 1 SSTORE PUSH1 0 PUSH1 1 SSTORE PUSH1 0 PUSH1 0 LOG0 \
         PUSH1 32 PUSH1 0 PUSH1 0 PUSH1 0 PUSH1 1 ADDRESS PUSH3 200000 CALL PUSH1 0 MSTORE PUSH1 32 PUSH1 0 RETURN",
    )
    .unwrap();
    let primary = LocalEngine::new("primary", Primary::new(), &Contracts);
    for options in ["", ",engine=primary", ",engine=mini"] {
        let evmc = engine(&ours(), options, Limits::default());
        let loaded = evmc.load().unwrap();
        assert_eq!((&*loaded.name, &*loaded.version), ("parallax", env!("CARGO_PKG_VERSION")));
        for fork in
            [Fork::Frontier, Fork::Byzantium, Fork::Constantinople, Fork::Istanbul, Fork::Osaka, Fork::Bpo2]
        {
            let (left, right) = (run(&primary, fork.into(), &code), run(&evmc, fork.into(), &code));
            let (left, right) = (left.unwrap(), right.unwrap());
            assert_eq!(left, right, "{fork}");
            let outcome = left.outcome.unwrap();
            // In Frontier a frame cannot ask for more gas than it has.
            let logs = if fork == Fork::Frontier { 1 } else { 2 };
            assert!(outcome.gas_refunded > 0 && outcome.logs.len() >= logs, "{fork}: {outcome:?}");
        }
        let message = Message::call(SENDER, CONTRACT).gas(100_000);
        let world = world(&code);
        let [left, right] = [&primary as &dyn Engine, &evmc]
            .map(|engine| run_message(engine, Fork::Osaka, &world, &message, &mut NoHooks).unwrap());
        assert_eq!(left, right);
    }
}

fn the_host_answers_as_the_abi_has_it() {
    let evmc = engine(&library("ASKS"), "", Limits::default());
    let outcome = run(&evmc, Fork::Cancun.into(), &[0xfe, 0xfd, 0xfc]).unwrap().outcome.unwrap();
    assert!(outcome.status.is_success());
    // The numbers of what was not as it should be.
    assert_eq!(outcome.output, Bytes::new());
    assert_eq!((outcome.gas_used, outcome.gas_refunded), (21_000 + 2 * 16 + 1000 - 300, 300));
    let [log, empty] = &outcome.logs[..] else { panic!("{:?}", outcome.logs) };
    let topics = [1, 2, 3, 1].map(B256::with_last_byte);
    assert_eq!((log.address, &log.topics[..], &log.data[..]), (CONTRACT, &topics[..], &[0xaa, 0xbb][..]));
    assert!(empty.topics.is_empty() && empty.data.is_empty());
}

fn what_cannot_be_loaded_says_why() {
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    for (library, options, expected) in [
        (PathBuf::from("no/such.so"), "", "no/such.so: cannot open shared object file"),
        (text, "", "Cargo.toml: "),
        (library("UNNAMED"), "", "is no EVMC library: it exports neither evmc_create_UNNAMED_"),
        (library("ABI=11"), "", "speaks version 11 of EVMC's ABI, expected 12"),
        (library("EMPTY"), "", "makes no instance"),
        (library("PARTIAL"), "", "lacks a function that EVMC says every library has"),
        (library("WASM"), "", "does not run EVM byte code"),
        (library("TALKS"), ",unknown=1", "has no option \"unknown\""),
        (library("TALKS"), ",known=bad", "does not take \"bad\" for its option \"known\""),
        (library("PLAIN"), ",known=good", "has no option \"known\""),
        (library("FALLS_WHEN_LOADED"), "", "signal: 6 (SIGABRT)"),
    ] {
        let error = engine(&library, options, Limits::default()).load().unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains('\n'), "{error:?}");
    }
    engine(&library("TALKS"), ",known=good", Limits::default()).load().unwrap();
    let program = ChildProgram { program: "no/such/program".into(), arguments: Vec::new() };
    let configuration = Configuration::new("x.so").unwrap();
    let evmc = Evmc::new("library", configuration, program, Limits::default(), &Contracts);
    assert!(evmc.load().unwrap_err().to_string().starts_with("its process cannot be started: "));
}

fn harm_ends_its_own_run_alone() {
    use HostErrorKind::{Crashed, TimedOut, Unsupported, World};
    let limits = Limits { time: Some(Duration::from_millis(300)), memory: None };
    for (define, kind, expected) in [
        ("CRASHES", Crashed, "signal: 11 (SIGSEGV): about to fall"),
        ("ABORTS", Crashed, "signal: 6 (SIGABRT)"),
        ("EXITS", Crashed, "exit status: 3"),
        ("OVERFLOW", Crashed, "signal: "),
        ("GARBAGE", Crashed, "its process says what makes no sense"),
        ("TOPICS", Crashed, "a log has more than 4 topics"),
        ("DEBT", Crashed, "impossible numbers"),
        ("KIND", Crashed, "a kind that is none"),
        ("HANGS", TimedOut, "not over after 0.3 s"),
        ("STATUS=77", World, "ends a frame with the status 77"),
        ("STATUS=-1", World, "ends a frame with the status -1"),
        ("STATUS=-2", Unsupported, "refuses the message or the revision"),
        ("GAINS", World, "gas it has"),
        ("KEEPS", World, "behind the status 3 it has"),
        ("REFUNDS", World, "and refunds 1"),
    ] {
        // A process that is kept from a run before is no other.
        let limits = if kind == TimedOut { limits } else { Limits::default() };
        let evmc = engine(&library(define), "", limits);
        for _ in 0..2 {
            let error = failure(run(&evmc, Fork::Osaka.into(), &[0]));
            assert_eq!(error.kind(), kind, "{define}: {error}");
            assert!(error.to_string().contains(expected), "{define}: {error}");
        }
    }
    // What it says to people is in nobody's way.
    let talks = engine(&library("TALKS"), "", limits);
    assert!(run(&talks, Fork::Osaka.into(), &[0]).unwrap().outcome.unwrap().status.is_success());
    let small = engine(&library("TALKS"), "", Limits { memory: Some(1), time: None });
    assert!(small.load().is_err());
}

fn what_cannot_be_said_is_unsupported() {
    let evmc = engine(&ours(), "", Limits::default());
    let block = block();
    assert_eq!(evmc.unsupported(Fork::Bpo2.into(), &block), None);
    let rules: Rules = "Cancun+7939".parse().unwrap();
    assert!(evmc.unsupported(rules, &block).unwrap().contains("the forks of mainnet alone, not Cancun+7939"));
    let late = BlockEnv { timestamp: 1 << 63, ..block };
    assert!(evmc.unsupported(Fork::Osaka.into(), &late).unwrap().ends_with("9223372036854775808"));
    assert_eq!(failure(run(&evmc, rules, &[0])).kind(), HostErrorKind::Unsupported);
    // That is no reason to give the process up.
    assert!(run(&evmc, Fork::Osaka.into(), &[0]).is_ok());
}

/// Of such an account EVMC does not say that it delegates.
fn an_account_that_delegates_to_itself_does() {
    let evmc = engine(&library("SENDS"), "", Limits::default());
    let own = Address::repeat_byte(0x44);
    let message = Message::call(SENDER, CONTRACT).gas(100_000);
    for (code, fork, expected) in [
        (Bytecode::delegating_to(own), Fork::Prague, true),
        (Bytecode::delegating_to(own), Fork::Cancun, false),
        (Bytecode::delegating_to(CONTRACT), Fork::Prague, false),
        (Bytecode::new(Bytes::from_static(&[0])), Fork::Prague, false),
    ] {
        let mut world = world(&[0]);
        world.accounts.entry(own).or_default().code = code;
        let mut seen = Vec::new();
        let mut hooks = on_message(|message, phase| {
            if message.depth == 1 && matches!(phase, MessagePhase::Before) {
                seen.push((message.code_address, message.is_delegated));
            }
            StepControl::Continue
        });
        run_message(&evmc, fork, &world, &message, &mut hooks).unwrap();
        drop(hooks);
        assert_eq!(seen, [(own, expected)], "{fork}");
    }
}

/// A parent that is killed while its library runs for ever: the pipe that the library holds open comes to its end.
fn no_child_outlives_its_parent() {
    let pipe = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hang-{}", std::process::id()));
    let _ = fs::remove_file(&pipe);
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut parent = Command::new(env::current_exe().unwrap());
    parent.arg("parent").arg(library("HANGS")).env("HANG_FIFO", &pipe).stdin(Stdio::null());
    let mut parent = parent.spawn().unwrap();
    let mut pipe_end = fs::File::open(&pipe).unwrap();
    let mut byte = [0];
    pipe_end.read_exact(&mut byte).unwrap();
    parent.kill().unwrap();
    parent.wait().unwrap();
    let (sender, over) = mpsc::channel();
    thread::spawn(move || sender.send(pipe_end.read(&mut byte).unwrap()));
    assert_eq!(over.recv_timeout(Duration::from_secs(60)), Ok(0));
    fs::remove_file(pipe).unwrap();
}

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("child") => return child_main(),
        Some("parent") => {
            let evmc = engine(Path::new(&arguments[1]), "", Limits::default());
            let _ = run(&evmc, Fork::Osaka.into(), &[0]);
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    // Only the names matter of what `cargo test` may be given.
    let names: Vec<_> = arguments.iter().filter(|name| !name.starts_with('-')).collect();
    let mut failed = 0;
    for (name, test) in
        TESTS.iter().filter(|(test, _)| names.is_empty() || names.iter().any(|name| test.contains(*name)))
    {
        let is_well = panic::catch_unwind(test).is_ok();
        println!("test {name} ... {}", if is_well { "ok" } else { "FAILED" });
        failed += usize::from(!is_well);
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
