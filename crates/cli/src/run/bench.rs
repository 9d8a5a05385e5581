//! How long a run takes that nothing watches.

use std::time::Instant;

use anyhow::{Result, anyhow};
use parallax_campaign::engines::EngineName;
use parallax_engine_interface::Job;
use parallax_hooks::NoHooks;
use serde_json::{Value, json};

use super::arguments::RunArguments;

/// Times of an engine, in nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    /// Sorted.
    runs: Vec<u64>,
    gas_used: u64,
}

impl Times {
    pub(crate) fn median(&self) -> u64 {
        self.runs.get(self.runs.len() / 2).copied().unwrap_or_default()
    }

    /// Millions of gas in a second, by the median.
    #[allow(clippy::cast_precision_loss, reason = "three digits of it are shown")]
    fn speed(&self) -> f64 {
        self.gas_used as f64 * 1e3 / self.median().max(1) as f64
    }

    pub(crate) fn text(&self, name: EngineName) -> String {
        let Self { runs, .. } = self;
        let (count, least) = (runs.len(), runs.first().copied().unwrap_or_default());
        format!(
            "bench     {name}: {count} runs, median {} ns, least {least} ns, {:.1} Mgas/s\n",
            self.median(),
            self.speed()
        )
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "runs": self.runs.len(),
            "medianNs": self.median(),
            "leastNs": self.runs.first(),
            "mgasPerSecond": (self.speed() * 10.0).round() / 10.0,
        })
    }
}

/// Times of each engine, by turns: so what else the machine does falls on all of them. None if nobody asks.
pub(crate) fn measure(arguments: &RunArguments, job: &Job<'_>) -> Result<Vec<Times>> {
    let rounds = arguments.bench.or(arguments.time.then_some(1)).unwrap_or(0);
    let engines: Vec<_> = arguments.engine.iter().map(|name| (*name, name.engine())).collect();
    let mut all: Vec<_> = engines.iter().map(|_| Times { runs: Vec::new(), gas_used: 0 }).collect();
    for _ in 0..rounds {
        for ((name, engine), times) in engines.iter().zip(&mut all) {
            let start = Instant::now();
            let execution = engine.execute(job, &mut NoHooks);
            let time = start.elapsed().as_nanos();
            times.runs.push(u64::try_from(time).unwrap_or(u64::MAX));
            let execution = execution.map_err(|error| anyhow!("{name}: {error}"))?;
            times.gas_used = execution.outcome.map_or(0, |outcome| outcome.gas_used);
        }
    }
    all.iter_mut().for_each(|times| times.runs.sort_unstable());
    Ok(if rounds == 0 { Vec::new() } else { all })
}
