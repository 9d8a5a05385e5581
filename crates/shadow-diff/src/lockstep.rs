//! One engine that runs, and the other beside it.

use std::time::Duration;

use parallax_engine_interface::{Engine, EngineError, Execution, Job, Progress, Stepper};
use parallax_hooks::{Hooks, NoHooks};
use parallax_host_interface::HostError;

use crate::{Compared, Shadow, ShadowConfig, Side, Verdict, outcome};

/// Runs `watched` until its end, or until `shadow` pauses it at a divergence. Both stand at the same step whenever it pauses.
pub fn lockstep(watched: &mut dyn Stepper, shadow: &mut Shadow<'_>) -> Result<Progress, HostError> {
    watched.run(shadow)
}

/// Runs one engine with the other beside it; what `observer` has is shown what its side does.
pub(crate) fn beside<'a>(
    left: &'a dyn Engine,
    right: &'a dyn Engine,
    job: &Job<'a>,
    config: &ShadowConfig,
    observer: Option<(Side, &'a mut dyn Hooks)>,
    prepare: impl FnOnce(Shadow<'a>) -> Shadow<'a>,
) -> Compared {
    let names = [left.name(), right.name()];
    let started = match right.start(job) {
        Ok(Some(stepper)) => Ok((stepper, Side::Left)),
        Ok(None) => match left.start(job) {
            Ok(Some(stepper)) => Ok((stepper, Side::Right)),
            Ok(None) => return uncompared(names),
            Err(error) => Err([Err(error), right.execute(job, &mut NoHooks)]),
        },
        Err(error) => Err([left.execute(job, &mut NoHooks), Err(error)]),
    };
    match started {
        Ok((stepper, watched)) => {
            let mut shadow = prepare(Shadow::new(names, stepper, config).watching(watched));
            let engine = if watched == Side::Left { left } else { right };
            let result = match observer {
                None => engine.execute(job, &mut shadow),
                Some((of, observer)) if of == watched => engine.execute(job, &mut (observer, &mut shadow)),
                Some((_, observer)) => {
                    shadow = shadow.observed_by(observer);
                    engine.execute(job, &mut shadow)
                }
            };
            shadow.finish(result)
        }
        // One side at least has no run.
        Err(results) => unstarted(names, results, config),
    }
}

/// What neither side can show step by step.
fn uncompared([left, right]: [&str; 2]) -> Compared {
    let reason = format!("neither {left} nor {right} can be stepped");
    let results = [(); 2].map(|()| Err(HostError::new(reason.clone()).into()));
    let verdict = Verdict::NotCompared(reason);
    Compared { verdict, steps: 0, results, times: [Duration::ZERO; 2], record: None }
}

/// The verdict of a run that had no two sides.
pub(crate) fn unstarted(
    names: [&str; 2],
    results: [Result<Execution, EngineError>; 2],
    config: &ShadowConfig,
) -> Compared {
    let compared = outcome::answers(names, [&results[0], &results[1]], config, || Ok(()));
    let verdict = outcome::verdict(compared, names, Vec::new, config);
    Compared { verdict, steps: 0, results, times: [Duration::ZERO; 2], record: None }
}
