//! Two tracers on one run: EIP-3155 lines into a file, and a record in memory that answers any step:
//! `cargo run -p parallax-tracer-core --example two_tracers -- trace.jsonl`.

use std::{env, error::Error};

use parallax_assembly::assemble;
use parallax_engine_interface::{Engine, Job};
use parallax_host_interface::NoPrecompiles;
use parallax_memory_database::MemoryDatabase;
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniEngine;
use parallax_primitives::{Address, BlockEnv, Bytecode, Fork, Transaction};
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{Dialect, Eip3155Tracer, Options, Summary};
use parallax_tracer_standard::{Recorder, TracerConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("expected the path of the file for the trace")?;
    let contract = Address::repeat_byte(0x11);
    let mut database = MemoryDatabase::default();
    let code = "PUSH 5 PUSH 6 MUL PUSH 0 SSTORE PUSH 0 SLOAD PUSH 0 MSTORE PUSH 32 PUSH 0 RETURN";
    database.accounts.entry(contract).or_default().code = Bytecode::new(assemble(code)?);
    let block = BlockEnv { number: 1, gas_limit: 30_000_000, ..BlockEnv::default() };
    let transaction = Transaction { to: Some(contract), gas_limit: 100_000, ..Transaction::default() };
    let (fork, subject) = (Fork::Osaka, (&transaction).into());
    let job = Job { rules: fork.into(), chain_id: 1, block: &block, subject, database: &database };

    // Neither is told the rules or the outcome: the run does that.
    let mut lines = Eip3155Tracer::create(&path, Options::new(Dialect::Eip3155))?;
    let mut recorder = Recorder::new(TracerConfig::full());
    MiniEngine::new("mini", Mini, &NoPrecompiles).execute(&job, &mut Traced((&mut lines, &mut recorder)))?;

    let written = lines.finish(Some(&Summary::default()));
    written.out?;
    let trace = recorder.into_trace();
    let stores = trace.storage_changes_since(0).count();
    println!(
        "{} lines of steps in {path}; the record has {} steps, {stores} of them stored",
        written.steps,
        trace.len()
    );
    Ok(())
}
