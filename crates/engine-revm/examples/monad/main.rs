//! A chain that is built on revm, whole: its rules as ours ([`rules`]), its revm as an engine ([`types`]), and the two side by side.
//!
//! The first program is one that the rules are right about; then they forget what a cold slot costs on this chain, and the comparison
//! says where that shows.

pub(crate) mod rules;
pub(crate) mod types;

use std::error::Error;

use monad_revm::MonadHardfork;
use parallax_assembly::assemble;
use parallax_engine_interface::Job;
use parallax_engine_revm::Revm;
use parallax_local_engine::LocalEngine;
use parallax_memory_database::MemoryDatabase;
use parallax_primary_interpreter::Primary;
use parallax_primitives::{Address, BlockEnv, Parameter, Rules, Transaction};
use parallax_shadow_diff::{ShadowConfig, ShadowMode, Verdict, compare_engines};

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    for (hardfork, rules) in
        [(MonadHardfork::MonadEight, rules::monad_eight()), (MonadHardfork::MonadNine, rules::monad_nine())]
    {
        let right = compare(hardfork, rules.clone().build()?)?;
        println!("{hardfork}: {}", right.name());
        let wrong = compare(hardfork, rules.parameter(Parameter::cold_slot_load, 2000).build()?)?;
        let Verdict::Diverge(divergence) = &wrong else { return Err("nobody saw it".into()) };
        println!("{divergence}");
        if right != Verdict::Agree {
            return Err("the rules are not monad-revm's".into());
        }
    }
    Ok(())
}

/// `monad-revm` and the fast engine on a program that reads a slot, at each step.
fn compare(hardfork: MonadHardfork, rules: Rules) -> Result<Verdict, Box<dyn Error>> {
    let to = Address::repeat_byte(0xc0);
    let world = MemoryDatabase::with_code(to, assemble("PUSH 7 SLOAD PUSH 64 MSTORE STOP")?);
    let transaction = Transaction { to: Some(to), gas_limit: 100_000, ..Transaction::default() };
    let (block, chain_id) = (BlockEnv::default(), rules.chain_id());
    let job = Job { rules, chain_id, block: &block, subject: (&transaction).into(), database: &world };

    let theirs = Revm::new(types::Monad { hardfork, rules });
    let ours = LocalEngine::new("primary", Primary::default(), &parallax_precompiles::Contracts);
    let config = ShadowConfig::between(&theirs, &ours, ShadowMode::PerStep);
    Ok(compare_engines(&theirs, &ours, &job, &config).verdict)
}
