//! How a file ends: whole, early, or with a writer that fails.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{
    io::{self, Write},
    ops::Range,
    sync::{Arc, Mutex},
};

use parallax_engine_interface::Engine;
use parallax_generator::Scenario;
use parallax_hooks::{Hooks, MessagePhase, Start, StepControl, StepEnd, StepView};
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniEngine;
use parallax_mini_precompiles::Contracts;
use parallax_primitives::{Bytes, Message};
use parallax_tracer_core::{Traced, Tracer};
use parallax_tracer_parquet::ParquetTracer;
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::RowAccessor,
};

static ENGINE: MiniEngine<Mini> = MiniEngine::new("mini", Mini, &Contracts);

/// Runs the first scenario, which has more than 20 steps.
fn run(hooks: &mut dyn Hooks) {
    let scenario = Scenario::new(1);
    ENGINE.execute(&scenario.job(), hooks).unwrap();
}

/// The numbers of the steps.
fn steps(bytes: Vec<u8>) -> Vec<i64> {
    let reader = SerializedFileReader::new(Bytes::from(bytes).0).unwrap();
    reader.get_row_iter(None).unwrap().map(|row| row.unwrap().get_long(4).unwrap()).collect()
}

/// A writer that others look into, and that fails behind so many bytes.
#[derive(Clone, Debug)]
struct Shared(Arc<Mutex<Vec<u8>>>, usize);

impl Shared {
    fn new(room: usize) -> Self {
        Self(Arc::default(), room)
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut text = self.0.lock().unwrap();
        if text.len() + bytes.len() > self.1 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_fails_ends_the_file_and_not_the_run() {
    let out = Shared::new(20_000);
    let mut tracer = ParquetTracer::with_row_groups(out.clone(), 1);
    let mut count = Counted(0);
    for _ in 0..20 {
        run(&mut (&mut count, Traced(&mut tracer)));
    }
    assert_eq!(tracer.failed().unwrap().kind(), io::ErrorKind::StorageFull);
    let finished = tracer.finish();
    assert_eq!(finished.out.unwrap_err().kind(), io::ErrorKind::StorageFull);
    // What was written before cannot be read.
    assert_eq!((finished.steps, finished.lost), (0, count.0));
    assert!(!out.bytes().is_empty());
}

#[test]
fn a_writer_that_takes_nothing_is_told_at_the_end() {
    let mut tracer = ParquetTracer::new(Shared::new(0));
    let mut count = Counted(0);
    run(&mut (&mut count, Traced(&mut tracer)));
    assert!(tracer.failed().is_none());
    let finished = tracer.finish();
    assert_eq!((finished.steps, finished.lost), (0, count.0));
    assert_eq!(finished.out.err().map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
}

#[test]
fn a_tracer_that_is_dropped_leaves_a_whole_file() {
    let out = Shared::new(usize::MAX);
    let mut tracer = ParquetTracer::new(out.clone());
    let mut count = Counted(0);
    run(&mut (&mut count, Traced(&mut tracer)));
    drop(tracer);
    assert_eq!(steps(out.bytes()).len() as u64, count.0);
}

#[test]
fn a_run_that_is_left_has_the_steps_that_ended() {
    let mut tracer = ParquetTracer::new(Vec::new());
    run(&mut (Aborts(10), Traced(&mut tracer)));
    run(&mut Traced(&mut tracer));
    let finished = tracer.finish();
    let steps = steps(finished.out.unwrap());
    assert_eq!(steps[..11], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1]);
}

#[test]
fn steps_that_were_not_shown_are_counted() {
    for hidden in [0..3, 4..5, 1..10] {
        let mut tracer = ParquetTracer::new(Vec::new());
        run(&mut Traced(Hidden(&mut tracer, hidden.clone())));
        let finished = tracer.finish();
        assert_eq!(finished.missing, hidden.end - hidden.start);
        let steps = steps(finished.out.unwrap());
        assert!(steps.iter().all(|step| !hidden.contains(&(step.cast_unsigned() - 1))), "{steps:?}");
    }
}

#[test]
fn a_stack_that_is_hidden_is_null() {
    let mut tracer = ParquetTracer::new(Vec::new());
    tracer.hide_stack();
    run(&mut Traced(&mut tracer));
    let bytes = Bytes::from(tracer.finish().out.unwrap());
    let reader = SerializedFileReader::new(bytes.0).unwrap();
    let mut deepest = 0;
    for row in reader.get_row_iter(None).unwrap() {
        let row = row.unwrap();
        assert!(row.get_bytes(16).is_err(), "{row}");
        deepest = deepest.max(row.get_int(15).unwrap());
    }
    assert!(deepest > 2);
}

#[test]
fn no_run_is_a_file_without_rows() {
    let tracer = ParquetTracer::new(Vec::new());
    assert!(steps(tracer.finish().out.unwrap()).is_empty());
}

struct Counted(u64);

impl Hooks for Counted {
    fn on_step_end(&mut self, _: &StepView<'_>, _: &StepEnd<'_>) {
        self.0 += 1;
    }
}

/// Ends the run before a step.
struct Aborts(u64);

impl Hooks for Aborts {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        if step.index == self.0 { StepControl::Abort } else { StepControl::Continue }
    }
}

/// Steps that are hidden from a tracer.
struct Hidden<T>(T, Range<u64>);

impl<T: Tracer> Tracer for Hidden<T> {
    fn start(&mut self, start: &Start<'_>) {
        self.0.start(start);
    }
    fn step(&mut self, step: &StepView<'_>) {
        if !self.1.contains(&step.index) {
            self.0.step(step);
        }
    }
    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        // Other hooks had paused before the last of them.
        if !self.1.contains(&step.index) || step.index + 1 == self.1.end {
            self.0.step_end(step, end);
        }
    }
    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        self.0.message(message, phase);
    }
}
