//! Throughput of tracing, ours against revm's, in interleaved rounds. Arguments: rounds, and for every program its file,
//! the cap of its gas for lines and that for records (others' records of long runs do not fit in memory).
//!
//! Timed on every side: making the tracer, the run with its state, and the end of the trace; not timed: dropping what was
//! recorded, and analysing code (ours is in the engine's cache, revm's in its database).

#![forbid(unsafe_code)]

use std::{
    cell::{Cell, RefCell},
    hash::{DefaultHasher, Hasher},
    io::{self, Write},
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use parallax_engine_interface::Interpreter;
use parallax_mini_interpreter::Mini;
use parallax_peers::{
    program::{Answer, Program},
    revm_side::RevmProgram,
};
use parallax_primary_interpreter::Primary;
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{Dialect, Eip3155Tracer, Options};
use parallax_tracer_standard::{Recorder, TracerConfig};
use revm::inspector::inspectors::TracerEip3155;
use revm_inspectors::tracing::{TracingInspector, TracingInspectorConfig};

/// Theirs is first: the others are compared with it.
const LINES: [&str; 3] = ["revm", "primary", "mini"];
/// revm-inspectors once with everything that it can record, once with what geth's struct logs show (no memory).
const RECORDS: [&str; 4] = ["theirs, all", "theirs, geth's", "primary", "mini"];

/// What one run came to.
struct Run {
    time: Duration,
    answer: Answer,
    steps: u64,
    /// Written, where lines are.
    bytes: u64,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let rounds: usize = arguments.next().context("no rounds")?.parse()?;
    let primary = Primary::new();
    check_cuts(&primary)?;
    while let Some(path) = arguments.next() {
        let mut cap = || -> Result<u64> { Ok(arguments.next().context("no cap")?.parse()?) };
        let (lines_cap, records_cap) = (cap()?, cap()?);
        let mut program = Program::read(Path::new(&path))?;
        program.cap(lines_cap);
        lines(&program, &primary, rounds)?;
        program.cap(records_cap);
        records(&program, &primary, rounds)?;
    }
    Ok(())
}

fn lines(program: &Program, primary: &Primary, rounds: usize) -> Result<()> {
    let revm = RevmProgram::new(program)?;
    let steps = check_lines(program, &revm, primary)?;
    compare("EIP-3155 lines", &LINES, program, rounds, steps, |side| match side {
        0 => revm_lines(&revm, steps),
        1 => our_lines(program, primary),
        _ => our_lines(program, &Mini),
    })
}

fn records(program: &Program, primary: &Primary, rounds: usize) -> Result<()> {
    let revm = RevmProgram::new(program)?;
    let all = TracingInspectorConfig::all();
    let steps = revm_record(&revm, all)?.steps;
    compare("everything recorded", &RECORDS, program, rounds, steps, |side| match side {
        0 => revm_record(&revm, all),
        1 => revm_record(&revm, TracingInspectorConfig::default_geth()),
        2 => our_record(program, primary),
        _ => our_record(program, &Mini),
    })
}

/// Times the sides in turn and prints their medians; who begins changes from round to round. Every side must have the
/// same answer and the same steps in every round.
fn compare(
    what: &str,
    sides: &[&str],
    program: &Program,
    rounds: usize,
    steps: u64,
    mut run: impl FnMut(usize) -> Result<Run>,
) -> Result<()> {
    let cut = if program.is_cut() { format!(", cut at {} gas", program.gas) } else { String::new() };
    println!("{what}: {}, {steps} steps{cut}", program.name);
    let mut times = vec![Vec::new(); sides.len()];
    let mut bytes = vec![0; sides.len()];
    let mut expected = None;
    // The first round warms everything up.
    for round in 0..=rounds {
        for turn in 0..sides.len() {
            let side = (round + turn) % sides.len();
            let ran = run(side)?;
            let expected = expected.get_or_insert_with(|| ran.answer.clone());
            ensure!(ran.answer == *expected, "{}: {:?}, elsewhere {expected:?}", sides[side], ran.answer);
            ensure!(ran.steps == steps, "{}: {} steps of {steps}", sides[side], ran.steps);
            bytes[side] = ran.bytes;
            if round > 0 {
                times[side].push(ran.time);
            }
        }
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[(times.len() - 1) / 2].as_secs_f64()
    };
    let seconds: Vec<f64> = times.iter_mut().map(median).collect();
    for (side, name) in sides.iter().enumerate() {
        let rate = steps as f64 / seconds[side] / 1e6;
        let ratio = seconds[0] / seconds[side];
        print!("  {name:14} {rate:8.2} million steps/s {ratio:7.2}x");
        if bytes[side] > 0 {
            let (per_line, megabytes) =
                (bytes[side] as f64 / steps as f64, bytes[side] as f64 / seconds[side] / 1e6);
            print!(" {per_line:8.1} bytes/line {megabytes:7.0} MB/s");
        }
        println!();
    }
    Ok(())
}

/// Counts bytes.
#[derive(Clone, Default)]
struct Counter(Rc<Cell<u64>>);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len() as u64);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps a hash of every line, and the last line; in pieces of one line, so how they came does not matter.
#[derive(Default)]
struct Digest {
    line: Vec<u8>,
    last: Vec<u8>,
    hashes: Vec<u64>,
}

/// A digest that can be read while a tracer keeps it as its writer.
#[derive(Clone, Default)]
struct SharedDigest(Rc<RefCell<Digest>>);

impl Write for SharedDigest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let digest = &mut *self.0.borrow_mut();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            digest.line.extend_from_slice(piece);
            if digest.line.ends_with(b"\n") {
                let mut hash = DefaultHasher::new();
                hash.write(&digest.line);
                digest.hashes.push(hash.finish());
                std::mem::swap(&mut digest.last, &mut digest.line);
                digest.line.clear();
            }
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines of a program that runs out of gas anywhere: at a charge, and at its memory.
fn check_cuts(primary: &Primary) -> Result<()> {
    let mut program = Program::embedded()?;
    for gas in 0..1500 {
        program.cap(gas);
        check_lines(&program, &RevmProgram::new(&program)?, primary)?;
    }
    Ok(())
}

/// Not timed: in revm's own dialect, every side writes the same lines. Answers their number.
fn check_lines(program: &Program, revm: &RevmProgram<'_>, primary: &Primary) -> Result<u64> {
    let theirs = SharedDigest::default();
    revm.run(TracerEip3155::buffered(theirs.clone()).without_summary())?;
    let theirs = theirs.0.borrow();
    let options = Options::new(Dialect::Revm);
    for side in ["primary", "mini"] {
        let digest = SharedDigest::default();
        let mut hooks = Traced(Eip3155Tracer::new(digest.clone(), options));
        match side {
            "primary" => program.run(primary, Some(&mut hooks))?,
            _ => program.run(&Mini, Some(&mut hooks))?,
        };
        hooks.0.finish(None).out?;
        let ours = digest.0.borrow();
        let agreed =
            ours.hashes.iter().zip(&theirs.hashes).take_while(|(ours, theirs)| ours == theirs).count();
        ensure!(
            agreed == ours.hashes.len() && agreed == theirs.hashes.len(),
            "{}: {side} and revm part at line {agreed}, their last lines are\n{}{}",
            program.name,
            String::from_utf8_lossy(&ours.last),
            String::from_utf8_lossy(&theirs.last)
        );
    }
    Ok(theirs.hashes.len() as u64)
}

fn revm_lines(revm: &RevmProgram<'_>, steps: u64) -> Result<Run> {
    let counter = Counter::default();
    let start = Instant::now();
    // Its recommended way: behind a buffer.
    let (answer, tracer) = revm.run(TracerEip3155::buffered(counter.clone()).without_summary())?;
    let time = start.elapsed();
    drop(tracer);
    // It does not count; that it writes these many lines was checked.
    Ok(Run { time, answer, steps, bytes: counter.0.get() })
}

fn our_lines<I: Interpreter>(program: &Program, interpreter: &I) -> Result<Run> {
    let counter = Counter::default();
    let options = Options::new(Dialect::Eip3155);
    let start = Instant::now();
    let mut hooks = Traced(Eip3155Tracer::new(counter.clone(), options));
    let answer = program.run(interpreter, Some(&mut hooks))?;
    let steps = hooks.0.finish(None).steps;
    Ok(Run { time: start.elapsed(), answer, steps, bytes: counter.0.get() })
}

fn revm_record(revm: &RevmProgram<'_>, config: TracingInspectorConfig) -> Result<Run> {
    let start = Instant::now();
    let (answer, inspector) = revm.run(TracingInspector::new(config))?;
    let time = start.elapsed();
    let steps = inspector.traces().nodes().iter().map(|node| node.trace.steps.len() as u64).sum();
    Ok(Run { time, answer, steps, bytes: 0 })
}

fn our_record<I: Interpreter>(program: &Program, interpreter: &I) -> Result<Run> {
    let start = Instant::now();
    let mut hooks = Traced(Recorder::new(TracerConfig::full()));
    let answer = program.run(interpreter, Some(&mut hooks))?;
    let trace = hooks.0.into_trace();
    let time = start.elapsed();
    Ok(Run { time, answer, steps: trace.header().steps, bytes: 0 })
}
