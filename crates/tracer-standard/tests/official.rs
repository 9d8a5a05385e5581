//! Real executions: every state that a trace gives back is the one that the engine's hooks saw.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod checked;
mod programs;

use checked::Checked;
use parallax_tracer_core::Traced;
use parallax_tracer_standard::{Recorder, TracerConfig};
use programs::{Limited, Program, execute, files_below, shared};

/// Enough for long loops, deep calls and every opcode; few enough for every run of the tests.
const STEPS: u64 = 1_000_000;
/// One case is left when it has so many.
const STEPS_PER_CASE: u64 = 100_000;

#[test]
fn official_cases_come_back() {
    let Some(folder) = shared("eest") else { return };
    let mut files = files_below(&folder);
    // A fixed sample, spread over all folders.
    let mut place = 0;
    let (mut steps, mut cases) = (0, 0);
    while steps < STEPS && !files.is_empty() {
        place = (place + 7919) % files.len();
        let file = files.swap_remove(place);
        for case in parallax_state_tests::cases(&file).unwrap().step_by(5).take(20) {
            let Ok(case) = case else { continue };
            let Ok(job) = case.job() else { continue };
            let mut checked = limited(Checked::new(4096));
            // A case that is refused has no step; one that is left early has some.
            let _ = execute(&job, &mut checked);
            let mut checked = checked.hooks.0;
            checked.compare();
            steps += checked.compared;
            cases += 1;
        }
    }
    eprintln!("{steps} steps of {cases} official cases");
    assert!(steps > 100_000);
}

#[test]
fn a_step_of_the_benchmarks_takes_few_bytes() {
    let Some(folder) = shared("bench") else { return };
    let (mut all_bytes, mut all_steps) = (0, 0);
    for file in files_below(&folder) {
        let mut hooks = limited(Recorder::new(TracerConfig::full()));
        Program::read(&file).run(&mut hooks);
        let header = hooks.hooks.0.trace().header();
        eprintln!(
            "{:50} {:>9} steps {:>6.2} bytes a step",
            file.file_stem().unwrap().to_string_lossy(),
            header.steps,
            header.bytes as f64 / header.steps as f64
        );
        all_bytes += header.bytes;
        all_steps += header.steps;
    }
    eprintln!("{:.2} bytes a step of all", all_bytes as f64 / all_steps as f64);
    assert!(all_bytes <= 24 * all_steps);
}

#[test]
fn long_programs_come_back() {
    let Some(folder) = shared("bench") else { return };
    for name in ["evmbench__snailtracer", "evmbench__erc20-transfer", "main__blake2b_huff__8415nulls"] {
        let mut hooks = limited(Checked::new(4096));
        Program::read(&folder.join(name).with_extension("json")).run(&mut hooks);
        hooks.hooks.0.compare();
        assert!(hooks.hooks.0.compared >= 100_000);
    }
}

fn limited<T>(tracer: T) -> Limited<Traced<T>> {
    Limited { hooks: Traced(tracer), left: STEPS_PER_CASE }
}
