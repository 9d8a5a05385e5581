//! Both sides of every step as JSON lines, and back.

use parallax::{
    assembly::assemble,
    engine::Job,
    local_engine::LocalEngine,
    memory_database::MemoryDatabase,
    mini_interpreter::Mini,
    mini_machine::MiniEngine,
    mini_precompiles, precompiles,
    primary_interpreter::Primary,
    primitives::*,
    record_json::{CaseId, Reader, write_run},
    shadow_diff::{RunLimits, ShadowConfig, run_both_per_step},
};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let to = Address::repeat_byte(0x22);
    let database = MemoryDatabase::with_code(to, assemble("PUSH 7 SLOAD POP PUSH 7 SLOAD")?);
    let (block, rules) = (BlockEnv::default(), Fork::Osaka.into());
    let transaction = Transaction { to: Some(to), gas_limit: 100_000, ..Transaction::default() };
    let job = Job { rules, chain_id: 1, block: &block, subject: (&transaction).into(), database: &database };
    let left = LocalEngine::new("primary", Primary::new(), &precompiles::Contracts);
    let right = MiniEngine::new("mini", Mini, &mini_precompiles::Contracts);
    let config = ShadowConfig { skip_identical_steps: false, ..ShadowConfig::default() };
    let run = run_both_per_step(&left, &right, &job, &config, RunLimits::default());
    let mut lines = Vec::new();
    write_run(&mut lines, CaseId::default(), &run)?;
    assert_eq!(Reader::new(&lines[..]).count(), 8); // a header, six steps, an end
    println!("{}", String::from_utf8(lines)?);
    Ok(())
}
