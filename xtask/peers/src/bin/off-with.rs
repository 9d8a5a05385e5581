//! An executable with the tracing crates linked, whose tracers can be there and off.

#![forbid(unsafe_code)]

use std::{hint::black_box, io::Sink};

use parallax_hooks::{Hooks, MessagePhase, NoHooks, StepEnd, StepView};
use parallax_primitives::{Fork, Message};
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
    let lines = Eip3155Tracer::new(std::io::sink(), Options::new(Dialect::Eip3155, Fork::Cancun));
    (lines, Recorder::new(TracerConfig::full()))
}

fn main() -> anyhow::Result<()> {
    // The compiler must not know that they are off.
    let switched = |on: bool| Switched { on: black_box(on), tracers: both() };
    parallax_peers::off::run(|way| match way {
        "no-hooks" => Some(Box::new(NoHooks) as Box<dyn Hooks>),
        "absent" => Some(Box::new(black_box(false).then(|| Traced(both())))),
        "inactive" => Some(Box::new(Traced(switched(false)))),
        "tracing" => Some(Box::new(Traced(switched(true)))),
        _ => None,
    })
}
