//! What is in the file, read back, is what the recorder has of the same runs.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{io::Write, path::Path};

use parallax_engine_interface::{Engine, Job};
use parallax_generator::Scenario;
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniEngine;
use parallax_mini_precompiles::Contracts;
use parallax_primitives::{Bytes, Fork, Message, MessageKind};
use parallax_tracer_core::Traced;
use parallax_tracer_parquet::{ParquetTracer, Place};
use parallax_tracer_standard::{Call, Recorder, Trace, TracerConfig};
use parquet::{
    data_type::ByteArray,
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};

static ENGINE: MiniEngine<Mini> = MiniEngine::new("mini", Mini, &Contracts);

type Row = Vec<Field>;

fn read(bytes: Vec<u8>) -> (Vec<Row>, usize) {
    let reader = SerializedFileReader::new(Bytes::from(bytes).0).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        row.get_column_iter().map(|(_, field)| field.clone()).collect()
    });
    (rows.collect(), reader.num_row_groups())
}

/// Where the rows of a run are.
struct Told<'a> {
    transaction: i64,
    place: Option<(&'a str, &'a str)>,
    rules: &'a str,
}

/// The rows that a record amounts to.
fn recorded(trace: &Trace, told: &Told<'_>) -> Vec<Row> {
    let (mut rows, mut replay) = (Vec::new(), trace.replay());
    let long = |number: u64| i64::try_from(number).map_or(Field::Null, Field::Long);
    let text = |text: &str| Field::Str(text.to_owned());
    let bytes = |bytes: &[u8]| Field::Bytes(ByteArray::from(bytes.to_vec()));
    while let Some(step) = replay.advance() {
        let info = step.info().unwrap();
        let frame = trace.calls().iter().position(|call| std::ptr::eq(call, step.call().unwrap())).unwrap();
        let message = &trace.calls()[frame].message;
        let sent = trace.calls().iter().find(|call| call.sent_by == Some(info.index));
        let stack = step.stack().items;
        let item = |at: usize| {
            stack.iter().nth_back(at).map_or(Field::Null, |item| bytes(&item.to_be_bytes::<32>()))
        };
        rows.push(vec![
            Field::Long(told.transaction),
            told.place.map_or(Field::Null, |(file, _)| text(file)),
            told.place.map_or(Field::Null, |(_, test)| text(test)),
            text(told.rules),
            long(info.index + 1),
            long(frame as u64),
            Field::Int(i32::from(info.depth) + 1),
            long(info.pc as u64),
            Field::Int(info.opcode.0.into()),
            text(info.op_name),
            long(info.gas_before),
            long(step.gas_cost()),
            long(step.gas_cost() - sent.map_or(0, forwarded)),
            Field::Long(step.state_gas_cost()),
            Field::Long(step.state.refund),
            Field::Int(info.stack_size.try_into().unwrap()),
            item(0),
            item(1),
            item(2),
            long(info.memory_size as u64),
            bytes(info.address.as_slice()),
            if message.kind.is_create() { Field::Null } else { bytes(message.code_address.as_slice()) },
            step.halt().map_or(Field::Null, |halt| text(halt.name())),
        ]);
    }
    assert_eq!(rows.len() as u64, trace.len());
    rows
}

/// What of a call's cost its message was given: all its gas, but the stipend.
fn forwarded(call: &Call) -> u64 {
    let Message { kind, gas, value, .. } = call.message;
    match kind {
        MessageKind::Call | MessageKind::CallCode if !value.is_zero() => gas - 2300,
        MessageKind::Create | MessageKind::Create2 => 0,
        _ => gas,
    }
}

/// Runs a job into both, and says what the recorder has.
fn run<W: Write + Send>(job: &Job<'_>, parquet: &mut ParquetTracer<W>) -> Trace {
    let mut recorder = Recorder::new(TracerConfig::full());
    // A transaction that is refused has no steps.
    let _ = ENGINE.execute(job, &mut Traced((&mut recorder, parquet)));
    recorder.into_trace()
}

#[track_caller]
fn assert_same(read: &[Row], expected: &[Row]) {
    for (number, (read, expected)) in read.iter().zip(expected).enumerate() {
        assert_eq!(read, expected, "row {number}");
    }
    assert_eq!(read.len(), expected.len());
}

fn scenario(seed: u64) -> Scenario {
    // Each third has two gases.
    if seed % 3 == 2 { Scenario::of(seed, Fork::Amsterdam) } else { Scenario::new(seed) }
}

#[test]
fn generated_transactions_come_back() {
    let mut tracer = ParquetTracer::with_row_groups(Vec::new(), 1000);
    let mut expected = Vec::new();
    for seed in 0..200 {
        let scenario = scenario(seed);
        let trace = run(&scenario.job(), &mut tracer);
        let told = Told { transaction: seed.cast_signed(), place: None, rules: scenario.job().rules.name() };
        expected.extend(recorded(&trace, &told));
    }
    let finished = tracer.finish();
    let (rows, groups) = read(finished.out.unwrap());
    assert_eq!((finished.steps, finished.lost, finished.missing), (rows.len() as u64, 0, 0));
    assert_same(&rows, &expected);
    assert_eq!(groups, rows.len().div_ceil(1000));
    // Whatever a row may have is met.
    let nulls = |column: usize| rows.iter().filter(|row| row[column] == Field::Null).count();
    for column in [1, 2, 16, 17, 18, 21, 22] {
        assert!(nulls(column) > 0, "column {column} is never null");
    }
    for column in [16, 17, 18, 21, 22] {
        assert!(nulls(column) < rows.len(), "column {column} is always null");
    }
    let differs = |one: usize, other: usize| rows.iter().filter(|row| row[one] != row[other]).count();
    assert!(differs(11, 12) > 10 && differs(20, 21) > 10, "calls and delegate calls");
}

#[test]
fn cases_of_the_repository_come_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/state-tests");
    for name in ["calls", "contexts", "creations", "delegations", "precompiles", "state_gas", "storage"] {
        let path = folder.join(name).with_extension("json");
        let file = path.to_str().unwrap();
        let mut tracer = ParquetTracer::with_row_groups(Vec::new(), 5000);
        let mut expected = Vec::new();
        for (transaction, case) in (0..).zip(parallax_state_tests::cases(&path).unwrap()) {
            let case = case.unwrap();
            let test = format!("{} d{} g{} v{}", case.name, case.d, case.g, case.v);
            tracer.set_place(Place { file: file.to_owned(), test: test.clone() });
            let trace = run(&case.job().unwrap(), &mut tracer);
            let told = Told { transaction, place: Some((file, &test)), rules: case.rules.name() };
            expected.extend(recorded(&trace, &told));
        }
        let (rows, _) = read(tracer.finish().out.unwrap());
        assert!(rows.len() > 100, "{name}");
        assert_same(&rows, &expected);
    }
}
