//! Steps over a call, and stops in the callee all the same, where its breakpoint is; then runs out of it, and on to where a message
//! reverts: `cargo run -p parallax-run-control --example breakpoint_in_callee`.

use std::error::Error;

use parallax_assembly::assemble;
use parallax_engine_interface::{Engine, Job, Stepper};
use parallax_hooks::NoHooks;
use parallax_host_interface::NoPrecompiles;
use parallax_memory_database::MemoryDatabase;
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniEngine;
use parallax_primitives::{Address, BlockEnv, Bytecode, Fork, Opcode, Transaction, U256};
use parallax_run_control::{Breakpoints, CallPattern, Condition, run_until, step_out, step_over};

fn show(stepper: &dyn Stepper) {
    match (stepper.view(), stepper.message()) {
        (Some(step), _) => println!("depth {}, pc {}: before {}", step.depth, step.pc, step.opcode),
        (None, Some((message, phase))) => {
            println!("{} to {}: {phase:?}", message.kind.name(), message.address);
        }
        (None, None) => println!("over"),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let [outer, inner] = [0x11, 0x22].map(Address::repeat_byte);
    let mut database = MemoryDatabase::default();
    let call = format!("PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH20 {inner:#x} GAS CALL STOP");
    for (address, code) in [(outer, call.as_str()), (inner, "PUSH 1 PUSH 7 SSTORE PUSH 0 PUSH 0 REVERT")] {
        database.accounts.entry(address).or_default().code = Bytecode::new(assemble(code)?);
    }
    let block = BlockEnv { number: 1, gas_limit: 30_000_000, ..BlockEnv::default() };
    let transaction = Transaction { to: Some(outer), gas_limit: 100_000, ..Transaction::default() };
    let job = Job {
        rules: Fork::Osaka.into(),
        chain_id: 1,
        block: &block,
        subject: (&transaction).into(),
        database: &database,
    };
    let engine = MiniEngine::new("mini", Mini, &NoPrecompiles);
    let mut stepper = engine.start(&job)?.ok_or("an engine that cannot be stepped")?;
    let stepper = &mut *stepper;

    let store = Condition::StorageWrite { address: Some(inner), key: U256::from(7) };
    let mut breakpoints = Breakpoints::new(vec![store, Condition::Revert]);
    run_until(stepper, Condition::Opcode(Opcode::CALL), &mut NoHooks)?;
    show(stepper);
    step_over(stepper, &mut breakpoints)?;
    show(stepper);
    step_out(stepper, &mut breakpoints)?;
    show(stepper);
    step_over(stepper, &mut breakpoints)?;
    show(stepper);

    // Conditions on messages alone leave the fast form of an engine running.
    let mut second = engine.start(&job)?.ok_or("an engine that cannot be stepped")?;
    let calls = CallPattern { target: Some(inner), ..CallPattern::default() };
    run_until(&mut *second, Condition::Call(calls), &mut NoHooks)?;
    show(&*second);
    Ok(())
}
