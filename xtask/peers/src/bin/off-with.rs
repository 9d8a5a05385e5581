//! An executable with the tracing crates and the comparator linked, which can be there and off.

#![forbid(unsafe_code)]

use std::{hint::black_box, io::Sink};

use parallax_engine_interface::{Execution, Progress, Stepper};
use parallax_hooks::{Hooks, MessagePhase, NoHooks, StepEnd, StepView};
use parallax_host_interface::{HostError, StateChanges};
use parallax_primitives::{Fork, Message};
use parallax_shadow_diff::{Shadow, ShadowConfig, ShadowMode};
use parallax_tracer_core::{Traced, Tracer, Wants};
use parallax_tracer_eip3155::{Dialect, Eip3155Tracer, Options};
use parallax_tracer_standard::{Recorder, TracerConfig};

/// Both tracers.
type Both = (Eip3155Tracer<Sink>, Recorder);

/// Tracers that want to see what their switch says.
struct Switched {
    on: bool,
    tracers: Both,
}

impl Tracer for Switched {
    fn wants(&self) -> Wants {
        if self.on { self.tracers.wants() } else { Wants::Nothing }
    }
    fn step(&mut self, step: &StepView<'_>) {
        self.tracers.step(step);
    }
    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.tracers.step_end(step, end);
    }
    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        self.tracers.message(message, phase);
    }
}

fn both() -> Both {
    let lines = Eip3155Tracer::new(std::io::sink(), Options::new(Dialect::Eip3155));
    (lines, Recorder::new(TracerConfig::full()))
}

/// The other side of a comparison that is off: it is never run.
struct Idle;

impl Stepper for Idle {
    fn run(&mut self, _: &mut dyn Hooks) -> Result<Progress, HostError> {
        Err(HostError::new("a comparison that is off has run"))
    }
    fn view(&self) -> Option<StepView<'_>> {
        None
    }
    fn message(&self) -> Option<(&Message, MessagePhase<'_>)> {
        None
    }
    fn finish(self: Box<Self>) -> Result<Execution, HostError> {
        Ok(Execution { outcome: None, changes: StateChanges::default(), accesses: None })
    }
}

fn shadow_off() -> Shadow<'static> {
    let config = ShadowConfig { mode: black_box(ShadowMode::Off), ..ShadowConfig::default() };
    Shadow::new(["primary", "idle"], Box::new(Idle), &config)
}

fn main() -> anyhow::Result<()> {
    // The compiler must not know that they are off.
    let switched = |on: bool| Switched { on: black_box(on), tracers: both() };
    parallax_peers::off::run(|way| match way {
        "no-hooks" => Some(Box::new(NoHooks) as Box<dyn Hooks>),
        "absent" => Some(Box::new(black_box(false).then(|| Traced(both())))),
        "inactive" => Some(Box::new(Traced(switched(false)))),
        "shadow-off" => Some(Box::new(shadow_off())),
        "tracing" => Some(Box::new(Traced(switched(true)))),
        _ => None,
    })
}
