//! Whole transactions on the plain engine, with the plain machine around it.

use std::{error::Error, hint::black_box, time::Duration};

use criterion::{Criterion, Throughput};
use parallax_engine_interface::Engine;
use parallax_generator::Workload;
use parallax_hooks::NoHooks;
use parallax_host_interface::NoPrecompiles;
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniEngine;

fn main() -> Result<(), Box<dyn Error>> {
    let engine = MiniEngine::new("mini", Mini, &NoPrecompiles);
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let mut group = criterion.benchmark_group("mini");
    for workload in Workload::all()? {
        let job = workload.job();
        workload.check(&engine.execute(&job, &mut NoHooks))?;
        group.throughput(Throughput::Elements(workload.steps));
        group.bench_function(workload.name, |bencher| {
            bencher.iter(|| black_box(engine.execute(&job, &mut NoHooks)));
        });
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}
