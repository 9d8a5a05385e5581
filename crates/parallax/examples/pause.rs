//! Breakpoints and steps, on any engine that can be paused.

use parallax::{
    assembly::assemble,
    engine::{Engine, Job},
    hooks::NoHooks,
    host::NoPrecompiles,
    memory_database::MemoryDatabase,
    mini_interpreter::Mini,
    mini_machine::MiniEngine,
    primitives::*,
    run_control::{Condition, run_until, step_over},
};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let to = Address::repeat_byte(0x22);
    let database = MemoryDatabase::with_code(to, assemble("PUSH 5 PUSH 6 MUL PUSH 0 SSTORE STOP")?);
    let (block, rules) = (BlockEnv::default(), Fork::Osaka.into());
    let transaction = Transaction { to: Some(to), gas_limit: 100_000, ..Transaction::default() };
    let job = Job { rules, chain_id: 1, block: &block, subject: (&transaction).into(), database: &database };
    let engine = MiniEngine::new("mini", Mini, &NoPrecompiles);
    let mut stepper = engine.start(&job)?.ok_or("it cannot be paused")?;
    let stepper = &mut *stepper;
    run_until(stepper, Condition::Opcode(Opcode::MUL), &mut NoHooks)?;
    step_over(stepper, &mut NoHooks)?;
    let stack = stepper.view().ok_or("it is over")?.stack.to_vec();
    println!("{stack:?}");
    assert_eq!(stack, [U256::from(30)]);
    Ok(())
}
