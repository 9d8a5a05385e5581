//! The side of a comparison whose opcodes are counted.

use std::sync::{Mutex, PoisonError};

use parallax_engine_interface::{Capabilities, Engine, EngineError, Execution, Job, Stepper, Tolerances};
use parallax_hooks::Hooks;
use parallax_primitives::{BlockEnv, Rules};

use super::coverage::Watch;
use crate::engines::{CaseEngine, EngineSource, FastCounts, FastForm};

/// Makes the engines of a side, each with the same watch beside whatever else is shown its runs.
pub(super) struct WatchedSource<'a> {
    pub(super) source: &'a dyn EngineSource,
    /// Of one thread: nobody waits for it.
    pub(super) watch: Mutex<Watch>,
}

impl EngineSource for WatchedSource<'_> {
    fn name(&self) -> &'static str {
        self.source.name()
    }

    fn make(&self) -> Box<dyn CaseEngine + '_> {
        Box::new(Watched { engine: self.source.make(), watch: &self.watch })
    }

    fn forms(&self) -> &'static [FastForm] {
        self.source.forms()
    }

    fn rules(&self) -> Option<Rules> {
        self.source.rules()
    }
}

struct Watched<'a> {
    engine: Box<dyn CaseEngine + 'a>,
    watch: &'a Mutex<Watch>,
}

impl Engine for Watched<'_> {
    fn name(&self) -> &'static str {
        Engine::name(&*self.engine)
    }

    fn capabilities(&self) -> Capabilities {
        self.engine.capabilities()
    }

    fn tolerances(&self) -> Tolerances {
        self.engine.tolerances()
    }

    fn unsupported(&self, rules: Rules, block: &BlockEnv) -> Option<String> {
        self.engine.unsupported(rules, block)
    }

    fn start<'a>(&'a self, job: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        self.engine.start(job)
    }

    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        self.engine.execute(job, &mut (hooks, &mut *watch))
    }
}

impl CaseEngine for Watched<'_> {
    fn fast(&self) -> Option<FastCounts> {
        self.engine.fast()
    }

    fn is_warm(&self) -> bool {
        self.engine.is_warm()
    }
}
