use parallax_engine_interface::{Engine, EngineError, Interpreter, Job, Stepper};

use crate::MiniMachine;

/// An interpreter with the plain machine around it, which has a state of its own.
#[derive(Clone, Copy, Debug)]
pub struct MiniEngine<I> {
    name: &'static str,
    interpreter: I,
}

impl<I> MiniEngine<I> {
    /// Puts `interpreter` behind [`Engine`] under `name`.
    pub const fn new(name: &'static str, interpreter: I) -> Self {
        Self { name, interpreter }
    }
}

impl<I: Interpreter + Sync> Engine for MiniEngine<I> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn start<'a>(&'a self, job: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        Ok(Some(Box::new(MiniMachine::new(&self.interpreter, job)?)))
    }
}
