//! What is in the file of a run that is killed.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    process::{Command, Stdio},
};

use parallax_campaign::engines;
use parallax_engine_interface::{Engine, Job, Progress};
use parallax_hooks::{Hooks, StepControl, StepView};
use parallax_mini_interpreter::Mini;
use parallax_trace_output::{Background, WhenFull};
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{Dialect, Eip3155Tracer, Options};

use crate::{
    world::World,
    writers::{Scratch, program},
};

/// Tells a process that it is to be killed: the file that it writes, and behind a colon how.
const VICTIM: &str = "PARALLAX_VICTIM";
const TEST: &str = "killed::every_line_up_to_the_last_pause_survives_a_kill";
const STEPS_PER_PAUSE: u64 = 150;

/// Pauses every so many steps.
struct Pauses;

impl Hooks for Pauses {
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        match step.index != 0 && step.index.is_multiple_of(STEPS_PER_PAUSE) {
            true => StepControl::Pause,
            false => StepControl::Continue,
        }
    }
}

/// Runs into a tracer and calls `pause` at every pause, with the tracer and the number of steps that have run.
fn run<W: Write>(tracer: &mut Eip3155Tracer<W>, mut pause: impl FnMut(&mut Eip3155Tracer<W>, u64)) {
    let world = World::of(program("stack-overflow"));
    let World { program, database, block, transaction } = &world;
    let job = Job { rules: program.rules(), chain_id: 1, block, subject: transaction.into(), database };
    let engine = engines::local("mini", Mini);
    let mut machine = engine.start(&job).unwrap().unwrap();
    while machine.run(&mut (Traced(&mut *tracer), Pauses)).unwrap() == Progress::Paused {
        let steps = machine.view().map_or(0, |view| view.index);
        pause(tracer, steps);
    }
}

fn options() -> Options {
    Options::new(Dialect::Eip3155)
}

/// Runs, says at each pause how many steps have run once they are flushed, and waits for a word to go on.
fn be_a_victim(victim: &OsString) {
    fn with<W: Write>(out: W) {
        let mut input = io::stdin().lock().lines();
        let mut tracer = Eip3155Tracer::new(out, options());
        run(&mut tracer, |tracer, steps| {
            tracer.flush();
            assert!(tracer.failed().is_none());
            eprintln!("paused {steps}");
            input.next().unwrap().unwrap();
        });
    }
    match victim.to_str().and_then(|victim| victim.split_once(':')).unwrap() {
        ("background", path) => {
            with(Background::new(File::create(path).unwrap(), WhenFull::Wait, 2).unwrap());
        }
        (_, path) => with(File::create(path).unwrap()),
    }
}

/// Kills a run at a pause, or behind it, as it goes on.
#[track_caller]
fn check(how: &str, path: &Path, pauses: usize, goes_on: bool, whole: &[u8]) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(VICTIM, format!("{how}:{}", path.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut words = child.stdin.take().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut steps = 0;
    for pause in 1..=pauses {
        let mut line = String::new();
        told.read_line(&mut line).unwrap();
        steps = line.trim().strip_prefix("paused ").and_then(|steps| steps.parse().ok()).expect(&line);
        if pause < pauses || goes_on {
            words.write_all(b"on\n").unwrap();
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // Not before it is gone has it written all that it will.
    told.read_to_end(&mut Vec::new()).unwrap();
    let written = fs::read(path).unwrap();
    let lines = written.iter().filter(|byte| **byte == b'\n').count();
    assert!(whole.starts_with(&written), "{how}, killed behind pause {pauses}");
    assert!(lines >= steps, "{how}: {lines} lines of {steps} steps, killed behind pause {pauses}");
    assert!(goes_on || lines == steps && written.ends_with(b"\n"), "{how}: nothing ran behind the pause");
}

#[test]
fn every_line_up_to_the_last_pause_survives_a_kill() {
    if let Some(victim) = env::var_os(VICTIM) {
        return be_a_victim(&victim);
    }
    let mut tracer = Eip3155Tracer::new(Vec::new(), options());
    run(&mut tracer, |_, _| {});
    let whole = tracer.finish(None).out.unwrap();
    for how in ["direct", "background"] {
        let file = Scratch::new(&format!("killed-{how}"));
        for pauses in [1, 2, 5] {
            for goes_on in [false, true] {
                check(how, file.path(), pauses, goes_on, &whole);
            }
        }
    }
}
