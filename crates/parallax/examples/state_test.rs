//! Official state tests on any engine.

use parallax::{
    hooks::NoHooks,
    mini_interpreter::Mini,
    mini_machine::MiniEngine,
    mini_precompiles::Contracts,
    state_tests::{cases, run},
};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/state-tests/arithmetic.json");
    let engine = MiniEngine::new("mini", Mini, &Contracts);
    let mut passed = 0;
    for case in cases(fixture.as_ref())? {
        let case = case?;
        let result = run(&case, &engine, &mut NoHooks);
        passed += usize::from(result.pass);
    }
    println!("{passed} cases passed");
    Ok(())
}
