//! What recording costs: bytes and nanoseconds a step, for benchmark files given as arguments.
//!
//! `cargo run --release -p parallax-tracer-standard --example recording_cost -- ../shared/bench/*snailtracer*.json`

#![allow(clippy::unwrap_used, reason = "an input that cannot be read ends the example")]

#[path = "../tests/programs/mod.rs"]
mod programs;

use std::{hint::black_box, path::Path, time::Instant};

use parallax_hooks::{Hooks, NoHooks, StepControl, StepView};
use parallax_tracer_core::Traced;
use parallax_tracer_standard::{Recorder, TracerConfig};
use programs::Program;

/// Observes every step and does nothing: the cost of being shown.
struct Blind;

impl Hooks for Blind {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        black_box(step.index);
        StepControl::Continue
    }
}

fn main() {
    println!(
        "{:45} {:>9} {:>7} {:>7} {:>9} {:>6}",
        "program", "steps", "ns off", "ns seen", "ns record", "bytes"
    );
    for path in std::env::args().skip(1) {
        let program = Program::read(Path::new(&path));
        let off = time(&program, || NoHooks).0;
        let seen = time(&program, || Blind).0;
        let (recorded, recorder) = time(&program, || Traced(Recorder::new(TracerConfig::full())));
        let header = recorder.0.trace().header();
        let per_step = |value: f64| value / header.steps as f64;
        println!(
            "{:45} {:>9} {:>7.1} {:>7.1} {:>9.1} {:>6.2}",
            Path::new(&path).file_stem().map_or("".into(), |name| name.to_string_lossy()),
            header.steps,
            per_step(off),
            per_step(seen),
            per_step(recorded),
            per_step(header.bytes as f64)
        );
    }
}

/// Nanoseconds of the fastest of a few runs.
fn time<H: Hooks>(program: &Program, mut fresh: impl FnMut() -> H) -> (f64, H) {
    let mut runs: Vec<(f64, H)> = (0..5)
        .map(|_| {
            let mut hooks = fresh();
            let start = Instant::now();
            program.run(&mut hooks);
            (start.elapsed().as_nanos() as f64, hooks)
        })
        .collect();
    runs.sort_by(|one, other| one.0.total_cmp(&other.0));
    runs.swap_remove(0)
}
