//! Where traces go: to writers that fail, to files, and to several tracers at once. What an execution comes to is the same
//! every time.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use parallax_hooks::NoHooks;
use parallax_primitives::Fork;
use parallax_tracer_core::{Traced, Tracer};
use parallax_tracer_eip3155::{Dialect, Eip3155Tracer, Options};
use parallax_tracer_standard::{Recorder, StructLogOptions, TracerConfig};

use crate::{
    programs::{PROGRAMS, Program},
    world::World,
};

const ENGINES: [&str; 2] = ["mini", "primary"];

fn program(name: &str) -> &'static Program {
    PROGRAMS.iter().find(|program| program.name == name).unwrap()
}

fn tracer<W: Write>(out: W) -> Eip3155Tracer<W> {
    Eip3155Tracer::new(out, Options::new(Dialect::Eip3155, Fork::Osaka))
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
    tracer.finish(None).unwrap().out
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
    let error = failing.finish(None).err().unwrap();
    assert_eq!((error.kind(), error.to_string()), (kind, "no room left".into()));
    assert_eq!(taken, whole[..room], "what fits is written");

    taken.clear();
    let mut both = (tracer(Full { room, taken: &mut taken, kind }), tracer(Vec::new()));
    run(world, engine, &mut both);
    assert_eq!(both.0.finish(None).err().unwrap().kind(), kind);
    assert_eq!(both.1.finish(None).unwrap().out, whole, "the tracer beside it has everything");
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
    assert_eq!(unflushed.finish(None).err().unwrap().kind(), io::ErrorKind::TimedOut);
}

/// All tracers of one run see what each of them sees alone.
#[test]
fn tracers_side_by_side_are_as_if_alone() {
    for program in PROGRAMS {
        let world = World::of(program);
        for engine in ENGINES {
            let dialects = Dialect::ALL
                .map(|dialect| Eip3155Tracer::new(Vec::new(), Options::new(dialect, program.fork)));
            let mut all = (Vec::from(dialects), Recorder::new(TracerConfig::full()), tracer(Vec::new()));
            run(&world, engine, &mut all);
            let (dialects, recorder, _) = all;
            for (dialect, beside) in Dialect::ALL.into_iter().zip(dialects) {
                let mut alone = Eip3155Tracer::new(Vec::new(), Options::new(dialect, program.fork));
                run(&world, engine, &mut alone);
                assert_eq!(beside.finish(None).unwrap().out, alone.finish(None).unwrap().out);
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
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("parallax-traces-{}-{name}.jsonl", std::process::id()));
        let _ = fs::remove_file(&path);
        Self(path)
    }

    fn path(&self) -> &Path {
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
        let mut created = tracer(File::create(file.path()).unwrap());
        run(world, "primary", &mut created);
        created.finish(None).unwrap();
        expected = trace(world, "primary");
        assert_eq!(fs::read(file.path()).unwrap(), expected);
    }
    for world in &worlds {
        let mut appended = tracer(OpenOptions::new().append(true).open(file.path()).unwrap());
        run(world, "mini", &mut appended);
        appended.finish(None).unwrap();
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
    assert!(refused.finish(None).is_err());
    assert!(fs::read(file.path()).unwrap().is_empty());
}
