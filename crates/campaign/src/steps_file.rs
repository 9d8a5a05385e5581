//! Both sides of every step of every compared case, as lines of JSON.
//!
//! Invariant: a case is compared as ever, and once more, step by step, for its lines: what goes wrong while they are written never
//! changes what comes of it.

use std::{
    io::{self, Write},
    sync::{Mutex, PoisonError},
};

use parallax_engine_interface::Job;
use parallax_record_json::{CaseId, write_run};
use parallax_shadow_diff::{RunLimits, ShadowConfig, run_both_per_step};

use crate::{CaseName, DiffOutcome, engines::EngineSource};

/// Where the steps go.
pub struct StepsFile {
    kept: Mutex<Kept>,
    /// Most steps of a case.
    limit: usize,
}

struct Kept {
    out: Box<dyn Write + Send>,
    loss: StepsLoss,
}

/// What did not reach the file.
#[derive(Debug, Default)]
pub struct StepsLoss {
    /// The writer's first error; nothing was written behind it.
    pub error: Option<io::Error>,
    /// Steps that the limit kept out.
    pub dropped: u64,
    /// Cases that have such steps.
    pub cases: u64,
}

impl StepsFile {
    /// Takes at most `limit` steps of each case.
    pub fn new(out: Box<dyn Write + Send>, limit: usize) -> Self {
        Self { kept: Mutex::new(Kept { out, loss: StepsLoss::default() }), limit }
    }

    /// Whether it could not be written.
    pub fn has_failed(&self) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).loss.error.is_some()
    }

    /// Closes it.
    pub fn finish(self) -> StepsLoss {
        let Kept { mut out, mut loss } = self.kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let (None, Err(error)) = (&loss.error, out.flush()) {
            loss.error = Some(error);
        }
        loss
    }

    /// Writes the lines of a case of which `outcome` came. The verdict is that of `outcome`.
    pub fn write(
        &self,
        case: CaseId,
        job: &Job<'_>,
        sides: [&(impl EngineSource + ?Sized); 2],
        config: &ShadowConfig,
        outcome: &DiffOutcome,
    ) {
        let limits = RunLimits { steps: config.max_steps, recorded_steps: self.limit };
        let config = ShadowConfig { skip_identical_steps: false, ..*config };
        let [left, right] = sides.map(EngineSource::make);
        let mut run = run_both_per_step(&*left, &*right, job, &config, limits);
        (run.mode, run.verdict) = (config.mode, outcome.verdict.clone());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { out, loss } = &mut *kept;
        if loss.error.is_none() {
            loss.error = write_run(out, case, &run).err();
            loss.dropped += run.steps_dropped;
            loss.cases += u64::from(run.steps_dropped > 0);
        }
    }
}

impl CaseName<'_> {
    /// As records have it.
    pub(crate) fn id(&self) -> CaseId {
        let [d, g, v] = self.index.map(|number| self.rules.map(|_| number as u64));
        let fork = self.rules.map_or(String::new(), |(_, name)| name.to_owned());
        CaseId { file: self.file.to_owned(), name: self.name.to_owned(), fork, d, g, v }
    }
}
