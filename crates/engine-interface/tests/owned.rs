//! A run that owns what it runs on is kept in a value, goes from function to function, and comes to the same end.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{sync::Arc, thread};

use parallax_assembly::assemble;
use parallax_engine_interface::{Engine, OwnedJob, OwnedRun, OwnedSubject, Progress, Stepper};
use parallax_hooks::NoHooks;
use parallax_host_interface::NoPrecompiles;
use parallax_memory_database::MemoryDatabase;
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniEngine;
use parallax_primitives::{
    Address, BlockEnv, Bytecode, Fork, Message, MessageKind, Transaction, TxEnv, U256,
};

const CONTRACT: Address = Address::repeat_byte(0x11);

fn job(subject: OwnedSubject) -> OwnedJob {
    let mut database = MemoryDatabase::default();
    let code = Bytecode::new(assemble("PUSH 5 PUSH 6 ADD PUSH 0 SSTORE").unwrap());
    database.accounts.entry(CONTRACT).or_default().code = code;
    let block = BlockEnv { number: 1, gas_limit: 30_000_000, ..BlockEnv::default() };
    OwnedJob { rules: Fork::Osaka.into(), chain_id: 1, block, subject, database: Arc::new(database) }
}

fn transaction(nonce: u64) -> OwnedSubject {
    let to = Some(CONTRACT);
    OwnedSubject::Transaction(Transaction { to, nonce, gas_limit: 100_000, ..Transaction::default() })
}

fn message() -> OwnedSubject {
    let message = Message {
        kind: MessageKind::Call,
        depth: 7,
        is_static: false,
        gas: 50_000,
        caller: Address::ZERO,
        address: CONTRACT,
        code_address: CONTRACT,
        is_delegated: false,
        value: U256::ZERO,
        input: Default::default(),
        state_gas: Default::default(),
        salt: U256::ZERO,
    };
    OwnedSubject::Message { message, environment: TxEnv::default() }
}

/// As a session of a debugger has it.
struct Session {
    run: OwnedRun,
    steps: u64,
}

#[test]
fn a_run_is_kept_beside_what_it_runs_on() {
    let engine = Arc::new(MiniEngine::new("mini", Mini, &NoPrecompiles));
    for subject in [transaction(0), message()] {
        let job = job(subject);
        let whole = engine.execute(&job.job(), &mut NoHooks).unwrap();
        let run = OwnedRun::start(engine.clone(), job).unwrap().unwrap();
        let mut session = Session { run, steps: 0 };
        while session.run.step(&mut NoHooks).unwrap() == Progress::Paused {
            session.steps += u64::from(session.run.view().is_some());
            assert!(session.run.view().is_some() != session.run.message().is_some());
        }
        assert_eq!((session.steps, session.run.job().chain_id), (6, 1));
        assert_eq!(Box::new(session.run).finish().unwrap(), whole);
    }
    assert!(OwnedRun::start(engine, job(transaction(3))).is_err(), "it is rejected");
}

#[test]
fn a_job_goes_to_a_thread() {
    let sent = job(message());
    let gas_used = thread::spawn(move || {
        let engine = MiniEngine::new("mini", Mini, &NoPrecompiles);
        engine.execute(&sent.job(), &mut NoHooks).unwrap().outcome.unwrap().gas_used
    });
    assert_eq!(gas_used.join().unwrap(), 22_111);
}
