//! EVMC libraries by name: `evmc:PATH[,OPTION=VALUE]...`.

use std::{
    cmp::Ordering,
    collections::BTreeMap,
    fmt,
    hash::{Hash, Hasher},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use parallax_engine_evmc::{ChildProgram, Configuration, ConfigurationError, Evmc, Limits, Loaded};
use parallax_host_interface::HostError;

/// What such a name begins with.
pub(crate) const EVMC: &str = "evmc:";

/// The one argument with which this program is started as the child process that a library runs in: it is to call
/// [`child_main`](crate::child_main) then.
pub const CHILD: &str = "evmc-child";

/// A library. Its processes are kept from case to case, and each case has an instance of its own in one of them.
#[derive(Clone, Copy)]
pub struct EvmcName(&'static Evmc);

impl EvmcName {
    /// The library that `text`, which stands behind `evmc:`, is about.
    ///
    /// # Errors
    ///
    /// If it names none. Whether there is such a library is seen when it is loaded.
    pub fn new(text: &str) -> Result<Self, UnknownEvmc> {
        let configuration = Configuration::new(text)?;
        // As many as a program names; each text has one, so that its processes are shared.
        static LIBRARIES: Mutex<BTreeMap<&'static str, &'static Evmc>> = Mutex::new(BTreeMap::new());
        let mut libraries = LIBRARIES.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("{EVMC}{text}");
        if let Some(library) = libraries.get(&*name) {
            return Ok(Self(library));
        }
        let program = ChildProgram::of_this_program([CHILD]);
        let program = program.map_err(|error| UnknownEvmc::Program(error.to_string()))?;
        let name: &'static str = name.leak();
        // Whoever runs this process watches the clock, and its memory is what a process that it starts has.
        let evmc =
            Evmc::new(name, configuration, program, Limits::default(), &parallax_precompiles::Contracts);
        let library: &'static Evmc = Box::leak(Box::new(evmc));
        libraries.insert(name, library);
        Ok(Self(library))
    }

    /// As users type it.
    pub fn name(self) -> &'static str {
        parallax_engine_interface::Engine::name(self.0)
    }

    /// The engine.
    pub fn library(self) -> &'static Evmc {
        self.0
    }

    /// The same library where nobody else watches the clock: a case may take so much time, and a process so many MiB of address space.
    pub fn limited(self, time: Duration, memory: Option<u64>) -> Evmc {
        self.0.limited(Limits { time: Some(time), memory })
    }

    /// Loads it, to see whether it can be.
    ///
    /// # Errors
    ///
    /// One line that says why it cannot.
    pub fn load(self) -> Result<Loaded, HostError> {
        self.0.load()
    }
}

impl fmt::Debug for EvmcName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EvmcName").field(&self.name()).finish()
    }
}

impl PartialEq for EvmcName {
    fn eq(&self, with: &Self) -> bool {
        self.name() == with.name()
    }
}

impl Eq for EvmcName {}

impl PartialOrd for EvmcName {
    fn partial_cmp(&self, with: &Self) -> Option<Ordering> {
        Some(self.cmp(with))
    }
}

impl Ord for EvmcName {
    fn cmp(&self, with: &Self) -> Ordering {
        self.name().cmp(with.name())
    }
}

impl Hash for EvmcName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

/// What is no library.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownEvmc {
    /// It is written as none is.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// It is not known which program is to be its process.
    #[error("this program cannot be started again: {0}")]
    Program(String),
}
