//! Two engines, before and after every opcode.

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
    shadow_diff::{ShadowConfig, Verdict, compare_engines},
};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let to = Address::repeat_byte(0x22);
    let database = MemoryDatabase::with_code(to, assemble("PUSH 7 SLOAD POP PUSH 7 SLOAD")?);
    let (block, rules) = (BlockEnv::default(), Fork::Osaka.into());
    let transaction = Transaction { to: Some(to), gas_limit: 100_000, ..Transaction::default() };
    let job = Job { rules, chain_id: 1, block: &block, subject: (&transaction).into(), database: &database };
    let left = LocalEngine::new("primary", Primary::new(), &precompiles::Contracts);
    let right = MiniEngine::new("mini", Mini, &mini_precompiles::Contracts);
    match compare_engines(&left, &right, &job, &ShadowConfig::default()).verdict {
        Verdict::Agree => println!("they agree"),
        Verdict::Diverge(divergence) => return Err(divergence.to_string().into()),
        other => return Err(other.name().into()),
    }
    Ok(())
}
