//! A plain EVM as an oracle: code in, outcome out.

use parallax::{
    assembly::assemble, engine::run_message, hooks::NoHooks, host::NoPrecompiles,
    memory_database::MemoryDatabase, mini_interpreter::Mini, mini_machine::MiniEngine, primitives::*,
};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let to = Address::repeat_byte(0x22);
    let database =
        MemoryDatabase::with_code(to, assemble("PUSH 2 PUSH 3 MUL PUSH 0 MSTORE PUSH 32 PUSH 0 RETURN")?);
    let message = Message::call(Address::ZERO, to).gas(100_000);
    let engine = MiniEngine::new("mini", Mini, &NoPrecompiles);
    let done = run_message(&engine, Fork::Osaka, &database, &message, &mut NoHooks)?;
    let outcome = done.outcome.ok_or("aborted")?;
    println!("{:?}, {} gas, {}", outcome.status, outcome.gas_used, outcome.output);
    assert_eq!(outcome.output[31], 6);
    Ok(())
}
