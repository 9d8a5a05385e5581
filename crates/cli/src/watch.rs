//! A run that is watched: it can be interrupted, it may have limits, and where it ended is known.

use std::{
    process,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::Args;
use parallax_engine_interface::{Engine, EngineError, Execution, Job};
use parallax_hooks::{Hooks, Interest, StepControl, StepView};
use parallax_primitives::{Opcode, Rules, U256};

use crate::{
    number::number,
    report::{Status, complain},
    seconds::seconds,
};

/// Set by the first interrupt; the second ends the process at once.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// Whether something runs that looks at that.
static IS_WATCHED: AtomicBool = AtomicBool::new(false);

/// From now on an interrupt (INT, TERM or HUP) ends the run that is watched instead of the process; the process where there is none.
pub(crate) fn watch_interrupts() -> Result<()> {
    ctrlc::set_handler(|| {
        let is_watched = IS_WATCHED.load(Ordering::Relaxed);
        if INTERRUPTED.swap(true, Ordering::Relaxed) || !is_watched {
            end("interrupted", Status::Interrupted);
        }
    })
    .context("cannot watch for interrupts")
}

/// Ends the process, of which nothing more is to be kept.
fn end(why: &str, status: Status) -> ! {
    complain(&format!("{why}: what was running has not come to its end"));
    process::exit(status.code().into())
}

/// From now on an interrupt, or the end of the time, ends the process with a word and a status.
pub(crate) fn end_early(timeout: Option<Duration>) -> Result<()> {
    ctrlc::set_handler(move || end("interrupted", Status::Interrupted))
        .context("cannot watch for interrupts")?;
    if let Some(time) = timeout {
        let late = move || {
            thread::sleep(time);
            end(&format!("the limit of {} seconds is met", time.as_secs_f64()), Status::Failure);
        };
        thread::Builder::new().spawn(late).context("cannot start a thread")?;
    }
    Ok(())
}

/// How much of a run is waited for.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArguments {
    /// Most steps of a run [default: what its gas pays for]
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    max_steps: Option<u64>,
    /// Most seconds that a run may take [default: no limit]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
}

impl LimitArguments {
    pub(crate) const fn max_steps(self) -> Option<u64> {
        self.max_steps
    }

    pub(crate) const fn timeout(self) -> Option<Duration> {
        self.timeout
    }
}

/// Why a run came to no end of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Early {
    Interrupted,
    /// It had so many steps.
    Steps(u64),
    /// It took so long.
    Time(Duration),
}

/// A step.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastStep {
    /// From 1, as in traces (EIP-3155).
    pub(crate) depth: u32,
    pub(crate) pc: usize,
    pub(crate) opcode: String,
    /// Gas before it.
    pub(crate) gas: u64,
    /// The topmost items before it, the top first.
    pub(crate) stack: Vec<U256>,
    /// How many items there are.
    pub(crate) stack_size: usize,
}

/// What is known of a run that is watched.
#[derive(Debug)]
pub(crate) struct Watch {
    limits: LimitArguments,
    /// How many items of a stack are noted.
    shown: usize,
    start: Instant,
    pub(crate) steps: u64,
    early: Option<Early>,
    /// Depth of the first frame.
    base: Option<u16>,
    /// The last step of the first frame.
    own: Option<Seen>,
    /// The last step of any frame.
    last: Option<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    step: LastStep,
    opcode: Option<(Rules, Opcode)>,
}

/// How many steps pass between two looks at the clock.
const PATIENCE: u64 = 1 << 12;

impl Watch {
    pub(crate) fn new(limits: LimitArguments, shown: usize) -> Self {
        let start = Instant::now();
        Self { limits, shown, start, steps: 0, early: None, base: None, own: None, last: None }
    }

    /// How the run was ended, if it was.
    pub(crate) fn early_status(&self) -> Option<Status> {
        self.early
            .map(|early| if early == Early::Interrupted { Status::Interrupted } else { Status::Failure })
    }

    /// The last step of the run's own frame, if it had one.
    pub(crate) fn own_step(&self) -> Option<LastStep> {
        self.own.as_ref().map(Seen::told)
    }

    /// Where the run was ended, and why, if it was.
    pub(crate) fn early_text(&self) -> Option<String> {
        let why = match self.early? {
            Early::Interrupted => "interrupted".to_owned(),
            Early::Steps(steps) => format!("the limit of {steps} steps is met"),
            Early::Time(time) => format!("the limit of {} seconds is met", time.as_secs_f64()),
        };
        let at = self.last.as_ref().map(Seen::told).map_or(String::new(), |step| {
            let LastStep { depth, pc, opcode, gas, .. } = step;
            format!(", the last of them at depth {depth}, pc {pc}, {opcode}, with {gas} gas left before it")
        });
        Some(format!("{why}: {} steps have run{at}", self.steps))
    }

    fn is_over(&mut self) -> bool {
        let LimitArguments { max_steps, timeout, .. } = self.limits;
        let late =
            || timeout.filter(|limit| self.steps.is_multiple_of(PATIENCE) && self.start.elapsed() > *limit);
        self.early = if INTERRUPTED.load(Ordering::Relaxed) {
            Some(Early::Interrupted)
        } else if max_steps == Some(self.steps) {
            Some(Early::Steps(self.steps))
        } else {
            late().map(Early::Time)
        };
        self.early.is_some()
    }
}

impl Seen {
    fn note(&mut self, step: &StepView<'_>, shown: usize) {
        let noted = &mut self.step;
        (noted.depth, noted.pc, noted.gas) = (u32::from(step.depth) + 1, step.pc, step.gas);
        noted.stack_size = step.stack.len();
        noted.stack.clear();
        noted.stack.extend(step.stack.iter().rev().take(shown));
        self.opcode = Some((step.rules, step.opcode));
    }

    fn told(&self) -> LastStep {
        let opcode = self.opcode.map_or(String::new(), |(rules, opcode)| rules.show(opcode).to_string());
        LastStep { opcode, ..self.step.clone() }
    }
}

impl Hooks for Watch {
    fn interest(&self) -> Interest {
        Interest::Steps
    }

    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        if self.is_over() {
            return StepControl::Abort;
        }
        self.steps += 1;
        if *self.base.get_or_insert(step.depth) == step.depth {
            self.own.get_or_insert_default().note(step, self.shown);
        }
        self.last.get_or_insert_default().note(step, 0);
        StepControl::Continue
    }
}

/// Runs something, watched if the engine shows steps.
pub(crate) fn watched(
    engine: &dyn Engine,
    job: &Job<'_>,
    hooks: &mut dyn Hooks,
    watch: Option<&mut Watch>,
) -> std::result::Result<Execution, EngineError> {
    let Some(watch) = watch else { return engine.execute(job, hooks) };
    IS_WATCHED.store(true, Ordering::Relaxed);
    let executed = engine.execute(job, &mut (hooks, watch));
    IS_WATCHED.store(false, Ordering::Relaxed);
    executed
}
