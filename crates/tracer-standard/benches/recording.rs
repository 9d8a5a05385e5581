//! The recorder and the struct logs on transactions of the plain engine, beside a run that is shown to nobody and one that is shown
//! to hooks that do nothing: what is above that is the tracer's.

use std::{error::Error, hint::black_box, io, time::Duration};

use criterion::{Criterion, Throughput};
use parallax_engine_interface::{Engine, EngineError, Execution};
use parallax_generator::Workload;
use parallax_hooks::{Hooks, NoHooks, on_step_end};
use parallax_host_interface::NoPrecompiles;
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniEngine;
use parallax_tracer_core::Traced;
use parallax_tracer_standard::{Recorder, StructLogOptions, StructLogWriter, TracerConfig};

/// What runs the transaction under hooks.
type Run<'a> = &'a dyn Fn(&mut dyn Hooks) -> Result<Execution, EngineError>;

/// A way of looking on. Answers how many steps it has, if it keeps any.
type Way = fn(Run<'_>) -> Result<Option<u64>, Box<dyn Error>>;

const WAYS: [(&str, Way); 5] = [
    ("off", |run| {
        run(&mut NoHooks)?;
        Ok(None)
    }),
    ("shown", |run| {
        run(&mut on_step_end(|step, _| {
            black_box(step.index);
        }))?;
        Ok(None)
    }),
    ("record", |run| record(run, TracerConfig::full())),
    ("record-bounded", |run| record(run, TracerConfig::bounded())),
    ("struct-logs", |run| {
        let mut writer = StructLogWriter::new(io::sink(), StructLogOptions::default(), TracerConfig::full());
        run(&mut Traced(&mut writer))?;
        let written = writer.finish();
        written.out?;
        Ok(Some(written.steps))
    }),
];

fn record(run: Run<'_>, config: TracerConfig) -> Result<Option<u64>, Box<dyn Error>> {
    let mut recorder = Recorder::new(config);
    run(&mut Traced(&mut recorder))?;
    Ok(Some(recorder.into_trace().header().steps))
}

fn main() -> Result<(), Box<dyn Error>> {
    let engine = MiniEngine::new("mini", Mini, &NoPrecompiles);
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let mut group = criterion.benchmark_group("tracer-standard");
    for workload in Workload::all()? {
        group.throughput(Throughput::Elements(workload.steps));
        let job = workload.job();
        for (name, way) in WAYS {
            let steps = way(&|hooks| {
                let result = engine.execute(&job, hooks);
                assert_eq!(workload.check(&result), Ok(()));
                result
            })?;
            assert!(steps.is_none_or(|steps| steps == workload.steps), "{name}: {steps:?} steps");
            group.bench_function(format!("{name}/{}", workload.name), |bencher| {
                bencher.iter(|| black_box(way(&|hooks| engine.execute(&job, hooks)).is_ok()));
            });
        }
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}
