use parallax_hooks::Hooks;
use parallax_primitives::{BlockEnv, Rules};

use crate::{Capabilities, Engine, EngineError, Execution, Job, Stepper, Tolerances};

/// An engine that runs everything by rules of its own, whatever rules a job names: so that two engines, or one engine twice, can be
/// compared under two sets of rules.
#[derive(Clone, Copy, Debug)]
pub struct UnderRules<E> {
    engine: E,
    rules: Rules,
}

impl<E> UnderRules<E> {
    /// `engine`, by `rules`.
    pub const fn new(engine: E, rules: Rules) -> Self {
        Self { engine, rules }
    }

    /// The engine.
    pub const fn engine(&self) -> &E {
        &self.engine
    }
}

impl<E: Engine> Engine for UnderRules<E> {
    fn name(&self) -> &'static str {
        self.engine.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.engine.capabilities()
    }

    fn tolerances(&self) -> Tolerances {
        self.engine.tolerances()
    }

    fn unsupported(&self, _: Rules, block: &BlockEnv) -> Option<String> {
        self.engine.unsupported(self.rules, block)
    }

    fn start<'a>(&'a self, job: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        self.engine.start(&Job { rules: self.rules, ..*job })
    }

    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        self.engine.execute(&Job { rules: self.rules, ..*job }, hooks)
    }
}
