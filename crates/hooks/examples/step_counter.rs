//! Counts opcodes by name, and gas by depth: `cargo run -p parallax-hooks --example step_counter`.

use std::{collections::BTreeMap, error::Error};

use parallax_assembly::assemble;
use parallax_engine_interface::{Engine, Job};
use parallax_hooks::{StepControl, on_step, on_step_end};
use parallax_host_interface::NoPrecompiles;
use parallax_memory_database::MemoryDatabase;
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniEngine;
use parallax_primitives::{Address, BlockEnv, Bytecode, Fork, Transaction};

fn main() -> Result<(), Box<dyn Error>> {
    let contract = Address::repeat_byte(0x11);
    let mut database = MemoryDatabase::default();
    let code = "PUSH 5 loop: PUSH 1 SWAP1 SUB DUP1 PUSH @loop JUMPI STOP";
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

    let (mut opcodes, mut gas) = (BTreeMap::new(), BTreeMap::new());
    let count = on_step(|step| {
        *opcodes.entry(step.opcode.to_string()).or_insert(0) += 1;
        StepControl::Continue
    });
    let add = on_step_end(|step, end| *gas.entry(step.depth).or_insert(0) += end.gas_cost);
    MiniEngine::new("mini", Mini, &NoPrecompiles).execute(&job, &mut (count, add))?;

    println!("{opcodes:?}");
    println!("gas by depth: {gas:?}");
    Ok(())
}
