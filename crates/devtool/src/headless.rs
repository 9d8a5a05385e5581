//! A session without a server: what the API answers, from Rust.

use std::{fmt, sync::Arc};

use serde::Serialize;
use serde_json::Value;

use crate::{
    api::{BUCKETS, PAGE},
    app::App,
    config::Config,
    error::ApiError,
    export,
    folder::Folder,
    model::{CreateSession, When},
    session,
    state::{Window, state},
};

/// One session of the devtool without a server: a program, a state test or a pair of traces, run on two engines, recorded and
/// compared. It is asked for as by `POST /sessions`, runs on threads of its own, and its answers are those of the API: the schemas of
/// `openapi.json` that are named below. Dropping it ends it.
pub struct Session {
    app: App,
    session: Arc<session::Session>,
}

/// Why there is no answer, as the API says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionError {
    /// For programs: `bad_request`, `bad_source`, `not_ready` and so on.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// The field of the request that is at fault, if it is one.
    pub field: Option<String>,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for SessionError {}

impl From<ApiError> for SessionError {
    fn from(ApiError { code, message, field, .. }: ApiError) -> Self {
        Self { code, message, field }
    }
}

impl From<std::io::Error> for SessionError {
    fn from(error: std::io::Error) -> Self {
        ApiError::source("folder", error.to_string()).into()
    }
}

impl Session {
    /// Begins a session. `request` is the schema `CreateSession`; of `config` the folder, the engines and the bounds of one session
    /// count. Fails where the request says what cannot be, or what is to be run cannot be read.
    pub fn start(config: Config, request: Value) -> Result<Self, SessionError> {
        let size = request.to_string().len();
        let wanted: CreateSession =
            serde_json::from_value(request).map_err(|error| ApiError::bad("", error.to_string()))?;
        let folder = config.folder.as_deref().map(Folder::new).transpose()?;
        let app = App::new(config, folder, 0);
        let session = app.create(wanted, size)?;
        Ok(Self { app, session })
    }

    /// Waits until its engines are at rest: at their end, at a limit, or cancelled. One that is paused stays so: another thread must
    /// let it go on.
    pub fn wait(&self) {
        self.session.wait();
    }

    /// Lets the engines stop at their next step. What was recorded so far can be read then.
    pub fn pause(&self) {
        self.session.control.pause();
    }

    /// Lets the engines go on.
    pub fn resume(&self) {
        self.session.control.resume();
    }

    /// Ends the run where it is.
    pub fn cancel(&self) {
        self.session.control.cancel();
    }

    /// What is known of it: status, progress, verdict, outcomes (`Session`).
    pub fn status(&self) -> Result<Value, SessionError> {
        value(&self.session.shown())
    }

    /// At most `limit` steps from number `from` on, both sides of each (`Steps`). Fails with `not_ready` while the engines run.
    pub fn steps(&self, from: u64, limit: usize) -> Result<Value, SessionError> {
        let records = self.session.records()?;
        let (total, steps) = (records.total(), records.rows(from, limit));
        value(&crate::model::Steps { from, total, steps })
    }

    /// The whole state of both sides before a step, or, if `is_after`, behind it (`State`), of the memory at most 64 KiB.
    pub fn state(&self, step: u64, is_after: bool) -> Result<Value, SessionError> {
        let records = self.session.records()?;
        if step >= records.total() {
            return Err(ApiError::not_found(&format!("step: there are {}", records.total())).into());
        }
        let when = if is_after { When::After } else { When::Before };
        let window = Window { offset: 0, length: 1 << 16 };
        value(&state(&records, step, when, window, self.session.engines()))
    }

    /// The first difference (`Divergence`); null where there is none.
    pub fn divergence(&self) -> Result<Value, SessionError> {
        value(&self.session.records()?.first)
    }

    /// The run in at most `buckets` pieces: depth, gas, opcodes, halts, where the sides differ (`Timeline`).
    pub fn timeline(&self, buckets: u64) -> Result<Value, SessionError> {
        let records = self.session.records()?;
        value(&records.timeline(0, u64::MAX, buckets.clamp(1, BUCKETS), PAGE))
    }

    /// The session in one document (`Export`).
    pub fn export(&self) -> Result<Value, SessionError> {
        value(&export::export(&self.session, &self.session.records()?))
    }

    /// The session as a page that opens without a server.
    pub fn export_html(&self) -> Result<String, SessionError> {
        Ok(export::html(&self.session, &self.session.records()?)?)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.app.close();
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.session.id).finish_non_exhaustive()
    }
}

fn value(answer: &impl Serialize) -> Result<Value, SessionError> {
    serde_json::to_value(answer).map_err(|error| ApiError::internal(error.to_string()).into())
}
