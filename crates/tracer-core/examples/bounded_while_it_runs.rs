//! A bounded tracer whose steps are shown while the run goes on, five at a time:
//! `cargo run -p parallax-tracer-core --example bounded_while_it_runs`.

use std::error::Error;

use parallax_assembly::assemble;
use parallax_engine_interface::{Engine, Job, Progress};
use parallax_host_interface::NoPrecompiles;
use parallax_memory_database::MemoryDatabase;
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniEngine;
use parallax_primitives::{Address, BlockEnv, Bytecode, Fork, Transaction};
use parallax_run_control::StepBudget;
use parallax_tracer_core::Traced;
use parallax_tracer_standard::{Recorder, TracerConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let contract = Address::repeat_byte(0x11);
    let mut database = MemoryDatabase::default();
    let code = "PUSH 3 loop: PUSH 1 SWAP1 SUB DUP1 DUP1 PUSH 0 SSTORE PUSH @loop JUMPI STOP";
    database.accounts.entry(contract).or_default().code = Bytecode::new(assemble(code)?);
    let block = BlockEnv { number: 1, gas_limit: 30_000_000, ..BlockEnv::default() };
    let transaction = Transaction { to: Some(contract), gas_limit: 100_000, ..Transaction::default() };
    let (fork, subject) = (Fork::Osaka, (&transaction).into());
    let job = Job { rules: fork.into(), chain_id: 1, block: &block, subject, database: &database };

    // At most a mebibyte of steps, and of each the two topmost items of the stack.
    let bounds = TracerConfig { stack_max_items: 2, trace_max_bytes: 1 << 20, ..TracerConfig::bounded() };
    let mut recorder = Recorder::new(bounds);
    let engine = MiniEngine::new("mini", Mini, &NoPrecompiles);
    let mut run = engine.start(&job)?.ok_or("this engine cannot pause")?;
    loop {
        let progress = run.run(&mut (StepBudget { left: 5 }, Traced(&mut recorder)))?;
        let mut steps = recorder.drain_new();
        while let Some(step) = steps.advance() {
            let stack: Vec<_> = step.state.stack.iter().rev().take(2).collect();
            println!("{:>4} {:<8} {stack:?}", step.index, step.opcode());
        }
        if progress != Progress::Paused {
            break;
        }
        println!("-- paused");
    }
    let header = recorder.trace().header();
    println!("{} steps in {} bytes, {} dropped", header.steps, header.bytes, header.dropped.steps);
    Ok(())
}
