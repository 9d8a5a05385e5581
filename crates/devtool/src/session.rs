//! One session: what runs, how far it is, where its cursor stands, and who listens.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, OnceLock},
    thread,
    time::{Duration, Instant},
};

use parallax_memory_database::MemoryDatabase;
use parallax_primitives::Rules;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    config::SessionLimits,
    control::{Control, lock},
    cursor::{Conditions, Position},
    error::{ApiError, panic_text},
    index::Index,
    model::{self, Breakpoint, Mode, Status},
    records::Records,
    run::{self, Ended, Work},
    side::{Recording, Side},
};

/// A session.
pub(crate) struct Session {
    pub(crate) id: String,
    mode: Mode,
    engines: Vec<String>,
    source: model::SourceShown,
    pub(crate) limits: SessionLimits,
    source_bytes: u64,
    pub(crate) control: Arc<Control>,
    ended: OnceLock<Result<Ended, String>>,
    /// The state before the run, and its rules.
    before: OnceLock<(Arc<MemoryDatabase>, Rules)>,
    place: Mutex<Place>,
    /// Held while the cursor is moved, which may take a while: one command after another.
    moving: Mutex<()>,
    /// What was shown last of a run that is held, and how many steps each side had.
    held: Mutex<Option<([u64; 2], Records)>>,
    used: Mutex<Instant>,
    /// Counts what listeners should hear of.
    changes: watch::Sender<Change>,
    /// Why it is over, if it is.
    closed: OnceLock<&'static str>,
}

/// Where the user stands and stops.
#[derive(Default)]
struct Place {
    position: Position,
    breakpoints: Vec<Breakpoint>,
    conditions: Conditions,
}

/// What has changed, counted by kind: a listener that sees a larger number asks for the newest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) status: u64,
    pub(crate) cursor: u64,
    pub(crate) breakpoints: u64,
}

/// What a new session is made of.
pub(crate) struct Made {
    pub(crate) id: String,
    pub(crate) mode: Mode,
    pub(crate) engines: Vec<String>,
    pub(crate) source: model::SourceShown,
    pub(crate) limits: SessionLimits,
    pub(crate) source_bytes: u64,
    pub(crate) breakpoints: Vec<Breakpoint>,
    pub(crate) conditions: Conditions,
}

impl Session {
    pub(crate) fn new(made: Made) -> Self {
        let Made { id, mode, engines, source, limits, source_bytes, breakpoints, conditions } = made;
        let place = Place { position: Position::default(), breakpoints, conditions };
        Self {
            id,
            mode,
            engines,
            source,
            limits,
            source_bytes,
            control: Arc::new(Control::new(limits)),
            ended: OnceLock::new(),
            before: OnceLock::new(),
            place: Mutex::new(place),
            moving: Mutex::default(),
            held: Mutex::default(),
            used: Mutex::new(Instant::now()),
            changes: watch::Sender::default(),
            closed: OnceLock::new(),
        }
    }

    /// Runs the session's work on a thread of its own.
    pub(crate) fn start(self: &Arc<Self>, work: Work) -> std::io::Result<()> {
        if let Work::Engines { prepared, .. } = &work {
            let _ = self.before.set((Arc::clone(&prepared.database), prepared.rules));
        }
        let session = Arc::clone(self);
        thread::Builder::new().name(format!("session {}", self.id)).spawn(move || {
            let span = tracing::error_span!("session", id = session.id, mode = ?session.mode);
            let _entered = span.enter();
            let ran = catch_unwind(AssertUnwindSafe(|| run::run(&work, &session.control)));
            let ended =
                ran.unwrap_or_else(|panic| Err(format!("an engine panicked: {}", panic_text(&*panic))));
            match &ended {
                Ok(_) => tracing::info!(milliseconds = session.control.elapsed_ms(), "ended"),
                Err(error) => tracing::error!(error, "failed"),
            }
            let _ = session.ended.set(ended);
            *lock(&session.held) = None;
            session.tell(|change| change.status += 1);
        })?;
        Ok(())
    }

    /// Waits until its work is over.
    pub(crate) fn wait(&self) {
        let _ = self.ended.wait();
    }

    pub(crate) fn touch(&self) {
        *lock(&self.used) = Instant::now();
    }

    pub(crate) fn idle_for(&self) -> Duration {
        lock(&self.used).elapsed()
    }

    /// Ends it: its run stops, its listeners are told.
    pub(crate) fn close(&self, reason: &'static str) {
        let _ = self.closed.set(reason);
        self.control.cancel();
        self.tell(|change| change.status += 1);
    }

    pub(crate) fn closed(&self) -> Option<&'static str> {
        self.closed.get().copied()
    }

    pub(crate) fn listen(&self) -> watch::Receiver<Change> {
        self.changes.subscribe()
    }

    pub(crate) fn tell(&self, change: impl FnOnce(&mut Change)) {
        self.changes.send_modify(change);
    }

    /// Bytes that it may still come to take.
    pub(crate) fn set_aside(&self) -> u64 {
        let records = match self.ended.get() {
            Some(_) => self.control.bytes(),
            None => self.limits.bytes,
        };
        records.saturating_add(self.source_bytes)
    }

    pub(crate) fn status(&self) -> Status {
        match self.ended.get() {
            Some(Ok(_)) => Status::Done,
            Some(Err(_)) => Status::Failed,
            None if self.control.is_paused() => Status::Paused,
            None => Status::Running,
        }
    }

    /// The records, once they can be read.
    pub(crate) fn records(&self) -> Result<Records, ApiError> {
        match self.ended.get() {
            Some(Ok(ended)) => Ok(Records {
                sides: ended.sides.clone(),
                index: Arc::clone(&ended.index),
                first: ended.verdict.as_ref().and_then(|verdict| verdict.divergence.clone()),
                report: ended.report.clone(),
            }),
            // A trace is what the client gave.
            Some(Err(error)) if self.source.kind == "traces" => {
                Err(ApiError::source("source", error.clone()))
            }
            Some(Err(error)) => Err(ApiError::internal(format!("the session failed: {error}"))),
            None if self.control.is_paused() => self.partial(),
            None => Err(ApiError::not_ready()),
        }
    }

    fn partial(&self) -> Result<Records, ApiError> {
        let Some((database, rules)) = self.before.get() else { return Err(ApiError::not_ready()) };
        let traces = lock(&self.control.held_traces).clone();
        let steps = [0, 1].map(|side: usize| traces[side].as_ref().map_or(0, |trace| trace.len()));
        let mut held = lock(&self.held);
        if let Some((_, records)) = held.as_ref().filter(|(of, _)| *of == steps) {
            return Ok(records.clone());
        }
        let sides = traces.map(|trace| {
            let trace = trace?;
            Some(Arc::new(Side::Recorded(Recording { trace, database: Arc::clone(database), rules: *rules })))
        });
        let index = Index::of([sides[0].as_deref(), sides[1].as_deref()], None, &|| true);
        let records = Records { sides, index: Arc::new(index), first: None, report: None };
        *held = Some((steps, records.clone()));
        Ok(records)
    }

    pub(crate) fn engines(&self) -> Vec<String> {
        self.engines.clone()
    }

    /// Moves the cursor.
    pub(crate) fn go(
        &self,
        go: impl FnOnce(&mut Position, &Records, &Conditions),
    ) -> Result<model::Cursor, ApiError> {
        let _moving = lock(&self.moving);
        let records = self.records()?;
        // What asks where the cursor stands is not to wait until it has arrived.
        let (mut position, conditions) = {
            let place = lock(&self.place);
            (place.position.clone(), place.conditions.clone())
        };
        go(&mut position, &records, &conditions);
        lock(&self.place).position = position.clone();
        self.tell(|change| change.cursor += 1);
        Ok(self.cursor_at(&records, &position))
    }

    pub(crate) fn cursor(&self) -> Result<model::Cursor, ApiError> {
        let records = self.records()?;
        let position = lock(&self.place).position.clone();
        Ok(self.cursor_at(&records, &position))
    }

    fn cursor_at(&self, records: &Records, position: &Position) -> model::Cursor {
        model::Cursor {
            step: self.step_at(records, position.index),
            stop: position.stop,
            breakpoint: position.breakpoint,
            acknowledged: position.is_acknowledged(),
        }
    }

    pub(crate) fn step_at(&self, records: &Records, step: u64) -> model::Step {
        model::Step { mode: self.mode, engines: self.engines(), row: records.row(step) }
    }

    pub(crate) fn breakpoints(&self) -> Vec<Breakpoint> {
        lock(&self.place).breakpoints.clone()
    }

    pub(crate) fn set_breakpoints(&self, breakpoints: Vec<Breakpoint>) -> Result<(), ApiError> {
        let conditions = Conditions::new(&breakpoints, "breakpoints")?;
        let mut place = lock(&self.place);
        (place.breakpoints, place.conditions) = (breakpoints, conditions);
        drop(place);
        self.tell(|change| change.breakpoints += 1);
        Ok(())
    }

    pub(crate) fn progress(&self) -> model::Progress {
        let steps = self.control.steps();
        model::Progress {
            steps: steps[..self.engines.len().min(2)].to_vec(),
            bytes: self.control.bytes(),
            elapsed_ms: self.control.elapsed_ms(),
            phase: self.control.phase(),
        }
    }

    pub(crate) fn progress_event(&self) -> Value {
        let mut event = json!(self.progress());
        event["type"] = json!("progress");
        event
    }

    /// What is known of it.
    pub(crate) fn shown(&self) -> model::Session {
        let limits = model::Limits {
            steps: self.limits.steps,
            memory_bytes: self.limits.bytes,
            seconds: self.limits.time.as_secs(),
        };
        let mut session = model::Session {
            id: self.id.clone(),
            status: self.status(),
            mode: self.mode,
            engines: self.engines(),
            source: self.source.clone(),
            limits,
            progress: self.progress(),
            total_steps: 0,
            steps: vec![0; self.engines.len()],
            stopped_by: self.control.stopped_by(),
            outcomes: vec![None; self.engines.len()],
            verdict: None,
            step_index: lock(&self.place).position.index,
            error: None,
        };
        match self.ended.get() {
            Some(Ok(ended)) => {
                session.steps = ended.sides().into_iter().flatten().map(Side::len).collect();
                session.total_steps = session.steps.iter().copied().max().unwrap_or(0);
                session.outcomes.clone_from(&ended.outcomes);
                session.verdict.clone_from(&ended.verdict);
            }
            Some(Err(error)) => session.error = Some(error.clone()),
            None => {}
        }
        session
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::config::Bounds;

    #[test]
    fn a_session_answers_while_its_cursor_moves() {
        let source = model::SourceShown {
            kind: "code",
            title: String::new(),
            fork: None,
            path: None,
            name: None,
            index: None,
        };
        let session = Session::new(Made {
            id: "1".to_owned(),
            mode: Mode::Off,
            engines: vec!["mini".to_owned()],
            source,
            limits: Bounds::default().default,
            source_bytes: 0,
            breakpoints: Vec::new(),
            conditions: Conditions::default(),
        });
        session.ended.set(Ok(Ended::default())).unwrap();
        let session = Arc::new(session);
        let moved = session.go(|_, _, _| {
            let (told, heard) = mpsc::channel();
            let other = Arc::clone(&session);
            thread::spawn(move || {
                let _ = told.send((other.shown().step_index, other.breakpoints().len()));
            });
            assert_eq!(heard.recv_timeout(Duration::from_secs(60)), Ok((0, 0)));
        });
        assert!(moved.is_ok());
    }
}
