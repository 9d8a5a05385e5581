//! Traces of the cases of tests: what they go together with, and what they may be written over.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail, ensure};
use parallax_campaign::engines::EngineName;

use crate::{
    arguments::IsolationArguments, libraries::needs_steps, outputs::Outputs, selection::Incoming,
    trace_arguments::TraceArguments,
};

/// Refuses an engine that cannot be traced.
pub(crate) fn check_engine(engine: EngineName) -> Result<()> {
    if engine == EngineName::Revm {
        bail!(
            "--engine revm cannot tell what a failing opcode would have cost, so it is not traced: expected primary or mini"
        );
    }
    needs_steps("--trace", engine)
}

impl TraceArguments {
    /// Refuses what the traces of cases do not go together with.
    pub(crate) fn check_cases(
        &self,
        engine: EngineName,
        jobs: Option<usize>,
        isolation: &IsolationArguments,
    ) -> Result<()> {
        if self.trace.is_empty() {
            return Ok(());
        }
        check_engine(engine)?;
        if jobs.is_some_and(|jobs| jobs > 1) {
            bail!("--trace runs one case after the other: expected no --jobs");
        }
        if isolation.needs_workers() || isolation.max_steps.is_some() {
            bail!(
                "--trace runs the cases in this process, without --case-timeout, --max-steps and --max-memory"
            );
        }
        Ok(())
    }

    /// What may be written: not what is read. Paths of a list on standard input are not known before they come, so then only where
    /// nothing is.
    pub(crate) fn outputs(&self, paths: &[PathBuf], incoming: &mut Incoming<'_>) -> Result<Outputs> {
        let Self { trace_out, trace_append, .. } = self;
        if trace_out.is_empty() {
            return Ok(Outputs::default());
        }
        if !paths.iter().any(|path| path == Path::new("-")) {
            incoming.gather()?;
            return Ok(Outputs::beside(incoming.gathered_files()));
        }
        for path in trace_out {
            let holds = fs::metadata(path).is_ok_and(|there| there.is_file() && there.len() > 0);
            ensure!(
                *trace_append || !holds,
                "{path}: the trace would be written over what is in it, which standard input may name: expected a new file, or --trace-append"
            );
        }
        Ok(Outputs::beside(["-"]))
    }
}
