//! Runs that are traced to standard error.

use std::io;

use anyhow::{Context, Result};
use parallax_hooks::{Hooks, NoHooks};
use parallax_tracer_core::Traced;
use parallax_tracer_eip3155::Eip3155Tracer;

use super::{
    arguments::{TraceForm, TraceParts},
    text_trace::TextTracer,
};

/// Has `go` run something, traced if anything is to be traced. All of its trace is written when it is over.
pub(super) fn watched<R>(parts: Option<TraceParts>, go: impl FnOnce(&mut dyn Hooks) -> R) -> Result<R> {
    let Some(parts) = parts else { return Ok(go(&mut NoHooks)) };
    let (result, written) = match parts.form {
        TraceForm::Json => {
            let mut tracer = Eip3155Tracer::new(io::stderr(), parts.lines());
            let result = go(&mut Traced(&mut tracer));
            (result, tracer.finish(None).out.map(drop))
        }
        TraceForm::Struct | TraceForm::Md => {
            let mut tracer = TextTracer::new(io::stderr(), parts);
            let result = go(&mut Traced(&mut tracer));
            (result, tracer.finish())
        }
    };
    written.context("standard error: cannot write the trace")?;
    Ok(result)
}
