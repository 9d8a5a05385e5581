//! A library as an engine.

use std::sync::{Mutex, PoisonError};

use parallax_engine_interface::{Capabilities, Engine, EngineError, Execution, Job, Stepper, Tolerances};
use parallax_hooks::Hooks;
use parallax_host_interface::{HostError, PrecompileSet};
use parallax_local_engine::LocalEngine;
use parallax_primitives::{BlockEnv, Rules};

use crate::{
    configuration::Configuration,
    interpreter::Remote,
    lane::{ChildProgram, Lane, Limits},
    status::{TOLERANCES, revision},
};

/// An EVMC library with our machine and our state around it. Each run has a process of its own, which is kept for the next one unless
/// it came to its end; each transaction has an instance of its own in it.
pub struct Evmc {
    name: &'static str,
    configuration: Configuration,
    program: ChildProgram,
    limits: Limits,
    precompiles: &'static dyn PrecompileSet,
    idle: Mutex<Vec<Lane>>,
}

/// What a library says that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Evmc {
    /// The engine `name`. Nothing is loaded before the first run, or [`Evmc::load`].
    pub const fn new(
        name: &'static str,
        configuration: Configuration,
        program: ChildProgram,
        limits: Limits,
        precompiles: &'static dyn PrecompileSet,
    ) -> Self {
        Self { name, configuration, program, limits, precompiles, idle: Mutex::new(Vec::new()) }
    }

    /// The same library with limits of its own, and with processes of its own.
    #[must_use]
    pub fn limited(&self, limits: Limits) -> Self {
        let (configuration, program) = (self.configuration.clone(), self.program.clone());
        Self::new(self.name, configuration, program, limits, self.precompiles)
    }

    /// Loads the library into a process, which is kept for the first run.
    ///
    /// # Errors
    ///
    /// If it cannot be loaded, speaks another version of the ABI, refuses an option, or comes to its end: one line says why.
    pub fn load(&self) -> Result<Loaded, HostError> {
        let (lane, [name, version]) = Lane::start(&self.program, &self.configuration, self.limits)?;
        self.keep(lane);
        Ok(Loaded { name, version })
    }

    fn keep(&self, lane: Lane) {
        if lane.is_idle() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(lane);
        }
    }

    fn lane(&self) -> Result<Lane, HostError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut lane = match idle {
            Some(lane) => lane,
            None => Lane::start(&self.program, &self.configuration, self.limits)?.0,
        };
        lane.begin();
        Ok(lane)
    }
}

impl Engine for Evmc {
    fn name(&self) -> &'static str {
        self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { messages: true, ..Capabilities::RESULTS }
    }

    fn tolerances(&self) -> Tolerances {
        TOLERANCES
    }

    fn unsupported(&self, rules: Rules, block: &BlockEnv) -> Option<String> {
        if revision(rules).is_none() {
            return Some(format!("{}: EVMC knows the forks of mainnet alone, not {rules}", self.name));
        }
        let numbers = [block.number, block.timestamp, block.gas_limit];
        let large = numbers.into_iter().find(|number| i64::try_from(*number).is_err())?;
        Some(format!("{}: the block has a number that EVMC cannot say, {large}", self.name))
    }

    fn start<'a>(&'a self, _: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        Ok(None)
    }

    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        let lane = match self.lane() {
            Ok(lane) => lane,
            Err(error) => {
                let error = EngineError::from(error);
                hooks.on_start(&job.start());
                hooks.on_end(&error.end());
                return Err(error);
            }
        };
        let engine = LocalEngine::new(self.name, Remote::new(lane), self.precompiles);
        let result = engine.execute(job, hooks);
        if let Some(lane) = engine.interpreter().take() {
            self.keep(lane);
        }
        result
    }
}
