//! What a server is given: a folder, a port, engines, bounds. Every bound that is met is an answer that says so.

use std::{fmt, path::PathBuf, time::Duration};

use parallax_campaign::engines::{EngineName, EngineSource};
use parallax_primitives::{Fork, Rules};

/// What a [`crate::Server`] is given.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Below here, and nowhere else, state tests and traces are read.
    pub folder: Option<PathBuf>,
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// What users may choose from.
    pub engines: Engines,
    /// Rules besides those of forks that a program may run under, called by their names; the first is what it runs under where
    /// nothing is said. Rules with opcodes of one's own come in here.
    pub rules: Vec<Rules>,
    /// What a client may use up.
    pub bounds: Bounds,
}

impl Config {
    /// What a program runs under where nothing is said.
    pub(crate) fn default_rules(&self) -> Rules {
        self.rules.first().copied().unwrap_or(Rules::of(Fork::LATEST))
    }
}

/// The engines of a server, by name; one is made for each run of a session.
#[derive(Clone)]
pub struct Engines(Vec<&'static dyn EngineSource>);

impl Engines {
    /// These, in the order in which they are shown.
    pub fn new(engines: Vec<&'static dyn EngineSource>) -> Self {
        Self(engines)
    }

    /// The same and one more.
    #[must_use]
    pub fn with(mut self, engine: &'static dyn EngineSource) -> Self {
        self.0.push(engine);
        self
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().map(|engine| engine.name())
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<&'static dyn EngineSource> {
        self.0.iter().copied().find(|engine| engine.name() == name)
    }
}

impl Default for Engines {
    /// Those that ship.
    fn default() -> Self {
        Self(vec![&EngineName::Primary, &EngineName::Mini, &EngineName::Revm])
    }
}

impl fmt::Debug for Engines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// What clients may use up, all together or each.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Sessions at a time.
    pub sessions: usize,
    /// Bytes that all sessions may set aside for their records.
    pub total_bytes: u64,
    /// The most that one session may ask for.
    pub most: SessionLimits,
    /// What a session gets that does not ask.
    pub default: SessionLimits,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Bytes of a file that is read.
    pub file_bytes: u64,
    /// A session that nobody asks about for so long ends.
    pub idle: Duration,
    /// Connections at a time, and, besides, as many WebSockets.
    pub connections: usize,
    /// How long a client may take for the head of a request, for its body, and for each piece of an answer.
    pub patience: Duration,
}

/// What one session may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Steps recorded a side.
    pub steps: u64,
    /// Bytes of the records of both sides.
    pub bytes: u64,
    /// Wall time of the run.
    pub time: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            sessions: 32,
            total_bytes: 512 << 20,
            most: SessionLimits { steps: 20_000_000, bytes: 256 << 20, time: Duration::from_secs(600) },
            default: SessionLimits { steps: 2_000_000, bytes: 96 << 20, time: Duration::from_secs(60) },
            body_bytes: 16 << 20,
            file_bytes: 64 << 20,
            idle: Duration::from_secs(3600),
            connections: 128,
            patience: Duration::from_secs(10),
        }
    }
}
