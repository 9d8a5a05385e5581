//! What holds a run in its bounds, and lets another thread hold, end and watch it.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use parallax_hooks::{End, Hooks, Interest, MessagePhase, Start, StepControl, StepEnd, StepView};
use parallax_primitives::{Message, Rules};
use parallax_tracer_core::Tracer;
use parallax_tracer_standard::{Recorder, Trace, TracerConfig};

use crate::{
    allowance::{Allowance, STEPS_PER_LOOK},
    config::SessionLimits,
};

/// What both sides of a run share with the rest of the server.
#[derive(Debug)]
pub(crate) struct Control {
    limits: SessionLimits,
    wish: Mutex<Wish>,
    changed: Condvar,
    started: Instant,
    steps: [AtomicU64; 2],
    bytes: [AtomicU64; 2],
    phase: AtomicU8,
    elapsed_ms: AtomicU64,
    stopped_by: Mutex<Option<&'static str>>,
    /// What was recorded when the run was held, for reading.
    pub(crate) held_traces: Mutex<[Option<Arc<Trace>>; 2]>,
}

#[derive(Clone, Copy, Debug)]
struct Wish {
    kind: WishKind,
    /// When the pause began, if it is one.
    since: Option<Instant>,
    /// Time spent in pauses before: it does not count.
    held: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WishKind {
    Run,
    Pause,
    Cancel,
}

/// Why a run was stopped that its user ended.
const CANCELLED: &str = "cancelled";

/// What the run is doing.
const PHASES: [&str; 4] = ["comparing", "recording", "indexing", "done"];
/// The first phase in which no engine runs.
const INDEXING: u8 = 2;

impl Control {
    pub(crate) fn new(limits: SessionLimits) -> Self {
        Self {
            limits,
            wish: Mutex::new(Wish { kind: WishKind::Run, since: None, held: Duration::ZERO }),
            changed: Condvar::new(),
            started: Instant::now(),
            steps: Default::default(),
            bytes: Default::default(),
            phase: AtomicU8::new(0),
            elapsed_ms: AtomicU64::new(0),
            stopped_by: Mutex::default(),
            held_traces: Mutex::default(),
        }
    }

    pub(crate) fn pause(&self) {
        self.wish(WishKind::Pause);
    }

    pub(crate) fn resume(&self) {
        self.wish(WishKind::Run);
    }

    /// Ends the run; what is recorded stays.
    pub(crate) fn cancel(&self) {
        self.stop(CANCELLED);
        self.wish(WishKind::Cancel);
    }

    fn wish(&self, kind: WishKind) {
        let mut wish = lock(&self.wish);
        if ![kind, WishKind::Cancel].contains(&wish.kind) {
            let paused = wish.since.take().map_or(Duration::ZERO, |since| since.elapsed());
            wish.held += paused;
            wish.since = (kind == WishKind::Pause).then(Instant::now);
            wish.kind = kind;
        }
        self.changed.notify_all();
    }

    /// Whether it is to wait. What comes after the engines' runs waits for nobody.
    pub(crate) fn is_paused(&self) -> bool {
        lock(&self.wish).kind == WishKind::Pause && self.phase.load(Ordering::Relaxed) < INDEXING
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        lock(&self.wish).kind == WishKind::Cancel
    }

    pub(crate) fn stopped_by(&self) -> Option<&'static str> {
        *lock(&self.stopped_by)
    }

    /// Remembers the first reason.
    pub(crate) fn stop(&self, reason: &'static str) {
        let mut stopped_by = lock(&self.stopped_by);
        if stopped_by.is_none() {
            tracing::warn!(reason, "a limit is met, or the run is ended");
        }
        stopped_by.get_or_insert(reason);
    }

    pub(crate) fn enter(&self, phase: u8) {
        self.phase.store(phase, Ordering::Relaxed);
        self.note_time();
        tracing::debug!(phase = self.phase(), milliseconds = self.elapsed_ms(), "phase");
    }

    /// Begins anew with counting, and says which limit ended what went on so far. A run that was ended stays so.
    pub(crate) fn begin_again(&self) -> Option<&'static str> {
        self.steps.iter().for_each(|steps| steps.store(0, Ordering::Relaxed));
        let mut stopped_by = lock(&self.stopped_by);
        let met = stopped_by.filter(|reason| *reason != CANCELLED);
        if met.is_some() {
            *stopped_by = None;
        }
        met
    }

    pub(crate) fn phase(&self) -> &'static str {
        PHASES[usize::from(self.phase.load(Ordering::Relaxed)).min(PHASES.len() - 1)]
    }

    pub(crate) fn steps(&self) -> [u64; 2] {
        [&self.steps[0], &self.steps[1]].map(|steps| steps.load(Ordering::Relaxed))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.iter().map(|bytes| bytes.load(Ordering::Relaxed)).sum()
    }

    pub(crate) fn elapsed_ms(&self) -> u64 {
        self.elapsed_ms.load(Ordering::Relaxed)
    }

    fn note_time(&self) {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.elapsed_ms.store(elapsed, Ordering::Relaxed);
    }

    pub(crate) fn note(&self, side: usize, steps: u64, bytes: u64) {
        self.steps[side].store(steps, Ordering::Relaxed);
        self.bytes[side].store(bytes, Ordering::Relaxed);
        self.note_time();
    }

    /// Whether a trace that is being read is to be cut here.
    pub(crate) fn ends_reading(&self, side: usize, steps: u64, bytes: u64) -> bool {
        if steps >= self.limits.steps {
            self.stop("steps");
            return true;
        }
        if bytes >= self.limits.bytes / 2 {
            self.stop("memory");
            return true;
        }
        if !steps.is_multiple_of(STEPS_PER_LOOK) {
            return false;
        }
        self.note(side, steps, bytes);
        self.look(self.limits.time, |_| {}) == StepControl::Abort
    }

    /// Waits while it is to wait, and says whether to go on. `show` is told before it waits and behind it.
    fn look(&self, time: Duration, mut show: impl FnMut(bool)) -> StepControl {
        let mut wish = lock(&self.wish);
        if wish.kind == WishKind::Pause {
            show(true);
            while wish.kind == WishKind::Pause {
                wish = self.changed.wait(wish).unwrap_or_else(PoisonError::into_inner);
            }
            show(false);
        }
        if wish.kind == WishKind::Cancel {
            return StepControl::Abort;
        }
        if self.started.elapsed() > time + wish.held {
            self.stop("time");
            return StepControl::Abort;
        }
        StepControl::Continue
    }
}

/// A lock whose holder panicked protects nothing that could be half done here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends a run that is over its limits, or that is to end. Records nothing.
pub(crate) struct Guard<'c> {
    control: &'c Control,
    allowance: Allowance,
    steps: u64,
}

impl<'c> Guard<'c> {
    pub(crate) fn new(control: &'c Control, rules: Rules) -> Self {
        Self { control, allowance: Allowance::new(rules), steps: 0 }
    }
}

impl Hooks for Guard<'_> {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        if self.steps >= self.control.limits.steps {
            self.control.stop("steps");
            return StepControl::Abort;
        }
        if let Some(beyond) = self.allowance.refuses(step) {
            self.control.stop(beyond.name());
            return StepControl::Abort;
        }
        self.steps += 1;
        if self.allowance.is_due() {
            self.control.note(0, self.steps, 0);
            // The other half is for the recording.
            return self.control.look(self.control.limits.time / 2, |_| {});
        }
        StepControl::Continue
    }
}

/// Records a side within its limits.
pub(crate) struct Recording<'c> {
    control: &'c Control,
    side: usize,
    recorder: Recorder,
    allowance: Allowance,
    limit_bytes: u64,
    /// Steps before which the whole state is written out.
    whole_at: &'c [u64],
    steps: u64,
}

impl<'c> Recording<'c> {
    /// `sides` share the limit on bytes.
    pub(crate) fn new(
        control: &'c Control,
        rules: Rules,
        (side, sides): (usize, u64),
        whole_at: &'c [u64],
    ) -> Self {
        let limit_bytes = control.limits.bytes / sides;
        let config = TracerConfig { trace_max_bytes: limit_bytes, ..TracerConfig::full() };
        Self {
            control,
            side,
            recorder: Recorder::new(config),
            allowance: Allowance::new(rules),
            limit_bytes,
            whole_at,
            steps: 0,
        }
    }

    pub(crate) fn into_trace(self) -> Trace {
        let trace = self.recorder.into_trace();
        self.control.note(self.side, trace.len(), trace.header().bytes);
        trace
    }

    #[cold]
    fn look(&mut self) -> StepControl {
        let (control, side) = (self.control, self.side);
        let bytes = self.recorder.trace().header().bytes;
        control.note(side, self.steps, bytes);
        if bytes >= self.limit_bytes {
            control.stop("memory");
            return StepControl::Abort;
        }
        control.look(control.limits.time, |waits| {
            let trace = waits.then(|| Arc::new(self.recorder.trace().clone()));
            lock(&control.held_traces)[side] = trace;
        })
    }
}

impl Hooks for Recording<'_> {
    fn interest(&self) -> Interest {
        Interest::Steps
    }

    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        if self.steps >= self.control.limits.steps {
            self.control.stop("steps");
            return StepControl::Abort;
        }
        if self.allowance.is_due() && self.look() == StepControl::Abort {
            return StepControl::Abort;
        }
        if let Some(beyond) = self.allowance.refuses(step) {
            self.control.stop(beyond.name());
            return StepControl::Abort;
        }
        self.steps += 1;
        if self.whole_at.contains(&step.index) {
            self.recorder.keep_next_state();
        }
        self.recorder.step(step);
        StepControl::Continue
    }

    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.recorder.step_end(step, end);
    }

    fn on_start(&mut self, start: &Start<'_>) {
        self.recorder.start(start);
    }

    fn on_end(&mut self, end: &End<'_>) {
        self.recorder.end(end);
    }

    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        self.recorder.message(message, phase);
        StepControl::Continue
    }
}
