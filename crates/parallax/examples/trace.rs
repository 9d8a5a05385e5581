//! EIP-3155 lines, and a record in memory that answers any step.

use parallax::{
    assembly::assemble,
    engine::run_message,
    host::NoPrecompiles,
    memory_database::MemoryDatabase,
    mini_interpreter::Mini,
    mini_machine::MiniEngine,
    primitives::*,
    tracer_core::Traced,
    tracer_eip3155::{Dialect, Eip3155Tracer, Options},
    tracer_standard::{Recorder, TracerConfig},
};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let to = Address::repeat_byte(0x22);
    let database = MemoryDatabase::with_code(to, assemble("PUSH 5 PUSH 6 MUL PUSH 0 SSTORE")?);
    let message = Message::call(Address::ZERO, to).gas(100_000);
    let mut lines = Eip3155Tracer::new(Vec::new(), Options::new(Dialect::Geth));
    let mut recorder = Recorder::new(TracerConfig::full());
    let engine = MiniEngine::new("mini", Mini, &NoPrecompiles);
    run_message(&engine, Fork::Osaka, &database, &message, &mut Traced((&mut lines, &mut recorder)))?;
    println!("{}", String::from_utf8(lines.finish(None).out?)?);
    let before = recorder.into_trace().state_before(4).ok_or("no step 4")?;
    assert_eq!(before.stack, [U256::from(30), U256::ZERO]);
    Ok(())
}
