//! Traces of small programs, in every format, for reading: `snapshots/FORMAT/PROGRAM.snap`. Both engines must have
//! written the same bytes before a snapshot is looked at.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod killed;
mod programs;
mod world;
mod writers;

use std::collections::BTreeSet;

use parallax_hooks::{MessagePhase, StepEnd, StepView};
use parallax_primitives::{FrameStatus, Halt, Message};
use parallax_tracer_core::{Traced, Tracer};
use parallax_tracer_eip3155::{
    CompareOptions, Dialect, Eip3155Tracer, Options, Summary, TraceReader, compare_traces,
};
use parallax_tracer_standard::{Recorder, StructLogOptions, TracerConfig};

use programs::{PROGRAMS, Program, Show};
use world::World;

/// Steps that are left where only the end is shown.
const LAST_STEPS: usize = 3;

/// The lines of a program in a dialect, as one engine's run gives them.
fn lines(world: &World, engine: &str, dialect: Dialect) -> String {
    let program = world.program;
    let mut options = Options::new(dialect);
    options.memory |= program.show == Show::Memory;
    // No client writes it.
    options.storage |= program.show == Show::Storage && dialect == Dialect::Eip3155;
    options.return_data |= program.show == Show::ReturnData;
    options.stack &= program.show != Show::End;
    let mut tracer = Eip3155Tracer::new(Vec::new(), options);
    let execution = world.run(engine, &mut Traced(&mut tracer));
    let summary = Summary { state_root: Some(world.state_root(&execution)), ..Summary::default() };
    String::from_utf8(tracer.finish(Some(&summary)).out.unwrap()).unwrap()
}

/// The struct logs of a program, one a line.
fn struct_logs(world: &World, engine: &str) -> String {
    let program = world.program;
    let mut recorder = Recorder::new(TracerConfig::full());
    world.run(engine, &mut Traced(&mut recorder));
    let trace = recorder.into_trace();
    let options = StructLogOptions {
        enable_memory: program.show == Show::Memory,
        enable_return_data: program.show == Show::ReturnData,
        disable_stack: program.show == Show::End,
        ..StructLogOptions::default()
    };
    let mut json = Vec::new();
    trace.write_struct_logs(&mut json, options).unwrap();
    String::from_utf8(json).unwrap().replace("{\"pc\":", "\n{\"pc\":")
}

/// Compares the engines' traces with each other, then with the snapshot.
#[track_caller]
fn check(format: &str, write: impl Fn(&World, &str) -> String) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("snapshots/{format}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for program in PROGRAMS {
        let world = World::of(program);
        let trace = write(&world, "mini");
        assert_eq!(trace, write(&world, "primary"), "{format} of {} on mini and on primary", program.name);
        let shown = match program.show {
            Show::End => end_of(&trace),
            _ => trace,
        };
        settings.bind(|| insta::assert_snapshot!(program.name, format!("{}\n{shown}", listing(program))));
    }
}

/// A program as it stands above its trace.
fn listing(program: &Program) -> String {
    let mut listing = format!("{}, {} gas\n\n{}\n", program.rules, program.gas, program.code);
    for (address, code) in program.others {
        listing.push_str(&format!("\n0x{address:02x}:\n{code}\n"));
    }
    listing
}

fn end_of(trace: &str) -> String {
    let lines: Vec<&str> = trace.lines().collect();
    let is_step = |line: &&str| line.starts_with("{\"pc\":");
    let steps = lines.iter().filter(|line| is_step(line)).count();
    let mut left_out = steps.saturating_sub(LAST_STEPS);
    let kept = lines.iter().filter(|line| {
        let leaves_out = is_step(line) && left_out > 0;
        left_out -= usize::from(leaves_out);
        !leaves_out
    });
    kept.fold(format!("({steps} lines of steps)\n"), |text, line| text + line + "\n")
}

#[test]
fn eip3155() {
    check("eip3155", |world, engine| lines(world, engine, Dialect::Eip3155));
}

#[test]
fn geth() {
    check("geth", |world, engine| lines(world, engine, Dialect::Geth));
}

#[test]
fn eels() {
    check("eels", |world, engine| lines(world, engine, Dialect::Eels));
}

#[test]
fn revm() {
    check("revm", |world, engine| lines(world, engine, Dialect::Revm));
}

#[test]
fn evmone() {
    check("evmone", |world, engine| lines(world, engine, Dialect::Evmone));
}

#[test]
fn struct_log() {
    check("struct-log", struct_logs);
}

/// What a dialect leaves out is unknown to a comparison, and what it says its own way is no difference.
#[test]
fn dialects_of_one_run_agree() {
    for program in PROGRAMS {
        let world = World::of(program);
        let traces = Dialect::ALL.map(|dialect| (dialect.name(), lines(&world, "mini", dialect)));
        for (left, left_trace) in &traces {
            for (right, right_trace) in &traces {
                let reader = |client: &str, trace| TraceReader::new(trace, client.parse().unwrap());
                let left_reader = reader(left, left_trace.as_bytes());
                let right_reader = reader(right, right_trace.as_bytes());
                let answer = compare_traces(left_reader, right_reader, CompareOptions::default()).unwrap();
                if let Err(difference) = answer.outcome {
                    panic!("{} in {left} and in {right}\n{difference}", program.name);
                }
            }
        }
    }
}

/// How opcodes and messages failed.
#[derive(Default)]
struct Halts {
    of_opcodes: BTreeSet<Halt>,
    of_messages: BTreeSet<Halt>,
}

impl Tracer for Halts {
    fn step_end(&mut self, _: &StepView<'_>, end: &StepEnd<'_>) {
        self.of_opcodes.extend(end.halt);
    }

    fn message(&mut self, _: &Message, phase: MessagePhase<'_>) {
        if let MessagePhase::After(outcome) = phase
            && let FrameStatus::Halt(halt) = outcome.status
        {
            self.of_messages.insert(halt);
        }
    }
}

/// Every way an opcode can fail is in a snapshot, and of the ways a message can, these.
#[test]
fn programs_meet_every_halt_of_opcodes() {
    let mut halts = Halts::default();
    for program in PROGRAMS {
        World::of(program).run("mini", &mut Traced(&mut halts));
    }
    let of_opcodes = [
        Halt::OutOfGas,
        Halt::StackUnderflow,
        Halt::StackOverflow,
        Halt::InvalidJump,
        Halt::InvalidOpcode,
        Halt::UndefinedOpcode,
        Halt::InvalidImmediate,
        Halt::StaticViolation,
        Halt::ReturnDataOutOfBounds,
        Halt::InitcodeTooLarge,
    ];
    assert_eq!(halts.of_opcodes, BTreeSet::from(of_opcodes));
    let before_or_after_a_frame =
        [Halt::CreateCollision, Halt::CodeStartsWithEf, Halt::PrecompileFailure, Halt::InsufficientBalance];
    let expected = of_opcodes.into_iter().chain(before_or_after_a_frame).collect();
    assert_eq!(halts.of_messages, expected);
}
