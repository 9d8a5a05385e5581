//! Traces as Parquet beside EIP-3155 lines of the same run: steps a second and bytes a step, of the longest programs of
//! `../shared/bench` on primary.
//!
//! Timed: making the tracer, the run, and the end of the trace. What is written is counted and thrown away.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use parallax_campaign::{engines, shared_folder};
use parallax_engine_interface::Engine;
use parallax_hooks::Hooks;
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{Dialect, Eip3155Tracer, Options};
use parallax_tracer_parquet::ParquetTracer;
use serde_json::json;

use super::{
    measurement::{Arguments, median, print_json},
    programs::{self, Program},
};

/// Programs with fewer steps say little of bytes a step.
const STEPS: u64 = 1_000_000;
const SIDES: [&str; 2] = ["eip3155", "parquet"];

#[derive(Clone, Copy, PartialEq, Eq)]
struct Written {
    steps: u64,
    bytes: u64,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let shared =
        shared_folder().context("no ../shared folder (set PARALLAX_SHARED); `cargo bench` needs none")?;
    let programs = programs::read(&shared.join("bench"), &arguments.filter)?;
    let long: Vec<_> = programs.iter().filter(|program| program.steps() >= STEPS).collect();
    ensure!(!long.is_empty(), "no program of {STEPS} steps has {:?} in its name", arguments.filter);
    if !arguments.json {
        println!(
            "{:38}{:>11}{:>12}{:>12}{:>8}{:>12}{:>12}",
            "million steps/s, bytes a step", "steps", SIDES[0], SIDES[1], "", SIDES[0], SIDES[1]
        );
    }
    long.into_iter().try_for_each(|program| measure(program, arguments))
}

fn measure(program: &Program, arguments: &Arguments) -> Result<()> {
    let mut times = [const { Vec::new() }; SIDES.len()];
    let mut written = [Written { steps: 0, bytes: 0 }; SIDES.len()];
    // The first round warms everything up.
    for round in 0..=arguments.rounds as usize {
        for turn in 0..SIDES.len() {
            // Who is first changes from round to round.
            let side = (turn + round) % SIDES.len();
            let (time, wrote) = time(program, side).with_context(|| SIDES[side])?;
            ensure!(wrote.steps == program.steps(), "{}: {} steps", program.name(), wrote.steps);
            ensure!(round == 0 || wrote == written[side], "{}: {} bytes", program.name(), wrote.bytes);
            written[side] = wrote;
            if round > 0 {
                times[side].push(time);
            }
        }
    }
    // The counts are far below 2^52.
    #[allow(clippy::cast_precision_loss)]
    let (steps, bytes) = (program.steps() as f64, written.map(|written| written.bytes as f64));
    let [lines, parquet] = [0, 1].map(|side: usize| steps / median(&times[side]).as_secs_f64() / 1e6);
    let [line, row] = bytes.map(|bytes| bytes / steps);
    let name = program.name();
    if arguments.json {
        print_json(&json!({
            "name": name, "steps": program.steps(),
            "millionStepsPerSecond": { "eip3155": lines, "parquet": parquet },
            "bytesPerStep": { "eip3155": line, "parquet": row },
        }));
    } else {
        let steps = program.steps();
        println!(
            "{name:38}{steps:>11}{lines:>12.2}{parquet:>12.2}{:>7.2}x{line:>12.2}{row:>12.2}",
            parquet / lines
        );
    }
    Ok(())
}

/// One run with the tracer of a side, from its making to its end.
fn time(program: &Program, side: usize) -> Result<(Duration, Written)> {
    let start = Instant::now();
    let (steps, out) = match side {
        0 => {
            let mut tracer = Eip3155Tracer::new(Counter(0), Options::new(Dialect::Eip3155));
            execute(program, &mut Traced(&mut tracer))?;
            let finished = tracer.finish(None);
            (finished.steps, finished.out?)
        }
        _ => {
            let mut tracer = ParquetTracer::new(Counter(0));
            execute(program, &mut Traced(&mut tracer))?;
            let finished = tracer.finish();
            (finished.steps, finished.out?)
        }
    };
    Ok((start.elapsed(), Written { steps, bytes: out.0 }))
}

fn execute(program: &Program, hooks: &mut dyn Hooks) -> Result<()> {
    program.run_once(&engines::primary() as &dyn Engine, hooks)
}

/// Counts bytes.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
