//! Whole transactions on the fast engine: as it ships, once code is hot, and opcode by opcode. Analyses and translations are made
//! before: tests have each translation proved, and what that takes is not the engine's.

use std::{error::Error, hint::black_box, time::Duration};

use criterion::{Criterion, Throughput};
use parallax_engine_interface::{EngineError, Execution, Job, Stepper};
use parallax_generator::Workload;
use parallax_hooks::NoHooks;
use parallax_machine::{Machine, validate};
use parallax_primary_interpreter::{Primary, Tiering};
use parallax_state::State;

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let mut group = criterion.benchmark_group("primary");
    for workload in Workload::all()? {
        group.throughput(Throughput::Elements(workload.steps));
        for (form, tiering) in [("hot", Tiering::WhenHot), ("exact", Tiering::Never)] {
            let engine = Primary::with_tiering(tiering);
            let job = workload.job();
            // The second run finds the code hot.
            for _ in 0..2 {
                workload.check(&execute(&engine, &job))?;
            }
            group.bench_function(format!("{form}/{}", workload.name), |bencher| {
                bencher.iter(|| black_box(execute(&engine, &job)));
            });
        }
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}

fn execute(engine: &Primary, job: &Job<'_>) -> Result<Execution, EngineError> {
    let validated = validate(job)?;
    let state = State::new(job.database, job.rules, job.block.clone(), validated.transaction.clone());
    let mut machine =
        Box::new(Machine::new(engine, &parallax_precompiles::Contracts, job, validated, Box::new(state))?);
    machine.run(&mut NoHooks)?;
    Ok(machine.finish()?)
}
