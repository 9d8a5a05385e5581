//! Pauses two engines where they part, shows both, and goes on: `cargo run -p parallax-shadow-diff --example pause_at_divergence`.
//! The right one is `mini` with a planted fault.

use std::error::Error;

use parallax_assembly::assemble;
use parallax_engine_interface::{Job, Progress, Stepper};
use parallax_hooks::NoHooks;
use parallax_host_interface::NoPrecompiles;
use parallax_memory_database::MemoryDatabase;
use parallax_mini_interpreter::{Fault, FaultPlan, FaultyMini, Mini};
use parallax_mini_machine::MiniEngine;
use parallax_primitives::{Address, BlockEnv, Bytecode, Fork, Opcode, Transaction};
use parallax_shadow_diff::{RunLimits, ShadowConfig, SideBySide};

fn main() -> Result<(), Box<dyn Error>> {
    let contract = Address::repeat_byte(0x11);
    let mut database = MemoryDatabase::default();
    let code = "PUSH 2 PUSH 3 ADD PUSH 1 SSTORE STOP";
    database.accounts.entry(contract).or_default().code = Bytecode::new(assemble(code)?);
    let block = BlockEnv { number: 1, gas_limit: 30_000_000, ..BlockEnv::default() };
    let transaction = Transaction { to: Some(contract), gas_limit: 100_000, ..Transaction::default() };
    let job = Job {
        rules: Fork::Osaka.into(),
        chain_id: 1,
        block: &block,
        subject: (&transaction).into(),
        database: &database,
    };

    let left = MiniEngine::new("mini", Mini, &NoPrecompiles);
    let plan = FaultPlan::new(Fault::FlipResult(1), Opcode::ADD);
    let right = MiniEngine::new("faulty", FaultyMini::new(plan), &NoPrecompiles);
    let mut both = SideBySide::start(&left, &right, &job, &ShadowConfig::default(), RunLimits::default())?
        .ok_or("an engine that cannot be stepped")?;
    while both.run(&mut NoHooks)? == Progress::Paused {
        if let Some(divergence) = both.divergence() {
            println!("{divergence}");
        }
        for (name, view) in ["left", "right"].into_iter().zip(both.views()) {
            println!("{name} stands on {:?}", view.map(|view| view.stack));
        }
        both.go_on();
    }
    for step in both.finish().steps {
        let what = step.mismatch.map(|found| format!("{}: {} / {}", found.field, found.left, found.right));
        let carried = if step.is_carried { ", carried on" } else { "" };
        println!("step {}: {}{carried}", step.index, what.as_deref().unwrap_or("the same"));
    }
    Ok(())
}
