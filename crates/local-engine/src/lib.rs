#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

use parallax_engine_interface::{Engine, EngineError, Interpreter, Job, Stepper};
use parallax_host_interface::{PrecompileSet, unknown_definition};
use parallax_machine::{Machine, validate};
use parallax_primitives::{BlockEnv, Rules};
use parallax_state::State;

/// An interpreter with the first machine and its state around it.
#[derive(Clone, Copy)]
pub struct LocalEngine<I> {
    name: &'static str,
    interpreter: I,
    precompiles: &'static dyn PrecompileSet,
}

impl<I> LocalEngine<I> {
    /// Puts `interpreter` behind [`Engine`] under `name`, with these precompiled contracts.
    pub const fn new(name: &'static str, interpreter: I, precompiles: &'static dyn PrecompileSet) -> Self {
        Self { name, interpreter, precompiles }
    }

    /// The interpreter.
    pub fn interpreter(&self) -> &I {
        &self.interpreter
    }
}

impl<I: Interpreter + Sync> Engine for LocalEngine<I> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn unsupported(&self, rules: Rules, _: &BlockEnv) -> Option<String> {
        unknown_definition(rules)
    }

    fn start<'a>(&'a self, job: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        let validated = validate(job)?;
        let state = State::new(job.database, job.rules, job.block.clone(), validated.transaction.clone());
        let machine = Machine::new(&self.interpreter, self.precompiles, job, validated, Box::new(state))?;
        Ok(Some(Box::new(machine)))
    }
}
