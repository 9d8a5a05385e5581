//! The engines by name, and the one that puts an interpreter of ours behind [`Engine`]: validation, a journal and a machine
//! per transaction. Invariant: engines share nothing but caches of analysed code, so no run can be seen by another.

use std::sync::LazyLock;

use parallax_engine_interface::{Engine, EngineError, Interpreter, Job, Stepper};
use parallax_engine_revm::Revm;
use parallax_machine::{Machine, validate};
use parallax_mini_interpreter::Mini;
use parallax_primary_interpreter::Primary;
use parallax_primitives::Fork;
use parallax_state::State;

/// What users may type where an engine is asked for.
pub const ENGINE_NAMES: [&str; 3] = ["primary", "mini", "revm"];

/// An interpreter with Parallax's machine and state around it.
#[derive(Clone, Copy, Debug)]
pub struct LocalEngine<I> {
    name: &'static str,
    interpreter: I,
}

impl<I> LocalEngine<I> {
    /// Puts `interpreter` behind [`Engine`] under `name`.
    pub const fn new(name: &'static str, interpreter: I) -> Self {
        Self { name, interpreter }
    }

    /// The interpreter, to run bare messages with.
    pub fn interpreter(&self) -> &I {
        &self.interpreter
    }
}

impl<I: Interpreter + Sync> Engine for LocalEngine<I> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn start<'a>(&'a self, job: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        let validated = validate(job)?;
        let state = State::new(job.database, job.fork, job.block.clone(), validated.transaction.clone());
        Ok(Some(Box::new(Machine::new(&self.interpreter, job, validated, Box::new(state))?)))
    }
}

/// The fast engine.
pub fn primary() -> &'static LocalEngine<Primary> {
    static PRIMARY: LazyLock<LocalEngine<Primary>> =
        LazyLock::new(|| LocalEngine::new("primary", Primary::new()));
    &PRIMARY
}

/// The plain engine.
pub fn mini() -> &'static LocalEngine<Mini> {
    static MINI: LocalEngine<Mini> = LocalEngine::new("mini", Mini);
    &MINI
}

/// The foreign engine.
pub fn revm() -> &'static Revm {
    &Revm
}

/// The engine that users call `name`.
pub fn by_name(name: &str) -> Result<&'static dyn Engine, UnknownEngine> {
    match name {
        "primary" => Ok(primary()),
        "mini" => Ok(mini()),
        "revm" => Ok(revm()),
        _ => Err(UnknownEngine(name.chars().take(64).collect())),
    }
}

/// Why the engine called `name` does not know the rules of `fork`, if it does not. Such cases are counted apart.
pub fn unsupported(name: &str, fork: Fork) -> Option<&'static str> {
    match (name, fork) {
        ("revm", Fork::Constantinople) => Some("revm has no Constantinople before Petersburg (EIP-1283)"),
        _ => None,
    }
}

/// A name that no engine has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown engine {0:?}, expected one of {names}", names = ENGINE_NAMES.join(", "))]
pub struct UnknownEngine(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_an_engine_of_that_name() {
        for name in ENGINE_NAMES {
            assert_eq!(by_name(name).map(Engine::name).ok(), Some(name));
        }
        let error = by_name("evmone").err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(r#"unknown engine "evmone", expected one of primary, mini, revm"#));
    }
}
