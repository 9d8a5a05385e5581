//! Whole transactions on revm, through the adapter.

use std::{error::Error, hint::black_box, time::Duration};

use criterion::{Criterion, Throughput};
use parallax_engine_interface::Engine;
use parallax_engine_revm::Revm;
use parallax_generator::Workload;
use parallax_hooks::NoHooks;

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Revm;
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let mut group = criterion.benchmark_group("revm");
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
