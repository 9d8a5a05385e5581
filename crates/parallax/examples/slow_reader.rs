//! Lines past a slow reader: a thread writes, and what it does not keep up with is counted.

use parallax::{
    assembly::assemble,
    engine::run_message,
    host::NoPrecompiles,
    memory_database::MemoryDatabase,
    mini_interpreter::Mini,
    mini_machine::MiniEngine,
    primitives::*,
    trace_output::{Background, WhenFull},
    tracer_core::Traced,
    tracer_eip3155::{Dialect, Eip3155Tracer, Options},
};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let to = Address::repeat_byte(0x22);
    let database =
        MemoryDatabase::with_code(to, assemble("PUSH 100 again: PUSH 1 SWAP1 SUB DUP1 @again JUMPI")?);
    let message = Message::call(Address::ZERO, to).gas(100_000);
    let background = Background::new(std::io::sink(), WhenFull::Drop, 4)?;
    let losses = background.losses();
    let mut lines = Eip3155Tracer::new(background, Options::new(Dialect::Eip3155));
    let engine = MiniEngine::new("mini", Mini, &NoPrecompiles);
    run_message(&engine, Fork::Osaka, &database, &message, &mut Traced(&mut lines))?;
    let written = lines.finish(None);
    written.out?.finish()?;
    println!("{} steps, {} lines lost", written.steps, losses.lines());
    Ok(())
}
