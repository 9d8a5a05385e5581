use parallax_engine_interface::{Engine, EngineError, Interpreter, Job, Stepper};
use parallax_host_interface::{PrecompileSet, unknown_definition};
use parallax_primitives::{BlockEnv, Rules};

use crate::MiniMachine;

/// An interpreter with the plain machine around it, which has a state of its own.
#[derive(Clone, Copy)]
pub struct MiniEngine<I> {
    name: &'static str,
    interpreter: I,
    precompiles: &'static dyn PrecompileSet,
}

impl<I> MiniEngine<I> {
    /// Puts `interpreter` behind [`Engine`] under `name`, with these precompiled contracts.
    pub const fn new(name: &'static str, interpreter: I, precompiles: &'static dyn PrecompileSet) -> Self {
        Self { name, interpreter, precompiles }
    }
}

impl<I: Interpreter + Sync> Engine for MiniEngine<I> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn unsupported(&self, rules: Rules, _: &BlockEnv) -> Option<String> {
        unknown_definition(rules)
    }

    fn start<'a>(&'a self, job: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        Ok(Some(Box::new(MiniMachine::new(&self.interpreter, self.precompiles, job)?)))
    }
}
