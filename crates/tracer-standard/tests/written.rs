//! Struct logs that are written while the run goes on are those of the record.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod programs;

use std::ops::Range;

use parallax_generator::Scenario;
use parallax_hooks::{End, Hooks, MessagePhase, StepEnd, StepView};
use parallax_primitives::{Fork, Message, TxOutcome};
use parallax_tracer_core::{Traced, Tracer};
use parallax_tracer_standard::{Recorder, StructLogOptions, StructLogWriter, TracerConfig};
use serde_json::Value;

use programs::execute;

const ALL: StructLogOptions = StructLogOptions {
    enable_memory: true,
    disable_stack: false,
    disable_storage: false,
    enable_return_data: true,
    enable_logs: true,
    limit: 0,
};
const TIGHT: TracerConfig =
    TracerConfig { memory_max_bytes: 32, stack_max_items: 2, log_data_max_bytes: 3, ..TracerConfig::full() };

/// Steps that are hidden from a tracer.
struct Hidden<T>(T, Range<u64>);

impl<T: Tracer> Tracer for Hidden<T> {
    fn end(&mut self, end: &End<'_>) {
        self.0.end(end);
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

fn run(seed: u64, hooks: &mut dyn Hooks) -> Option<TxOutcome> {
    // Each third has two gases.
    let scenario = if seed % 3 == 2 { Scenario::of(seed, Fork::Amsterdam) } else { Scenario::new(seed) };
    execute(&scenario.job(), hooks).ok().flatten()
}

/// The steps as they stand in a document.
fn rows(document: &str) -> &str {
    let start = document.find("\"structLogs\":[").unwrap();
    &document[start..document.rfind(']').unwrap()]
}

/// What is written of the run of this seed, and what a record of it says.
#[track_caller]
fn check(seed: u64, options: StructLogOptions, config: TracerConfig, hidden: Range<u64>) -> Value {
    let mut recorder = Recorder::new(config);
    let mut writer = StructLogWriter::new(Vec::new(), options, config);
    run(seed, &mut Traced(Hidden((&mut recorder, &mut writer), hidden)));
    let trace = recorder.into_trace();
    let mut recorded = Vec::new();
    trace.write_struct_logs(&mut recorded, options).unwrap();
    let written = writer.finish();
    assert_eq!((written.lost, written.missing), (0, trace.header().missing));
    let [recorded, written] = [recorded, written.out.unwrap()].map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(written.find('\n'), Some(written.len() - 1), "one line");
    assert_eq!(rows(&recorded), rows(&written), "seed {seed}, {options:?}, {config:?}");
    let [recorded, written]: [Value; 2] =
        [recorded, written].map(|text| serde_json::from_str(&text).unwrap());
    assert_eq!(recorded, written);
    written
}

#[test]
fn what_is_written_is_what_is_recorded() {
    let none = StructLogOptions { disable_stack: true, disable_storage: true, ..Default::default() };
    let mut shown = [0; 4];
    for seed in 0..120 {
        for (options, config) in [
            (ALL, TracerConfig::full()),
            (StructLogOptions { limit: 5, ..ALL }, TracerConfig::full()),
            (none, TracerConfig::full()),
            (ALL, TIGHT),
        ] {
            let text = check(seed, options, config, 0..0).to_string();
            for (count, field) in shown.iter_mut().zip([
                "\"storage\"",
                "\"dataSize\"",
                "\"memoryOffset\"",
                "\"stateGasCost\":97920",
            ]) {
                *count += text.matches(field).count();
            }
        }
    }
    assert!(shown.iter().all(|count| *count > 10), "{shown:?}");
}

#[test]
fn steps_that_were_not_shown_are_counted() {
    let missing: Vec<_> = [0..3, 4..5, 1..10]
        .map(|hidden| check(1, ALL, TracerConfig::full(), hidden)["stepsMissing"].clone())
        .into();
    assert_eq!(missing, [3, 1, 9]);
}

#[test]
fn steps_behind_the_bound_are_counted() {
    let steps = check(1, ALL, TracerConfig::full(), 0..0)["structLogs"].as_array().unwrap().len();
    for bytes in [0, 1, 1000] {
        let config = TracerConfig { trace_max_bytes: bytes, ..TracerConfig::full() };
        let mut writer = StructLogWriter::new(Vec::new(), ALL, config);
        let _ = run(1, &mut Traced(&mut writer));
        let written = writer.finish();
        let document: Value = serde_json::from_slice(&written.out.unwrap()).unwrap();
        let rows = document["structLogs"].as_array().unwrap();
        let texts: Vec<_> = rows.iter().map(|row| row.to_string().len() as u64).collect();
        assert!(texts.iter().rev().skip(1).sum::<u64>() <= bytes, "only the last one goes beyond it");
        assert_eq!((rows.len() as u64, written.dropped), (written.steps, (steps - rows.len()) as u64));
        assert_eq!(document["stepsDropped"], written.dropped);
    }
}

#[test]
fn a_run_that_is_left_leaves_what_was_written() {
    let mut text = Vec::new();
    let mut writer = StructLogWriter::new(&mut text, ALL, TracerConfig::full());
    let _ = run(1, &mut Traced(&mut writer));
    drop(writer);
    assert!(text.starts_with(b"{\"structLogs\":[{\"pc\":0,") && text.ends_with(b"}"));
}
