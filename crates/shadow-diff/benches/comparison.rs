//! The fast engine beside the plain one, in every mode. What the engines themselves take is in their benches.

use std::{error::Error, hint::black_box, time::Duration};

use criterion::{Criterion, Throughput};
use parallax_campaign::engines::{mini, primary, primary_with};
use parallax_generator::Workload;
use parallax_primary_interpreter::Tiering;
use parallax_shadow_diff::{Form, ShadowConfig, ShadowMode, Side, Verdict, compare_engines_in_forms};

const MODES: [ShadowMode; 4] =
    [ShadowMode::PerCall, ShadowMode::PerBlock, ShadowMode::PerStep, ShadowMode::All];

fn main() -> Result<(), Box<dyn Error>> {
    let (left, translated) = (primary(), primary_with(Tiering::Always));
    let forms = [Form {
        side: Side::Left,
        name: "primary-always",
        engine: &translated,
        is_other: Box::new(|| true),
        again: Box::new(|| Box::new(primary_with(Tiering::Always))),
    }];
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let mut group = criterion.benchmark_group("shadow-diff");
    for workload in Workload::all()? {
        group.throughput(Throughput::Elements(workload.steps));
        let job = workload.job();
        for mode in MODES {
            let config = ShadowConfig { mode, ..ShadowConfig::default() };
            let compare = || compare_engines_in_forms(&left, mini(), &job, &config, &forms);
            let compared = compare();
            assert_eq!(compared.verdict, Verdict::Agree, "{}", workload.name);
            for result in &compared.results {
                workload.check(result)?;
            }
            group.bench_function(format!("{}/{}", mode.name(), workload.name), |bencher| {
                bencher.iter(|| black_box(compare().verdict == Verdict::Agree));
            });
        }
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}
