//! Where traces go: to writers that fail, to files, and to several tracers at once. What an execution comes to is the same
//! every time.

use std::{
    fs::{self, File},
    io::{self, Write},
    ops::Range,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
};

use parallax_hooks::{MessagePhase, NoHooks, StepEnd, StepView};
use parallax_primitives::Message;
use parallax_tracer_core::{Traced, Tracer};
use parallax_tracer_eip3155::{Dialect, Eip3155Tracer, Options};
use parallax_tracer_standard::{Recorder, StructLogOptions, TracerConfig};

use crate::{
    programs::{PROGRAMS, Program},
    world::World,
};

const ENGINES: [&str; 2] = ["mini", "primary"];

pub(crate) fn program(name: &str) -> &'static Program {
    PROGRAMS.iter().find(|program| program.name == name).unwrap()
}

fn tracer<W: Write>(out: W) -> Eip3155Tracer<W> {
    Eip3155Tracer::new(out, options())
}

fn options() -> Options {
    Options::new(Dialect::Eip3155)
}

/// Runs with and without the tracer; the execution must not tell.
#[track_caller]
fn run(world: &World, engine: &str, tracer: impl Tracer) {
    let untraced = world.run(engine, &mut NoHooks);
    assert_eq!(world.run(engine, &mut Traced(tracer)), untraced, "{} on {engine}", world.program.name);
}

fn trace(world: &World, engine: &str) -> Vec<u8> {
    let mut tracer = tracer(Vec::new());
    run(world, engine, &mut tracer);
    tracer.finish(None).out.unwrap()
}

/// Takes so many bytes, at most 100 at a time, and then fails.
struct Full<'a> {
    room: usize,
    taken: &'a mut Vec<u8>,
    kind: io::ErrorKind,
}

impl Write for Full<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.len().min(self.room).min(100);
        if fits == 0 && !bytes.is_empty() {
            return Err(io::Error::new(self.kind, "no room left"));
        }
        self.room -= fits;
        self.taken.extend_from_slice(&bytes[..fits]);
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A writer with `room` for less than the whole trace fails the trace with its own error, and only the trace.
#[track_caller]
fn check_failing(world: &World, engine: &str, room: usize, kind: io::ErrorKind) {
    let whole = trace(world, engine);
    let mut taken = Vec::new();
    let mut failing = tracer(Full { room, taken: &mut taken, kind });
    run(world, engine, &mut failing);
    // Where there is no room for much more than the tracer gathers, it is told while it runs.
    assert!(failing.failed().is_some() || whole.len() - room < 1 << 18);
    let finished = failing.finish(None);
    let error = finished.out.err().unwrap();
    assert_eq!((error.kind(), error.to_string()), (kind, "no room left".into()));
    assert_eq!(finished.steps, count(&whole), "those without a place, too");
    assert_eq!(finished.lost, count(&whole) - count(&whole[..room]), "every line without an end in the file");
    assert_eq!(taken, whole[..room], "what fits is written");

    taken.clear();
    let mut both = (tracer(Full { room, taken: &mut taken, kind }), tracer(Vec::new()));
    run(world, engine, &mut both);
    assert_eq!(both.0.finish(None).out.err().unwrap().kind(), kind);
    assert_eq!(both.1.finish(None).out.unwrap(), whole, "the tracer beside it has everything");
}

/// Lines that have an end.
fn count(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[test]
fn a_full_disk_ends_the_trace_and_nothing_else() {
    // The first is longer than what the tracer gathers before it writes; the second is written by `finish`.
    for name in ["stack-overflow", "calls"] {
        let world = World::of(program(name));
        for engine in ENGINES {
            let length = trace(&world, engine).len();
            for room in [0, 1, 99, 100, 101, length / 2, length - 1] {
                check_failing(&world, engine, room, io::ErrorKind::StorageFull);
            }
            check_failing(&world, engine, 1000, io::ErrorKind::BrokenPipe);
        }
    }
}

/// Takes everything, and fails to flush.
struct Unflushed;

impl Write for Unflushed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::TimedOut.into())
    }
}

#[test]
fn a_flush_that_fails_is_told() {
    let world = World::of(program("calls"));
    let mut unflushed = tracer(Unflushed);
    run(&world, "mini", &mut unflushed);
    assert_eq!(unflushed.finish(None).out.err().unwrap().kind(), io::ErrorKind::TimedOut);
}

/// All tracers of one run see what each of them sees alone.
#[test]
fn tracers_side_by_side_are_as_if_alone() {
    for program in PROGRAMS {
        let world = World::of(program);
        for engine in ENGINES {
            let dialects = Dialect::ALL.map(|dialect| Eip3155Tracer::new(Vec::new(), Options::new(dialect)));
            let mut all = (Vec::from(dialects), Recorder::new(TracerConfig::full()), tracer(Vec::new()));
            run(&world, engine, &mut all);
            let (dialects, recorder, _) = all;
            for (dialect, beside) in Dialect::ALL.into_iter().zip(dialects) {
                let mut alone = Eip3155Tracer::new(Vec::new(), Options::new(dialect));
                run(&world, engine, &mut alone);
                assert_eq!(beside.finish(None).out.unwrap(), alone.finish(None).out.unwrap());
            }
            let mut alone = Recorder::new(TracerConfig::full());
            run(&world, engine, &mut alone);
            assert_eq!(struct_logs(recorder), struct_logs(alone));
        }
    }
}

fn struct_logs(recorder: Recorder) -> Vec<u8> {
    let mut json = Vec::new();
    recorder.into_trace().write_struct_logs(&mut json, StructLogOptions::default()).unwrap();
    json
}

/// A file of one test's own, removed at its end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("parallax-traces-{}-{name}.jsonl", std::process::id()));
        let _ = fs::remove_file(&path);
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn a_file_holds_one_trace_or_one_after_the_other() {
    let file = Scratch::new("appended");
    let worlds = ["logs", "stack-overflow"].map(|name| World::of(program(name)));
    let mut expected = Vec::new();
    for world in &worlds {
        // By path: what was there is gone.
        let mut created = Eip3155Tracer::create(file.path(), options()).unwrap();
        run(world, "primary", &mut created);
        created.finish(None).out.unwrap();
        expected = trace(world, "primary");
        assert_eq!(fs::read(file.path()).unwrap(), expected);
    }
    for world in &worlds {
        let mut appended = Eip3155Tracer::append(file.path(), options()).unwrap();
        run(world, "mini", &mut appended);
        appended.finish(None).out.unwrap();
        expected.extend(trace(world, "mini"));
        assert_eq!(fs::read(file.path()).unwrap(), expected);
    }
}

/// A file that may not be written to.
#[test]
fn a_file_that_refuses_is_told() {
    let file = Scratch::new("read-only");
    fs::write(file.path(), "").unwrap();
    let world = World::of(program("logs"));
    let mut refused = tracer(File::open(file.path()).unwrap());
    run(&world, "primary", &mut refused);
    assert!(refused.finish(None).out.is_err());
    assert!(fs::read(file.path()).unwrap().is_empty());
}

/// A run that is left, by `?` or a panic, leaves all its lines.
#[test]
fn a_tracer_that_is_dropped_leaves_all_lines() {
    let file = Scratch::new("dropped");
    let world = World::of(program("calls"));
    let expected = trace(&world, "primary");
    let mut dropped = Eip3155Tracer::create(file.path(), options()).unwrap();
    run(&world, "primary", &mut dropped);
    assert_eq!(fs::read(file.path()).unwrap(), b"", "less than it gathers");
    drop(dropped);
    assert_eq!(fs::read(file.path()).unwrap(), expected);

    let mut left = Eip3155Tracer::append(file.path(), options()).unwrap();
    run(&world, "primary", &mut left);
    let unwound = panic::catch_unwind(AssertUnwindSafe(|| {
        let _left = left;
        panic!("as a run may");
    }));
    assert!(unwound.is_err());
    assert_eq!(fs::read(file.path()).unwrap(), expected.repeat(2));
}

/// Steps and messages of a range are hidden from a tracer, as where someone goes on with other hooks.
struct Blind<T> {
    tracer: T,
    range: Range<u64>,
    /// Two of them are shown before they run, as the run pauses there, and the last one after: other hooks had paused there.
    pauses: bool,
    at: u64,
}

impl<T: Tracer> Tracer for Blind<T> {
    fn step(&mut self, step: &StepView<'_>) {
        self.at = step.index;
        let pauses = [self.range.start, self.range.start.midpoint(self.range.end)];
        if !self.range.contains(&step.index) || self.pauses && pauses.contains(&step.index) {
            self.tracer.step(step);
        }
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        let had_paused = self.pauses && step.index + 1 == self.range.end && step.index - self.range.start > 1;
        if had_paused || !self.range.contains(&step.index) {
            self.tracer.step_end(step, end);
        }
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        if !self.range.contains(&self.at) {
            self.tracer.message(message, phase);
        }
    }
}

/// Lines of steps that were shown are what they are without a gap, and the others are counted.
#[track_caller]
fn check_gap(world: &World, dialect: Dialect, range: &Range<u64>, pauses: bool) {
    let mut options = Options::new(dialect);
    (options.memory, options.return_data) = (true, true);
    let mut whole = Eip3155Tracer::new(Vec::new(), options);
    run(world, "mini", &mut whole);
    let whole = whole.finish(None);
    let mut blind = Eip3155Tracer::new(Vec::new(), options);
    run(world, "mini", Blind { tracer: &mut blind, range: range.clone(), pauses, at: u64::MAX });
    let finished = blind.finish(None);
    let hidden = range.end.min(whole.steps) - range.start.min(whole.steps);
    let place = format!("{} in {dialect} without {range:?}", world.program.name);
    assert_eq!(finished.steps, whole.steps - hidden, "{place}");
    // What is hidden at the end is not missed, or not all of it: nothing tells that it ran.
    let is_all = finished.missing == hidden || range.end >= whole.steps && finished.missing < hidden;
    assert!(is_all, "{place}: {} are missing", finished.missing);
    let [whole, blind] = [whole, finished].map(|finished| String::from_utf8(finished.out.unwrap()).unwrap());
    let steps =
        |text: &str| text.lines().filter(|line| line.starts_with("{\"pc\"")).map(str::to_owned).collect();
    let (whole, blind): (Vec<String>, Vec<String>) = (steps(&whole), steps(&blind));
    let shown = (0..).zip(whole).filter(|(index, _)| !range.contains(index)).map(|(_, line)| line);
    assert_eq!(blind, shown.collect::<Vec<_>>(), "{place}");
}

#[test]
fn steps_that_were_not_shown_are_counted_and_the_others_written_right() {
    for name in ["calls", "creates", "static-violations", "jumps"] {
        let world = World::of(program(name));
        // One line a step, and none that counts from where a frame began, as its beginning may have been hidden.
        for dialect in [Dialect::Eip3155, Dialect::Eels] {
            for start in 0..40 {
                for length in [1, 2, 7, 30] {
                    for pauses in [false, true] {
                        check_gap(&world, dialect, &(start..start + length), pauses);
                    }
                }
            }
        }
    }
}
