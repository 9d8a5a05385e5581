//! All sessions of a server, and the bounds on them.

use std::{
    collections::{BTreeMap, hash_map::RandomState},
    hash::BuildHasher,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::http::StatusCode;
use parallax_primitives::{BlockEnv, Rules};
use tokio::sync::Semaphore;

use crate::{
    config::{Config, SessionLimits},
    control::lock,
    cursor::Conditions,
    error::ApiError,
    folder::Folder,
    model::{self, CreateSession, LimitsWanted, Mode, Source},
    run::Work,
    session::{Made, Session},
    source::{self, TransactionSource, Wanted},
};

/// What all requests share.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) folder: Option<Folder>,
    /// What a request's Host may be.
    pub(crate) port: u16,
    /// Room for WebSockets: they are connections no longer.
    pub(crate) listeners: Arc<Semaphore>,
    sessions: Mutex<Sessions>,
}

#[derive(Default)]
struct Sessions {
    /// By number, so oldest first.
    all: BTreeMap<u64, Arc<Session>>,
    begun: u64,
    secret: RandomState,
}

impl App {
    pub(crate) fn new(config: Config, folder: Option<Folder>, port: u16) -> Self {
        let listeners = Arc::new(Semaphore::new(config.bounds.connections));
        Self { config, folder, port, listeners, sessions: Mutex::default() }
    }

    pub(crate) fn sessions(&self) -> Vec<Arc<Session>> {
        lock(&self.sessions).all.values().map(Arc::clone).collect()
    }

    pub(crate) fn session(&self, id: &str) -> Result<Arc<Session>, ApiError> {
        let found = lock(&self.sessions).all.values().find(|session| session.id == id).map(Arc::clone);
        let session = found.ok_or_else(|| ApiError::not_found("session"))?;
        session.touch();
        Ok(session)
    }

    pub(crate) fn delete(&self, id: &str) -> Result<(), ApiError> {
        let session = self.session(id)?;
        lock(&self.sessions).all.retain(|_, kept| kept.id != id);
        session.close("deleted");
        Ok(())
    }

    /// Ends the sessions that nobody asked about for too long.
    pub(crate) fn sweep(&self) {
        let idle = self.config.bounds.idle;
        let mut gone = Vec::new();
        lock(&self.sessions).all.retain(|_, session| {
            let keeps = session.idle_for() < idle;
            if !keeps {
                gone.push(Arc::clone(session));
            }
            keeps
        });
        for session in gone {
            session.close("idle for too long");
        }
    }

    /// Ends all of them.
    pub(crate) fn close(&self) {
        for session in std::mem::take(&mut lock(&self.sessions).all).into_values() {
            session.close("the server ends");
        }
    }

    /// Whether there is room; asked before anything is read, so that too many requests cost little.
    pub(crate) fn check_room(&self, bytes: u64) -> Result<(), ApiError> {
        lock(&self.sessions).check_room(&self.config, bytes)
    }

    /// Begins a session that was asked for in so many bytes.
    pub(crate) fn create(&self, wanted: CreateSession, asked: usize) -> Result<Arc<Session>, ApiError> {
        let limits = self.limits(wanted.limits)?;
        self.check_room(limits.bytes)?;
        // What it is made of is kept for as long as it is there, in about as many bytes as its text has.
        let mut source_bytes = asked as u64;
        let conditions = Conditions::new(&wanted.breakpoints, "breakpoints")?;
        let mode = wanted.mode.unwrap_or(Mode::PerStep);
        let folder = self.folder.as_ref();
        let file_bytes = self.config.bounds.file_bytes;
        let (work, shown, mode, engines) = match wanted.source {
            Source::Traces(given) => {
                if mode == Mode::Off {
                    return Err(ApiError::bad("mode", "two traces are compared: expected per_step"));
                }
                let (texts, shown) = source::traces(given, folder, file_bytes)?;
                let names = texts.iter().map(|text| text.client.name().to_owned()).collect();
                source_bytes = source_bytes.max(texts.iter().map(source::TraceText::size).sum());
                (Work::Traces(Box::new(texts)), shown, Mode::PerStep, names)
            }
            given => {
                let engines = self.engines(wanted.engines, mode)?;
                let (prepared, shown) = match given {
                    Source::Code(code) => source::code(&code, &self.config)?,
                    Source::Upload(upload) => source::upload(&upload)?,
                    Source::Test(test) => {
                        let folder = source::below(folder, "source.path")?;
                        let text = folder.read(&test.path, "source.path", file_bytes)?;
                        source_bytes += text.len() as u64;
                        let (name, rules) = (test.name.as_deref(), test.fork.as_deref());
                        let whole = self.config.folder.as_ref().map(|folder| folder.join(&test.path));
                        let whole_path = whole.as_deref().and_then(Path::to_str);
                        let path = Some(test.path.as_str());
                        source::test(text, &Wanted { path, whole_path, name, rules, index: test.index })?
                    }
                    Source::Traces(_) => return Err(ApiError::internal("traces have no engines")),
                };
                check_support(&engines, prepared.rules, &prepared.block)?;
                let names = engines.iter().map(|engine| engine.name().to_owned()).collect();
                (Work::Engines { prepared: Box::new(prepared), mode, engines }, shown, mode, names)
            }
        };
        let made = |id| Made {
            id,
            mode,
            engines,
            source: shown,
            limits,
            source_bytes,
            breakpoints: wanted.breakpoints,
            conditions,
        };
        self.begin(work, limits.bytes + source_bytes, made)
    }

    /// Begins a session of a transaction that who runs the server gives, within the most that a session may use up.
    pub(crate) fn open(
        &self,
        source: TransactionSource,
        engines: [&str; 2],
    ) -> Result<Arc<Session>, ApiError> {
        let (mode, limits, source_bytes) = (Mode::PerStep, self.config.bounds.most, source.size());
        let engines = self.engines(Some(engines.map(str::to_owned).to_vec()), mode)?;
        let (prepared, source) = source.prepare();
        check_support(&engines, prepared.rules, &prepared.block)?;
        let names = engines.iter().map(|engine| engine.name().to_owned()).collect();
        let made = |id| Made {
            id,
            mode,
            engines: names,
            source,
            limits,
            source_bytes,
            breakpoints: Vec::new(),
            conditions: Conditions::default(),
        };
        let work = Work::Engines { prepared: Box::new(prepared), mode, engines };
        self.begin(work, limits.bytes + source_bytes, made)
    }

    fn begin(
        &self,
        work: Work,
        bytes: u64,
        made: impl FnOnce(String) -> Made,
    ) -> Result<Arc<Session>, ApiError> {
        let session = lock(&self.sessions).add(&self.config, bytes, made)?;
        session.start(work).map_err(|error| {
            let _ = self.delete(&session.id);
            ApiError::internal(format!("cannot start a thread: {error}"))
        })?;
        Ok(session)
    }

    fn engines(
        &self,
        names: Option<Vec<String>>,
        mode: Mode,
    ) -> Result<Vec<&'static dyn parallax_campaign::engines::EngineSource>, ApiError> {
        let known = &self.config.engines;
        let names = names.unwrap_or_else(|| known.names().take(2).map(str::to_owned).collect());
        let expected = if mode == Mode::Off { 1..=2 } else { 2..=2 };
        if !expected.contains(&names.len()) {
            return Err(ApiError::bad("engines", "expected two engines, or, in mode off, one"));
        }
        let by_name = |name: &String| {
            known.by_name(name).ok_or_else(|| {
                let names: Vec<_> = known.names().collect();
                ApiError::bad("engines", format!("no engine {name:?}: expected one of {}", names.join(", ")))
            })
        };
        let count = if mode == Mode::Off { 1 } else { 2 };
        names.iter().take(count).map(by_name).collect()
    }

    fn limits(&self, wanted: LimitsWanted) -> Result<SessionLimits, ApiError> {
        let (most, default) = (self.config.bounds.most, self.config.bounds.default);
        let check = |field: &str, wanted: Option<u64>, most: u64, default: u64| match wanted {
            Some(wanted) if wanted == 0 || wanted > most => {
                Err(ApiError::bad(field, format!("expected a number from 1 to {most}")))
            }
            wanted => Ok(wanted.unwrap_or(default)),
        };
        let seconds = check("limits.seconds", wanted.seconds, most.time.as_secs(), default.time.as_secs())?;
        Ok(SessionLimits {
            steps: check("limits.steps", wanted.steps, most.steps, default.steps)?,
            bytes: check("limits.memoryBytes", wanted.memory_bytes, most.bytes, default.bytes)?,
            time: Duration::from_secs(seconds),
        })
    }

    pub(crate) fn shown_limits(limits: &SessionLimits) -> model::Limits {
        let SessionLimits { steps, bytes, time } = *limits;
        model::Limits { steps, memory_bytes: bytes, seconds: time.as_secs() }
    }
}

fn check_support(
    engines: &[&'static dyn parallax_campaign::engines::EngineSource],
    rules: Rules,
    block: &BlockEnv,
) -> Result<(), ApiError> {
    match engines.iter().find_map(|engine| engine.make().unsupported(rules, block)) {
        Some(reason) => Err(ApiError::bad("engines", reason)),
        None => Ok(()),
    }
}

impl Sessions {
    fn check_room(&self, config: &Config, bytes: u64) -> Result<(), ApiError> {
        let bounds = &config.bounds;
        let full = |message: String| {
            Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_sessions", message))
        };
        if self.all.len() >= bounds.sessions {
            return full(format!("there are {} sessions, the limit: end one first", self.all.len()));
        }
        let aside: u64 = self.all.values().map(|session| session.set_aside()).sum();
        if aside.saturating_add(bytes) > bounds.total_bytes {
            return full(format!(
                "the sessions have {aside} bytes set aside of {}, and {bytes} more do not fit: end one first, or ask for less memoryBytes",
                bounds.total_bytes
            ));
        }
        Ok(())
    }

    fn add(
        &mut self,
        config: &Config,
        bytes: u64,
        made: impl FnOnce(String) -> Made,
    ) -> Result<Arc<Session>, ApiError> {
        self.check_room(config, bytes)?;
        self.begun += 1;
        // Not to be guessed, so that a page of another origin cannot even name a session.
        let id = format!("{}-{:016x}", self.begun, self.secret.hash_one(self.begun));
        let session = Arc::new(Session::new(made(id)));
        self.all.insert(self.begun, Arc::clone(&session));
        Ok(session)
    }
}
