//! How many bytes of the heap a recording holds when the run is over, counted by the allocator: one pass, not timed.
//! Arguments: for every program its file and the cap of its gas.

#![forbid(unsafe_code)]

use std::{alloc::System, path::Path};

use anyhow::{Context, Result, ensure};
use parallax_mini_interpreter::Mini;
use parallax_peers::{program::Program, revm_side::RevmProgram};
use parallax_tracer_core::Traced;
use parallax_tracer_standard::{Recorder, TracerConfig};
use revm_inspectors::tracing::{TracingInspector, TracingInspectorConfig};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    while let Some(path) = arguments.next() {
        let mut program = Program::read(Path::new(&path))?;
        program.cap(arguments.next().context("no cap of gas")?.parse()?);
        let revm = RevmProgram::new(&program)?;
        let all = TracingInspectorConfig::all();
        let (theirs, inspector) = held(|| Ok(revm.run(TracingInspector::new(all))?.1))?;
        let nodes = inspector.traces().nodes();
        let steps: u64 = nodes.iter().map(|node| node.trace.steps.len() as u64).sum();
        drop(inspector);
        let geth = TracingInspectorConfig::default_geth();
        let (without_memory, _) = held(|| Ok(revm.run(TracingInspector::new(geth))?.1))?;
        let (ours, trace) = held(|| {
            let mut hooks = Traced(Recorder::new(TracerConfig::full()));
            program.run(&Mini, Some(&mut hooks))?;
            Ok(hooks.0.into_trace())
        })?;
        ensure!(trace.len() == steps, "{}: {} steps, revm's {steps}", program.name, trace.len());
        let of_header = trace.header().bytes;
        let per_step = |bytes: u64| bytes as f64 / steps as f64;
        let ratio = |theirs: u64| theirs as f64 / ours as f64;
        println!("bytes of heap held: {}, {steps} steps", program.name);
        println!("  theirs, all    {:8.1} a step {:7.1}x ours", per_step(theirs), ratio(theirs));
        println!("  theirs, geth's {:8.1} a step {:7.1}x", per_step(without_memory), ratio(without_memory));
        println!("  ours           {:8.1} a step, {:.2} of them filled", per_step(ours), per_step(of_header));
    }
    Ok(())
}

/// What `make` leaves on the heap, in bytes, spare capacity included.
fn held<T>(make: impl FnOnce() -> Result<T>) -> Result<(u64, T)> {
    let region = Region::new(ALLOCATOR);
    let value = make()?;
    let change = region.change();
    Ok((change.bytes_allocated.saturating_sub(change.bytes_deallocated) as u64, value))
}
