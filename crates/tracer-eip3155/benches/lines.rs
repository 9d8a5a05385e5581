//! EIP-3155 lines: writing them from transactions of the plain engine, reading them, and comparing two traces.

use std::{error::Error, hint::black_box, io, time::Duration};

use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use parallax_engine_interface::Engine;
use parallax_generator::Workload;
use parallax_host_interface::NoPrecompiles;
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniEngine;
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::{
    Client, CompareOptions, Dialect, Eip3155Tracer, Finished, Options, Record, TraceReader, compare_traces,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let mut group = criterion.benchmark_group("tracer-eip3155");
    for workload in Workload::all()? {
        group.throughput(Throughput::Elements(workload.steps));
        for dialect in [Dialect::Eip3155, Dialect::Geth] {
            writing(&mut group, &workload, dialect)?;
        }
        reading(&mut group, &workload)?;
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}

fn writing(
    group: &mut BenchmarkGroup<'_, WallTime>,
    workload: &Workload,
    dialect: Dialect,
) -> Result<(), Box<dyn Error>> {
    assert_eq!(write(workload, dialect, io::sink())?.steps, workload.steps);
    group.bench_function(format!("write-{dialect}/{}", workload.name), |bencher| {
        bencher.iter(|| black_box(write(workload, dialect, io::sink()).is_ok()));
    });
    Ok(())
}

fn reading(group: &mut BenchmarkGroup<'_, WallTime>, workload: &Workload) -> Result<(), Box<dyn Error>> {
    let text = write(workload, Dialect::Eip3155, Vec::new())?.out?;
    let reader = || TraceReader::new(&*text, Client::Eip3155);
    let steps = |records: TraceReader<&[u8]>| {
        records.filter(|record| matches!(record, Ok(Record::Step(_)))).map(|_| 1).sum::<u64>()
    };
    assert_eq!(steps(reader()), workload.steps);
    group.bench_function(format!("read/{}", workload.name), |bencher| {
        bencher.iter(|| black_box(steps(reader())));
    });
    // Alike as bytes, and of two clients.
    let geth = write(workload, Dialect::Geth, Vec::new())?.out?;
    let others = [("same", &text, Client::Eip3155), ("two-clients", &geth, Client::Geth)];
    for (name, other, client) in others {
        let compared = || {
            let right = TraceReader::new(&**other, client);
            let answer = compare_traces(reader(), right, CompareOptions::default()).ok()?;
            answer.outcome.ok().map(|same| same.steps)
        };
        assert_eq!(compared(), Some(workload.steps));
        group.bench_function(format!("compare-{name}/{}", workload.name), |bencher| {
            bencher.iter(|| black_box(compared()));
        });
    }
    Ok(())
}

/// Runs the workload and writes its trace; an error if it does not come to its answer.
fn write<W: io::Write>(workload: &Workload, dialect: Dialect, out: W) -> Result<Finished<W>, Box<dyn Error>> {
    let job = workload.job();
    let mut tracer = Eip3155Tracer::new(out, Options::new(dialect));
    let result = MiniEngine::new("mini", Mini, &NoPrecompiles).execute(&job, &mut Traced(&mut tracer));
    workload.check(&result)?;
    Ok(tracer.finish(None))
}
