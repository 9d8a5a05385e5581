//! `parallax diff --steps FILE`: both sides of every step.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
};

use anyhow::{Context, Result, bail};
use parallax_campaign::{StepsFile, StepsLoss};

use crate::{arguments::DiffArguments, mode::Mode, outputs::Outputs, report::complain};

/// Most steps of a case if nothing is said.
const LIMIT: usize = 1_000_000;

/// Where the steps of a command go.
pub(crate) struct Steps<'a> {
    name: &'a str,
    pub(crate) file: StepsFile,
    limit: usize,
}

impl<'a> Steps<'a> {
    /// Opens the file, if there is to be one: one of the outputs of the command.
    pub(crate) fn open(arguments: &'a DiffArguments, outputs: &mut Outputs) -> Result<Option<Self>> {
        let Some(path) = arguments.steps.as_deref() else { return Ok(None) };
        if arguments.isolation.needs_workers() {
            bail!("--steps runs the cases in this process, without --case-timeout and --max-memory");
        }
        match arguments.mode {
            Mode::PerCall => {
                bail!("--mode per-call compares no steps: --steps expects --mode per-step or all")
            }
            Mode::PerBlock => {
                bail!("--mode per-block compares no steps: --steps expects --mode per-step or all")
            }
            Mode::PerStep | Mode::All => {}
        }
        if path == "-" && arguments.selection.json {
            bail!("--steps - and --json both write lines to standard output: expected a file for --steps");
        }
        let out: Box<dyn Write + Send> = if path == "-" {
            Box::new(io::stdout())
        } else {
            Box::new(outputs.open(path, "steps", |path| File::create(path))?)
        };
        let limit = arguments.steps_limit.unwrap_or(LIMIT);
        let name = if path == "-" { "standard output" } else { path };
        Ok(Some(Self { name, file: StepsFile::new(Box::new(BufWriter::new(out)), limit), limit }))
    }

    /// Ends it, and says what the limit kept out. Fails if it could not be written.
    pub(crate) fn finish(self) -> Result<()> {
        let StepsLoss { error, dropped, cases } = self.file.finish();
        if dropped > 0 {
            let Self { name, limit, .. } = self;
            complain(&format!(
                "{name}: {dropped} steps of {cases} cases are not in it: --steps-limit {limit}"
            ));
        }
        match error {
            Some(error) => Err(error).with_context(|| format!("{}: cannot write the steps", self.name)),
            None => Ok(()),
        }
    }
}
